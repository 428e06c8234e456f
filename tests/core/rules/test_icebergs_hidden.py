"""Icebergs and hidden orders."""

from __future__ import annotations

from typing import Any

import pytest

from hftgym.core.constants import BUY, SELL, Flag, Reason
from hftgym.core.reference import Outcome, Trade
from tests.core.rules import kit
from tests.core.rules.kit import (
    accepted,
    ask,
    bid,
    buy,
    fill,
    iceberg,
    market_buy,
    market_sell,
    refusal,
    rules,
    sell,
)


@pytest.mark.rule("X-ICE-01")
def test_as_an_aggressor_an_iceberg_trades_with_all_its_lots(venue: Any) -> None:
    v = venue(sell(0, 1, 100, 6))
    message = buy(1, 1, 100, 10, **iceberg(3))
    assert v.process(message) == Outcome(
        [Trade(0, 1, 1, 1, BUY, 100, 6)],
        [accepted(message), fill(0, 1, SELL, 100, 6), fill(1, 1, BUY, 100, 6)],
    )
    assert v.orders() == [bid(1, 1, 100, 3, reserve=1)]
    assert kit.account(v, 1)["open_buy_lots"] == 4


@pytest.mark.rule("X-ICE-01")
@pytest.mark.parametrize(("traded", "row"), [(7, ask(0, 1, 100, 3)), (8, ask(0, 1, 100, 2))])
def test_it_shows_all_when_fewer_than_a_slice_are_left(venue: Any, traded: int, row: Any) -> None:
    v = venue(buy(1, 1, 100, traded))
    v.process(sell(0, 1, 100, 10, **iceberg(3)))
    assert v.orders() == [row]


@pytest.mark.rule("X-ICE-02")
def test_a_trade_within_the_slice_keeps_the_place(venue: Any) -> None:
    v = venue(sell(0, 1, 100, 9, **iceberg(3)), sell(1, 1, 100, 5))
    v.process(market_buy(2, 1, 2))
    assert v.orders() == [ask(0, 1, 100, 1, reserve=6), ask(1, 1, 100, 5)]


@pytest.mark.rule("X-ICE-02")
def test_the_next_slice_goes_behind_all_visible_orders_of_the_price(venue: Any) -> None:
    v = venue(
        sell(0, 1, 100, 9, **iceberg(3)),
        sell(2, 1, 100, 2, Flag.HIDDEN),
        sell(1, 1, 100, 5),
        sell(1, 2, 101, 5),
    )
    v.process(market_buy(3, 1, 3))
    assert v.orders() == [
        ask(1, 1, 100, 5),
        ask(0, 1, 100, 3, reserve=3),
        ask(2, 1, 100, 2, hidden=1),
        ask(1, 2, 101, 5),
    ]


@pytest.mark.rule("X-ICE-02")
def test_the_same_aggressor_may_reach_it_again(venue: Any) -> None:
    v = venue(sell(0, 1, 100, 8, **iceberg(3)), sell(1, 1, 100, 5), sell(2, 1, 100, 1, Flag.HIDDEN))
    outcome = v.process(buy(3, 1, 100, 20))
    assert kit.shares(outcome) == [(0, 3), (1, 5), (0, 3), (0, 2), (2, 1)]
    assert v.orders() == [bid(3, 1, 100, 6)]


@pytest.mark.rule("X-ICE-02")
def test_two_icebergs_take_turns(venue: Any) -> None:
    v = venue(buy(0, 1, 100, 5, **iceberg(2)), buy(1, 1, 100, 5, **iceberg(1)))
    outcome = v.process(market_sell(2, 1, 7))
    assert kit.shares(outcome) == [(0, 2), (1, 1), (0, 2), (1, 1), (0, 1)]
    assert v.orders() == [bid(1, 1, 100, 1, reserve=2)]


@pytest.mark.rule("X-ICE-03")
def test_what_is_shown_is_from_1_to_all_lots(venue: Any) -> None:
    v = venue()
    for display_lots in (-1, 0, 11):
        message = buy(0, 1, 100, 10, **iceberg(display_lots))
        assert v.process(message) == refusal(message, Reason.BAD_DISPLAY)
    v.process(buy(0, 1, 100, 10, **iceberg(1)))
    v.process(buy(0, 2, 100, 10, **iceberg(10)))
    assert v.orders() == [bid(0, 1, 100, 1, reserve=9), bid(0, 2, 100, 10)]
    v.process(buy(0, 3, 99, 10, display_lots=4))  # no iceberg: what it would show is not read
    assert v.orders()[2] == bid(0, 3, 99, 10)


@pytest.mark.rule("X-ICE-03")
@pytest.mark.parametrize(
    ("lots", "display_lots", "fits"),
    [(1000, 1, True), (1001, 1, False), (2000, 2, True), (2001, 2, False), (2001, 3, True)],
)
def test_at_least_a_thousandth_is_shown(
    venue: Any, lots: int, display_lots: int, fits: bool
) -> None:
    message = buy(0, 1, 100, lots, **iceberg(display_lots))
    outcome = venue(rules=rules(max_lots=10_000)).process(message)
    expected = [accepted(message)] if fits else refusal(message, Reason.BAD_DISPLAY).reports
    assert outcome.reports == expected


@pytest.mark.rule("X-HID-01")
def test_a_hidden_order_sets_no_public_touch(venue: Any) -> None:
    v = venue(buy(0, 1, 98, 5), sell(0, 2, 102, 5))
    assert v.mid_2px == 200
    v.process(buy(1, 1, 100, 5, Flag.HIDDEN))
    v.process(sell(1, 2, 101, 5, Flag.HIDDEN))
    assert v.mid_2px == 200
    v.process(buy(0, 3, 99, 5))
    assert v.mid_2px == 201


@pytest.mark.rule("X-HID-01")
def test_behind_several_hidden_prices_the_first_visible_one_is_the_touch(venue: Any) -> None:
    v = venue(buy(0, 1, 97, 5), sell(0, 2, 103, 5))
    for slot, px in enumerate((98, 99, 100)):
        v.process(buy(1, slot, px, 5, Flag.HIDDEN))
    v.process(sell(0, 3, 101, 1))
    assert v.mid_2px == 198


@pytest.mark.rule("X-HID-01")
def test_a_better_hidden_price_trades_first(venue: Any) -> None:
    v = venue(sell(0, 1, 101, 5), sell(1, 1, 100, 2, Flag.HIDDEN))
    assert v.process(market_buy(2, 1, 3)).trades == [
        Trade(1, 1, 2, 1, BUY, 100, 2),
        Trade(0, 1, 2, 1, BUY, 101, 1),
    ]


@pytest.mark.rule("X-HID-01")
def test_at_its_price_it_trades_after_all_visible_orders_oldest_first(venue: Any) -> None:
    v = venue(
        buy(0, 1, 100, 1, Flag.HIDDEN),
        buy(1, 1, 100, 2),
        buy(2, 1, 100, 3, Flag.HIDDEN),
        buy(3, 1, 100, 4),
    )
    assert v.orders() == [
        bid(1, 1, 100, 2),
        bid(3, 1, 100, 4),
        bid(0, 1, 100, 1, hidden=1),
        bid(2, 1, 100, 3, hidden=1),
    ]
    assert kit.shares(v.process(market_sell(3, 2, 9))) == [(1, 2), (3, 4), (0, 1), (2, 2)]
