"""Phases."""

from __future__ import annotations

from itertools import product
from typing import Any

import pytest

from hftgym.core.constants import BUY, BandAction, Flag, Phase, Reason
from hftgym.core.reference import Outcome, Trade
from tests.core.rules import kit
from tests.core.rules.kit import (
    PX_MAX,
    accepted,
    amend,
    amended,
    ask,
    bid,
    buy,
    cancel,
    ended,
    market_buy,
    refusal,
    rules,
    sell,
    stop,
)

SHUT = [Phase.HALT, Phase.CLOSED]
STEPS = {
    Phase.PRE_OPEN: {Phase.OPENING_AUCTION, Phase.CONTINUOUS, Phase.HALT, Phase.CLOSED},
    Phase.OPENING_AUCTION: {Phase.CONTINUOUS, Phase.HALT, Phase.CLOSED},
    Phase.CONTINUOUS: {
        Phase.VOLATILITY_AUCTION,
        Phase.CLOSING_AUCTION,
        Phase.HALT,
        Phase.CLOSED,
    },
    Phase.VOLATILITY_AUCTION: {
        Phase.CONTINUOUS,
        Phase.CLOSING_AUCTION,
        Phase.HALT,
        Phase.CLOSED,
    },
    Phase.CLOSING_AUCTION: {Phase.CLOSED, Phase.HALT},
    Phase.HALT: {
        Phase.OPENING_AUCTION,
        Phase.VOLATILITY_AUCTION,
        Phase.CLOSING_AUCTION,
        Phase.CONTINUOUS,
        Phase.CLOSED,
    },
    Phase.CLOSED: {Phase.PRE_OPEN, Phase.OPENING_AUCTION},
}


# ------------------------------------------------------------------ the table
@pytest.mark.rule("X-PHA-01")
@pytest.mark.parametrize("phase", SHUT)
def test_a_shut_market_takes_no_orders_and_no_other_amends(venue: Any, phase: Phase) -> None:
    v = venue(buy(0, 1, 99, 5))
    v.set_phase(phase)
    for message in [
        buy(1, 1, 99, 1),
        market_buy(1, 1, 1),
        buy(1, 1, 99, 1, Flag.IOC),
        buy(1, 1, 99, 1, Flag.POST_ONLY),
        buy(1, 1, 99, 1, **stop(120)),
        amend(0, 1, 98, 5),
        amend(0, 1, 99, 6),
    ]:
        assert v.process(message) == refusal(message, Reason.MARKET_CLOSED)
    assert v.process(amend(0, 1, 99, 4)).reports == [amended(0, 1, BUY, 99, 4)]
    assert v.process(cancel(0, 1)).reports == [ended(0, 1, BUY, 99, 4, by=kit.CANCEL)]


@pytest.mark.rule("X-PHA-01")
def test_a_shut_market_amends_stops_in_place_only(venue: Any) -> None:
    v = venue(buy(0, 1, 99, 5, **stop(120)))
    v.set_phase(Phase.HALT)
    for message in (amend(0, 1, 99, 5, **stop(119)), amend(0, 1, 98, 5), amend(0, 1, 99, 6)):
        assert v.process(message) == refusal(message, Reason.MARKET_CLOSED)
    assert v.process(amend(0, 1, 99, 4)).reports == [amended(0, 1, BUY, 99, 4)]


@pytest.mark.rule("X-PHA-01")
def test_continuous_trading_takes_all(venue: Any) -> None:
    v = venue(sell(0, 1, 100, 9))
    for message in [
        market_buy(1, 1, 1),
        buy(1, 1, 100, 1),
        buy(1, 1, 100, 1, Flag.IOC),
        buy(1, 1, 100, 1, Flag.FOK),
    ]:
        assert kit.prints(v.process(message)) == [(100, 1)]
    v.process(buy(1, 1, 99, 1, Flag.POST_ONLY))
    v.process(market_buy(1, 2, 1, **stop(120)))
    assert v.orders() == [bid(1, 1, 99, 1), ask(0, 1, 100, 5)]
    assert v.stops() == [(BUY, 120, PX_MAX, 1, 1, 2)]


# ------------------------------------------------------------------ the steps
@pytest.mark.rule("X-PHA-02")
@pytest.mark.parametrize(("now", "then"), list(product(Phase, Phase)))
def test_phases_follow_one_another_and_no_other_way(venue: Any, now: Phase, then: Phase) -> None:
    v = venue(phase=now)
    before = kit.state(v)
    outcome = v.set_phase(then)
    if then in STEPS[now]:
        assert outcome == Outcome([], [])
        assert v.phase == then
    else:
        assert outcome is None
        assert kit.state(v) == before


@pytest.mark.rule("X-PHA-02")
def test_what_is_no_phase_is_refused(venue: Any) -> None:
    v = venue()
    assert v.set_phase(len(Phase)) is None
    assert v.set_phase(-1) is None
    assert v.phase == Phase.CONTINUOUS


@pytest.mark.rule("X-PHA-02", "X-AUC-01")
def test_a_refused_step_uncrosses_nothing(venue: Any) -> None:
    v = venue(buy(0, 1, 101, 5), sell(1, 1, 99, 5), phase=Phase.CLOSING_AUCTION)
    before = kit.state(v)
    assert v.set_phase(Phase.CONTINUOUS) is None
    assert kit.state(v) == before


# ------------------------------------------------------------------ ways into trading
@pytest.mark.rule("X-PHA-03")
@pytest.mark.parametrize("way", [[], [Phase.HALT], [Phase.HALT, Phase.VOLATILITY_AUCTION]])
def test_every_way_into_trading_uncrosses_first(venue: Any, way: list[Phase]) -> None:
    v = venue(buy(0, 1, 101, 5), sell(1, 1, 99, 7), phase=Phase.OPENING_AUCTION)
    for phase in way:
        assert v.set_phase(phase) == Outcome([], [])
    assert v.set_phase(Phase.CONTINUOUS).trades == [Trade(1, 1, 0, 1, 0, 99, 5)]
    assert v.orders() == [ask(1, 1, 99, 2)]


@pytest.mark.rule("X-PHA-03", "X-AUC-06")
def test_out_of_a_halt_there_is_no_collar(venue: Any) -> None:
    settings = rules(collar_bps=100, call_ns=50)
    v = venue(buy(0, 1, 201, 5), sell(1, 1, 201, 5), rules=settings, phase=Phase.OPENING_AUCTION)
    v.set_phase(Phase.HALT)
    assert kit.prints(v.set_phase(Phase.CONTINUOUS)) == [(201, 5)]
    assert v.phase == Phase.CONTINUOUS


@pytest.mark.rule("X-PHA-03")
def test_a_halt_that_ends_in_the_close_uncrosses_nothing(venue: Any) -> None:
    v = venue(buy(0, 1, 101, 5), sell(1, 1, 99, 5), phase=Phase.OPENING_AUCTION)
    v.set_phase(Phase.HALT)
    assert v.set_phase(Phase.CLOSED) == Outcome([], [])
    assert len(v.orders()) == 2


@pytest.mark.rule("X-PHA-03")
def test_the_uncross_comes_before_all_else(venue: Any) -> None:
    """A new order meets what the uncross left."""
    v = venue(buy(0, 1, 101, 5), sell(1, 1, 99, 7), phase=Phase.OPENING_AUCTION)
    v.set_phase(Phase.CONTINUOUS)
    message = market_buy(2, 1, 2)
    outcome = v.process(message)
    assert outcome.trades == [Trade(1, 1, 2, 1, BUY, 99, 2)]
    assert kit.heard(outcome, 2)[0] == accepted(message)


# ------------------------------------------------------------------ ends of their own
BREAKER = rules(dynamic_band_px=5, band_action=BandAction.AUCTION, call_ns=100)


def broken(venue: Any) -> Any:
    """Begin a volatility auction of 100 ns at 1000 ns."""
    v = venue(sell(0, 1, 106, 5), rules=BREAKER)
    v.advance(1000)
    v.process(buy(1, 1, 106, 5))
    assert v.phase == Phase.VOLATILITY_AUCTION
    return v


@pytest.mark.rule("X-PHA-04", "X-BAND-04")
def test_a_volatility_auction_ends_on_its_own(venue: Any) -> None:
    v = broken(venue)
    assert v.advance(1099) == Outcome([], [])
    assert v.phase == Phase.VOLATILITY_AUCTION
    assert v.advance(1100).trades == [Trade(0, 1, 1, 1, 0, 106, 5)]
    assert v.phase == Phase.CONTINUOUS
    assert v.now_ns == 1100


@pytest.mark.rule("X-PHA-04")
def test_a_phase_that_was_asked_for_does_not(venue: Any) -> None:
    v = venue(rules=BREAKER)
    v.set_phase(Phase.VOLATILITY_AUCTION)
    assert v.advance(10**12) == Outcome([], [])
    assert v.phase == Phase.VOLATILITY_AUCTION


@pytest.mark.rule("X-PHA-04")
@pytest.mark.parametrize("phase", [Phase.HALT, Phase.CLOSING_AUCTION])
def test_another_phase_forgets_the_end_of_the_last_one(venue: Any, phase: Phase) -> None:
    v = broken(venue)
    v.set_phase(phase)
    assert v.advance(5000) == Outcome([], [])
    assert v.phase == phase


@pytest.mark.rule("X-PHA-04", "X-TIF-07")
def test_orders_that_end_at_that_instant_end_before_it(venue: Any) -> None:
    v = broken(venue)
    v.process(cancel(0, 1))
    v.process(sell(2, 1, 106, 5, Flag.GTD, expire_ns=1100))
    outcome = v.advance(1100)
    assert outcome.trades == []
    assert [r.reason for r in outcome.reports] == [Reason.EXPIRED]
    assert v.phase == Phase.CONTINUOUS
