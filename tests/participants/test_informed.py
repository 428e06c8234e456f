"""Kyle's insider and the traders and the maker of Glosten and Milgrom."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from hftgym.core.constants import BUY, SELL, LogKind
from hftgym.participants import glosten_milgrom_maker, kyle
from hftgym.scenario import Scenario
from hftgym.simulator import Simulator
from tests.core.scripted import Stage, limit, market

SECOND = 1_000_000_000
ZERO = {"feed_ns": 0, "order_ns": 0, "response_ns": 0}
STILL = {"sigma_tick_per_sqrt_s": 0.0, "jump_per_s": 0.0}


def group(kind: str, **params: Any) -> dict[str, Any]:
    return {"kind": kind, "latency": ZERO, "params": params}


def test_the_single_auction_of_kyle() -> None:
    """s_v 2, s_u 0.5: lambda 2, profit s_v s_u / 2, half of the variance stays hidden."""
    beta, impact = kyle.coefficients(0.5, 2.0)
    assert (beta, impact) == (0.25, 2.0)
    rng = np.random.default_rng(11)
    n = 1_000_000
    value, noise = rng.normal(0.0, 2.0, n), rng.normal(0.0, 0.5, n)
    price = impact * (beta * value + noise)
    profit = beta * value * (value - price)
    assert profit.mean() == pytest.approx(0.5, abs=4 * profit.std() / n**0.5)
    assert (value - price).var() == pytest.approx(2.0, rel=0.01)
    # The price is the mean of the value given the order flow: no profit is left in it.
    assert np.polyfit(price, value, 1)[0] == pytest.approx(1.0, abs=0.01)
    # The insider can not do better with another intensity.
    for other in (0.8 * beta, 1.2 * beta):
        assert (other * value * (value - impact * (other * value + noise))).mean() < profit.mean()


@pytest.mark.parametrize("side", [BUY, SELL])
def test_the_insider_trades_in_proportion_and_faster_towards_the_end(side: int) -> None:
    """The quote is 8 ticks wrong; beta 0.5: 4 lots times 1/10 + 1/9 + ... after 1, 2 ... looks."""
    wrong = 100 - 8 * side
    book = [limit(0, -side, wrong, 100), limit(0, side, wrong - 2 * side, 100, slot=1)]
    params = {"horizon_s": 10.0, "interval_s": 1.0, "noise_lot": 5.0, "value_sd_tick": 10.0}
    scene = Stage({"book": book}, extra=[group("kyle", fee_tick=0.0, order_lots=9, **params)],
                  fields={"value": STILL})  # fmt: skip
    held = []
    for look in range(1, 13):
        scene.advance(look * SECOND)
        held.append(side * int(scene.part("kyle")["account"]["position"]))
    shares = [1 / left for left in range(10, 0, -1)] + [1 / 10, 1 / 9]  # and a new session
    assert held == [int(4 * total + 1e-6) for total in np.cumsum(shares)]
    assert {row["px"] for row in scene.rows(LogKind.TRADE)} == {wrong}


def test_the_insider_stays_out_of_a_right_market_and_within_its_limit() -> None:
    book = [limit(0, BUY, 99, 10), limit(0, SELL, 101, 10, slot=1)]
    kind = group("kyle", horizon_s=10.0, fee_tick=0.0)
    scene = Stage({"book": book}, extra=[kind], fields={"value": STILL})
    scene.advance(60 * SECOND)
    assert scene.part("kyle")["account"]["messages"] == 0
    book = [limit(0, SELL, 90, 900), limit(0, BUY, 80, 10, slot=1)]
    kind = group("kyle", horizon_s=10.0, limit_lot=7)
    scene = Stage({"book": book}, extra=[kind], fields={"value": STILL})
    scene.advance(60 * SECOND)
    assert scene.part("kyle")["account"]["position"] == 7


@pytest.mark.parametrize(
    ("prior", "share", "after_sale", "after_buy"),
    [(0.5, 0.2, 0.4, 0.6), (0.5, 0.5, 0.25, 0.75), (0.3, 0.2, 0.222222, 0.391304)],
)
def test_the_quotes_of_glosten_and_milgrom(
    prior: float, share: float, after_sale: float, after_buy: float
) -> None:
    belief = glosten_milgrom_maker.belief
    assert belief(prior, share, -1) == pytest.approx(after_sale, abs=5e-7)
    assert belief(prior, share, 1) == pytest.approx(after_buy, abs=5e-7)
    assert belief(prior, share, 0) == pytest.approx(prior)
    # Bayes twice is two buys at once; a buy and a sale cancel.
    assert belief(after_buy, share, 1) == pytest.approx(belief(prior, share, 2), abs=1e-6)
    assert belief(after_buy, share, -1) == pytest.approx(prior, abs=1e-6)
    assert 0.0 <= belief(prior, share, -10_000) < 1e-9 < 1 - 1e-9 < belief(prior, share, 10_000)


SURPRISE = 1_000


def duel(seed: int, high: bool, believed: float, true: float = 0.3) -> tuple[float, float]:
    """Let a maker meet a crowd for about 60 trades; its profit and the error of its mid, px."""
    spec = {
        "name": "duel",
        "description": "duel",
        "value": STILL,
        "instrument": {"start_px": 100_000, "taker_fee": 0},
        "participants": [
            group("glosten_milgrom_maker", informed_share=believed, surprise_tick=float(SURPRISE),
                  event_s=1e6),
            group("glosten_milgrom", rate_per_s=1.0, informed_share=true),
        ],
    }  # fmt: skip
    run = Simulator(Scenario.model_validate(spec), seed)
    raw = run.market()["part"][0]["memory"]
    dtype = glosten_milgrom_maker.MEMORY
    mind = raw[: dtype.itemsize].view(dtype)[0]
    mind["known"] = 1
    mind["middle_px"] = 100_000 - SURPRISE if high else 100_000 + SURPRISE
    run.advance(60)
    book, account = run.market()["books"][0], run.market()["part"][0]["account"]
    assert book["trades"] > 20
    profit = int(account["cash"]) / 10 + int(account["position"]) * 100_000
    return profit, abs(int(book["mid_2px"]) / 2 - 100_000)


def test_a_maker_who_knows_the_share_of_the_informed_earns_nothing() -> None:
    runs = [duel(seed, seed % 2 == 0, 0.3) for seed in range(200)]
    profits, errors = np.array(runs).T
    assert abs(profits.mean()) < 4 * profits.std() / len(runs) ** 0.5
    assert np.median(errors) < 0.01 * SURPRISE  # the price has found the value
    assert errors.mean() < 0.1 * SURPRISE


def test_a_maker_who_takes_them_for_fewer_loses_and_one_who_fears_them_earns() -> None:
    for believed, sign in ((0.05, -1), (0.6, 1)):
        profits = np.array([duel(seed, seed % 2 == 0, believed)[0] for seed in range(60)])
        assert sign * profits.mean() > 4 * profits.std() / len(profits) ** 0.5


def test_its_first_quotes_and_news() -> None:
    """With mu 0.2 and values 100 ticks around 10,000: 0.4 and 0.6 of the way; news after 50 s."""
    kind = group("glosten_milgrom_maker", informed_share=0.2, surprise_tick=100.0, event_s=50.0)
    scene = Stage({"buyer": [market(1 * SECOND, BUY)]}, extra=[kind],
                  rules={"start_px": 10_000})  # fmt: skip

    def touch() -> tuple[int, int]:
        book = scene.m["books"][0]
        return int(book["touch_bid_px"]), int(book["touch_ask_px"])

    scene.advance(SECOND - 1)
    assert touch() == (9_980, 10_020)
    scene.advance(2 * SECOND)
    # After a buy P(high) is 0.6; a sale takes it back to 0.5, another buy makes 9/13.
    assert touch() == (10_000, 10_000 + int(np.ceil(100 * (18 / 13 - 1))))
    scene.advance(51 * SECOND)
    assert touch() == (10_000, 10_040)  # as much again in either direction about 10,020


def test_the_crowd_comes_at_its_rate_and_the_informed_know() -> None:
    book = [limit(0, BUY, 99, 100_000), limit(0, SELL, 102, 100_000, slot=1)]
    scripts = {"book": book}
    kind = group("glosten_milgrom", rate_per_s=4.0, informed_share=0.3)
    scene = Stage(scripts, extra=[kind], fields={"value": STILL})  # 100 lies between the quotes
    scene.advance(2_000 * SECOND)
    sides = np.array([row["side"] for row in scene.rows(LogKind.TRADE)])
    assert len(sides) == pytest.approx(5_600, abs=4 * 5_600**0.5)
    assert abs((sides == BUY).mean() - 0.5) < 4 * 0.5 / len(sides) ** 0.5
    scene = Stage(scripts, extra=[kind], fields={"value": STILL}, rules={"start_px": 110})
    scene.advance(2_000 * SECOND)
    sides = np.array([row["side"] for row in scene.rows(LogKind.TRADE)])
    assert len(sides) == pytest.approx(8_000, abs=4 * 8_000**0.5)
    assert (sides == BUY).mean() == pytest.approx(0.65, abs=4 * 0.48 / len(sides) ** 0.5)
