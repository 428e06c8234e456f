"""A slow, plain book that plays tape operations: judges the compiler without the engine."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from hftgym.core.constants import NO_PX, TapeFlag, TapeKind
from hftgym.data.tape import Tape

POSTS = (TapeKind.ADD, TapeKind.FRONT)
TAKES = (TapeKind.REDUCE, TapeKind.REMOVE, TapeKind.EXEC)


@dataclass
class PlainBook:
    """Queues of [ordinal, lots], oldest first, by side and price."""

    queues: dict[int, dict[int, list[list[int]]]] = field(default_factory=lambda: {1: {}, -1: {}})

    def play(self, op: Any) -> None:
        side, px, ordinal, lots = (int(op[name]) for name in ("side", "px", "ordinal", "lots"))
        if op["kind"] in POSTS:
            for queue in (q for levels in self.queues.values() for q in levels.values()):
                assert ordinal not in [order[0] for order in queue], "ordinal in use"
            queue = self.queues[side].setdefault(px, [])
            if op["kind"] == TapeKind.FRONT:
                assert not queue, "anonymous volume joins a level that history did not show"
            queue.append([ordinal, lots])
        elif op["kind"] in TAKES:
            queue = self.queues[side][px]
            order = next(order for order in queue if order[0] == ordinal)
            if op["kind"] == TapeKind.EXEC:
                assert px == self.best(side), "an execution is at the touch"
            if op["kind"] == TapeKind.REMOVE:
                assert lots == order[1], "a removed order goes whole"
            assert lots <= order[1], "more was taken than the order has"
            order[1] -= lots
            if order[1] == 0:
                queue.remove(order)
            if not queue:
                del self.queues[side][px]

    def best(self, side: int) -> int:
        """Touch of a side, -side * NO_PX when it is empty."""
        return max((side * px for px in self.queues[side]), default=-NO_PX) * side

    def levels(self, depth: int) -> list[list[int]]:
        """Rows of bid px, bid lots, ask px, ask lots; empty ones as on a tape."""
        sides = []
        for side in (1, -1):
            levels = sorted(self.queues[side].items(), key=lambda level: -side * level[0])
            assert len(levels) <= depth, "H shows no more than its levels"
            filled = [[px, sum(order[1] for order in queue)] for px, queue in levels]
            sides.append(filled + [[-side * NO_PX, 0]] * (depth - len(filled)))
        return [bid + ask for bid, ask in zip(*sides, strict=True)]

    def orders(self) -> list[tuple[int, int, int, int]]:
        """Every order as (side, px, ordinal, lots): bids, asks, best first, oldest first."""
        return [
            (side, px, ordinal, lots)
            for side in (1, -1)
            for px, queue in sorted(self.queues[side].items(), key=lambda level: -side * level[0])
            for ordinal, lots in queue
        ]


def rows_equal(tape: Tape) -> int:
    """Play a tape on an empty book and count the rows after which every level is H's."""
    book = PlainBook()
    equal = 0
    for op in tape.ops:
        book.play(op)
        if op["flags"] & TapeFlag.ROW_END:
            equal += book.levels(tape.levels) == tape.book[op["row"]].tolist()
            assert (op["h_bid_px"], op["h_ask_px"]) == (book.best(1), book.best(-1))
    return equal
