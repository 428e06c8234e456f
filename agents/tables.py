"""Tables of distances: a strategy's formula evaluated once for each inventory (and time)."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]


def inventories(max_inventory_lot: float) -> range:
    """Return the inventories of a table, in lots, from the smallest to the largest."""
    largest = int(np.ceil(max_inventory_lot))
    return range(-largest, largest + 1)


def by_inventory(
    distances: Callable[..., tuple[float, float]], max_inventory_lot: float, *arguments: float
) -> FloatArray:
    """Return distances of bid and ask for each inventory, ticks, shape (inventories, 2).

    Args:
        distances: Strategy: inventory in lots and further arguments to the two distances.
        max_inventory_lot: Largest inventory of the table, in lots.
        arguments: The further arguments.
    """
    lots = inventories(max_inventory_lot)
    return np.array([distances(float(q), *arguments) for q in lots], np.float64)


def lookup(table: FloatArray, inventory_lot: npt.NDArray[np.int64]) -> FloatArray:
    """Return the rows of a table for these inventories, shape (envs, 2).

    Args:
        table: Distances, shape (..., inventories, 2); leading axes must be indexed already.
        inventory_lot: Inventories in lots, shape (envs,); beyond the table the last row counts.
    """
    largest = (len(table) - 1) // 2
    return table[np.clip(inventory_lot + largest, 0, len(table) - 1)]
