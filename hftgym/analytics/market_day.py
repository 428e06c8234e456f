"""A market's day from its event log: the visible book over time, and what it adds up to.

The log is read once, piece by piece, and nothing of it is kept: the book is rebuilt from the public
feed (`hftgym.feed`), integrated over time event by event, and drawn on a grid of columns. So the
same figures follow from a running market, a log file and, in its format, real data.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from hftgym.analytics.quality import QUALITY, hold_touch
from hftgym.core.constants import NO_PX, NONE, SECOND_NS, LogKind, LogMark, Phase, Reason
from hftgym.core.jit import kernel, leaf
from hftgym.core.records import record
from hftgym.errors import UsageError
from hftgym.feed import FEED_ROW, FeedKind, public_feed

#: Columns of a picture.
COLUMNS = 600
#: Occupied levels a side that a column keeps.
LEVELS = 256
#: Trades that are kept one by one; a day with more has its columns alone.
MAX_TRADES = 4_000

_ADD = int(FeedKind.ADD)
_REMOVE = int(FeedKind.REMOVE)
_TRADE = int(FeedKind.TRADE)
_AUCTION_TRADE = int(FeedKind.AUCTION_TRADE)
_PHASE = int(FeedKind.PHASE)
_CONTINUOUS = int(Phase.CONTINUOUS)

#: One column: the book at its end, and what happened since the end of the one before.
COLUMN = record(
    [
        ("end_ns", "i8"),
        ("bid_px", "i8"),  # -NO_PX: no bid
        ("ask_px", "i8"),  # NO_PX: no ask
        ("mid_2px", "i8"),
        ("spread_px_ns", "f8"),  # spread integrated over ``quoted_ns``
        ("quoted_ns", "i8"),  # time in continuous trading with both sides quoted
        ("buy_lots", "i8"),  # by the side of the aggressor
        ("sell_lots", "i8"),
        ("auction_lots", "i8"),
        ("buy_px_lots", "f8"),  # sum of px * lots
        ("sell_px_lots", "f8"),
        ("phase", "i8"),  # at the end
    ]
)

_STATE = record(
    [
        ("since_ns", "i8"),  # the book has stood like this since then
        ("begin_ns", "i8"),  # nothing is measured before
        ("tick_px", "i8"),
        ("phase", "i8"),
        ("mid_2px", "i8"),
        ("bid", "i8"),  # level of the best bid; NONE: no bid
        ("ask", "i8"),  # level of the best ask; the number of levels: no ask
        ("second", "i8"),  # next mid to note
    ]
)


@leaf
def _note_mids(s, mids, before_ns):
    """Note the mid at every whole second before a time."""
    while s.second < len(mids) and s.begin_ns + s.second * SECOND_NS < before_ns:
        mids[s.second] = s.mid_2px
        s.second += 1


@leaf
def _hold(s, row, column, prices, volume, until_ns):
    """Account for the time during which the book stands as it is."""
    held_ns = until_ns - max(s.since_ns, s.begin_ns)
    s.since_ns = until_ns
    if held_ns <= 0 or s.phase != _CONTINUOUS:
        return
    bid_px, bid_lots, ask_px, ask_lots = 0, 0, 0, 0
    if s.bid != NONE:
        bid_px, bid_lots = prices[s.bid], volume[0, s.bid]
    if s.ask != len(prices):
        ask_px, ask_lots = prices[s.ask], volume[1, s.ask]
    hold_touch(row, bid_px, bid_lots, ask_px, ask_lots, s.tick_px, held_ns)
    if bid_lots > 0 and ask_lots > 0:
        column.quoted_ns += held_ns
        column.spread_px_ns += float(held_ns) * (ask_px - bid_px)


@leaf
def _find_touch(s, prices, volume):
    """Move the touch to the best levels that hold something; they can only be further out."""
    while s.bid != NONE and volume[0, s.bid] == 0:
        s.bid -= 1
    while s.ask != len(prices) and volume[1, s.ask] == 0:
        s.ask += 1
    if s.phase == _CONTINUOUS and s.bid != NONE and s.ask != len(prices) and s.bid < s.ask:
        s.mid_2px = prices[s.bid] + prices[s.ask]


@leaf
def _count_trade(row, column, kind, side, px, lots):
    row.trades += 1
    row.volume += lots
    if kind == _AUCTION_TRADE:
        column.auction_lots += lots
    elif side > 0:
        column.buy_lots += lots
        column.buy_px_lots += float(px) * lots
    else:
        column.sell_lots += lots
        column.sell_px_lots += float(px) * lots


@kernel
def _follow(feed, levels, prices, volume, state, rows, columns, j, mids):
    """Apply rows of the public feed to the book, and integrate over the time between them.

    Args:
        feed: FEED_ROW, shape (n,).
        levels: index into ``prices`` of each row, shape (n,).
        prices: rising px of every level that may hold something, shape (levels,).
        volume: visible lots of bids and asks, shape (2, levels).
        state: _STATE, shape (1,).
        rows: QUALITY, shape (1,).
        columns: COLUMN, shape (columns,).
        j: the column to fill.
        mids: mid_2px at each whole second, shape (seconds + 1,).
    """
    s = state[0]
    row = rows[0]
    column = columns[j]
    s.bid = len(prices) - 1
    s.ask = 0
    _find_touch(s, prices, volume)
    for k in range(len(feed)):
        t_ns = feed[k]["t_ns"]
        kind = feed[k]["kind"]
        side = feed[k]["side"]
        lots = feed[k]["lots"]
        if t_ns > s.since_ns:
            _note_mids(s, mids, t_ns)
            _hold(s, row, column, prices, volume, t_ns)
        if kind == _PHASE:
            s.phase = lots
            continue
        if kind == _TRADE or kind == _AUCTION_TRADE:
            if t_ns > s.begin_ns:
                _count_trade(row, column, kind, side, feed[k]["px"], lots)
            if kind == _AUCTION_TRADE or feed[k]["hidden"] != 0:
                continue
            side, lots = -side, -lots  # the aggressor took it from the other side
        elif kind == _REMOVE:
            lots = -lots
        elif kind != _ADD:
            continue
        level = levels[k]
        if side > 0:
            volume[0, level] += lots
            s.bid = max(s.bid, level)
        else:
            volume[1, level] += lots
            s.ask = min(s.ask, level)
        _find_touch(s, prices, volume)


@kernel
def _end_column(prices, volume, state, rows, columns, j, mids, end_ns):
    """Let the book stand until the end of a column, and note it."""
    s = state[0]
    column = columns[j]
    _note_mids(s, mids, end_ns + 1)
    _hold(s, rows[0], column, prices, volume, end_ns)
    column.end_ns = end_ns
    column.bid_px = prices[s.bid] if s.bid != NONE else -NO_PX
    column.ask_px = prices[s.ask] if s.ask != len(prices) else NO_PX
    column.mid_2px = s.mid_2px
    column.phase = s.phase


TRADE_DOT = np.dtype([("t_ns", "i8"), ("px", "i8"), ("lots", "i8"), ("side", "i1")])
DEPTH_CELL = np.dtype([("column", "i4"), ("px", "i8"), ("lots", "i8")])


@dataclass(frozen=True)
class MarketDay:
    """What a recorder has seen between ``begin_ns`` and ``end_ns``.

    Attributes:
        begin_ns: begin of the day.
        end_ns: its end.
        tick_px: tick, price units.
        sums: spread, depth, trades and volume, dtype ``QUALITY``, shape (1,).
        columns: the day in equal pieces, dtype ``COLUMN``, shape (columns,).
        depth: visible lots by column and px, dtype ``DEPTH_CELL``; bids positive, asks negative.
        mid_2px: mid at each whole second in half price units, shape (seconds + 1,).
        trades: each trade, dtype ``TRADE_DOT``; None when there are more than ``MAX_TRADES``.
        counts: rows of the log by what they tell, see `count_rows`.
    """

    begin_ns: int
    end_ns: int
    tick_px: int
    sums: npt.NDArray[Any]
    columns: npt.NDArray[Any]
    depth: npt.NDArray[Any]
    mid_2px: npt.NDArray[np.int64]
    trades: npt.NDArray[Any] | None
    counts: dict[str, int]


@dataclass
class DayRecorder:
    """Reads the event log of one market from its opening on, piece by piece.

    Args:
        begin_ns: what comes before only builds the book.
        end_ns: end of the day.
        start_px: mid until both sides are quoted.
        tick_px: tick, price units.
        phase: trading phase at the opening.
        columns: pieces of the picture.
    """

    begin_ns: int
    end_ns: int
    start_px: int
    tick_px: int
    phase: Phase = Phase.CONTINUOUS
    columns: int = COLUMNS
    _ends: npt.NDArray[np.int64] = field(init=False)
    _j: int = field(init=False, default=-1)  # -1: before the day begins

    def __post_init__(self) -> None:
        if self.end_ns <= self.begin_ns or self.columns < 1:
            raise UsageError(
                "HG-U200",
                f"a day from {self.begin_ns} to {self.end_ns} ns in {self.columns} columns; it "
                "must have a length and a column",
            )
        span = self.end_ns - self.begin_ns
        self._ends = np.array(
            [self.begin_ns + span * (j + 1) // self.columns for j in range(self.columns)], np.int64
        )
        self._state = np.zeros(1, _STATE)
        for name, value in (
            ("begin_ns", self.begin_ns),
            ("tick_px", self.tick_px),
            ("phase", int(self.phase)),
            ("mid_2px", 2 * self.start_px),
            ("bid", NONE),
            ("ask", 1),
        ):
            self._state[0][name] = value
        self._sums = np.zeros(1, QUALITY)
        self._columns = np.zeros(self.columns, COLUMN)
        self._mids = np.zeros(span // SECOND_NS + 1, np.int64)
        self._prices = np.zeros(1, np.int64)
        self._volume = np.zeros((2, 1), np.int64)
        self._depth: list[np.ndarray] = []
        self._trades: list[np.ndarray] | None = []
        self._counts = dict.fromkeys(COUNTED, 0)

    def add(self, log: np.ndarray) -> None:
        """Read the next rows of the log, dtype ``LOG_ROW``; all of an instant together."""
        if not len(log):
            return
        inside = log[(log["t_ns"] > self.begin_ns) & (log["t_ns"] <= self.end_ns)]
        for name, count in count_rows(inside).items():
            self._counts[name] += count
        self._keep_trades(inside)
        feed = public_feed(log[log["t_ns"] <= self.end_ns])
        while len(feed):
            end_ns = self.begin_ns if self._j < 0 else int(self._ends[self._j])
            stop = int(np.searchsorted(feed["t_ns"], end_ns, side="right"))
            self._apply(feed[:stop])
            if stop == len(feed):
                break
            self._turn(end_ns)
            feed = feed[stop:]

    def close(self) -> MarketDay:
        """End the day: there are no more rows in it.

        Returns:
            What it came to.
        """
        while self._j < self.columns:
            self._turn(self.begin_ns if self._j < 0 else int(self._ends[self._j]))
        dots = self._trades
        return MarketDay(
            self.begin_ns,
            self.end_ns,
            self.tick_px,
            self._sums,
            self._columns,
            np.concatenate([np.zeros(0, DEPTH_CELL), *self._depth]),
            self._mids,
            None if dots is None else np.concatenate([np.zeros(0, TRADE_DOT), *dots]),
            self._counts,
        )

    def _apply(self, feed: np.ndarray) -> None:
        """Renumber the levels so that all of these rows have one, then let them act."""
        if not len(feed):
            return
        held = self._volume.any(axis=0)
        prices = np.union1d(self._prices[held], feed["px"])
        volume = np.zeros((2, len(prices)), np.int64)
        volume[:, np.searchsorted(prices, self._prices[held])] = self._volume[:, held]
        self._prices, self._volume = prices, volume
        _follow(
            np.ascontiguousarray(feed, FEED_ROW),
            np.searchsorted(prices, feed["px"]),
            prices,
            volume,
            self._state,
            self._sums,
            self._columns,
            max(self._j, 0),
            self._mids,
        )

    def _turn(self, end_ns: int) -> None:
        """End the current column (or what lies before the first) and begin the next one."""
        j = max(self._j, 0)
        _end_column(
            self._prices, self._volume, self._state, self._sums, self._columns, j, self._mids,
            end_ns,
        )  # fmt: skip
        if self._j >= 0:
            for side, row in ((1, self._volume[0, ::-1]), (-1, self._volume[1])):
                prices = self._prices[::-1] if side > 0 else self._prices
                shown = np.flatnonzero(row)[:LEVELS]
                cells = np.zeros(len(shown), DEPTH_CELL)
                cells["column"], cells["px"], cells["lots"] = j, prices[shown], side * row[shown]
                self._depth.append(cells)
        self._j += 1

    def _keep_trades(self, log: np.ndarray) -> None:
        if self._trades is None:
            return
        rows = log[(log["kind"] == LogKind.TRADE) | (log["kind"] == LogKind.HIDDEN_TRADE)]
        if sum(map(len, self._trades)) + len(rows) > MAX_TRADES:
            self._trades = None
            return
        dots = np.zeros(len(rows), TRADE_DOT)
        for name in TRADE_DOT.names or ():
            dots[name] = rows[name]
        self._trades.append(dots)


#: What `count_rows` counts.
COUNTED = ("rested", "aggressors", "amends", "cancels", "ended", "rejects")


def count_rows(log: np.ndarray) -> dict[str, int]:
    """Count what the rows of an event log tell of messages.

    Args:
        log: rows, dtype ``LOG_ROW``; all of an instant together.

    Returns:
        ``rested`` orders that joined the book, ``aggressors`` that traded (once, however many
        orders they met), ``amends``, ``cancels`` that were asked for, orders that ``ended`` for
        another reason (the rest of a market order, an expiry ...), ``rejects``.
    """
    kind, reason = log["kind"], log["reason"]
    moved = (kind == LogKind.CANCEL) & (reason == Reason.MOVED)
    rested = (kind == LogKind.REST) & (log["marks"] & LogMark.ICEBERG == 0)
    # An amend to another price leaves its place and rests again at the same instant.
    place = ["t_ns", "maker", "maker_slot"]
    back = np.isin(log[rested][place], log[moved][place]) if moved.any() else np.zeros(0, bool)
    taken = log[(kind == LogKind.TRADE) & (log["side"] != 0)]
    taken = taken[["t_ns", "taker", "taker_slot", "side"]]
    asked = (kind == LogKind.CANCEL) & (reason == Reason.OK)
    return {
        "rested": int(rested.sum() - back.sum()),
        "aggressors": int((taken[1:] != taken[:-1]).sum()) + bool(len(taken)),
        "amends": int(((kind == LogKind.AMEND) & (reason == Reason.OK)).sum() + moved.sum()),
        "cancels": int(asked.sum()),
        "ended": int(((kind == LogKind.CANCEL) & ~asked & ~moved).sum()),
        "rejects": int((kind == LogKind.REJECT).sum()),
    }
