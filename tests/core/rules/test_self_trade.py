"""Self-trade prevention. Members 0 and 1 are of one firm, 2 and 3 are alone."""

from __future__ import annotations

from typing import Any

import pytest

from hftgym.core.constants import BUY, SELL, Flag, Phase, Reason, Stp
from hftgym.core.reference import Outcome, Trade
from tests.core.rules import kit
from tests.core.rules.kit import (
    FAMILY,
    LIMIT,
    MARKET,
    PX_MAX,
    accepted,
    amend,
    amended,
    ask,
    bid,
    buy,
    ended,
    fill,
    iceberg,
    market_buy,
    rules,
    sell,
    stop,
)

QUEUE = (sell(2, 1, 100, 3), sell(0, 1, 100, 5), sell(3, 1, 100, 4))
ENTRY = [fill(2, 1, SELL, 100, 3), fill(1, 1, BUY, 100, 3)]


def gone(owner: int, side: int, lots: int, by: int = LIMIT) -> Any:
    return ended(owner, 1, side, 100, lots, Reason.SELF_TRADE, by)


def shrunk(owner: int, side: int, lots: int) -> Any:
    return amended(owner, 1, side, 100, lots, Reason.SELF_TRADE, LIMIT)


# ------------------------------------------------------------------ when, and whose mode
@pytest.mark.rule("X-STP-01")
def test_it_compares_firms_when_they_would_trade(venue: Any) -> None:
    v = venue(*QUEUE, members=FAMILY, rules=rules(stp=Stp.CANCEL_OLDEST))
    assert kit.shares(v.process(buy(1, 1, 100, 3))) == [(2, 3)]  # does not come as far
    assert v.orders() == [ask(0, 1, 100, 5), ask(3, 1, 100, 4)]
    assert kit.shares(v.process(buy(2, 1, 100, 5))) == [(0, 5)]


@pytest.mark.rule("X-STP-01")
def test_it_takes_one_resting_order_at_a_time(venue: Any) -> None:
    book = (sell(0, 1, 100, 1), sell(0, 2, 100, 1), sell(2, 1, 100, 1), sell(0, 3, 100, 1))
    v = venue(*book, members=FAMILY, rules=rules(stp=Stp.CANCEL_OLDEST))
    outcome = v.process(market_buy(1, 1, 1))
    assert outcome.trades == [Trade(2, 1, 1, 1, BUY, 100, 1)]
    assert v.orders() == [ask(0, 3, 100, 1)]


@pytest.mark.rule("X-STP-01")
def test_a_participant_is_of_its_own_firm(venue: Any) -> None:
    v = venue(sell(2, 1, 100, 5), rules=rules(stp=Stp.CANCEL_OLDEST))
    message = buy(2, 2, 100, 4)
    assert v.process(message).reports == [
        accepted(message),
        ended(2, 1, SELL, 100, 5, Reason.SELF_TRADE),
    ]
    assert v.orders() == [bid(2, 2, 100, 4)]


@pytest.mark.rule("X-STP-01")
def test_the_mode_is_that_of_the_aggressors_message_else_of_the_instrument(venue: Any) -> None:
    resting = sell(0, 1, 100, 5, stp=Stp.CANCEL_NEWEST + 1)
    for own, mode in [(0, Stp.CANCEL_OLDEST), (Stp.CANCEL_NEWEST + 1, Stp.CANCEL_NEWEST)]:
        v = venue(resting, members=FAMILY, rules=rules(stp=Stp.CANCEL_OLDEST))
        v.process(buy(1, 1, 100, 2, stp=own))
        left = [bid(1, 1, 100, 2)] if mode == Stp.CANCEL_OLDEST else [ask(0, 1, 100, 5)]
        assert v.orders() == left
    v = venue(resting, members=FAMILY, rules=rules(stp=Stp.CANCEL_OLDEST))
    assert kit.shares(v.process(buy(1, 1, 100, 2, stp=Stp.OFF + 1))) == [(0, 2)]


@pytest.mark.rule("X-STP-01", "X-STOP-06")
@pytest.mark.parametrize("own", [0, Stp.CANCEL_NEWEST + 1, Stp.OFF + 1])
def test_a_stop_that_wakes_has_the_mode_of_its_message(venue: Any, own: int) -> None:
    asleep = buy(1, 1, 100, 2, **stop(90), stp=own)
    book = (sell(0, 1, 100, 5), asleep, sell(2, 1, 90, 1))
    v = venue(*book, members=FAMILY, rules=rules(stp=Stp.CANCEL_OLDEST))
    outcome = v.process(buy(3, 1, 90, 1))
    assert kit.shares(outcome) == [(2, 1), *([(0, 2)] if own == Stp.OFF + 1 else [])]
    left = {0: [bid(1, 1, 100, 2)], Stp.CANCEL_NEWEST + 1: [ask(0, 1, 100, 5)]}
    assert v.orders() == left.get(own, [ask(0, 1, 100, 3)])


@pytest.mark.rule("X-STP-01")
def test_an_amended_order_is_an_aggressor(venue: Any) -> None:
    v = venue(*QUEUE, buy(1, 1, 99, 8), members=FAMILY, rules=rules(stp=Stp.CANCEL_NEWEST))
    outcome = v.process(amend(1, 1, 100, 8))
    assert outcome.reports == [
        amended(1, 1, BUY, 100, 8),
        *ENTRY,
        gone(1, BUY, 5, kit.AMEND),
    ]


# ------------------------------------------------------------------ the modes
@pytest.mark.rule("X-STP-02")
def test_cancel_oldest_ends_the_resting_order_and_goes_on(venue: Any) -> None:
    v = venue(*QUEUE, members=FAMILY)
    message = buy(1, 1, 100, 8, stp=Stp.CANCEL_OLDEST + 1)
    assert v.process(message) == Outcome(
        [Trade(2, 1, 1, 1, BUY, 100, 3), Trade(3, 1, 1, 1, BUY, 100, 4)],
        [
            accepted(message),
            *ENTRY,
            gone(0, SELL, 5),
            fill(3, 1, SELL, 100, 4),
            fill(1, 1, BUY, 100, 4),
        ],
    )
    assert v.orders() == [bid(1, 1, 100, 1)]
    assert kit.account(v, 0)["open_sell_lots"] == 0


@pytest.mark.rule("X-STP-02")
def test_cancel_newest_ends_the_aggressor(venue: Any) -> None:
    v = venue(*QUEUE, members=FAMILY)
    message = buy(1, 1, 100, 8, stp=Stp.CANCEL_NEWEST + 1)
    assert v.process(message) == Outcome(
        [Trade(2, 1, 1, 1, BUY, 100, 3)], [accepted(message), *ENTRY, gone(1, BUY, 5)]
    )
    assert v.orders() == [ask(0, 1, 100, 5), ask(3, 1, 100, 4)]
    assert kit.account(v, 1)["open_buy_lots"] == 0


@pytest.mark.rule("X-STP-02")
def test_cancel_both_ends_both(venue: Any) -> None:
    v = venue(*QUEUE, members=FAMILY)
    message = market_buy(1, 1, 8, stp=Stp.CANCEL_BOTH + 1)
    assert v.process(message) == Outcome(
        [Trade(2, 1, 1, 1, BUY, 100, 3)],
        [
            accepted(message),
            *ENTRY,
            gone(0, SELL, 5),
            ended(1, 1, BUY, PX_MAX, 5, Reason.SELF_TRADE, MARKET),
        ],
    )
    assert v.orders() == [ask(3, 1, 100, 4)]


@pytest.mark.rule("X-STP-02", "X-ICE-01")
def test_an_iceberg_ends_with_its_reserve(venue: Any) -> None:
    v = venue(sell(0, 1, 100, 9, **iceberg(2)), members=FAMILY)
    message = buy(1, 1, 100, 1, stp=Stp.CANCEL_OLDEST + 1)
    assert v.process(message).reports == [accepted(message), gone(0, SELL, 9)]


@pytest.mark.rule("X-STP-02", "X-HID-01")
def test_hidden_orders_are_of_a_firm_too(venue: Any) -> None:
    v = venue(sell(0, 1, 100, 5, Flag.HIDDEN), sell(2, 1, 100, 2), members=FAMILY)
    outcome = v.process(buy(1, 1, 100, 4, stp=Stp.CANCEL_NEWEST + 1))
    assert kit.heard(outcome, 1)[-1] == gone(1, BUY, 2)
    assert v.orders() == [ask(0, 1, 100, 5, hidden=1)]


# ------------------------------------------------------------------ decrement
@pytest.mark.rule("X-STP-03")
@pytest.mark.parametrize(
    ("lots", "answers", "rests"),
    [
        (3, [shrunk(0, SELL, 2), gone(1, BUY, 3)], [ask(0, 1, 100, 2), ask(2, 1, 100, 4)]),
        (5, [gone(0, SELL, 5), gone(1, BUY, 5)], [ask(2, 1, 100, 4)]),
        (
            7,
            [
                gone(0, SELL, 5),
                shrunk(1, BUY, 2),
                fill(2, 1, SELL, 100, 2),
                fill(1, 1, BUY, 100, 2),
            ],
            [ask(2, 1, 100, 2)],
        ),
    ],
)
def test_both_shrink_by_the_smaller_one(
    venue: Any, lots: int, answers: list[Any], rests: list[Any]
) -> None:
    v = venue(sell(0, 1, 100, 5), sell(2, 1, 100, 4), members=FAMILY)
    message = buy(1, 1, 100, lots, stp=Stp.DECREMENT + 1)
    assert v.process(message).reports == [accepted(message), *answers]
    assert v.orders() == rests
    open_lots = sum(row[2] for row in rests if row[4] == 0)
    assert kit.account(v, 0)["open_sell_lots"] == open_lots
    assert kit.account(v, 0)["position"] == 0


@pytest.mark.rule("X-STP-03", "X-ICE-01")
@pytest.mark.parametrize(("lots", "shown", "reserve"), [(4, 3, 3), (7, 3, 0), (8, 2, 0)])
def test_an_iceberg_gives_from_its_reserve_first(
    venue: Any, lots: int, shown: int, reserve: int
) -> None:
    v = venue(sell(0, 1, 100, 10, **iceberg(3)), sell(2, 1, 100, 4), members=FAMILY)
    message = buy(1, 1, 100, lots, stp=Stp.DECREMENT + 1)
    assert v.process(message).reports == [
        accepted(message),
        shrunk(0, SELL, 10 - lots),
        gone(1, BUY, lots),
    ]
    assert v.orders() == [ask(0, 1, 100, shown, reserve), ask(2, 1, 100, 4)]


@pytest.mark.rule("X-STP-03")
def test_what_was_prevented_has_not_traded(venue: Any) -> None:
    """A total states what traded and what is open, nothing else."""
    v = venue(sell(0, 1, 100, 9), sell(2, 1, 101, 1), members=FAMILY)
    v.process(buy(1, 1, 100, 4, stp=Stp.DECREMENT + 1))
    v.process(market_buy(3, 1, 2))
    assert v.orders()[0] == ask(0, 1, 100, 3)
    assert v.process(amend(0, 1, 100, 4)).reports == [amended(0, 1, SELL, 100, 2)]


# ------------------------------------------------------------------ none
@pytest.mark.rule("X-STP-04")
@pytest.mark.parametrize("mode", Stp)
def test_none_in_an_uncross(venue: Any, mode: Stp) -> None:
    v = venue(
        sell(0, 1, 90, 5, stp=mode + 1),
        buy(1, 1, 110, 5, stp=mode + 1),
        members=FAMILY,
        rules=rules(stp=mode, start_px=95),
        phase=Phase.OPENING_AUCTION,
    )
    assert v.set_phase(Phase.CONTINUOUS).trades == [Trade(0, 1, 1, 1, 0, 95, 5)]


@pytest.mark.rule("X-STP-04")
def test_with_mode_off_a_firm_trades_with_itself_and_moves_no_mark(venue: Any) -> None:
    v = venue(sell(0, 1, 105, 5), sell(2, 1, 110, 1), buy(2, 2, 90, 1), members=FAMILY)
    before = v.last_px
    assert v.process(market_buy(1, 1, 3)).trades == [Trade(0, 1, 1, 1, BUY, 105, 3)]
    assert v.last_px == before
    assert [a.position for a in v.accounts] == [-3, 3, 0, 0]
