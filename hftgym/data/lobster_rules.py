"""What a LOBSTER file must obey before anything is built on it.

Each rule looks at whole columns, counts the rows that break it and names the first.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from hftgym.data.integer_csv import CsvText, Fault, IntArray, raise_first
from hftgym.data.lobster_format import DAY_NS, EMPTY_PRICE, MAX_LOTS, MAX_PRICE, LobsterKind
from hftgym.errors import DataError

_MS_A_DAY, _NS_A_SECOND = 86_400_000, 10**9
_BoolArray = NDArray[np.bool_]


def check_row_counts(
    messages: CsvText, message_rows: int, orderbook: CsvText, book_rows: int
) -> None:
    """Demand one book row a message.

    Raises:
        DataError: When the two files differ in length.
    """
    if message_rows != book_rows:
        raise DataError(
            "HG-D106",
            f"{messages.path}: {message_rows} rows, but {orderbook.path} has {book_rows}. Row k of "
            "the orderbook is the book after message k: give two files of the same day, uncut.",
        )


def check_messages(table: IntArray, text: CsvText) -> None:
    """Check the message table: kinds, ids, sizes, prices, directions and the order of time.

    Args:
        table: Messages, shape (rows, 6): time in ns, type, order id, size, price, direction.
        text: The file they came from.

    Raises:
        DataError: For the first row that breaks a rule.
    """
    t_ns, kind, order_id, lots, price, side = table.T
    faults: list[Fault] = []

    def demand(good: _BoolArray, code: str, column: str, rule: str, way_out: str) -> None:
        bad = np.flatnonzero(~good)
        if len(bad):
            row = int(bad[0])
            value = {"type": kind, "order_id": order_id, "size": lots, "price": price}.get(
                column, side
            )[row]
            of_kind = "" if column == "type" else f" in a row of type {kind[row]}"
            text_ = f"column '{column}': {value}{of_kind} is not {rule}"
            faults.append(Fault(row, len(bad), code, text_, way_out))

    order = kind <= LobsterKind.HIDDEN
    visible = kind <= LobsterKind.EXECUTE
    halt = kind == LobsterKind.HALT
    demand(
        np.isin(kind, list(LobsterKind)), "HG-D110", "type", "a type from 1 to 7", "Correct the row"
    )
    demand(
        ~visible | (order_id > 0),
        "HG-D111",
        "order_id",
        "an order id above 0",
        "Only types 5, 6 and 7 go without an order",
    )
    demand(
        ~order | ((lots >= 1) & (lots <= MAX_LOTS)),
        "HG-D112",
        "size",
        f"a size from 1 to {MAX_LOTS}",
        "Correct the row",
    )
    demand(
        (kind != LobsterKind.CROSS) | ((lots >= 0) & (lots <= MAX_LOTS)),
        "HG-D112",
        "size",
        f"a size from 0 to {MAX_LOTS}",
        "Correct the row",
    )
    demand(
        ~order | ((price >= 1) & (price <= MAX_PRICE)),
        "HG-D113",
        "price",
        f"a price from 1 to {MAX_PRICE} (1e-4 dollars)",
        "Correct the row",
    )
    demand(
        (kind != LobsterKind.CROSS) | ((price >= 0) & (price <= MAX_PRICE)),
        "HG-D113",
        "price",
        f"a price from 0 to {MAX_PRICE} (1e-4 dollars)",
        "Correct the row",
    )
    demand(
        ~halt | (np.abs(price) <= 1),
        "HG-D113",
        "price",
        "-1 (halt), 0 (quoting resumes) or 1 (trading resumes)",
        "Correct the row",
    )
    demand(
        ~order | (np.abs(side) == 1),
        "HG-D114",
        "direction",
        "1 (buy) or -1 (sell)",
        "Correct the row",
    )
    demand(
        order | (np.abs(side) <= 1),
        "HG-D114",
        "direction",
        "-1, 0 or 1",
        "Correct the row",
    )
    faults += _time_faults(t_ns)
    faults += _duplicate_faults(kind, order_id, text)
    raise_first(faults, text.path, text.first_line)


def _time_faults(t_ns: IntArray) -> list[Fault]:
    faults = []
    late = np.flatnonzero(t_ns >= DAY_NS)
    if len(late):
        row = int(late[0])
        seconds = int(t_ns[row]) // _NS_A_SECOND
        guess = "; it looks like milliseconds" if seconds < _MS_A_DAY else ""
        faults.append(
            Fault(
                row,
                len(late),
                "HG-D115",
                f"column 'time': {_clock(int(t_ns[row]))} is not below 86400 seconds after "
                f"midnight{guess}",
                "Give the time of day in seconds",
            )
        )
    back = np.flatnonzero(np.diff(t_ns) < 0) + 1
    if len(back):
        row = int(back[0])
        faults.append(
            Fault(
                row,
                len(back),
                "HG-D116",
                f"column 'time': {_clock(int(t_ns[row]))} is before {_clock(int(t_ns[row - 1]))} "
                "of the row above: time must not go backwards",
                "Sort both files together or take the original",
            )
        )
    return faults


def _clock(t_ns: int) -> str:
    """Write nanoseconds as seconds, exactly."""
    return f"{t_ns // _NS_A_SECOND}.{t_ns % _NS_A_SECOND:09d}"


def _duplicate_faults(kind: IntArray, order_id: IntArray, text: CsvText) -> list[Fault]:
    rows = np.flatnonzero(kind == LobsterKind.ADD)
    ids = order_id[rows]
    in_order = np.argsort(ids, kind="stable")
    again = np.flatnonzero(np.diff(ids[in_order]) == 0) + 1
    if not len(again):
        return []
    repeated = np.sort(rows[in_order[again]])
    row = int(repeated[0])
    first = int(rows[ids == order_id[row]][0])
    said = (
        f"column 'order_id': {order_id[row]} was added before, in line {text.first_line + first}: "
        "an order is added once"
    )
    return [Fault(row, len(repeated), "HG-D117", said, "Remove the repeated rows from both files")]


def check_book(book: IntArray, text: CsvText) -> None:
    """Check the book rows: limits, empty levels last, prices in order, sides not crossed.

    Args:
        book: Levels in the file's layout, shape (rows, 4 * levels).
        text: The file they came from.

    Raises:
        DataError: For the first row that breaks a rule.
    """
    levels = book.reshape(len(book), -1, 2, 2)  # (rows, levels, ask and bid, price and size)
    price, lots = levels[..., 0], levels[..., 1]
    empty = (np.abs(price) == EMPTY_PRICE) & (lots == 0)
    filled = (price >= 1) & (price <= MAX_PRICE) & (lots >= 1) & (lots <= MAX_LOTS)
    faults: list[Fault] = []

    def demand(good: _BoolArray, code: str, rule: str, way_out: str) -> None:
        """Demand `good`, shape (rows, levels, sides)."""
        bad = ~good.all(axis=(1, 2))
        if bad.any():
            row = int(np.flatnonzero(bad)[0])
            level, side = (int(i) for i in np.argwhere(~good[row])[0])
            name = ("ask", "bid")[side]
            said = (
                f"column '{name}_price_{level + 1}': {price[row, level, side]} with size "
                f"{lots[row, level, side]} {rule}"
            )
            faults.append(Fault(row, int(bad.sum()), code, said, way_out))

    demand(
        empty | filled,
        "HG-D120",
        f"is neither a level (price 1 to {MAX_PRICE}, size 1 to {MAX_LOTS}) nor an empty one "
        f"(price +-{EMPTY_PRICE}, size 0)",
        "Correct the row",
    )
    after_empty = np.zeros(empty.shape, dtype=np.bool_)
    after_empty[:, 1:] = empty[:, :-1]
    demand(empty | ~after_empty, "HG-D121", "lies behind an empty level", "Correct the row")
    worse = np.ones(empty.shape, dtype=np.bool_)
    direction = np.array([1, -1])  # asks rise, bids fall
    worse[:, 1:] = (price[:, 1:] - price[:, :-1]) * direction > 0
    demand(
        worse | empty | after_empty,
        "HG-D122",
        "is not worse than the level before it",
        "Levels go from the best to the worst",
    )
    ask, bid = price[:, 0, 0], price[:, 0, 1]
    crossed = np.flatnonzero((ask <= bid) & ~empty[:, 0, 0] & ~empty[:, 0, 1])
    if len(crossed):
        row = int(crossed[0])
        said = (
            f"column 'bid_price_1': {bid[row]} is not below ask_price_1 {ask[row]}: the book is "
            "crossed or locked"
        )
        faults.append(Fault(row, len(crossed), "HG-D123", said, "Cut the file before this row"))
    raise_first(faults, text.path, text.first_line)
