"""The memory of a book and all that can be read from it."""

from __future__ import annotations

from collections.abc import Hashable
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from hftgym.core import bare
from hftgym.core.bare import look
from hftgym.core.constants import NEVER_NS, NO_PX, Fault, LogMark, Phase
from hftgym.core.entries import book_hash_one
from hftgym.core.quick import quick
from hftgym.errors import InternalError
from hftgym.order_book.ladder import draw
from hftgym.order_book.values import (
    BIG,
    TRADE,
    Indication,
    RestingOrder,
    Snapshot,
    integer,
    wrong,
)

if TYPE_CHECKING:
    import pandas as pd


#: Columns of a listed order that may say nothing, and how they say it.
_NONE = {
    RestingOrder._fields.index(name): none
    for name, none in (("trigger_px", NO_PX), ("display_lots", 0), ("expire_ns", NEVER_NS))
}


class BookMemory:
    """A book that can be looked at: its orders by id or in order, prices, trades, phase."""

    def __init__(self) -> None:
        self._market = bare.bare_market()
        self._log = bare.bare_log()
        self._one = np.zeros((1, len(RestingOrder._fields)), np.int64)
        self._at = bare.address_of(self._market)
        self._log_at = bare.address_of(self._log)
        self._add, self._drop = quick()
        self._forget()

    def _forget(self) -> None:
        """Forget trades and names."""
        self._log[0]["start"] = 0
        self._taken: list[NDArray[Any]] = []
        self._handles: dict[Hashable, int] = {}
        self._names: dict[int, Hashable] = {}
        self._wide_names = False

    # -------------------------------------------------------------- ids
    def _name(self, name: Hashable, handle: int) -> None:
        self._handles[name] = handle
        self._names[handle] = name
        if isinstance(name, (int, np.integer)) and name > bare.INDEX:
            self._wide_names = True

    def _is_taken(self, name: Hashable) -> bool:
        """Return whether a live order has this name."""
        try:
            return self._is_live(self._handles.get(name, 0))
        except TypeError:
            raise wrong("id", name, "hashable") from None

    def _handle_of(self, id: Hashable) -> int:
        """Return the handle that an id or a name means; 0, which names no order, if none."""
        try:
            handle = self._handles.get(id)
        except TypeError:
            raise wrong("id", id, "hashable") from None
        if handle is not None:
            return handle
        if self._wide_names or not isinstance(id, (int, np.integer)):
            return 0
        return int(id) if 0 < id < 2 * BIG else 0

    def _is_live(self, handle: int) -> bool:
        return bool(handle) and bool(bare.find_order(self._at, handle, self._one))

    def id_of(self, handle: int) -> Hashable:
        """Return the name that was given to an order, or its handle when it has none."""
        return self._names.get(int(handle), int(handle))

    # -------------------------------------------------------------- orders
    def __len__(self) -> int:
        """Return the number of live orders: resting, asleep and waiting."""
        return int(look(self._at, self._log_at, bare.LIVE))

    def __bool__(self) -> bool:
        """Return True: a book without orders is a book."""
        return True

    def order(self, id: Hashable) -> RestingOrder | None:
        """Return what is left of an order; None when it is gone."""
        if not self._is_live(self._handle_of(id)):
            return None
        row = self._one[0].tolist()
        row[6] = bool(row[6])
        for column, none in _NONE.items():
            if row[column] == none:
                row[column] = None
        return RestingOrder(*row)

    def orders(self) -> pd.DataFrame:
        """Return all orders that rest: bids, then asks, best price first, in queue order."""
        return self._frame(0, 2, False)

    def stops(self) -> pd.DataFrame:
        """Return all stops that sleep: buy stops, then sell stops, the next to wake first."""
        return self._frame(2, 4, False)

    def waiting(self) -> pd.DataFrame:
        """Return all market orders that wait for an uncross: buys, then sells, oldest first."""
        return self._frame(0, 2, True)

    def _frame(self, first: int, last: int, waiting: bool) -> pd.DataFrame:
        import pandas as pd

        rows = np.zeros((len(self), len(RestingOrder._fields)), np.int64)
        rows = rows[: bare.list_orders(self._at, first, last, waiting, rows)]
        frame = pd.DataFrame(rows, columns=list(RestingOrder._fields))
        frame["hidden"] = frame["hidden"].astype(bool)
        for column, none in _NONE.items():
            name = RestingOrder._fields[column]
            frame[name] = frame[name].astype("Int64").mask(rows[:, column] == none)
        if self._names:
            frame.insert(1, "name", [self._names.get(handle) for handle in frame["id"]])
        return frame

    # -------------------------------------------------------------- prices
    @property
    def best_bid(self) -> int | None:
        """Highest visible bid; None without one."""
        px = int(look(self._at, self._log_at, bare.BEST_BID))
        return None if px == NO_PX else px

    @property
    def best_ask(self) -> int | None:
        """Lowest visible ask; None without one."""
        px = int(look(self._at, self._log_at, bare.BEST_ASK))
        return None if px == NO_PX else px

    @property
    def spread(self) -> int | None:
        """Best ask minus best bid; None when a side is empty."""
        bid, ask = self.best_bid, self.best_ask
        return None if bid is None or ask is None else ask - bid

    @property
    def mid(self) -> float | None:
        """Middle of best bid and best ask, exact to a half; None when a side is empty."""
        bid, ask = self.best_bid, self.best_ask
        return None if bid is None or ask is None else (bid + ask) / 2

    @property
    def last_px(self) -> int | None:
        """Price of the last trade between two owners; None before the first."""
        px = int(look(self._at, self._log_at, bare.LAST))
        return None if px == NO_PX else px

    def snapshot(self, depth: int = 10) -> Snapshot:
        """Return the best visible levels, at most ``depth`` a side."""
        depth = integer("depth", depth, 0)
        sides = []
        for side in (0, 1):
            rows = np.zeros((min(depth, len(self)), 3), np.int64)
            rows = rows[: bare.read_levels(self._at, side, rows)]
            sides += [rows[:, column].copy() for column in range(3)]
        return Snapshot(*sides)

    def book_hash(self) -> int:
        """Return a hash of all live orders in queue order: equal books have equal ones."""
        return int(book_hash_one(self._market, 0))

    def __repr__(self) -> str:
        return f"OrderBook({len(self)} orders, {self.best_bid} x {self.best_ask})"

    def __str__(self) -> str:
        """Draw the ten best levels a side, asks above, bids below."""
        return draw(self.snapshot(), self.phase, self.indication)

    # -------------------------------------------------------------- trades
    @property
    def trades(self) -> NDArray[Any]:
        """All trades since the start (or ``take_trades``), oldest first; dtype ``TRADE``."""
        return np.concatenate([*self._taken, self._logged()])

    @property
    def last_trades(self) -> NDArray[Any]:
        """The trades of the last message, batch, step of the clock or phase; dtype ``TRADE``."""
        start = look(self._at, self._log_at, bare.START)
        return self._logged(start) if start >= 0 else self.trades[start - self._used() :]

    def take_trades(self) -> NDArray[Any]:
        """Return all trades and forget them, and names of orders that are gone: to save memory."""
        trades = self.trades
        self._empty_log()
        self._log[0]["start"] = 0
        self._taken = []
        self._names = {h: name for h, name in self._names.items() if self._is_live(h)}
        self._handles = {name: h for h, name in self._names.items()}
        return trades

    def _used(self) -> int:
        return int(look(self._at, self._log_at, bare.LOGGED))

    def _count(self) -> int:
        return sum(map(len, self._taken)) + self._used()

    def _logged(self, start: int = 0) -> NDArray[Any]:
        rows = self._log[0]["rows"][start : self._used()]
        out = np.zeros(len(rows), TRADE)
        for name in ("t_ns", "side", "px", "lots"):
            out[name] = rows[name]
        for name in ("maker", "taker"):
            out[name] = rows[f"{name}_slot"].astype(np.int64) << 32 | rows[f"{name}_gen"]
            out[f"{name}_owner"] = rows[name]
        out["hidden"] = rows["marks"] & LogMark.HIDDEN != 0
        return out

    def _empty_log(self) -> None:
        """Move what is logged behind the trades that were taken over before."""
        used = self._used()
        if used:
            self._taken.append(self._logged())
            self._log[0]["start"] -= used
            self._market[0]["log_used"] = 0

    def _check_log(self) -> None:
        if self._market[0]["fault"] == Fault.LOG:
            self._market[0]["fault"] = Fault.NONE
            raise InternalError(
                "HG-I042",
                f"trades: one message made more than {self._log[0]['capacity']}, the most that "
                "is kept of one; the book is right, the list of its trades is not",
            )

    # -------------------------------------------------------------- clock and phase
    @property
    def now_ns(self) -> int:
        """The clock, which trades are stamped with."""
        return int(look(self._at, self._log_at, bare.CLOCK))

    @property
    def phase(self) -> Phase:
        """The trading phase."""
        return Phase(look(self._at, self._log_at, bare.PHASE))

    @property
    def indication(self) -> Indication | None:
        """At what a call would uncross now; None outside of calls, or if nothing would trade."""
        if not bare.indicate(self._at, self._one):
            return None
        return Indication(*self._one[0, :3].tolist())
