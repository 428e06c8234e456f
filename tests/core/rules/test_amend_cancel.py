"""Amend and cancel."""

from __future__ import annotations

from typing import Any

import pytest

from hftgym.core.constants import BUY, SELL, Flag, MessageKind, Phase, Reason
from hftgym.core.reference import Member, Outcome, Trade
from tests.core.rules import kit
from tests.core.rules.kit import (
    CALLS,
    CANCEL,
    MARKET,
    PX_MAX,
    PX_MIN,
    amend,
    amended,
    ask,
    bid,
    buy,
    cancel,
    cancel_all,
    connect,
    disconnect,
    ended,
    fill,
    iceberg,
    market_buy,
    market_sell,
    refusal,
    rules,
    sell,
    stop,
    triggered,
)

ALL = MessageKind.CANCEL_ALL
GONE = MessageKind.DISCONNECT


# ------------------------------------------------------------------ what an amend states
@pytest.mark.rule("X-AMD-01")
def test_an_amend_states_total_lots_with_those_that_traded(venue: Any) -> None:
    v = venue(buy(0, 1, 100, 10))
    for slot, lots in ((1, 3), (2, 1)):
        v.process(market_sell(1, slot, lots))
    assert v.process(amend(0, 1, 100, 7)) == Outcome([], [amended(0, 1, BUY, 100, 3)])
    assert v.orders() == [bid(0, 1, 100, 3)]
    assert kit.account(v, 0)["open_buy_lots"] == 3
    assert v.process(amend(0, 1, 100, 12)) == Outcome([], [amended(0, 1, BUY, 100, 8)])
    assert v.orders() == [bid(0, 1, 100, 8)]


@pytest.mark.rule("X-AMD-01")
@pytest.mark.parametrize("total", [1, 4])
def test_an_amend_that_leaves_nothing_ends_the_order(venue: Any, total: int) -> None:
    v = venue(buy(0, 1, 100, 10))
    v.process(market_sell(1, 1, 4))
    ending = ended(0, 1, BUY, 100, 6, Reason.OK, kit.AMEND)
    assert v.process(amend(0, 1, 99, total)) == Outcome([], [ending])
    assert v.orders() == []
    assert kit.account(v, 0)["open_buy_lots"] == 0


@pytest.mark.rule("X-AMD-01")
def test_the_total_of_a_rest_counts_what_traded_on_entry(venue: Any) -> None:
    v = venue(sell(1, 1, 100, 4), buy(0, 1, 100, 10))
    assert v.process(amend(0, 1, 100, 5)).reports == [amended(0, 1, BUY, 100, 1)]


# ------------------------------------------------------------------ its place
@pytest.mark.rule("X-AMD-02")
@pytest.mark.parametrize("lots", [1, 4, 5])
def test_less_or_as_much_at_the_same_price_keeps_the_place(venue: Any, lots: int) -> None:
    v = venue(buy(0, 1, 100, 5), buy(1, 1, 100, 5))
    v.process(amend(0, 1, 100, lots))
    assert v.orders() == [bid(0, 1, 100, lots), bid(1, 1, 100, 5)]


@pytest.mark.rule("X-AMD-02")
def test_more_lots_or_another_price_lose_the_place(venue: Any) -> None:
    v = venue(buy(0, 1, 100, 5), buy(1, 1, 100, 5), buy(2, 1, 99, 5))
    v.process(amend(0, 1, 100, 6))
    assert v.orders()[:2] == [bid(1, 1, 100, 5), bid(0, 1, 100, 6)]
    v.process(amend(1, 1, 99, 1))
    assert v.orders() == [bid(0, 1, 100, 6), bid(2, 1, 99, 5), bid(1, 1, 99, 1)]
    v.process(amend(2, 1, 100, 5))
    assert v.orders() == [bid(0, 1, 100, 6), bid(2, 1, 100, 5), bid(1, 1, 99, 1)]


@pytest.mark.rule("X-AMD-02")
def test_an_order_that_loses_its_place_trades_as_an_aggressor(venue: Any) -> None:
    v = venue(buy(0, 1, 99, 10), sell(1, 1, 101, 4), sell(2, 1, 102, 4))
    assert v.process(amend(0, 1, 101, 6)) == Outcome(
        [Trade(1, 1, 0, 1, BUY, 101, 4)],
        [amended(0, 1, BUY, 101, 6), fill(1, 1, SELL, 101, 4), fill(0, 1, BUY, 101, 4)],
    )
    assert v.orders() == [bid(0, 1, 101, 2), ask(2, 1, 102, 4)]
    outcome = v.process(amend(0, 1, 102, 5))  # 4 have traded: 1 is left
    assert outcome.trades == [Trade(2, 1, 0, 1, BUY, 102, 1)]
    assert v.orders() == [ask(2, 1, 102, 3)]


@pytest.mark.rule("X-AMD-02", "X-ICE-01")
def test_an_iceberg_gives_from_its_reserve_first(venue: Any) -> None:
    v = venue(sell(0, 1, 100, 10, **iceberg(3)), sell(1, 1, 100, 1))
    for total, row in [(5, ask(0, 1, 100, 3, 2)), (3, ask(0, 1, 100, 3)), (2, ask(0, 1, 100, 2))]:
        assert v.process(amend(0, 1, 100, total)).reports == [amended(0, 1, SELL, 100, total)]
        assert v.orders() == [row, ask(1, 1, 100, 1)]


@pytest.mark.rule("X-AMD-02", "X-ICE-01")
def test_an_iceberg_that_loses_its_place_shows_a_whole_slice_again(venue: Any) -> None:
    v = venue(sell(0, 1, 100, 10, **iceberg(3)), sell(1, 1, 100, 1))
    v.process(market_buy(2, 1, 2))
    assert v.orders()[0] == ask(0, 1, 100, 1, reserve=7)
    v.process(amend(0, 1, 100, 12))
    assert v.orders() == [ask(1, 1, 100, 1), ask(0, 1, 100, 3, reserve=7)]


@pytest.mark.rule("X-AMD-02", "X-HID-01")
def test_an_amended_order_stays_hidden(venue: Any) -> None:
    v = venue(sell(0, 1, 100, 10, Flag.HIDDEN), sell(1, 1, 101, 1))
    v.process(amend(0, 1, 101, 10))
    v.process(sell(2, 1, 101, 2))
    assert v.orders() == [
        ask(1, 1, 101, 1),
        ask(2, 1, 101, 2),
        ask(0, 1, 101, 10, hidden=1),
    ]


# ------------------------------------------------------------------ refused amends
@pytest.mark.rule("X-AMD-03")
def test_of_several_faults_of_an_amend_the_first_one_counts(venue: Any) -> None:
    v = venue(
        buy(0, 1, 100, 5, Flag.POST_ONLY),
        sell(1, 1, 106, 5),
        rules=rules(tick_px=2, static_band_px=10, max_lots=50),
        members=[Member(0, position_limit=10), 1],
    )
    before = kit.state(v)
    for message, reason in [
        (amend(0, 2, 0, 0), Reason.TOO_LATE),
        (amend(0, 1, 0, 51), Reason.BAD_QTY),
        (amend(0, 1, 0, 0), Reason.BAD_QTY),
        (amend(0, 1, PX_MAX + 1, 11), Reason.BAD_PRICE),
        (amend(0, 1, 121, 11), Reason.NOT_ON_TICK),
        (amend(0, 1, 120, 11), Reason.PRICE_BAND),
        (amend(0, 1, 106, 11), Reason.RISK_LIMIT),
        (amend(0, 1, 106, 10), Reason.POST_ONLY_CROSS),
    ]:
        assert v.process(message) == refusal(message, reason)
    assert kit.state(v) == before
    v.process(disconnect(0))
    message = amend(0, 2, 0, 0)
    assert v.process(message) == refusal(message, Reason.DISCONNECTED)


@pytest.mark.rule("X-AMD-03")
@pytest.mark.parametrize("phase", [Phase.HALT, Phase.CLOSED])
def test_while_the_market_is_shut_an_order_may_only_shrink_in_place(
    venue: Any, phase: Phase
) -> None:
    v = venue(buy(0, 1, 100, 5), rules=rules(static_band_px=10), members=[Member(0), 1])
    v.set_phase(phase)
    for px, lots, reason in [
        (100, 6, Reason.MARKET_CLOSED),
        (99, 5, Reason.MARKET_CLOSED),
        (111, 5, Reason.PRICE_BAND),
    ]:
        assert v.process(amend(0, 1, px, lots)) == refusal(amend(0, 1, px, lots), reason)
    assert v.process(amend(0, 1, 100, 4)).reports == [amended(0, 1, BUY, 100, 4)]


@pytest.mark.rule("X-AMD-03", "X-AUC-01")
def test_a_market_order_that_waits_can_not_be_amended(venue: Any) -> None:
    v = venue(market_buy(0, 1, 5), phase=Phase.PRE_OPEN)
    message = amend(0, 1, 100, 0)
    assert v.process(message) == refusal(message, Reason.BAD_MESSAGE)
    assert v.waiting() == [(BUY, 5, 0, 1)]


@pytest.mark.rule("X-AMD-03")
def test_a_limit_counts_for_more_lots_only(venue: Any) -> None:
    limited = [Member(0, position_limit=8), 1]
    v = venue(buy(0, 1, 100, 5), buy(0, 2, 99, 3), members=limited)
    message = amend(0, 1, 100, 6)
    assert v.process(message) == refusal(message, Reason.RISK_LIMIT)
    assert v.process(amend(0, 1, 98, 5)).reports == [amended(0, 1, BUY, 98, 5)]
    assert v.process(amend(0, 2, 99, 2)).reports == [amended(0, 2, BUY, 99, 2)]
    assert v.process(amend(0, 1, 98, 6)).reports == [amended(0, 1, BUY, 98, 6)]


# ------------------------------------------------------------------ post-only and minimum
@pytest.mark.rule("X-AMD-04")
def test_a_refused_post_only_order_keeps_its_place(venue: Any) -> None:
    v = venue(buy(0, 1, 99, 5, Flag.POST_ONLY), buy(1, 1, 99, 5), sell(2, 1, 101, 5))
    message = amend(0, 1, 101, 5)
    assert v.process(message) == refusal(message, Reason.POST_ONLY_CROSS)
    assert v.orders()[:2] == [bid(0, 1, 99, 5), bid(1, 1, 99, 5)]
    assert v.process(amend(0, 1, 100, 5)).reports == [amended(0, 1, BUY, 100, 5)]


@pytest.mark.rule("X-AMD-04")
def test_a_sliding_order_slides_when_it_is_amended(venue: Any) -> None:
    v = venue(buy(0, 1, 98, 5, Flag.POST_ONLY_SLIDE), sell(2, 1, 101, 5))
    assert v.process(amend(0, 1, 105, 5)) == Outcome([], [amended(0, 1, BUY, 100, 5)])
    assert v.orders() == [bid(0, 1, 100, 5), ask(2, 1, 101, 5)]


@pytest.mark.rule("X-AMD-04")
def test_an_amended_aggressor_has_no_minimum(venue: Any) -> None:
    v = venue(sell(1, 1, 100, 4), sell(1, 2, 101, 1))
    v.process(buy(0, 1, 100, 9, Flag.MIN_LOTS, min_lots=4))
    assert kit.prints(v.process(amend(0, 1, 101, 9))) == [(101, 1)]
    assert v.orders() == [bid(0, 1, 101, 4)]


# ------------------------------------------------------------------ stops
@pytest.mark.rule("X-AMD-05")
def test_a_sleeping_stop_keeps_its_place_with_fewer_lots(venue: Any) -> None:
    v = venue(buy(0, 1, 105, 5, **stop(104)), buy(1, 1, 105, 5, **stop(104)))
    assert v.process(amend(0, 1, 105, 3)) == Outcome([], [amended(0, 1, BUY, 105, 3)])
    assert v.process(amend(0, 1, 105, 2, **stop(104))).reports == [amended(0, 1, BUY, 105, 2)]
    assert v.stops() == [(BUY, 104, 105, 2, 0, 1), (BUY, 104, 105, 5, 1, 1)]
    assert kit.account(v, 0)["open_buy_lots"] == 2


@pytest.mark.rule("X-AMD-05")
@pytest.mark.parametrize(
    ("px", "lots", "trigger_px", "expected"),
    [
        (105, 6, 104, [(BUY, 104, 105, 5, 1, 1), (BUY, 104, 105, 6, 0, 1)]),
        (106, 5, 104, [(BUY, 104, 105, 5, 1, 1), (BUY, 104, 106, 5, 0, 1)]),
        (105, 5, 103, [(BUY, 103, 105, 5, 0, 1), (BUY, 104, 105, 5, 1, 1)]),
    ],
)
def test_all_else_puts_a_stop_behind_those_of_its_trigger(
    venue: Any, px: int, lots: int, trigger_px: int, expected: list[Any]
) -> None:
    v = venue(buy(0, 1, 105, 5, **stop(104)), buy(1, 1, 105, 5, **stop(104)))
    v.process(amend(0, 1, px, lots, **stop(trigger_px)))
    assert v.stops() == expected


@pytest.mark.rule("X-AMD-05")
def test_without_the_instruction_the_trigger_stays(venue: Any) -> None:
    v = venue(buy(0, 1, 105, 5, **stop(104)))
    v.process(amend(0, 1, 106, 5, trigger_px=101))
    assert v.stops() == [(BUY, 104, 106, 5, 0, 1)]


@pytest.mark.rule("X-AMD-05")
def test_an_amended_trigger_obeys_its_rules(venue: Any) -> None:
    v = venue(buy(0, 1, 106, 5, **stop(104)), rules=rules(tick_px=2))
    for trigger_px in (0, 103, PX_MAX + 2):
        message = amend(0, 1, 106, 5, **stop(trigger_px))
        assert v.process(message) == refusal(message, Reason.BAD_TRIGGER)
    assert v.stops() == [(BUY, 104, 106, 5, 0, 1)]


@pytest.mark.rule("X-AMD-05")
def test_an_amended_stop_is_judged_after_the_message(venue: Any) -> None:
    v = venue(sell(1, 1, 101, 1), sell(1, 2, 102, 9), buy(0, 1, 105, 5, **stop(104)))
    v.process(market_buy(2, 1, 1))
    assert v.process(amend(0, 1, 105, 4, **stop(101))) == Outcome(
        [Trade(1, 2, 0, 1, BUY, 102, 4)],
        [
            amended(0, 1, BUY, 105, 4),
            triggered(0, 1, BUY, 105, 4),
            fill(1, 2, SELL, 102, 4),
            fill(0, 1, BUY, 102, 4),
        ],
    )


# ------------------------------------------------------------------ cancel
@pytest.mark.rule("X-CXL-01")
def test_a_cancel_ends_what_is_open_with_its_reserve(venue: Any) -> None:
    v = venue(sell(0, 1, 100, 9, **iceberg(2)), sell(0, 2, 100, 3, Flag.HIDDEN))
    v.process(market_buy(1, 1, 1))
    for slot, lots in [(1, 8), (2, 3)]:
        ending = ended(0, slot, SELL, 100, lots, by=CANCEL)
        assert v.process(cancel(0, slot)) == Outcome([], [ending])
    assert v.orders() == []
    assert kit.account(v, 0)["open_sell_lots"] == 0


@pytest.mark.rule("X-CXL-01")
@pytest.mark.parametrize("phase", [*CALLS, Phase.CONTINUOUS, Phase.HALT, Phase.CLOSED])
def test_a_cancel_works_in_every_phase(venue: Any, phase: Phase) -> None:
    v = venue(buy(0, 1, 90, 5), buy(0, 2, 110, 4, **stop(105)), phase=Phase.PRE_OPEN)
    if phase in (Phase.VOLATILITY_AUCTION, Phase.CLOSING_AUCTION):
        v.set_phase(Phase.CONTINUOUS)
    if phase != Phase.PRE_OPEN:
        v.set_phase(phase)
    assert v.phase == phase
    assert v.process(cancel(0, 1)).reports == [ended(0, 1, BUY, 90, 5, by=CANCEL)]
    assert v.process(cancel(0, 2)).reports == [ended(0, 2, BUY, 110, 4, by=CANCEL)]
    assert (v.orders(), v.stops()) == ([], [])


@pytest.mark.rule("X-CXL-01")
def test_a_market_order_that_waits_can_be_cancelled(venue: Any) -> None:
    v = venue(market_sell(0, 1, 5), phase=Phase.PRE_OPEN)
    assert v.process(cancel(0, 1)).reports == [ended(0, 1, SELL, PX_MIN, 5, by=CANCEL)]
    assert v.waiting() == []


MIXED = (
    sell(0, 4, 101, 1),
    buy(0, 3, 99, 2),
    buy(0, 1, 110, 3, **stop(105)),
    sell(0, 2, 90, 4, **stop(95)),
    buy(1, 1, 99, 5),
)


@pytest.mark.rule("X-CXL-02")
def test_cancel_all_ends_all_of_its_sender_in_the_order_of_ids(venue: Any) -> None:
    v = venue(*MIXED)
    assert v.process(cancel_all(0)) == Outcome(
        [],
        [
            ended(0, 1, BUY, 110, 3, by=ALL),
            ended(0, 2, SELL, 90, 4, by=ALL),
            ended(0, 3, BUY, 99, 2, by=ALL),
            ended(0, 4, SELL, 101, 1, by=ALL),
        ],
    )
    assert (v.orders(), v.stops()) == ([bid(1, 1, 99, 5)], [])


@pytest.mark.rule("X-CXL-02")
@pytest.mark.parametrize(("side", "slots"), [(BUY, [1, 3]), (SELL, [2, 4])])
def test_cancel_all_of_a_side_leaves_the_other_one(venue: Any, side: int, slots: list[int]) -> None:
    outcome = venue(*MIXED).process(cancel_all(0, side))
    assert [(r.to, r.side, r.slot) for r in outcome.reports] == [(0, side, s) for s in slots]


@pytest.mark.rule("X-CXL-02")
def test_cancel_all_reaches_what_waits_for_an_uncross(venue: Any) -> None:
    v = venue(market_buy(0, 2, 5), buy(0, 1, 99, 1), phase=Phase.PRE_OPEN)
    assert v.process(cancel_all(0, BUY)).reports == [
        ended(0, 1, BUY, 99, 1, by=ALL),
        ended(0, 2, BUY, PX_MAX, 5, by=ALL),
    ]


@pytest.mark.rule("X-CXL-02")
@pytest.mark.parametrize("phase", [Phase.HALT, Phase.CLOSED])
def test_cancel_all_is_not_refused_while_the_market_is_shut(venue: Any, phase: Phase) -> None:
    v = venue(*MIXED)
    v.set_phase(phase)
    assert len(v.process(cancel_all(0)).reports) == 4


@pytest.mark.rule("X-CXL-02")
def test_cancel_all_that_ends_nothing_is_not_answered(venue: Any) -> None:
    v = venue(*MIXED)
    assert v.process(cancel_all(1, SELL)) == Outcome([], [])
    assert v.process(cancel_all(3)) == Outcome([], [])
    assert kit.account(v, 3)["rejects"] == 0
    for side in (2, -2):
        message = cancel_all(1, side)
        assert v.process(message) == refusal(message, Reason.BAD_MESSAGE)
    v.process(disconnect(1))
    assert v.process(cancel_all(1)) == refusal(cancel_all(1), Reason.DISCONNECTED)
    assert v.orders()[1] == bid(1, 1, 99, 5)


# ------------------------------------------------------------------ disconnect
@pytest.mark.rule("X-CXL-03")
def test_who_is_gone_is_refused_until_it_is_back(venue: Any) -> None:
    v = venue(*MIXED)
    assert v.process(disconnect(0)) == Outcome([], [])
    assert not v.accounts[0].connected
    assert len(v.orders()) == 3
    for message in (buy(0, 9, 90, 1), market_sell(0, 9, 1), amend(0, 3, 99, 1), cancel(0, 3)):
        assert v.process(message) == refusal(message, Reason.DISCONNECTED)
    assert v.process(connect(0)) == Outcome([], [])
    assert v.accounts[0].connected
    assert v.process(cancel(0, 3)).reports == [ended(0, 3, BUY, 99, 2, by=CANCEL)]


@pytest.mark.rule("X-CXL-03")
def test_orders_of_who_is_gone_trade_on_unless_they_are_to_end(venue: Any) -> None:
    members = [Member(0, cancel_on_disconnect=True), Member(1), 2]
    v = venue(*MIXED, members=members)
    assert v.process(disconnect(0)).reports == [
        ended(0, 1, BUY, 110, 3, Reason.DISCONNECTED, GONE),
        ended(0, 2, SELL, 90, 4, Reason.DISCONNECTED, GONE),
        ended(0, 3, BUY, 99, 2, Reason.DISCONNECTED, GONE),
        ended(0, 4, SELL, 101, 1, Reason.DISCONNECTED, GONE),
    ]
    assert v.process(disconnect(1)) == Outcome([], [])
    outcome = v.process(market_sell(2, 1, 9))
    assert outcome.trades == [Trade(1, 1, 2, 1, SELL, 99, 5)]
    assert kit.heard(outcome, 2)[-1] == ended(2, 1, SELL, PX_MIN, 4, Reason.IOC_REST, MARKET)
