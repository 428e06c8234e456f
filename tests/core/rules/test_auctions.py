"""Call auctions."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from hftgym.core.constants import BUY, SELL, FeeUnit, Flag, MessageKind, Phase, Reason
from hftgym.core.reference import Indication, Message, Outcome, Trade
from tests.core.rules import kit
from tests.core.rules.kit import (
    CALLS,
    PX_MAX,
    PX_MIN,
    accepted,
    amend,
    amended,
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
)

CALL = Phase.OPENING_AUCTION


def price_of(venue: Any, *book: Message, **more: Any) -> tuple[int, int, int]:
    """Return (price, lots, surplus) of an uncross, which does what was indicated."""
    v = venue(*book, phase=CALL, **more)
    found: tuple[int, int, int] = v.indication()
    outcome = v.set_phase(Phase.CONTINUOUS)
    assert {trade.px for trade in outcome.trades} == {found[0]}
    assert sum(trade.lots for trade in outcome.trades) == found[1]
    return found


# ------------------------------------------------------------------ gathering
@pytest.mark.rule("X-AUC-01", "X-PHA-01")
@pytest.mark.parametrize("phase", CALLS)
def test_in_a_call_orders_gather_and_nothing_trades(venue: Any, phase: Phase) -> None:
    v = venue(buy(0, 1, 105, 5), phase=phase)
    for message in (sell(1, 1, 95, 5), market_sell(2, 1, 4), market_buy(3, 1, 3)):
        assert v.process(message) == Outcome([], [accepted(message)])
    assert v.orders() == [bid(0, 1, 105, 5), ask(1, 1, 95, 5)]
    assert v.waiting() == [(BUY, 3, 3, 1), (SELL, 4, 2, 1)]
    assert kit.account(v, 2)["open_sell_lots"] == 4
    assert v.process(amend(0, 1, 110, 6)) == Outcome([], [amended(0, 1, BUY, 110, 6)])
    assert v.orders() == [bid(0, 1, 110, 6), ask(1, 1, 95, 5)]


@pytest.mark.rule("X-AUC-01")
def test_leaving_for_trading_uncrosses_at_one_price(venue: Any) -> None:
    v = venue(
        buy(0, 1, 102, 10),
        buy(1, 1, 101, 5),
        sell(2, 1, 100, 8),
        sell(3, 1, 101, 10),
        phase=Phase.PRE_OPEN,
    )
    assert v.indication() == Indication(101, 15, -3)
    assert v.set_phase(Phase.CONTINUOUS) == Outcome(
        [
            Trade(2, 1, 0, 1, 0, 101, 8),
            Trade(3, 1, 0, 1, 0, 101, 2),
            Trade(3, 1, 1, 1, 0, 101, 5),
        ],
        [
            fill(2, 1, SELL, 101, 8),
            fill(0, 1, BUY, 101, 8),
            fill(3, 1, SELL, 101, 2),
            fill(0, 1, BUY, 101, 2),
            fill(3, 1, SELL, 101, 5),
            fill(1, 1, BUY, 101, 5),
        ],
    )
    assert v.orders() == [ask(3, 1, 101, 3)]
    assert v.last_px == 101
    assert v.indication() is None


@pytest.mark.rule("X-AUC-01")
def test_it_uncrosses_for_the_close_and_not_between_calls(venue: Any) -> None:
    book = [buy(0, 1, 102, 10), sell(1, 1, 98, 10)]
    v = venue(*book, phase=Phase.PRE_OPEN)
    assert v.set_phase(Phase.OPENING_AUCTION) == Outcome([], [])
    assert v.set_phase(Phase.HALT) == Outcome([], [])
    assert len(v.orders()) == 2
    v = venue(*book, phase=Phase.CLOSING_AUCTION)
    assert v.set_phase(Phase.CLOSED).trades == [Trade(1, 1, 0, 1, 0, 100, 10)]


# ------------------------------------------------------------------ the price
@pytest.mark.rule("X-AUC-02")
def test_at_the_price_the_most_lots_trade(venue: Any) -> None:
    book = [buy(0, 1, 103, 10), buy(1, 1, 101, 40), sell(2, 1, 101, 20), sell(3, 1, 102, 40)]
    assert price_of(venue, *book) == (101, 20, 30)  # at 102 and 103 there are 10


@pytest.mark.rule("X-AUC-02")
def test_of_those_the_smallest_surplus_counts(venue: Any) -> None:
    """10 lots trade from 100 to 105; above 102 no buyer is left over."""
    book = [buy(0, 1, 105, 10), buy(1, 1, 102, 10), sell(2, 1, 100, 10)]
    assert price_of(venue, *book) == (103, 10, 0)


@pytest.mark.rule("X-AUC-02")
def test_with_a_surplus_of_buyers_it_is_the_highest_of_sellers_the_lowest(venue: Any) -> None:
    for start_px in (90, 102, 120):
        settings = rules(start_px=start_px)
        book = [buy(0, 1, 105, 20), sell(1, 1, 100, 10)]
        assert price_of(venue, *book, rules=settings) == (105, 10, 10)
        book = [buy(0, 1, 105, 10), sell(1, 1, 100, 20)]
        assert price_of(venue, *book, rules=settings) == (100, 10, -10)


@pytest.mark.rule("X-AUC-02")
@pytest.mark.parametrize(
    ("start_px", "px"), [(50, 99), (99, 99), (102, 102), (105, 105), (200, 105)]
)
def test_else_it_is_the_one_nearest_to_the_reference(venue: Any, start_px: int, px: int) -> None:
    book = [buy(0, 1, 105, 10), sell(1, 1, 99, 10)]
    assert price_of(venue, *book, rules=rules(start_px=start_px)) == (px, 10, 0)


@pytest.mark.rule("X-AUC-02")
@pytest.mark.parametrize(("start_px", "px", "surplus"), [(90, 100, 5), (120, 101, -5)])
def test_as_many_buyers_here_as_sellers_there_leave_it_to_the_reference(
    venue: Any, start_px: int, px: int, surplus: int
) -> None:
    book = [buy(0, 1, 101, 10), buy(1, 1, 100, 5), sell(2, 1, 100, 10), sell(3, 1, 101, 5)]
    assert price_of(venue, *book, rules=rules(start_px=start_px)) == (px, 10, surplus)


@pytest.mark.rule("X-AUC-02")
def test_of_two_that_are_equally_near_it_is_the_higher_one(venue: Any) -> None:
    """The reference is halfway between the only two candidates."""
    book = [buy(0, 1, 102, 10), buy(1, 1, 100, 5), sell(2, 1, 100, 10), sell(3, 1, 102, 5)]
    settings = rules(tick_px=2, start_px=101)
    assert price_of(venue, *book, rules=settings) == (102, 10, -5)


@pytest.mark.rule("X-AUC-02")
@pytest.mark.parametrize(
    ("tick", "low", "high", "px"),
    [(1, 100, 105, 102), (1, 100, 106, 103), (5, 100, 115, 105), (5, 100, 120, 110)],
)
def test_without_a_reference_it_is_the_middle_rounded_down_to_a_tick(
    venue: Any, tick: int, low: int, high: int, px: int
) -> None:
    book = [buy(0, 1, high, 10), sell(1, 1, low, 10)]
    settings = rules(tick_px=tick)
    assert price_of(venue, *book, rules=settings, reference_px=None) == (px, 10, 0)


@pytest.mark.rule("X-AUC-02", "X-ICE-01", "X-HID-01")
def test_reserves_and_hidden_lots_count(venue: Any) -> None:
    book = [
        buy(0, 1, 102, 10, **iceberg(1)),
        buy(1, 1, 101, 10, Flag.HIDDEN),
        sell(2, 1, 99, 20, Flag.HIDDEN),
    ]
    assert price_of(venue, *book) == (100, 20, 0)


@pytest.mark.rule("X-AUC-02")
def test_a_book_that_is_not_crossed_has_no_price(venue: Any) -> None:
    v = venue(buy(0, 1, 99, 5), sell(1, 1, 100, 5), phase=CALL)
    assert v.indication() is None
    assert v.set_phase(Phase.CONTINUOUS) == Outcome([], [])
    assert v.last_px == 100
    assert len(v.orders()) == 2


# ------------------------------------------------------------------ the reference
@pytest.mark.rule("X-AUC-03")
def test_with_market_orders_alone_the_reference_is_the_price(venue: Any) -> None:
    book = [market_buy(0, 1, 7), market_sell(1, 1, 9)]
    assert price_of(venue, *book) == (100, 7, -2)
    assert price_of(venue, *book, rules=rules(start_px=333)) == (333, 7, -2)
    assert price_of(venue, *book, rules=rules(start_px=104, tick_px=5)) == (100, 7, -2)
    v = venue(*book, phase=CALL, reference_px=None)
    assert v.indication() is None
    assert v.set_phase(Phase.CONTINUOUS).trades == []


@pytest.mark.rule("X-AUC-03")
@pytest.mark.parametrize(("start_px", "px"), [(100, 100), (95, 95), (90, 95)])
def test_it_bounds_a_range_that_market_buyers_leave_open(
    venue: Any, start_px: int, px: int
) -> None:
    for buyers, surplus in [(10, 0), (20, 10)]:
        book = [market_buy(0, 1, buyers), sell(1, 1, 95, 10)]
        found = price_of(venue, *book, rules=rules(start_px=start_px))
        assert found == (px, 10, surplus)
    book = [market_buy(0, 1, 10), sell(1, 1, 95, 10)]
    assert price_of(venue, *book, reference_px=None) == (95, 10, 0)


@pytest.mark.rule("X-AUC-03")
@pytest.mark.parametrize(("start_px", "px"), [(100, 100), (105, 105), (110, 105)])
def test_it_bounds_a_range_that_market_sellers_leave_open(
    venue: Any, start_px: int, px: int
) -> None:
    for sellers, surplus in [(10, 0), (20, -10)]:
        book = [buy(0, 1, 105, 10), market_sell(1, 1, sellers)]
        found = price_of(venue, *book, rules=rules(start_px=start_px))
        assert found == (px, 10, surplus)


@pytest.mark.rule("X-AUC-03", "X-FIFO-04")
def test_the_last_trade_is_the_reference(venue: Any) -> None:
    v = venue(sell(0, 1, 104, 1), reference_px=None)
    v.process(market_buy(1, 1, 1))
    v.set_phase(Phase.CLOSING_AUCTION)
    v.process(buy(0, 2, 110, 5))
    v.process(sell(1, 2, 90, 5))
    assert v.indication() == Indication(104, 5, 0)


# ------------------------------------------------------------------ who trades
@pytest.mark.rule("X-AUC-04")
def test_market_orders_come_first_then_price_then_time_then_hidden(venue: Any) -> None:
    """20 lots would buy at 104, 12 are sold: the last 8 of this order go without."""
    v = venue(
        buy(0, 1, 105, 5),
        buy(2, 2, 104, 5, Flag.HIDDEN),
        market_buy(1, 1, 5),
        buy(2, 1, 104, 5),
        sell(3, 1, 100, 12),
        phase=CALL,
    )
    assert v.set_phase(Phase.CONTINUOUS).trades == [
        Trade(3, 1, 1, 1, 0, 104, 5),
        Trade(3, 1, 0, 1, 0, 104, 5),
        Trade(3, 1, 2, 1, 0, 104, 2),
    ]
    assert v.orders() == [bid(2, 1, 104, 3), bid(2, 2, 104, 5, hidden=1)]


@pytest.mark.rule("X-AUC-04")
def test_of_sellers_the_lowest_and_oldest_trade_first(venue: Any) -> None:
    v = venue(
        sell(0, 1, 100, 4),
        sell(1, 1, 99, 4),
        sell(2, 1, 100, 4),
        market_sell(0, 2, 1),
        market_sell(1, 2, 1),
        buy(3, 1, 100, 13),
        phase=CALL,
    )
    trades = v.set_phase(Phase.CONTINUOUS).trades
    assert [(t.maker, t.maker_slot, t.lots) for t in trades] == [
        (0, 2, 1),
        (1, 2, 1),
        (1, 1, 4),
        (0, 1, 4),
        (2, 1, 3),
    ]


@pytest.mark.rule("X-AUC-04", "X-ICE-01")
def test_an_iceberg_trades_with_all_its_lots_in_its_place(venue: Any) -> None:
    book = [sell(0, 1, 100, 9, **iceberg(2)), sell(1, 1, 100, 5)]
    v = venue(*book, buy(2, 1, 100, 10), phase=CALL)
    assert v.set_phase(Phase.CONTINUOUS).trades == [
        Trade(0, 1, 2, 1, 0, 100, 9),
        Trade(1, 1, 2, 1, 0, 100, 1),
    ]
    v = venue(*book, buy(2, 1, 100, 5), phase=CALL)
    assert v.set_phase(Phase.CONTINUOUS).trades == [Trade(0, 1, 2, 1, 0, 100, 5)]
    assert sum(row[2] + row[3] for row in v.orders() if row[4] == 0) == 4


@pytest.mark.rule("X-AUC-04", "X-FEE-01")
@pytest.mark.parametrize(
    ("unit", "rate", "fee"), [(FeeUnit.PER_LOT, 2, 10), (FeeUnit.PER_MILLION, 1001, 1)]
)
def test_both_sides_pay_the_auction_fee_and_nobody_is_the_aggressor(
    venue: Any, unit: FeeUnit, rate: int, fee: int
) -> None:
    settings = rules(auction_fee=rate, maker_fee=-50, taker_fee=90, fee_unit=unit)
    v = venue(buy(0, 1, 100, 5), sell(1, 1, 100, 5), rules=settings, phase=CALL)
    outcome = v.set_phase(Phase.CONTINUOUS)
    assert outcome.reports == [fill(1, 1, SELL, 100, 5, fee), fill(0, 1, BUY, 100, 5, fee)]
    buyer, seller = kit.account(v, 0), kit.account(v, 1)
    assert buyer == buyer | {"cash": -500 - fee, "position": 5, "maker_lots": 0, "taker_lots": 0}
    assert seller == seller | {"cash": 500 - fee, "position": -5, "maker_lots": 0, "taker_lots": 0}
    assert (buyer["fills"], seller["fills"], v.fee_account) == (1, 1, 2 * fee)


@pytest.mark.rule("X-AUC-05")
def test_market_orders_that_did_not_trade_are_cancelled_bids_first(venue: Any) -> None:
    """A buyer of the same owner, then its sellers, oldest first."""
    settings = rules(start_px=100)
    v = venue(
        market_sell(0, 1, 4), market_sell(1, 1, 2), buy(2, 1, 99, 5), rules=settings, phase=CALL
    )
    assert v.set_phase(Phase.CONTINUOUS).reports == [
        fill(0, 1, SELL, 99, 4),
        fill(2, 1, BUY, 99, 4),
        fill(1, 1, SELL, 99, 1),
        fill(2, 1, BUY, 99, 1),
        ended(1, 1, SELL, PX_MIN, 1, Reason.IOC_REST),
    ]
    v = venue(market_sell(0, 1, 4), market_buy(0, 2, 5), phase=CALL, reference_px=None)
    assert v.set_phase(Phase.CLOSED).reports == [
        ended(0, 2, BUY, PX_MAX, 5, Reason.IOC_REST),
        ended(0, 1, SELL, PX_MIN, 4, Reason.IOC_REST),
    ]
    assert v.waiting() == []
    assert kit.account(v, 0)["open_buy_lots"] == kit.account(v, 0)["open_sell_lots"] == 0


@pytest.mark.rule("X-AUC-05")
def test_they_wait_through_a_call_and_a_halt(venue: Any) -> None:
    v = venue(market_buy(0, 1, 4), phase=Phase.PRE_OPEN)
    for phase in (Phase.OPENING_AUCTION, Phase.HALT, Phase.OPENING_AUCTION):
        assert v.set_phase(phase) == Outcome([], [])
        assert v.waiting() == [(BUY, 4, 0, 1)]
    v.process(sell(1, 1, 105, 4))
    assert v.set_phase(Phase.CONTINUOUS).trades == [Trade(1, 1, 0, 1, 0, 105, 4)]


# ------------------------------------------------------------------ the collar
WIDE = rules(px_max=5000, start_px=1050, collar_bps=1000, call_ns=50)


def volatility_auction(venue: Any, *book: Message, settings: Any = WIDE) -> Any:
    """Enter a call from a market of 1000 x 1100, which has been cancelled since."""
    v = venue(buy(0, 1, 1000, 1), sell(1, 1, 1100, 1), rules=settings)
    v.set_phase(Phase.VOLATILITY_AUCTION)
    for message in (cancel(0, 1), cancel(1, 1), *book):
        v.process(message)
    return v


def pair(px: int) -> list[Message]:
    return [buy(2, 1, px, 5), sell(3, 1, px, 5)]


@pytest.mark.rule("X-AUC-06")
@pytest.mark.parametrize(("px", "inside"), [(895, True), (1205, True), (894, False), (1206, False)])
def test_the_collar_stands_around_the_touch(venue: Any, px: int, inside: bool) -> None:
    """10.00 x 11.00 and 10 % allow 8.95 to 12.05."""
    v = volatility_auction(venue, *pair(px))
    outcome = v.set_phase(Phase.CONTINUOUS)
    assert kit.prints(outcome) == ([(px, 5)] if inside else [])
    assert v.phase == (Phase.CONTINUOUS if inside else Phase.VOLATILITY_AUCTION)


@pytest.mark.rule("X-AUC-06")
@pytest.mark.parametrize(
    ("touch", "px", "inside"),
    [
        (buy(0, 1, 1000, 1), 898, True),  # 1000 x 1050, and 102 of 1025
        (buy(0, 1, 1000, 1), 1152, True),
        (buy(0, 1, 1000, 1), 897, False),
        (buy(0, 1, 1000, 1), 1153, False),
        (sell(0, 1, 1100, 1), 943, True),  # 1050 x 1100, and 107 of 1075
        (sell(0, 1, 1100, 1), 1207, True),
        (sell(0, 1, 1100, 1), 942, False),
        (sell(0, 1, 1100, 1), 1208, False),
    ],
)
def test_the_last_price_stands_for_a_side_that_was_empty(
    venue: Any, touch: Message, px: int, inside: bool
) -> None:
    v = venue(touch, rules=WIDE)
    v.set_phase(Phase.CLOSING_AUCTION)
    for message in (cancel(0, 1), *pair(px)):
        v.process(message)
    assert kit.prints(v.set_phase(Phase.CLOSED)) == ([(px, 5)] if inside else [])


@pytest.mark.rule("X-AUC-06")
@pytest.mark.parametrize(("px", "inside"), [(945, True), (1155, True), (944, False), (1156, False)])
def test_before_all_trading_it_stands_around_the_last_price(
    venue: Any, px: int, inside: bool
) -> None:
    v = venue(*pair(px), rules=WIDE, phase=Phase.PRE_OPEN)
    assert kit.prints(v.set_phase(Phase.CONTINUOUS)) == ([(px, 5)] if inside else [])


@pytest.mark.rule("X-AUC-06")
@pytest.mark.parametrize(
    ("buyers", "sellers", "low", "high", "tick", "px"),
    [
        (20, 10, 1100, 1300, 1, 1205),  # without a collar 1300
        (10, 20, 800, 1000, 1, 895),  # without a collar 800
        (20, 10, 1100, 1300, 10, 1200),
        (10, 20, 800, 1000, 10, 900),
        (20, 10, 1000, 1100, 10, 1100),
    ],
)
def test_of_the_best_prices_the_nearest_one_inside_is_taken(
    venue: Any, buyers: int, sellers: int, low: int, high: int, tick: int, px: int
) -> None:
    book = [buy(2, 1, high, buyers), sell(3, 1, low, sellers)]
    v = volatility_auction(venue, *book, settings=replace(WIDE, tick_px=tick))
    assert v.indication() == Indication(px, 10, buyers - sellers)
    assert kit.prints(v.set_phase(Phase.CONTINUOUS)) == [(px, 10)]


@pytest.mark.rule("X-AUC-06", "X-PHA-04")
@pytest.mark.parametrize(
    ("first", "target"),
    [(Phase.VOLATILITY_AUCTION, Phase.CONTINUOUS), (Phase.CLOSING_AUCTION, Phase.CLOSED)],
)
def test_a_call_is_extended_once_and_then_has_no_collar(
    venue: Any, first: Phase, target: Phase
) -> None:
    for own_end in (True, False):
        v = venue(*pair(1050), rules=WIDE)
        v.set_phase(first)
        v.advance(1000)
        for message in pair(2000):
            v.process(message)
        before = v.orders()
        assert v.set_phase(target) == Outcome([], [])
        assert (v.phase, v.orders(), v.last_px) == (first, before, 1050)
        assert v.advance(1049) == Outcome([], [])
        outcome = v.advance(1050) if own_end else v.set_phase(target)
        assert kit.prints(outcome) == [(2000, 5)]
        assert v.phase == target


@pytest.mark.rule("X-AUC-06", "X-AUC-08")
def test_outside_of_the_collar_there_is_no_price_until_the_call_is_extended(venue: Any) -> None:
    v = volatility_auction(venue, *pair(1300))
    assert v.indication() is None
    assert v.mid_2px == 2100  # crossed, and without a price
    v.set_phase(Phase.CONTINUOUS)
    assert v.indication() == Indication(1300, 5, 0)
    assert v.mid_2px == 2600


@pytest.mark.rule("X-AUC-06")
def test_an_extension_serves_to_bring_the_price_inside(venue: Any) -> None:
    v = volatility_auction(venue, *pair(1300))
    v.set_phase(Phase.CONTINUOUS)
    v.process(sell(1, 2, 1150, 5))
    v.process(cancel(3, 1))
    assert kit.prints(v.advance(50)) == [(1150, 5)]


# ------------------------------------------------------------------ what is refused, what is shown
@pytest.mark.rule("X-AUC-07", "X-PHA-01")
@pytest.mark.parametrize("phase", CALLS)
def test_what_must_act_at_once_is_refused(venue: Any, phase: Phase) -> None:
    v = venue(buy(0, 1, 105, 5), phase=phase)
    for message in [
        sell(1, 1, 100, 1, Flag.IOC),
        sell(1, 1, 100, 1, Flag.FOK),
        sell(1, 1, 1, 1, Flag.FOK | Flag.BUDGET),
        sell(1, 1, 100, 1, Flag.MIN_LOTS, min_lots=1),
        sell(1, 1, 110, 1, Flag.POST_ONLY),
        sell(1, 1, 100, 1, Flag.POST_ONLY_SLIDE),
        market_sell(1, 1, 1, Flag.IOC),
        market_sell(1, 1, 1, Flag.TO_LIMIT),
    ]:
        assert v.process(message) == refusal(message, Reason.NOT_IN_PHASE)
    for message in [
        sell(1, 1, 100, 1, Flag.HIDDEN),
        sell(1, 2, 100, 2, **iceberg(1)),
        sell(1, 3, 100, 1, Flag.DAY),
        sell(1, 4, 100, 1, Flag.GTD, expire_ns=9),
    ]:
        assert v.process(message) == Outcome([], [accepted(message)])


@pytest.mark.rule("X-AUC-07", "X-AMD-03")
def test_a_post_only_order_may_cross_in_a_call(venue: Any) -> None:
    v = venue(buy(0, 1, 99, 5, Flag.POST_ONLY), sell(1, 1, 101, 5))
    v.set_phase(Phase.CLOSING_AUCTION)
    assert v.process(amend(0, 1, 103, 5)).reports == [amended(0, 1, BUY, 103, 5)]
    assert v.indication() == Indication(101, 5, 0)


@pytest.mark.rule("X-AUC-08")
def test_a_call_shows_at_what_it_would_uncross(venue: Any) -> None:
    v = venue(phase=CALL)
    for message, found in [
        (buy(0, 1, 98, 5), None),
        (sell(1, 1, 104, 5), None),
        (buy(0, 2, 106, 8), (106, 5, 3)),
        (market_sell(2, 1, 4), (106 - 2, 8, -1)),
        (cancel(2, 1), (106, 5, 3)),
        (cancel(0, 2), None),
    ]:
        v.process(message)
        assert v.indication() == found
        if found is not None:
            assert v.mid_2px == 2 * found[0]
    assert v.mid_2px == 98 + 104


@pytest.mark.rule("X-AUC-08")
def test_a_crossed_book_without_a_price_keeps_its_mid(venue: Any) -> None:
    v = venue(buy(0, 1, 110, 5), sell(1, 1, 104, 5), phase=CALL)
    assert v.mid_2px == 208
    v.set_phase(Phase.HALT)  # no call, no price
    assert v.indication() is None
    v.process(amend(1, 1, 104, 3))
    assert v.mid_2px == 208
    assert v.process(cancel(1, 1)).reports == [ended(1, 1, SELL, 104, 3, by=MessageKind.CANCEL)]
    assert v.mid_2px == 208  # nor has a book with one side
