"""Vectors that other projects and venues state in words: orders, one by one, on both exchanges.

Each test names its source. Where venues differ, it says which choice holds here. Money is exact: a
price of 10.02 is 1002, a size of 0.6 is 6.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from hftgym.core.constants import Flag, Phase, Reason, ReportKind, Stp
from hftgym.core.reference import Message
from tests.core.rules.kit import (
    amend,
    ask,
    bid,
    buy,
    cancel,
    heard,
    iceberg,
    market_buy,
    prints,
    sell,
    shares,
    state,
)

Open = Callable[..., Any]


def reason(venue: Any, message: Message) -> Reason:
    """Send a message that must be refused; return why, after checking that nothing changed."""
    before = state(venue)
    outcome = venue.process(message)
    assert [report.kind for report in outcome.reports] == [ReportKind.REJECTED]
    assert state(venue) == before
    return Reason(outcome.reports[0].reason)


# ------------------------------------------------------------------ exchange-core
#: The book of its OrderBookBaseTest; an order's id is its slot.
BASE = (
    sell(0, 1, 81_600, 100),
    sell(0, 2, 81_599, 50),
    sell(0, 3, 81_599, 25),
    sell(0, 8, 201_000, 28),
    sell(0, 9, 201_000, 32),
    sell(0, 10, 200_954, 10),
    buy(0, 4, 81_593, 40),
    buy(0, 5, 81_590, 20),
    buy(0, 6, 81_590, 1),
    buy(0, 7, 81_200, 20),
)
BUDGET = Flag.FOK | Flag.BUDGET


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        (buy(1, 1, 15_284_694, 180, BUDGET), None),
        (buy(1, 1, 15_284_695, 180, BUDGET), [(2, 50), (3, 25), (1, 100), (10, 5)]),
        (buy(1, 1, 14_480_880, 176, BUDGET), [(2, 50), (3, 25), (1, 100), (10, 1)]),
        (sell(1, 1, 4_895_520, 60, BUDGET), [(4, 40), (5, 20)]),
        (sell(1, 1, 4_895_521, 60, BUDGET), None),
        (sell(1, 1, 4_977_109, 61, BUDGET), [(4, 40), (5, 20), (6, 1)]),
    ],
)
def test_a_budget_is_kept_to_the_unit(
    venue: Open, message: Message, expected: list[tuple[int, int]] | None
) -> None:
    """exchange-core, FOK with a budget."""
    v = venue(*BASE)
    if expected is None:
        assert reason(v, message) == Reason.FOK_KILLED
        return
    outcome = v.process(message)
    assert [(trade.maker_slot, trade.lots) for trade in outcome.trades] == expected
    left = {row[5]: row[2] for row in v.orders() if row[4] == 0}
    assert left.get(10) == (10 - dict(expected)[10] if 10 in dict(expected) else 10)


def test_nobody_reaches_the_order_of_another(venue: Open) -> None:
    """exchange-core: cancel, move and reduce of another user's order."""
    v = venue(*BASE)
    for message in (cancel(1, 5), amend(1, 5, 81_594, 20), amend(1, 5, 81_590, 10)):
        assert reason(v, message) == Reason.TOO_LATE


def test_an_id_in_use_is_refused_and_one_that_is_gone_is_free(venue: Open) -> None:
    """exchange-core rejects a duplicate without changing the book; here it is told why."""
    v = venue(*BASE)
    assert reason(v, buy(0, 5, 81_599, 500)) == Reason.DUPLICATE_ID
    v.process(cancel(0, 5))
    assert v.process(buy(0, 5, 81_000, 7)).reports[0].kind == ReportKind.ACCEPTED
    assert bid(0, 5, 81_000, 7) in v.orders()


def test_fees_of_1731_lots(venue: Open) -> None:
    """exchange-core ITFeesExchange: a resting buyer, an IOC seller, all money in the sum."""
    px, step, maker_fee, taker_fee, lots = 11_500, 10, 19, 23, 1_731
    v = venue(
        buy(0, 1, px, lots), unit_value=step, maker_fee=maker_fee, taker_fee=taker_fee
    )  # fmt: skip
    v.process(sell(1, 1, px, lots, Flag.IOC))
    assert v.accounts[0].cash == -(px * step + maker_fee) * lots
    assert v.accounts[1].cash == (px * step - taker_fee) * lots
    assert v.fee_account == (maker_fee + taker_fee) * lots
    assert v.accounts[0].cash + v.accounts[1].cash + v.fee_account == 0


# ------------------------------------------------------------------ self-trade prevention
FAMILY = (7, 7, 8, 9)  # members 0 and 1 are of one firm
MODES = [Stp.CANCEL_OLDEST, Stp.CANCEL_NEWEST, Stp.CANCEL_BOTH, Stp.DECREMENT]


@pytest.mark.parametrize("stp", MODES)
def test_prevention_looks_at_the_next_order_in_price_and_time(venue: Open, stp: Stp) -> None:
    """TSX guide, p. 25, under price and time: broker B stands before A's own order."""
    v = venue(
        sell(2, 1, 1002, 400), sell(3, 1, 1002, 100), sell(0, 1, 1002, 200), sell(2, 2, 1003, 200),
        members=FAMILY, stp=stp,
    )  # fmt: skip
    assert shares(v.process(market_buy(1, 1, 100))) == [(2, 100)]
    assert ask(0, 1, 1002, 200) in v.orders()


def test_the_mode_of_the_taker_counts(venue: Open) -> None:
    """Binance, scenario E: maker EXPIRE_MAKER, taker EXPIRE_TAKER: the taker expires."""
    v = venue(buy(0, 1, 10, 10, stp=Stp.CANCEL_OLDEST + 1), members=FAMILY)
    outcome = v.process(sell(1, 1, 10, 30, stp=Stp.CANCEL_NEWEST + 1))
    assert outcome.trades == []
    assert heard(outcome, 1)[-1].reason == Reason.SELF_TRADE
    assert v.orders() == [bid(0, 1, 10, 10)]


@pytest.mark.parametrize("stp", [Stp.OFF, *MODES])
def test_original_less_executed_less_prevented_is_open(venue: Open, stp: Stp) -> None:
    """Binance: what is told of an order adds up to what is open of it."""
    orders = [buy(0, 1, 12, 12), buy(2, 1, 11, 5), buy(0, 2, 10, 40), sell(1, 1, 10, 30)]
    v = venue(*orders[:3], members=FAMILY, stp=stp)
    outcome = v.process(orders[3])
    for order in orders:
        is_open = order.lots
        for report in heard(outcome, order.participant):
            if report.slot != order.slot:
                continue
            if report.kind == ReportKind.FILL:
                is_open -= report.lots
            elif report.reason == Reason.SELF_TRADE:
                prevented = (
                    report.lots if report.kind == ReportKind.CANCELLED else is_open - report.lots
                )
                is_open -= prevented
        resting = [row[2] for row in v.orders() if row[4:6] == (order.participant, order.slot)]
        assert sum(resting) == is_open
    assert outcome.reports


def test_a_transfer_within_a_firm_moves_money_but_no_price(venue: Open) -> None:
    """Binance, scenario H (TRANSFER): here a self-trade with mode OFF."""
    v = venue(buy(0, 1, 2, 6), members=FAMILY, stp=Stp.OFF, start_px=3)
    v.process(sell(1, 1, 2, 2))
    maker, taker = v.accounts[:2]
    assert (maker.position, maker.cash, maker.open_buy_lots * 2) == (2, -4, 8)
    assert (taker.position, taker.cash, taker.open_sell_lots) == (-2, 4, 0)
    assert v.last_px == 3


@pytest.mark.parametrize(
    ("maker", "taker", "left"),
    [
        (60, 20, [bid(0, 1, 20, 40)]),
        (20, 60, [ask(1, 1, 20, 40)]),
        (20, 20, []),
    ],
)
def test_the_smaller_order_goes_and_the_larger_shrinks(
    venue: Open, maker: int, taker: int, left: list[Any]
) -> None:
    """Coinbase, decrement and cancel."""
    v = venue(buy(0, 1, 20, maker), members=FAMILY, stp=Stp.DECREMENT)
    assert v.process(sell(1, 1, 20, taker)).trades == []
    assert v.orders() == left


# ------------------------------------------------------------------ modify
QUEUE = (buy(0, 1, 100, 10), buy(1, 1, 100, 10), buy(2, 1, 100, 10))


@pytest.mark.parametrize(
    ("px", "lots", "owners"),
    [
        (100, 9, [0, 1, 2]),  # fewer: keeps its place
        (100, 10, [0, 1, 2]),  # the same: nothing happens (Vega)
        (100, 11, [1, 2, 0]),  # more: behind the others
        (99, 10, [1, 2, 0]),
        (101, 10, [0, 1, 2]),  # another price
    ],
)
def test_what_an_amend_does_to_the_place(
    venue: Open, px: int, lots: int, owners: list[int]
) -> None:
    """CME, TSX and Binance agree."""
    v = venue(*QUEUE)
    v.process(amend(0, 1, px, lots))
    assert [row[4] for row in v.orders()] == owners
    assert bid(0, 1, px, lots) in v.orders()
    v.process(amend(0, 1, 100, lots))
    assert [row[4] for row in v.orders()] == ([0, 1, 2] if px == 100 and lots < 11 else [1, 2, 0])


def test_a_refused_amend_leaves_the_place(venue: Open) -> None:
    """NautilusTrader: a post-only order whose new price would trade."""
    v = venue(buy(0, 1, 100, 10, Flag.POST_ONLY), *QUEUE[1:], sell(3, 1, 103, 5))
    assert reason(v, amend(0, 1, 103, 10)) == Reason.POST_ONLY_CROSS
    assert shares(v.process(sell(3, 2, 100, 4))) == [(0, 4)]


@pytest.mark.parametrize("total", [3, 4])
def test_an_amend_to_what_has_traded_ends_the_order(venue: Open, total: int) -> None:
    """NautilusTrader refuses it, Vega cancels: here it cancels."""
    v = venue(*QUEUE)
    v.process(sell(3, 1, 100, 4))
    v.process(amend(0, 1, 100, total))
    assert v.orders() == [bid(1, 1, 100, 10), bid(2, 1, 100, 10)]


def test_an_iceberg_shows_less_only_when_less_is_left(venue: Open) -> None:
    """Binance: the visible part changes when the new quantity is smaller. TSX: place is kept."""
    v = venue(buy(0, 1, 100, 30, **iceberg(10)), *QUEUE[1:])
    for total, shown, reserve in ((15, 10, 5), (10, 10, 0), (4, 4, 0)):
        v.process(amend(0, 1, 100, total))
        assert v.orders()[0] == bid(0, 1, 100, shown, reserve)


# ------------------------------------------------------------------ icebergs and hidden orders
def test_an_iceberg_trades_with_all_its_lots_as_an_aggressor(venue: Open) -> None:
    """Vega 0014-ORDT: 100 against 30, 40 and 50."""
    v = venue(sell(0, 1, 100, 30), sell(1, 1, 100, 40), sell(2, 1, 100, 50))
    assert shares(v.process(buy(3, 1, 100, 100, **iceberg(10)))) == [(0, 30), (1, 40), (2, 30)]
    assert v.orders() == [ask(2, 1, 100, 20)]


def test_what_an_aggressive_iceberg_leaves_rests_with_a_reserve(venue: Open) -> None:
    """Vega 0014-ORDT: 100 against 30 and 20, so that 50 rest."""
    v = venue(sell(0, 1, 100, 30), sell(1, 1, 100, 20))
    assert shares(v.process(buy(3, 1, 100, 100, **iceberg(10)))) == [(0, 30), (1, 20)]
    assert v.orders() == [bid(3, 1, 100, 10, 40)]


def test_slices_go_behind_in_the_order_in_which_they_were_used_up(venue: Open) -> None:
    """Vega 0014-ORDT; here the next slice is shown at once, as at the TSX."""
    v = venue(
        buy(0, 1, 100, 30, **iceberg(10)), buy(1, 1, 100, 20, **iceberg(5)), buy(2, 1, 100, 7)
    )  # fmt: skip
    assert shares(v.process(sell(3, 1, 100, 16))) == [(0, 10), (1, 5), (2, 1)]
    assert v.orders() == [
        bid(2, 1, 100, 6), bid(0, 1, 100, 10, 10), bid(1, 1, 100, 5, 10)
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        (buy(0, 1, 100, 10, Flag.ICEBERG | Flag.IOC, display_lots=5), Reason.BAD_MESSAGE),
        (buy(0, 1, 100, 10, Flag.ICEBERG | Flag.FOK, display_lots=5), Reason.BAD_MESSAGE),
        (market_buy(0, 1, 10, Flag.ICEBERG, display_lots=5), Reason.BAD_MESSAGE),
        (buy(0, 1, 100, 10, Flag.ICEBERG, display_lots=11), Reason.BAD_DISPLAY),
        (buy(0, 1, 100, 10, Flag.ICEBERG, display_lots=0), Reason.BAD_DISPLAY),
    ],
)
def test_icebergs_that_are_refused(venue: Open, message: Message, expected: Reason) -> None:
    """Vega 0014-ORDT."""
    assert reason(venue(sell(1, 1, 100, 50)), message) == expected


# ------------------------------------------------------------------ post-only, FOK, time in force
@pytest.mark.parametrize("lots", [5, 50])
def test_post_only_stops_in_full_when_any_of_it_would_trade(venue: Open, lots: int) -> None:
    v = venue(sell(1, 1, 100, 10))
    assert reason(v, buy(0, 1, 100, lots, Flag.POST_ONLY)) == Reason.POST_ONLY_CROSS
    assert reason(v, buy(0, 1, 101, lots, Flag.POST_ONLY)) == Reason.POST_ONLY_CROSS


@pytest.mark.parametrize("flags", [Flag.IOC, Flag.FOK, Flag.POST_ONLY])
def test_orders_that_a_call_can_not_serve(venue: Open, flags: int) -> None:
    v = venue(sell(1, 1, 100, 10), phase=Phase.OPENING_AUCTION)
    assert reason(v, buy(0, 1, 100, 5, flags)) == Reason.NOT_IN_PHASE


def test_an_end_that_is_now_or_past_is_refused_on_entry(venue: Open) -> None:
    v = venue()
    v.advance(1_000)
    for expire_ns in (999, 1_000):
        message = buy(0, 1, 100, 5, Flag.GTD, expire_ns=expire_ns)
        assert reason(v, message) == Reason.BAD_EXPIRY


def test_an_order_that_expires_leaves_before_its_volume_is_used(venue: Open) -> None:
    v = venue(sell(0, 1, 100, 5, Flag.GTD, expire_ns=1_000), sell(1, 1, 101, 5))
    v.advance(999)
    assert prints(v.process(market_buy(2, 1, 1))) == [(100, 1)]
    v.advance(1_000)
    assert prints(v.process(market_buy(2, 2, 1))) == [(101, 1)]


def test_fok_counts_hidden_lots_and_reserves(venue: Open) -> None:
    v = venue(
        sell(0, 1, 100, 4, Flag.HIDDEN), sell(1, 1, 100, 20, **iceberg(5)), sell(2, 1, 100, 6)
    )  # fmt: skip
    assert reason(v, buy(3, 1, 100, 31, Flag.FOK)) == Reason.FOK_KILLED
    assert sum(lots for _, lots in shares(v.process(buy(3, 1, 100, 30, Flag.FOK)))) == 30


def test_fok_does_not_count_orders_that_prevention_would_remove(venue: Open) -> None:
    v = venue(sell(0, 1, 100, 6), sell(2, 1, 100, 6), members=FAMILY, stp=Stp.CANCEL_OLDEST)
    assert reason(v, buy(1, 1, 100, 7, Flag.FOK)) == Reason.FOK_KILLED
    assert shares(v.process(buy(1, 1, 100, 6, Flag.FOK))) == [(2, 6)]
