"""An executor that spreads a large order evenly over time (TWAP, time-weighted average price).

After k of N slices k / N of the order are due (Almgren and Chriss 2000, "Optimal execution of
portfolio transactions": the strategy of least expected cost, which ignores the risk of the price).
"""

from __future__ import annotations

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


@leaf
def due_lot(after, slices, parent_lots):
    """Return the lots due after so many slices."""
    return whole_lots(parent_lots, after / slices)


@participant(Params, MEMORY, own_orders=CHILDREN, view_levels=1)
def decide(view, own, params, memory, rng, out):
    """Get the lots of this slice done."""
    if enter_slice(view, memory, params.start_s, params.horizon_s, params.slices):
        after = min(memory.slice + 1, params.slices)
        memory.due_lot = due_lot(after, params.slices, params.parent_lots)
        memory.left_lot = params.parent_lots * (1.0 - after / params.slices)
    work(view, own, out, memory, params)
    return out.count
