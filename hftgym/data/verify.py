"""Replay of a LOBSTER day by the window rule, message by message, against its own book.

An independent judge: plain Python on lists, it shares no code with the matching engine or with the
tape compiler. The window rule: only the L shown levels are known. An addition adds its size; a
cancel, delete or execution takes it away, and an empty level goes; everything beyond L levels is
forgotten. When a full side loses a level, the row itself reveals the new worst one; it must lie
behind all the others. A reader that remembers levels outside the window is wrong: an order there
may be cancelled without a message.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from hftgym.data.lobster import LobsterDay, read_lobster
from hftgym.data.lobster_format import FIELDS_A_LEVEL, LobsterKind

_ASK, _BID = -1, 1
_TAKES = (LobsterKind.CANCEL, LobsterKind.DELETE, LobsterKind.EXECUTE)

Level = tuple[int, int]  # price in 1e-4 dollars, shares


@dataclass(frozen=True)
class ReplayReport:
    """What a replay found.

    Attributes:
        rows: Rows that were replayed: all but the first, which seeds the book.
        rows_equal: Rows whose book is, at every level of both sides, what the message makes of the
            row before.
        levels: Levels a side.
        reveals: Rows in which the file showed a level that no message explains.
        first_difference: File, line and reason of the first row that differs, or None.
    """

    rows: int
    rows_equal: int
    levels: int
    reveals: int
    first_difference: str | None

    @property
    def equal(self) -> bool:
        """Whether every row is equal."""
        return self.rows_equal == self.rows

    def __str__(self) -> str:
        """Say ``rows_equal / rows`` first."""
        text = f"{self.rows_equal} / {self.rows} rows equal at all {self.levels} levels"
        text += f", {self.reveals} rows reveal a level"
        return text if self.first_difference is None else f"{text}; {self.first_difference}"


def verify_lobster(message: Path, orderbook: Path) -> ReplayReport:
    """Read a pair of LOBSTER files and replay every message against the book rows.

    Args:
        message: The message file.
        orderbook: The orderbook file of the same day.

    Returns:
        How many rows are equal, and the first that is not.

    Raises:
        NoInputError: When a file can not be read.
        DataError: When a file breaks a rule of the reader.
    """
    return replay(read_lobster(message, orderbook))


def replay(day: LobsterDay) -> ReplayReport:
    """Replay a day that has been read; after a row that differs the file's row is taken.

    Args:
        day: The day.

    Returns:
        How many rows are equal, and the first that is not.
    """
    asks, bids = (_shown(day, side) for side in (_ASK, _BID))
    messages = zip(
        day.kind.tolist(), day.lots.tolist(), day.price.tolist(), day.side.tolist(), strict=True
    )
    rows_equal = reveals = 0
    first_difference: str | None = None
    for row, (kind, lots, price, side) in enumerate(messages):
        if row == 0:
            continue
        reason = ""
        revealed = False
        for own_side, shown in ((_ASK, asks), (_BID, bids)):
            levels = shown[row - 1]
            if own_side == side and kind in (LobsterKind.ADD, *_TAKES):
                levels, side_reason = _after(levels, kind, lots, price, side, day.levels)
                reason = reason or side_reason
                levels, side_revealed = _reveal(levels, shown[row - 1], shown[row], day.levels)
                revealed |= side_revealed
            if levels != shown[row]:
                reason = reason or _difference(levels, shown[row], own_side)
        reveals += revealed
        rows_equal += not reason
        if reason and first_difference is None:
            first_difference = f"{day.orderbook_place(row)}: {reason}"
    return ReplayReport(day.rows - 1, rows_equal, day.levels, reveals, first_difference)


def _shown(day: LobsterDay, side: int) -> list[list[Level]]:
    """List the occupied levels of one side in each row, best first."""
    first = 0 if side == _ASK else 2
    prices = day.book[:, first::FIELDS_A_LEVEL].tolist()
    sizes = day.book[:, first + 1 :: FIELDS_A_LEVEL].tolist()
    return [
        [(price, lots) for price, lots in zip(*row, strict=True) if lots > 0]
        for row in zip(prices, sizes, strict=True)
    ]


def _after(
    levels: list[Level], kind: int, lots: int, price: int, side: int, depth: int
) -> tuple[list[Level], str]:
    """Apply one message to one side; the text says what is impossible about it, or is empty."""
    book = dict(levels)
    if kind == LobsterKind.ADD:
        book[price] = book.get(price, 0) + lots
    elif price in book:
        if book[price] < lots:
            return levels, f"the message takes {lots} of {book[price]} shares at {price}"
        book[price] -= lots
        if book[price] == 0:
            del book[price]
    elif len(levels) < depth or side * price > side * levels[-1][0]:
        return levels, f"the message takes {lots} shares at {price}, where none are shown"
    best_first = sorted(book.items(), key=lambda level: -side * level[0])
    return best_first[:depth], ""


def _reveal(
    levels: list[Level], before: list[Level], shown: list[Level], depth: int
) -> tuple[list[Level], bool]:
    """Take the worst level from the row when a full side has lost one.

    A side that was not full hides nothing, so it can reveal nothing. That the revealed level is
    worse than the others follows from the order of the row, which the reader has checked.
    """
    if len(before) == depth and len(levels) == depth - 1 and len(shown) == depth:
        return [*levels, shown[-1]], True
    return levels, False


def _difference(levels: list[Level], shown: list[Level], side: int) -> str:
    """Name the first level that differs."""
    name = "ask" if side == _ASK else "bid"
    for number in range(max(len(levels), len(shown))):
        want = levels[number] if number < len(levels) else None
        have = shown[number] if number < len(shown) else None
        if want != have:
            return f"{name} level {number + 1} is {_text(have)}, the messages make it {_text(want)}"
    raise AssertionError("the two sides are equal")


def _text(level: Level | None) -> str:
    return "empty" if level is None else f"{level[1]} at {level[0]}"
