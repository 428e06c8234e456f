"""Tables of events for tests, made by plain Python from known rules."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from hftgym.analytics.event_table import EventKind, EventTable

#: (seconds, kind, side, px, lots)
Event = tuple[float, EventKind, int, int, int]


class Book:
    """A whole book that writes down its events and its best levels.

    Args:
        levels: Levels a side that the table shows.
    """

    def __init__(self, levels: int) -> None:
        self.levels = levels
        self.lots: dict[int, dict[int, int]] = {1: {}, -1: {}}
        self.rows: list[tuple[int, ...]] = []
        self.shown: list[list[int]] = []

    def prices(self, side: int) -> list[int]:
        """Occupied prices of a side, best first."""
        return sorted(self.lots[side], key=lambda px: -side * px)

    def change(self, t_ns: int, kind: EventKind, side: int, px: int, lots: int) -> None:
        """Change the book; `side` is the book's, also for trades. No row for what is not shown."""
        before = self._levels()
        half = self.lots[side]
        half[px] = half.get(px, 0) + (lots if kind == EventKind.ADD else -lots)
        assert half[px] >= 0
        if not half[px]:
            del half[px]
        after = self._levels()
        if before != after:
            aggressor = -side if kind == EventKind.TRADE else side
            self.rows.append((t_ns, kind, aggressor, px, lots))
            self.shown.append(after)

    def _levels(self) -> list[int]:
        out: list[int] = []
        for side in (1, -1):
            best = self.prices(side)[: self.levels]
            empty = [0] * (self.levels - len(best))
            out += [*best, *empty, *(self.lots[side][px] for px in best), *empty]
        return out

    def table(self, name: str = "book") -> EventTable:
        """Return what was written down."""
        rows = np.array(self.rows, np.int64)
        shown = np.array(self.shown, np.int64).reshape(-1, 4, self.levels)
        return EventTable(
            name=name,
            t_ns=rows[:, 0],
            kind=rows[:, 1].astype(np.int8),
            side=rows[:, 2].astype(np.int8),
            px=rows[:, 3],
            lots=rows[:, 4],
            bid_px=shown[:, 0],
            bid_lots=shown[:, 1],
            ask_px=shown[:, 2],
            ask_lots=shown[:, 3],
        )


def santa_fe_market(
    alpha: float, mu: float, delta: float, *, band: int, lots: int, seconds: float, levels: int
) -> EventTable:
    """Simulate the Santa Fe model exactly, and show the best levels (Gillespie 1977).

    Rates as in ``zero_intelligence``: alpha a tick and side, mu both sides, delta an order.
    """
    rng = np.random.default_rng(7)
    book = Book(levels)
    orders: list[tuple[int, int]] = []  # side, px
    now = 0.0
    for side in (1, -1):
        book.change(0, EventKind.ADD, side, 1_000 - 4 * side, lots)
        orders.append((side, 1_000 - 4 * side))
    while now < seconds:
        rates = np.array([2 * alpha * band, mu, delta * len(orders)])
        now += rng.exponential(1.0 / rates.sum())
        t_ns = round(now * 1e9)
        what = int(rng.choice(3, p=rates / rates.sum()))
        side = int(rng.choice((1, -1)))
        best = book.prices(-side)
        if what == 0 and best:
            px = best[0] - side * int(rng.integers(1, band + 1))
            book.change(t_ns, EventKind.ADD, side, px, lots)
            orders.append((side, px))
        elif what == 1 and best:
            orders.remove((-side, best[0]))
            book.change(t_ns, EventKind.TRADE, -side, best[0], lots)
        elif what == 2 and orders:
            order = orders.pop(int(rng.integers(len(orders))))
            book.change(t_ns, EventKind.CANCEL, order[0], order[1], lots)
    return book.table("santa fe")


def queue_market(
    rates: Callable[[int, int], Sequence[float]], *, seconds: float, ref: int = 1_000
) -> EventTable:
    """Simulate three queues a side at a fixed reference price.

    Args:
        rates: Limit, cancel and market rate at a distance (from 0) and size.
        seconds: Length.
        ref: Price of the first ask queue; the first bid queue is a tick below.
    """
    rng = np.random.default_rng(11)
    book = Book(3)
    for side in (1, -1):
        for i in range(3):
            for _order in range(2):
                book.change(0, EventKind.ADD, side, _queue_px(ref, side, i), 1)
    now = 0.0
    places = [(side, i) for side in (1, -1) for i in range(3)]
    while now < seconds:
        table = []
        for side, i in places:
            px = _queue_px(ref, side, i)
            size = book.lots[side].get(px, 0)
            is_best = book.prices(side)[:1] == [px]
            limit, cancel, market = rates(i, size)
            table.append((limit, cancel, market if is_best else 0.0))
        flat = np.array(table).ravel()
        now += rng.exponential(1.0 / flat.sum())
        choice = int(rng.choice(len(flat), p=flat / flat.sum()))
        side, i = places[choice // 3]
        kind = (EventKind.ADD, EventKind.CANCEL, EventKind.TRADE)[choice % 3]
        book.change(round(now * 1e9), kind, side, _queue_px(ref, side, i), 1)
    return book.table("queues")


def _queue_px(ref: int, side: int, i: int) -> int:
    return ref - 1 - i if side > 0 else ref + i
