"""``hftgym.OrderBook`` and the slow twin, fed with the same random messages."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any

import numpy as np
import pytest

from hftgym import Flag, MessageKind, OrderBook, Phase
from hftgym.core.constants import BandAction, Matching, ReportKind, StopOn, Stp
from hftgym.core.reference import Member, Message, Outcome, ReferenceExchange, Rules
from hftgym.selftest.streams import CALL, RICH, SHADES, STOPS, Stream, draw
from hftgym.selftest.venue import PHASE_ACTION, TIME_ACTION

_KINDS = (0.55, 0.1, 0.17, 0.18)
_BANDS = Rules(dynamic_band_px=5, static_band_px=18, call_ns=90, halt_ns=40, start_px=2_000)
_POST = {0: {}, 1: {"post_only": True}, 2: {"slide": True}, 3: {"post_only": True, "slide": True}}
_TIFS = {0: "gtc", Flag.IOC: "ioc", Flag.FOK: "fok", Flag.DAY: "day"}
#: Settings that a book shares with the exchange.
_SHARED = sorted(
    {field.name for field in fields(Rules)} & set(OrderBook.__init__.__kwdefaults__ or {})
)

STREAMS = {
    "all orders": Stream(Rules(stp=Stp.DECREMENT), mix=RICH, stp=0.4, clock=0.1),
    "far": Stream(Rules(px_min=-(1 << 20), px_max=1 << 20, start_px=0), far=0.3, drift_tick=20.0),
    "gap": Stream(
        Rules(px_max=20_000_000, start_px=6_500_000), gap=0.02, near_tick=90.0, mix=SHADES
    ),
    "large": Stream(
        Rules(px_max=4_000, start_px=2_000, max_lots=1 << 45), lots=1 << 33, sweep=0.0, mix=SHADES
    ),
    "pro rata": Stream(
        Rules(matching=Matching.PRO_RATA, top_max_lots=6, min_alloc_lots=2, fifo_percent=25),
        mix=RICH,
        near_tick=3.0,
        lots=40,
        sweep=0.0,
        stp=0.4,
    ),
    "stops on the touch": Stream(Rules(stop_on=StopOn.TOUCH), mix=STOPS, clock=0.1),
    "stops on the mark": Stream(Rules(stop_on=StopOn.MARK), mix=STOPS, sweep=0.15, near_tick=4.0),
    "calls": Stream(
        Rules(collar_bps=40, call_ns=90, tick_px=5, start_px=5_000),
        kinds=(0.6, 0.16, 0.12, 0.12),
        mix=CALL,
        clock=0.2,
        sessions=True,
        phase=Phase.CLOSING_AUCTION,
    ),
    "bands": Stream(
        replace(_BANDS, band_action=BandAction.AUCTION), mix=RICH, drift_tick=0.4, clock=0.3
    ),
    "halts": Stream(
        replace(_BANDS, band_action=BandAction.HALT, stop_on=StopOn.MARK),
        mix=RICH,
        drift_tick=1.0,
        clock=0.3,
        sessions=True,
    ),
}


class Pair:
    """A book and its twin. Orders go by names: (participant, slot)."""

    def __init__(self, stream: Stream) -> None:
        rules = stream.rules
        settings = {name: getattr(rules, name) for name in _SHARED}
        self.book = OrderBook(**settings, phase=Phase(stream.phase))
        members = [Member(1 + p) for p in range(4)]
        self.twin = ReferenceExchange(rules, members, phase=stream.phase)
        self.refused = self.trades = self.skipped = 0

    def step(self, message: Message) -> None:
        """Let one action act on both, and compare what they say."""
        if message.kind == PHASE_ACTION:
            outcome = self.twin.set_phase(message.px)
            assert self.book.set_phase(Phase(message.px)) == (outcome is not None)
        elif message.kind == TIME_ACTION:
            outcome = self.twin.advance(self.twin.now_ns + message.lots)
            self.book.advance(self.book.now_ns + message.lots)
        else:
            outcome = self._message(message)
        if outcome is not None:
            self.trades += len(outcome.trades)
            assert self._trades() == [tuple(trade) for trade in outcome.trades]
        assert (self.book.phase, self.book.now_ns) == (self.twin.phase, self.twin.now_ns)
        assert self.book.indication == self.twin.indication()

    def _message(self, message: Message) -> Outcome | None:
        name = (message.participant, message.slot)
        stp = Stp(message.stp - 1) if message.stp else None
        if message.kind == MessageKind.CANCEL:
            got, outcome = self.book.cancel(name), self.twin.process(message)
        elif message.kind == MessageKind.AMEND:
            order = self.twin.order(*name)
            filled = order.filled if order else 0
            got = self.book.amend(
                name,
                message.px,
                message.lots,
                trigger_px=message.trigger_px if message.flags & Flag.STOP else None,
                stp=stp,
            )
            # A book counts what is to be open, the exchange what has traded too.
            outcome = self.twin.process(message._replace(lots=message.lots + filled))
        else:
            terms = self._terms(message)
            if terms is None:
                self.skipped += 1
                return None
            got = self.book.submit(
                message.side,
                message.px,
                message.lots,
                owner=1 + message.participant,
                id=name,
                stp=stp,
                **terms,
            )
            outcome = self.twin.process(message)
        first = outcome.reports[0]
        refused = first.kind == ReportKind.REJECTED and first.to == message.participant
        assert (got < 0) == refused
        if refused:
            self.refused += 1
            assert got == -first.reason
        return outcome

    def _terms(self, message: Message) -> dict[str, Any] | None:
        """Return a message's instructions as a book's keywords; None when it has no words."""
        flags = message.flags
        until = flags & (Flag.IOC | Flag.FOK | Flag.DAY | Flag.GTD)
        kind = "limit" if message.kind == MessageKind.LIMIT else "market"
        if flags & Flag.BUDGET:
            if kind != "limit" or until != Flag.FOK:
                return None
            kind, until = "budget", 0
        if flags & Flag.TO_LIMIT:
            if kind != "market":
                return None
            kind = "market_to_limit"
        if until not in (*_TIFS, Flag.GTD):
            return None
        terms: dict[str, Any] = {"kind": kind, "hidden": bool(flags & Flag.HIDDEN)}
        terms |= _POST[flags & 3]
        terms["tif"] = message.expire_ns if until == Flag.GTD else _TIFS[until]
        for flag, term in (
            (Flag.ICEBERG, "display_lots"),
            (Flag.STOP, "trigger_px"),
            (Flag.MIN_LOTS, "min_lots"),
        ):
            if flags & flag:
                terms[term] = getattr(message, term)
        return terms

    def _trades(self) -> list[tuple[Any, ...]]:
        found = []
        for row in self.book.last_trades:
            maker: Any = self.book.id_of(row["maker"])
            taker: Any = self.book.id_of(row["taker"])
            assert (row["maker_owner"], row["taker_owner"]) == (1 + maker[0], 1 + taker[0])
            found.append((*maker, *taker, int(row["side"]), int(row["px"]), int(row["lots"])))
        return found

    def compare_books(self) -> None:
        """Compare all that can be seen."""
        book, twin = self.book, self.twin
        assert len(book) == twin.live
        orders = twin.orders()
        rows = book.orders()
        assert (
            [*zip(rows["side"], rows["px"], rows["lots"], rows["name"], strict=True)]
            == [
                (side, px, shown + reserve, (owner, slot))
                for side, px, shown, reserve, owner, slot, _ in orders
            ]
            if orders
            else len(rows) == 0
        )
        assert rows["shown_lots"].tolist() == [0 if row[6] else row[2] for row in orders]
        assert rows["hidden"].tolist() == [bool(row[6]) for row in orders]
        stops = book.stops()
        assert stops[["side", "trigger_px", "px", "lots", "owner"]].to_numpy().tolist() == [
            [side, trigger, px, lots, 1 + owner]
            for side, trigger, px, lots, owner, _ in twin.stops()
        ]
        waiting = book.waiting()[["side", "lots", "owner"]].to_numpy().tolist()
        assert waiting == [[side, lots, 1 + owner] for side, lots, owner, _ in twin.waiting()]
        found = book.snapshot(1_000)
        for side, px, lots, count in (
            (1, found.bid_px, found.bid_lots, found.bid_orders),
            (-1, found.ask_px, found.ask_lots, found.ask_orders),
        ):
            levels: dict[int, list[int]] = {}
            for order in orders:
                if order[0] == side and not order[6]:
                    level = levels.setdefault(order[1], [0, 0])
                    level[0] += order[2]
                    level[1] += 1
            want = [[px, *level] for px, level in levels.items()]
            assert np.column_stack([px, lots, count]).tolist() == want


@pytest.mark.parametrize("name", STREAMS)
def test_a_book_and_the_twin_agree(name: str) -> None:
    stream = replace(STREAMS[name], members=(1, 2, 3, 4), kinds=STREAMS[name].kinds[:4], garbage=0)
    actions = draw(stream, 900, seed=11)
    pair = Pair(stream)
    for j in range(len(actions)):
        pair.step(Message(*actions[j].item()))
        if j % 9 == 0:
            pair.compare_books()
    pair.compare_books()
    assert pair.skipped < 40
    assert pair.refused > 50
    assert pair.trades > 50
