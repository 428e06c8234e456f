"""An executor that follows the usual course of volume (VWAP, volume-weighted average price).

To trade at the average price of the day, trade in proportion to the volume that is expected in each
part of it (Konishi 2002, "Optimal slice of a VWAP trade"). The course of volume is a table, one
weight for each of so many equal parts of the horizon. Without one it is the U of a trading day
(Jain and Joh 1988, "The dependence between hourly prices and trading volume"): at time x of the
horizon, 0 to 1, proportional to 1 + u (12 (x - 1/2)^2 - 1), flat at u = 0 and nothing in the middle
at u = 1, so that x + u (4 (x - 1/2)^3 - x + 1/2) of the order are due.
"""

from __future__ import annotations

import math

from pydantic import Field, field_validator

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

    u_shape: float = Field(0.5, ge=0, le=1, description="u: 0 flat, 1 no volume in the middle")
    profile: tuple[float, ...] = Field((), description="volume of equal parts of the horizon")

    @field_validator("profile")
    @classmethod
    def _check_profile(cls, profile: tuple[float, ...]) -> tuple[float, ...]:
        if profile and not (min(profile) >= 0.0 and 0.0 < sum(profile) < math.inf):
            raise ValueError("must be volumes, none below 0 and not all of them 0")
        return profile


@leaf
def volume_share(x, u_shape):
    """Return the share of the volume that trades in the first share ``x`` of the time."""
    middle = x - 0.5
    return x + u_shape * (4.0 * middle * middle * middle - middle)


@leaf
def profile_share(x, data, first, count):
    """Return the same of the profile that lies at ``data[first:first + count]``."""
    passed = x * count
    before = 0.0
    total = 0.0
    for i in range(count):
        before += data[first + i] * min(max(passed - i, 0.0), 1.0)
        total += data[first + i]
    return before / total


@participant(Params, MEMORY, own_orders=CHILDREN, view_levels=1)
def decide(view, own, params, memory, rng, out, data):
    """Get the lots of this slice done."""
    if enter_slice(view, memory, params.start_s, params.horizon_s, params.slices):
        x = min(memory.slice + 1, params.slices) / params.slices
        if params.profile_count > 0:
            share = profile_share(x, data, params.profile, params.profile_count)
        else:
            share = volume_share(x, params.u_shape)
        memory.due_lot = whole_lots(params.parent_lots, share)
        memory.left_lot = params.parent_lots * (1.0 - share)
    work(view, own, out, memory, params)
    return out.count
