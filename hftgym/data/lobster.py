"""LOBSTER reader: a day of NASDAQ order messages and the book after each of them.

LOBSTER (lobsterdata.com) ships two files a day. ``message`` holds time in seconds after midnight,
type, order id, size, price in 1e-4 dollars and direction; ``orderbook`` holds the best L levels
after each message, ask price, ask size, bid price, bid size, level by level. An empty level is
a price of 9999999999 with size 0, whose sign is not the same in all files: both are read.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from hftgym.data.integer_csv import IntArray, open_csv
from hftgym.data.lobster_format import (
    FIELDS_A_LEVEL,
    MESSAGE_COLUMNS,
    orderbook_columns,
)
from hftgym.data.lobster_rules import check_book, check_messages, check_row_counts
from hftgym.errors import DataError, UsageError


@dataclass(frozen=True)
class LobsterDay:
    """A LOBSTER day, read and checked. Row k of ``book`` is the state after message k.

    Attributes:
        t_ns: Nanoseconds after midnight, shape (rows,), never falling.
        kind: ``LobsterKind`` of each message, shape (rows,).
        order_id: Order reference, shape (rows,); 0 or -1 where there is none.
        lots: Shares, shape (rows,).
        price: Price in 1e-4 dollars, shape (rows,); the status for ``HALT``.
        side: +1 buy, -1 sell order (the resting one for an execution), shape (rows,).
        book: Levels in the file's layout (ask price, ask size, bid price, bid size, ...), shape
            (rows, 4 * levels).
        message_path: Where the messages came from.
        orderbook_path: Where the book came from.
        message_line: Line of row 0 in the message file.
        orderbook_line: Line of row 0 in the orderbook file.
        message_sha256: Hash of the whole message file.
        orderbook_sha256: Hash of the whole orderbook file.
        first_row: Row of the file that row 0 is (above 0 for a part of a day).
    """

    t_ns: IntArray
    kind: NDArray[np.int8]
    order_id: IntArray
    lots: IntArray
    price: IntArray
    side: NDArray[np.int8]
    book: IntArray
    message_path: Path
    orderbook_path: Path
    message_line: int
    orderbook_line: int
    message_sha256: str
    orderbook_sha256: str
    first_row: int = 0

    @property
    def rows(self) -> int:
        """Number of messages."""
        return len(self.t_ns)

    @property
    def levels(self) -> int:
        """Number L of levels a side."""
        return int(self.book.shape[1]) // FIELDS_A_LEVEL

    def between(self, start: int, stop: int) -> LobsterDay:
        """Take rows start to stop - 1 as a day of their own.

        Args:
            start: First row, counted from 0.
            stop: Row after the last.

        Returns:
            The part; its row 0 is row ``start`` of this day.

        Raises:
            UsageError: When no row is left or the rows are not there.
        """
        if not 0 <= start < stop <= self.rows:
            raise UsageError(
                "HG-U101",
                f"rows {start} to {stop} are not in a day of {self.rows} rows. "
                f"Take 0 <= start < stop <= {self.rows}.",
            )
        part = slice(start, stop)
        return replace(
            self,
            t_ns=self.t_ns[part],
            kind=self.kind[part],
            order_id=self.order_id[part],
            lots=self.lots[part],
            price=self.price[part],
            side=self.side[part],
            book=self.book[part],
            message_line=self.message_line + start,
            orderbook_line=self.orderbook_line + start,
            first_row=self.first_row + start,
        )

    def message_place(self, row: int) -> str:
        """Name file and line of a message."""
        return f"{self.message_path}:{self.message_line + row}"

    def orderbook_place(self, row: int) -> str:
        """Name file and line of a book row."""
        return f"{self.orderbook_path}:{self.orderbook_line + row}"


def read_lobster(message: Path, orderbook: Path) -> LobsterDay:
    """Read and check a pair of LOBSTER files, with or without a header line.

    Args:
        message: The message file.
        orderbook: The orderbook file of the same day; its columns say the number of levels.

    Returns:
        The day. Nothing is repaired, dropped or invented.

    Raises:
        NoInputError: When a file is missing, a directory or can not be read.
        DataError: When anything in the files breaks a rule; see ``docs/data.md``.
    """
    message, orderbook = Path(message), Path(orderbook)
    messages_text, book_text = open_csv(message), open_csv(orderbook)
    if book_text.columns % FIELDS_A_LEVEL:
        raise DataError(
            "HG-D105",
            f"{orderbook}:{book_text.first_line}: {book_text.columns} columns are no whole number "
            f"of levels ({FIELDS_A_LEVEL} columns a level: ask price, ask size, bid price, "
            "bid size). Give the orderbook file of this day.",
        )
    table = messages_text.parse(MESSAGE_COLUMNS, time_column=0)
    book = book_text.parse(orderbook_columns(book_text.columns // FIELDS_A_LEVEL))
    check_row_counts(messages_text, len(table), book_text, len(book))
    check_messages(table, messages_text)
    check_book(book, book_text)
    t_ns, kind, order_id, lots, price, side = table.T.copy()
    arrays = (t_ns, kind.astype(np.int8), order_id, lots, price, side.astype(np.int8), book)
    for array in arrays:
        array.setflags(write=False)
    return LobsterDay(
        *arrays,
        message_path=message,
        orderbook_path=orderbook,
        message_line=messages_text.first_line,
        orderbook_line=book_text.first_line,
        message_sha256=messages_text.sha256,
        orderbook_sha256=book_text.sha256,
    )
