"""Working one large order: a schedule says how many lots are due, child orders get them done.

The horizon is cut into equal slices. A schedule gives the lots that are due by the end of each; in
every slice what is missing first waits as a limit order at the own touch, and from a share
``patience`` of the slice on it takes the opposite touch. When the horizon is over the rest is sent
at any price, until the parent order is done to the lot.
"""

from __future__ import annotations

import math

from pydantic import Field, field_validator

from hftgym.core.constants import BUY, NO_PX, SECOND_NS, Flag, OwnState
from hftgym.core.jit import leaf
from hftgym.core.records import record
from hftgym.participants.base import ParticipantParams
from hftgym.participants.orders import amend, cancel, place, take

#: Order slot of the child order.
SLOT = 0
_FREE = int(OwnState.FREE)
_LIVE = int(OwnState.LIVE)
_IOC = int(Flag.IOC)
_SLIDE = int(Flag.POST_ONLY_SLIDE)


class ExecutorParams(ParticipantParams):
    """Common part of every executor's ``Params``."""

    side: int = Field(BUY, description="1 buys, -1 sells")
    parent_lots: int = Field(100, ge=1, description="size of the parent order, lots")
    start_s: float = Field(0.0, ge=0, description="begins so long after the opening, seconds")
    horizon_s: float = Field(300.0, gt=0, description="time for the parent order, seconds")
    slices: int = Field(30, ge=1, le=100_000, description="equal parts of the horizon")
    patience: float = Field(0.5, ge=0, lt=1, description="share of a slice that it only waits")
    look_s: float = Field(0.25, gt=0, description="seconds between looks at its order")

    @field_validator("side")
    @classmethod
    def _check_side(cls, side: int) -> int:
        if side not in (1, -1):
            raise ValueError(f"{side} must be 1 (buy) or -1 (sell)")
        return side


#: When the horizon begins, the slice that it is in, and what an executor notes about it.
MEMORY = record(
    [
        ("known", "i8"),  # 0 before the first view
        ("begin_ns", "i8"),
        ("slice", "i8"),  # -1 before the horizon, ``slices`` and more behind it
        ("due_lot", "i8"),  # by the end of this slice
        ("volume", "i8"),  # traded in the market when the horizon began, lots
    ]
)


@leaf
def enter_slice(view, memory, start_s, horizon_s, slices):
    """Bring ``memory.slice`` up to date; return whether a new slice has begun."""
    if memory.known == 0:
        memory.known = 1
        memory.begin_ns = view.t_ns + int(start_s * SECOND_NS)
        memory.slice = -1
    slice_ns = int(horizon_s * SECOND_NS) // slices
    current = min((view.delivered_ns - memory.begin_ns) // slice_ns, slices)
    if view.delivered_ns < memory.begin_ns or current == memory.slice:
        return False
    if memory.slice < 0:
        memory.volume = view.volume
    memory.slice = current
    return True


@leaf
def whole_lots(parent_lots, share):
    """Return a share of the parent order in whole lots, rounded to the nearest."""
    return math.floor(parent_lots * share + 0.5)


@leaf
def _child(view, own, out, side, missing, aggressive, over):
    """Let the child order be what is missing: waiting, taking the touch, or at any price."""
    order = own.orders[SLOT]
    near_px = view.bid_px[0] if side == BUY else view.ask_px[0]
    far_px = view.ask_px[0] if side == BUY else view.bid_px[0]
    if order.state == _FREE:
        if missing <= 0:
            return
        if over:
            take(out, SLOT, side, missing)
        elif aggressive:
            if side * far_px < NO_PX:
                place(out, SLOT, side, far_px, missing, _IOC)
        elif side * near_px > -NO_PX:
            place(out, SLOT, side, near_px, missing, _SLIDE)
    elif order.state == _LIVE:
        if missing <= 0 or aggressive:
            cancel(out, SLOT)
        elif side * near_px > -NO_PX and (order.px != near_px or order.lots != missing):
            amend(out, own, SLOT, near_px, missing)


@leaf
def work(view, own, out, memory, side, horizon_s, slices, patience, look_s):
    """Work towards ``memory.due_lot`` lots, and say when to look next."""
    now_ns = view.delivered_ns
    if now_ns < memory.begin_ns:
        out.next_wake_ns = memory.begin_ns
        return
    over = memory.slice >= slices
    missing = memory.due_lot - side * own.position
    if over and missing <= 0 and own.live == 0:
        return  # done: sleeps for ever
    slice_ns = int(horizon_s * SECOND_NS) // slices
    take_ns = memory.begin_ns + memory.slice * slice_ns + int(patience * slice_ns)
    aggressive = over or now_ns >= take_ns
    if view.phase == 0:
        _child(view, own, out, side, missing, aggressive, over)
    elif own.orders[SLOT].state == _LIVE:
        cancel(out, SLOT)
    wake_ns = now_ns + int(look_s * SECOND_NS)
    if not aggressive:
        wake_ns = min(wake_ns, take_ns)
    if not over:
        wake_ns = min(wake_ns, memory.begin_ns + (memory.slice + 1) * slice_ns)
    out.next_wake_ns = wake_ns
