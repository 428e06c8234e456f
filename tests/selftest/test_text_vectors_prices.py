"""Vectors in words, continued: stops, market orders, call auctions and money, on both exchanges."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from hftgym.core.constants import BUY, SELL, Flag, Phase, Reason, ReportKind
from hftgym.core.reference import Message
from tests.core.rules.kit import (
    ask,
    bid,
    buy,
    cancel,
    heard,
    market_buy,
    market_sell,
    prints,
    sell,
    stop,
)

Open = Callable[..., Any]


def pairs(outcome: Any) -> list[tuple[int, int, int]]:
    """Return buyer, seller and lots of each trade of an uncross; ids are slots."""
    return [(trade.taker_slot, trade.maker_slot, trade.lots) for trade in outcome.trades]


# ------------------------------------------------------------------ stops
#: Liquibook: last 55, 53 x 57, a buy stop at 56 and a sell stop at 54, all of 100 lots.
STOPS = (
    sell(0, 1, 55, 1),
    buy(1, 1, 55, 1),
    buy(0, 2, 53, 100),
    sell(0, 3, 57, 100),
    market_buy(2, 1, 100, **stop(56)),
    market_sell(3, 1, 100, **stop(54)),
)


@pytest.mark.parametrize(
    ("maker", "taker", "sleeper", "expected", "last_px"),
    [
        (sell(0, 4, 56, 1000), buy(1, 2, 56, 1000), 2, [(56, 1000), (57, 100)], 57),
        (buy(0, 4, 54, 1000), sell(1, 2, 54, 1000), 3, [(54, 1000), (53, 100)], 53),
    ],
)
def test_a_trade_wakes_the_stop_that_it_reaches(
    venue: Open,
    maker: Message,
    taker: Message,
    sleeper: int,
    expected: list[tuple[int, int]],
    last_px: int,
) -> None:
    """Liquibook."""
    v = venue(*STOPS)
    assert (v.last_px, len(v.stops())) == (55, 2)
    assert v.process(maker).trades == []
    outcome = v.process(taker)
    assert prints(outcome) == expected
    assert outcome.trades[1].taker == sleeper
    assert (v.last_px, len(v.stops())) == (last_px, 1)


def test_a_stop_that_is_through_wakes_at_once(venue: Open) -> None:
    """Liquibook."""
    v = venue(*STOPS[:4])
    assert prints(v.process(market_buy(1, 5, 40, **stop(55)))) == [(57, 40)]


def test_a_long_cascade_ends_and_drops_nobody(venue: Open) -> None:
    """Each stop buys at the price that wakes the next one: more than one message may wake."""
    count = 45
    v = venue(
        *(sell(0, k, 100 + k, 1) for k in range(count + 1)),
        *(market_buy(1 + k % 3, k, 1, **stop(100 + k)) for k in range(count)),
    )
    outcome = v.process(market_buy(1, 60, 1))
    assert prints(outcome) == [(100 + k, 1) for k in range(count + 1)]
    assert (v.stops(), v.orders()) == ([], [])
    assert v.last_px == 100 + count


# ------------------------------------------------------------------ Euronext
def test_a_market_order_does_not_rest(venue: Open) -> None:
    """Euronext rests the 40 lots that are left as a market order: here they are cancelled."""
    v = venue(sell(0, 1, 1020, 100), sell(1, 1, 1030, 60))
    outcome = v.process(market_buy(2, 1, 200))
    assert prints(outcome) == [(1020, 100), (1030, 60)]
    last = heard(outcome, 2)[-1]
    assert (last.kind, last.reason, last.lots) == (ReportKind.CANCELLED, Reason.IOC_REST, 40)


def test_market_orders_meet_in_a_call_at_the_last_price(venue: Open) -> None:
    """Euronext: market bids of 90 and 10, last 10, a market order to sell 170."""
    v = venue(
        market_buy(0, 1, 90), market_buy(1, 2, 10), market_sell(2, 3, 170),
        phase=Phase.OPENING_AUCTION, reference_px=1000,
    )  # fmt: skip
    outcome = v.set_phase(Phase.CONTINUOUS)
    assert prints(outcome) == [(1000, 90), (1000, 10)]
    last = heard(outcome, 2)[-1]
    assert (last.kind, last.reason, last.lots) == (ReportKind.CANCELLED, Reason.IOC_REST, 70)


def test_market_to_limit(venue: Open) -> None:
    """Euronext: bids at 15, 12 and 10, a sale of 25: 10 at 15, and 15 rest at 15."""
    v = venue(buy(0, 1, 15, 10), buy(0, 2, 12, 10), buy(0, 3, 10, 10))
    assert prints(v.process(market_sell(1, 1, 25, Flag.TO_LIMIT))) == [(15, 10)]
    assert v.orders() == [bid(0, 2, 12, 10), bid(0, 3, 10, 10), ask(1, 1, 15, 15)]


# ------------------------------------------------------------------ call auctions
def test_who_trades_with_whom_in_an_uncross(venue: Open) -> None:
    """Euronext: A-D 40, A-E 10, G-E 20, B-E 70, all at 10.10; of B 20 are left."""
    a, b, c, d, e, f, g = range(7)
    v = venue(
        market_buy(0, a, 50), buy(0, b, 1010, 90), buy(0, c, 990, 10), market_sell(1, d, 40),
        sell(1, e, 1008, 100), sell(1, f, 1015, 60), market_buy(0, g, 20),
        phase=Phase.OPENING_AUCTION, reference_px=1000,
    )  # fmt: skip
    outcome = v.set_phase(Phase.CONTINUOUS)
    assert pairs(outcome) == [(a, d, 40), (a, e, 10), (g, e, 20), (b, e, 70)]
    assert {trade.px for trade in outcome.trades} == {1010}
    assert v.orders()[0] == bid(0, b, 1010, 20)


def test_how_much_each_order_trades_in_an_uncross(venue: Open) -> None:
    """CoinTossX, JSE rules: market orders first, then price, then time."""
    v = venue(
        buy(0, 1, 10_550, 10_000), buy(0, 2, 10_450, 5_600), buy(0, 3, 10_400, 200),
        sell(1, 4, 10_300, 6_900), sell(1, 5, 10_450, 1_000), sell(1, 6, 10_600, 200),
        market_sell(1, 7, 2_500), phase=Phase.OPENING_AUCTION, reference_px=None,
    )  # fmt: skip
    traded: dict[int, int] = {}
    for buyer, seller, lots in pairs(v.set_phase(Phase.CONTINUOUS)):
        traded[buyer] = traded.get(buyer, 0) + lots
        traded[seller] = traded.get(seller, 0) + lots
    assert traded == {1: 10_000, 2: 400, 7: 2_500, 4: 6_900, 5: 1_000}


@pytest.mark.parametrize(
    ("book", "tick_px", "reference_px", "expected"),
    [
        # every tick is a candidate, the reference too
        ((buy(0, 1, 104, 10), sell(1, 1, 96, 10)), 1, 101, (101, 10, 0)),
        ((buy(0, 1, 104, 10), sell(1, 1, 96, 10)), 1, 90, (96, 10, 0)),
        ((buy(0, 1, 104, 10), sell(1, 1, 96, 10)), 1, 110, (104, 10, 0)),
        # equally near: the higher one
        ((buy(0, 1, 104, 10), sell(1, 1, 96, 10)), 2, 101, (102, 10, 0)),
        # no reference: the middle, rounded down
        ((buy(0, 1, 103, 10), sell(1, 1, 96, 10)), 1, None, (99, 10, 0)),
        # market orders alone: the reference, without one nothing
        ((market_buy(0, 1, 10), market_sell(1, 1, 7)), 1, 101, (101, 7, 3)),
        ((market_buy(0, 1, 10), market_sell(1, 1, 7)), 1, None, None),
    ],
)
def test_choices_that_venues_make_differently(
    venue: Open,
    book: tuple[Message, ...],
    tick_px: int,
    reference_px: int | None,
    expected: tuple[int, int, int] | None,
) -> None:
    v = venue(*book, phase=Phase.OPENING_AUCTION, tick_px=tick_px, reference_px=reference_px)
    assert v.indication() == expected
    outcome = v.set_phase(Phase.CONTINUOUS)
    assert prints(outcome) == ([] if expected is None else [expected[:2]])


@pytest.mark.parametrize(
    ("orders", "expected"),
    [
        ((buy(2, 1, 1300, 20), sell(3, 1, 1150, 10)), (1205, 11)),
        ((sell(2, 1, 700, 20), buy(3, 1, 950, 10)), (895, 11)),
        ((buy(2, 1, 1205, 20), sell(3, 1, 1150, 10)), (1205, 11)),
        ((sell(2, 1, 895, 20), buy(3, 1, 950, 10)), (895, 11)),
    ],
)
def test_the_band_around_the_touch(
    venue: Open, orders: tuple[Message, ...], expected: tuple[int, int]
) -> None:
    """Nasdaq: 10.00 x 11.00 and 10 % allow 8.95 to 12.05."""
    v = venue(buy(0, 1, 1000, 1), sell(1, 1, 1100, 1), collar_bps=1_000, call_ns=1_000)
    v.set_phase(Phase.CLOSING_AUCTION)
    for message in orders:
        v.process(message)
    traded = prints(v.set_phase(Phase.CLOSED))
    assert {px for px, _ in traded} == {expected[0]}
    assert sum(lots for _, lots in traded) == expected[1]


def test_a_price_outside_of_the_band_prolongs_the_call_once(venue: Open) -> None:
    """Nasdaq's band: 12.06 is not allowed, and the call goes on instead."""
    v = venue(buy(0, 1, 1000, 1), sell(1, 1, 1100, 1), collar_bps=1_000, call_ns=1_000)
    v.set_phase(Phase.CLOSING_AUCTION)
    for message in (buy(2, 1, 1300, 50), sell(3, 1, 1206, 20)):
        v.process(message)
    assert v.set_phase(Phase.CLOSED).trades == []
    assert v.phase == Phase.CLOSING_AUCTION
    assert v.advance(999).trades == []
    assert prints(v.advance(1_000)) == [(1300, 1), (1300, 20)]
    assert v.phase == Phase.CLOSED


# ------------------------------------------------------------------ money
@pytest.mark.parametrize("taker_fee", [0, 1])
def test_profit_does_not_depend_on_how_cost_is_counted(venue: Open, taker_fee: int) -> None:
    """Buy 10 at 100 and 10 at 110, sell 15 at 120: cash -300, at a mid of 115 worth 275.

    Average cost has 225 realised and 50 not, first in first out 250 and 25: both are 275. Then sell
    10 at 118: cash 880, at 119 worth 285 (290 realised and -5 not). At 1 a lot, 45 lots cost 45.
    """
    v = venue(taker_fee=taker_fee)

    def take(side: int, px: int, lots: int) -> None:
        v.process((sell if side == BUY else buy)(1, 1, px, lots))
        v.process((market_buy if side == BUY else market_sell)(0, 1, lots))

    def cash_position_equity(mid_px: int) -> tuple[int, int, int]:
        v.process(buy(1, 1, mid_px - 1, 1))
        v.process(sell(1, 2, mid_px + 1, 1))
        account, mid_2px = v.accounts[0], v.mid_2px
        v.process(cancel(1, 1))
        v.process(cancel(1, 2))
        return account.cash, account.position, account.cash + account.position * mid_2px // 2

    take(BUY, 100, 10)
    take(BUY, 110, 10)
    take(SELL, 120, 15)
    fees = 35 * taker_fee
    assert cash_position_equity(115) == (-300 - fees, 5, 275 - fees)
    take(SELL, 118, 10)
    fees = 45 * taker_fee
    assert cash_position_equity(119) == (880 - fees, -5, 285 - fees)
