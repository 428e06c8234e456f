"""Takers whose reach is exponential: a quote at distance d is hit at the rate A exp(-k d).

The arrivals of Avellaneda and Stoikov 2008 ("High-frequency trading in a limit order book", section
2.5, lambda(delta) = A exp(-k delta)): orders of each side come at the rate A, each willing to pay
up to an exponential distance beyond the mid. Sent as a limit order that trades at once or is
cancelled, it takes the best quote if that is within reach. The mid is the latent value where there
is one, as in the paper (a Brownian motion that no order moves), else the mid of the book.
"""

from __future__ import annotations

import math

from pydantic import Field

from hftgym.core.constants import BUY, NONE, SECOND_NS, SELL, Flag
from hftgym.core.rng import exponential, uniform
from hftgym.participants.base import ParticipantParams, participant
from hftgym.participants.orders import ceil_px, floor_px, free_slot, place

_IOC = int(Flag.IOC)


class Params(ParticipantParams):
    """Arrivals and reach."""

    rate_per_s: float = Field(0.7, gt=0, description="A: orders per second on each side")
    decay_per_tick: float = Field(0.3, gt=0, description="k: decay of the fill rate, 1 / tick")
    lots: int = Field(1, ge=1, description="size of every order, lots")
    value_delay_ns: int = Field(0, description="how late it sees the value, ns; negative: never")


@participant(Params, own_orders=8, view_levels=1, sees_value=True)
def decide(view, own, params, memory, rng, out):
    """Send one order, except on the first view, which only starts the clock."""
    started = rng.decision > 1
    wait = exponential(rng, SECOND_NS / (2.0 * params.rate_per_s))
    out.next_wake_ns = view.delivered_ns + int(wait) + 1
    side = BUY if uniform(rng) < 0.5 else SELL
    reach_px = exponential(rng, 1.0 / params.decay_per_tick) * params.tick_px
    centre = 0.5 * view.mid_2px if math.isnan(view.signal) else view.signal
    # Rounded inward: exactly the quotes within reach trade.
    if side == BUY:
        px = floor_px(centre + reach_px, params.tick_px)
    else:
        px = ceil_px(centre - reach_px, params.tick_px)
    slot = free_slot(own)
    if started and slot != NONE and view.phase == 0 and px > 0:
        place(out, slot, side, px, params.lots, _IOC)
    return out.count
