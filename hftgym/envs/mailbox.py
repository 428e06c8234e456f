"""The mailbox of a learner, seen from compiled code: its memory in the market, as a record.

Next to the mailbox's messages and ``next_wake_ns``, the flag ``ready`` of the participant tells the
loop that the learner has decided.
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba import from_dtype
from numba.extending import intrinsic

from hftgym.core.jit import INTERPRETED, leaf
from hftgym.participants.external import MAILBOX

MAILBOX_T = from_dtype(MAILBOX)


@intrinsic
def _mailbox_of(typingctx, part):
    signature = MAILBOX_T(part)

    def codegen(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        base = builder.bitcast(args[0], ir.IntType(8).as_pointer())
        offset = ir.Constant(ir.IntType(64), part.offset("memory"))
        return builder.bitcast(builder.gep(base, [offset]), context.get_value_type(MAILBOX_T))

    return signature, codegen


if INTERPRETED:

    def mailbox(part: Any) -> Any:
        """Return the mailbox of a learner, a record in its participant's memory."""
        return part.memory[: MAILBOX.itemsize].view(MAILBOX)[0]

else:

    @leaf
    def mailbox(part):
        """Return the mailbox of a learner, a record in its participant's memory."""
        return _mailbox_of(part)


@leaf
def empty_mailbox(m, p, step_ns):
    """Let learner ``p`` do nothing but look again after ``step_ns``."""
    part = m.part[p]
    box = mailbox(part)
    box.count = 0
    box.next_wake_ns = m.now_ns + step_ns
    part.ready = 1
