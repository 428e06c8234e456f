"""Zero-intelligence flow (the Santa Fe model: Daniels, Farmer, Gillemot, Iori, Smith 2003).

Limit orders arrive at a rate per tick and side, uniformly over a band that begins at the opposite
best price; market orders arrive at a total rate for both sides; each resting order is cancelled at
a constant rate. One participant is the whole flow: the next event is drawn from the total rate
(Gillespie 1977), so its orders are as many as its slots.

With ``nearest_tick`` above 1 the band begins further out: deep liquidity that follows the book.
"""

from __future__ import annotations

from pydantic import Field

from hftgym.core.constants import BUY, NONE, SECOND_NS, SELL, Flag, OwnState
from hftgym.core.jit import leaf
from hftgym.core.records import record
from hftgym.core.rng import exponential, integer, uniform
from hftgym.participants.base import ParticipantParams, participant
from hftgym.participants.flow import nth_order, opposite_px
from hftgym.participants.orders import cancel, free_slot_from, place, take

_LIVE = int(OwnState.LIVE)
_SLIDE = int(Flag.POST_ONLY_SLIDE)


class Params(ParticipantParams):
    """Rates of the flow, per second."""

    limit_rate: float = Field(0.5, ge=0, description="alpha: limit orders per second, tick, side")
    market_rate: float = Field(0.5, ge=0, description="mu: market orders per second, both sides")
    cancel_rate: float = Field(0.1, ge=0, description="delta: cancels per second and live order")
    nearest_tick: int = Field(1, ge=1, description="first tick of the band from the opposite best")
    band_tick: int = Field(30, ge=1, description="width of the band, ticks")
    lots: int = Field(1, ge=1, description="size of every order, lots")
    max_orders: int = Field(120, ge=1, description="most orders that rest at once")


_IN_FLIGHT = 8  # slots beyond those of resting orders: market orders, and what is not known yet
#: Where the search for a free order slot begins, and the orders that the wait allowed for.
MEMORY = record([("next_slot", "i8"), ("bound", "i8")])


@leaf
def _act(view, own, params, memory, rng, out, limit_total):
    """Let one event happen; none, when it would have been an order's that is not there."""
    which = uniform(rng) * (limit_total + params.market_rate + params.cancel_rate * memory.bound)
    side = BUY if uniform(rng) < 0.5 else SELL
    # No more slots than it needs: a flow of few orders stays within few lines of the cache.
    slots = min(own.capacity, params.max_orders + _IN_FLIGHT)
    slot = free_slot_from(own, memory.next_slot, slots)
    memory.next_slot = slot + 1
    if which < limit_total:
        tick = params.nearest_tick + integer(rng, params.band_tick)
        px = opposite_px(view, side, params.tick_px) - side * tick * params.tick_px
        if slot != NONE and own.live < params.max_orders:
            place(out, slot, side, px, params.lots, _SLIDE)
    elif which < limit_total + params.market_rate:
        if slot != NONE:
            take(out, slot, side, params.lots)
    else:
        # Each order in use is as likely as any other; one that is not live yet (or leaves already)
        # can not be cancelled, so nothing happens.
        pick = nth_order(own, integer(rng, memory.bound))
        if pick != NONE and own.orders[pick].state == _LIVE:
            cancel(out, pick)


@participant(Params, MEMORY, own_orders=128, view_levels=1)
def decide(view, own, params, memory, rng, out):
    """Let one event of the flow happen, and wait for the next."""
    limit_total = 2.0 * params.limit_rate * params.band_tick
    arrivals = limit_total + params.market_rate
    if view.phase == 0 and arrivals + memory.bound > 0.0:
        _act(view, own, params, memory, rng, out, limit_total)
    # Only its own order can raise their number before the next event: what this allows for too
    # much is thinned then.
    memory.bound = own.live + out.count
    total = arrivals + params.cancel_rate * memory.bound
    if total > 0.0:
        out.next_wake_ns = view.delivered_ns + int(exponential(rng, SECOND_NS / total)) + 1
    return out.count
