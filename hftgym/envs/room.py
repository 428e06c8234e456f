"""How many lots a learner may still send."""

from __future__ import annotations

from hftgym.core.jit import leaf
from hftgym.envs.task import Role
from hftgym.participants.orders import open_lots

_EXECUTOR = int(Role.EXECUTOR)


@leaf
def room_lots(task, own, side):
    """Return how many lots more may be sent on a side, should all that is open be filled.

    An execution never passes its target, nor trades on the other side. The learner's own knowledge
    counts: a fill that it has not heard of is still an open order.
    """
    if task.role == _EXECUTOR and side * task.target_lots <= 0:
        return 0
    return max(task.limit_lot - side * own.position - open_lots(own, side), 0)
