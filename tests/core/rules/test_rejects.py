"""Messages and rejects."""

from __future__ import annotations

from typing import Any

import pytest

from hftgym.core.constants import BUY, SELL, Flag, MessageKind, Phase, Reason, Stp
from hftgym.core.reference import Member, Message
from tests.core.rules import kit
from tests.core.rules.kit import (
    AMEND,
    LIMIT,
    MARKET,
    PX_MAX,
    PX_MIN,
    amend,
    ask,
    bid,
    buy,
    cancel,
    ended,
    iceberg,
    market_buy,
    market_sell,
    refusal,
    rules,
    sell,
    stop,
)

BOOK = (buy(0, 1, 99, 5), sell(1, 1, 101, 5), sell(2, 1, 103, 5, **stop(95)))


@pytest.mark.rule("X-REJ-01")
@pytest.mark.parametrize(
    ("message", "reason"),
    [
        (buy(3, 1, 100, 0), Reason.BAD_QTY),
        (buy(3, 1, PX_MAX + 1, 1), Reason.BAD_PRICE),
        (buy(0, 1, 100, 1), Reason.DUPLICATE_ID),
        (buy(3, 1, 101, 1, Flag.POST_ONLY), Reason.POST_ONLY_CROSS),
        (buy(3, 1, 101, 6, Flag.FOK), Reason.FOK_KILLED),
        (buy(3, 1, 101, 9, Flag.MIN_LOTS, min_lots=6), Reason.MIN_LOTS),
        (sell(3, 1, 101, 1, Flag.GTD, expire_ns=0), Reason.BAD_EXPIRY),
        (amend(0, 1, 99, 0), Reason.BAD_QTY),
        (amend(0, 2, 99, 1), Reason.TOO_LATE),
        (cancel(3, 1), Reason.TOO_LATE),
        (Message(3, 99, 1), Reason.BAD_MESSAGE),
    ],
)
def test_a_refused_message_is_answered_and_changes_nothing(
    venue: Any, message: Message, reason: Reason
) -> None:
    v = venue(*BOOK)
    before = kit.state(v)
    assert v.process(message) == refusal(message, reason)
    assert kit.state(v) == before
    assert [a.rejects for a in v.accounts] == [int(p == message.participant) for p in range(4)]


@pytest.mark.rule("X-REJ-02")
def test_of_a_sender_that_is_gone_killed_or_too_late_the_first_reason_counts(venue: Any) -> None:
    poor = [Member(firm, kill_equity=1) for firm in (0, 1)]  # 0 is below 1: killed
    v = venue(members=[*poor, 2], phase=Phase.CLOSED)
    v.process(kit.disconnect(0))
    for sender, reason in enumerate((Reason.DISCONNECTED, Reason.KILLED, Reason.MARKET_CLOSED)):
        wrong = Message(sender, LIMIT, 1, side=0)
        assert v.process(wrong) == refusal(wrong, reason)
    v = venue(phase=Phase.PRE_OPEN)
    wrong = buy(1, 1, 0, 0, Flag.IOC | Flag.FOK)
    assert v.process(wrong) == refusal(wrong, Reason.BAD_MESSAGE)
    wrong = buy(1, 1, 0, 0, Flag.IOC)
    assert v.process(wrong) == refusal(wrong, Reason.NOT_IN_PHASE)


@pytest.mark.rule("X-REJ-02")
def test_of_several_faults_of_an_order_the_first_one_counts(venue: Any) -> None:
    """Each message repairs what the one before was refused for, and has all that comes later."""
    v = venue(
        buy(1, 1, 100, 5),
        rules=rules(tick_px=2, static_band_px=10),
        members=[0, Member(1, position_limit=10)],
    )
    flags = Flag.STOP | Flag.ICEBERG | Flag.GTD
    late = {"display_lots": 0, "trigger_px": 1, "expire_ns": 0}
    steps = [
        (Message(1, LIMIT, 1, 0, PX_MAX + 1, 0, flags, **late), Reason.BAD_MESSAGE),
        (buy(1, 1, PX_MAX + 1, 0, flags, **late), Reason.BAD_QTY),
        (buy(1, 1, PX_MAX + 1, 6, flags, **late), Reason.BAD_PRICE),
        (buy(1, 1, 121, 6, flags, **late), Reason.NOT_ON_TICK),
        (buy(1, 1, 120, 6, flags, **late), Reason.PRICE_BAND),
        (buy(1, 1, 110, 6, flags, **late), Reason.BAD_DISPLAY),
        (buy(1, 1, 110, 6, flags, **(late | {"display_lots": 1})), Reason.BAD_TRIGGER),
        (buy(1, 1, 110, 6, flags, trigger_px=110, display_lots=1), Reason.BAD_EXPIRY),
    ]
    good = {"trigger_px": 110, "display_lots": 1, "expire_ns": 9}
    steps += [
        (buy(1, 1, 110, 6, flags, **good), Reason.DUPLICATE_ID),
        (buy(1, 2, 110, 6, flags, **good), Reason.RISK_LIMIT),
    ]
    for message, reason in steps:
        assert v.process(message) == refusal(message, reason)


@pytest.mark.rule("X-REJ-02")
def test_limits_are_judged_before_the_book_and_the_book_before_room(venue: Any) -> None:
    v = venue(members=[Member(0, position_limit=10), 1], capacity=1)
    to_limit = {"flags": Flag.TO_LIMIT | Flag.MIN_LOTS, "min_lots": 8}
    for message, reason in [
        (market_buy(0, 2, 11, **to_limit), Reason.RISK_LIMIT),
        (market_buy(0, 2, 10, **to_limit), Reason.NO_PRICE),
    ]:
        assert v.process(message) == refusal(message, reason)
    v.process(sell(1, 1, 100, 5))
    for message, reason in [
        (buy(0, 2, 100, 11, Flag.POST_ONLY), Reason.RISK_LIMIT),
        (buy(0, 2, 100, 10, Flag.POST_ONLY), Reason.POST_ONLY_CROSS),
        (buy(0, 2, 99, 10, Flag.POST_ONLY), Reason.POOL_FULL),
        (buy(0, 2, 100, 11, Flag.FOK), Reason.RISK_LIMIT),
        (buy(0, 2, 100, 10, Flag.FOK), Reason.FOK_KILLED),
        (buy(0, 2, 100, 11, Flag.MIN_LOTS, min_lots=6), Reason.RISK_LIMIT),
        (buy(0, 2, 100, 10, Flag.MIN_LOTS, min_lots=6), Reason.MIN_LOTS),
        (market_buy(0, 2, 10, **to_limit), Reason.MIN_LOTS),
    ]:
        assert v.process(message) == refusal(message, reason)


@pytest.mark.rule("X-REJ-03")
@pytest.mark.parametrize(
    "message",
    [
        Message(0, 0, 1, BUY, 100, 1),
        Message(0, 99, 1, BUY, 100, 1),
        Message(0, LIMIT, 1, 0, 100, 1),
        Message(0, LIMIT, 1, 2, 100, 1),
        Message(0, MARKET, 1, -2, 0, 1),
        buy(0, 1, 100, 1, 32),
        buy(0, 1, 100, 1, 64),
        buy(0, 1, 100, 1, 128),
        buy(0, 1, 100, 1, 32_768),
        buy(0, 1, 100, 1, stp=Stp.DECREMENT + 2),
    ],
    ids=str,
)
def test_what_makes_no_sense_is_a_bad_message(venue: Any, message: Message) -> None:
    v = venue(sell(1, 1, 100, 5))
    assert v.process(message) == refusal(message, Reason.BAD_MESSAGE)
    assert v.orders() == [ask(1, 1, 100, 5)]


F = Flag
WITH = {"display_lots": 1, "min_lots": 1, "trigger_px": 120, "expire_ns": 9}
CONTRADICTIONS = [
    *[(LIMIT, F.IOC | F.FOK)],
    *[
        (kind, immediate | other)
        for kind, immediate in [(LIMIT, F.IOC), (LIMIT, F.FOK), (MARKET, 0), (MARKET, F.IOC)]
        for other in (F.POST_ONLY, F.POST_ONLY_SLIDE, F.HIDDEN, F.ICEBERG, F.GTD, F.DAY)
    ],
    *[(MARKET, F.STOP | other) for other in (F.POST_ONLY, F.HIDDEN, F.ICEBERG)],
    *[(LIMIT, F.HIDDEN | F.ICEBERG), (LIMIT, F.GTD | F.DAY), (LIMIT, F.TO_LIMIT)],
    *[
        (MARKET, F.TO_LIMIT | other)
        for other in (F.IOC, F.FOK, F.POST_ONLY, F.POST_ONLY_SLIDE, F.HIDDEN | F.ICEBERG)
    ],
    *[(LIMIT, F.BUDGET), (LIMIT, F.BUDGET | F.IOC), (MARKET, F.BUDGET | F.FOK)],
    *[(LIMIT, F.MIN_LOTS | other) for other in (F.FOK, F.POST_ONLY, F.POST_ONLY_SLIDE)],
    *[(MARKET, F.MIN_LOTS | F.FOK)],
    *[
        (LIMIT, F.STOP | other)
        for other in (F.POST_ONLY, F.POST_ONLY_SLIDE, F.IOC, F.FOK, F.MIN_LOTS)
    ],
    *[(MARKET, F.STOP | other) for other in (F.IOC, F.FOK, F.MIN_LOTS, F.TO_LIMIT)],
]
LEGAL = [
    *[(LIMIT, other) for other in (0, F.IOC, F.FOK, F.BUDGET | F.FOK, F.HIDDEN, F.ICEBERG)],
    *[(LIMIT, F.MIN_LOTS | other) for other in (0, F.IOC, F.HIDDEN, F.ICEBERG, F.GTD, F.DAY)],
    *[(LIMIT, F.STOP | other) for other in (0, F.HIDDEN, F.ICEBERG, F.GTD, F.DAY)],
    *[(LIMIT, F.ICEBERG | other) for other in (F.GTD, F.DAY)],
    *[(MARKET, other) for other in (0, F.IOC, F.FOK, F.MIN_LOTS, F.MIN_LOTS | F.IOC)],
    *[(MARKET, F.STOP | other) for other in (0, F.GTD, F.DAY)],
    *[(MARKET, F.TO_LIMIT | other) for other in (0, F.HIDDEN, F.ICEBERG, F.GTD, F.DAY, F.MIN_LOTS)],
]
RESTING = [
    (LIMIT, post | other)
    for post in (F.POST_ONLY, F.POST_ONLY_SLIDE, F.POST_ONLY | F.POST_ONLY_SLIDE)
    for other in (0, F.HIDDEN, F.ICEBERG, F.GTD, F.DAY)
]


@pytest.mark.rule("X-REJ-03")
@pytest.mark.parametrize(("kind", "flags"), CONTRADICTIONS)
def test_instructions_that_contradict_each_other_are_a_bad_message(
    venue: Any, kind: int, flags: int
) -> None:
    message = Message(0, kind, 1, BUY, 100, 1, int(flags), **WITH)
    assert venue(sell(1, 1, 100, 5)).process(message) == refusal(message, Reason.BAD_MESSAGE)


@pytest.mark.rule("X-REJ-03")
@pytest.mark.parametrize(("kind", "flags"), LEGAL + RESTING)
def test_all_other_instructions_go_together(venue: Any, kind: int, flags: int) -> None:
    px = 99 if (kind, flags) in RESTING else 100
    message = Message(0, kind, 1, BUY, px, 1, int(flags), **WITH)
    worst = px
    if kind == MARKET:
        worst = 100 if flags & Flag.TO_LIMIT else PX_MAX
    elif flags & Flag.BUDGET:
        worst = PX_MAX
    outcome = venue(sell(1, 1, 100, 5)).process(message)
    assert kit.heard(outcome, 0)[0] == kit.accepted(message, worst)


@pytest.mark.rule("X-REJ-04")
def test_lots_are_from_1_to_the_most_that_is_allowed(venue: Any) -> None:
    v = venue(rules=rules(max_lots=50))
    for lots in (0, -1, 51):
        for message in (buy(0, 1, 90, lots), market_buy(0, 1, lots), sell(0, 1, 110, lots)):
            assert v.process(message) == refusal(message, Reason.BAD_QTY)
    v.process(buy(0, 1, 90, 1))
    v.process(buy(0, 2, 90, 50))
    assert v.orders() == [bid(0, 1, 90, 1), bid(0, 2, 90, 50)]


@pytest.mark.rule("X-REJ-04")
def test_limits_are_within_the_range_and_on_the_tick(venue: Any) -> None:
    v = venue(rules=rules(px_min=10, px_max=200, tick_px=5))
    for px, reason in [
        (5, Reason.BAD_PRICE),
        (205, Reason.BAD_PRICE),
        (-100, Reason.BAD_PRICE),
        (201, Reason.BAD_PRICE),
        (101, Reason.NOT_ON_TICK),
        (199, Reason.NOT_ON_TICK),
    ]:
        message = buy(0, 1, px, 1)
        assert v.process(message) == refusal(message, reason)
    v.process(buy(0, 1, 10, 1))
    v.process(sell(0, 2, 200, 1))
    assert v.orders() == [bid(0, 1, 10, 1), ask(0, 2, 200, 1)]


@pytest.mark.rule("X-REJ-04")
def test_the_price_of_a_market_order_is_not_read(venue: Any) -> None:
    v = venue(sell(1, 1, 100, 5), buy(1, 2, 90, 5), rules=rules(tick_px=5, static_band_px=20))
    for side, px in [(BUY, -7), (SELL, 10**9)]:
        outcome = v.process(Message(0, MARKET, 1, side, px, 5))
        assert kit.prints(outcome) == [(100 if side == BUY else 90, 5)]


@pytest.mark.rule("X-REJ-04")
def test_a_budget_is_an_amount_of_at_least_nothing(venue: Any) -> None:
    v = venue(sell(1, 1, 100, 5), rules=rules(tick_px=5, static_band_px=20))
    below = buy(0, 1, -1, 5, F.FOK | F.BUDGET)
    assert v.process(below) == refusal(below, Reason.BAD_PRICE)
    nothing = buy(0, 1, 0, 5, F.FOK | F.BUDGET)
    assert v.process(nothing) == refusal(nothing, Reason.FOK_KILLED)
    off_tick_and_beyond_all_prices = buy(0, 1, PX_MAX + 1, 5, F.FOK | F.BUDGET)
    assert kit.prints(v.process(off_tick_and_beyond_all_prices)) == [(100, 5)]


@pytest.mark.rule("X-REJ-05")
def test_an_id_of_a_live_order_is_taken(venue: Any) -> None:
    v = venue(buy(0, 1, 99, 5), buy(0, 2, 90, 5, **stop(120)))
    for slot in (1, 2):
        for message in (sell(0, slot, 105, 1), market_buy(0, slot, 1), buy(0, slot, 1, 1, F.IOC)):
            assert v.process(message) == refusal(message, Reason.DUPLICATE_ID)
    same_id_of_another_owner = buy(1, 1, 99, 5)
    assert v.process(same_id_of_another_owner).reports == [kit.accepted(same_id_of_another_owner)]
    v = venue(market_buy(0, 1, 5), phase=Phase.PRE_OPEN)
    message = buy(0, 1, 99, 1)
    assert v.process(message) == refusal(message, Reason.DUPLICATE_ID)


@pytest.mark.rule("X-REJ-05")
def test_an_id_of_an_order_that_is_gone_may_be_used_again(venue: Any) -> None:
    v = venue(buy(0, 1, 99, 5))
    v.process(cancel(0, 1))
    again = buy(0, 1, 98, 4)
    assert v.process(again).reports == [kit.accepted(again)]
    v.process(market_sell(1, 1, 4))
    assert v.orders() == []
    v.process(buy(0, 1, 97, 3))
    assert v.orders() == [bid(0, 1, 97, 3)]


@pytest.mark.rule("X-REJ-06")
@pytest.mark.parametrize("kind", [MessageKind.CANCEL, AMEND])
def test_an_id_that_is_not_live_is_too_late(venue: Any, kind: int) -> None:
    v = venue(buy(0, 1, 99, 5))
    for owner, slot in [(0, 2), (1, 1)]:  # never used; another one's
        message = Message(owner, kind, slot, 0, 99, 4)
        assert v.process(message) == refusal(message, Reason.TOO_LATE)
    assert v.orders() == [bid(0, 1, 99, 5)]
    v.process(market_sell(1, 7, 5))
    message = Message(0, kind, 1, 0, 99, 4)
    assert v.process(message) == refusal(message, Reason.TOO_LATE)


@pytest.mark.rule("X-REJ-07")
def test_a_full_pool_refuses_orders_that_would_rest(venue: Any) -> None:
    v = venue(buy(0, 1, 99, 5), sell(0, 2, 101, 5), capacity=2)
    for message in (buy(1, 1, 98, 1), sell(1, 1, 101, 1, F.HIDDEN), buy(1, 1, 99, 1, F.DAY)):
        assert v.process(message) == refusal(message, Reason.POOL_FULL)
    v.process(cancel(0, 1))
    assert v.process(buy(1, 1, 98, 1)).reports == [kit.accepted(buy(1, 1, 98, 1))]


@pytest.mark.rule("X-REJ-07")
def test_an_immediate_order_needs_no_room(venue: Any) -> None:
    v = venue(buy(0, 1, 99, 5), sell(0, 2, 101, 5), capacity=2)
    assert kit.prints(v.process(buy(1, 1, 101, 2, F.IOC))) == [(101, 2)]
    assert kit.prints(v.process(buy(1, 1, 101, 1, F.FOK))) == [(101, 1)]
    outcome = v.process(market_sell(1, 1, 6))
    assert kit.prints(outcome) == [(99, 5)]
    assert kit.heard(outcome, 1)[-1] == ended(1, 1, SELL, PX_MIN, 1, Reason.IOC_REST, MARKET)


@pytest.mark.rule("X-REJ-07")
def test_an_iceberg_needs_the_room_of_one_order(venue: Any) -> None:
    v = venue(sell(0, 1, 101, 9, **iceberg(2)), capacity=1)
    assert kit.prints(v.process(market_buy(1, 1, 5))) == [(101, 2), (101, 2), (101, 1)]
    assert v.orders() == [ask(0, 1, 101, 1, reserve=3)]
