"""H in the middle of a tape: the orders with which a live book starts at any row.

A market that starts at row k of a tape is seeded with the orders that are alive in H after row k,
each under the ordinal that the operations after row k name, in its place in the queue.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hftgym.core.constants import BUY, SELL, TapeFlag, TapeKind
from hftgym.core.records import TAPE_OP
from hftgym.data.tape import Tape
from hftgym.errors import UsageError

_POSTS = (TapeKind.ADD, TapeKind.FRONT)
_TAKES = (TapeKind.REDUCE, TapeKind.REMOVE, TapeKind.EXEC)


def seed_ops(tape: Tape, row: int) -> NDArray[Any]:
    """Return the operations that build H after a row from an empty book.

    Args:
        tape: The tape.
        row: Row after which the market starts; play on from ``tape.first_op(row + 1)``.

    Returns:
        ``ADD`` and ``FRONT`` operations, shape (orders,), dtype ``TAPE_OP``: bids then asks, best
        level first, oldest order first. Anonymous volume is ``FRONT``. Times and H's touch are
        those of the row; the last operation carries ``ROW_END``. One ``NOTHING`` when H is empty.

    Raises:
        UsageError: When the row is not on the tape.
    """
    return seeds_at(tape, [row])[0]


def seeds_at(tape: Tape, rows: Sequence[int]) -> list[NDArray[Any]]:
    """Return ``seed_ops`` of many rows from one pass over the tape.

    Args:
        tape: The tape.
        rows: Rows, in any order.

    Returns:
        Seeds in the order of ``rows``.

    Raises:
        UsageError: When a row is not on the tape.
    """
    for row in rows:
        if not 0 <= row < tape.rows:
            raise UsageError(
                "HG-U103",
                f"row {row} is not on a tape of {tape.rows} rows. Take 0 to {tape.rows - 1}.",
            )
    alive: dict[int, list[int]] = {}  # ordinal -> kind, side, px, lots; oldest first
    seeds: dict[int, NDArray[Any]] = {}
    columns = zip(*(tape.ops[name].tolist() for name in _COLUMNS), strict=True)
    op = 0
    operations = list(columns)
    for row in sorted(set(rows)):
        stop = tape.first_op(row + 1)
        for kind, ordinal, side, px, lots in operations[op:stop]:
            if kind in _POSTS:
                alive[ordinal] = [kind, side, px, lots]
            elif kind in _TAKES:
                alive[ordinal][3] -= lots
                if alive[ordinal][3] == 0:
                    del alive[ordinal]
        op = stop
        seeds[row] = _build(tape, row, alive)
    return [seeds[row] for row in rows]


_COLUMNS = ("kind", "ordinal", "side", "px", "lots")


def _build(tape: Tape, row: int, alive: dict[int, list[int]]) -> NDArray[Any]:
    """Write the living orders down, level by level."""
    by_side = {side: [(o, v) for o, v in alive.items() if v[1] == side] for side in (BUY, SELL)}
    orders = [
        (ordinal, *order)
        for side in (BUY, SELL)
        # A stable sort keeps the oldest first within a level.
        for ordinal, order in sorted(by_side[side], key=lambda item: -item[1][1] * item[1][2])
    ]
    last = tape.ops[tape.first_op(row + 1) - 1]
    ops = np.zeros(max(len(orders), 1), dtype=TAPE_OP)
    ops["ordinal"] = -1
    for i, order in enumerate(orders):
        for name, value in zip(("ordinal", "kind", "side", "px", "lots"), order, strict=True):
            ops[name][i] = value
    for name in ("t_ns", "row", "h_bid_px", "h_ask_px"):
        ops[name] = last[name]
    ops["flags"][-1] = TapeFlag.ROW_END
    return ops
