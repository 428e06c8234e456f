"""Working one large order: a schedule says how many lots are due, child orders get them done.

The horizon is cut into equal slices. A schedule gives the lots that are due by the end of each; in
every slice what is missing first waits as a limit order at the own touch, and from a share
``patience`` of the slice on it takes the opposite touch. When the horizon is over the rest is sent
at any price, until the parent order is done to the lot.

Or, with ``distance_tick``, as the baselines in an environment do: one limit order waits so far
behind the mid, and what is ``lag_lots`` or more behind the schedule is taken at the market.
"""

from __future__ import annotations

import math

from pydantic import Field, field_validator

from hftgym.core.constants import BUY, NO_PX, QUEUE_SLOTS, SECOND_NS, Flag, OwnState
from hftgym.core.jit import leaf
from hftgym.core.records import record
from hftgym.participants.base import ParticipantParams
from hftgym.participants.orders import (
    amend,
    cancel,
    ceil_px,
    floor_px,
    open_lots,
    place,
    take,
    take_behind_quotes,
)
from hftgym.participants.quoting import ASK_SLOT, BID_SLOT, quote_side

#: Order slot of the child order.
SLOT = 0
#: Order slots: what waits (as a learner's quotes, one slot a side), and market orders behind it.
CHILDREN = QUEUE_SLOTS + 2
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
    distance_tick: float = Field(0.0, ge=0, description="waits behind the mid, ticks; 0: at touch")
    wait_lots: int = Field(1, ge=1, description="size of that waiting order, lots")
    lag_lots: float = Field(1.0, ge=0.5, description="takes when so far behind, lots")

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
        ("left_lot", "f8"),  # the same as what may be left, not rounded
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
def overdue_lots(rest_lot, left_lot, lag_lots):
    """Return the lots to take when ``rest_lot`` are left and ``left_lot`` may be; 0 within the lag.

    Part of a lot that is overdue counts as a whole one.
    """
    behind = rest_lot - left_lot
    return math.ceil(behind - 1e-6) if behind >= lag_lots else 0


@leaf
def _wait_and_take(view, own, out, memory, params, over):
    """Let one order wait behind the mid, and take what is overdue; never more than is left.

    Outside of continuous trading it takes the order back.
    """
    trades = view.phase == 0
    side = params.side
    slot = BID_SLOT if side == BUY else ASK_SLOT
    order = own.orders[slot]
    resting = order.lots if order.state != _FREE else 0
    rest = params.parent_lots - side * own.position
    room = max(rest - open_lots(own, side), 0)
    lots = min(params.wait_lots, room + resting) if trades and not over else 0
    mid_px = 0.5 * view.mid_2px
    distance_px = params.distance_tick * params.tick_px
    if lots <= 0 or lots > rest:
        px = -side * NO_PX
    elif side == BUY:
        px = floor_px(mid_px - distance_px, params.tick_px)
    else:
        px = ceil_px(mid_px + distance_px, params.tick_px)
    quote_side(own, out, slot, side, px, lots)
    if not trades:
        return
    room = min(room, room + resting - lots)
    take_lots = rest if over else overdue_lots(rest, memory.left_lot, params.lag_lots)
    take_behind_quotes(own, out, side, min(take_lots, room))


@leaf
def work(view, own, out, memory, params):
    """Work towards what is due by the end of this slice, and say when to look next."""
    side = params.side
    now_ns = view.delivered_ns
    if now_ns < memory.begin_ns:
        out.next_wake_ns = memory.begin_ns
        return
    over = memory.slice >= params.slices
    missing = memory.due_lot - side * own.position
    if over and missing <= 0 and own.live == 0:
        return  # done: sleeps for ever
    slice_ns = int(params.horizon_s * SECOND_NS) // params.slices
    take_ns = memory.begin_ns + memory.slice * slice_ns + int(params.patience * slice_ns)
    aggressive = over or now_ns >= take_ns
    behind_mid = params.distance_tick > 0.0
    if behind_mid:
        _wait_and_take(view, own, out, memory, params, over)
    elif view.phase == 0:
        _child(view, own, out, side, missing, aggressive, over)
    elif own.orders[SLOT].state == _LIVE:
        cancel(out, SLOT)
    wake_ns = now_ns + int(params.look_s * SECOND_NS)
    if not aggressive and not behind_mid:
        wake_ns = min(wake_ns, take_ns)
    if not over:
        wake_ns = min(wake_ns, memory.begin_ns + (memory.slice + 1) * slice_ns)
    out.next_wake_ns = wake_ns
