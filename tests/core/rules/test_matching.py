"""Price, time, and who trades."""

from __future__ import annotations

from typing import Any

import pytest

from hftgym.core.constants import BUY, SELL, Reason
from hftgym.core.reference import Outcome, Trade
from tests.core.rules import kit
from tests.core.rules.kit import (
    FAMILY,
    MARKET,
    PX_MAX,
    PX_MIN,
    accepted,
    ask,
    bid,
    buy,
    cancel,
    ended,
    fill,
    market_buy,
    market_sell,
    sell,
)

ASKS = (sell(0, 1, 102, 4), sell(1, 1, 101, 3), sell(2, 1, 101, 2), sell(0, 2, 101, 1))


@pytest.mark.rule("X-FIFO-01")
def test_the_best_price_trades_first_and_at_one_price_the_oldest(venue: Any) -> None:
    v = venue(*ASKS)
    message = buy(3, 9, 102, 8)
    assert v.process(message) == Outcome(
        [
            Trade(1, 1, 3, 9, BUY, 101, 3),
            Trade(2, 1, 3, 9, BUY, 101, 2),
            Trade(0, 2, 3, 9, BUY, 101, 1),
            Trade(0, 1, 3, 9, BUY, 102, 2),
        ],
        [
            accepted(message),
            fill(1, 1, SELL, 101, 3),
            fill(3, 9, BUY, 101, 3),
            fill(2, 1, SELL, 101, 2),
            fill(3, 9, BUY, 101, 2),
            fill(0, 2, SELL, 101, 1),
            fill(3, 9, BUY, 101, 1),
            fill(0, 1, SELL, 102, 2),
            fill(3, 9, BUY, 102, 2),
        ],
    )
    assert v.orders() == [ask(0, 1, 102, 2)]


@pytest.mark.rule("X-FIFO-01")
def test_it_does_so_on_the_side_of_the_bids_too(venue: Any) -> None:
    v = venue(buy(0, 1, 98, 4), buy(1, 1, 99, 3), buy(2, 1, 99, 2))
    outcome = v.process(sell(3, 9, 98, 6))
    assert outcome.trades == [
        Trade(1, 1, 3, 9, SELL, 99, 3),
        Trade(2, 1, 3, 9, SELL, 99, 2),
        Trade(0, 1, 3, 9, SELL, 98, 1),
    ]
    assert v.orders() == [bid(0, 1, 98, 3)]


@pytest.mark.rule("X-FIFO-01")
def test_what_is_left_rests_at_its_limit_behind_all_orders_of_its_price(venue: Any) -> None:
    v = venue(*ASKS)
    outcome = v.process(buy(3, 9, 101, 8))
    assert kit.prints(outcome) == [(101, 3), (101, 2), (101, 1)]
    assert v.orders() == [bid(3, 9, 101, 2), ask(0, 1, 102, 4)]
    v.process(buy(1, 2, 101, 5))
    v.process(buy(2, 2, 101, 5))
    assert v.orders()[:3] == [bid(3, 9, 101, 2), bid(1, 2, 101, 5), bid(2, 2, 101, 5)]


@pytest.mark.rule("X-FIFO-01")
def test_prices_that_do_not_meet_do_not_trade(venue: Any) -> None:
    v = venue(*ASKS)
    message = buy(3, 9, 100, 8)
    assert v.process(message) == Outcome([], [accepted(message)])
    assert v.orders()[0] == bid(3, 9, 100, 8)


@pytest.mark.rule("X-FIFO-02")
def test_a_trade_that_leaves_something_leaves_it_in_its_place(venue: Any) -> None:
    v = venue(buy(0, 1, 100, 5), buy(1, 1, 100, 5))
    v.process(market_sell(2, 1, 1))
    assert v.orders() == [bid(0, 1, 100, 4), bid(1, 1, 100, 5)]
    assert kit.shares(v.process(market_sell(2, 2, 3))) == [(0, 3)]
    assert kit.shares(v.process(market_sell(2, 3, 3))) == [(0, 1), (1, 2)]


@pytest.mark.rule("X-FIFO-02")
def test_those_ahead_that_leave_change_nobody_elses_place(venue: Any) -> None:
    v = venue(*[buy(p, 1, 100, 5) for p in range(4)])
    v.process(cancel(1, 1))
    assert kit.shares(v.process(market_sell(3, 2, 7))) == [(0, 5), (2, 2)]


@pytest.mark.rule("X-FIFO-03")
@pytest.mark.parametrize("px", [PX_MAX, 101])
def test_a_market_order_buys_at_any_price_and_never_rests(venue: Any, px: int) -> None:
    v = venue(sell(0, 1, px, 4))
    message = market_buy(1, 1, 6)
    assert v.process(message) == Outcome(
        [Trade(0, 1, 1, 1, BUY, px, 4)],
        [
            accepted(message, PX_MAX),
            fill(0, 1, SELL, px, 4),
            fill(1, 1, BUY, px, 4),
            ended(1, 1, BUY, PX_MAX, 2, Reason.IOC_REST, MARKET),
        ],
    )
    assert v.orders() == []


@pytest.mark.rule("X-FIFO-03")
def test_a_market_order_sells_down_to_the_lowest_price(venue: Any) -> None:
    v = venue(buy(0, 1, PX_MIN, 4), buy(0, 2, 50, 1))
    assert kit.prints(v.process(market_sell(1, 1, 5))) == [(50, 1), (PX_MIN, 4)]


@pytest.mark.rule("X-FIFO-03")
def test_in_an_empty_book_all_of_a_market_order_is_cancelled(venue: Any) -> None:
    message = market_sell(1, 1, 6)
    assert venue().process(message).reports == [
        accepted(message, PX_MIN),
        ended(1, 1, SELL, PX_MIN, 6, Reason.IOC_REST, MARKET),
    ]


@pytest.mark.rule("X-FIFO-04")
def test_the_last_price_is_that_of_the_last_trade(venue: Any) -> None:
    v = venue(*ASKS)
    assert v.last_px == 100  # where the market opened
    v.process(market_buy(3, 1, 7))
    assert v.last_px == 102
    v.process(buy(3, 2, 90, 1))
    assert v.last_px == 102
    v.process(market_sell(2, 2, 1))
    assert v.last_px == 90


@pytest.mark.rule("X-FIFO-04", "X-STP-04")
def test_a_trade_within_a_firm_does_not_move_the_last_price(venue: Any) -> None:
    v = venue(sell(0, 1, 105, 1), sell(2, 1, 106, 1), sell(0, 2, 107, 1), members=FAMILY)
    v.process(market_buy(1, 1, 1))
    assert v.last_px == 100
    v.process(market_buy(1, 2, 2))
    assert v.last_px == 106
