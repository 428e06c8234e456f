"""Somebody who acts by hand: sends nothing by itself, `Simulator.send` sends in its name."""

from __future__ import annotations

from hftgym.participants.base import ParticipantParams, participant


class Params(ParticipantParams):
    """Nothing is to be set."""


@participant(Params, own_orders=16, view_levels=1)
def decide(view, own, params, memory, rng, out):
    """Do nothing, and ask for no other view."""
    return 0
