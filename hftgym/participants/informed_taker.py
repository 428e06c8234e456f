"""Informed takers: know the latent value, a little late, and trade when a quote is wrong.

Glosten and Milgrom 1985: the informed buy at the ask when the value lies above it. Here they need
an edge above the taker fee, and look at Poisson times.
"""

from __future__ import annotations

from pydantic import Field

from hftgym.core.constants import BUY, NO_PX, NONE, SECOND_NS, SELL, Flag
from hftgym.core.rng import exponential, geometric
from hftgym.participants.base import ParticipantParams, participant
from hftgym.participants.orders import free_slot, place

_IOC = int(Flag.IOC)


class Params(ParticipantParams):
    """Parameters of a group of informed takers."""

    rate_per_s: float = Field(2.0, gt=0, description="looks at the market per second")
    edge_tick: float = Field(0.5, ge=0, description="profit beyond the fee that it asks for, ticks")
    fee_tick: float = Field(0.3, ge=0, description="taker fee, ticks per lot")
    mean_lots: float = Field(1.5, ge=1, description="mean order size (geometric), lots")
    max_lots: int = Field(10, ge=1, description="largest order, lots")
    value_delay_ns: int = Field(50_000_000, ge=0, description="how late it sees the value, ns")


@participant(Params, own_orders=8, view_levels=1, sees_value=True)
def decide(view, own, params, memory, rng, out):
    """Take the quote on the wrong side of the value, at its price and no further."""
    wait = exponential(rng, SECOND_NS / params.rate_per_s)
    out.next_wake_ns = view.delivered_ns + int(wait) + 1
    edge = (params.fee_tick + params.edge_tick) * params.tick_px
    buys = view.ask_px[0] < NO_PX and view.signal - view.ask_px[0] > edge
    sells = view.bid_px[0] > -NO_PX and view.bid_px[0] - view.signal > edge
    slot = free_slot(own)
    if (buys or sells) and slot != NONE and view.phase == 0:
        lots = min(geometric(rng, params.mean_lots), params.max_lots)
        if buys:
            place(out, slot, BUY, view.ask_px[0], lots, _IOC)
        else:
            place(out, slot, SELL, view.bid_px[0], lots, _IOC)
    return out.count
