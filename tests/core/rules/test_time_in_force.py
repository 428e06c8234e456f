"""Time in force, and conditions on what must trade at once."""

from __future__ import annotations

from typing import Any

import pytest

from hftgym.core.constants import BUY, SELL, Flag, Matching, Phase, Reason, Stp
from hftgym.core.reference import Message, Outcome, Trade
from tests.core.rules import kit
from tests.core.rules.kit import (
    CANCEL,
    FAMILY,
    LIMIT,
    PX_MAX,
    PX_MIN,
    accepted,
    amend,
    ask,
    bid,
    buy,
    cancel,
    ended,
    fill,
    iceberg,
    market_buy,
    market_sell,
    refusal,
    rules,
    sell,
    stop,
)

ASKS = (sell(0, 1, 100, 10), sell(0, 2, 101, 10))


# ------------------------------------------------------------------ IOC
@pytest.mark.rule("X-TIF-01")
def test_ioc_trades_what_it_can_and_cancels_the_rest(venue: Any) -> None:
    v = venue(*ASKS)
    message = buy(1, 1, 100, 12, Flag.IOC)
    assert v.process(message) == Outcome(
        [Trade(0, 1, 1, 1, BUY, 100, 10)],
        [
            accepted(message),
            fill(0, 1, SELL, 100, 10),
            fill(1, 1, BUY, 100, 10),
            ended(1, 1, BUY, 100, 2, Reason.IOC_REST, LIMIT),
        ],
    )
    assert v.orders() == [ask(0, 2, 101, 10)]


@pytest.mark.rule("X-TIF-01")
def test_ioc_that_meets_nobody_is_all_rest(venue: Any) -> None:
    v = venue(*ASKS)
    message = buy(1, 1, 99, 12, Flag.IOC)
    assert v.process(message).reports == [
        accepted(message),
        ended(1, 1, BUY, 99, 12, Reason.IOC_REST, LIMIT),
    ]
    assert v.process(cancel(1, 1)) == refusal(cancel(1, 1), Reason.TOO_LATE)


# ------------------------------------------------------------------ FOK
@pytest.mark.rule("X-TIF-02")
def test_fok_trades_all_or_is_refused(venue: Any) -> None:
    v = venue(*ASKS)
    for message in (buy(1, 1, 101, 21, Flag.FOK), buy(1, 1, 100, 11, Flag.FOK)):
        assert v.process(message) == refusal(message, Reason.FOK_KILLED)
    beyond = market_buy(1, 1, 21, Flag.FOK)
    assert v.process(beyond) == refusal(beyond, Reason.FOK_KILLED)
    assert kit.prints(v.process(buy(1, 1, 101, 20, Flag.FOK))) == [(100, 10), (101, 10)]
    assert v.orders() == []


@pytest.mark.rule("X-TIF-02")
def test_fok_counts_shown_hidden_and_reserve_lots(venue: Any) -> None:
    book = (sell(0, 1, 100, 9, **iceberg(2)), sell(0, 2, 100, 4, Flag.HIDDEN), sell(0, 3, 100, 1))
    too_much = buy(1, 1, 100, 15, Flag.FOK)
    assert venue(*book).process(too_much) == refusal(too_much, Reason.FOK_KILLED)
    outcome = venue(*book).process(buy(1, 1, 100, 14, Flag.FOK))
    assert sum(trade.lots for trade in outcome.trades) == 14


@pytest.mark.rule("X-TIF-02", "X-BAND-02")
def test_fok_counts_nothing_outside_of_the_band(venue: Any) -> None:
    v = venue(sell(0, 1, 105, 5), sell(0, 2, 106, 5), rules=rules(dynamic_band_px=5))
    message = buy(1, 1, 110, 6, Flag.FOK)
    assert v.process(message) == refusal(message, Reason.FOK_KILLED)
    assert kit.prints(v.process(buy(1, 1, 110, 5, Flag.FOK))) == [(105, 5)]


@pytest.mark.rule("X-TIF-02")
@pytest.mark.parametrize(
    ("mode", "most"),
    [
        (Stp.OFF, 12),
        (Stp.CANCEL_OLDEST, 7),
        (Stp.CANCEL_NEWEST, 3),
        (Stp.CANCEL_BOTH, 3),
        (Stp.DECREMENT, 3),
    ],
)
def test_fok_counts_what_its_self_trade_mode_lets_it_reach(
    venue: Any, mode: Stp, most: int
) -> None:
    """3 of another firm, 5 of its own, 4 of another one behind them."""
    book = (sell(2, 1, 100, 3), sell(0, 1, 100, 5), sell(3, 1, 100, 4))
    message = buy(1, 1, 100, most + 1, Flag.FOK, stp=mode + 1)
    v = venue(*book, members=FAMILY)
    assert v.process(message) == refusal(message, Reason.FOK_KILLED)
    outcome = v.process(message._replace(lots=most))
    assert sum(trade.lots for trade in outcome.trades) == most


@pytest.mark.rule("X-TIF-02", "X-ICE-02")
def test_a_reserve_that_would_show_behind_an_own_order_does_not_count(venue: Any) -> None:
    book = (sell(2, 1, 100, 9, **iceberg(2)), sell(0, 1, 100, 5), sell(3, 1, 101, 9))
    v = venue(*book, members=FAMILY, rules=rules(stp=Stp.CANCEL_NEWEST))
    message = buy(1, 1, 101, 3, Flag.FOK)
    assert v.process(message) == refusal(message, Reason.FOK_KILLED)
    assert kit.prints(v.process(buy(1, 1, 101, 2, Flag.FOK))) == [(100, 2)]


@pytest.mark.rule("X-TIF-02")
@pytest.mark.parametrize(
    ("mode", "most"), [(Stp.CANCEL_OLDEST, 10), (Stp.CANCEL_NEWEST, 1), (Stp.DECREMENT, 1)]
)
def test_under_pro_rata_an_own_order_takes_its_price_out_of_the_count(
    venue: Any, mode: Stp, most: int
) -> None:
    book = [sell(2, 2, 99, 1), sell(2, 1, 100, 3), sell(0, 1, 100, 5), sell(3, 1, 100, 4)]
    book.append(sell(3, 2, 101, 2))
    v = venue(*book, members=FAMILY, rules=rules(matching=Matching.PRO_RATA, stp=mode))
    message = buy(1, 1, 101, most + 1, Flag.FOK)
    assert v.process(message) == refusal(message, Reason.FOK_KILLED)
    outcome = v.process(message._replace(lots=most))
    assert sum(trade.lots for trade in outcome.trades) == most


# ------------------------------------------------------------------ budget
@pytest.mark.rule("X-TIF-03")
def test_a_buyers_budget_is_the_most_that_all_may_cost(venue: Any) -> None:
    v = venue(*ASKS)
    message = buy(1, 1, 1504, 15, Flag.FOK | Flag.BUDGET)  # 10 at 100 and 5 at 101 cost 1505
    assert v.process(message) == refusal(message, Reason.FOK_KILLED)
    message = message._replace(px=1505)
    assert v.process(message) == Outcome(
        [Trade(0, 1, 1, 1, BUY, 100, 10), Trade(0, 2, 1, 1, BUY, 101, 5)],
        [
            accepted(message, PX_MAX),
            fill(0, 1, SELL, 100, 10),
            fill(1, 1, BUY, 100, 10),
            fill(0, 2, SELL, 101, 5),
            fill(1, 1, BUY, 101, 5),
        ],
    )


@pytest.mark.rule("X-TIF-03")
def test_a_sellers_budget_is_the_least_that_all_must_bring(venue: Any) -> None:
    v = venue(buy(0, 1, 100, 10), buy(0, 2, 98, 10))
    message = sell(1, 1, 1491, 15, Flag.FOK | Flag.BUDGET)  # 1000 and 490
    assert v.process(message) == refusal(message, Reason.FOK_KILLED)
    outcome = v.process(message._replace(px=1490))
    assert kit.heard(outcome, 1)[0] == accepted(message, PX_MIN)
    assert kit.prints(outcome) == [(100, 10), (98, 5)]


@pytest.mark.rule("X-TIF-03")
def test_a_budget_is_all_or_nothing(venue: Any) -> None:
    v = venue(*ASKS)
    message = buy(1, 1, 10**6, 21, Flag.FOK | Flag.BUDGET)
    assert v.process(message) == refusal(message, Reason.FOK_KILLED)


@pytest.mark.rule("X-TIF-03")
def test_lots_of_its_own_firm_cost_nothing_when_they_are_cancelled(venue: Any) -> None:
    book = (sell(0, 1, 100, 10), sell(2, 1, 101, 10))
    message = buy(1, 1, 1009, 10, Flag.FOK | Flag.BUDGET, stp=Stp.CANCEL_OLDEST + 1)
    v = venue(*book, members=FAMILY)
    assert v.process(message) == refusal(message, Reason.FOK_KILLED)
    assert kit.prints(v.process(message._replace(px=1010))) == [(101, 10)]


# ------------------------------------------------------------------ minimum
@pytest.mark.rule("X-TIF-04")
def test_as_many_as_the_minimum_trade_at_once_or_none(venue: Any) -> None:
    v = venue(*ASKS)
    message = buy(1, 1, 100, 15, Flag.MIN_LOTS, min_lots=11)
    assert v.process(message) == refusal(message, Reason.MIN_LOTS)
    assert kit.prints(v.process(message._replace(min_lots=10))) == [(100, 10)]
    assert v.orders() == [bid(1, 1, 100, 5), ask(0, 2, 101, 10)]


@pytest.mark.rule("X-TIF-04")
@pytest.mark.parametrize(
    ("message", "px"),
    [
        (buy(1, 1, 100, 15, Flag.MIN_LOTS | Flag.IOC, min_lots=10), 100),
        (market_buy(1, 1, 25, Flag.MIN_LOTS, min_lots=20), PX_MAX),
    ],
)
def test_an_immediate_order_with_a_minimum_has_no_rest(
    venue: Any, message: Message, px: int
) -> None:
    outcome = venue(*ASKS).process(message)
    assert kit.heard(outcome, 1)[-1] == ended(1, 1, BUY, px, 5, Reason.IOC_REST, message.kind)
    above = message._replace(min_lots=message.min_lots + 1)
    assert venue(*ASKS).process(above) == refusal(above, Reason.MIN_LOTS)


@pytest.mark.rule("X-TIF-04")
def test_the_minimum_counts_as_a_fok_does(venue: Any) -> None:
    book = (sell(2, 1, 100, 3, Flag.HIDDEN), sell(0, 1, 101, 5), sell(3, 1, 101, 4, **iceberg(1)))
    for mode, most in [(Stp.OFF, 12), (Stp.CANCEL_OLDEST, 7), (Stp.CANCEL_NEWEST, 3)]:
        v = venue(*book, members=FAMILY, rules=rules(stp=mode))
        message = buy(1, 1, 101, 20, Flag.MIN_LOTS, min_lots=most + 1)
        assert v.process(message) == refusal(message, Reason.MIN_LOTS)
        outcome = v.process(message._replace(min_lots=most))
        assert sum(trade.lots for trade in outcome.trades) == most


@pytest.mark.rule("X-TIF-04")
def test_a_minimum_is_from_1_to_the_lots_of_the_order(venue: Any) -> None:
    v = venue(*ASKS)
    for minimum in (0, -1, 6):
        message = buy(1, 1, 100, 5, Flag.MIN_LOTS, min_lots=minimum)
        assert v.process(message) == refusal(message, Reason.BAD_QTY)
    assert kit.prints(v.process(buy(1, 1, 100, 5, Flag.MIN_LOTS, min_lots=5))) == [(100, 5)]
    not_asked_for = buy(1, 2, 90, 5, min_lots=6)
    assert v.process(not_asked_for).reports == [accepted(not_asked_for)]


# ------------------------------------------------------------------ post-only
@pytest.mark.rule("X-TIF-05")
def test_a_post_only_order_that_would_trade_is_refused(venue: Any) -> None:
    v = venue(*ASKS, buy(0, 3, 98, 1))
    for message in (
        buy(1, 1, 100, 1, Flag.POST_ONLY),
        buy(1, 1, 105, 50, Flag.POST_ONLY),
        sell(1, 1, 98, 1, Flag.POST_ONLY),
    ):
        assert v.process(message) == refusal(message, Reason.POST_ONLY_CROSS)
    message = buy(1, 1, 99, 50, Flag.POST_ONLY)
    assert v.process(message) == Outcome([], [accepted(message)])
    assert v.orders()[0] == bid(1, 1, 99, 50)


@pytest.mark.rule("X-TIF-05")
@pytest.mark.parametrize("flags", [Flag.POST_ONLY_SLIDE, Flag.POST_ONLY_SLIDE | Flag.POST_ONLY])
def test_a_sliding_order_rests_one_tick_behind_the_best_opposite_price(
    venue: Any, flags: int
) -> None:
    v = venue(sell(0, 1, 110, 10), buy(0, 2, 90, 1), rules=rules(tick_px=5))
    message = buy(1, 1, 120, 4, flags)
    assert v.process(message) == Outcome([], [accepted(message, 105)])
    message = sell(2, 1, 90, 4, flags)
    assert v.process(message) == Outcome([], [accepted(message, 110)])
    assert v.orders() == [
        bid(1, 1, 105, 4),
        bid(0, 2, 90, 1),
        ask(0, 1, 110, 10),
        ask(2, 1, 110, 4),
    ]


@pytest.mark.rule("X-TIF-05")
def test_a_sliding_order_that_does_not_cross_stays_where_it_was_sent(venue: Any) -> None:
    v = venue(*ASKS)
    message = buy(1, 1, 97, 4, Flag.POST_ONLY_SLIDE)
    assert v.process(message) == Outcome([], [accepted(message)])
    assert v.orders()[0] == bid(1, 1, 97, 4)


@pytest.mark.rule("X-TIF-05")
def test_no_order_slides_out_of_the_range_of_prices(venue: Any) -> None:
    v = venue(sell(0, 1, PX_MIN, 1))
    message = buy(1, 1, 5, 4, Flag.POST_ONLY_SLIDE)
    assert v.process(message) == refusal(message, Reason.POST_ONLY_CROSS)
    v = venue(buy(0, 1, PX_MAX, 1))
    message = sell(1, 1, 5, 4, Flag.POST_ONLY_SLIDE)
    assert v.process(message) == refusal(message, Reason.POST_ONLY_CROSS)


@pytest.mark.rule("X-TIF-05", "X-HID-01")
def test_hidden_orders_stop_a_post_only_order(venue: Any) -> None:
    v = venue(sell(0, 1, 100, 1, Flag.HIDDEN), sell(0, 2, 105, 1))
    message = buy(1, 1, 100, 4, Flag.POST_ONLY)
    assert v.process(message) == refusal(message, Reason.POST_ONLY_CROSS)
    slide = buy(1, 1, 104, 4, Flag.POST_ONLY_SLIDE)
    assert v.process(slide).reports == [accepted(slide, 99)]


# ------------------------------------------------------------------ market-to-limit
@pytest.mark.rule("X-TIF-06")
def test_a_market_order_to_limit_rests_at_the_best_opposite_price(venue: Any) -> None:
    v = venue(*ASKS)
    message = market_buy(1, 1, 15, Flag.TO_LIMIT)
    assert v.process(message) == Outcome(
        [Trade(0, 1, 1, 1, BUY, 100, 10)],
        [accepted(message, 100), fill(0, 1, SELL, 100, 10), fill(1, 1, BUY, 100, 10)],
    )
    assert v.orders() == [bid(1, 1, 100, 5), ask(0, 2, 101, 10)]


@pytest.mark.rule("X-TIF-06", "X-HID-01")
def test_its_limit_may_be_the_price_of_a_hidden_order(venue: Any) -> None:
    v = venue(buy(0, 1, 99, 3, Flag.HIDDEN), buy(0, 2, 98, 3))
    message = market_sell(1, 1, 5, Flag.TO_LIMIT)
    assert kit.prints(v.process(message)) == [(99, 3)]
    assert v.orders() == [bid(0, 2, 98, 3), ask(1, 1, 99, 2)]


@pytest.mark.rule("X-TIF-06")
def test_without_an_opposite_price_it_is_refused(venue: Any) -> None:
    v = venue(buy(0, 1, 99, 3))
    message = market_buy(1, 1, 5, Flag.TO_LIMIT)
    assert v.process(message) == refusal(message, Reason.NO_PRICE)


@pytest.mark.rule("X-TIF-06", "X-ICE-01")
def test_its_rest_may_be_an_iceberg(venue: Any) -> None:
    v = venue(*ASKS)
    v.process(market_buy(1, 1, 15, Flag.TO_LIMIT | Flag.ICEBERG, display_lots=2))
    assert v.orders()[0] == bid(1, 1, 100, 2, reserve=3)


# ------------------------------------------------------------------ good till a date
def until(expire_ns: int, flags: int = 0) -> dict[str, int]:
    return {"flags": Flag.GTD | flags, "expire_ns": expire_ns}


def expired(owner: int, slot: int, side: int, px: int, lots: int) -> Any:
    return ended(owner, slot, side, px, lots, Reason.EXPIRED)


@pytest.mark.rule("X-TIF-07")
def test_orders_leave_at_their_time_in_the_order_of_expiry_then_of_rest(venue: Any) -> None:
    v = venue(
        buy(0, 1, 97, 1, **until(30)),
        sell(1, 1, 103, 2, **until(20)),
        buy(2, 1, 99, 3, **until(20)),
        sell(3, 1, 104, 4, **until(20)),
        buy(3, 2, 96, 5),
    )
    assert v.advance(19) == Outcome([], [])
    assert v.advance(20).reports == [
        expired(1, 1, SELL, 103, 2),
        expired(2, 1, BUY, 99, 3),
        expired(3, 1, SELL, 104, 4),
    ]
    assert v.now_ns == 20
    assert v.orders() == [bid(0, 1, 97, 1), bid(3, 2, 96, 5)]
    assert v.advance(1000).reports == [expired(0, 1, BUY, 97, 1)]
    assert kit.account(v, 0)["open_buy_lots"] == 0


@pytest.mark.rule("X-TIF-07")
def test_an_expired_order_trades_no_more_at_its_instant(venue: Any) -> None:
    v = venue(sell(0, 1, 100, 5, **until(20)), sell(1, 1, 100, 5))
    v.advance(20)
    assert kit.shares(v.process(market_buy(2, 1, 5))) == [(1, 5)]


@pytest.mark.rule("X-TIF-07")
def test_an_iceberg_leaves_with_its_reserve_and_what_traded_stays_traded(venue: Any) -> None:
    v = venue(sell(0, 1, 100, 9, Flag.GTD | Flag.ICEBERG, expire_ns=20, display_lots=2))
    v.process(market_buy(2, 1, 1))
    assert v.advance(20).reports == [expired(0, 1, SELL, 100, 8)]
    assert kit.account(v, 0)["position"] == -1


@pytest.mark.rule("X-TIF-07")
def test_a_time_that_is_not_later_than_now_is_refused(venue: Any) -> None:
    v = venue()
    v.advance(50)
    for expire_ns in (-1, 0, 49, 50):
        message = buy(0, 1, 99, 1, **until(expire_ns))
        assert v.process(message) == refusal(message, Reason.BAD_EXPIRY)
    v.process(buy(0, 1, 99, 1, **until(51)))
    assert v.advance(51).reports == [expired(0, 1, BUY, 99, 1)]


@pytest.mark.rule("X-TIF-07")
@pytest.mark.parametrize("phase", [Phase.PRE_OPEN, Phase.CLOSING_AUCTION])
def test_orders_expire_in_call_phases(venue: Any, phase: Phase) -> None:
    v = venue(buy(0, 1, 99, 1, **until(20)), phase=phase)
    assert v.advance(20).reports == [expired(0, 1, BUY, 99, 1)]


@pytest.mark.rule("X-TIF-07")
@pytest.mark.parametrize("phase", [Phase.HALT, Phase.CLOSED])
def test_orders_expire_while_the_market_is_shut(venue: Any, phase: Phase) -> None:
    v = venue(buy(0, 1, 99, 1, **until(20)))
    v.set_phase(phase)
    assert v.advance(20).reports == [expired(0, 1, BUY, 99, 1)]


@pytest.mark.rule("X-TIF-07")
def test_sleeping_stops_expire_too(venue: Any) -> None:
    v = venue(
        buy(0, 1, 105, 1, Flag.STOP | Flag.GTD, trigger_px=104, expire_ns=20),
        market_sell(0, 2, 2, Flag.STOP | Flag.GTD, trigger_px=90, expire_ns=10),
    )
    assert v.advance(30).reports == [expired(0, 2, SELL, PX_MIN, 2), expired(0, 1, BUY, 105, 1)]
    assert v.stops() == []


@pytest.mark.rule("X-TIF-07")
def test_a_time_outlives_amends(venue: Any) -> None:
    """Who loses its place comes to rest anew: it expires behind the others."""
    v = venue(*[buy(0, slot, 99, 5, **until(20)) for slot in (1, 2, 3)])
    v.process(amend(0, 1, 97, 9, expire_ns=50))
    v.process(amend(0, 2, 99, 4))
    assert v.advance(20).reports == [
        expired(0, 2, BUY, 99, 4),
        expired(0, 3, BUY, 99, 5),
        expired(0, 1, BUY, 97, 9),
    ]


@pytest.mark.rule("X-TIF-07", "X-STOP-06")
def test_a_woken_stop_comes_to_rest_behind_those_that_did_before(venue: Any) -> None:
    v = venue(
        buy(0, 1, 95, 1, Flag.STOP | Flag.GTD, trigger_px=101, expire_ns=20),
        buy(0, 2, 95, 2, **until(20)),
        sell(1, 1, 101, 1),
    )
    v.process(market_buy(2, 1, 1))
    assert v.orders() == [bid(0, 2, 95, 2), bid(0, 1, 95, 1)]
    assert v.advance(20).reports == [expired(0, 2, BUY, 95, 2), expired(0, 1, BUY, 95, 1)]


@pytest.mark.rule("X-TIF-07")
def test_an_order_that_is_gone_takes_its_time_with_it(venue: Any) -> None:
    v = venue(buy(0, 1, 99, 5, **until(20)))
    assert v.process(cancel(0, 1)).reports == [ended(0, 1, BUY, 99, 5, by=CANCEL)]
    v.process(buy(0, 1, 98, 5))
    assert v.advance(20) == Outcome([], [])
    assert v.orders() == [bid(0, 1, 98, 5)]


# ------------------------------------------------------------------ day
@pytest.mark.rule("X-TIF-08")
def test_day_orders_leave_when_the_market_closes(venue: Any) -> None:
    v = venue(
        sell(0, 1, 103, 1, Flag.DAY),
        sell(1, 1, 102, 2, Flag.DAY),
        sell(2, 1, 110, 3, **stop(80, Flag.DAY)),
        buy(0, 2, 97, 4, Flag.DAY),
        buy(1, 2, 98, 5, Flag.DAY),
        buy(2, 2, 97, 6, Flag.DAY),
        buy(3, 1, 120, 7, **stop(115, Flag.DAY)),
        market_buy(3, 2, 8, **stop(110, Flag.DAY)),
        buy(3, 3, 98, 9),
        sell(3, 4, 103, 9, **until(10**9)),
        buy(3, 5, 120, 9, **stop(119)),
    )
    assert v.set_phase(Phase.HALT).reports == []
    outcome = v.set_phase(Phase.CLOSED)
    assert outcome.trades == []
    assert outcome.reports == [
        expired(1, 2, BUY, 98, 5),
        expired(0, 2, BUY, 97, 4),
        expired(2, 2, BUY, 97, 6),
        expired(1, 1, SELL, 102, 2),
        expired(0, 1, SELL, 103, 1),
        expired(3, 2, BUY, PX_MAX, 8),
        expired(3, 1, BUY, 120, 7),
        expired(2, 1, SELL, 110, 3),
    ]
    assert v.orders() == [bid(3, 3, 98, 9), ask(3, 4, 103, 9)]
    assert v.stops() == [(BUY, 119, 120, 9, 3, 5)]


@pytest.mark.rule("X-TIF-08")
def test_a_day_order_may_trade_in_the_closing_uncross_first(venue: Any) -> None:
    v = venue(
        buy(0, 1, 100, 5, Flag.DAY), sell(1, 1, 100, 3, Flag.DAY), phase=Phase.CLOSING_AUCTION
    )
    outcome = v.set_phase(Phase.CLOSED)
    assert outcome.trades == [Trade(1, 1, 0, 1, 0, 100, 3)]
    assert outcome.reports == [
        fill(1, 1, SELL, 100, 3),
        fill(0, 1, BUY, 100, 3),
        expired(0, 1, BUY, 100, 2),
    ]


@pytest.mark.rule("X-TIF-08")
def test_amends_leave_a_day_order_a_day_order(venue: Any) -> None:
    v = venue(buy(0, 1, 99, 5, Flag.DAY))
    v.process(amend(0, 1, 98, 7))
    assert v.set_phase(Phase.CLOSED).reports == [expired(0, 1, BUY, 98, 7)]
