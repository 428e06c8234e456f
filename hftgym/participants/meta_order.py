"""A meta-order executor: now and then works a large order in small equal slices (TWAP)."""

from __future__ import annotations

from pydantic import Field

from hftgym.core.constants import BUY, NONE, SECOND_NS, SELL
from hftgym.core.records import record
from hftgym.core.rng import exponential, uniform
from hftgym.participants.base import ParticipantParams, participant
from hftgym.participants.orders import free_slot, take


class Params(ParticipantParams):
    """Parameters of the executor."""

    orders_per_hour: float = Field(30.0, gt=0, description="meta-orders begun per idle hour")
    parent_lots: int = Field(20, ge=1, description="size of a meta-order, lots")
    slice_lots: int = Field(1, ge=1, description="size of a slice, lots")
    interval_s: float = Field(3.0, gt=0, description="seconds between slices")


MEMORY = record([("left_lots", "i8"), ("side", "i8")])


@participant(Params, MEMORY, own_orders=4, view_levels=1)
def decide(view, own, params, memory, rng, out):
    """Send the next slice, or begin a new meta-order on a random side."""
    if memory.left_lots == 0:
        idle_ns = int(exponential(rng, 3600.0 * SECOND_NS / params.orders_per_hour)) + 1
        out.next_wake_ns = view.delivered_ns + idle_ns
        memory.side = BUY if uniform(rng) < 0.5 else SELL
        memory.left_lots = params.parent_lots
        return 0
    slot = free_slot(own)
    if slot != NONE and view.phase == 0:
        lots = min(params.slice_lots, memory.left_lots)
        take(out, slot, memory.side, lots)
        memory.left_lots -= lots
    wait_ns = int((0.5 + uniform(rng)) * params.interval_s * SECOND_NS)
    out.next_wake_ns = view.delivered_ns + wait_ns + 1
    return out.count
