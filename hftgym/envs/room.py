"""How many lots a learner may still send, and market orders on their way."""

from __future__ import annotations

from hftgym.core.constants import NONE, OwnState
from hftgym.core.jit import leaf
from hftgym.envs.task import SLOTS, Role
from hftgym.participants.orders import free_slot_from, take

_FREE = int(OwnState.FREE)
_EXECUTOR = int(Role.EXECUTOR)


@leaf
def room_lots(task, own, side):
    """Return how many lots more may be sent on a side, should all that is open be filled.

    An execution never passes its target, nor trades on the other side. The learner's own knowledge
    counts: a fill that it has not heard of is still an open order.
    """
    if task.role == _EXECUTOR and side * task.target_lots <= 0:
        return 0
    open_lots = 0
    for slot in range(own.capacity):
        order = own.orders[slot]
        if order.state != _FREE and order.side == side:
            open_lots += order.lots
    return max(task.limit_lot - side * own.position - open_lots, 0)


@leaf
def send_market_order(own, box, side, lots):
    """Send a market order from a slot behind those whose place in the queue is observed."""
    if lots <= 0:
        return
    slot = free_slot_from(own, SLOTS, own.capacity)
    if slot != NONE and slot >= SLOTS:
        take(box, slot, side, lots)
