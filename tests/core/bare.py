"""A bare market for tests: no participants that decide, messages go straight to the exchange."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from hftgym.core.book import level_head, next_key
from hftgym.core.channels import give_message, take_message
from hftgym.core.constants import NO_KEY, NONE, LogKind
from hftgym.core.entries import book_hash_one, open_one, state_hash_one
from hftgym.core.exchange import process
from hftgym.core.jit import kernel
from hftgym.core.records import (
    LOG,
    MARKET,
    OWN_HEADER_BYTES,
    OWN_ORDER,
    record,
)
from hftgym.core.reference import Message, Report, Rules, Trade

ACTION = record(
    [
        ("participant", "i8"),
        ("kind", "i8"),
        ("slot", "i8"),
        ("side", "i8"),
        ("px", "i8"),
        ("lots", "i8"),
        ("flags", "i8"),
    ]
)
LISTED = record([("side", "i8"), ("px", "i8"), ("lots", "i8"), ("owner", "i8"), ("slot", "i8")])
ANSWER = record([(name, "i8") for name in Report._fields])
ACCOUNT_FIELDS = (
    "cash",
    "fees",
    "position",
    "open_buy_lots",
    "open_sell_lots",
    "maker_lots",
    "taker_lots",
    "fills",
    "rejects",
    "edge_2px",
)


@kernel
def _act(markets, i, actions, j, log):
    """Let action ``j`` act at the exchange one nanosecond later; its log replaces the last."""
    m = markets[i]
    m.now_ns += 1
    m.log_used = 0
    a = actions[j]
    k = take_message(m)
    w = m.messages[k]
    w.participant = a.participant
    w.kind = a.kind
    w.slot = a.slot
    w.gen = j
    w.side = a.side
    w.px = a.px
    w.lots = a.lots
    w.flags = a.flags
    process(m, log[0], w)
    give_message(m, k)


@kernel
def _answers(markets, i, out):
    """Take all private reports out of their queues, in the order of the participants."""
    m = markets[i]
    n = 0
    for p in range(m.participants):
        part = m.part[p]
        while part.report_head != NONE:
            k = part.report_head
            r = m.reports[k]
            o = out[n]
            o.to = p
            o.kind = r.kind
            o.reason = r.reason
            o.request = r.request
            o.slot = r.slot
            o.side = r.side
            o.px = r.px
            o.lots = r.lots
            o.fee = r.fee
            n += 1
            part.report_head = r.next
            r.next = m.report_free
            m.report_free = k
        part.report_tail = NONE
    return n


@kernel
def _orders(markets, i, out):
    """List all live orders: bids, asks, best price first, oldest first."""
    m = markets[i]
    n = 0
    for side in range(2):
        s = m.books[0].sides[side]
        key = s.best
        while key != NO_KEY:
            k = level_head(s, key)
            while k != NONE:
                o = m.orders[k]
                w = out[n]
                w.side = o.side
                w.px = o.px
                w.lots = o.lots
                w.owner = o.owner
                w.slot = o.slot
                n += 1
                k = o.next
            key = next_key(s, key)
    return n


class BareMarket:
    """One market and a way to send messages to its exchange.

    Args:
        rules: the instrument.
        firms: firm of each participant.
        slots: order slots of each participant.
        size: name of the market class.
        orders: cut the pool of orders down to this many.
        far_levels: cut both lists of far levels down to this many.
        reports: keep private reports; without, participants have no slots for their own state.
    """

    def __init__(
        self,
        rules: Rules | None = None,
        firms: Sequence[int] = (1, 2, 3, 4),
        slots: int = 16,
        size: str = "small",
        orders: int | None = None,
        far_levels: int | None = None,
    ) -> None:
        self.rules = rules or Rules()
        self.markets = np.zeros(1, MARKET[size])
        m = self.m
        m["participants"] = len(firms)
        m["tape"]["owner"] = NONE
        for (
            name
        ) in "px_min px_max max_lots tick_px unit_value maker_fee taker_fee start_px stp".split():
            m["books"][0]["instrument"][name] = getattr(self.rules, name)
        for p, firm in enumerate(firms):
            part = m["part"][p]
            part["own_first"] = p * slots
            part["own_capacity"] = slots
            part["own_offset"] = p * (OWN_HEADER_BYTES + slots * OWN_ORDER.itemsize)
            part["decide"] = NONE
            part["name_hash"] = 1000 + p
            part["account"]["firm"] = firm
            self.own_header(p)[-4:].view(np.int32)[0] = slots
        open_one(self.markets, 0, np.uint64(1))
        self.capacity = len(m["orders"])
        if orders is not None:
            m["orders"][orders - 1]["next"] = NONE
            self.capacity = orders
        self.far_levels = len(m["books"][0]["sides"][0]["far"])
        if far_levels is not None:
            self.far_levels = far_levels
            for side in m["books"][0]["sides"]:
                side["far"][far_levels - 1]["next"] = NONE
        self._log = np.zeros(1, LOG)
        self._log[0]["capacity"] = len(self._log[0]["rows"])
        self._answers = np.zeros(len(m["reports"]), ANSWER)
        self._listed = np.zeros(len(m["orders"]), LISTED)
        self._one = np.zeros(1, ACTION)

    @property
    def m(self) -> Any:
        """The market, a live record."""
        return self.markets[0]

    def own_header(self, p: int) -> Any:
        """Bytes of the header of a participant's own state."""
        offset = int(self.m["part"][p]["own_offset"])
        return self.m["own"][offset : offset + OWN_HEADER_BYTES]

    def act(self, actions: Any, j: int) -> None:
        """Send action ``j`` of an array."""
        _act(self.markets, 0, actions, j, self._log)

    def send(self, message: Message) -> tuple[list[Trade], list[Report]]:
        """Send one message; its trades and all reports."""
        self._one[0] = tuple(message)
        self.act(self._one, 0)
        return self.trades(), self.reports()

    def trades(self) -> list[Trade]:
        """Trades of the last message."""
        rows = self._log[0]["rows"][: int(self.m["log_used"])]
        rows = rows[rows["kind"] == LogKind.TRADE]
        fields = ("maker", "maker_slot", "taker", "taker_slot", "side", "px", "lots")
        return [Trade(*row) for row in zip(*(rows[f].tolist() for f in fields), strict=True)]

    def reports(self) -> list[Report]:
        """Reports since the last call, participant by participant."""
        n = _answers(self.markets, 0, self._answers)
        return [Report(*row) for row in self._answers[:n].tolist()]

    def orders(self) -> list[tuple[int, ...]]:
        """Live orders as the reference lists them."""
        return self._listed[: _orders(self.markets, 0, self._listed)].tolist()  # type: ignore[no-any-return]

    def accounts(self) -> list[tuple[int, ...]]:
        """Accounts, in the order of ``ACCOUNT_FIELDS``."""
        accounts = self.m["part"]["account"][: int(self.m["participants"])]
        return list(zip(*(accounts[name].tolist() for name in ACCOUNT_FIELDS), strict=True))

    def book_hash(self) -> int:
        """Canonical hash of the live orders."""
        return int(book_hash_one(self.markets, 0))

    def state_hash(self) -> int:
        """Canonical hash of the market."""
        return int(state_hash_one(self.markets, 0))
