"""The null test: without agents, a tape in the live matching engine is its day, row by row.

The same compiled functions that let agents trade against history play every operation on a live
book; after each row, every level of both sides is compared with history's own.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from hftgym.core.book import level_lots, next_key
from hftgym.core.constants import NO_KEY, NO_PX, TapeFlag
from hftgym.core.jit import kernel, leaf
from hftgym.core.records import LOG, MARKET_CLASSES
from hftgym.core.tape import play
from hftgym.data.tape import Tape
from hftgym.errors import DataError
from hftgym.instrument import Instrument
from hftgym.market import blueprint, check_fault
from hftgym.scenario import Scenario

_ROW_END = int(TapeFlag.ROW_END)
_COLUMNS = ("bid px", "bid lots", "ask px", "ask lots")


@dataclass(frozen=True)
class NullTestReport:
    """What a null test found.

    Attributes:
        rows: Rows that were played: all but the first, which seeds the book.
        rows_equal: Rows after which the live book is history's, at every level of both sides.
        levels: Levels a side.
        first_difference: Row, level and values where the books first differ, or None.
    """

    rows: int
    rows_equal: int
    levels: int
    first_difference: str | None

    @property
    def equal(self) -> bool:
        """Whether every row is equal."""
        return self.rows_equal == self.rows and self.first_difference is None

    def __str__(self) -> str:
        """Say ``rows_equal / rows`` first."""
        text = f"{self.rows_equal} / {self.rows} rows equal at all {self.levels} levels"
        return text if self.first_difference is None else f"{text}; {self.first_difference}"


@leaf
def _show(s: Any, shown: Any, levels: int, px_column: int) -> bool:
    """Write the levels of a side into ``shown``; False when it has more of them."""
    key = s.best
    for level in range(levels):
        if key == NO_KEY:
            shown[level, px_column] = -s.side * NO_PX
            shown[level, px_column + 1] = 0
        else:
            shown[level, px_column] = s.side * key
            shown[level, px_column + 1] = level_lots(s, key)
            key = next_key(s, key)
    return bool(key == NO_KEY)


@kernel
def _play_rows(markets: Any, ops: Any, log: Any, book: Any, equal: Any, shown: Any) -> None:
    """Play all operations; whether each row is equal, and what the live book showed (levels, 4)."""
    m = markets[0]
    levels = book.shape[1]
    for j in range(len(ops)):
        m.now_ns = ops[j].t_ns
        play(m, log[0], ops[j])
        if m.fault != 0:
            return
        if ops[j].flags & _ROW_END:
            row = ops[j].row
            whole = _show(m.books[0].sides[0], shown[row], levels, 0)
            whole &= _show(m.books[0].sides[1], shown[row], levels, 2)
            for level in range(levels):
                for column in range(4):
                    whole &= shown[row, level, column] == book[row, level, column]
            equal[row] = whole


def tape_scenario(tape: Tape) -> Scenario:
    """Return a market for a tape alone: the smallest class that holds its orders.

    Raises:
        DataError: When no class has room for them.
    """
    for size in MARKET_CLASSES.values():
        if tape.max_ordinals <= size.tape_orders:
            return Scenario(
                name="null",
                description="history alone",
                market_class=size.name,
                instrument=Instrument(
                    start_px=max(int(tape.book[0, 0, 0]), 1), px_max=1 << 36, max_lots=1 << 20
                ),
            )
    raise DataError(
        "HG-D140",
        f"tape: {tape.max_ordinals} orders alive at once; the largest market class holds "
        f"{size.tape_orders}. Cut the day (LobsterDay.between) or its levels.",
    )


def null_test(tape: Tape) -> NullTestReport:
    """Play a tape in the live matching engine without agents and compare every row.

    Args:
        tape: The tape.

    Returns:
        How many rows are equal, and the first that is not.

    Raises:
        DataError: When no market class has room for the tape.
        InternalError: When the market stops with a fault.
    """
    plan = blueprint(tape_scenario(tape), ops=tape.ops)
    markets = plan.open(seed=0, start_ns=tape.first_t_ns)
    equal = np.zeros(tape.rows, np.bool_)
    shown = np.zeros(tape.book.shape, np.int64)
    _play_rows(markets, tape.ops, np.zeros(1, LOG), tape.book, equal, shown)
    check_fault(markets[0])
    first_difference = None
    if not equal.all():
        row = int(np.flatnonzero(~equal)[0])
        first_difference = _describe(tape, row, shown[row])
    return NullTestReport(tape.rows - 1, int(equal[1:].sum()), tape.levels, first_difference)


def _describe(tape: Tape, row: int, shown: np.ndarray) -> str:
    """Say in which level and column a row differs first."""
    different = np.argwhere(shown != tape.book[row])
    if not len(different):
        return f"row {row}: the live book has levels behind the last one of history"
    level, column = (int(k) for k in different[0])
    return (
        f"row {row}: level {level + 1}, {_COLUMNS[column]}: live {shown[level, column]}, "
        f"history {tape.book[row, level, column]}"
    )
