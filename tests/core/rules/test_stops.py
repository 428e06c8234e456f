"""Stops."""

from __future__ import annotations

from typing import Any

import pytest

from hftgym.core.constants import (
    BUY,
    SELL,
    STOP_CASCADE,
    Flag,
    Phase,
    Reason,
    ReportKind,
    StopOn,
)
from hftgym.core.reference import Message, Outcome, Trade
from tests.core.rules import kit
from tests.core.rules.kit import (
    CALLS,
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
    refusal,
    rules,
    sell,
    stop,
    triggered,
)


def woken(outcome: Outcome) -> list[tuple[int, int]]:
    """Return owner and id of the stops that woke; those of one owner in order."""
    return [(r.to, r.slot) for r in outcome.reports if r.kind == ReportKind.TRIGGERED]


def print_at(v: Any, px: int) -> Outcome:
    """Let members 2 and 3 trade one lot at a price inside of the spread."""
    v.process(sell(2, 50, px, 1))
    outcome: Outcome = v.process(buy(3, 51, px, 1))
    assert outcome.trades[0] == Trade(2, 50, 3, 51, BUY, px, 1)
    return outcome


WIDE = (buy(0, 1, 80, 9), sell(0, 2, 120, 9))


# ------------------------------------------------------------------ sleeping and waking
@pytest.mark.rule("X-STOP-01")
@pytest.mark.parametrize(
    ("message", "row", "short_of_it", "there"),
    [
        (market_buy(1, 1, 2, **stop(105)), (BUY, 105, PX_MAX, 2, 1, 1), 104, 105),
        (market_buy(1, 1, 2, **stop(105)), (BUY, 105, PX_MAX, 2, 1, 1), 104, 110),
        (buy(1, 1, 107, 2, **stop(105)), (BUY, 105, 107, 2, 1, 1), 104, 105),
        (market_sell(1, 1, 2, **stop(95)), (SELL, 95, PX_MIN, 2, 1, 1), 96, 95),
        (market_sell(1, 1, 2, **stop(95)), (SELL, 95, PX_MIN, 2, 1, 1), 96, 90),
        (sell(1, 1, 93, 2, **stop(95)), (SELL, 95, 93, 2, 1, 1), 96, 95),
    ],
)
def test_a_stop_sleeps_unseen_until_the_price_reaches_it(
    venue: Any, message: Message, row: Any, short_of_it: int, there: int
) -> None:
    v = venue(*WIDE)
    assert v.process(message) == Outcome([], [accepted(message)])
    assert v.stops() == [row]
    assert v.orders() == [bid(0, 1, 80, 9), ask(0, 2, 120, 9)]
    assert woken(print_at(v, short_of_it)) == []
    assert v.stops() == [row]
    assert woken(print_at(v, there)) == [(1, 1)]
    assert v.stops() == []


@pytest.mark.rule("X-STOP-01")
def test_a_trigger_is_a_price_of_the_instrument(venue: Any) -> None:
    v = venue(rules=rules(tick_px=5, px_min=10, px_max=200))
    for trigger_px in (-5, 0, 5, 101, 205):
        for message in (
            buy(0, 1, 100, 1, **stop(trigger_px)),
            market_sell(0, 1, 1, **stop(trigger_px)),
        ):
            assert v.process(message) == refusal(message, Reason.BAD_TRIGGER)
    v.process(market_sell(0, 1, 1, **stop(10)))
    v.process(market_buy(0, 2, 1, **stop(200)))
    assert v.stops() == [(BUY, 200, 200, 1, 0, 2), (SELL, 10, 10, 1, 0, 1)]


@pytest.mark.rule("X-STOP-01", "X-RISK-01")
def test_sleeping_lots_are_open_lots(venue: Any) -> None:
    v = venue(market_buy(1, 1, 2, **stop(105)), sell(1, 2, 90, 3, **stop(95)))
    assert kit.account(v, 1)["open_buy_lots"] == 2
    assert kit.account(v, 1)["open_sell_lots"] == 3
    v.process(cancel(1, 1))
    print_at(v, 95)
    assert kit.account(v, 1)["open_buy_lots"] == 0
    assert kit.account(v, 1)["open_sell_lots"] == 3  # at rest now
    assert v.orders() == [ask(1, 2, 90, 3)]


# ------------------------------------------------------------------ which price
@pytest.mark.rule("X-STOP-02")
def test_before_the_first_trade_no_last_price_wakes_a_stop(venue: Any) -> None:
    v = venue(*WIDE)
    assert v.process(market_buy(1, 1, 1, **stop(90))).trades == []
    assert v.stops() == [(BUY, 90, PX_MAX, 1, 1, 1)]
    assert woken(print_at(v, 91)) == [(1, 1)]


@pytest.mark.rule("X-STOP-02", "X-STP-04")
def test_trades_within_a_firm_wake_no_stop(venue: Any) -> None:
    v = venue(*WIDE, market_buy(2, 1, 1, **stop(105)), members=FAMILY)
    v.process(sell(0, 3, 106, 1))
    assert v.process(buy(1, 3, 106, 1)).trades == [Trade(0, 3, 1, 3, BUY, 106, 1)]
    assert len(v.stops()) == 1


@pytest.mark.rule("X-STOP-02")
def test_the_visible_opposite_touch_wakes_stops(venue: Any) -> None:
    v = venue(
        buy(0, 1, 95, 1),
        sell(0, 2, 101, 1),
        sell(0, 3, 104, 1, Flag.HIDDEN),
        sell(0, 4, 105, 1),
        rules=rules(stop_on=StopOn.TOUCH),
    )
    v.process(market_buy(1, 1, 1, **stop(105)))
    assert woken(v.process(market_sell(1, 2, 1, **stop(94)))) == []
    assert woken(v.process(cancel(0, 2))) == [(1, 1)]  # 105 is the ask that is seen
    v.process(buy(0, 5, 94, 1))
    assert woken(v.process(cancel(0, 1))) == [(1, 2)]


@pytest.mark.rule("X-STOP-02")
def test_a_touch_that_is_not_there_wakes_nobody(venue: Any) -> None:
    v = venue(sell(0, 1, 101, 1), rules=rules(stop_on=StopOn.TOUCH))
    assert woken(v.process(market_sell(1, 1, 1, **stop(300)))) == []
    assert woken(v.process(market_buy(1, 2, 1, **stop(102)))) == []
    assert woken(v.process(cancel(0, 1))) == []
    assert woken(v.process(sell(0, 1, 102, 1))) == [(1, 2)]


@pytest.mark.rule("X-STOP-02")
@pytest.mark.parametrize(
    ("message", "wakes"),
    [
        (market_buy(1, 1, 1, **stop(100)), True),
        (market_buy(1, 1, 1, **stop(101)), False),
        (market_sell(1, 1, 1, **stop(101)), True),
        (market_sell(1, 1, 1, **stop(100)), False),
    ],
)
def test_the_mid_wakes_stops_to_the_half_price(venue: Any, message: Message, wakes: bool) -> None:
    """Between 99 and 102 the mid is 100.5."""
    v = venue(buy(0, 1, 99, 1), sell(0, 2, 102, 1), rules=rules(stop_on=StopOn.MARK))
    assert (woken(v.process(message)) == [(1, 1)]) is wakes


# ------------------------------------------------------------------ when
@pytest.mark.rule("X-STOP-03", "X-STOP-06")
def test_stops_wake_after_the_whole_message(venue: Any) -> None:
    v = venue(
        sell(0, 1, 101, 5),
        sell(0, 2, 102, 5),
        sell(0, 3, 103, 5),
        market_buy(1, 1, 2, **stop(101)),
    )
    message = buy(2, 1, 102, 12)
    assert v.process(message) == Outcome(
        [
            Trade(0, 1, 2, 1, BUY, 101, 5),
            Trade(0, 2, 2, 1, BUY, 102, 5),
            Trade(0, 3, 1, 1, BUY, 103, 2),
        ],
        [
            accepted(message),
            fill(0, 1, SELL, 101, 5),
            fill(2, 1, BUY, 101, 5),
            fill(0, 2, SELL, 102, 5),
            fill(2, 1, BUY, 102, 5),
            triggered(1, 1, BUY, PX_MAX, 2),
            fill(0, 3, SELL, 103, 2),
            fill(1, 1, BUY, 103, 2),
        ],
    )
    assert v.orders() == [bid(2, 1, 102, 2), ask(0, 3, 103, 3)]


@pytest.mark.rule("X-STOP-03")
def test_a_stop_that_is_through_wakes_after_its_own_message(venue: Any) -> None:
    v = venue(*WIDE)
    print_at(v, 100)
    message = market_sell(1, 1, 2, **stop(100))
    assert v.process(message) == Outcome(
        [Trade(0, 1, 1, 1, SELL, 80, 2)],
        [
            accepted(message),
            triggered(1, 1, SELL, PX_MIN, 2),
            fill(0, 1, BUY, 80, 2),
            fill(1, 1, SELL, 80, 2),
        ],
    )


@pytest.mark.rule("X-STOP-03")
def test_a_price_that_came_and_went_within_a_message_wakes_nobody(venue: Any) -> None:
    v = venue(buy(0, 1, 99, 1), buy(0, 2, 95, 1), market_buy(1, 1, 1, **stop(99)))
    assert kit.prints(v.process(market_sell(2, 1, 2))) == [(99, 1), (95, 1)]
    assert v.stops() == [(BUY, 99, PX_MAX, 1, 1, 1)]


# ------------------------------------------------------------------ in which order
@pytest.mark.rule("X-STOP-04")
def test_the_trigger_that_a_rising_price_reached_first_wakes_first(venue: Any) -> None:
    v = venue(
        *WIDE,
        market_buy(1, 1, 1, **stop(103)),
        market_buy(1, 2, 1, **stop(102)),
        market_buy(2, 3, 1, **stop(102)),
        market_buy(1, 4, 1, **stop(101)),
    )
    assert v.stops() == [
        (BUY, 101, PX_MAX, 1, 1, 4),
        (BUY, 102, PX_MAX, 1, 1, 2),
        (BUY, 102, PX_MAX, 1, 2, 3),
        (BUY, 103, PX_MAX, 1, 1, 1),
    ]
    assert kit.takers(print_at(v, 103))[1:] == [(1, 4), (1, 2), (2, 3), (1, 1)]


@pytest.mark.rule("X-STOP-04")
def test_of_sell_stops_the_highest_trigger_wakes_first(venue: Any) -> None:
    v = venue(
        *WIDE,
        market_sell(1, 1, 1, **stop(97)),
        market_sell(1, 2, 1, **stop(98)),
        market_sell(2, 3, 1, **stop(98)),
        market_sell(1, 4, 1, **stop(99)),
    )
    assert kit.takers(print_at(v, 97))[1:] == [(1, 4), (1, 2), (2, 3), (1, 1)]


@pytest.mark.rule("X-STOP-04")
def test_buy_stops_wake_first_and_the_price_is_judged_anew(venue: Any) -> None:
    v = venue(
        buy(0, 1, 80, 9),
        sell(0, 2, 103, 1),
        sell(0, 3, 120, 9),
        market_sell(1, 2, 1, **stop(101)),
        market_buy(1, 1, 1, **stop(101)),
    )
    outcome = print_at(v, 101)  # reaches both; the first one trades at 103
    assert woken(outcome) == [(1, 1)]
    assert v.stops() == [(SELL, 101, PX_MIN, 1, 1, 2)]
    assert v.last_px == 103


@pytest.mark.rule("X-STOP-04")
def test_a_waking_stop_wakes_others(venue: Any) -> None:
    v = venue(
        sell(0, 1, 101, 1),
        sell(0, 2, 103, 1),
        sell(0, 3, 105, 1),
        market_buy(1, 1, 1, **stop(103)),
        market_buy(1, 2, 1, **stop(101)),
    )
    outcome = v.process(market_buy(2, 1, 1))
    assert woken(outcome) == [(1, 2), (1, 1)]
    assert kit.prints(outcome) == [(101, 1), (103, 1), (105, 1)]


@pytest.mark.rule("X-STOP-05")
def test_of_many_none_is_dropped(venue: Any) -> None:
    many = STOP_CASCADE + 6
    owners = [(1 + i % 2, i // 2) for i in range(many)]
    stops = [market_buy(*owner, 1, **stop(100)) for owner in owners]
    v = venue(sell(0, 1, 100, many + 5), *stops)
    outcome = v.process(market_buy(3, 1, 1))
    assert kit.takers(outcome)[1:] == owners
    assert sorted(woken(outcome)) == sorted(owners)
    assert kit.prints(outcome) == [(100, 1)] * (many + 1)
    assert v.stops() == []
    assert v.orders() == [ask(0, 1, 100, 4)]


# ------------------------------------------------------------------ what becomes of it
@pytest.mark.rule("X-STOP-06")
def test_what_is_left_of_a_market_stop_is_cancelled(venue: Any) -> None:
    v = venue(market_sell(1, 1, 5, **stop(99)), buy(0, 1, 90, 2))
    outcome = print_at(v, 99)
    assert kit.heard(outcome, 0) == [fill(0, 1, BUY, 90, 2)]
    assert kit.heard(outcome, 1) == [
        triggered(1, 1, SELL, PX_MIN, 5),
        fill(1, 1, SELL, 90, 2),
        ended(1, 1, SELL, PX_MIN, 3, Reason.IOC_REST, MARKET),
    ]


@pytest.mark.rule("X-STOP-06")
@pytest.mark.parametrize(
    ("flags", "row"),
    [
        (0, bid(1, 1, 103, 6)),
        (Flag.ICEBERG, bid(1, 1, 103, 2, reserve=4)),
        (Flag.HIDDEN, bid(1, 1, 103, 6, hidden=1)),
    ],
)
def test_what_is_left_of_a_stop_limit_rests_with_its_instructions(
    venue: Any, flags: int, row: Any
) -> None:
    v = venue(
        sell(0, 1, 103, 3),
        sell(0, 2, 104, 3),
        buy(1, 1, 103, 9, Flag.STOP | flags, trigger_px=101, display_lots=2),
    )
    outcome = print_at(v, 101)
    assert kit.heard(outcome, 0) == [fill(0, 1, SELL, 103, 3)]
    assert kit.heard(outcome, 1) == [triggered(1, 1, BUY, 103, 9), fill(1, 1, BUY, 103, 3)]
    assert v.orders() == [row, ask(0, 2, 104, 3)]


@pytest.mark.rule("X-STOP-06", "X-TIF-07", "X-TIF-08")
def test_a_woken_stop_limit_keeps_its_time_in_force(venue: Any) -> None:
    v = venue(
        buy(1, 1, 100, 1, Flag.STOP | Flag.GTD, trigger_px=101, expire_ns=20),
        buy(1, 2, 100, 2, Flag.STOP | Flag.DAY, trigger_px=101),
    )
    print_at(v, 101)
    assert v.orders() == [bid(1, 1, 100, 1), bid(1, 2, 100, 2)]
    assert v.advance(20).reports == [ended(1, 1, BUY, 100, 1, Reason.EXPIRED)]
    assert v.set_phase(Phase.CLOSED).reports == [ended(1, 2, BUY, 100, 2, Reason.EXPIRED)]


# ------------------------------------------------------------------ other phases
@pytest.mark.rule("X-STOP-07")
@pytest.mark.parametrize("phase", CALLS)
def test_in_call_phases_stops_are_taken_and_sleep(venue: Any, phase: Phase) -> None:
    v = venue(*WIDE, phase=phase, rules=rules(stop_on=StopOn.TOUCH))
    message = market_buy(1, 1, 1, **stop(110))
    assert v.process(message) == Outcome([], [accepted(message)])
    assert v.stops() == [(BUY, 110, PX_MAX, 1, 1, 1)]
    assert v.waiting() == []


@pytest.mark.rule("X-STOP-07")
def test_the_price_of_the_auction_wakes_them(venue: Any) -> None:
    v = venue(
        *WIDE,
        market_buy(1, 1, 1, **stop(105)),
        market_buy(1, 2, 1, **stop(106)),
        buy(2, 1, 105, 5),
        sell(3, 1, 105, 5),
        phase=Phase.OPENING_AUCTION,
    )
    outcome = v.set_phase(Phase.CONTINUOUS)
    assert outcome.trades == [
        Trade(3, 1, 2, 1, 0, 105, 5),
        Trade(0, 2, 1, 1, BUY, 120, 1),  # whose price reaches the other one
        Trade(0, 2, 1, 2, BUY, 120, 1),
    ]
    assert woken(outcome) == [(1, 1), (1, 2)]


@pytest.mark.rule("X-STOP-07")
def test_in_a_halt_they_sleep_and_are_judged_afterwards(venue: Any) -> None:
    v = venue(
        buy(0, 1, 80, 9),
        sell(0, 2, 101, 1),
        sell(0, 3, 110, 1),
        market_buy(1, 1, 1, **stop(105)),
        rules=rules(stop_on=StopOn.TOUCH),
    )
    assert v.set_phase(Phase.HALT) == Outcome([], [])
    assert woken(v.process(cancel(0, 2))) == []
    assert v.set_phase(Phase.CLOSING_AUCTION) == Outcome([], [])
    assert v.set_phase(Phase.HALT) == Outcome([], [])
    outcome = v.set_phase(Phase.CONTINUOUS)
    assert outcome.trades == [Trade(0, 3, 1, 1, BUY, 110, 1)]


@pytest.mark.rule("X-STOP-07")
def test_a_closing_price_wakes_nobody(venue: Any) -> None:
    v = venue(
        market_buy(1, 1, 1, **stop(105)),
        buy(2, 1, 105, 5),
        sell(3, 1, 105, 5),
        phase=Phase.CLOSING_AUCTION,
    )
    assert woken(v.set_phase(Phase.CLOSED)) == []
    assert v.last_px == 105
    assert len(v.stops()) == 1
