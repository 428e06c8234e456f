"""LOBSTER files for tests: written from literals, or generated from a book of full depth."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from hftgym.data.lobster import LobsterDay, read_lobster

EMPTY = 9_999_999_999

Message = tuple[str, int, int, int, int, int]  # time, type, id, size, price, direction
Levels = Sequence[tuple[int, int]]  # price, size; best first


def book_row(asks: Levels, bids: Levels, depth: int) -> str:
    """One row of an orderbook file."""
    asks = [*asks, *[(EMPTY, 0)] * (depth - len(asks))]
    bids = [*bids, *[(-EMPTY, 0)] * (depth - len(bids))]
    pairs = zip(asks, bids, strict=True)
    return ",".join(f"{ask},{ask_lots},{bid},{lots}" for (ask, ask_lots), (bid, lots) in pairs)


def write_files(
    folder: Path, messages: Iterable[Sequence[object]], rows: Iterable[str]
) -> tuple[Path, Path]:
    """Write a pair of files; returns the message and the orderbook file."""
    message, orderbook = folder / "message.csv", folder / "orderbook.csv"
    message.write_text("".join(",".join(map(str, m)) + "\n" for m in messages))
    orderbook.write_text("".join(row + "\n" for row in rows))
    return message, orderbook


def day_of(folder: Path, depth: int, rows: Sequence[tuple[Message, Levels, Levels]]) -> LobsterDay:
    """Write and read rows of (message, asks, bids)."""
    return read_lobster(
        *write_files(
            folder, (m for m, _, _ in rows), (book_row(asks, bids, depth) for _, asks, bids in rows)
        )
    )


class Exchange:
    """A whole book that publishes what LOBSTER would: messages that touch the best levels.

    Args:
        depth: Levels L in the files.
        tick: Price step in 1e-4 dollars.
    """

    def __init__(self, depth: int, tick: int = 100) -> None:
        self.depth = depth
        self.tick = tick
        self.messages: list[tuple[str, int, int, int, int, int]] = []
        self.rows: list[str] = []
        self._books: dict[int, dict[int, dict[int, int]]] = {1: {}, -1: {}}  # side, px, id -> lots
        self._next_id = 1
        self._t_ns = 36_000 * 10**9
        for level in range(depth + 3):
            for side in (1, -1):
                self._rest(side, 1000 - side * (1 + level), 5 + level)
        self.messages.append(self._message(1, 1, 5, 999, 1))
        self.rows.append(self._row())

    def act(self, action: int, a: int, b: int, c: int) -> None:
        """Let one thing happen; the numbers choose what, and any numbers will do."""
        self._t_ns += 1 + 700 * (c % 5)
        side = 1 if a % 2 else -1
        (self._limit, self._cancel, self._delete, self._market, self._hidden)[action % 5](
            side, b, 1 + c % 9
        )

    def _limit(self, side: int, where: int, lots: int) -> None:
        opposite = self._best(-side)
        reference = opposite if opposite is not None else (self._best(side) or 1000) + side
        px = max(reference - side * (1 + where % 8), 1)
        order_id = self._rest(side, px, lots)
        self._publish(1, order_id, lots, px, side, shown=self._is_shown(side, px))

    def _cancel(self, side: int, which: int, lots: int) -> None:
        order = self._choose(side, which)
        if order is not None:
            px, order_id = order
            part = min(lots, self._books[side][px][order_id] - 1)
            if part > 0:
                shown = self._is_shown(side, px)
                self._books[side][px][order_id] -= part
                self._publish(2, order_id, part, px, side, shown=shown)

    def _delete(self, side: int, which: int, lots: int) -> None:
        order = self._choose(side, which)
        if order is not None:
            px, order_id = order
            shown = self._is_shown(side, px)
            left = self._reduce(side, px, order_id, self._books[side][px][order_id])
            self._publish(3, order_id, left, px, side, shown=shown)

    def _market(self, side: int, _: int, lots: int) -> None:
        """An aggressor against `side`: one message an execution, all at one time."""
        lots *= 2
        while lots and (px := self._best(side)) is not None:
            order_id, open_lots = next(iter(self._books[side][px].items()))
            part = self._reduce(side, px, order_id, min(lots, open_lots))
            lots -= part
            self._publish(4, order_id, part, px, side, shown=True)

    def _hidden(self, side: int, _: int, lots: int) -> None:
        best = self._best(side)
        if best is not None:
            self._publish(5, 0, lots, best, side, shown=True, off_tick=self.tick // 2)

    def _rest(self, side: int, px: int, lots: int) -> int:
        order_id = self._next_id
        self._next_id += 1
        self._books[side].setdefault(px, {})[order_id] = lots
        return order_id

    def _reduce(self, side: int, px: int, order_id: int, lots: int) -> int:
        queue = self._books[side][px]
        queue[order_id] -= lots
        if not queue[order_id]:
            del queue[order_id]
        if not queue:
            del self._books[side][px]
        return lots

    def _choose(self, side: int, which: int) -> tuple[int, int] | None:
        orders = [(px, i) for px, queue in sorted(self._books[side].items()) for i in queue]
        return orders[which % len(orders)] if orders else None

    def _best(self, side: int) -> int | None:
        return max((side * px for px in self._books[side]), default=0) * side or None

    def _best_first(self, side: int) -> list[int]:
        return sorted(self._books[side], key=lambda px: -side * px)

    def _is_shown(self, side: int, px: int) -> bool:
        return px in self._best_first(side)[: self.depth]

    def _publish(
        self,
        kind: int,
        order_id: int,
        lots: int,
        px: int,
        side: int,
        shown: bool,
        off_tick: int = 0,
    ) -> None:
        if shown:
            self.messages.append(self._message(kind, order_id, lots, px, side, off_tick))
            self.rows.append(self._row())

    def _message(
        self, kind: int, order_id: int, lots: int, px: int, side: int, off_tick: int = 0
    ) -> tuple[str, int, int, int, int, int]:
        time = f"{self._t_ns // 10**9}.{self._t_ns % 10**9:09d}"
        return (time, kind, order_id, lots, px * self.tick + off_tick, side)

    def _row(self) -> str:
        sides = [
            [
                (px * self.tick, sum(self._books[side][px].values()))
                for px in self._best_first(side)[: self.depth]
            ]
            for side in (-1, 1)
        ]
        return book_row(*sides, self.depth)
