"""One table of market events for every source: simulations, LOBSTER days, exchange recordings.

What measures a market (``stylised_facts``, ``realism``, ``real_or_simulated``) reads this table and
knows nothing else, so a simulated and a recorded market are measured by the same code. One row is
one public event of continuous trading, in order of time:

================  ==================================================================
``ADD``           visible ``lots`` join ``px``; ``side`` is the order's
``CANCEL``        visible ``lots`` leave ``px`` without a trade; ``side`` is the order's
``TRADE``         ``lots`` of a visible order trade at ``px``; ``side`` is the aggressor's
``HIDDEN_TRADE``  ``lots`` of a hidden order trade at ``px``; ``side`` is the aggressor's
================  ==================================================================

An aggressor that meets several orders makes several rows with one ``t_ns`` and one ``side``. An
order that moves to another price is a ``CANCEL`` and an ``ADD`` with one ``t_ns``. Row k of the
levels is the visible book after event k. Auctions, halts and status messages have no rows; what
they do to the book is seen in the levels of the next row.

Units: ``t_ns`` counts nanoseconds from any origin; ``px`` counts ticks from a price of zero, so
that ratios of prices are ratios of money; ``lots`` counts the smallest unit in which the source
measures size. Nothing that compares two tables may depend on tick or lot: see ``distances``.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields, replace
from enum import IntEnum
from typing import Any

import numpy as np
import numpy.typing as npt

from hftgym.errors import DataError

IntArray = npt.NDArray[np.int64]
SmallArray = npt.NDArray[np.int8]
BoolArray = npt.NDArray[np.bool_]

#: More levels than these are not compared.
MAX_LEVELS = 5


class EventKind(IntEnum):
    """What happened."""

    ADD = 1
    CANCEL = 2
    TRADE = 3
    HIDDEN_TRADE = 4


@dataclass(frozen=True)
class EventTable:
    """Events of one instrument in one unbroken stretch of time.

    Every array is checked and made read-only.

    Attributes:
        name: what it is, for people: a scenario, a file.
        t_ns: time, shape (rows,), never falling.
        kind: ``EventKind``, shape (rows,).
        side: +1 buy, -1 sell, shape (rows,); the aggressor's for trades, the order's otherwise.
        px: price in ticks, shape (rows,), at least 1; hidden trades between two ticks are rounded.
        lots: size, shape (rows,), at least 1.
        bid_px: prices of the best bids after the event in ticks, best first, shape (rows, levels)
            with 1 to ``MAX_LEVELS`` levels; 0 where there is no level.
        bid_lots: visible lots there, shape (rows, levels); 0 where there is no level.
        ask_px: prices of the best asks, likewise.
        ask_lots: visible lots there, likewise.

    Raises:
        DataError: if an array has another shape, or a row breaks one of these rules.
    """

    name: str
    t_ns: IntArray
    kind: SmallArray
    side: SmallArray
    px: IntArray
    lots: IntArray
    bid_px: IntArray
    bid_lots: IntArray
    ask_px: IntArray
    ask_lots: IntArray

    def __post_init__(self) -> None:
        for field in fields(self):
            if field.name == "name":
                continue
            small = field.name in ("kind", "side")
            array = np.array(getattr(self, field.name), np.int8 if small else np.int64)
            array.setflags(write=False)
            object.__setattr__(self, field.name, array)
        _check_shapes(self)
        _check_rows(self)

    @property
    def rows(self) -> int:
        """Number of events."""
        return len(self.t_ns)

    @property
    def levels(self) -> int:
        """Number of levels a side."""
        return int(self.bid_px.shape[1])

    @property
    def seconds(self) -> float:
        """Time from the first to the last event, in seconds."""
        return float(self.t_ns[-1] - self.t_ns[0]) / 1e9 if self.rows else 0.0

    @property
    def two_sided(self) -> BoolArray:
        """Whether both sides are quoted after the event, shape (rows,)."""
        return np.asarray((self.bid_lots[:, 0] > 0) & (self.ask_lots[:, 0] > 0), np.bool_)

    @property
    def is_trade(self) -> BoolArray:
        """Whether the event is a trade, visible or hidden, shape (rows,)."""
        return np.asarray(self.kind >= EventKind.TRADE, np.bool_)

    def part(self, start: int, stop: int) -> EventTable:
        """Return rows ``start`` to ``stop - 1`` as a table of their own."""
        cut: dict[str, Any] = {
            field.name: getattr(self, field.name)[start:stop]
            for field in fields(self)
            if field.name != "name"
        }
        return replace(self, **cut)

    def seen_to(self, levels: int) -> EventTable:
        """Return what a source would show that publishes so many levels a side.

        Trades stay, and the events that change the best levels: a file of one level holds no
        orders behind the touch, so no table that does may be compared with it.
        """
        if levels >= self.levels:
            return self
        sides = ("bid_px", "bid_lots", "ask_px", "ask_lots")
        cut = {name: getattr(self, name)[:, :levels] for name in sides}
        seen = self.is_trade.copy()
        seen[:1] = True  # what it changed is not known
        for book in cut.values():
            seen[1:] |= (book[1:] != book[:-1]).any(axis=1)
        columns = ("t_ns", "kind", "side", "px", "lots")
        kept: dict[str, Any] = {name: getattr(self, name)[seen] for name in columns}
        return replace(self, **kept, **{name: book[seen] for name, book in cut.items()})

    def halves(self) -> tuple[EventTable, EventTable]:
        """Return the events of the first and of the second half of the time."""
        if not self.rows:
            return self, self
        middle_ns = (int(self.t_ns[0]) + int(self.t_ns[-1])) // 2
        row = int(np.searchsorted(self.t_ns, middle_ns, "right"))
        return self.part(0, row), self.part(row, self.rows)


def _check_shapes(table: EventTable) -> None:
    rows = table.t_ns.shape[0] if table.t_ns.ndim == 1 else -1
    levels = table.bid_px.shape[1] if table.bid_px.ndim == 2 else 0
    good = rows >= 0 and 1 <= levels <= MAX_LEVELS
    for name in ("kind", "side", "px", "lots"):
        good &= getattr(table, name).shape == (rows,)
    for name in ("bid_px", "bid_lots", "ask_px", "ask_lots"):
        good &= getattr(table, name).shape == (rows, levels)
    if not good:
        shapes = {f.name: getattr(table, f.name).shape for f in fields(table) if f.name != "name"}
        raise DataError(
            "HG-D170",
            f"events of {table.name}: shapes {shapes}; columns must be (rows,) and book sides "
            f"(rows, levels) with 1 to {MAX_LEVELS} levels",
        )


def _check_rows(table: EventTable) -> None:
    for rule, good in _rules(table):
        if not good.all():
            row = int(np.flatnonzero(~good)[0])
            raise DataError(
                "HG-D171",
                f"events of {table.name}: row {row} of {table.rows} ({int((~good).sum())} such "
                f"rows): {rule}; t_ns {table.t_ns[row]}, kind {table.kind[row]}, side "
                f"{table.side[row]}, px {table.px[row]}, lots {table.lots[row]}",
            )


def _rules(table: EventTable) -> Iterator[tuple[str, BoolArray]]:
    """Yield each rule with whether a row keeps it."""
    if not table.rows:
        return
    yield "time goes backwards", np.diff(table.t_ns, prepend=table.t_ns[0]) >= 0
    yield "kind is no EventKind", np.isin(table.kind, list(EventKind))
    yield "side is neither 1 nor -1", np.abs(table.side) == 1
    yield "px and lots must be at least 1", (table.px >= 1) & (table.lots >= 1)
    for name, px, lots, worse in (
        ("bid", table.bid_px, table.bid_lots, -1),
        ("ask", table.ask_px, table.ask_lots, 1),
    ):
        filled = (px >= 1) & (lots >= 1)
        empty = (px == 0) & (lots == 0)
        whole = np.asarray((filled | empty).all(axis=1), np.bool_)
        yield f"a {name} level has a price without lots, or lots without a price", whole
        in_order = ~filled[:, 1:] | (filled[:, :-1] & (np.diff(px, axis=1) * worse > 0))
        rising = np.asarray(in_order.all(axis=1), np.bool_)
        yield f"{name} levels are not in order, best first", rising
    apart = table.bid_px[:, 0] < table.ask_px[:, 0]
    yield "best bid at or above best ask", apart | ~table.two_sided
