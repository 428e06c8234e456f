"""An executor that follows the usual course of volume (VWAP, volume-weighted average price).

To trade at the average price of the day, trade in proportion to the volume that is expected in each
part of it (Konishi 2002, "Optimal slice of a VWAP trade"). Volume is U-shaped over a day (Jain and
Joh 1988, "The dependence between hourly prices and trading volume"): here at time x of the horizon,
0 to 1, it is proportional to 1 + u (12 (x - 1/2)^2 - 1), flat at u = 0 and zero at noon at u = 1,
so that x + u (4 (x - 1/2)^3 - x + 1/2) of the order are due.
"""

from __future__ import annotations

from pydantic import Field

from hftgym.core.jit import leaf
from hftgym.participants.base import participant
from hftgym.participants.executing import MEMORY, ExecutorParams, enter_slice, whole_lots, work


class Params(ExecutorParams):
    """Parameters of the executor."""

    u_shape: float = Field(0.5, ge=0, le=1, description="u: 0 flat, 1 no volume in the middle")


@leaf
def volume_share(x, u_shape):
    """Return the share of the volume that trades in the first share ``x`` of the time."""
    middle = x - 0.5
    return x + u_shape * (4.0 * middle * middle * middle - middle)


@leaf
def due_lot(after, slices, parent_lots, u_shape):
    """Return the lots due after so many slices."""
    return whole_lots(parent_lots, volume_share(after / slices, u_shape))


@participant(Params, MEMORY, own_orders=1, view_levels=1)
def decide(view, own, params, memory, rng, out):
    """Get the lots of this slice done."""
    if enter_slice(view, memory, params.start_s, params.horizon_s, params.slices):
        after = min(memory.slice + 1, params.slices)
        memory.due_lot = due_lot(after, params.slices, params.parent_lots, params.u_shape)
    work(
        view,
        own,
        out,
        memory,
        params.side,
        params.horizon_s,
        params.slices,
        params.patience,
        params.look_s,
    )
    return out.count
