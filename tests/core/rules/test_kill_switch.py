"""The kill switch."""

from __future__ import annotations

from typing import Any

import pytest

from hftgym.core.constants import BUY, SELL, Flag, Phase, Reason
from hftgym.core.reference import Member, Message, Outcome, Trade
from tests.core.rules import kit
from tests.core.rules.kit import (
    PX_MIN,
    ask,
    bid,
    buy,
    cancel,
    cancel_all,
    ended,
    fill,
    market_buy,
    market_sell,
    refusal,
    rules,
    sell,
    stop,
)


def killed(slot: int, side: int, px: int, lots: int, owner: int = 0) -> Any:
    return ended(owner, slot, side, px, lots, Reason.KILLED)


def long_of_ten(venue: Any, *book: Message, flatten: bool = False, **more: Any) -> Any:
    """Let member 0, which may lose 50, buy 10 at 100; the mid is 95.5 then: it has lost 45."""
    member = Member(0, kill_equity=-50, kill_flatten=flatten)
    v = venue(sell(1, 1, 100, 10), members=[member, 1, 2, 3], **more)
    v.process(market_buy(0, 1, 10))
    for message in (buy(2, 1, 95, 10), sell(3, 1, 96, 10), *book):
        v.process(message)
    assert v.mid_2px == 191
    return v


def lower_bid(v: Any, px: int) -> Outcome:
    """Replace the best bid."""
    v.process(buy(2, 2, px, 4))
    outcome: Outcome = v.process(cancel(2, 1))
    return outcome


# ------------------------------------------------------------------ killed
@pytest.mark.rule("X-KILL-01")
def test_who_falls_below_its_equity_is_killed_with_all_its_orders(venue: Any) -> None:
    v = long_of_ten(
        venue,
        sell(0, 5, 300, 2),
        buy(0, 3, 50, 3),
        market_sell(0, 4, 7, **stop(20)),
    )
    assert kit.heard(lower_bid(v, 94), 0) == []  # it has lost 50: not below
    v.process(buy(2, 3, 93, 4))
    assert v.process(cancel(2, 2)) == Outcome(
        [],
        [
            ended(2, 2, BUY, 94, 4, by=kit.CANCEL),
            killed(3, BUY, 50, 3),
            killed(4, SELL, PX_MIN, 7),
            killed(5, SELL, 300, 2),
        ],
    )
    assert [bool(a.killed) for a in v.accounts] == [True, False, False, False]
    assert kit.account(v, 0)["position"] == 10
    assert v.orders() == [bid(2, 3, 93, 4), ask(3, 1, 96, 10)]
    assert v.stops() == []


@pytest.mark.rule("X-KILL-01")
def test_who_is_killed_may_do_nothing_but_cancel(venue: Any) -> None:
    v = long_of_ten(venue)
    lower_bid(v, 93)
    for message in (buy(0, 1, 90, 1), market_sell(0, 1, 1), sell(0, 1, 110, 1, **stop(90))):
        assert v.process(message) == refusal(message, Reason.KILLED)
    assert v.process(cancel(0, 1)) == refusal(cancel(0, 1), Reason.TOO_LATE)
    assert v.process(cancel_all(0)) == Outcome([], [])
    v.process(cancel(2, 2))
    v.process(buy(2, 4, 95, 1))  # back above: killed it stays
    message = buy(0, 1, 90, 1)
    assert v.process(message) == refusal(message, Reason.KILLED)


@pytest.mark.rule("X-KILL-01")
def test_all_are_judged_once_after_a_transaction(venue: Any) -> None:
    """Fees kill: 10 lots at the mid cost 20."""
    members = [Member(p, kill_equity=-19) for p in range(3)]
    v = venue(
        sell(1, 1, 101, 10),
        buy(0, 1, 99, 1),
        sell(2, 1, 103, 1),
        members=members,
        rules=rules(maker_fee=2, taker_fee=2),
    )
    outcome = v.process(buy(0, 2, 101, 10))
    assert [bool(a.killed) for a in v.accounts] == [True, True, False]
    assert kit.heard(outcome, 0)[-1] == killed(1, BUY, 99, 1)
    assert v.orders() == [ask(2, 1, 103, 1)]


@pytest.mark.rule("X-KILL-01")
def test_the_mark_is_that_after_the_message(venue: Any) -> None:
    v = long_of_ten(venue, buy(2, 5, 92, 1))
    outcome = v.process(cancel(2, 1))  # leaves a mid of 94: 60 are lost
    assert bool(v.accounts[0].killed)
    assert outcome.trades == []


@pytest.mark.rule("X-KILL-01")
def test_without_a_limit_nobody_is_killed(venue: Any) -> None:
    v = venue(sell(1, 1, 900, 10), buy(2, 1, 1, 1), sell(3, 1, 910, 1))
    v.process(market_buy(0, 1, 10))
    v.process(cancel(3, 1))
    v.process(sell(3, 1, 2, 1))
    assert kit.account(v, 0)["cash"] == -9000
    assert not any(a.killed for a in v.accounts)


@pytest.mark.rule("X-KILL-01", "X-TIF-07")
def test_an_expiry_is_a_transaction_too(venue: Any) -> None:
    v = long_of_ten(venue, buy(0, 3, 50, 3), buy(2, 6, 95, 1, Flag.GTD, expire_ns=50))
    v.process(cancel(2, 1))
    v.process(buy(2, 7, 90, 1))
    assert not v.accounts[0].killed
    assert v.advance(50).reports == [
        ended(2, 6, BUY, 95, 1, Reason.EXPIRED),
        killed(3, BUY, 50, 3),
    ]


# ------------------------------------------------------------------ flatten
@pytest.mark.rule("X-KILL-02")
def test_its_position_is_closed_when_it_is_killed(venue: Any) -> None:
    v = long_of_ten(venue, buy(2, 5, 90, 20), sell(0, 5, 97, 2), flatten=True)
    outcome = lower_bid(v, 93)
    assert outcome.trades == [Trade(2, 2, 0, -1, SELL, 93, 4), Trade(2, 5, 0, -1, SELL, 90, 6)]
    assert kit.heard(outcome, 0) == [
        killed(5, SELL, 97, 2),
        fill(0, -1, SELL, 93, 4),
        fill(0, -1, SELL, 90, 6),
    ]
    own = kit.account(v, 0)
    assert own == own | {"position": 0, "cash": -1000 + 372 + 540, "open_sell_lots": 0}
    assert v.last_px == 90


@pytest.mark.rule("X-KILL-02")
def test_a_short_position_is_bought_back(venue: Any) -> None:
    member = Member(0, kill_equity=-50, kill_flatten=True)
    v = venue(buy(1, 1, 100, 10), members=[member, 1, 2, 3])
    v.process(market_sell(0, 1, 10))
    v.process(sell(3, 1, 108, 10))
    outcome = v.process(buy(2, 1, 104, 1))  # the mid is 106
    assert outcome.trades == [Trade(3, 1, 0, -1, BUY, 108, 10)]
    assert kit.account(v, 0)["position"] == 0


@pytest.mark.rule("X-KILL-02")
def test_what_could_not_be_closed_is_when_trading_begins_again(venue: Any) -> None:
    v = long_of_ten(venue, flatten=True)
    assert kit.prints(lower_bid(v, 93)) == [(93, 4)]
    assert kit.account(v, 0)["position"] == 6
    assert v.process(buy(2, 6, 91, 2)).trades == []
    v.set_phase(Phase.HALT)
    assert v.set_phase(Phase.CONTINUOUS).trades == [Trade(2, 6, 0, -1, SELL, 91, 2)]
    v.process(buy(2, 7, 90, 9))
    v.set_phase(Phase.VOLATILITY_AUCTION)
    assert v.set_phase(Phase.CONTINUOUS).trades == [Trade(2, 7, 0, -1, SELL, 90, 4)]
    v.set_phase(Phase.HALT)
    assert v.set_phase(Phase.CONTINUOUS) == Outcome([], [])


@pytest.mark.rule("X-KILL-02")
def test_in_a_halt_it_waits_for_trading(venue: Any) -> None:
    v = long_of_ten(venue, buy(2, 5, 92, 20), flatten=True)
    v.set_phase(Phase.HALT)
    assert v.process(cancel(2, 1)).trades == []
    assert v.accounts[0].killed
    assert v.set_phase(Phase.CONTINUOUS).trades == [Trade(2, 5, 0, -1, SELL, 92, 10)]


@pytest.mark.rule("X-KILL-02", "X-BAND-02")
def test_it_is_closed_inside_the_bands(venue: Any) -> None:
    v = long_of_ten(venue, buy(2, 5, 92, 20), flatten=True, rules=rules(dynamic_band_px=7))
    assert lower_bid(v, 93).trades == [Trade(2, 2, 0, -1, SELL, 93, 4)]  # 92 is 8 below 100
    assert kit.account(v, 0)["position"] == 6


@pytest.mark.rule("X-FEED-03")
def test_each_hears_of_its_own_orders_and_trades_only(venue: Any) -> None:
    v = venue(sell(0, 1, 100, 3), sell(1, 1, 100, 3), buy(2, 1, 98, 5))
    outcome = v.process(market_buy(3, 1, 4))
    assert {(r.to, r.slot) for r in outcome.reports} == {(0, 1), (1, 1), (3, 1)}
    assert kit.heard(outcome, 0) == [fill(0, 1, SELL, 100, 3)]
    assert kit.heard(outcome, 1) == [fill(1, 1, SELL, 100, 1)]
    assert [r.to for r in v.process(cancel(1, 1)).reports] == [1]
    assert [r.to for r in v.process(buy(2, 1, 98, 5)).reports] == [2]  # refused: in private too
