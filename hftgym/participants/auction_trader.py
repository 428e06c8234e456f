"""A crowd of traders for call auctions: limit orders at reservation prices around the value.

The clearing house of Mendelson 1982 ("Market behavior in a clearing house"): traders come at
Poisson times, buy or sell with equal probability, and each limits its order to a reservation price
of its own, here normal around the value (without a value: around the mid, which in a call is the
indicative price). Each order that has not traded is taken back after an exponential time, in the
call or in the continuous trading behind it.
"""

from __future__ import annotations

import math

from pydantic import Field

from hftgym.core.constants import BUY, NONE, SECOND_NS, SELL, OwnState, Phase, WakeOn
from hftgym.core.rng import exponential, geometric, integer, normal, uniform
from hftgym.participants.base import ParticipantParams, participant
from hftgym.participants.flow import nth_order
from hftgym.participants.orders import cancel, ceil_px, floor_px, free_slot, place

_LIVE = int(OwnState.LIVE)
_PRE_OPEN = int(Phase.PRE_OPEN)
_CLOSING = int(Phase.CLOSING_AUCTION)
_ON_PHASE = int(WakeOn.PHASE)


class Params(ParticipantParams):
    """Who comes to an auction."""

    rate_per_s: float = Field(1.0, gt=0, description="orders per second of a call phase")
    dispersion_tick: float = Field(6.0, ge=0, description="sd of reservation prices, ticks")
    mean_lots: float = Field(2.0, ge=1, description="mean order size (geometric), lots")
    max_lots: int = Field(20, ge=1, description="largest order, lots")
    patience_s: float = Field(60.0, gt=0, description="mean life of an order, seconds")
    value_delay_ns: int = Field(50_000_000, description="how late it sees the value, ns; < 0: not")


@participant(Params, own_orders=64, view_levels=1, sees_value=True)
def decide(view, own, params, memory, rng, out):
    """Let the next thing happen: an order comes (in a call phase), or one that rests goes."""
    out.wake_on = _ON_PHASE
    is_call = view.phase >= _PRE_OPEN and view.phase <= _CLOSING
    arrivals = params.rate_per_s if is_call else 0.0
    total = arrivals + own.live / params.patience_s
    if total == 0.0:
        return 0  # asleep until the phase changes
    out.next_wake_ns = view.delivered_ns + int(exponential(rng, SECOND_NS / total)) + 1
    if uniform(rng) * total < arrivals:
        side = BUY if uniform(rng) < 0.5 else SELL
        centre = 0.5 * view.mid_2px if math.isnan(view.signal) else view.signal
        reservation = centre + params.dispersion_tick * params.tick_px * normal(rng)
        if side == BUY:
            px = floor_px(reservation, params.tick_px)
        else:
            px = ceil_px(reservation, params.tick_px)
        lots = min(geometric(rng, params.mean_lots), params.max_lots)
        slot = free_slot(own)
        if slot != NONE and px > 0:
            place(out, slot, side, px, lots, 0)
    else:
        slot = nth_order(own, integer(rng, own.live))
        if own.orders[slot].state == _LIVE:
            cancel(out, slot)
    return out.count
