"""A learner's mailbox: the loop stops when its view is delivered; the environment fills the box."""

from __future__ import annotations

from hftgym.core.constants import MAX_OUT, NEVER_NS
from hftgym.core.records import OUT_MESSAGE, record
from hftgym.participants.base import ParticipantParams, participant


class Params(ParticipantParams):
    """A learner has no parameters of its own here."""


#: What the environment writes: messages, and when it wants to see the market next.
MAILBOX = record([("next_wake_ns", "i8"), ("count", "i8"), ("messages", OUT_MESSAGE, (MAX_OUT,))])


@participant(Params, MAILBOX, own_orders=16, sees_queue=True, is_external=True)
def decide(view, own, params, memory, rng, out):
    """Send what lies in the mailbox."""
    out.next_wake_ns = memory.next_wake_ns
    for i in range(min(memory.count, MAX_OUT)):
        source = memory.messages[i]
        target = out.messages[i]
        target.kind = source.kind
        target.slot = source.slot
        target.side = source.side
        target.px = source.px
        target.lots = source.lots
        target.flags = source.flags
    count = memory.count
    memory.count = 0
    memory.next_wake_ns = NEVER_NS
    return count
