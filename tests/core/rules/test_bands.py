"""Bands and circuit breakers."""

from __future__ import annotations

from typing import Any

import pytest

from hftgym.core.constants import BUY, SELL, BandAction, Flag, MessageKind, Phase, Reason
from hftgym.core.reference import Message, Outcome, Trade
from tests.core.rules import kit
from tests.core.rules.kit import (
    LIMIT,
    MARKET,
    PX_MAX,
    PX_MIN,
    accepted,
    amend,
    amended,
    ask,
    bid,
    buy,
    ended,
    fill,
    market_buy,
    market_sell,
    refusal,
    rules,
    sell,
    stop,
)

STATIC = rules(static_band_px=10)


# ------------------------------------------------------------------ static
@pytest.mark.rule("X-BAND-01")
def test_limits_stay_within_the_static_band(venue: Any) -> None:
    v = venue(buy(0, 1, 100, 5), rules=STATIC)
    for px in (89, 111):
        for message in (
            buy(1, 1, px, 1),
            sell(1, 1, px, 1, Flag.IOC),
            buy(1, 1, px, 1, **stop(105)),
            amend(0, 1, px, 5),
        ):
            assert v.process(message) == refusal(message, Reason.PRICE_BAND)
    v.process(buy(1, 1, 90, 1))
    v.process(sell(1, 2, 110, 1))
    v.process(buy(1, 3, 110, 1, **stop(300)))  # a trigger has no band
    assert [row[1] for row in v.orders()] == [100, 90, 110]
    assert v.process(amend(1, 1, 110, 1)).reports[0].reason == Reason.OK


@pytest.mark.rule("X-BAND-01")
def test_without_a_band_all_prices_are_good(venue: Any) -> None:
    v = venue(buy(0, 1, PX_MIN, 5), sell(0, 2, PX_MAX, 5))
    assert len(v.orders()) == 2


@pytest.mark.rule("X-BAND-01")
def test_it_follows_auctions_and_not_trading(venue: Any) -> None:
    v = venue(sell(0, 1, 105, 9), buy(0, 2, 95, 5), rules=STATIC)
    v.process(market_buy(1, 1, 5))
    assert v.last_px == 105
    outside = buy(1, 1, 111, 1)
    assert v.process(outside) == refusal(outside, Reason.PRICE_BAND)
    v.set_phase(Phase.VOLATILITY_AUCTION)
    v.process(buy(1, 1, 110, 4))
    v.process(sell(2, 1, 110, 5))
    v.process(buy(1, 2, 110, 5))
    assert kit.prints(v.set_phase(Phase.CONTINUOUS))[0][0] == 110
    v.process(buy(3, 1, 120, 1, Flag.IOC))
    for px in (99, 121):
        message = buy(3, 1, px, 1)
        assert v.process(message) == refusal(message, Reason.PRICE_BAND)


@pytest.mark.rule("X-BAND-01", "X-AMD-03")
def test_an_order_outside_of_a_moved_band_may_stay_at_its_price(venue: Any) -> None:
    v = venue(
        buy(0, 1, 95, 5), buy(1, 1, 110, 5), sell(2, 1, 110, 5), rules=STATIC, phase=Phase.PRE_OPEN
    )
    v.set_phase(Phase.CONTINUOUS)  # the band is 100 to 120 now
    message = amend(0, 1, 96, 5)
    assert v.process(message) == refusal(message, Reason.PRICE_BAND)
    assert v.process(amend(0, 1, 95, 7)).reports == [amended(0, 1, BUY, 95, 7)]
    assert v.process(amend(0, 1, 95, 2)).reports == [amended(0, 1, BUY, 95, 2)]


@pytest.mark.rule("X-BAND-01")
def test_an_auction_in_which_nothing_trades_moves_no_band(venue: Any) -> None:
    v = venue(buy(0, 1, 95, 5), rules=STATIC, phase=Phase.PRE_OPEN)
    v.set_phase(Phase.CONTINUOUS)
    message = buy(1, 1, 111, 1)
    assert v.process(message) == refusal(message, Reason.PRICE_BAND)
    assert v.process(buy(1, 1, 110, 1)).reports == [accepted(buy(1, 1, 110, 1))]


# ------------------------------------------------------------------ dynamic
LADDER = (sell(0, 1, 104, 10), sell(0, 2, 105, 10), sell(0, 3, 106, 10))


def breaker(action: BandAction) -> Any:
    return rules(dynamic_band_px=5, band_action=action, call_ns=100, halt_ns=30)


@pytest.mark.rule("X-BAND-02")
@pytest.mark.parametrize(
    ("message", "px"),
    [
        (buy(1, 1, 110, 25), 110),
        (buy(1, 1, 110, 25, Flag.IOC), 110),
        (market_buy(1, 1, 25), PX_MAX),
    ],
)
def test_an_aggressor_stops_at_the_band_and_its_rest_is_cancelled(
    venue: Any, message: Message, px: int
) -> None:
    v = venue(*LADDER, rules=breaker(BandAction.CANCEL))
    assert v.process(message) == Outcome(
        [Trade(0, 1, 1, 1, BUY, 104, 10), Trade(0, 2, 1, 1, BUY, 105, 10)],
        [
            accepted(message, px),
            fill(0, 1, SELL, 104, 10),
            fill(1, 1, BUY, 104, 10),
            fill(0, 2, SELL, 105, 10),
            fill(1, 1, BUY, 105, 10),
            ended(1, 1, BUY, px, 5, Reason.PRICE_BAND, message.kind),
        ],
    )
    assert v.orders() == [ask(0, 3, 106, 10)]
    assert v.phase == Phase.CONTINUOUS


@pytest.mark.rule("X-BAND-02")
def test_it_stands_around_the_last_price_before_the_message(venue: Any) -> None:
    v = venue(*LADDER, buy(0, 4, 98, 1), rules=breaker(BandAction.CANCEL))
    v.process(market_buy(1, 1, 20))
    assert v.last_px == 105
    assert kit.prints(v.process(market_buy(1, 1, 1))) == [(106, 1)]
    outcome = v.process(market_sell(1, 1, 1))  # 98 is 8 below
    assert outcome.reports[-1] == ended(1, 1, SELL, PX_MIN, 1, Reason.PRICE_BAND, MARKET)


@pytest.mark.rule("X-BAND-02")
def test_who_meets_its_limit_first_is_not_stopped(venue: Any) -> None:
    v = venue(*LADDER, rules=breaker(BandAction.AUCTION))
    v.process(buy(1, 1, 105, 25))
    assert v.orders() == [bid(1, 1, 105, 5), ask(0, 3, 106, 10)]
    assert v.process(market_buy(1, 2, 10)).reports  # within the band of 105 by now
    assert v.phase == Phase.CONTINUOUS


@pytest.mark.rule("X-BAND-02")
@pytest.mark.parametrize(
    ("message", "rests"),
    [
        (buy(1, 1, 110, 25), True),
        (buy(1, 1, 110, 25, Flag.IOC), False),
        (market_buy(1, 1, 25), False),
    ],
)
def test_a_volatility_auction_begins_at_once(venue: Any, message: Message, rests: bool) -> None:
    v = venue(*LADDER, rules=breaker(BandAction.AUCTION))
    v.advance(7)
    outcome = v.process(message)
    assert kit.prints(outcome) == [(104, 10), (105, 10)]
    assert v.phase == Phase.VOLATILITY_AUCTION
    if rests:
        assert v.orders() == [bid(1, 1, 110, 5), ask(0, 3, 106, 10)]
    else:
        px = 110 if message.kind == LIMIT else PX_MAX
        rest = ended(1, 1, BUY, px, 5, Reason.PRICE_BAND, message.kind)
        assert kit.heard(outcome, 1)[-1] == rest
        assert v.orders() == [ask(0, 3, 106, 10)]
    v.advance(107)
    assert v.phase == Phase.CONTINUOUS


@pytest.mark.rule("X-BAND-02", "X-PHA-04")
def test_or_a_halt_before_that_auction(venue: Any) -> None:
    v = venue(*LADDER, rules=breaker(BandAction.HALT))
    v.advance(7)
    v.process(buy(1, 1, 110, 25))
    assert v.phase == Phase.HALT
    assert v.orders() == [bid(1, 1, 110, 5), ask(0, 3, 106, 10)]
    for until_ns, phase in [
        (36, Phase.HALT),
        (37, Phase.VOLATILITY_AUCTION),
        (136, Phase.VOLATILITY_AUCTION),
    ]:
        assert v.advance(until_ns) == Outcome([], [])
        assert v.phase == phase
    assert v.advance(137).trades == [Trade(0, 3, 1, 1, 0, 106, 5)]
    assert v.phase == Phase.CONTINUOUS


@pytest.mark.rule("X-BAND-02", "X-PHA-04")
def test_one_step_in_time_passes_through_all_of_it(venue: Any) -> None:
    v = venue(*LADDER, rules=breaker(BandAction.HALT))
    v.process(buy(1, 1, 110, 25))
    assert kit.prints(v.advance(10_000)) == [(106, 5)]
    assert (v.phase, v.now_ns) == (Phase.CONTINUOUS, 10_000)


@pytest.mark.rule("X-BAND-02", "X-STOP-07")
def test_stops_of_that_message_do_not_wake(venue: Any) -> None:
    v = venue(*LADDER, market_buy(2, 1, 1, **stop(105)), rules=breaker(BandAction.AUCTION))
    outcome = v.process(buy(1, 1, 110, 25))
    assert kit.heard(outcome, 2) == []
    assert len(v.stops()) == 1
    outcome = v.advance(100)
    assert outcome.trades == [Trade(0, 3, 1, 1, 0, 106, 5), Trade(0, 3, 2, 1, BUY, 106, 1)]


@pytest.mark.rule("X-BAND-02", "X-TIF-06")
def test_a_market_order_to_limit_is_an_aggressor_like_any_other(venue: Any) -> None:
    for action, rests in [(BandAction.CANCEL, False), (BandAction.AUCTION, True)]:
        v = venue(sell(0, 1, 120, 5), rules=breaker(action))
        message = market_buy(1, 1, 3, Flag.TO_LIMIT)
        outcome = v.process(message)
        assert outcome.trades == []
        answers = [accepted(message, 120)]
        if not rests:
            answers.append(ended(1, 1, BUY, 120, 3, Reason.PRICE_BAND, MARKET))
        assert outcome.reports == answers
        assert v.orders() == [bid(1, 1, 120, 3)] * rests + [ask(0, 1, 120, 5)]


@pytest.mark.rule("X-BAND-02", "X-AMD-02")
def test_an_amended_aggressor_is_stopped_too(venue: Any) -> None:
    v = venue(*LADDER, buy(1, 1, 99, 25), rules=breaker(BandAction.CANCEL))
    outcome = v.process(amend(1, 1, 110, 25))
    assert kit.prints(outcome) == [(104, 10), (105, 10)]
    rest = ended(1, 1, BUY, 110, 5, Reason.PRICE_BAND, MessageKind.AMEND)
    assert kit.heard(outcome, 1)[-1] == rest


# ------------------------------------------------------------------ resting orders, uncrosses
@pytest.mark.rule("X-BAND-03")
def test_orders_outside_of_a_moved_band_stay_and_can_not_trade(venue: Any) -> None:
    v = venue(
        buy(0, 1, 100, 1),
        buy(0, 2, 96, 1),
        sell(0, 3, 104, 5),
        rules=rules(dynamic_band_px=5),
    )
    for _ in range(2):
        v.process(market_sell(1, 1, 1))
    assert v.last_px == 96
    outcome = v.process(market_buy(2, 1, 5))
    assert outcome.trades == []
    assert outcome.reports[-1] == ended(2, 1, BUY, PX_MAX, 5, Reason.PRICE_BAND, MARKET)
    assert v.orders() == [ask(0, 3, 104, 5)]
    v.process(sell(1, 1, 99, 1))
    assert kit.prints(v.process(market_buy(2, 1, 5))) == [(99, 1)]
    assert kit.prints(v.process(market_buy(2, 1, 5))) == [(104, 5)]  # 5 from 99


@pytest.mark.rule("X-BAND-04")
def test_an_uncross_knows_no_band(venue: Any) -> None:
    v = venue(
        buy(0, 1, 500, 5),
        sell(1, 1, 500, 5),
        rules=rules(dynamic_band_px=5, band_action=BandAction.HALT),
        phase=Phase.OPENING_AUCTION,
    )
    assert kit.prints(v.set_phase(Phase.CONTINUOUS)) == [(500, 5)]
    assert v.phase == Phase.CONTINUOUS
    v.process(sell(1, 1, 505, 5))
    assert kit.prints(v.process(market_buy(0, 1, 1))) == [(505, 1)]


@pytest.mark.rule("X-BAND-04")
def test_nor_does_it_know_a_moved_static_band(venue: Any) -> None:
    v = venue(
        buy(0, 1, 110, 5),
        sell(1, 1, 110, 5),
        sell(2, 1, 92, 5),
        rules=STATIC,
        phase=Phase.OPENING_AUCTION,
    )
    v.process(market_buy(3, 1, 5))
    assert kit.prints(v.set_phase(Phase.CONTINUOUS)) == [(110, 5), (110, 5)]
    assert v.set_phase(Phase.CLOSING_AUCTION) == Outcome([], [])
    v.process(sell(1, 2, 100, 5))
    v.process(buy(2, 2, 100, 5))
    assert kit.prints(v.set_phase(Phase.CLOSED)) == [(100, 5)]
