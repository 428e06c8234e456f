"""A sweeper: from a given time on it sells (or buys) a large parent in market sweeps.

The seller of 6 May 2010 in the E-mini had an algorithm that targeted 9 % of the volume of the last
minute "without regard to price or time" (Kirilenko, Kyle, Samadi, Tuzun 2017, "The Flash Crash").
Here a sweep is ``slice_lots`` plus ``volume_share`` of what others have traded since the last one.
With ``slice_lots`` equal to ``parent_lots`` all comes in one message: a fat finger.
"""

from __future__ import annotations

from pydantic import Field

from hftgym.core.constants import BUY, NONE, SECOND_NS, SELL
from hftgym.core.records import record
from hftgym.core.rng import uniform
from hftgym.participants.base import ParticipantParams, participant
from hftgym.participants.orders import free_slot, take


class Params(ParticipantParams):
    """What is sold, when, and how fast."""

    side: int = Field(-1, ge=-1, le=1, description="-1 sells, 1 buys, 0: drawn when it begins")
    begin_s: float = Field(120.0, ge=0, description="seconds from the opening to the first sweep")
    jitter_s: float = Field(0.0, ge=0, description="it is late by up to this, uniformly, seconds")
    parent_lots: int = Field(400, ge=1, description="how much in all, lots")
    slice_lots: int = Field(10, ge=0, description="least size of a sweep, lots")
    volume_share: float = Field(0.0, ge=0, le=10, description="of the volume of others, added")
    interval_s: float = Field(1.0, gt=0, description="seconds between sweeps")
    persist: bool = Field(True, description="sends again what did not trade")


#: When it was first awake, what it is doing, and what it had traded, sent and seen before.
MEMORY = record(
    [
        ("stage", "i8"),
        ("side", "i8"),
        ("sent_lots", "i8"),
        ("position", "i8"),
        ("volume", "i8"),
        ("traded_lots", "i8"),
    ]
)
_WAITS, _ARMED, _SWEEPS = 0, 1, 2


@participant(Params, MEMORY, own_orders=4, view_levels=1)
def decide(view, own, params, memory, rng, out):
    """Wait for the time, draw side and delay then, and sweep until the parent is done."""
    if memory.stage == _WAITS:
        memory.stage = _ARMED
        out.next_wake_ns = view.delivered_ns + int(params.begin_s * SECOND_NS) + 1
        return 0
    if memory.stage == _ARMED:
        # Drawn now, not at the opening: markets that share a beginning need not share this.
        memory.stage = _SWEEPS
        memory.side = params.side if params.side != 0 else (BUY if uniform(rng) < 0.5 else SELL)
        memory.position = own.position
        memory.volume = view.volume
        delay_ns = int(uniform(rng) * params.jitter_s * SECOND_NS)
        if delay_ns > 0:
            out.next_wake_ns = view.delivered_ns + delay_ns
            return 0
    traded = abs(own.position - memory.position)
    left = params.parent_lots - (traded if params.persist else memory.sent_lots)
    if left <= 0:
        return 0  # done, and never awake again
    out.next_wake_ns = view.delivered_ns + int(params.interval_s * SECOND_NS) + 1
    slot = free_slot(own)
    if slot == NONE or own.live > 0 or view.phase != 0:
        return 0
    others = view.volume - memory.volume - (traded - memory.traded_lots)
    lots = min(params.slice_lots + int(params.volume_share * max(others, 0)), left)
    memory.volume = view.volume
    memory.traded_lots = traded
    if lots > 0:
        take(out, slot, memory.side, lots)
        memory.sent_lots += lots
    return out.count
