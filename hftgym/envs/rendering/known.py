"""What a learner knows, out of the record of its market: its delivered view, its own state."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np

from hftgym.core.records import OWN_HEADER_BYTES, OWN_ORDER, own_fields, record


@cache
def _own_dtype(capacity: int) -> np.dtype:
    return record(own_fields(capacity))


def delivered_view(market: Any, learner: int) -> Any:
    """Return the view on which a learner decides now, a record ``VIEW``.

    Args:
        market: a market record whose learner is about to decide.
        learner: its participant index.
    """
    return market["views"][int(market["part"][learner]["awaiting_view"])]


def own_state(market: Any, learner: int) -> Any:
    """Return what a learner knows of itself, a record ``OWN`` with all its order slots.

    Args:
        market: a market record.
        learner: participant index.
    """
    part = market["part"][learner]
    capacity, first = int(part["own_capacity"]), int(part["own_offset"])
    size = OWN_HEADER_BYTES + capacity * OWN_ORDER.itemsize
    return market["own"][first : first + size].view(_own_dtype(capacity))[0]
