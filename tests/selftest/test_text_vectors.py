"""Vectors that other projects and venues state in words, on both exchanges.

Each test names its source. Where venues differ, it says which choice holds here. Money is exact: a
price of 10.02 is 1002, a size of 0.6 is 6.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pytest

from hftgym.core.constants import (
    BUY,
    SELL,
    Flag,
    Phase,
    Reason,
    ReportKind,
    Stp,
)
from hftgym.core.reference import Message, ReferenceExchange, Rules
from hftgym.selftest.venue import CompiledVenue
from tests.core.rules.kit import (
    amend,
    ask,
    bid,
    buy,
    cancel,
    heard,
    iceberg,
    market_buy,
    market_sell,
    prints,
    sell,
    shares,
    state,
    stop,
)

ENGINES: dict[str, Any] = {"reference": ReferenceExchange, "compiled": CompiledVenue}
Open = Callable[..., Any]


@pytest.fixture(params=ENGINES)
def venue(request: pytest.FixtureRequest) -> Open:
    """Open an exchange without fees, of members with firms of their own, with a book."""

    def open_venue(
        *book: Message, members: Sequence[Any] = (0, 1, 2, 3), phase: int = Phase.CONTINUOUS,
        reference_px: int | None = -1, **settings: Any,
    ) -> Any:  # fmt: skip
        rules = Rules(**{"unit_value": 1, "taker_fee": 0, **settings})
        opened = ENGINES[request.param](rules, members, phase=phase, reference_px=reference_px)
        for message in book:
            reports = opened.process(message).reports
            assert all(report.kind != ReportKind.REJECTED for report in reports), message
        return opened

    return open_venue


def reason(venue: Any, message: Message) -> Reason:
    """Send a message that must be refused; return why, after checking that nothing changed."""
    before = state(venue)
    outcome = venue.process(message)
    assert [report.kind for report in outcome.reports] == [ReportKind.REJECTED]
    assert state(venue) == before
    return Reason(outcome.reports[0].reason)


def pairs(outcome: Any) -> list[tuple[int, int, int]]:
    """Return buyer, seller and lots of each trade of an uncross; ids are slots."""
    return [(trade.taker_slot, trade.maker_slot, trade.lots) for trade in outcome.trades]


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
