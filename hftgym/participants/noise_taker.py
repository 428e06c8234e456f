"""Noise takers: market orders of random side and size at Poisson times (Glosten, Milgrom 1985)."""

from __future__ import annotations

from pydantic import Field

from hftgym.core.constants import BUY, NONE, SECOND_NS, SELL
from hftgym.core.rng import exponential, geometric, uniform
from hftgym.participants.base import ParticipantParams, participant
from hftgym.participants.orders import free_slot, take


class Params(ParticipantParams):
    """Parameters of a crowd of noise takers."""

    rate_per_s: float = Field(0.6, gt=0, description="market orders per second")
    mean_lots: float = Field(1.5, ge=1, description="mean order size (geometric), lots")
    max_lots: int = Field(10, ge=1, description="largest order, lots")


@participant(Params, own_orders=8, view_levels=1)
def decide(view, own, params, memory, rng, out):
    """Send one market order, except on the first view, which only starts the clock."""
    started = rng.decision > 1
    wait = exponential(rng, SECOND_NS / params.rate_per_s)
    out.next_wake_ns = view.delivered_ns + int(wait) + 1
    side = BUY if uniform(rng) < 0.5 else SELL
    lots = min(geometric(rng, params.mean_lots), params.max_lots)
    slot = free_slot(own)
    if started and slot != NONE and view.phase == 0:
        take(out, slot, side, lots)
    return out.count
