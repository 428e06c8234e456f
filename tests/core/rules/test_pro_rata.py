"""Pro-rata. Members 0, 1, 2 rest in this order; member 3 buys."""

from __future__ import annotations

from typing import Any

import pytest

from hftgym.core.constants import BUY, SELL, Flag, Matching, Phase, Reason, Stp
from hftgym.core.reference import Member, Trade
from tests.core.rules import kit
from tests.core.rules.kit import (
    FAMILY,
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
    sell,
)


def rules(**more: Any) -> Any:
    return kit.rules(matching=Matching.PRO_RATA, **more)


def queue(*lots: int, px: int = 100) -> list[Any]:
    """Return one sell order of each member, oldest first."""
    return [sell(owner, 1, px, size) for owner, size in enumerate(lots)]


def given(outcome: Any) -> list[int]:
    """Return what each of the first three members sold."""
    return [sum(t.lots for t in outcome.trades if t.maker == owner) for owner in range(3)]


# ------------------------------------------------------------------ by size
@pytest.mark.rule("X-PRO-01", "X-PRO-05", "X-PRO-06")
def test_who_takes_less_than_a_price_shares_it_by_size(venue: Any) -> None:
    v = venue(*queue(10, 30, 60), rules=rules())
    message = market_buy(3, 1, 50)
    outcome = v.process(message)
    assert outcome.trades == [
        Trade(0, 1, 3, 1, BUY, 100, 5),
        Trade(1, 1, 3, 1, BUY, 100, 15),
        Trade(2, 1, 3, 1, BUY, 100, 30),
    ]
    assert outcome.reports == [
        accepted(message),
        fill(0, 1, SELL, 100, 5),
        fill(3, 1, BUY, 100, 5),
        fill(1, 1, SELL, 100, 15),
        fill(3, 1, BUY, 100, 15),
        fill(2, 1, SELL, 100, 30),
        fill(3, 1, BUY, 100, 30),
    ]
    assert v.orders() == [ask(0, 1, 100, 5), ask(1, 1, 100, 15), ask(2, 1, 100, 30)]


@pytest.mark.rule("X-PRO-01")
def test_of_the_bids_too(venue: Any) -> None:
    v = venue(buy(0, 1, 100, 10), buy(1, 1, 100, 30), buy(2, 1, 99, 60), rules=rules())
    assert kit.shares(v.process(market_sell(3, 1, 20))) == [(0, 5), (1, 15)]


@pytest.mark.rule("X-PRO-01")
def test_who_takes_all_of_a_price_fills_by_time_and_shares_the_next_one(venue: Any) -> None:
    v = venue(*queue(10, 10), sell(1, 2, 101, 20), sell(2, 2, 101, 60), rules=rules())
    outcome = v.process(market_buy(3, 1, 28))
    assert [(t.maker, t.px, t.lots) for t in outcome.trades] == [
        (0, 100, 10),
        (1, 100, 10),
        (1, 101, 2),
        (2, 101, 6),
    ]


@pytest.mark.rule("X-PRO-05")
@pytest.mark.parametrize(
    ("lots", "takes", "expected"),
    [
        ((10, 10, 10), 10, [4, 3, 3]),  # a third each, and one by time
        ((2, 42, 56), 50, [1, 21, 28]),
        ((1, 1, 1), 2, [1, 1, 0]),  # nobody gets a whole lot by size
        ((5, 20, 75), 1, [1, 0, 0]),
        ((3, 3, 94), 99, [3, 3, 93]),  # 2.97, 2.97, 93.06: two left for the oldest
    ],
)
def test_shares_are_rounded_down_and_the_remainder_goes_by_time(
    venue: Any, lots: tuple[int, ...], takes: int, expected: list[int]
) -> None:
    v = venue(*queue(*lots), rules=rules())
    assert given(v.process(market_buy(3, 1, takes))) == expected


@pytest.mark.rule("X-PRO-05")
@pytest.mark.parametrize(
    ("least", "expected"),
    [(5, [5, 15, 30]), (6, [5, 15, 30]), (15, [5, 15, 30]), (16, [10, 10, 30])],
)
def test_a_share_below_the_least_allocation_is_none(
    venue: Any, least: int, expected: list[int]
) -> None:
    """Of 10, 30 and 60 lots, 50: shares of 5, 15 and 30. What is refused goes by time."""
    v = venue(*queue(10, 30, 60), rules=rules(min_alloc_lots=least))
    assert given(v.process(market_buy(3, 1, 50))) == expected


# ------------------------------------------------------------------ top
@pytest.mark.rule("X-PRO-02")
def test_who_made_the_best_price_is_served_first(venue: Any) -> None:
    """20 of the top; 10 of 80 and 70 of 80 of the other 30 are 3 and 26; 1 by time."""
    v = venue(*queue(30, 70), rules=rules(top_max_lots=20))
    assert given(v.process(market_buy(3, 1, 50))) == [24, 26, 0]


@pytest.mark.rule("X-PRO-02")
@pytest.mark.parametrize(
    ("most", "takes", "expected"),
    [(0, 50, [15, 35, 0]), (1000, 50, [30, 20, 0]), (1000, 29, [29, 0, 0]), (20, 7, [7, 0, 0])],
)
def test_it_gets_at_most_so_much_and_what_it_has(
    venue: Any, most: int, takes: int, expected: list[int]
) -> None:
    v = venue(*queue(30, 70), rules=rules(top_max_lots=most))
    assert given(v.process(market_buy(3, 1, takes))) == expected


@pytest.mark.rule("X-PRO-02")
def test_it_stays_on_top_while_it_stands_first(venue: Any) -> None:
    v = venue(*queue(40, 70), rules=rules(top_max_lots=20))
    v.process(market_buy(3, 1, 8))  # all of them to the top
    assert v.orders() == [ask(0, 1, 100, 32), ask(1, 1, 100, 70)]
    v.process(amend(0, 1, 100, 38))  # 8 have traded: 30 stay, in their place
    assert given(v.process(market_buy(3, 2, 50))) == [24, 26, 0]


@pytest.mark.rule("X-PRO-02")
def test_an_order_behind_the_best_price_is_never_on_top(venue: Any) -> None:
    v = venue(sell(2, 1, 99, 5), *queue(30, 70), rules=rules(top_max_lots=20))
    v.process(market_buy(3, 1, 5))
    assert given(v.process(market_buy(3, 2, 50))) == [15, 35, 0]


@pytest.mark.rule("X-PRO-02")
def test_who_inherits_the_first_place_is_not_on_top(venue: Any) -> None:
    v = venue(*queue(1, 30, 70), rules=rules(top_max_lots=20))
    v.process(cancel(0, 1))
    assert given(v.process(market_buy(3, 2, 50))) == [0, 15, 35]


@pytest.mark.rule("X-PRO-02")
def test_who_leaves_its_place_leaves_the_top_and_may_make_a_new_one(venue: Any) -> None:
    v = venue(*queue(29, 70), rules=rules(top_max_lots=20))
    v.process(amend(0, 1, 100, 30))
    assert v.orders() == [ask(1, 1, 100, 70), ask(0, 1, 100, 30)]
    assert kit.shares(v.process(market_buy(3, 1, 50))) == [(1, 35), (0, 15)]
    v.process(amend(1, 1, 99, 65))  # 30 are left, at a better price
    v.process(sell(2, 1, 99, 70))
    assert given(v.process(market_buy(3, 2, 50))) == [0, 24, 26]


@pytest.mark.rule("X-PRO-02")
def test_the_next_slice_of_an_iceberg_is_not_on_top(venue: Any) -> None:
    v = venue(sell(0, 1, 100, 60, **iceberg(30)), sell(1, 1, 100, 70), rules=rules(top_max_lots=30))
    assert given(v.process(market_buy(3, 1, 30))) == [30, 0, 0]
    assert v.orders() == [ask(1, 1, 100, 70), ask(0, 1, 100, 30)]
    assert given(v.process(market_buy(3, 2, 50))) == [15, 35, 0]


@pytest.mark.rule("X-PRO-02")
def test_nor_is_it_when_it_has_nobody_to_go_behind(venue: Any) -> None:
    v = venue(sell(0, 1, 100, 60, **iceberg(30)), rules=rules(top_max_lots=30))
    v.process(market_buy(3, 1, 30))
    v.process(sell(1, 1, 100, 70))
    assert v.orders() == [ask(0, 1, 100, 30), ask(1, 1, 100, 70)]
    assert given(v.process(market_buy(3, 2, 50))) == [15, 35, 0]


@pytest.mark.rule("X-PRO-02")
def test_orders_of_a_call_phase_are_not_on_top(venue: Any) -> None:
    v = venue(*queue(30, 70), rules=rules(top_max_lots=20), phase=Phase.OPENING_AUCTION)
    v.set_phase(Phase.CONTINUOUS)
    assert given(v.process(market_buy(3, 1, 50))) == [15, 35, 0]


# ------------------------------------------------------------------ agreements and time
@pytest.mark.rule("X-PRO-03")
def test_market_makers_get_their_percentage_first(venue: Any) -> None:
    """A fifth and a tenth of 50: 10 and 5; the other 35 by size of 60, 20 and 5."""
    members = [Member(0), Member(1, lmm_percent=20), Member(2, lmm_percent=10), 3]
    v = venue(*queue(60, 30, 10), rules=rules(), members=members)
    assert given(v.process(market_buy(3, 1, 50))) == [24 + 1, 10 + 8, 5 + 2]


@pytest.mark.rule("X-PRO-03")
def test_a_percentage_is_rounded_down_and_at_most_all_of_the_order(venue: Any) -> None:
    members = [Member(0), Member(1, lmm_percent=50), 2, 3]
    v = venue(*queue(95, 5), rules=rules(), members=members)
    assert given(v.process(market_buy(3, 1, 40))) == [35, 5, 0]
    v = venue(*queue(600, 400), rules=rules(), members=members)  # 252 of 505, then 202 and 50
    assert given(v.process(market_buy(3, 1, 505))) == [202 + 1, 252 + 50, 0]
    v = venue(*queue(96, 4), rules=rules(fifo_percent=100), members=members)
    assert given(v.process(market_buy(3, 1, 5))) == [3, 2, 0]


@pytest.mark.rule("X-PRO-03")
def test_the_orders_of_a_market_maker_share_its_percentage_by_time(venue: Any) -> None:
    """A fifth of 50 is 6 and 4, a tenth 5; 35 by size of 60, 0, 20 and 5, and 1 by time."""
    members = [Member(0), Member(1, lmm_percent=20), Member(2, lmm_percent=10), 3]
    book = [sell(0, 1, 100, 60), sell(1, 1, 100, 6), sell(1, 2, 100, 24), sell(2, 1, 100, 10)]
    v = venue(*book, rules=rules(), members=members)
    assert kit.shares(v.process(market_buy(3, 1, 50))) == [
        (0, 24 + 1),
        (1, 6),
        (1, 4 + 8),
        (2, 5 + 2),
    ]


@pytest.mark.rule("X-PRO-03", "X-PRO-02")
def test_the_percentage_is_of_what_the_top_leaves(venue: Any) -> None:
    """250 on top; two fifths of 150 are 60; 90 by size of 50, 15 and 100; 1 by time."""
    members = [0, 1, Member(2, lmm_percent=40), 3]
    v = venue(*queue(300, 15, 160), rules=rules(top_max_lots=250), members=members)
    assert given(v.process(market_buy(3, 1, 400))) == [250 + 27 + 1, 8, 60 + 54]


@pytest.mark.rule("X-PRO-04")
@pytest.mark.parametrize(
    ("percent", "expected"),
    [
        (0, [5, 15, 30]),
        (50, [10, 15 + 5, 20]),  # 25 by time, 25 by size of 0, 15 and 60
        (51, [10, 15 + 5, 20]),  # 25.5
        (100, [10, 30, 10]),
    ],
)
def test_a_part_goes_by_time(venue: Any, percent: int, expected: list[int]) -> None:
    v = venue(*queue(10, 30, 60), rules=rules(fifo_percent=percent))
    assert given(v.process(market_buy(3, 1, 50))) == expected


@pytest.mark.rule("X-PRO-04")
def test_that_part_is_rounded_down(venue: Any) -> None:
    """Half of 505 is 252 by time; 253 by size of 0, 148 and 600 are 50 and 202; 1 by time."""
    v = venue(*queue(100, 300, 600), rules=rules(fifo_percent=50))
    assert given(v.process(market_buy(3, 1, 505))) == [100, 152 + 50 + 1, 202]


@pytest.mark.rule("X-PRO-02", "X-PRO-03", "X-PRO-04", "X-PRO-05")
@pytest.mark.parametrize(("percent", "expected"), [(100, [1, 45, 4]), (0, [1, 30, 19])])
def test_all_steps_follow_one_another(venue: Any, percent: int, expected: list[int]) -> None:
    """1 on top; 9 and 4 by agreement; 36 by time, or by size of 50 and 36 and 1 by time."""
    members = [0, Member(1, lmm_percent=20), Member(2, lmm_percent=10), 3]
    settings = rules(top_max_lots=1000, fifo_percent=percent)
    v = venue(*queue(1, 59, 40), rules=settings, members=members)
    assert given(v.process(market_buy(3, 1, 50))) == expected


# ------------------------------------------------------------------ reserves, hidden, own
@pytest.mark.rule("X-PRO-06")
def test_shares_are_of_shown_lots(venue: Any) -> None:
    book = [sell(0, 1, 100, 100, **iceberg(10)), sell(1, 1, 100, 30)]
    v = venue(*book, rules=rules())
    assert kit.shares(v.process(market_buy(3, 1, 20))) == [(0, 5), (1, 15)]
    assert v.orders() == [ask(0, 1, 100, 5, reserve=90), ask(1, 1, 100, 15)]
    v = venue(*book, rules=rules())
    assert kit.shares(v.process(market_buy(3, 1, 40))) == [(0, 10), (1, 30)]
    v = venue(*book, rules=rules())  # rounds of 40, 10 and 5
    assert kit.shares(v.process(market_buy(3, 1, 55))) == [(0, 10), (1, 30), (0, 10), (0, 5)]


@pytest.mark.rule("X-PRO-06")
def test_a_share_that_is_a_whole_slice_shows_the_next_one(venue: Any) -> None:
    """With all by time the slice of 10 is gone first, and waits behind the others then."""
    book = [sell(0, 1, 100, 15, **iceberg(10)), sell(1, 1, 100, 30)]
    v = venue(*book, rules=rules(fifo_percent=100))
    assert kit.shares(v.process(market_buy(3, 1, 20))) == [(0, 10), (1, 10)]
    assert v.orders() == [ask(1, 1, 100, 20), ask(0, 1, 100, 5)]


@pytest.mark.rule("X-PRO-06", "X-ICE-02")
def test_new_slices_are_shared_by_size_in_a_round_of_their_own(venue: Any) -> None:
    book = [sell(0, 1, 100, 60, **iceberg(30)), sell(1, 1, 100, 20, **iceberg(10))]
    v = venue(*book, rules=rules())
    assert kit.shares(v.process(market_buy(3, 1, 60))) == [(0, 30), (1, 10), (0, 15), (1, 5)]
    assert v.orders() == [ask(0, 1, 100, 15), ask(1, 1, 100, 5)]


@pytest.mark.rule("X-PRO-06", "X-HID-01")
def test_hidden_orders_come_after_the_visible_ones_by_time(venue: Any) -> None:
    book = [
        sell(2, 1, 100, 50, Flag.HIDDEN),
        sell(0, 1, 100, 10),
        sell(2, 2, 100, 9, Flag.HIDDEN),
        sell(1, 1, 100, 30),
    ]
    v = venue(*book, rules=rules())
    assert kit.shares(v.process(market_buy(3, 1, 20))) == [(0, 5), (1, 15)]
    v = venue(*book, rules=rules())
    assert kit.shares(v.process(market_buy(3, 1, 95))) == [(0, 10), (1, 30), (2, 50), (2, 5)]


@pytest.mark.rule("X-PRO-06", "X-STP-01")
def test_own_orders_are_treated_first(venue: Any) -> None:
    book = [sell(2, 1, 100, 30), sell(0, 1, 100, 10), sell(3, 1, 100, 60)]
    v = venue(*book, members=FAMILY, rules=rules(stp=Stp.CANCEL_OLDEST))
    outcome = v.process(buy(1, 1, 100, 45))
    assert kit.heard(outcome, 0) == [ended(0, 1, SELL, 100, 10, Reason.SELF_TRADE)]
    assert kit.shares(outcome) == [(2, 15), (3, 30)]

    v = venue(*book, members=FAMILY, rules=rules(stp=Stp.CANCEL_NEWEST))
    outcome = v.process(buy(1, 1, 100, 45))
    assert outcome.trades == []
    assert outcome.reports[1:] == [ended(1, 1, BUY, 100, 45, Reason.SELF_TRADE)]
    assert v.orders() == [ask(2, 1, 100, 30), ask(0, 1, 100, 10), ask(3, 1, 100, 60)]

    v = venue(*book, members=FAMILY, rules=rules(stp=Stp.DECREMENT))
    assert kit.shares(v.process(buy(1, 1, 100, 45))) == [(2, 12), (3, 23)]  # of 35

    v = venue(*book, members=FAMILY, rules=rules(stp=Stp.OFF))
    assert kit.shares(v.process(buy(1, 1, 100, 50))) == [(2, 15), (0, 5), (3, 30)]


@pytest.mark.rule("X-PRO-06", "X-STP-01")
def test_own_orders_of_a_price_that_is_not_reached_stay(venue: Any) -> None:
    book = [sell(2, 1, 99, 30), sell(0, 1, 100, 10), sell(3, 1, 100, 60)]
    v = venue(*book, members=FAMILY, rules=rules(stp=Stp.CANCEL_OLDEST))
    assert kit.shares(v.process(buy(1, 1, 100, 30))) == [(2, 30)]
    assert v.orders() == [ask(0, 1, 100, 10), ask(3, 1, 100, 60)]
    v.process(buy(1, 1, 99, 1))
    assert v.orders()[0] == bid(1, 1, 99, 1)
