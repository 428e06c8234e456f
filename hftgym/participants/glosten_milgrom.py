"""Traders who come one at a time, some of whom know more (Glosten and Milgrom 1985).

"Bid, ask and transaction prices in a specialist market with heterogeneously informed traders": each
arrival is informed with probability mu. The informed know the value and buy below it or sell above
it, one unit, and leave when the quotes stand around it. The others buy or sell at random, whatever
the price. ``glosten_milgrom_maker`` sets the quotes that such traders deserve.
"""

from __future__ import annotations

from pydantic import Field

from hftgym.core.constants import BUY, NO_PX, NONE, SECOND_NS, SELL
from hftgym.core.rng import exponential, uniform
from hftgym.participants.base import ParticipantParams, participant
from hftgym.participants.orders import free_slot, take


class Params(ParticipantParams):
    """Parameters of the crowd."""

    rate_per_s: float = Field(0.5, gt=0, description="arrivals per second")
    informed_share: float = Field(0.2, ge=0, le=1, description="mu: share who know the value")
    lots: int = Field(1, ge=1, description="size of every order, lots")
    value_delay_ns: int = Field(0, ge=0, description="how late the value is known, ns")


@participant(Params, own_orders=8, view_levels=1, sees_value=True)
def decide(view, own, params, memory, rng, out):
    """Let one trader come, except on the first view, which only starts the clock."""
    started = rng.decision > 1
    wait = exponential(rng, SECOND_NS / params.rate_per_s)
    out.next_wake_ns = view.delivered_ns + int(wait) + 1
    informed = uniform(rng) < params.informed_share
    side = BUY if uniform(rng) < 0.5 else SELL
    if informed:
        if view.ask_px[0] < NO_PX and view.signal > view.ask_px[0]:
            side = BUY
        elif view.bid_px[0] > -NO_PX and view.signal < view.bid_px[0]:
            side = SELL
        else:
            return 0
    slot = free_slot(own)
    if started and slot != NONE and view.phase == 0:
        take(out, slot, side, params.lots)
    return out.count
