"""Deep liquidity: many patient orders away from the touch that follow the book.

Orders are placed uniformly over a band that begins ``nearest_tick`` from the opposite best price
and are cancelled at random, a few at each look, so that about ``orders`` rest: a birth and death
process whose bands are anchored to the book as it is seen. It never takes.
"""

from __future__ import annotations

from pydantic import Field

from hftgym.core.constants import BUY, NO_PX, NONE, SECOND_NS, SELL, Flag, OwnState
from hftgym.core.records import record
from hftgym.core.rng import exponential, integer, uniform
from hftgym.participants.base import ParticipantParams, participant
from hftgym.participants.orders import cancel, free_slot_from, place

_LIVE = int(OwnState.LIVE)
_SLIDE = int(Flag.POST_ONLY_SLIDE)


class Params(ParticipantParams):
    """How much rests where, and how fast it changes."""

    rate_per_s: float = Field(3.5, gt=0, description="looks at the market per second")
    moves: int = Field(4, ge=1, le=16, description="orders placed or cancelled at each look")
    orders: int = Field(60, ge=1, le=100, description="orders that rest on average")
    nearest_tick: int = Field(5, ge=1, description="first tick of the band from the opposite best")
    band_tick: int = Field(20, ge=1, description="width of the band, ticks")
    lots: int = Field(2, ge=1, description="size of every order, lots")


#: Where the search for a free order slot begins.
MEMORY = record([("next_slot", "i8")])


@participant(Params, MEMORY, own_orders=128, view_levels=1)
def decide(view, own, params, memory, rng, out):
    """Place an order where too few rest, cancel one where too many do, a few times."""
    wait = exponential(rng, SECOND_NS / params.rate_per_s)
    out.next_wake_ns = view.delivered_ns + int(wait) + 1
    known = view.bid_px[0] > -NO_PX and view.ask_px[0] < NO_PX
    if view.phase != 0 or not known:
        return 0
    live = own.live
    for move in range(params.moves):
        if uniform(rng) * 2.0 * params.orders > live:
            side = BUY if uniform(rng) < 0.5 else SELL
            tick = params.nearest_tick + integer(rng, params.band_tick)
            best_px = view.ask_px[0] if side == BUY else view.bid_px[0]
            slot = free_slot_from(own, memory.next_slot, own.capacity)
            if slot != NONE:
                px = best_px - side * tick * params.tick_px
                place(out, slot, side, px, params.lots, _SLIDE)
                memory.next_slot = slot + 1
                live += 1
        else:
            # Each move has slots of its own, so no order is cancelled twice.
            for _ in range(16):
                pick = integer(rng, own.capacity // params.moves) * params.moves + move
                if own.orders[pick].state == _LIVE:
                    cancel(out, pick)
                    live -= 1
                    break
    return out.count
