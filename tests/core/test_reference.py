"""The slow twin alone: hand-checked cases of the trickiest rules, and what must always hold."""

from __future__ import annotations

from collections import Counter
from copy import deepcopy
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from hftgym.core.constants import (
    BUY,
    SELL,
    BandAction,
    FeeUnit,
    Flag,
    Matching,
    MessageKind,
    Phase,
    Reason,
    ReportKind,
    StopOn,
    Stp,
)
from hftgym.core.reference import (
    Indication,
    Member,
    Message,
    Order,
    Outcome,
    ReferenceExchange,
    Report,
    Rules,
)
from hftgym.core.reference_auction import Interest, clear
from hftgym.selftest.streams import STREAMS, draw
from hftgym.selftest.venue import PHASE_ACTION, TIME_ACTION

RULES = Rules(start_px=100, px_max=1_000, unit_value=1, taker_fee=0)
FIRMS = (1, 2, 3, 4)
CALL: dict[str, Any] = {"phase": Phase.OPENING_AUCTION}
FILL, CANCELLED = ReportKind.FILL, ReportKind.CANCELLED


def buy(p: int, slot: int, px: int, lots: int, flags: int = 0, **more: int) -> Message:
    return Message(p, MessageKind.LIMIT, slot, BUY, px, lots, flags, **more)


def sell(p: int, slot: int, px: int, lots: int, flags: int = 0, **more: int) -> Message:
    return Message(p, MessageKind.LIMIT, slot, SELL, px, lots, flags, **more)


def market(p: int, slot: int, side: int, lots: int, flags: int = 0, **more: int) -> Message:
    return Message(p, MessageKind.MARKET, slot, side, 0, lots, flags, **more)


def amend(p: int, slot: int, px: int, lots: int, flags: int = 0, **more: int) -> Message:
    return Message(p, MessageKind.AMEND, slot, 0, px, lots, flags, **more)


def cancel(p: int, slot: int) -> Message:
    return Message(p, MessageKind.CANCEL, slot)


def opened(
    *messages: Message,
    rules: Rules = RULES,
    members: tuple[Member | int, ...] = FIRMS,
    **more: Any,
) -> ReferenceExchange:
    """Return an exchange that has accepted some messages."""
    exchange = ReferenceExchange(rules, members, **more)
    for message in messages:
        reports = exchange.process(message).reports
        assert all(report.kind != ReportKind.REJECTED for report in reports), reports
    return exchange


def told(outcome: Outcome) -> list[tuple[int, int, int, int, int]]:
    """Return (to, slot, kind, reason, lots) of all reports."""
    return [(r.to, r.slot, r.kind, r.reason, r.lots) for r in outcome.reports]


def traded(outcome: Outcome) -> list[tuple[int, int, int, int]]:
    """Return (maker, maker's slot, px, lots) of all trades."""
    return [(t.maker, t.maker_slot, t.px, t.lots) for t in outcome.trades]


def reason(outcome: Outcome) -> int:
    """Return why the only answer is a reject."""
    (report,) = outcome.reports
    assert report.kind == ReportKind.REJECTED
    return report.reason


# ------------------------------------------------------------------ icebergs and hidden orders
def test_an_iceberg_goes_behind_visible_orders_and_before_hidden_ones() -> None:
    exchange = opened(
        sell(0, 0, 100, 10, Flag.HIDDEN),
        sell(1, 0, 100, 25, Flag.ICEBERG, display_lots=10),
        sell(2, 0, 100, 5),
    )
    outcome = exchange.process(buy(3, 0, 100, 32))
    assert traded(outcome) == [
        (1, 0, 100, 10),
        (2, 0, 100, 5),
        (1, 0, 100, 10),
        (1, 0, 100, 5),
        (0, 0, 100, 2),
    ]
    assert exchange.orders() == [(SELL, 100, 8, 0, 0, 0, 1)]


def test_an_iceberg_reduced_in_place_gives_from_its_reserve() -> None:
    exchange = opened(sell(0, 0, 100, 25, Flag.ICEBERG, display_lots=10), sell(1, 0, 100, 1))
    exchange.process(buy(2, 0, 100, 4))
    exchange.process(amend(0, 0, 100, 12))  # 4 have traded: 8 are open
    assert exchange.orders() == [(SELL, 100, 6, 2, 0, 0, 0), (SELL, 100, 1, 0, 1, 0, 0)]
    exchange.process(amend(0, 0, 100, 30))
    assert exchange.orders() == [(SELL, 100, 1, 0, 1, 0, 0), (SELL, 100, 10, 16, 0, 0, 0)]


@pytest.mark.parametrize(
    ("display", "lots", "good"), [(1, 1_000, True), (1, 1_001, False), (5, 4, False), (0, 4, False)]
)
def test_an_iceberg_shows_at_least_a_thousandth(display: int, lots: int, good: bool) -> None:
    outcome = opened().process(buy(0, 0, 90, lots, Flag.ICEBERG, display_lots=display))
    assert (outcome.reports[0].reason == Reason.BAD_DISPLAY) != good


# ------------------------------------------------------------------ time in force
def test_fok_with_prevention_counts_no_reserve_that_would_be_shown_behind_the_own_order() -> None:
    book = (
        sell(1, 0, 100, 30, Flag.ICEBERG, display_lots=10),
        sell(0, 1, 100, 1),
        sell(2, 0, 101, 50),
    )
    for stp, most in ((Stp.OFF, 81), (Stp.CANCEL_OLDEST, 80), (Stp.CANCEL_NEWEST, 10)):
        for lots, good in ((most, True), (most + 1, False)):
            outcome = opened(*book).process(buy(0, 0, 101, lots, Flag.FOK, stp=stp + 1))
            assert (sum(t.lots for t in outcome.trades) == lots) == good
            assert good or reason(outcome) == Reason.FOK_KILLED


@pytest.mark.parametrize(("budget", "good"), [(1_012, True), (1_011, False), (-1, False)])
def test_a_budget_buys_all_for_its_amount_or_nothing(budget: int, good: bool) -> None:
    exchange = opened(sell(0, 0, 101, 8), sell(1, 0, 102, 8))
    outcome = exchange.process(buy(2, 0, budget, 10, Flag.FOK | Flag.BUDGET))
    if good:  # 8 * 101 + 2 * 102
        assert told(outcome)[0] == (2, 0, ReportKind.ACCEPTED, Reason.OK, 10)
        assert (outcome.reports[0].px, exchange.accounts[2].cash) == (1_000, -1_012)
    else:
        assert reason(outcome) == (Reason.BAD_PRICE if budget < 0 else Reason.FOK_KILLED)


def test_min_lots_lets_the_rest_of_a_limit_order_rest_once() -> None:
    exchange = opened(sell(0, 0, 100, 5))
    few = buy(1, 0, 100, 9, Flag.MIN_LOTS, min_lots=6)
    assert reason(exchange.process(few)) == Reason.MIN_LOTS
    exchange.process(few._replace(min_lots=5))
    assert exchange.orders() == [(BUY, 100, 4, 0, 1, 0, 0)]
    assert reason(exchange.process(few._replace(slot=1, min_lots=10))) == Reason.BAD_QTY


def test_to_limit_rests_at_the_touch_it_met() -> None:
    exchange = opened(sell(0, 0, 100, 5, Flag.HIDDEN), sell(0, 1, 101, 5))
    outcome = exchange.process(market(1, 0, BUY, 7, Flag.TO_LIMIT))
    assert (outcome.reports[0].px, traded(outcome)) == (100, [(0, 0, 100, 5)])
    assert exchange.orders()[0] == (BUY, 100, 2, 0, 1, 0, 0)
    # Nobody sells to a buyer in an empty market: there is no price to take.
    assert reason(opened().process(market(1, 0, BUY, 7, Flag.TO_LIMIT))) == Reason.NO_PRICE


def test_orders_of_an_instant_expire_as_they_came_to_rest() -> None:
    exchange = opened(
        buy(0, 5, 99, 1, Flag.GTD, expire_ns=10),
        buy(0, 1, 99, 1, Flag.GTD, expire_ns=10),
        buy(0, 3, 99, 1, Flag.GTD, expire_ns=9),
    )
    exchange.process(amend(0, 5, 98, 1))  # keeps its time, and comes to rest anew
    assert [r.slot for r in exchange.advance(9).reports] == [3]
    assert [r.slot for r in exchange.advance(10).reports] == [1, 5]
    late = buy(0, 0, 99, 1, Flag.GTD, expire_ns=10)
    assert reason(exchange.process(late)) == Reason.BAD_EXPIRY


# ------------------------------------------------------------------ amend
def test_a_post_only_order_amended_across_is_refused_in_its_place_or_slides() -> None:
    exchange = opened(sell(0, 0, 105, 1), buy(1, 0, 100, 4, Flag.POST_ONLY), buy(2, 0, 100, 4))
    before = exchange.orders()
    assert reason(exchange.process(amend(1, 0, 105, 4))) == Reason.POST_ONLY_CROSS
    assert exchange.orders() == before
    exchange = opened(sell(0, 0, 105, 1), buy(1, 0, 100, 4, Flag.POST_ONLY_SLIDE))
    outcome = exchange.process(amend(1, 0, 110, 4))
    assert (outcome.reports[0].px, outcome.trades) == (104, [])


def test_decremented_lots_come_back_when_a_total_is_stated() -> None:
    exchange = opened(buy(0, 0, 100, 10))
    outcome = exchange.process(sell(0, 1, 100, 4, stp=Stp.DECREMENT + 1))
    assert told(outcome)[1:] == [
        (0, 0, ReportKind.AMENDED, Reason.SELF_TRADE, 6),
        (0, 1, CANCELLED, Reason.SELF_TRADE, 4),
    ]
    exchange.process(amend(0, 0, 100, 10))
    assert exchange.orders() == [(BUY, 100, 10, 0, 0, 0, 0)]


# ------------------------------------------------------------------ self-trade prevention
@pytest.mark.parametrize(
    ("mode", "answers", "left"),
    [
        (Stp.CANCEL_OLDEST, [(0, 1, CANCELLED, Reason.SELF_TRADE, 5)], (0, 0)),
        (Stp.CANCEL_NEWEST, [(0, 9, CANCELLED, Reason.SELF_TRADE, 8)], (5, 4)),
        (
            Stp.CANCEL_BOTH,
            [(0, 1, CANCELLED, Reason.SELF_TRADE, 5), (0, 9, CANCELLED, Reason.SELF_TRADE, 8)],
            (0, 4),
        ),
        (
            Stp.DECREMENT,
            [
                (0, 1, CANCELLED, Reason.SELF_TRADE, 5),
                (0, 9, ReportKind.AMENDED, Reason.SELF_TRADE, 3),
            ],
            (0, 1),
        ),
    ],
)
def test_prevention_lets_earlier_fills_stand(
    mode: Stp, answers: list[tuple[int, ...]], left: tuple[int, int]
) -> None:
    exchange = opened(sell(1, 0, 99, 2), sell(0, 1, 100, 5), sell(2, 0, 100, 4))
    outcome = exchange.process(buy(0, 9, 100, 10, Flag.IOC, stp=mode + 1))
    assert traded(outcome)[0] == (1, 0, 99, 2)
    assert [a for a in told(outcome) if a[3] == Reason.SELF_TRADE] == answers
    lots = {o[4]: o[2] for o in exchange.orders()}
    assert (lots.get(0, 0), lots.get(2, 0)) == left


def test_a_trade_within_a_firm_moves_neither_last_price_nor_stops() -> None:
    exchange = opened(
        sell(0, 0, 100, 5),
        market(2, 0, BUY, 1, Flag.STOP, trigger_px=100),
        members=(1, 1, 2),
        rules=replace(RULES, start_px=90),
    )
    exchange.process(buy(1, 0, 100, 2))
    assert (exchange.last_px, len(exchange.stops())) == (90, 1)


# ------------------------------------------------------------------ stops
def test_stops_wake_in_the_order_of_the_moving_price_and_each_moves_it_anew() -> None:
    exchange = opened(
        *(sell(0, j, 100 + j, 1) for j in range(6)),
        market(1, 0, BUY, 1, Flag.STOP, trigger_px=102),
        market(1, 1, BUY, 1, Flag.STOP, trigger_px=101),
        market(1, 2, BUY, 1, Flag.STOP, trigger_px=101),
        market(1, 3, BUY, 1, Flag.STOP, trigger_px=104),
        market(2, 0, BUY, 1, Flag.STOP, trigger_px=110),
    )
    assert len(exchange.stops()) == 5  # before the first trade nothing triggers
    outcome = exchange.process(market(3, 0, BUY, 2))
    woken = [r.slot for r in outcome.reports if r.kind == ReportKind.TRIGGERED]
    assert woken == [1, 2, 0, 3]
    assert [t.px for t in outcome.trades] == [100, 101, 102, 103, 104, 105]
    assert exchange.stops() == [(BUY, 110, 1_000, 1, 2, 0)]


def test_of_stops_that_are_through_at_once_the_buyers_wake_first() -> None:
    exchange = opened(
        sell(0, 0, 100, 2),
        market(1, 0, SELL, 1, Flag.STOP, trigger_px=100),
        market(1, 1, BUY, 1, Flag.STOP, trigger_px=100),
    )
    outcome = exchange.process(buy(2, 0, 100, 1))
    woken = [r.slot for r in outcome.reports if r.kind == ReportKind.TRIGGERED]
    assert woken == [1, 0]


@pytest.mark.parametrize(("stop_on", "wakes"), [(StopOn.TOUCH, True), (StopOn.MARK, False)])
def test_the_touch_wakes_a_stop_that_the_mid_does_not(stop_on: StopOn, wakes: bool) -> None:
    exchange = opened(buy(0, 0, 90, 1), sell(0, 1, 101, 1), rules=replace(RULES, stop_on=stop_on))
    stop = buy(1, 0, 95, 3, Flag.STOP | Flag.ICEBERG, trigger_px=100, display_lots=1)
    exchange.process(stop)
    assert (exchange.stops() == []) == wakes
    if wakes:
        assert exchange.orders()[0] == (BUY, 95, 1, 2, 1, 0, 0)


def test_an_amended_stop_goes_behind_the_others_of_its_trigger() -> None:
    exchange = opened(
        sell(0, 0, 90, 3, Flag.STOP, trigger_px=95), sell(1, 0, 90, 3, Flag.STOP, trigger_px=95)
    )
    exchange.process(amend(0, 0, 90, 2, Flag.STOP, trigger_px=95))
    assert [stop[4] for stop in exchange.stops()] == [0, 1]
    exchange.process(amend(0, 0, 90, 3))
    assert [stop[4] for stop in exchange.stops()] == [1, 0]
    bad = amend(0, 0, 90, 3, Flag.STOP, trigger_px=0)
    assert reason(exchange.process(bad)) == Reason.BAD_TRIGGER


# ------------------------------------------------------------------ pro-rata
def test_pro_rata_gives_to_top_makers_time_size_and_the_rest_by_time() -> None:
    rules = replace(RULES, matching=Matching.PRO_RATA, top_max_lots=250)
    exchange = opened(
        sell(0, 0, 100, 300),
        sell(1, 0, 100, 15),
        sell(2, 0, 100, 160),
        rules=rules,
        members=(Member(1), Member(2), Member(3, lmm_percent=40), Member(4)),
    )
    # 250 to the top; 40 % of 150; of 90 by size 27, 8, 54; one is left for the oldest.
    outcome = exchange.process(buy(3, 0, 100, 400))
    assert traded(outcome) == [(0, 0, 100, 278), (1, 0, 100, 8), (2, 0, 100, 114)]


@pytest.mark.parametrize(
    ("fifo_percent", "least", "shares"),
    [
        (0, 1, [6, 2, 7]),  # 5, 2 and 7 by size, and one by time
        (0, 3, [8, 0, 7]),  # 2 is below the least
        (40, 1, [9, 1, 5]),  # 6 by time; 9 among 14, 10 and 30: 2, 1 and 5, and one by time
    ],
)
def test_pro_rata_by_time_and_no_shares_below_the_least(
    fifo_percent: int, least: int, shares: list[int]
) -> None:
    rules = replace(
        RULES, matching=Matching.PRO_RATA, fifo_percent=fifo_percent, min_alloc_lots=least
    )
    book = (sell(0, 0, 100, 20), sell(1, 0, 100, 10), sell(2, 0, 100, 30))
    outcome = opened(*book, rules=rules).process(buy(3, 0, 100, 15))
    made = {trade.maker: trade.lots for trade in outcome.trades}
    assert [made.get(p, 0) for p in range(3)] == shares


def test_who_is_no_longer_top_or_came_in_a_call_has_no_advantage() -> None:
    rules = replace(RULES, matching=Matching.PRO_RATA, top_max_lots=10)
    iceberg = sell(0, 0, 100, 30, Flag.ICEBERG, display_lots=10)
    exchange = opened(iceberg, buy(3, 0, 100, 10), sell(1, 0, 100, 30), rules=rules)
    # Its first slice is gone. By size 2 and 7 of 10, and one by time.
    assert traded(exchange.process(buy(3, 1, 100, 10))) == [(0, 0, 100, 3), (1, 0, 100, 7)]
    exchange = opened(sell(0, 0, 100, 10), rules=rules, **CALL)
    exchange.set_phase(Phase.CONTINUOUS)
    exchange.process(sell(1, 0, 100, 30))
    assert traded(exchange.process(buy(3, 1, 100, 10))) == [(0, 0, 100, 3), (1, 0, 100, 7)]


def test_pro_rata_serves_the_own_firm_first_by_its_mode() -> None:
    rules = replace(RULES, matching=Matching.PRO_RATA, stp=Stp.DECREMENT)
    exchange = opened(sell(0, 0, 100, 50), sell(1, 0, 100, 20), rules=rules)
    outcome = exchange.process(buy(1, 1, 100, 30))
    assert traded(outcome) == [(0, 0, 100, 10)]
    assert exchange.orders() == [(SELL, 100, 40, 0, 0, 0, 0)]


# ------------------------------------------------------------------ auctions
def test_an_uncross_serves_market_orders_then_price_then_time() -> None:
    exchange = opened(
        buy(0, 0, 101, 10, Flag.HIDDEN),
        buy(1, 0, 101, 10),
        market(2, 0, BUY, 5),
        sell(3, 0, 99, 18),
        **CALL,
    )
    assert exchange.indication() == Indication(101, 18, 7)  # all have a surplus of buyers
    outcome = exchange.set_phase(Phase.CONTINUOUS)
    assert outcome is not None
    assert [(t.taker, t.side, t.px, t.lots) for t in outcome.trades] == [
        (2, 0, 101, 5),
        (1, 0, 101, 10),
        (0, 0, 101, 3),
    ]
    assert [r.to for r in outcome.reports] == [3, 2, 3, 1, 3, 0]
    assert exchange.orders() == [(BUY, 101, 7, 0, 0, 0, 1)]
    assert (exchange.last_px, exchange.mid_2px) == (101, 202)


def test_market_orders_alone_trade_at_the_reference_and_the_rest_ends() -> None:
    orders = (market(0, 0, BUY, 5), market(1, 0, SELL, 3))
    exchange = opened(*orders, **CALL, reference_px=103)
    outcome = exchange.set_phase(Phase.CONTINUOUS)
    assert outcome is not None
    assert traded(outcome) == [(1, 0, 103, 3)]
    assert told(outcome)[-1] == (0, 0, CANCELLED, Reason.IOC_REST, 2)
    assert opened(*orders, **CALL, reference_px=None).indication() is None


def brute_force(
    buys: list[Order], sells: list[Order], reference: int | None, tick: int
) -> tuple[int, int, int] | None:
    """Return (low, high, price) of an auction, by looking at every tick."""
    limits = [o.px for o in (*buys, *sells) if o.kind == MessageKind.LIMIT]
    ends = limits + ([] if reference is None else [reference // tick * tick])
    if not ends:
        return None

    def lots(px: int) -> tuple[int, int]:
        want = sum(o.lots for o in buys if o.kind == MessageKind.MARKET or o.px >= px)
        have = sum(o.lots for o in sells if o.kind == MessageKind.MARKET or o.px <= px)
        return min(want, have), want - have

    found = {px: lots(px) for px in range(min(ends), max(ends) + 1, tick)}
    most = max(volume for volume, _ in found.values())
    if not most:
        return None
    full = {px: surplus for px, (volume, surplus) in found.items() if volume == most}
    least = min(abs(surplus) for surplus in full.values())
    best = [px for px, surplus in full.items() if abs(surplus) == least]
    if all(full[px] > 0 for px in best):
        px = max(best)
    elif all(full[px] < 0 for px in best):
        px = min(best)
    elif reference is None:
        px = (min(best) + max(best)) // 2 // tick * tick
    else:
        px = min(best, key=lambda px: (abs(px - reference), -px))
    return min(full), max(full), px


def test_the_auction_price_is_that_of_looking_at_every_tick() -> None:
    rng = np.random.default_rng(5)
    seen: Counter[str] = Counter()
    for j in range(4_000):
        tick = int(rng.choice([1, 2, 5]))
        sides: tuple[list[Order], list[Order]] = ([], [])
        for side, orders in zip((BUY, SELL), sides, strict=True):
            for slot in range(rng.integers(0, 5)):
                kind = MessageKind.MARKET if rng.random() < 0.2 else MessageKind.LIMIT
                px = int(rng.integers(-6, 7)) * tick
                orders.append(Order(0, slot, side, kind, px, int(rng.integers(1, 6))))
        reference = None if j % 5 == 0 else int(rng.integers(-40, 41))
        expected = brute_force(*sides, reference, tick)
        assert clear(Interest(*sides), reference, tick) == expected, (sides, reference, tick)
        if expected is None:
            seen["none"] += 1
        else:
            seen["range" if expected[0] < expected[1] else "point"] += 1
    assert min(seen[kind] for kind in ("none", "range", "point")) > 400, seen


def test_a_collar_takes_the_nearest_price_inside_or_extends_the_call_once() -> None:
    rules = Rules(start_px=1_000, collar_bps=1_000, call_ns=50, unit_value=1)
    exchange = opened(buy(0, 0, 1_000, 1), sell(1, 0, 1_100, 1), rules=rules)  # 895 to 1205
    exchange.set_phase(Phase.VOLATILITY_AUCTION)
    exchange.process(buy(2, 0, 1_300, 6))
    exchange.process(sell(3, 0, 1_190, 4))
    assert exchange.indication() == Indication(1_205, 5, 1)  # without a collar 1300
    exchange.process(sell(3, 1, 1_250, 9))
    assert exchange.indication() is None  # all six trade from 1250 to 1300 only
    outcome = exchange.set_phase(Phase.CONTINUOUS)
    assert outcome == ([], [])
    assert exchange.phase == Phase.VOLATILITY_AUCTION
    assert exchange.advance(49).trades == []
    outcome = exchange.advance(50)
    assert traded(outcome) == [(1, 0, 1_250, 1), (3, 0, 1_250, 4), (3, 1, 1_250, 1)]
    assert (exchange.phase, exchange.now_ns) == (Phase.CONTINUOUS, 50)


def test_an_iceberg_that_an_uncross_uses_beyond_its_slice_shows_the_next_one_behind() -> None:
    exchange = opened(
        sell(0, 0, 100, 30, Flag.ICEBERG, display_lots=10),
        sell(1, 0, 100, 5),
        buy(2, 0, 100, 12),
        **CALL,
    )
    exchange.set_phase(Phase.CONTINUOUS)
    assert exchange.orders() == [(SELL, 100, 5, 0, 1, 0, 0), (SELL, 100, 10, 8, 0, 0, 0)]


# ------------------------------------------------------------------ phases and bands
def test_a_halt_keeps_the_book_and_its_end_uncrosses_it() -> None:
    exchange = opened(buy(0, 0, 102, 3), **CALL)
    exchange.process(sell(1, 0, 100, 3))
    exchange.set_phase(Phase.HALT)
    assert reason(exchange.process(buy(2, 0, 90, 1))) == Reason.MARKET_CLOSED
    assert reason(exchange.process(amend(0, 0, 102, 4))) == Reason.MARKET_CLOSED
    assert told(exchange.process(amend(0, 0, 102, 2)))[0][2] == ReportKind.AMENDED
    assert exchange.set_phase(Phase.PRE_OPEN) is None
    outcome = exchange.set_phase(Phase.CONTINUOUS)
    assert outcome is not None and traded(outcome) == [(1, 0, 100, 2)]


def test_the_day_ends_bids_then_asks_then_stops() -> None:
    day = Flag.DAY
    exchange = opened(
        sell(0, 1, 110, 1, day),
        sell(1, 2, 80, 1, day | Flag.STOP, trigger_px=80),
        buy(2, 3, 90, 1, day),
        buy(2, 4, 91, 1),
        buy(3, 5, 91, 1, day | Flag.HIDDEN),
        market(0, 6, BUY, 1, day | Flag.STOP, trigger_px=120),
    )
    outcome = exchange.set_phase(Phase.CLOSED)
    assert outcome is not None
    assert [r.slot for r in outcome.reports] == [5, 3, 1, 6, 2]
    assert {r.reason for r in outcome.reports} == {Reason.EXPIRED}


@pytest.mark.parametrize("action", BandAction)
def test_an_aggressor_stops_at_the_dynamic_band(action: BandAction) -> None:
    rules = replace(RULES, dynamic_band_px=2, band_action=action, call_ns=10, halt_ns=7)
    exchange = opened(
        sell(0, 0, 101, 1),
        sell(0, 1, 102, 1),
        sell(0, 2, 103, 1),
        market(1, 0, BUY, 1, Flag.STOP, trigger_px=102),
        rules=rules,
    )
    outcome = exchange.process(buy(2, 0, 105, 5))
    assert [t.px for t in outcome.trades] == [101, 102]
    if action == BandAction.CANCEL:
        # The stop wakes: from now on the band is around 102 only for the next message.
        assert told(outcome)[-3][:4] == (2, 0, CANCELLED, Reason.PRICE_BAND)
        assert told(outcome)[-1][:4] == (1, 0, CANCELLED, Reason.PRICE_BAND)
        return
    assert exchange.orders()[0] == (BUY, 105, 3, 0, 2, 0, 0)
    assert len(exchange.stops()) == 1
    halt = action == BandAction.HALT
    assert exchange.phase == (Phase.HALT if halt else Phase.VOLATILITY_AUCTION)
    exchange.advance(16 if halt else 9)
    assert exchange.phase == Phase.VOLATILITY_AUCTION
    outcome = exchange.advance(17 if halt else 10)
    assert traded(outcome) == [(0, 2, 105, 1)]  # buyers are left: the highest price
    assert exchange.stops() == []  # judged on the price of the auction


def test_the_static_band_follows_the_last_auction() -> None:
    rules = replace(RULES, static_band_px=10)
    exchange = opened(buy(0, 0, 108, 1), sell(1, 0, 108, 1), rules=rules, **CALL)
    assert reason(exchange.process(buy(2, 0, 111, 1))) == Reason.PRICE_BAND
    exchange.set_phase(Phase.CONTINUOUS)
    assert exchange.process(buy(2, 0, 118, 1)).reports[0].kind == ReportKind.ACCEPTED
    assert reason(exchange.process(amend(2, 0, 119, 1))) == Reason.PRICE_BAND


# ------------------------------------------------------------------ kill switch, limits, fees
def test_a_killed_participant_is_flattened_and_may_only_cancel() -> None:
    members = (Member(1, kill_equity=-50, kill_flatten=True), Member(2), Member(3))
    exchange = opened(
        sell(1, 0, 100, 10),
        buy(0, 0, 100, 10),
        buy(0, 1, 80, 1),
        sell(0, 2, 130, 1, Flag.STOP, trigger_px=70),
        buy(2, 0, 90, 4),
        members=members,
    )
    outcome = exchange.process(sell(1, 1, 93, 1))  # the mid is 91.5: 10 lots lost 85
    assert told(outcome)[1:] == [
        (0, 1, CANCELLED, Reason.KILLED, 1),
        (0, 2, CANCELLED, Reason.KILLED, 1),
        (2, 0, FILL, Reason.OK, 4),
        (0, -1, FILL, Reason.OK, 4),
    ]
    account = exchange.accounts[0]
    assert (account.killed, account.position) == (True, 6)
    assert reason(exchange.process(buy(0, 3, 80, 1))) == Reason.KILLED
    assert reason(exchange.process(cancel(0, 3))) == Reason.TOO_LATE
    # What could not be closed is closed when continuous trading begins again.
    exchange.set_phase(Phase.HALT)
    exchange.set_phase(Phase.OPENING_AUCTION)
    exchange.process(buy(2, 1, 70, 9))
    exchange.set_phase(Phase.CONTINUOUS)
    assert account.position == 0


def test_a_position_limit_counts_position_and_all_open_lots_of_the_side() -> None:
    exchange = opened(
        sell(1, 0, 100, 3),
        buy(0, 0, 100, 3),
        buy(0, 1, 90, 4),
        buy(0, 2, 90, 2, Flag.STOP, trigger_px=120),
        members=(Member(1, position_limit=10), Member(2)),
    )
    assert reason(exchange.process(buy(0, 3, 90, 2, Flag.IOC))) == Reason.RISK_LIMIT
    assert reason(exchange.process(amend(0, 1, 95, 6))) == Reason.RISK_LIMIT
    for message in (amend(0, 1, 95, 5), sell(0, 3, 120, 13)):
        assert exchange.process(message).reports[0].kind != ReportKind.REJECTED


def test_fees_in_millionths_round_up_and_rebates_toward_zero() -> None:
    rules = replace(
        RULES,
        fee_unit=FeeUnit.PER_MILLION,
        maker_fee=-150,
        taker_fee=150,
        fee_tiers=((3, -50, 50),),
    )
    exchange = opened(sell(0, 0, 100, 9), sell(0, 1, 101, 99), rules=rules)
    fees = [r.fee for r in exchange.process(buy(1, 0, 101, 107)).reports if r.kind == FILL]
    # 900 * 150 / 10^6 = 0.135; then both have traded 9 lots: 9898 * 50 / 10^6 = 0.49.
    assert fees == [0, 1, 0, 1]
    assert exchange.fee_account == 2


def test_a_dead_line_refuses_all_until_it_is_back() -> None:
    members = (Member(1, cancel_on_disconnect=True), Member(2))
    exchange = opened(buy(0, 2, 90, 1), buy(0, 1, 91, 2), members=members)
    outcome = exchange.process(Message(0, MessageKind.DISCONNECT, 0))
    assert told(outcome) == [
        (0, 1, CANCELLED, Reason.DISCONNECTED, 2),
        (0, 2, CANCELLED, Reason.DISCONNECTED, 1),
    ]
    for message in (buy(0, 0, 90, 1), cancel(0, 1), Message(0, 99, 0)):
        assert reason(exchange.process(message)) == Reason.DISCONNECTED
    assert exchange.process(Message(0, MessageKind.CONNECT, 0)) == ([], [])
    assert exchange.process(buy(0, 0, 90, 1)).reports[0].kind == ReportKind.ACCEPTED


def test_every_contradiction_is_a_bad_message() -> None:
    good = {
        (kind, flags)
        for kind in (MessageKind.LIMIT, MessageKind.MARKET)
        for flags in range(1 << 15)
        if not flags & 0b1110_0000
        and opened(capacity=0)
        .process(
            Message(0, kind, 0, BUY, 90, 5, flags, 0, 110, 1, 1, 9),
        )
        .reports[-1]
        .reason
        != Reason.BAD_MESSAGE
    }
    post = [0, Flag.POST_ONLY, Flag.POST_ONLY_SLIDE, Flag.POST_ONLY | Flag.POST_ONLY_SLIDE]
    display = [0, Flag.HIDDEN, Flag.ICEBERG]
    until = [0, Flag.GTD, Flag.DAY]
    expected = {
        (MessageKind.LIMIT, act | show | end)
        for act in (*post, Flag.MIN_LOTS, Flag.STOP)
        for show in display
        for end in until
    }
    at_once = (Flag.IOC, Flag.IOC | Flag.MIN_LOTS, Flag.FOK)
    expected |= {(MessageKind.LIMIT, act) for act in (*at_once, Flag.FOK | Flag.BUDGET)}
    expected |= {(MessageKind.MARKET, act) for act in (0, Flag.MIN_LOTS, *at_once)}
    expected |= {(MessageKind.MARKET, Flag.STOP | end) for end in until}
    expected |= {
        (MessageKind.MARKET, Flag.TO_LIMIT | few | show | end)
        for few in (0, Flag.MIN_LOTS)
        for show in display
        for end in until
    }
    assert good == expected


# ------------------------------------------------------------------ what must always hold
MESSAGES = 2_500


def state(exchange: ReferenceExchange) -> tuple[Any, ...]:
    """Return all that a refused message must leave as it is."""
    accounts = [replace(account, rejects=0) for account in exchange.accounts]
    public = (exchange.last_px, exchange.mid_2px, exchange.phase, exchange.fee_account)
    return accounts, public, exchange.orders(), exchange.stops(), exchange.waiting()


def act(exchange: ReferenceExchange, row: tuple[int, ...]) -> Outcome:
    """Let a drawn action act."""
    message = Message(*row)
    if message.kind == PHASE_ACTION:
        return exchange.set_phase(message.px) or Outcome([], [])
    if message.kind == TIME_ACTION:
        return exchange.advance(exchange.now_ns + message.lots)
    return exchange.process(message)


class Listener:
    """What participants know from their private reports alone.

    It keeps the open lots of every order, and cash and positions: with an order's first report all
    of its lots are open, and each further one says where some of them went.
    """

    def __init__(self, participants: int, unit_value: int) -> None:
        self.unit_value = unit_value
        self.open: dict[tuple[int, int], int] = {}
        self.cash = [0] * participants
        self.position = [0] * participants

    def hear(self, report: Report) -> None:
        key = (report.to, report.slot)
        if report.kind == ReportKind.ACCEPTED:
            assert key not in self.open
            self.open[key] = report.lots
        elif report.kind == FILL:
            self.cash[report.to] -= report.side * report.px * report.lots * self.unit_value
            self.cash[report.to] -= report.fee
            self.position[report.to] += report.side * report.lots
            if report.slot >= 0:
                self._take(key, report.lots)
        elif report.kind == CANCELLED:
            self._take(key, self.open[key] if report.lots == self.open[key] else -1)
        elif report.kind == ReportKind.AMENDED:
            assert report.lots > 0
            # Prevention only ever takes lots.
            assert report.reason == Reason.OK or report.lots < self.open[key]
            self.open[key] = report.lots
        elif report.kind == ReportKind.TRIGGERED:
            assert report.lots == self.open[key]

    def _take(self, key: tuple[int, int], lots: int) -> None:
        assert 0 < lots <= self.open[key]
        self.open[key] -= lots
        if not self.open[key]:
            del self.open[key]


@pytest.mark.parametrize("name", STREAMS)
def test_nothing_is_lost_and_nothing_crosses(name: str) -> None:
    stream = STREAMS[name]
    exchange = ReferenceExchange(
        stream.rules, stream.members, stream.orders or 1 << 60, stream.phase
    )
    listener = Listener(len(stream.members), stream.rules.unit_value)
    trades = 0
    for row in draw(stream, MESSAGES, seed=4).tolist():
        before = state(exchange)
        outcome = act(exchange, row)
        trades += len(outcome.trades)
        for report in outcome.reports:
            listener.hear(report)
        orders, stops, waiting = exchange.orders(), exchange.stops(), exchange.waiting()
        accounts = exchange.accounts
        # Reports tell everything: original = traded + open + cancelled + prevented.
        live = {(o[4], o[5]): o[2] + o[3] for o in orders}
        live |= {(s[4], s[5]): s[3] for s in stops} | {(w[2], w[3]): w[1] for w in waiting}
        assert live == listener.open
        assert [a.cash for a in accounts] == listener.cash
        assert [a.position for a in accounts] == listener.position
        assert sum(listener.cash) + exchange.fee_account == sum(listener.position) == 0
        opened_lots: Counter[tuple[int, int]] = Counter()
        for side, owner, lots in [
            *((o[0], o[4], o[2] + o[3]) for o in orders),
            *((s[0], s[4], s[3]) for s in stops),
            *((w[0], w[2], w[1]) for w in waiting),
        ]:
            opened_lots[side, owner] += lots
        for p, account in enumerate(accounts):
            assert account.open_buy_lots == opened_lots[BUY, p]
            assert account.open_sell_lots == opened_lots[SELL, p]
        if exchange.phase == Phase.CONTINUOUS:
            bids = [o[1] for o in orders if o[0] == BUY]
            asks = [o[1] for o in orders if o[0] == SELL]
            assert not bids or not asks or bids[0] < asks[0]
            assert not waiting
        if outcome.reports and outcome.reports[0].kind == ReportKind.REJECTED:
            assert len(outcome.reports) == 1
            assert state(exchange) == before
    assert trades > MESSAGES // 50


@pytest.mark.parametrize("name", ["touch", "shades", "stops_last", "band_cancel"])
def test_who_came_first_trades_first(name: str) -> None:
    """No order trades while one that stood before it, at its price or a better one, does not."""
    stream = replace(STREAMS[name], rules=replace(STREAMS[name].rules, stp=Stp.OFF), stp=0.0)
    exchange = ReferenceExchange(stream.rules, stream.members)
    passed = 0
    for row in draw(stream, MESSAGES, seed=6).tolist():
        before = {side: [o for o in exchange.orders() if o[0] == side] for side in (BUY, SELL)}
        message = Message(*row)
        outcome = act(exchange, row)
        made = Counter[tuple[int, int]]()
        for trade in outcome.trades:
            made[trade.maker, trade.maker_slot] += trade.lots
        for queue in before.values():
            # An order that the message itself moves stands no longer where it stood.
            stood = [o for o in queue if (o[4], o[5]) != (message.participant, message.slot)]
            used = [made[o[4], o[5]] for o in stood]
            for j in range(1, len(stood)):
                if used[j]:
                    assert all(
                        lots >= order[2] for lots, order in zip(used[:j], stood[:j], strict=True)
                    ), message
                    passed += 1
    assert passed > 100


@pytest.mark.parametrize(
    "name", ["shades", "modes", "pro_rata", "pro_rata_modes", "band_cancel", "band_auction"]
)
def test_fok_and_min_lots_know_what_an_ioc_would_trade(name: str) -> None:
    stream = STREAMS[name]
    exchange = ReferenceExchange(stream.rules, stream.members)
    answers: Counter[int] = Counter()
    for row in draw(stream, MESSAGES, seed=8).tolist():
        message = Message(*row)
        wants = message.kind in (MessageKind.LIMIT, MessageKind.MARKET) and message.flags in (
            Flag.FOK,
            Flag.FOK | Flag.BUDGET,
            Flag.MIN_LOTS,
        )
        probe = deepcopy(exchange) if wants and not exchange.phase else None
        outcome = act(exchange, row)
        if probe is None or outcome.reports[0].reason not in (
            Reason.OK,
            Reason.FOK_KILLED,
            Reason.MIN_LOTS,
        ):
            continue
        budget = message.flags & Flag.BUDGET
        # A budget order has no price, and no static band.
        kind = MessageKind.MARKET if budget else message.kind
        ioc = message._replace(kind=kind, flags=Flag.IOC)
        own = (message.participant, message.slot)
        fills = [t for t in probe.process(ioc).trades if (t.taker, t.taker_slot) == own and t.side]
        lots, value = sum(t.lots for t in fills), sum(t.lots * t.px for t in fills)
        needed = message.min_lots if message.flags == Flag.MIN_LOTS else message.lots
        fits = not budget or message.side * value <= message.side * message.px
        assert (outcome.reports[0].reason == Reason.OK) == (lots >= needed and fits), message
        answers[outcome.reports[0].reason] += 1
    assert min(answers[Reason.OK], answers[Reason.FOK_KILLED]) > 5, answers
