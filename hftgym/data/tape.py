"""Tape compiler: turns a LOBSTER day into a flat table of operations for a live book.

The operations say which order of history appears, shrinks, goes or is executed; the engine plays
them on a book in which others trade too. Played alone they rebuild every row of the day at every
level. What history's window H is, and so which orders a row touches, is settled here, once.

One row of the day becomes one operation or more, the last of them marked ``ROW_END``:

=========  ==========================================================================
``ADD``    order ``ordinal`` joins the back of the level ``px``
``FRONT``  anonymous volume of a level joins its front (first row, revealed level)
``REDUCE`` ``lots`` of ``ordinal`` are cancelled
``REMOVE`` ``ordinal`` goes whole: deleted, or its level left the window
``EXEC``   ``lots`` of ``ordinal`` are executed at ``px`` by an aggressor of side -``side``
``HIDDEN`` hidden execution; ``px`` is the limit of the aggressor, ``side`` the resting side
``PRINT``  auction print
``PHASE``  trading status in ``lots``: -1 halt, 0 quoting resumes, 1 trading resumes
=========  ==========================================================================
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hftgym.core.constants import BUY, NO_PX, NONE, SELL, TapeFlag, TapeKind
from hftgym.core.records import TAPE_OP
from hftgym.data.history import HistoryWindow
from hftgym.data.integer_csv import Fault, IntArray, raise_first
from hftgym.data.lobster import LobsterDay
from hftgym.data.lobster_format import FIELDS_A_LEVEL, LobsterKind, orderbook_columns
from hftgym.errors import DataError, UsageError

CENT = 100  # in 1e-4 dollars
_OFF_TICK = "Take a smaller tick"


@dataclass(frozen=True)
class Tape:
    """A compiled day.

    Attributes:
        ops: Operations in file order, shape (operations,), dtype ``TAPE_OP``; prices in ticks.
        rows: Rows of the day, the seed row included.
        levels: Levels L that H shows a side.
        max_ordinals: Ordinals are below this number: the most orders alive in H at once.
        reveals: Rows in which a level appeared without a message.
        first_t_ns: Time of the first row, nanoseconds after midnight.
        last_t_ns: Time of the last row.
        tick: Ticks are this many 1e-4 dollars.
        book: H after each row, shape (rows, levels, 4): bid px, bid lots, ask px, ask lots, in
            ticks and lots; an empty level is -+``NO_PX`` with 0 lots.
        data_hash: SHA-256 over the two files, the rows taken and the tick, hexadecimal.
    """

    ops: NDArray[Any]
    rows: int
    levels: int
    max_ordinals: int
    reveals: int
    first_t_ns: int
    last_t_ns: int
    tick: int
    book: IntArray
    data_hash: str

    def first_op(self, row: int) -> int:
        """Index of the first operation of a row (of ``rows``: the number of operations)."""
        return int(np.searchsorted(self.ops["row"], row))

    def count(self, kind: TapeKind) -> int:
        """Number of operations of a kind."""
        return int(np.count_nonzero(self.ops["kind"] == kind))


def compile_tape(day: LobsterDay, tick: int = CENT) -> Tape:
    """Compile a day, or a part of one, into a tape.

    Args:
        day: The day; its row 0 seeds the book.
        tick: Tick size in 1e-4 dollars.

    Returns:
        The tape.

    Raises:
        UsageError: When the tick is not positive.
        DataError: When a visible price is off the tick, or a row of the book is not what the
            message makes of the row before.
    """
    if tick < 1:
        raise UsageError("HG-U102", f"tick {tick} is not a positive number of 1e-4 dollars.")
    _check_tick(day, tick)
    book = _book_in_ticks(day, tick)
    compiler = _Compiler(day, tick, book)
    for row in range(day.rows):
        compiler.play_row(row)
    ops = compiler.table()
    ops["h_bid_px"] = book[ops["row"], 0, 0]
    ops["h_ask_px"] = book[ops["row"], 0, 2]
    for array in (ops, book):
        array.setflags(write=False)
    return Tape(
        ops=ops,
        rows=day.rows,
        levels=day.levels,
        max_ordinals=compiler.window.ordinals.high_water,
        reveals=compiler.reveals,
        first_t_ns=int(day.t_ns[0]),
        last_t_ns=int(day.t_ns[-1]),
        tick=tick,
        book=book,
        data_hash=_data_hash(day, tick),
    )


def _data_hash(day: LobsterDay, tick: int) -> str:
    parts = (day.message_sha256, day.orderbook_sha256, day.first_row, day.rows, tick)
    return hashlib.sha256(" ".join(map(str, parts)).encode()).hexdigest()


def _check_tick(day: LobsterDay, tick: int) -> None:
    """Demand that every visible price lies on the tick."""
    rule = f"is not a multiple of the tick {tick} (1e-4 dollars)"
    visible = day.kind <= LobsterKind.EXECUTE
    off = np.flatnonzero(visible & (day.price % tick != 0))
    if len(off):
        row = int(off[0])
        fault = Fault(
            row, len(off), "HG-D131", f"column 'price': {day.price[row]} {rule}", _OFF_TICK
        )
        raise_first([fault], day.message_path, day.message_line)
    off_level = (day.book[:, ::2] % tick != 0) & (day.book[:, 1::2] > 0)
    off = np.flatnonzero(off_level.any(axis=1))
    if len(off):
        row = int(off[0])
        column = 2 * int(np.flatnonzero(off_level[row])[0])
        name = orderbook_columns(day.levels)[column]
        fault = Fault(
            row, len(off), "HG-D131", f"column '{name}': {day.book[row, column]} {rule}", _OFF_TICK
        )
        raise_first([fault], day.orderbook_path, day.orderbook_line)


def _book_in_ticks(day: LobsterDay, tick: int) -> IntArray:
    """Rearrange the file's columns into (rows, levels, bid px, bid lots, ask px, ask lots)."""
    file = day.book.reshape(day.rows, day.levels, FIELDS_A_LEVEL)
    book = np.empty_like(file)
    for side, column, file_column in ((BUY, 0, 2), (SELL, 2, 0)):
        lots = file[..., file_column + 1]
        book[..., column] = np.where(lots > 0, file[..., file_column] // tick, -side * NO_PX)
        book[..., column + 1] = lots
    return book


class _Compiler:
    """Plays messages on H and writes down what each did to which order."""

    def __init__(self, day: LobsterDay, tick: int, book: IntArray) -> None:
        self.day = day
        self.tick = tick
        self.window = HistoryWindow(day.levels)
        self.reveals = 0
        self._messages = list(
            zip(
                day.t_ns.tolist(),
                day.kind.tolist(),
                day.order_id.tolist(),
                day.lots.tolist(),
                day.price.tolist(),
                day.side.tolist(),
                strict=True,
            )
        )
        # Levels of each row as H keeps them: rising keys -side * px, and lots; both best first.
        self._keys = {BUY: (-book[..., 0]).tolist(), SELL: book[..., 2].tolist()}
        self._lots = {BUY: book[..., 1].tolist(), SELL: book[..., 3].tolist()}
        self._filled = {
            side: (book[..., column] > 0).sum(axis=1).tolist()
            for side, column in ((BUY, 1), (SELL, 3))
        }
        self._ops: list[tuple[int, ...]] = []
        self._row = 0
        self._t_ns = 0
        self._aggressor: tuple[int, int] | None = None  # time and resting side of the last EXEC

    def table(self) -> NDArray[Any]:
        """Return what was written, as records without H's touch."""
        columns = ("t_ns", "px", "lots", "ordinal", "row", "kind", "side", "flags")
        ops = np.zeros(len(self._ops), dtype=TAPE_OP)
        for name, values in zip(columns, zip(*self._ops, strict=True), strict=True):
            ops[name] = values
        ops["flags"][np.append(ops["row"][1:] != ops["row"][:-1], True)] |= TapeFlag.ROW_END
        return ops

    def play_row(self, row: int) -> None:
        """Play one message (row 0: the book itself) and compare H with the row."""
        self._row = row
        written = len(self._ops)
        self._t_ns, kind, order_id, lots, price, side = self._messages[row]
        px = price // self.tick
        if row == 0:
            self._seed()
        elif kind == LobsterKind.ADD:
            self._add(order_id, side, px, lots)
        elif kind <= LobsterKind.EXECUTE:
            self._take(kind, order_id, side, px, lots)
            self._reveal(side)
        elif kind == LobsterKind.HIDDEN:
            # The aggressor's limit, off the tick rounded so that it matches less: a buyer
            # (hidden sell) pays at most the tick below, a seller asks at least the tick above.
            limit = px if side == SELL else -(-price // self.tick)
            self._write(TapeKind.HIDDEN, NONE, side, limit, lots)
        elif kind == LobsterKind.CROSS:
            self._write(TapeKind.PRINT, NONE, side, px, lots)
        else:
            self._write(TapeKind.PHASE, NONE, 0, 0, price)
        self._compare()
        if len(self._ops) == written:
            self._write(TapeKind.NOTHING, NONE, 0, 0, 0)

    def _write(
        self, kind: TapeKind, ordinal: int, side: int, px: int, lots: int, flags: int = 0
    ) -> None:
        self._ops.append((self._t_ns, px, lots, ordinal, self._row, kind, side, flags))

    def _seed(self) -> None:
        for side in (BUY, SELL):
            for level in range(self._filled[side][0]):
                self._post_shown(side, level)

    def _post_shown(self, side: int, level: int) -> None:
        """Post a level of the row as one anonymous order."""
        px = -side * self._keys[side][self._row][level]
        lots = self._lots[side][self._row][level]
        ordinal = self.window.post_anonymous(side, px, lots)
        self._write(TapeKind.FRONT, ordinal, side, px, lots)

    def _add(self, order_id: int, side: int, px: int, lots: int) -> None:
        if self.window.is_beyond(side, px):
            return
        ordinal = self.window.add(order_id, side, px, lots)
        self._write(TapeKind.ADD, ordinal, side, px, lots)
        if len(self.window.sides[side].keys) > self.window.levels:
            cut_px, queue = self.window.cut(side)
            for cut_ordinal, cut_lots in queue.items():
                self._write(TapeKind.REMOVE, cut_ordinal, side, cut_px, cut_lots)

    def _take(self, kind: int, order_id: int, side: int, px: int, lots: int) -> None:
        if self.window.is_beyond(side, px):
            return
        shown = self.window.volume(side, px)
        if shown < lots:
            raise DataError(
                "HG-D130",
                f"{self.day.message_place(self._row)}: column 'size': takes {lots} lots at price "
                f"{px * self.tick}, where {shown} are shown. Message and orderbook do not belong "
                "together: see 'hftgym data verify lobster'.",
            )
        for part in self.window.take(order_id, side, px, lots):
            if kind == LobsterKind.EXECUTE:
                aggressor = (self._t_ns, side)
                flags = int(TapeFlag.SAME_AGGRESSOR) if aggressor == self._aggressor else 0
                self._aggressor = aggressor
                self._write(TapeKind.EXEC, part.ordinal, side, px, part.lots, flags)
            else:
                op = TapeKind.REMOVE if part.gone else TapeKind.REDUCE
                self._write(op, part.ordinal, side, px, part.lots)

    def _reveal(self, side: int) -> None:
        """Post the level that the row shows in place of one that went.

        A side that did not show all its levels hides none, so it reveals none.
        """
        last = self.window.levels - 1
        before, now = self._filled[side][self._row - 1], self._filled[side][self._row]
        if before > last and now > last and len(self.window.sides[side].keys) == last:
            self._post_shown(side, last)
            self.reveals += 1

    def _compare(self) -> None:
        """Demand that H is the row, at every level of both sides."""
        for side, book in self.window.sides.items():
            filled = self._filled[side][self._row]
            if (
                book.keys != self._keys[side][self._row][:filled]
                or book.volumes != self._lots[side][self._row][:filled]
            ):
                raise DataError(
                    "HG-D130",
                    f"{self.day.orderbook_place(self._row)}: the {'bid' if side == BUY else 'ask'} "
                    "side is not what the message makes of the row before. See 'hftgym data verify "
                    "lobster' for the level.",
                )
