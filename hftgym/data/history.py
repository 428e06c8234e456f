"""History's own window H: the L shown levels of a recorded book, order by order.

H is computed offline, when a tape is compiled, so nothing that trades against the tape can touch
it. Each level is a queue of orders by their ordinals, oldest first. Volume whose orders were never
seen (a level of the first row, a level that a row reveals) is one anonymous order at the front of
its level. It is the oldest there, so "take it from the anonymous order, the rest from the oldest"
is one walk from the front.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass

from hftgym.core.constants import BUY, NONE, SELL


@dataclass(frozen=True)
class Taken:
    """Lots taken from one order of H.

    Attributes:
        ordinal: The order.
        lots: How much was taken.
        gone: Whether nothing of the order is left.
    """

    ordinal: int
    lots: int
    gone: bool


class Ordinals:
    """Hands out small dense numbers and takes them back; the number longest free goes first."""

    def __init__(self) -> None:
        self._free: deque[int] = deque()
        self.high_water = 0

    def take(self) -> int:
        """Hand out a free ordinal."""
        if self._free:
            return self._free.popleft()
        self.high_water += 1
        return self.high_water - 1

    def give_back(self, ordinal: int) -> None:
        """Take an ordinal back."""
        self._free.append(ordinal)


class Side:
    """One side of H: prices best first, and a queue of orders at each.

    Attributes:
        side: +1 bids, -1 asks.
        keys: ``-side * px`` of each level, rising, so best first.
        volumes: Lots at each level, in the order of ``keys``.
        queues: Ordinal to lots at each price, oldest first.
    """

    def __init__(self, side: int) -> None:
        self.side = side
        self.keys: list[int] = []
        self.volumes: list[int] = []
        self.queues: dict[int, dict[int, int]] = {}

    def level_of(self, px: int) -> int:
        """Return the index of a level, or -1 when there is none at this price."""
        key = -self.side * px
        level = bisect_left(self.keys, key)
        return level if level < len(self.keys) and self.keys[level] == key else NONE

    def post(self, px: int, lots: int, ordinal: int) -> None:
        """Put an order at the back of its level; the level is made when there is none."""
        key = -self.side * px
        level = bisect_left(self.keys, key)
        if level == len(self.keys) or self.keys[level] != key:
            self.keys.insert(level, key)
            self.volumes.insert(level, 0)
            self.queues[px] = {}
        self.volumes[level] += lots
        self.queues[px][ordinal] = lots

    def take(self, px: int, lots: int, first: int) -> Iterator[Taken]:
        """Take lots from order `first` if it is here, then from the oldest orders of the level."""
        level = self.level_of(px)
        queue = self.queues[px]
        self.volumes[level] -= lots
        while lots:
            ordinal = first if first in queue else next(iter(queue))
            part = min(lots, queue[ordinal])
            lots -= part
            queue[ordinal] -= part
            gone = queue[ordinal] == 0
            if gone:
                del queue[ordinal]
            yield Taken(ordinal, part, gone)
        if not queue:
            self._drop(level)

    def pop_worst(self) -> tuple[int, dict[int, int]]:
        """Forget the worst level; returns its price and its orders."""
        px = -self.side * self.keys[-1]
        queue = self.queues[px]
        self._drop(len(self.keys) - 1)
        return px, queue

    def _drop(self, level: int) -> None:
        del self.queues[-self.side * self.keys[level]]
        del self.keys[level]
        del self.volumes[level]


class HistoryWindow:
    """Both sides of H and the orders in them that have a name.

    Args:
        levels: Levels L that a side shows.
    """

    def __init__(self, levels: int) -> None:
        self.levels = levels
        self.sides = {BUY: Side(BUY), SELL: Side(SELL)}
        self.ordinals = Ordinals()
        self._named: dict[int, int] = {}  # order id -> ordinal
        self._order_id: dict[int, int] = {}  # ordinal -> order id

    def is_full(self, side: int) -> bool:
        """Whether a side shows all its levels, so that there may be more behind them."""
        return len(self.sides[side].keys) == self.levels

    def is_beyond(self, side: int, px: int) -> bool:
        """Whether a price lies behind the last level of a full side."""
        return self.is_full(side) and -side * px > self.sides[side].keys[-1]

    def volume(self, side: int, px: int) -> int:
        """Lots at a price, 0 when it is not a level."""
        book = self.sides[side]
        level = book.level_of(px)
        return 0 if level == NONE else book.volumes[level]

    def post_anonymous(self, side: int, px: int, lots: int) -> int:
        """Post the volume of a level whose orders were not seen; returns its ordinal."""
        ordinal = self.ordinals.take()
        self.sides[side].post(px, lots, ordinal)
        return ordinal

    def add(self, order_id: int, side: int, px: int, lots: int) -> int:
        """Post an order that was seen to arrive; returns its ordinal."""
        ordinal = self.post_anonymous(side, px, lots)
        self._named[order_id] = ordinal
        self._order_id[ordinal] = order_id
        return ordinal

    def take(self, order_id: int, side: int, px: int, lots: int) -> list[Taken]:
        """Take lots from an order, and what it does not have from the oldest at its price.

        Args:
            order_id: The order; one that is not known at this price counts as not seen.
            side: Its side.
            px: Its price; the level has at least `lots`.
            lots: How much to take.

        Returns:
            What was taken from which order, at least one entry.
        """
        taken = list(self.sides[side].take(px, lots, self._named.get(order_id, NONE)))
        for part in taken:
            if part.gone:
                self._forget(part.ordinal)
        return taken

    def cut(self, side: int) -> tuple[int, dict[int, int]]:
        """Forget the worst level of a side; returns its price and lots by ordinal."""
        px, queue = self.sides[side].pop_worst()
        for ordinal in queue:
            self._forget(ordinal)
        return px, queue

    def _forget(self, ordinal: int) -> None:
        order_id = self._order_id.pop(ordinal, None)
        if order_id is not None:
            del self._named[order_id]
        self.ordinals.give_back(ordinal)
