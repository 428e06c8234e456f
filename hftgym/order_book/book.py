"""The book that users make: its settings and the messages that it takes."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any, TypeAlias, Unpack

import numpy as np
from numpy.typing import NDArray

from hftgym.core import bare
from hftgym.core.bare import LOG_FULL
from hftgym.core.constants import (
    BUY,
    NONE,
    SELL,
    STP_SHIFT,
    BandAction,
    Flag,
    Matching,
    MessageKind,
    Phase,
    StopOn,
    Stp,
)
from hftgym.order_book.batch import MAX_OWNER, TERM_NAMES, batch
from hftgym.order_book.memory import BookMemory
from hftgym.order_book.values import BIG, Terms, choice, integer, wrong

Side: TypeAlias = int | str
_SIDES: dict[Side, int] = {BUY: BUY, SELL: SELL}
_SIDES |= {"buy": BUY, "BUY": BUY, "B": BUY, "sell": SELL, "SELL": SELL, "S": SELL}
_KINDS = {
    "limit": (MessageKind.LIMIT, 0),
    "market": (MessageKind.MARKET, 0),
    "market_to_limit": (MessageKind.MARKET, int(Flag.TO_LIMIT)),
    "budget": (MessageKind.LIMIT, int(Flag.BUDGET | Flag.FOK)),
}
_TIFS = {"gtc": 0, "ioc": int(Flag.IOC), "fok": int(Flag.FOK), "day": int(Flag.DAY)}


def _word(kind: MessageKind, side: int) -> int:
    """Return kind and side as ``act`` takes them."""
    return int(kind) << bare.KIND_SHIFT | (side + 1) << bare.SIDE_SHIFT


_CANCEL = _word(MessageKind.CANCEL, 0)
_AMEND = _word(MessageKind.AMEND, 0)


class OrderBook(BookMemory):
    """A limit order book. Prices are whole numbers of px, sizes whole numbers of lots.

    A message that the book refuses gives a negative number, minus its ``hftgym.Reason``. Only a
    wrong use of this class raises (``UsageError``). Settings are explained in ``docs/rules.md``;
    those that say when prices are too far need ``start_px``.

    Args:
        tick_px: prices are multiples of this.
        px_min: lowest price.
        px_max: highest price.
        max_lots: largest size; times the largest price below 2^62.
        start_px: last price before the first trade.
        matching: ``fifo`` or ``pro_rata``.
        stp: self-trade prevention among orders of one owner: ``off``, ``cancel_oldest``,
            ``cancel_newest``, ``cancel_both`` or ``decrement``.
        stop_on: what wakes stops: ``last``, ``touch`` or ``mark``.
        top_max_lots: pro-rata: lots that the top order gets first.
        min_alloc_lots: pro-rata: smaller shares are nothing.
        fifo_percent: pro-rata: share that goes by time.
        static_band_px: limit prices are at most so far from the last auction; 0: no band.
        dynamic_band_px: trades are at most so far from the last price; 0: no band.
        band_action: when a trade would be further: ``cancel``, ``auction`` or ``halt``.
        call_ns: length of an auction that begins on its own.
        halt_ns: length of a halt.
        collar_bps: an auction's price is so near to the touch before it; 0: anywhere.
        phase: at first.
    """

    def __init__(
        self,
        *,
        tick_px: int = 1,
        px_min: int = 1,
        px_max: int = 1 << 31,
        max_lots: int = (1 << 31) - 1,
        start_px: int | None = None,
        matching: str | Matching = "fifo",
        stp: str | Stp = "off",
        stop_on: str | StopOn = "last",
        top_max_lots: int = 0,
        min_alloc_lots: int = 1,
        fifo_percent: int = 0,
        static_band_px: int = 0,
        dynamic_band_px: int = 0,
        band_action: str | BandAction = "cancel",
        call_ns: int = 0,
        halt_ns: int = 0,
        collar_bps: int = 0,
        phase: str | Phase = "continuous",
    ) -> None:
        low = integer("px_min", px_min)
        high = integer("px_max", px_max, low)
        largest = max(abs(low), abs(high), 1)
        self._settings = {
            "px_min": low,
            "px_max": high,
            "tick_px": integer("tick_px", tick_px, 1),
            "max_lots": integer("max_lots", max_lots, 1, (BIG - 1) // largest),
            "matching": choice("matching", matching, Matching),
            "stp": choice("stp", stp, Stp),
            "stop_on": choice("stop_on", stop_on, StopOn),
            "top_max_lots": integer("top_max_lots", top_max_lots, 0),
            "min_alloc_lots": integer("min_alloc_lots", min_alloc_lots, 0),
            "fifo_percent": integer("fifo_percent", fifo_percent, 0, 100),
            "static_band_px": integer("static_band_px", static_band_px, 0),
            "dynamic_band_px": integer("dynamic_band_px", dynamic_band_px, 0),
            "band_action": choice("band_action", band_action, BandAction),
            "call_ns": integer("call_ns", call_ns, 0),
            "halt_ns": integer("halt_ns", halt_ns, 0),
            "collar_bps": integer("collar_bps", collar_bps, 0, 10_000),
            "phase": choice("phase", phase, Phase),
        }
        self._has_start = start_px is not None
        needs = ("static_band_px", "dynamic_band_px", "collar_bps")
        asked = [name for name in needs if self._settings[name] > 0]
        asked += ["stop_on"] if self._settings["stop_on"] == StopOn.MARK else []
        if asked and not self._has_start:
            raise wrong("start_px", start_px, f"a price, which {asked[0]} is measured from")
        self._settings["start_px"] = (
            integer("start_px", start_px, low, high) if self._has_start else min(max(0, low), high)
        )
        super().__init__()
        self.clear()

    def clear(self) -> None:
        """Empty the book and begin anew: clock, phase, trades. Ids of before name nothing."""
        book = self._market[0]["books"][0]
        for name, value in self._settings.items():
            book["instrument"][name] = value
        bare.open_bare(self._market, 0)
        book["has_reference"] = self._has_start
        self._forget()

    # -------------------------------------------------------------- messages
    def submit(self, side: Side, px: int | None, lots: int, **terms: Unpack[Terms]) -> int:
        """Send an order.

        Args:
            side: +1, ``buy`` or ``B``; -1, ``sell`` or ``S``.
            px: limit price; None for a market order; with ``budget`` the most that all lots may
                cost (price times lots), or the least that they must bring.
            lots: size.
            terms: everything that makes it more than a plain limit order, see ``Terms``.

        Returns:
            Its id (handle), also when nothing of it is left; or minus a Reason.
        """
        try:
            sign = _SIDES[side]
        except (KeyError, TypeError):
            raise wrong("side", side, "1, -1, 'buy', 'sell', 'B' or 'S'") from None
        # The shortest way: keywords with defaults would cost half as much as the message.
        if not terms and type(px) is type(lots) is int:
            try:
                handle = self._add(self._at, self._log_at, sign, px, lots)
            except OverflowError:
                handle = 0
            if handle:
                return handle
        return self._submit(sign, px, lots, **terms)

    def _submit(
        self,
        side: int,
        px: int | None,
        lots: int,
        *,
        kind: str = "limit",
        tif: str | int = "gtc",
        post_only: bool = False,
        slide: bool = False,
        hidden: bool = False,
        display_lots: int | None = None,
        trigger_px: int | None = None,
        min_lots: int | None = None,
        owner: int = 0,
        stp: str | Stp | None = None,
        id: Hashable = None,
    ) -> int:
        if kind not in _KINDS:
            raise wrong("kind", kind, "one of " + ", ".join(_KINDS))
        message, flags = _KINDS[kind]
        terms: dict[str, tuple[Flag, int | None]] = {
            "trigger_px": (Flag.STOP, trigger_px),
            "display_lots": (Flag.ICEBERG, display_lots),
            "min_lots": (Flag.MIN_LOTS, min_lots),
        }
        if isinstance(tif, str):
            if tif not in _TIFS:
                raise wrong("tif", tif, "a time or one of " + ", ".join(_TIFS))
            flags |= _TIFS[tif]
        else:
            terms["expire_ns"] = (Flag.GTD, tif)
        for name, (flag, value) in terms.items():
            if value is not None:
                flags |= flag
                self._market[0]["messages"][0][name] = integer(name, value)
        flags |= Flag.POST_ONLY * bool(post_only) | Flag.POST_ONLY_SLIDE * bool(slide)
        flags |= Flag.HIDDEN * bool(hidden)
        if stp is not None:
            flags |= (choice("stp", stp, Stp) + 1) << STP_SHIFT
        price = 0 if px is None and message == MessageKind.MARKET else integer("px", px)
        what = flags | _word(message, side)
        what |= integer("owner", owner, 0, MAX_OWNER) << bare.OWNER_SHIFT
        if id is not None and self._is_taken(id):
            what |= bare.ID_IN_USE
        handle = self._act(what, price, integer("lots", lots), 0)
        if id is not None and handle > 0:
            self._name(id, handle)
        return handle

    def cancel(self, id: Hashable) -> int:
        """End what is left of an order; 0, or minus a Reason (``TOO_LATE`` when it is gone)."""
        if type(id) is int and 0 < id < BIG and not self._handles:
            handle = id
        else:
            handle = self._handle_of(id)
        if self._drop(self._at, self._log_at, handle):
            return 0
        return self._act(_CANCEL, 0, 0, handle)

    def amend(
        self,
        id: Hashable,
        px: int | None = None,
        lots: int | None = None,
        *,
        trigger_px: int | None = None,
        stp: str | Stp | None = None,
    ) -> int:
        """Change an order; None leaves things as they are.

        With fewer lots at the same price it keeps its place, else it goes behind the others of its
        price, and may trade at once.

        Args:
            id: of the order.
            px: new limit price.
            lots: open from now on, what has traded not counted.
            trigger_px: new trigger of a stop that sleeps.
            stp: self-trade prevention of this message.

        Returns:
            0, or minus a Reason.
        """
        what = _AMEND
        if trigger_px is not None:
            what |= Flag.STOP
            self._market[0]["messages"][0]["trigger_px"] = integer("trigger_px", trigger_px)
        if stp is not None:
            what |= (choice("stp", stp, Stp) + 1) << STP_SHIFT
        return self._act(
            what,
            bare.KEEP if px is None else integer("px", px),
            bare.KEEP if lots is None else integer("lots", lots),
            self._handle_of(id),
        )

    def submit_many(self, messages: Any, handles: NDArray[np.int64] | None = None) -> Any:
        """Send many messages at once, the fastest way.

        Args:
            messages: a DataFrame, a structured array or a mapping of columns: ``side`` (+1, -1),
                ``px`` and ``lots``; and, where needed, ``kind`` (a ``MessageKind``; limit orders),
                ``flags`` (``Flag`` added together), ``owner``, ``trigger_px``, ``display_lots``,
                ``min_lots``, ``expire_ns``, and ``id``: a number of your own for the order, by
                which later messages cancel or amend it. Without ``id`` it is the row.
            handles: of an earlier call, to go on with its numbers; written to.

        Returns:
            By ``id``, the handle of each order, or minus the Reason why it was refused. Whether a
            cancel or an amend was refused is not told.
        """
        rows, terms = batch(messages)
        if len(rows) == 0:
            return np.zeros(0, np.int64) if handles is None else handles
        if handles is None:
            handles = np.zeros(int(rows["id"].max()) + 1, np.int64)
        elif handles.dtype != np.int64 or handles.ndim != 1 or not handles.flags.carray:
            raise wrong(
                "handles",
                handles.dtype.str,
                "a one-dimensional array of int64 that can be written to",
            )
        integer("id", rows["id"].max(), 0, len(handles) - 1)
        before = self._count()
        first = 0
        while first < len(rows):
            done = bare.run_batch(
                self._market, 0, rows, terms, first, len(rows), handles, self._log
            )
            if done == first:  # one message that might need more than an empty log
                self._send_row(rows[done], terms[done] if len(terms) else None, handles)
                done += 1
            first = done
            if first < len(rows):
                self._empty_log()
        self._log[0]["start"] = before - self._count() + self._used()
        return handles

    def _send_row(self, row: Any, terms: Any, handles: NDArray[np.int64]) -> None:
        if terms is not None:
            for name in TERM_NAMES:
                self._market[0]["messages"][0][name] = terms[name]
        kind, number = int(row["kind"]), int(row["id"])
        what = int(row["flags"]) | kind << bare.KIND_SHIFT | int(row["owner"]) << bare.OWNER_SHIFT
        px, lots = int(row["px"]), int(row["lots"])
        if kind in (MessageKind.CANCEL, MessageKind.AMEND):
            self._act(what, px, lots, int(handles[number]))
        else:
            what |= (int(row["side"]) + 1) << bare.SIDE_SHIFT
            handles[number] = self._act(what, px, lots, 0)

    def _act(self, what: int, px: int, lots: int, handle: int) -> int:
        result: int = bare.act(self._at, self._log_at, what, px, lots, handle)
        return result if result != LOG_FULL else self._make_room(what, px, lots, handle)

    def _make_room(self, what: int, px: int, lots: int, handle: int) -> int:
        """Empty the log of trades and let a message act that did not for fear of filling it."""
        self._empty_log()
        result: int = bare.act(self._at, self._log_at, what | bare.FORCE, px, lots, handle)
        self._check_log()
        return result

    # -------------------------------------------------------------- clock and phases
    def advance(self, t_ns: int) -> None:
        """Move the clock; orders and phases that end by then do so."""
        t_ns = integer("t_ns", t_ns, self.now_ns)
        if not bare.move_clock(self._at, self._log_at, t_ns):
            self._run_session(t_ns, NONE)

    def set_phase(self, phase: str | Phase) -> bool:
        """Go to another phase, uncrossing the book where that ends a call; False if it may not."""
        return self._run_session(0, choice("phase", phase, Phase))

    def _run_session(self, t_ns: int, phase: int) -> bool:
        self._empty_log()
        done = bool(bare.run_session(self._at, self._log_at, t_ns, phase))
        self._check_log()
        return done
