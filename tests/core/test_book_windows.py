"""Prices far from the window: one case for each way in which it moves."""

from __future__ import annotations

import pytest

from hftgym.core.constants import BUY, SELL, Flag, MessageKind, Reason
from hftgym.core.reference import Message, ReferenceExchange, Rules
from hftgym.selftest.memory import check_book
from hftgym.selftest.venue import CompiledVenue

RULES = Rules(px_min=-(1 << 30), px_max=1 << 30, start_px=0)
LIMIT, IOC = MessageKind.LIMIT, Flag.IOC


def limit(slot: int, side: int, px: int, lots: int = 1, who: int = 0, flags: int = 0) -> Message:
    return Message(who, LIMIT, slot, side, px, lots, flags)


@pytest.mark.parametrize("side", [BUY, SELL])
@pytest.mark.parametrize(
    "steps",
    [
        [200, 1_000],
        [100, 0, -100, 5_000, 4_999, -3],
        [0, 10, 200, 450, 461, 700, 957, 1_300, -1_300],
        [0, -1_000, -2_000, 3_000, -1_500],
    ],
)
def test_a_better_price_beyond_the_window_moves_it(side: int, steps: list[int]) -> None:
    market, twin = CompiledVenue(RULES), ReferenceExchange(RULES, (1, 2, 3, 4))
    for slot, px in enumerate(steps):
        message = limit(slot, side, side * px)
        market.process(message)
        twin.process(message)
        check_book(market.markets, market.capacity, market.far_levels)
        assert market.orders() == twin.orders()
    for slot in range(len(steps)):
        message = Message(0, MessageKind.CANCEL, slot)
        market.process(message)
        twin.process(message)
        check_book(market.markets, market.capacity, market.far_levels)
        assert market.orders() == twin.orders()


@pytest.mark.parametrize("side", [BUY, SELL])
def test_an_order_that_moved_the_window_and_traded_leaves_the_best_price_right(side: int) -> None:
    """The window has gone up, all that rests lies below it: the next order may be the best."""
    market, twin = CompiledVenue(RULES), ReferenceExchange(RULES, (1, 2, 3, 4))
    for message in (
        limit(0, side, side * 100),
        limit(0, -side, side * 400, who=1),
        limit(1, side, side * 400),
        limit(2, side, side * 150),
        limit(3, side, side * 120),
        Message(0, MessageKind.CANCEL, 2),
    ):
        market.process(message)
        twin.process(message)
        check_book(market.markets, market.capacity, market.far_levels)
        assert market.orders() == twin.orders()


@pytest.mark.parametrize("side", [BUY, SELL])
def test_an_order_that_leaves_its_place_finds_the_room_that_it_was_promised(side: int) -> None:
    """Its leaving lowers the window, and the far list is full: it must still come to rest."""
    market = CompiledVenue(RULES, far_levels=1)
    twin = ReferenceExchange(RULES, (1, 2, 3, 4))
    steps = [
        limit(0, side, 0),
        limit(1, side, -1_000 * side),  # the only far level
        limit(2, side, -100 * side),
        Message(0, MessageKind.AMEND, 0, px=100 * side, lots=1),
    ]
    for message in steps:
        assert [r.reason for r in market.process(message).reports] == [0]
        twin.process(message)
        check_book(market.markets, market.capacity, market.far_levels)
        assert market.orders() == twin.orders()


@pytest.mark.parametrize("side", [BUY, SELL])
def test_a_level_at_the_very_end_of_a_lowered_window_comes_into_it(side: int) -> None:
    market, twin = CompiledVenue(RULES), ReferenceExchange(RULES, (1, 2, 3, 4))
    n = len(market.markets[0]["books"][0]["sides"][0]["levels"])
    worst = n // 4 + 1  # of the window, once the best price has raised it
    steps = [
        limit(0, side, 0),
        limit(1, side, side * n),
        limit(2, side, side * (worst + 5)),
        limit(3, side, side * (worst + 5 - n // 2)),
        Message(0, MessageKind.CANCEL, 1),
        limit(4, side, side * (worst + 4)),
    ]
    for message in steps:
        market.process(message)
        twin.process(message)
        check_book(market.markets, market.capacity, market.far_levels)
        assert market.orders() == twin.orders()
    base = market.markets[0]["books"][0]["sides"][0 if side == BUY else 1]["base"]
    assert base == worst + 5 - n // 2, "the case that this test is for did not arise"


@pytest.mark.parametrize("side", [BUY, SELL])
def test_a_far_price_is_refused_when_there_is_no_far_level_left(side: int) -> None:
    market = CompiledVenue(RULES, far_levels=1)
    for message in (limit(0, side, 0), limit(1, side, -1_000 * side)):
        assert [r.reason for r in market.process(message).reports] == [Reason.OK]
    before = market.orders()
    refused = market.process(limit(2, side, -2_000 * side))
    assert [r.reason for r in refused.reports] == [Reason.POOL_FULL]
    assert market.orders() == before
    check_book(market.markets, market.capacity, market.far_levels)
    at_the_same = market.process(limit(3, side, -1_000 * side))
    assert [r.reason for r in at_the_same.reports] == [Reason.OK]
