"""What is told: the log has everything, the public feed names nobody and gives the visible book."""

from __future__ import annotations

import numpy as np
import pytest

from hftgym.core.constants import BUY, NO_PX, SELL, LogKind, ReportKind
from hftgym.core.records import LOG_ROW
from hftgym.core.reference import Message
from hftgym.feed import FEED_ROW, FeedKind, public_feed, visible_levels
from hftgym.selftest.streams import STREAMS, draw
from hftgym.selftest.twins import Twins
from hftgym.selftest.venue import CompiledVenue
from hftgym.simulator import Simulator

ACTIONS = 2_500


def levels(venue: CompiledVenue) -> dict[tuple[int, int], int]:
    """Visible lots by side and price, from the list of orders."""
    found: dict[tuple[int, int], int] = {}
    for side, px, shown, _, _, _, hidden in venue.orders():
        if not hidden:
            found[side, px] = found.get((side, px), 0) + shown
    return found


@pytest.mark.parametrize("name", ["shades", "modes", "tiny", "calls", "pro_rata", "all", "times"])
def test_the_visible_book_follows_from_the_public_feed(name: str) -> None:
    """X-FEED-02."""
    stream = STREAMS[name]
    venue = Twins(stream).fast
    actions = draw(stream, ACTIONS, seed=4)
    parts = [np.zeros(0, FEED_ROW)]
    for j in range(ACTIONS):
        venue.act(actions, j)
        parts.append(public_feed(venue.log()))
        if j % 25 == 0:
            assert visible_levels(np.concatenate(parts)) == levels(venue), j
    assert {"maker", "taker", "owner", "maker_slot"}.isdisjoint(FEED_ROW.names or ())


def touch(venue: CompiledVenue, side: int) -> tuple[int, int]:
    """Best visible price of a side, as a key that is larger when better, and its lots."""
    keys = {side * px: lots for (of, px), lots in levels(venue).items() if of == side}
    best = max(keys, default=-NO_PX)
    return best, keys.get(best, 0)


@pytest.mark.parametrize("name", ["tiny", "shades"])
def test_order_flow_imbalance_is_that_of_its_paper(name: str) -> None:
    """Cont, Kukanov, Stoikov 2014, eq. 2, event by event, from the list of orders."""
    stream = STREAMS[name]
    venue = Twins(stream).fast
    actions = draw(stream, ACTIONS, seed=5)
    ofi = moves = 0
    before = {side: touch(venue, side) for side in (BUY, SELL)}
    for j in range(ACTIONS):
        venue.act(actions, j)
        for side in (BUY, SELL):
            (was, lots_was), (now, lots_now) = before[side], touch(venue, side)
            ofi += side * (lots_now * (now >= was) - lots_was * (now <= was))
            moves += now == was and lots_now != lots_was
            before[side] = now, lots_now
        assert venue.m["books"][0]["ofi"] == ofi, j
    assert moves > 20


def test_the_feed_is_numbered_without_a_gap() -> None:
    """X-FEED-02: also when it is published piece by piece."""
    simulator = Simulator("default", seed=3, keep_log=True)
    simulator.advance(20.0)
    log = simulator.log()
    whole = public_feed(log)
    assert whole["sequence"].tolist() == list(range(len(whole)))
    half = len(log) // 2
    first = public_feed(log[:half])
    second = public_feed(log[half:], first=len(first))
    assert np.concatenate([first, second]).tolist() == whole.tolist()
    book = simulator.market()["books"][0]
    found = visible_levels(whole)
    assert max(px for side, px in found if side == BUY) == book["touch_bid_px"]
    assert min(px for side, px in found if side != BUY) == book["touch_ask_px"]


def test_positions_follow_from_the_log() -> None:
    """X-FEED-01: the log is the drop copy: every trade with both sides of it."""
    stream = STREAMS["all"]
    venue = Twins(stream).fast
    actions = draw(stream, ACTIONS, seed=5)
    rows = [np.zeros(0, LOG_ROW)]
    refused = 0
    for j in range(len(actions)):
        outcome = venue.act(actions, j)
        rows.append(venue.log().copy())
        refused += sum(report.kind == ReportKind.REJECTED for report in outcome.reports)
    log = np.concatenate(rows)
    position = [0] * len(stream.members)
    for row in log[log["kind"] == LogKind.TRADE].tolist():
        trade = dict(zip(LOG_ROW.names or (), row, strict=True))
        bought = trade["side"] if trade["side"] else BUY  # an uncross: the taker buys
        position[trade["taker"]] += bought * trade["lots"]
        position[trade["maker"]] -= bought * trade["lots"]
    assert position == [account.position for account in venue.accounts]
    assert sum(log["kind"] == LogKind.REJECT) == refused > 0
    assert {LogKind.TRIGGER, LogKind.UNCROSS, LogKind.PHASE} <= set(log["kind"].tolist())


def test_each_participant_hears_of_itself_alone() -> None:
    """X-FEED-03."""
    stream = STREAMS["shades"]
    venue = Twins(stream).fast
    actions = draw(stream, ACTIONS, seed=6)
    for j in range(len(actions)):
        message = Message(*actions[j].item())
        outcome = venue.act(actions, j)
        fills = sorted((r.to, r.slot, r.px, r.lots) for r in outcome.reports if r.kind == 2)
        sides = [(t.maker, t.maker_slot, t.px, t.lots) for t in outcome.trades]
        sides += [(t.taker, t.taker_slot, t.px, t.lots) for t in outcome.trades]
        assert fills == sorted(sides)
        others = [r for r in outcome.reports if r.to != message.participant]
        assert all(r.kind in (ReportKind.FILL, ReportKind.CANCELLED) for r in others)


def test_trades_say_who_was_the_aggressor_and_whether_it_met_a_hidden_order() -> None:
    """X-FEED-01, X-FEED-02."""
    venue = CompiledVenue()
    venue.process(Message(0, 1, 0, BUY, 9_990, 5))
    venue.process(Message(1, 1, 0, BUY, 9_990, 5, 4))
    venue.process(Message(2, 2, 0, -BUY, 0, 8))
    feed = public_feed(venue.log())
    rows = feed[["kind", "side", "px", "lots", "hidden"]].tolist()
    assert rows == [(FeedKind.TRADE, -1, 9_990, 5, 0), (FeedKind.TRADE, -1, 9_990, 3, 1)]
    assert venue.log()["maker"].tolist()[:2] == [0, 1]
