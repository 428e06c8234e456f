"""An executor that takes a share of what others trade (POV, percentage of volume).

At each slice the lots due are ``participation`` times the volume that the feed has shown since the
start, without its own fills (Kissell and Glantz 2003, "Optimal trading strategies"): counted with
them, its own trades would call for more. Orders end with the horizon, or with ``parent_lots``; one
that waits behind the mid gets the whole parent done, as the baseline does.

The feed may show a fill before its private report does (or after): for that long it counts as
somebody else's, or as own volume too early, by at most one child order.
"""

from __future__ import annotations

from pydantic import Field

from hftgym.core.jit import leaf
from hftgym.participants.base import participant
from hftgym.participants.executing import (
    CHILDREN,
    MEMORY,
    ExecutorParams,
    enter_slice,
    whole_lots,
    work,
)


class Params(ExecutorParams):
    """Parameters of the executor."""

    participation: float = Field(0.1, gt=0, le=1, description="own lots per lot of others")


@leaf
def due_lot(others_lot, parent_lots, participation):
    """Return the lots due when others have traded so many."""
    return min(whole_lots(max(others_lot, 0), participation), parent_lots)


@participant(Params, MEMORY, own_orders=CHILDREN, view_levels=1)
def decide(view, own, params, memory, rng, out):
    """Get done what the volume so far asks for."""
    if enter_slice(view, memory, params.start_s, params.horizon_s, params.slices):
        others_lot = view.volume - memory.volume - params.side * own.position
        memory.due_lot = due_lot(others_lot, params.parent_lots, params.participation)
        if params.distance_tick > 0.0 and memory.slice + 1 >= params.slices:
            memory.due_lot = params.parent_lots  # what volume has not called for by the end
        memory.left_lot = params.parent_lots - memory.due_lot
    work(view, own, out, memory, params)
    return out.count
