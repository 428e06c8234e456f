"""Momentum, mean reversion and imbalance takers: their rules, and what they do on a stage."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from hftgym.core.constants import BUY, SELL, LogKind
from hftgym.participants import imbalance_taker, mean_reversion, momentum
from hftgym.simulator import Simulator
from tests.core.scripted import Stage, amend, limit

MS, SECOND = 1_000_000, 1_000_000_000
LOTS = 50


def group(kind: str, **params: Any) -> dict[str, Any]:
    latency = {"feed_ns": 0, "order_ns": 0, "response_ns": 0}
    return {"kind": kind, "latency": latency, "params": params}


def moving_book(moves: list[tuple[int, int]], kind: dict[str, Any]) -> Stage:
    """A deep book of 99 and 101 whose mid is at each of these (seconds, price) from then on."""
    scripts = {}
    for name, side in (("bidder", BUY), ("asker", SELL)):
        steps = [limit(0, side, 100 - side, LOTS)]
        mid = 100
        for seconds, px in moves:
            first = (px > mid) == (side == SELL)  # the side that gives way comes first
            steps.append(amend(seconds * SECOND + (0 if first else 1), px - side, LOTS))
            mid = px
        scripts[name] = steps
    return Stage(scripts, extra=[kind])


def trades(scene: Stage) -> list[tuple[int, int]]:
    """Side and price of each trade of a stage."""
    return [(row["side"], row["px"]) for row in scene.rows(LogKind.TRADE)]


def memory(scene: Stage, module: Any, kind: str) -> Any:
    raw = scene.part(kind)["memory"]
    return raw[: module.MEMORY.itemsize].view(module.MEMORY)[0]


@pytest.mark.parametrize(
    ("short", "long", "ideal"),
    [(4.1, 6.5, 2.05), (3.9, 1.8, 0.9), (50.0, 9.0, 4.5), (50.0, 90.0, 5.0), (-4.1, -6.5, -2.05),
     (-50.0, -90.0, -5.0), (3.0, -3.0, 0.0), (-3.0, 3.0, 0.0), (0.0, 0.0, 0.0)],
)  # fmt: skip
def test_a_trend_is_what_both_horizons_agree_on(short: float, long: float, ideal: float) -> None:
    assert momentum.ideal_lot(short, long, 2.0, 5) == pytest.approx(ideal)


@pytest.mark.parametrize(
    ("ideal", "position", "wanted"),
    [(2.9, 2, 2), (2.9, 0, 2), (1.1, 2, 2), (1.0, 2, 1), (0.0, 1, 0), (-1.7, 2, -1), (0.9, 0, 0)],
)
def test_a_position_is_held_until_it_is_a_lot_off(ideal: float, position: int, wanted: int) -> None:
    assert momentum.target(ideal, position) == wanted


@pytest.mark.parametrize("way", [1, -1])
def test_a_trend_follower_goes_with_the_trend_and_out_when_it_turns(way: int) -> None:
    rise = [(2 * i, 100 + way * 2 * i) for i in range(1, 7)]
    params = {"interval_s": 0.02, "short_s": 10.0, "long_s": 60.0, "trend_tick_per_lot": 2.0}
    scene = moving_book([*rise, (40, 100)], group("momentum", limit_lot=3, **params))
    scene.advance(13 * SECOND)
    # Moves of 2 ticks at 2, 4 ... 12 s, each weighted by its age.
    known = memory(scene, momentum, "momentum")
    for name, horizon in (("short_px", 10.0), ("long_px", 60.0)):
        sum_px = sum(2 * way * np.exp(-(13 - 2 * i) / horizon) for i in range(1, 7))
        assert known[name] == pytest.approx(sum_px, rel=0.02)
    assert scene.part("momentum")["account"]["position"] == 3 * way
    bought = trades(scene)
    # Each order at the touch that it saw, one order at a time.
    assert {side for side, _ in bought} == {way}
    assert all((px - 100 - way) % 2 == 0 for _, px in bought)
    assert len(bought) == 3
    scene.advance(60 * SECOND)
    # At 40 s the price falls back: both horizons see it, and it turns round.
    assert [side for side, _ in trades(scene)][3:6] == [-way] * 3
    assert way * scene.part("momentum")["account"]["position"] <= 0


def test_a_trend_follower_sleeps_in_a_flat_market() -> None:
    scene = moving_book([], group("momentum", interval_s=0.1))
    scene.advance(60 * SECOND)
    assert scene.part("momentum")["wakes"] > 300
    assert scene.part("momentum")["account"]["messages"] == 0


def test_average_and_variance_are_those_of_the_weights() -> None:
    row = np.zeros(1, mean_reversion.MEMORY)[0]
    mids = np.random.default_rng(3).normal(100.0, 2.0, 40)
    row["mean_px"] = mids[0]
    for mid in mids[1:]:
        mean_reversion.update(row, mid, 2 * SECOND, 10.0)
    keep = np.exp(-0.2)
    weights = (1 - keep) * keep ** np.arange(40.0)[::-1]
    weights[0] = keep**39
    mean = np.average(mids, weights=weights)
    assert row["mean_px"] == pytest.approx(mean)
    assert row["variance_px2"] == pytest.approx(np.average((mids - mean) ** 2, weights=weights))


@pytest.mark.parametrize(
    ("scores", "sides"),
    [
        ([0.0, 1.2, 1.3, 0.6, 0.5, 0.4, 0.0], [0, 0, -1, -1, -1, 0, 0]),
        ([-1.3, -0.6, -0.4, 1.3], [1, 1, 0, -1]),
        ([-1.3, -3.9, -4.1, -1.5, -0.6, -0.4, -1.3], [1, 1, 0, 0, 0, 0, 1]),
        ([-1.3, 0.6], [1, 0]),
        ([4.5, 2.0, 0.1, 2.0], [0, 0, 0, -1]),
    ],
)
def test_the_rules_of_the_score(scores: list[float], sides: list[int]) -> None:
    row = np.zeros(1, mean_reversion.MEMORY)[0]
    seen = []
    for score in scores:
        mean_reversion.react(row, score, 1.25, 0.5, 4.0)
        seen.append(int(row["side"]))
    assert seen == sides


@pytest.mark.parametrize("way", [1, -1])
def test_a_contrarian_sells_high_and_buys_back(way: int) -> None:
    kind = group("mean_reversion", interval_s=0.05, memory_s=20.0, least_sd_tick=3.0, lots=2)
    scene = moving_book([(30, 100 + 6 * way), (31, 100)], kind)
    scene.advance(29 * SECOND)
    assert trades(scene) == []
    scene.advance(40 * SECOND)
    # Opened at the near touch of the jump (score 2), closed at the touch behind.
    assert trades(scene) == [(-way, 100 + 6 * way - way), (way, 100 + way)]
    account = scene.part("mean_reversion")["account"]
    assert account["position"] == 0
    # Four ticks on two lots, less the fees of four lots.
    assert account["cash"] == 4 * 2 * 10 - 4 * 3


def test_a_contrarian_does_not_trade_before_it_has_an_average() -> None:
    kind = group("mean_reversion", interval_s=0.05, memory_s=20.0, least_sd_tick=3.0)
    scene = moving_book([(10, 106), (11, 100)], kind)
    scene.advance(18 * SECOND)
    assert trades(scene) == []


def test_a_contrarian_gives_up_at_its_stop_and_waits() -> None:
    kind = group("mean_reversion", interval_s=0.05, memory_s=60.0, least_sd_tick=3.0, lots=2)
    scene = moving_book([(70, 106), (71, 120), (73, 110), (74, 101), (80, 95)], kind)
    scene.advance(72 * SECOND)
    assert trades(scene) == [(SELL, 105), (BUY, 121)]
    scene.advance(79 * SECOND)
    assert len(trades(scene)) == 2  # at 110 the score is high, but it waits
    scene.advance(81 * SECOND)
    assert trades(scene)[2:] == [(BUY, 96)]


def test_predicted_moves() -> None:
    assert imbalance_taker.flow_move(30.0, 15.0) == 1.0
    assert imbalance_taker.queue_move(30, 10, 1.5) == 0.75
    assert imbalance_taker.queue_move(10, 30, 1.5) == -0.75


@pytest.mark.parametrize("side", [BUY, SELL])
@pytest.mark.parametrize(("weight", "opens"), [(1.0, True), (0.5, False)])
def test_an_imbalance_taker_needs_a_move_beyond_its_costs(
    side: int, weight: float, opens: bool
) -> None:
    """40 lots join 20 at one touch: OFI 40, then 60 against 20: the queues add half a tick."""
    near, far = 100 - side, 100 + side
    scripts = {"book": [limit(0, side, near, 20), limit(0, -side, far, 20, slot=1)],
               "joins": [limit(5 * SECOND, side, near, 40)]}  # fmt: skip
    params = {"interval_s": 0.01, "window_s": 20.0, "hold_s": 4.0, "flow_weight": weight}
    scene = Stage(scripts, extra=[group("imbalance_taker", fee_tick=0.3, **params)])
    scene.advance(30 * SECOND)
    # flow_weight * 40 / (2 * 20) + 0.5 against a half-spread of 1 and a fee of 0.3
    if not opens:
        assert trades(scene) == []
        return
    assert trades(scene) == [(side, far), (-side, near)]
    opened, closed = (row["t_ns"] for row in scene.rows(LogKind.TRADE))
    assert 5 * SECOND < opened < 5.2 * SECOND
    assert closed > opened + 4 * SECOND


def test_they_trade_in_a_living_market_within_their_limits() -> None:
    from hftgym.scenario import ParticipantSpec, load_scenario

    base = load_scenario("default")
    limits = {"momentum": 5, "mean_reversion": 2, "imbalance_taker": 1}
    specs = tuple(ParticipantSpec(kind=kind) for kind in limits)
    run = Simulator(base.model_copy(update={"participants": (*base.participants, *specs)}), 1)
    for _ in range(12):
        run.advance(100)
        assert run.conservation() == (0, 0)
        for kind, most in limits.items():
            row = run.blueprint.names.index(f"{kind}#0")
            assert abs(int(run.market()["part"][row]["account"]["position"])) <= most
    for kind in limits:
        account = run.market()["part"][run.blueprint.names.index(f"{kind}#0")]["account"]
        assert account["fills"] >= 10
        assert account["taker_lots"] == account["taker_lots"].max() > 0 == account["maker_lots"]
