"""Size: large quantities, negative and far prices."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from hftgym.core.constants import BUY, SELL, FeeUnit, Flag, Matching, Phase, StopOn, Stp
from hftgym.core.reference import Rules, Trade
from tests.core.rules import kit
from tests.core.rules.kit import (
    FAMILY,
    ask,
    bid,
    buy,
    iceberg,
    market_buy,
    market_sell,
    rules,
    sell,
    stop,
)

HUGE = 1 << 40
BIG = rules(max_lots=1 << 41, px_max=1 << 16, fee_unit=FeeUnit.PER_MILLION, taker_fee=1)


@pytest.mark.rule("X-CAP-01")
def test_huge_lots_rest_and_trade(venue: Any) -> None:
    v = venue(sell(0, 1, 101, HUGE), sell(1, 1, 101, HUGE + 1), rules=BIG)
    outcome = v.process(buy(2, 1, 101, HUGE + 3))
    assert outcome.trades == [
        Trade(0, 1, 2, 1, BUY, 101, HUGE),
        Trade(1, 1, 2, 1, BUY, 101, 3),
    ]
    assert v.orders() == [ask(1, 1, 101, HUGE - 2)]
    cost = 101 * (HUGE + 3)
    fee = -(-101 * HUGE // 10**6) + 1
    assert kit.account(v, 2)["cash"] == -cost - fee
    assert [a.position for a in v.accounts] == [-HUGE, -3, HUGE + 3, 0]


@pytest.mark.rule("X-CAP-01", "X-TIF-02", "X-TIF-03", "X-TIF-04")
def test_conditions_count_huge_lots(venue: Any) -> None:
    book = [sell(0, 1, 101, HUGE, **iceberg(HUGE >> 9)), sell(1, 1, 102, HUGE)]
    cost = 101 * HUGE + 102
    for flags, px, enough in [
        (Flag.FOK, 102, True),
        (Flag.FOK, 101, False),
        (Flag.FOK | Flag.BUDGET, cost, True),
        (Flag.FOK | Flag.BUDGET, cost - 1, False),
        (Flag.MIN_LOTS, 102, True),
        (Flag.MIN_LOTS, 101, False),
    ]:
        message = buy(2, 1, px, HUGE + 1, flags, min_lots=HUGE + 1)
        outcome = venue(*book, rules=BIG).process(message)
        assert sum(trade.lots for trade in outcome.trades) == (HUGE + 1 if enough else 0)


@pytest.mark.rule("X-CAP-01", "X-PRO-05")
def test_huge_lots_are_shared_exactly(venue: Any) -> None:
    """Lots times lots are beyond 64 bits: 10, 30 and 60 parts of 2^34."""
    unit = 1 << 34
    book = [sell(p, 1, 100, parts * unit) for p, parts in enumerate((10, 30, 60))]
    v = venue(*book, rules=replace(BIG, matching=Matching.PRO_RATA, top_max_lots=0))
    outcome = v.process(market_buy(3, 1, 50 * unit + 3))
    assert kit.shares(outcome) == [(0, 5 * unit + 2), (1, 15 * unit), (2, 30 * unit + 1)]


@pytest.mark.rule("X-CAP-01", "X-AUC-02")
def test_huge_lots_uncross(venue: Any) -> None:
    book = [buy(0, 1, 102, HUGE), buy(0, 2, 101, HUGE), sell(1, 1, 100, HUGE + 5)]
    v = venue(*book, rules=BIG, phase=Phase.PRE_OPEN)
    assert v.indication() == (101, HUGE + 5, HUGE - 5)
    assert kit.prints(v.set_phase(Phase.CONTINUOUS)) == [(101, HUGE), (101, 5)]


@pytest.mark.rule("X-CAP-01", "X-STP-03")
def test_huge_lots_shrink(venue: Any) -> None:
    v = venue(sell(0, 1, 100, HUGE + 7), members=FAMILY, rules=BIG)
    v.process(buy(1, 1, 100, HUGE, stp=Stp.DECREMENT + 1))
    assert v.orders() == [ask(0, 1, 100, 7)]


NEGATIVE = rules(px_min=-500, px_max=500, start_px=-100, tick_px=5)


@pytest.mark.rule("X-CAP-01")
def test_prices_may_be_negative(venue: Any) -> None:
    v = venue(sell(0, 1, -95, 4), sell(0, 2, 0, 4), buy(0, 3, -105, 4), rules=NEGATIVE)
    assert v.mid_2px == -200
    assert kit.prints(v.process(buy(1, 1, 5, 6))) == [(-95, 4), (0, 2)]
    assert kit.account(v, 1)["cash"] == 380  # the buyer is paid
    assert kit.prints(v.process(market_sell(2, 1, 1))) == [(-105, 1)]
    slid = buy(3, 1, 100, 1, Flag.POST_ONLY_SLIDE)
    assert v.process(slid).reports == [kit.accepted(slid, -5)]
    assert v.orders()[0] == bid(3, 1, -5, 1)


@pytest.mark.rule("X-CAP-01", "X-AUC-02", "X-STOP-02")
def test_negative_prices_uncross_and_wake_stops(venue: Any) -> None:
    book = [buy(0, 1, -90, 5), sell(1, 1, -120, 5), market_sell(2, 1, 1, **stop(-100))]
    v = venue(*book, buy(3, 1, -200, 1), rules=NEGATIVE, phase=Phase.PRE_OPEN)
    outcome = v.set_phase(Phase.CONTINUOUS)
    assert kit.prints(outcome) == [(-100, 5), (-200, 1)]
    book = [buy(0, 1, -90, 5), sell(1, 1, -105, 5)]
    v = venue(*book, rules=NEGATIVE, phase=Phase.PRE_OPEN, reference_px=None)
    assert v.indication() == (-100, 5, 0)  # -97.5, rounded down to a tick


FAR = Rules(px_max=1 << 31, start_px=1 << 20, unit_value=1, taker_fee=0, max_lots=1 << 20)


@pytest.mark.rule("X-CAP-02")
def test_orders_rest_and_trade_at_any_price(venue: Any) -> None:
    prices = [1, 2, 999, 1 << 20, (1 << 20) + 1, 1 << 30, (1 << 31) - 1, 1 << 31]
    v = venue(*[sell(0, slot, px, 1) for slot, px in enumerate(reversed(prices))], rules=FAR)
    assert [row[1] for row in v.orders()] == prices
    assert kit.prints(v.process(market_buy(1, 1, 9))) == [(px, 1) for px in prices]
    v = venue(*[buy(0, slot, px, 1) for slot, px in enumerate(prices)], rules=FAR)
    assert kit.prints(v.process(market_sell(1, 1, 9))) == [(px, 1) for px in reversed(prices)]


@pytest.mark.rule("X-CAP-02")
@pytest.mark.parametrize("factor", [0.7, 1.3])
def test_a_gap_is_one_message_like_any_other(venue: Any, factor: float) -> None:
    middle = 1 << 20
    there = int(middle * factor)
    ladder = [buy(0, i, middle - 1 - i, 1) for i in range(20)]
    ladder += [sell(0, 20 + i, middle + 1 + i, 1) for i in range(20)]
    v = venue(*ladder, buy(2, 1, min(there, middle // 2), 1), sell(2, 2, 2 * middle, 1), rules=FAR)
    side = BUY if factor > 1 else SELL
    sweep = v.process((buy if side == BUY else sell)(1, 1, there, 25))
    assert kit.prints(sweep) == [(middle + side * (1 + i), 1) for i in range(20)]
    # The market goes on around the new price, and what was left behind is still there.
    v.process((sell if side == BUY else buy)(3, 1, there + side, 7))
    assert v.mid_2px == 2 * there + side
    far_side = {row[1] for row in v.orders() if row[4] == 0}
    assert far_side == {middle - side * (1 + i) for i in range(20)}
    back = v.process((market_sell if side == BUY else market_buy)(3, 2, 5 + 20))
    assert kit.prints(back) == [(there, 5)] + [(middle - side * (1 + i), 1) for i in range(20)]


@pytest.mark.rule("X-CAP-02")
def test_stops_wake_across_a_gap(venue: Any) -> None:
    far = 1 << 30
    v = venue(
        sell(0, 1, far, 1),
        sell(0, 2, far + 1, 5),
        buy(0, 3, 2, 1),
        market_buy(1, 1, 2, **stop(far)),
        market_sell(1, 2, 1, **stop(3)),
        rules=replace(FAR, stop_on=StopOn.LAST),
    )
    assert kit.prints(v.process(market_buy(2, 1, 1))) == [(far, 1), (far + 1, 2)]
    assert v.stops() == [(SELL, 3, 1, 1, 1, 2)]
