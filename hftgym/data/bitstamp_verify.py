"""Replay of a Bitstamp recording against the snapshots of the exchange that it holds.

The snapshots take no part in the replay, so they can judge it. Both books are compared: every
message taken word by word on an empty book, and the repaired one (``bitstamp_book``). Orders from
before the recording that nothing happened to stay unknown, so the first half of the snapshots is
left out: that is how long the book is given to fill.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hftgym.data.bitstamp import BitstampDay, Snapshots, read_bitstamp
from hftgym.data.bitstamp_book import BitstampBook, ChangeKind, replay
from hftgym.data.bitstamp_trades import BUY, SELL
from hftgym.errors import DataError

LEAST_BEST_EQUAL = 0.99
LEAST_LEVELS_EQUAL = 0.95
_SIDES = (BUY, SELL)


@dataclass
class Agreement:
    """How far a book agrees with the snapshots; pairs are bids and asks.

    Attributes:
        snapshots: Snapshots compared.
        levels: Levels that they show.
        levels_equal: Of these, those at which the book has exactly this amount.
        best_equal: Snapshots whose best price is the book's.
        late: Messages about orders that had ended; ignored.
        stale: Orders removed because others crossed them too long.
        fills: Executions of resting orders.
        filled_satoshi: Their amount.
        first_difference: Line and text of the first best price that differs, or None.
    """

    snapshots: int = 0
    levels: tuple[int, int] = (0, 0)
    levels_equal: tuple[int, int] = (0, 0)
    best_equal: tuple[int, int] = (0, 0)
    late: int = 0
    stale: int = 0
    fills: int = 0
    filled_satoshi: int = 0
    first_difference: str | None = None

    @property
    def level_shares(self) -> tuple[float, float]:
        """Share of the levels that are equal, bids and asks."""
        bids, asks = (e / max(n, 1) for e, n in zip(self.levels_equal, self.levels, strict=True))
        return bids, asks

    def __str__(self) -> str:
        """Say both shares and both counts."""
        bid, ask = self.level_shares
        return (
            f"levels equal: {bid:.1%} of bids, {ask:.1%} of asks; best price equal: bid "
            f"{self.best_equal[0]:,} / {self.snapshots:,}, ask {self.best_equal[1]:,} / "
            f"{self.snapshots:,}"
        )


@dataclass(frozen=True)
class BitstampReport:
    """What a replay found.

    Attributes:
        path: The recording.
        events: Messages about orders.
        trades: Trades.
        traded_satoshi: Their amount.
        literal: The book made word by word.
        repaired: The repaired book.
    """

    path: Path
    events: int
    trades: int
    traded_satoshi: int
    literal: Agreement
    repaired: Agreement

    @property
    def ok(self) -> bool:
        """Whether the repaired book is the exchange's and every trade met a resting order."""
        found = self.repaired
        return (
            min(found.best_equal) >= LEAST_BEST_EQUAL * found.snapshots
            and min(found.level_shares) >= LEAST_LEVELS_EQUAL
            and (found.fills, found.filled_satoshi) == (self.trades, self.traded_satoshi)
        )

    def to_dict(self) -> dict[str, Any]:
        """Return all figures for ``--json``."""
        sides = {
            name: {**vars(found), "level_shares": found.level_shares}
            for name, found in (("literal", self.literal), ("repaired", self.repaired))
        }
        return {**vars(self), "path": str(self.path), **sides, "ok": self.ok}

    def __str__(self) -> str:
        """Say what was read, then a line for each book."""
        found = self.repaired
        lines = [
            f"{self.events:,} order events, {self.trades:,} trades of "
            f"{self.traded_satoshi / 1e8:.8f} BTC; second half: {found.snapshots:,} snapshots",
            f"word by word  {self.literal}",
            f"repaired      {found}",
            f"repaired      {found.fills:,} executions of {found.filled_satoshi / 1e8:.8f} BTC, "
            f"{found.late} late messages ignored, {found.stale} stale orders removed",
        ]
        if found.first_difference is not None:
            lines.append(f"first difference: {self.path}:{found.first_difference}")
        return "\n".join(lines)


def verify_bitstamp(path: Path) -> BitstampReport:
    """Read a log and compare the rebuilt book with its snapshots.

    Args:
        path: The log; a table of orders has no snapshots.

    Returns:
        How far the books agree.

    Raises:
        NoInputError: When the file can not be read.
        DataError: When the file breaks a rule of the reader or has no snapshots.
    """
    day = read_bitstamp(path)
    if not len(day.snapshots.t_ns):
        raise DataError(
            "HG-D166", f"{path}: no snapshots to compare with. Give the log, not the order table."
        )
    return BitstampReport(
        path=Path(path),
        events=len(day.events.t_ns),
        trades=len(day.trades.t_ns),
        traded_satoshi=int(day.trades.satoshi.sum()),
        literal=agreement(day, repaired=False),
        repaired=agreement(day, repaired=True),
    )


def agreement(day: BitstampDay, repaired: bool) -> Agreement:
    """Replay a recording and compare the second half of its snapshots.

    Args:
        day: The recording.
        repaired: Whether the rules of ``bitstamp_book`` hold.
    """
    snapshots = day.snapshots
    before = snapshots.events_before.tolist()
    number = len(before) // 2
    found = Agreement()
    book = None
    for row, changes, book in replay(day, repaired):
        fills = [change for change in changes if change.kind == ChangeKind.FILL]
        found.fills += len(fills)
        found.filled_satoshi += sum(change.satoshi for change in fills)
        while number < len(before) and before[number] <= row + 1:
            if before[number] == row + 1:
                _compare(found, book, snapshots, number)
            number += 1
    if book is not None:
        found.late, found.stale = book.late, book.stale
    return found


def _compare(found: Agreement, book: BitstampBook, snapshots: Snapshots, number: int) -> None:
    found.snapshots += 1
    levels, equal, best = [], [], []
    for side, rows in zip(_SIDES, snapshots.book[number].tolist(), strict=True):
        shown = [(px, satoshi) for px, satoshi in rows if px]
        levels.append(len(shown))
        equal.append(sum(book.volume(side, px) == satoshi for px, satoshi in shown))
        shown_px, px = shown[0][0] if shown else 0, book.best_px(side)
        best.append(shown_px == px)
        if shown_px != px and found.first_difference is None:
            name = "bid" if side == BUY else "ask"
            found.first_difference = (
                f"{snapshots.line[number]}: best {name} is {shown_px / 100:.2f}, the messages make "
                f"it {px / 100:.2f}"
            )
    found.levels = (found.levels[0] + levels[0], found.levels[1] + levels[1])
    found.levels_equal = (found.levels_equal[0] + equal[0], found.levels_equal[1] + equal[1])
    found.best_equal = (found.best_equal[0] + best[0], found.best_equal[1] + best[1])
