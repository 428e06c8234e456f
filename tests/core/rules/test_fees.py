"""Fees and accounts."""

from __future__ import annotations

from typing import Any

import pytest

from hftgym.core.constants import BUY, SELL, FeeUnit, Phase, ReportKind
from tests.core.rules import kit
from tests.core.rules.kit import FAMILY, buy, fill, market_buy, market_sell, rules, sell

MILLIONTHS = FeeUnit.PER_MILLION


def fees(outcome: Any) -> list[int]:
    """Return the fees of maker and taker of each trade."""
    heard = [kit.heard(outcome, p) for p in range(4)]
    fills = [iter([r.fee for r in own if r.kind == ReportKind.FILL]) for own in heard]
    return [next(fills[p]) for t in outcome.trades for p in (t.maker, t.taker)]


@pytest.mark.rule("X-FEE-01")
def test_a_trade_moves_cash_position_and_fees(venue: Any) -> None:
    v = venue(sell(0, 1, 101, 5), rules=rules(unit_value=10, maker_fee=-1, taker_fee=3))
    message = market_buy(1, 1, 4)
    assert v.process(message).reports == [
        kit.accepted(message),
        fill(0, 1, SELL, 101, 4, -4),
        fill(1, 1, BUY, 101, 4, 12),
    ]
    maker, taker = kit.account(v, 0), kit.account(v, 1)
    assert maker == maker | {"cash": 4040 + 4, "fees": -4, "position": -4, "open_sell_lots": 1}
    assert maker == maker | {"maker_lots": 4, "taker_lots": 0, "fills": 1, "edge_2px": 8}
    assert taker == taker | {"cash": -4040 - 12, "fees": 12, "position": 4, "open_buy_lots": 0}
    assert taker == taker | {"maker_lots": 0, "taker_lots": 4, "fills": 1, "edge_2px": -8}
    assert v.fee_account == 8


@pytest.mark.rule("X-FEE-01")
def test_cash_with_fees_and_positions_add_up_to_zero(venue: Any) -> None:
    settings = rules(unit_value=7, maker_fee=-35, taker_fee=97, fee_unit=MILLIONTHS)
    v = venue(sell(0, 1, 101, 5), sell(1, 1, 103, 5), buy(2, 1, 97, 9), rules=settings)
    for message in (market_buy(3, 1, 7), market_sell(0, 2, 4), buy(1, 2, 103, 9)):
        assert v.process(message).trades
        assert sum(a.cash for a in v.accounts) + v.fee_account == 0
        assert sum(a.position for a in v.accounts) == 0
        assert sum(a.fees for a in v.accounts) == v.fee_account


@pytest.mark.rule("X-FEE-01")
def test_who_trades_with_itself_pays_both_fees(venue: Any) -> None:
    v = venue(sell(0, 1, 101, 5), members=FAMILY, rules=rules(maker_fee=1, taker_fee=3))
    v.process(market_buy(0, 2, 5))
    own = kit.account(v, 0)
    assert own == own | {"cash": -20, "fees": 20, "position": 0, "fills": 2}


@pytest.mark.rule("X-FEE-02")
@pytest.mark.parametrize(
    ("unit", "maker", "taker", "expected"),
    [
        (FeeUnit.PER_LOT, -2, 3, [-6, 9]),
        (FeeUnit.PER_LOT, 0, 0, [0, 0]),
        (MILLIONTHS, 10_000, 20_000, [4, 7]),  # of 303: 3.03 and 6.06
        (MILLIONTHS, -10_000, 1, [-3, 1]),  # -3.03 and a shade above nothing
        (MILLIONTHS, -1, 1_000_000, [0, 303]),
    ],
)
def test_fees_are_rounded_up_and_rebates_toward_zero(
    venue: Any, unit: FeeUnit, maker: int, taker: int, expected: list[int]
) -> None:
    v = venue(sell(0, 1, 101, 3), rules=rules(fee_unit=unit, maker_fee=maker, taker_fee=taker))
    assert fees(v.process(market_buy(1, 1, 3))) == expected


@pytest.mark.rule("X-FEE-02")
def test_each_trade_is_rounded_for_itself(venue: Any) -> None:
    v = venue(
        sell(0, 1, 100, 1),
        sell(2, 1, 100, 1),
        rules=rules(fee_unit=MILLIONTHS, maker_fee=-15_000, taker_fee=15_000),
    )
    assert fees(v.process(market_buy(1, 1, 2))) == [-1, 2, -1, 2]
    assert kit.account(v, 1)["fees"] == 4


@pytest.mark.rule("X-FEE-02")
def test_a_value_counts_the_value_of_a_unit(venue: Any) -> None:
    settings = rules(unit_value=1000, fee_unit=MILLIONTHS, maker_fee=0, taker_fee=100)
    v = venue(sell(0, 1, 101, 3), rules=settings)
    assert fees(v.process(market_buy(1, 1, 3))) == [0, 31]  # a basis point of 303000


TIERS = rules(maker_fee=5, taker_fee=9, fee_tiers=((10, 4, 7), (20, -1, 6)))


@pytest.mark.rule("X-FEE-03")
def test_a_tier_counts_from_the_trade_after_it_was_reached(venue: Any) -> None:
    v = venue(*[sell(0, slot, 100, 9) for slot in range(5)], rules=TIERS)
    assert fees(v.process(market_buy(1, 1, 9))) == [45, 81]  # both at 0 lots
    assert fees(v.process(market_buy(1, 2, 1))) == [5, 9]  # both at 9
    assert fees(v.process(market_buy(2, 1, 8))) == [32, 72]  # at 10 and at 0
    assert fees(v.process(market_buy(1, 3, 2))) == [8, 14]  # at 18 and at 10
    assert fees(v.process(market_buy(3, 1, 1))) == [-1, 9]  # the maker at 20


@pytest.mark.rule("X-FEE-03")
def test_a_tier_may_be_reached_within_one_message(venue: Any) -> None:
    v = venue(*[sell(p, 1, 100, 10) for p in (0, 2, 3)], rules=TIERS)
    assert fees(v.process(market_buy(1, 1, 30))) == [50, 90, 50, 70, 50, 60]


@pytest.mark.rule("X-FEE-03")
def test_maker_and_taker_lots_count_together_those_of_auctions_do_not(venue: Any) -> None:
    v = venue(buy(1, 1, 100, 50), sell(0, 1, 100, 50), rules=TIERS, phase=Phase.OPENING_AUCTION)
    v.set_phase(Phase.CONTINUOUS)
    v.process(sell(0, 2, 100, 6))
    v.process(buy(1, 2, 100, 6))
    v.process(buy(1, 3, 99, 4))
    assert fees(v.process(sell(0, 3, 99, 4))) == [20, 36]  # 6 lots each
    v.process(sell(0, 4, 100, 1))
    assert fees(v.process(buy(1, 4, 100, 1))) == [4, 7]  # 6 and 4 lots each
