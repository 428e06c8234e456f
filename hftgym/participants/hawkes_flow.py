"""Order flow as a multivariate Hawkes process with exponential kernels.

Hawkes 1971; for order books Bacry, Mastromatteo, Muzy 2015. Ten types of events, five on each side
(``EVENTS``), excite themselves and each other:

    lambda_i(t) = base_i + sum over events of type j at s < t of n_ij * decay * exp(-decay (t - s)),

n_ij being the mean number of direct successors of type i of an event of type j. The process is
stationary when the spectral radius of n is below 1; its mean rates are (1 - n)^-1 base.

Arrival times are drawn exactly and without rejections (Dassios, Zhao 2013): with one decay for all
kernels the total intensity is a constant plus one decaying exponential. The type of an event has
the probabilities of the intensities at its time.

Each resting order is also given up at rate ``patience_per_s``, which keeps the depth of the book
stationary, whatever the other rates are; such a cancel excites as any other does. These rates are
thinned from a bound on the number of orders, so with zero latencies they are exact too (a baseline
that depends on the book: Wu, Rambaldi, Muzy, Bacry 2019). Cancels concern its own orders alone. An
event that finds nothing to act on excites like any other.
"""

from __future__ import annotations

import math

import numpy as np
from pydantic import Field, model_validator

from hftgym.core.constants import BUY, NO_PX, NONE, SECOND_NS, SELL, Flag, OwnState
from hftgym.core.jit import leaf
from hftgym.core.records import record
from hftgym.core.rng import exponential, geometric, integer, uniform
from hftgym.participants.base import ParticipantParams, participant
from hftgym.participants.flow import has_opposite, nth_order, opposite_px
from hftgym.participants.orders import cancel, free_slot_from, place, take

#: What happens; even numbers are buys, odd ones sells. ``inside`` improves the best price of its
#: side (joins it when the spread is closed), ``touch`` joins it, ``deep`` lies behind it.
EVENTS = (
    *("market_buy", "market_sell", "inside_buy", "inside_sell", "touch_buy", "touch_sell"),
    *("deep_buy", "deep_sell", "cancel_buy", "cancel_sell"),
)
TYPES = len(EVENTS)
_MARKET = 0
_INSIDE = 1
_TOUCH = 2
_DEEP = 3
_CANCEL = 4
_NEVER_S = 1e9  # no event in thirty years is no event
_LIVE = int(OwnState.LIVE)
_SLIDE = int(Flag.POST_ONLY_SLIDE)

#: Base rates by kind, per second and side, and successors of each kind (columns) by kind (rows),
#: on the same side and on the other one. No paper prints such a table for a book of this kind: they
#: are chosen so that trades come in runs of one side, eaten quotes are refilled, and quotes on the
#: side that a trade hits flee.
_BASE = (0.3, 0.2, 0.15, 0.6, 0.02)
_SAME = (
    (0.42, 0.05, 0.01, 0.00, 0.01),
    (0.10, 0.10, 0.03, 0.01, 0.04),
    (0.10, 0.15, 0.15, 0.05, 0.10),
    (0.05, 0.08, 0.08, 0.20, 0.08),
    (0.02, 0.06, 0.08, 0.06, 0.15),
)
_OTHER = (
    (0.03, 0.01, 0.00, 0.00, 0.01),
    (0.08, 0.03, 0.01, 0.00, 0.02),
    (0.15, 0.05, 0.03, 0.01, 0.04),
    (0.08, 0.03, 0.02, 0.02, 0.03),
    (0.20, 0.10, 0.04, 0.02, 0.04),
)


def both_sides(
    base: tuple[float, ...],
    same: tuple[tuple[float, ...], ...],
    other: tuple[tuple[float, ...], ...],
) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Return ``base_per_s`` and ``branching`` of a flow whose sides are alike.

    Args:
        base: rates of the five kinds (market, inside, touch, deep, cancel), per second and side.
        same: successors on the same side: [k][l] of kind k by an event of kind l, shape (5, 5).
        other: successors on the other side.
    """
    kinds = range(len(base))
    rates = tuple(base[k] for k in kinds for _ in range(2))
    table = tuple(
        (same if side == cause else other)[k][lk]
        for k in kinds
        for side in range(2)
        for lk in kinds
        for cause in range(2)
    )
    return rates, table


BASE, BRANCHING = both_sides(_BASE, _SAME, _OTHER)


def spectral_radius(branching: tuple[float, ...]) -> float:
    """Return the largest modulus of an eigenvalue of a square table, row by row."""
    size = math.isqrt(len(branching))
    return float(np.abs(np.linalg.eigvals(np.reshape(branching, (size, size)))).max())


class Params(ParticipantParams):
    """Rates of the process, and what its events are in the book. Tables by ``EVENTS``."""

    base_per_s: tuple[float, ...] = Field(BASE, description="base rates, per second (10)")
    branching: tuple[float, ...] = Field(
        BRANCHING, description="direct successors: row = what follows, column = what came (100)"
    )
    decay_per_s: float = Field(8.0, gt=0, description="decay of all kernels, per second")
    patience_per_s: float = Field(0.08, ge=0, description="cancels per second and resting order")
    deep_tick: float = Field(4.0, ge=1, description="mean distance behind the touch, ticks")
    mean_lots: float = Field(1.0, ge=1, description="mean order size (geometric), lots")
    market_lots: float = Field(
        0.0, ge=0, description="the same of market orders; 0: as of all orders"
    )
    max_lots: int = Field(50, ge=1, description="largest order, lots")

    @model_validator(mode="after")
    def _stationary(self) -> Params:
        for name, wanted in (("base_per_s", TYPES), ("branching", TYPES * TYPES)):
            table = getattr(self, name)
            if len(table) != wanted:
                raise ValueError(f"{name}: {len(table)} numbers; there must be {wanted}")
            if not all(0.0 <= number < math.inf for number in table):
                raise ValueError(f"{name}: {min(table)}; must be finite and not negative")
        radius = spectral_radius(self.branching)
        if radius >= 1.0:
            raise ValueError(
                f"branching: spectral radius {radius:.4g}; must be below 1, or the flow explodes: "
                "lower its entries"
            )
        return self


MEMORY = record(
    [
        ("excitation", "f8", (TYPES,)),  # intensities beyond the base at ``last_ns``
        ("base", "f8"),  # sum of ``base_per_s``
        ("last_ns", "i8"),
        ("bound", "i8"),  # orders that the time of this event allows for
        ("next_slot", "i8"),
        ("begun", "i8"),
    ]
)


# ------------------------------------------------------------------ the point process
@leaf
def wait_s(rng, base, excess, decay):
    """Return the time to the next event of an intensity base + excess * exp(-decay t).

    Dassios, Zhao 2013, algorithm 3.1: the earlier of an event of the base and one of the excess,
    whose expected number excess / decay is finite, so that there may be none (infinity).
    """
    wait = exponential(rng, 1.0 / base) if base > 0.0 else math.inf
    if excess > 0.0:
        left = 1.0 - decay * exponential(rng, 1.0) / excess
        if left > 0.0:
            wait = min(wait, -math.log(left) / decay)
    return wait


@leaf
def fade(excitation, decay, seconds):
    """Let all excitations decay; their sum afterwards."""
    factor = math.exp(-decay * seconds)
    excess = 0.0
    for i in range(len(excitation)):
        excitation[i] *= factor
        excess += excitation[i]
    return excess


@leaf
def excite(excitation, branching, first, decay, cause):
    """Add what an event of type ``cause`` adds; the table begins at ``branching[first]``."""
    types = len(excitation)
    for i in range(types):
        excitation[i] += decay * branching[first + types * i + cause]


@leaf
def choose(which, excitation, base, first):
    """Return the type in whose share of the intensity ``which`` falls, or NONE beyond all."""
    for i in range(len(excitation)):
        which -= base[first + i] + excitation[i]
        if which < 0.0:
            return i
    return NONE


# ------------------------------------------------------------------ in the book
@leaf
def _limit_px(view, rng, kind, side, deep_tick, tick_px):
    """Return the price of a limit order of this kind."""
    limit = opposite_px(view, side, tick_px) - side * tick_px  # the best that does not trade
    best = view.bid_px[0] if side == BUY else view.ask_px[0]
    if abs(best) >= NO_PX:
        best = limit - side * tick_px
    inside_tick = side * (limit - best) // tick_px  # prices beyond best, limit included
    if kind == _INSIDE and inside_tick > 0:
        return best + side * tick_px * (1 + integer(rng, inside_tick))
    if kind == _DEEP:
        return best - side * tick_px * geometric(rng, deep_tick)
    return best


@leaf
def _order_of(own, rng, side):
    """Return the slot of a random own order of a side, or NONE."""
    count = 0
    for slot in range(own.capacity):
        if own.orders[slot].state == _LIVE and own.orders[slot].side == side:
            count += 1
    if count == 0:
        return NONE
    left = integer(rng, count)
    for slot in range(own.capacity):
        if own.orders[slot].state == _LIVE and own.orders[slot].side == side:
            if left == 0:
                return slot
            left -= 1
    return NONE


@leaf
def _act(view, own, params, memory, rng, out, event):
    """Let an event happen in the book."""
    kind = event // 2
    side = BUY if event % 2 == 0 else SELL
    if kind == _CANCEL:
        slot = _order_of(own, rng, side)
        if slot != NONE:
            cancel(out, slot)
        return
    slot = free_slot_from(own, memory.next_slot, own.capacity)
    mean_lots = params.mean_lots
    if kind == _MARKET and params.market_lots > 0.0:
        mean_lots = params.market_lots
    lots = min(geometric(rng, mean_lots), params.max_lots)
    if slot == NONE:
        return
    memory.next_slot = slot + 1
    if kind != _MARKET:
        px = _limit_px(view, rng, kind, side, params.deep_tick, params.tick_px)
        place(out, slot, side, px, lots, _SLIDE)
    elif has_opposite(view, side):
        take(out, slot, side, lots)


@leaf
def _give_up(own, memory, rng, out):
    """Cancel the order that a random place among ``bound`` names; its type of event, or NONE."""
    slot = nth_order(own, integer(rng, memory.bound))
    if slot == NONE or own.orders[slot].state != _LIVE:
        return NONE
    cancel(out, slot)
    return 2 * _CANCEL + (0 if own.orders[slot].side == BUY else 1)


@participant(Params, MEMORY, own_orders=128, view_levels=1)
def decide(view, own, params, memory, rng, out, data):
    """Let the event that was due happen, excite what follows it, and wait for the next."""
    if memory.begun == 0:
        memory.last_ns = view.delivered_ns
        for i in range(TYPES):
            memory.base += data[params.base_per_s + i]
    passed_s = (view.delivered_ns - memory.last_ns) / SECOND_NS
    memory.last_ns = view.delivered_ns
    excess = fade(memory.excitation, params.decay_per_s, passed_s)
    if memory.begun != 0 and view.phase == 0:
        impatient = params.patience_per_s * memory.bound
        which = uniform(rng) * (memory.base + excess + impatient)
        event = choose(which, memory.excitation, data, params.base_per_s)
        if event != NONE:
            _act(view, own, params, memory, rng, out, event)
        elif memory.bound > 0:
            event = _give_up(own, memory, rng, out)
        if event != NONE:
            excite(memory.excitation, data, params.branching, params.decay_per_s, event)
            excess = fade(memory.excitation, params.decay_per_s, 0.0)
    memory.begun = 1
    # Only its own messages can raise the number of its orders before the next event.
    memory.bound = own.live + out.count
    base = memory.base + params.patience_per_s * memory.bound
    seconds = wait_s(rng, base, excess, params.decay_per_s)
    if seconds < _NEVER_S:
        out.next_wake_ns = view.delivered_ns + int(seconds * SECOND_NS) + 1
    return out.count
