"""Limits at the gate."""

from __future__ import annotations

from typing import Any

import pytest

from hftgym.core.constants import BUY, Flag, Limit, Phase, Reason, ReportKind
from hftgym.core.reference import Member, Message, Trip
from tests.core.rules import kit
from tests.core.rules.kit import (
    amend,
    ask,
    bid,
    buy,
    cancel,
    cancel_all,
    iceberg,
    market_buy,
    market_sell,
    refusal,
    rules,
    sell,
    stop,
)


def is_accepted(outcome: Any) -> bool:
    return outcome.reports[0].kind in (ReportKind.ACCEPTED, ReportKind.AMENDED)


def refused(v: Any, *messages: Message) -> bool:
    """Send messages that one limit or the other must stop."""
    return all(v.process(message) == refusal(message, Reason.RISK_LIMIT) for message in messages)


def passed(v: Any, *messages: Message) -> bool:
    """Send messages that must pass."""
    return all(is_accepted(v.process(message)) for message in messages)


# ------------------------------------------------------------------ position limit
LIMITED = [Member(0, position_limit=10), 1, 2, 3]


@pytest.mark.rule("X-RISK-01")
def test_position_and_open_lots_of_a_side_stay_within_the_limit(venue: Any) -> None:
    v = venue(sell(1, 1, 100, 4), members=LIMITED)
    v.process(buy(0, 1, 100, 5))  # 4 traded, 1 rests
    v.process(market_buy(0, 2, 2, **stop(120)))
    for message in (buy(0, 3, 90, 4), market_buy(0, 3, 4), buy(0, 3, 90, 4, Flag.IOC)):
        assert v.process(message) == refusal(message, Reason.RISK_LIMIT)
    v.process(buy(0, 3, 90, 3))
    message = market_buy(0, 4, 1, **stop(130))
    assert v.process(message) == refusal(message, Reason.RISK_LIMIT)


@pytest.mark.rule("X-RISK-01")
def test_a_position_gives_room_on_the_other_side(venue: Any) -> None:
    v = venue(sell(1, 1, 100, 4), members=LIMITED)
    v.process(market_buy(0, 1, 4))
    message = sell(0, 1, 110, 15)
    assert v.process(message) == refusal(message, Reason.RISK_LIMIT)
    v.process(sell(0, 1, 110, 14))
    assert v.orders() == [ask(0, 1, 110, 14)]


@pytest.mark.rule("X-RISK-01")
def test_what_is_cancelled_gives_room_again(venue: Any) -> None:
    v = venue(buy(0, 1, 90, 10), members=LIMITED)
    message = buy(0, 2, 90, 1)
    assert v.process(message) == refusal(message, Reason.RISK_LIMIT)
    v.process(cancel(0, 1))
    v.process(buy(0, 2, 90, 10))
    assert v.orders() == [bid(0, 2, 90, 10)]


@pytest.mark.rule("X-RISK-01", "X-AMD-03")
def test_an_amend_to_more_lots_obeys_the_limit(venue: Any) -> None:
    v = venue(buy(0, 1, 90, 5), buy(0, 2, 120, 4, **stop(115)), members=LIMITED)
    for message in (amend(0, 1, 90, 7), amend(0, 2, 120, 6)):
        assert v.process(message) == refusal(message, Reason.RISK_LIMIT)
    assert v.process(amend(0, 1, 90, 6)).reports[0].reason == Reason.OK
    assert kit.account(v, 0)["open_buy_lots"] == 10


@pytest.mark.rule("X-RISK-01")
def test_a_limit_counts_in_call_phases(venue: Any) -> None:
    v = venue(market_buy(0, 1, 6), members=LIMITED, phase=Phase.PRE_OPEN)
    message = buy(0, 2, 100, 5)
    assert v.process(message) == refusal(message, Reason.RISK_LIMIT)
    v.process(buy(0, 2, 100, 4))
    assert v.waiting() == [(BUY, 6, 0, 1)]


# ------------------------------------------------------------------ open orders
def with_orders(venue: Any, most: int, *book: Message, **more: Any) -> Any:
    return venue(*book, members=[Member(0, open_orders_limit=most), 1, 2, 3], **more)


@pytest.mark.rule("X-RISK-02")
def test_what_rests_and_what_sleeps_are_open_orders(venue: Any) -> None:
    v = with_orders(venue, 3, sell(1, 1, 101, 5), buy(0, 1, 90, 5), sell(0, 2, 110, 5))
    assert passed(v, market_buy(0, 3, 1, **stop(120)))
    assert refused(v, buy(0, 4, 90, 1), buy(0, 4, 101, 1), sell(0, 4, 110, 1, **stop(80)))
    assert refused(v, market_buy(0, 4, 1, Flag.TO_LIMIT), market_buy(0, 4, 1, **stop(120)))
    assert passed(v, amend(0, 1, 91, 9), amend(0, 2, 110, 1))
    v.process(cancel(0, 3))
    assert passed(v, buy(0, 4, 90, 1))
    assert refused(v, buy(0, 5, 90, 1))


@pytest.mark.rule("X-RISK-02")
def test_immediate_orders_are_free_of_it(venue: Any) -> None:
    v = with_orders(venue, 0, sell(1, 1, 101, 9))
    assert refused(v, buy(0, 1, 101, 1), buy(0, 1, 101, 1, Flag.MIN_LOTS, min_lots=1))
    assert passed(v, market_buy(0, 1, 1), buy(0, 1, 101, 1, Flag.IOC), buy(0, 1, 101, 1, Flag.FOK))
    assert passed(v, buy(0, 1, 400, 3, Flag.FOK | Flag.BUDGET))
    assert kit.account(v, 0)["position"] == 6


@pytest.mark.rule("X-RISK-02")
def test_market_orders_that_wait_are_open_orders(venue: Any) -> None:
    v = with_orders(venue, 1, market_buy(0, 1, 2), phase=Phase.PRE_OPEN)
    assert refused(v, market_buy(0, 2, 1), buy(0, 2, 90, 1))
    v.process(sell(1, 1, 100, 2))
    v.set_phase(Phase.CONTINUOUS)  # it trades
    assert passed(v, buy(0, 2, 90, 1))
    v.set_phase(Phase.VOLATILITY_AUCTION)
    assert refused(v, market_buy(0, 3, 1))


@pytest.mark.rule("X-RISK-02")
def test_a_trade_gives_room_when_it_ends_an_order(venue: Any) -> None:
    v = with_orders(venue, 1, sell(0, 1, 101, 6, **iceberg(2)))
    v.process(market_buy(1, 1, 5))  # two slices are gone
    assert v.orders() == [ask(0, 1, 101, 1)]
    assert refused(v, buy(0, 2, 90, 1))
    v.process(market_buy(1, 1, 1))
    assert passed(v, buy(0, 2, 90, 1))
    v.process(cancel_all(0))
    assert passed(v, buy(0, 3, 90, 1))


@pytest.mark.rule("X-RISK-02")
def test_a_stop_that_wakes_may_rest(venue: Any) -> None:
    v = with_orders(venue, 1, sell(1, 1, 101, 1), buy(0, 1, 105, 3, **stop(101)))
    v.process(market_buy(2, 1, 1))
    assert v.orders() == [bid(0, 1, 105, 3)]
    assert refused(v, buy(0, 2, 90, 1))


# ------------------------------------------------------------------ notional
#: The mid is 100.
AROUND = (buy(1, 1, 99, 1), sell(1, 2, 101, 1))


def with_notional(venue: Any, most: int, *book: Message, **more: Any) -> Any:
    return venue(*book, members=[Member(0, notional_limit=most), 1, 2, 3], **more)


@pytest.mark.rule("X-RISK-03")
def test_lots_are_worth_the_mark_or_the_orders_price_if_that_is_more(venue: Any) -> None:
    v = with_notional(venue, 1000, *AROUND)
    assert refused(v, buy(0, 1, 50, 11))
    assert passed(v, buy(0, 1, 50, 10))
    assert refused(v, buy(0, 2, 50, 1))
    assert refused(v, sell(0, 2, 126, 8))
    assert passed(v, sell(0, 2, 125, 8))  # from now on worth the mark: 800
    assert refused(v, sell(0, 3, 201, 1))
    assert passed(v, sell(0, 3, 200, 1))
    assert refused(v, sell(0, 4, 101, 1))
    assert passed(v, sell(0, 4, 100, 1))


@pytest.mark.rule("X-RISK-03")
def test_orders_without_a_limit_price_are_worth_the_mark(venue: Any) -> None:
    v = with_notional(venue, 1000, *AROUND)
    budget = Flag.FOK | Flag.BUDGET
    assert refused(v, market_buy(0, 1, 11), market_buy(0, 1, 11, Flag.TO_LIMIT))
    assert refused(v, buy(0, 1, 5000, 11, budget), market_buy(0, 1, 11, **stop(900)))
    message = buy(0, 1, 5000, 10, budget)
    assert v.process(message) == refusal(message, Reason.FOK_KILLED)
    assert passed(v, market_buy(0, 1, 10, **stop(900)))
    assert passed(v, amend(0, 1, 999, 10, Flag.STOP, trigger_px=800))
    assert refused(v, amend(0, 1, 1, 11), buy(0, 2, 120, 1, **stop(110)))
    v.process(cancel(0, 1))
    assert refused(v, buy(0, 2, 201, 5, **stop(110)))
    assert passed(v, buy(0, 2, 200, 5, **stop(110)))


@pytest.mark.rule("X-RISK-03")
def test_the_unit_has_a_value(venue: Any) -> None:
    v = with_notional(venue, 1049, *AROUND, rules=rules(unit_value=3, max_lots=300))
    assert refused(v, sell(0, 1, 117, 3))
    assert passed(v, sell(0, 1, 116, 3))  # 1044


@pytest.mark.rule("X-RISK-03")
def test_what_closes_a_position_is_worth_nothing(venue: Any) -> None:
    v = with_notional(venue, 1000, buy(1, 1, 100, 10))
    v.process(market_sell(0, 1, 10))
    assert (kit.account(v, 0)["position"], v.mid_2px) == (-10, 200)
    assert refused(v, sell(0, 1, 50, 1))
    assert refused(v, buy(0, 1, 500, 13))
    assert passed(v, buy(0, 1, 500, 12))  # two lots are left of it
    assert refused(v, buy(0, 2, 100, 9))
    assert passed(v, buy(0, 2, 100, 8))  # 1000 at the mark


@pytest.mark.rule("X-RISK-03")
def test_the_mark_is_the_mid_before_the_message(venue: Any) -> None:
    v = with_notional(venue, 1000, *AROUND)
    assert refused(v, buy(0, 1, 91, 11))
    v.process(buy(2, 1, 79, 1))
    v.process(cancel(1, 1))  # 90
    assert passed(v, buy(0, 1, 90, 11))  # 990; the mid is 95.5 then
    assert refused(v, buy(0, 2, 1, 1))
    v.process(buy(2, 2, 100, 1))
    assert v.mid_2px == 201
    assert v.orders()[1] == bid(0, 1, 90, 11)  # it stays, though it is worth more now


@pytest.mark.rule("X-RISK-03", "X-AMD-03")
def test_an_amend_is_judged_when_it_asks_for_more(venue: Any) -> None:
    v = with_notional(venue, 1000, *AROUND, buy(0, 1, 90, 10), sell(0, 2, 110, 9))
    assert refused(v, amend(0, 1, 90, 11), amend(0, 2, 112, 9), amend(0, 2, 110, 10))
    assert passed(v, amend(0, 1, 95, 10), amend(0, 2, 111, 9))
    for message in (sell(1, 3, 301, 1), cancel(1, 2), cancel(0, 2)):
        v.process(message)
    assert v.mid_2px == 400  # its bid is worth twice the limit
    assert refused(v, amend(0, 1, 96, 9), amend(0, 1, 94, 11))
    assert passed(v, amend(0, 1, 94, 10), amend(0, 1, 94, 9), amend(0, 1, 94, 8))


@pytest.mark.rule("X-RISK-03", "X-AMD-01")
def test_an_amend_may_always_end_an_order(venue: Any) -> None:
    v = with_notional(venue, 1000, buy(0, 1, 100, 9))
    v.process(market_sell(1, 1, 6))
    for message in (buy(2, 1, 299, 1), sell(2, 2, 301, 1)):
        v.process(message)
    assert refused(v, amend(0, 1, 101, 7))
    outcome = v.process(amend(0, 1, 101, 6))
    assert outcome.reports == [kit.ended(0, 1, BUY, 100, 3, by=kit.AMEND)]


@pytest.mark.rule("X-RISK-03")
def test_worth_has_no_sign(venue: Any) -> None:
    low = rules(px_min=-1000, px_max=1000, start_px=-100)
    v = with_notional(venue, 1000, rules=low)
    assert refused(v, buy(0, 1, -150, 7), buy(0, 1, -50, 11))
    assert passed(v, buy(0, 1, -150, 6), sell(0, 2, -90, 10))
    assert refused(v, amend(0, 1, -170, 6), buy(0, 3, -150, 3))
    assert passed(v, amend(0, 1, -95, 6), amend(0, 1, -160, 6))


@pytest.mark.rule("X-RISK-03")
def test_at_a_mark_of_zero_only_the_orders_own_lots_are_worth_something(venue: Any) -> None:
    v = with_notional(venue, 10, rules=rules(px_min=-50, start_px=0))
    assert passed(v, buy(0, 1, 0, 1000), buy(0, 2, -1, 10))
    assert refused(v, buy(0, 3, -1, 11))


@pytest.mark.rule("X-RISK-03", "X-CAP-01")
def test_the_worth_of_many_large_orders_does_not_overflow(venue: Any) -> None:
    lots = 1 << 50
    large = rules(px_max=1000, start_px=1000, max_lots=lots)
    v = with_notional(venue, (1 << 62) - 1, rules=large)
    assert passed(v, *(sell(0, slot, 1000, lots) for slot in range(4)))
    assert refused(v, sell(0, 4, 1000, lots))
    assert passed(v, sell(0, 4, 1000, lots // 1000))


# ------------------------------------------------------------------ rate
def with_rate(venue: Any, interval_ns: int, burst: int, *book: Message, **more: Any) -> Any:
    member = Member(0, rate_interval_ns=interval_ns, rate_burst=burst, **more)
    return venue(*book, members=[member, 1, 2, 3])


@pytest.mark.rule("X-RISK-04")
def test_orders_come_at_the_rate_and_a_burst_at_once(venue: Any) -> None:
    v = with_rate(venue, 100, 3)
    assert passed(v, *(buy(0, slot, 90, 1) for slot in range(3)))
    for now_ns, slots in ((0, ()), (99, ()), (100, (3,)), (199, ()), (200, (4,)), (350, (5,))):
        v.advance(now_ns)
        assert passed(v, *(buy(0, slot, 90, 1) for slot in slots))
        assert refused(v, buy(0, 9, 90, 1))
    v.advance(400)  # 50 were saved
    assert passed(v, buy(0, 6, 90, 1))
    assert refused(v, buy(0, 9, 90, 1))
    v.advance(100_000)  # a pause is worth one burst
    assert passed(v, *(buy(0, slot, 90, 1) for slot in range(10, 13)))
    assert refused(v, buy(0, 13, 90, 1))


@pytest.mark.rule("X-RISK-04")
def test_amends_count_and_cancels_do_not(venue: Any) -> None:
    v = with_rate(venue, 100, 3, buy(0, 1, 90, 5), sell(0, 2, 110, 5))
    assert passed(v, amend(0, 1, 90, 4))
    assert refused(v, amend(0, 1, 90, 3), amend(0, 2, 109, 5), market_buy(0, 3, 1))
    assert v.process(cancel(0, 1)).reports[0].reason == Reason.OK
    assert len(v.process(cancel_all(0)).reports) == 1
    v.advance(100)
    assert passed(v, buy(0, 1, 90, 1))


@pytest.mark.rule("X-RISK-04", "X-REJ-01")
def test_what_passes_the_limits_counts_whatever_becomes_of_it(venue: Any) -> None:
    v = with_rate(venue, 100, 2, sell(1, 1, 101, 5), position_limit=10)
    for message, reason in (
        (buy(0, 1, 101, 0), Reason.BAD_QTY),
        (amend(0, 1, 101, 1), Reason.TOO_LATE),
        (buy(0, 1, 101, 11), Reason.RISK_LIMIT),
        (buy(0, 1, 101, 1, Flag.POST_ONLY), Reason.POST_ONLY_CROSS),
        (buy(0, 1, 101, 6, Flag.FOK), Reason.FOK_KILLED),
        (buy(0, 1, 101, 1, Flag.POST_ONLY), Reason.RISK_LIMIT),
    ):
        before = kit.state(v)
        assert v.process(message) == refusal(message, reason)
        assert kit.state(v) == before


@pytest.mark.rule("X-RISK-04")
def test_a_stop_that_wakes_does_not_count(venue: Any) -> None:
    v = with_rate(venue, 100, 2, sell(1, 1, 101, 1), market_buy(0, 1, 1, **stop(101)))
    v.process(market_buy(2, 1, 1))
    assert v.stops() == []
    assert passed(v, buy(0, 1, 90, 1))
    assert refused(v, buy(0, 2, 90, 1))


# ------------------------------------------------------------------ what is told
@pytest.mark.rule("X-RISK-05")
def test_of_several_limits_the_first_one_is_told(venue: Any) -> None:
    member = Member(
        0,
        position_limit=10,
        open_orders_limit=1,
        notional_limit=1000,
        rate_interval_ns=100,
        rate_burst=1,
    )
    v = venue(*AROUND, members=[member, 1, 2, 3])
    assert passed(v, buy(0, 1, 90, 1))
    assert v.trips == []
    for message, limit in (
        (sell(0, 2, 102, 11), Limit.POSITION),
        (sell(0, 2, 102, 10), Limit.OPEN_ORDERS),
        (sell(0, 2, 102, 10, Flag.IOC), Limit.NOTIONAL),
        (sell(0, 2, 102, 9, Flag.IOC), Limit.ORDER_RATE),
        (amend(0, 1, 90, 11), Limit.POSITION),
        (amend(0, 1, 101, 10), Limit.NOTIONAL),
        (amend(0, 1, 90, 1), Limit.ORDER_RATE),
    ):
        assert refused(v, message)
        assert v.trips == [Trip(0, limit, message.slot, message.px, message.lots)]
    assert v.process(cancel(0, 1)).reports[0].reason == Reason.OK
    assert v.trips == []


@pytest.mark.rule("X-RISK-05", "X-KILL-01")
def test_a_kill_is_told_with_equity_and_position(venue: Any) -> None:
    """Bought at 100, marked at 90.5: 9.5 are lost, rounded down."""
    members = [Member(0, kill_equity=-9), Member(1, kill_equity=-9, kill_flatten=True), 2, 3]
    v = venue(sell(2, 1, 100, 2), members=members)
    for message in (market_buy(0, 1, 1), market_buy(1, 1, 1), sell(2, 3, 91, 1)):
        v.process(message)
    assert v.trips == []
    v.process(buy(2, 4, 90, 1))
    assert v.trips == [Trip(p, Limit.LOSS, -1, -10, 1) for p in (0, 1)]
    assert [kit.account(v, p)["position"] for p in (0, 1)] == [1, 0]
