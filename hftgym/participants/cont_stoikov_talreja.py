"""The Markov order flow of Cont, Stoikov and Talreja (2010).

Orders of one unit. Limit orders arrive at a distance of i ticks from the opposite best quote at
rate lambda(i), market orders at rate mu, both on each side; each resting order is cancelled at rate
theta(i). Beyond five ticks lambda follows the paper's power law k / i^alpha, and theta stays at its
last value.

The simulation is exact: between two decisions the total rate is at most that of the orders that may
rest by then, so candidate events come at this constant rate and are kept with the probability that
the state at their time gives them (thinning: Lewis, Shedler 1979). With zero latencies nothing is
older than that state, whoever else trades. Cancels concern its own orders alone.

One participant can be the whole flow; its market orders then trade with its own limit orders. Two
(one with mu = 0, one with mu alone) are the same flow between two firms: Poisson streams add up.
"""

from __future__ import annotations

from pydantic import Field

from hftgym.core.constants import BUY, NONE, SECOND_NS, SELL, Flag, OwnState
from hftgym.core.jit import leaf
from hftgym.core.records import record
from hftgym.core.rng import exponential, integer, uniform
from hftgym.participants.base import ParticipantParams, participant
from hftgym.participants.flow import has_opposite, nth_order, opposite_px
from hftgym.participants.orders import cancel, free_slot_from, place, take

_LIVE = int(OwnState.LIVE)
_SLIDE = int(Flag.POST_ONLY_SLIDE)
MINUTE_S = 60.0


class Params(ParticipantParams):
    """Rates per second; defaults: the paper's estimates for a stock in Tokyo, there per minute."""

    lambda_1: float = Field(1.85 / MINUTE_S, ge=0, description="limit orders per second, 1 tick")
    lambda_2: float = Field(1.51 / MINUTE_S, ge=0, description="the same at 2 ticks")
    lambda_3: float = Field(1.09 / MINUTE_S, ge=0, description="at 3 ticks")
    lambda_4: float = Field(0.88 / MINUTE_S, ge=0, description="at 4 ticks")
    lambda_5: float = Field(0.77 / MINUTE_S, ge=0, description="at 5 ticks")
    k: float = Field(1.92 / MINUTE_S, ge=0, description="of k / i^alpha beyond, per second")
    alpha: float = Field(0.52, ge=0, description="exponent of that power law")
    band_tick: int = Field(20, ge=1, le=1_000, description="largest distance of a limit order")
    mu: float = Field(0.94 / MINUTE_S, ge=0, description="market orders per second and side")
    theta_1: float = Field(0.71 / MINUTE_S, ge=0, description="cancels per second, order, 1 tick")
    theta_2: float = Field(0.81 / MINUTE_S, ge=0, description="the same at 2 ticks")
    theta_3: float = Field(0.68 / MINUTE_S, ge=0, description="at 3 ticks")
    theta_4: float = Field(0.56 / MINUTE_S, ge=0, description="at 4 ticks")
    theta_5: float = Field(0.47 / MINUTE_S, ge=0, description="at 5 ticks and beyond")
    lots: int = Field(1, ge=1, description="size of every order, lots")
    open_bid_orders: int = Field(0, ge=0, le=8, description="bids that it opens the market with")
    open_ask_orders: int = Field(0, ge=0, le=8, description="asks, a tick above these bids")


MEMORY = record(
    [
        ("limit_rate", "f8"),  # of one side, all distances
        ("bound", "i8"),  # orders that the rate of the next candidate allows for
        ("next_slot", "i8"),  # where the search for a free one begins
        ("known", "i8"),  # ``limit_rate`` has been added up
        ("begun", "i8"),  # the first orders have been placed
    ]
)


@leaf
def limit_rate(params, tick):
    """Return lambda at a distance in ticks, per second."""
    if tick == 1:
        return params.lambda_1
    if tick == 2:
        return params.lambda_2
    if tick == 3:
        return params.lambda_3
    if tick == 4:
        return params.lambda_4
    if tick == 5:
        return params.lambda_5
    return params.k * float(tick) ** -params.alpha


@leaf
def cancel_rate(params, tick):
    """Return theta at a distance in ticks, per second and order."""
    if tick <= 1:
        return params.theta_1
    if tick == 2:
        return params.theta_2
    if tick == 3:
        return params.theta_3
    if tick == 4:
        return params.theta_4
    return params.theta_5


@leaf
def _largest_cancel_rate(params):
    largest = 0.0
    for tick in range(1, 6):
        largest = max(largest, cancel_rate(params, tick))
    return largest


@leaf
def _place(own, params, memory, out, side, px):
    slot = free_slot_from(own, memory.next_slot, own.capacity)
    if slot != NONE:
        place(out, slot, side, px, params.lots, _SLIDE)
        memory.next_slot = slot + 1


@leaf
def _open(view, params, out):
    """Place the first orders, on both sides of the mid."""
    bid_px = view.mid_2px // (2 * params.tick_px) * params.tick_px
    for slot in range(params.open_bid_orders):
        place(out, slot, BUY, bid_px, params.lots, _SLIDE)
    for slot in range(params.open_ask_orders):
        ask_slot = params.open_bid_orders + slot
        place(out, ask_slot, SELL, bid_px + params.tick_px, params.lots, _SLIDE)


@leaf
def _candidate(view, own, params, memory, rng, out, largest_theta):
    """Draw one event from the rates of the bound; drop what the state does not allow."""
    limits = 2.0 * memory.limit_rate
    markets = 2.0 * params.mu
    which = uniform(rng) * (limits + markets + largest_theta * memory.bound)
    side = BUY if uniform(rng) < 0.5 else SELL
    if which < limits:
        tick = 1
        left = uniform(rng) * memory.limit_rate - limit_rate(params, 1)
        while left >= 0.0 and tick < params.band_tick:
            tick += 1
            left -= limit_rate(params, tick)
        px = opposite_px(view, side, params.tick_px) - side * tick * params.tick_px
        _place(own, params, memory, out, side, px)
    elif which < limits + markets:
        slot = free_slot_from(own, memory.next_slot, own.capacity)
        if slot != NONE and has_opposite(view, side):
            take(out, slot, side, params.lots)
    elif memory.bound > 0:
        slot = nth_order(own, integer(rng, memory.bound))
        if slot != NONE and own.orders[slot].state == _LIVE:
            order = own.orders[slot]
            opposite = opposite_px(view, order.side, params.tick_px)
            tick = order.side * (opposite - order.px) // params.tick_px
            if uniform(rng) * largest_theta < cancel_rate(params, tick):
                cancel(out, slot)


@participant(Params, MEMORY, own_orders=128, view_levels=1)
def decide(view, own, params, memory, rng, out):
    """Let one candidate event of the flow happen or not, and wait for the next."""
    largest_theta = _largest_cancel_rate(params)
    if memory.known == 0:
        memory.known = 1
        for tick in range(1, params.band_tick + 1):
            memory.limit_rate += limit_rate(params, tick)
    if view.phase == 0:
        if memory.begun == 0:
            memory.begun = 1
            _open(view, params, out)
        else:
            _candidate(view, own, params, memory, rng, out, largest_theta)
    # Only its own messages can raise the number of its orders before the next candidate.
    memory.bound = own.live + out.count
    total = 2.0 * (memory.limit_rate + params.mu) + largest_theta * memory.bound
    if total > 0.0:
        out.next_wake_ns = view.delivered_ns + int(exponential(rng, SECOND_NS / total)) + 1
    return out.count
