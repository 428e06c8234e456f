"""Where the slow twin keeps orders: queues by price for all that rests, sleeps or waits."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator

from hftgym.core.constants import BUY, SELL, MessageKind
from hftgym.core.reference_types import Order

Queues = dict[int, deque[Order]]


class Book:
    """Orders by side and price, oldest first.

    Attributes:
        shown: visible orders by side and price.
        hidden: hidden orders by side and price.
        stops: sleeping stops by side and trigger.
        waiting: market orders that wait for an uncross, by side, all under the key 0.
        live: all of them by owner and slot.
    """

    def __init__(self) -> None:
        self.shown: dict[int, Queues] = {BUY: {}, SELL: {}}
        self.hidden: dict[int, Queues] = {BUY: {}, SELL: {}}
        self.stops: dict[int, Queues] = {BUY: {}, SELL: {}}
        self.waiting: dict[int, Queues] = {BUY: {}, SELL: {}}
        self.live: dict[tuple[int, int], Order] = {}

    def add(self, order: Order) -> None:
        """Put an order at the back of the queue it belongs to."""
        queues, key = self._home(order)
        queues.setdefault(key, deque()).append(order)
        self.live[order.owner, order.slot] = order

    def remove(self, order: Order) -> None:
        """Take an order out of its queue."""
        queues, key = self._home(order)
        queue = queues[key]
        queue.remove(order)
        if not queue:
            del queues[key]
        del self.live[order.owner, order.slot]

    def _home(self, order: Order) -> tuple[Queues, int]:
        if order.asleep:
            return self.stops[order.side], order.trigger_px
        if order.kind == MessageKind.MARKET:
            return self.waiting[order.side], 0
        resting = self.hidden if order.hidden else self.shown
        return resting[order.side], order.px

    def touch(self, side: int) -> int | None:
        """Return the best visible price of a side, or None."""
        prices = self.shown[side]
        if not prices:
            return None
        return max(prices) if side == BUY else min(prices)

    def best(self, side: int) -> int | None:
        """Return the best price of a side, hidden orders included, or None."""
        best = self.touch(side)
        hidden = self.hidden[side]
        if not hidden:
            return best
        unseen = max(hidden) if side == BUY else min(hidden)
        return unseen if best is None or side * unseen > side * best else best

    def prices(self, side: int) -> list[int]:
        """Return all prices of a side, best first."""
        return sorted(self.shown[side].keys() | self.hidden[side].keys(), reverse=side == BUY)

    def at(self, side: int, px: int) -> list[Order]:
        """Return the orders of a price in the order in which they trade: visible, then hidden."""
        return [*self.shown[side].get(px, ()), *self.hidden[side].get(px, ())]

    def resting(self, side: int) -> Iterator[Order]:
        """Yield the resting orders of a side, best price first, as they trade."""
        for px in self.prices(side):
            yield from self.at(side, px)

    def sleeping(self, side: int) -> Iterator[Order]:
        """Yield the stops of a side in the order in which a moving price wakes them."""
        for trigger in sorted(self.stops[side], reverse=side == SELL):
            yield from self.stops[side][trigger]

    def next_stop(self, side: int) -> Order | None:
        """Return the stop of a side that a moving price reaches first, or None."""
        triggers = self.stops[side]
        if not triggers:
            return None
        return triggers[min(triggers) if side == BUY else max(triggers)][0]

    def queue_of_markets(self, side: int) -> list[Order]:
        """Return the market orders of a side that wait for an uncross, oldest first."""
        return list(self.waiting[side].get(0, ()))

    def owned_by(self, owner: int) -> list[Order]:
        """Return all orders of a participant by slot."""
        slots = sorted(slot for who, slot in self.live if who == owner)
        return [self.live[owner, slot] for slot in slots]
