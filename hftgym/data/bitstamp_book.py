"""The Bitstamp book, order by order, with the repairs that a raw recording needs.

A recording begins in the middle of the day, its messages are not always in order, and the exchange
publishes an aggressor before it executes it. Taken word by word, the book keeps orders that are
gone (one stale bid is the best price for most of the shared file), lacks those that were there
before, and is crossed for seconds at a time. Four rules repair this; none looks at a snapshot, so
the snapshots judge the result (``bitstamp_verify``).

1. A deletion is the end of an order: what comes late about it is ignored.
2. An order whose first message is a change or a deletion was there from the beginning, with the
   amount that this message leaves plus that of the trade which it reports.
3. An order that is the taker of a trade to come (``bitstamp_trades``), or that would cross the
   book, is an aggressor: it rests when it has taken all and crosses nothing.
4. What an aggressor crosses for longer than ``STALE_NS`` is stale and goes.

Bitstamp knew no amendments in 2015: an order that is changed was executed, and so was one that is
deleted with nothing left. A deletion with something left is a cancellation.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import NamedTuple

import numpy as np

from hftgym.data.bitstamp import BitstampDay, BitstampKind
from hftgym.data.bitstamp_trades import BUY, NO_ROW, SELL, Match, match_trades
from hftgym.data.history import Side

STALE_NS = 10 * 10**9  # the longest execution in the shared file took 2.2 s

_CREATED = BitstampKind.CREATED
_DELETED = BitstampKind.DELETED


class ChangeKind(IntEnum):
    """What an event did to the resting orders."""

    REST = 1
    CANCEL = 2
    FILL = 3


class Change(NamedTuple):
    """A change of the volume that rests at a price."""

    kind: ChangeKind
    side: int
    px: int
    satoshi: int
    order_id: int


@dataclass
class _Order:
    side: int
    px: int
    satoshi: int
    since_ns: int


class BitstampBook:
    """The resting orders of both sides.

    Args:
        repaired: Whether the rules of this module hold; else every message is taken word by word.
        takes: By order, how many messages about it report that it took.
    """

    def __init__(self, repaired: bool = True, takes: Mapping[int, int] | None = None) -> None:
        self.repaired = repaired
        self.sides = {BUY: Side(BUY), SELL: Side(SELL)}
        self.late = 0  # messages about orders that had ended
        self.stale = 0  # orders removed by rule 4
        self._takes_left = dict(takes or {})
        self._resting: dict[int, _Order] = {}
        self._aggressors: dict[int, _Order] = {}
        self._ended: set[int] = set()

    def start(self, orders: Iterable[Change]) -> None:
        """Let orders rest that were there before the first message."""
        for order in orders:
            self._rest(order.order_id, _Order(order.side, order.px, order.satoshi, 0))

    def best_px(self, side: int) -> int:
        """Return the best price of a side in cents, 0 when it is empty."""
        keys = self.sides[side].keys
        return -side * keys[0] if keys else 0

    def volume(self, side: int, px: int) -> int:
        """Return the satoshi that rest at a price."""
        book = self.sides[side]
        level = book.level_of(px)
        return 0 if level < 0 else book.volumes[level]

    def apply(
        self,
        t_ns: int,
        kind: int,
        order_id: int,
        px: int,
        satoshi: int,
        side: int,
        is_take: bool = False,
    ) -> list[Change]:
        """Apply a message; return what it changed, in order.

        Args:
            t_ns: When it was received.
            kind: ``BitstampKind``.
            order_id: Its order.
            px: Price in cents.
            satoshi: What is open, or what a deletion left.
            side: +1 buy, -1 sell.
            is_take: Whether it reports that the order took; as often as ``takes`` says.
        """
        if order_id in self._ended and self.repaired:
            self.late += 1
            return []
        changes: list[Change] = []
        if is_take:
            self._takes_left[order_id] -= 1
        if kind == _DELETED:
            self._ended.add(order_id)
            self._aggressors.pop(order_id, None)
            if order_id in self._resting:
                gone = ChangeKind.CANCEL if satoshi else ChangeKind.FILL
                changes.append(self._take(gone, order_id, self._resting[order_id].satoshi))
        elif order_id in self._aggressors:
            order = self._aggressors[order_id]
            order.px, order.satoshi = px, satoshi
        elif order_id in self._resting:
            changes += self._change(order_id, px, satoshi)
        else:
            changes += self._enter(order_id, _Order(side, px, satoshi, t_ns))
        if self._aggressors:
            changes += self._settle(t_ns)
        return changes

    def _change(self, order_id: int, px: int, satoshi: int) -> list[Change]:
        order = self._resting[order_id]
        if px == order.px and satoshi <= order.satoshi:
            filled = order.satoshi - satoshi
            return [self._take(ChangeKind.FILL, order_id, filled)] if filled else []
        gone = self._take(ChangeKind.CANCEL, order_id, order.satoshi)
        return [gone, *self._enter(order_id, _Order(order.side, px, satoshi, order.since_ns))]

    def _enter(self, order_id: int, order: _Order) -> list[Change]:
        """Let an order rest, or begin as an aggressor."""
        if self.repaired and self._is_aggressor(order_id, order):
            self._aggressors[order_id] = order
            return []
        return [self._rest(order_id, order)] if order.satoshi else []

    def _settle(self, t_ns: int) -> list[Change]:
        """Let aggressors rest that no longer cross, and remove what they have crossed too long."""
        changes: list[Change] = []
        for order_id, order in list(self._aggressors.items()):
            if t_ns - order.since_ns > STALE_NS:
                while self._crosses(order):
                    opposite = self.sides[-order.side]
                    for stale in list(opposite.queues[self.best_px(-order.side)]):
                        self.stale += 1
                        self._ended.add(stale)
                        left = self._resting[stale].satoshi
                        changes.append(self._take(ChangeKind.CANCEL, stale, left))
            if not self._is_aggressor(order_id, order):
                del self._aggressors[order_id]
                changes += self._enter(order_id, order)
        return changes

    def _is_aggressor(self, order_id: int, order: _Order) -> bool:
        return self._takes_left.get(order_id, 0) > 0 or self._crosses(order)

    def _crosses(self, order: _Order) -> bool:
        best = self.best_px(-order.side)
        return best > 0 and order.side * (order.px - best) >= 0

    def _rest(self, order_id: int, order: _Order) -> Change:
        self._resting[order_id] = order
        self.sides[order.side].post(order.px, order.satoshi, order_id)
        return Change(ChangeKind.REST, order.side, order.px, order.satoshi, order_id)

    def _take(self, kind: ChangeKind, order_id: int, satoshi: int) -> Change:
        order = self._resting[order_id]
        order.satoshi -= satoshi
        for _ in self.sides[order.side].take(order.px, satoshi, order_id):
            pass
        if not order.satoshi:
            del self._resting[order_id]
        return Change(kind, order.side, order.px, satoshi, order_id)


def orders_at_start(day: BitstampDay, matches: Sequence[Match]) -> list[Change]:
    """Return the orders that must have rested before the first message (rule 2), oldest first.

    Those that no message ever names stay unknown: far from the touch, as nothing happened to them.

    Args:
        day: The recording.
        matches: The orders of its trades.
    """
    events = day.events
    traded = {m.maker_row: int(day.trades.satoshi[k]) for k, m in enumerate(matches)}
    order_ids, first = np.unique(events.order_id, return_index=True)
    seen_to_begin = np.isin(order_ids, events.order_id[events.kind == _CREATED])
    found = []
    for order_id, row in zip(
        order_ids[~seen_to_begin].tolist(), first[~seen_to_begin].tolist(), strict=True
    ):
        satoshi = int(events.satoshi[row]) + traded.get(row, 0)
        if satoshi:
            px, side = int(events.px[row]), int(events.side[row])
            found.append(Change(ChangeKind.REST, side, px, satoshi, order_id))
    return found


def replay(
    day: BitstampDay, repaired: bool = True
) -> Iterator[tuple[int, list[Change], BitstampBook]]:
    """Play every message; yield its row, what it changed, and the book after it.

    Args:
        day: The recording.
        repaired: Whether the rules of this module hold; else every message is taken word by word,
            on a book that begins empty.
    """
    matches = match_trades(day) if repaired else []
    take_rows = {m.taker_row for m in matches} - {NO_ROW}
    events = day.events
    book = BitstampBook(repaired, Counter(events.order_id[sorted(take_rows)].tolist()))
    if repaired:
        book.start(orders_at_start(day, matches))
    is_take = np.isin(np.arange(len(events.t_ns)), list(take_rows))
    columns = (events.t_ns, events.kind, events.order_id, events.px, events.satoshi, events.side)
    messages = zip(*(column.tolist() for column in (*columns, is_take)), strict=True)
    for row, message in enumerate(messages):
        yield row, book.apply(*message), book
