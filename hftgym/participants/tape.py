"""History itself as a participant: owns the orders of a compiled tape and never decides.

The loop plays the tape's operations (``hftgym.core.tape``) as events of their own class; this
participant is the account that history's orders and trades are booked on.
"""

from __future__ import annotations

from hftgym.core.constants import NEVER_NS
from hftgym.participants.base import ParticipantParams, participant


class Params(ParticipantParams):
    """A tape's settings stand in the scenario (``tape:``)."""


@participant(Params, own_orders=0, view_levels=1)
def decide(view, own, params, memory, rng, out):
    """Do nothing, and never wake again."""
    out.next_wake_ns = NEVER_NS
    return 0
