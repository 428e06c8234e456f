"""Every maker quotes what its formula says, on the tick, and in continuous trading only."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from hftgym.core.constants import BUY, SELL
from hftgym.core.records import RNG
from hftgym.participants import (
    avellaneda_stoikov,
    cartea_jaimungal,
    fixed_spread,
    glft,
    inventory_skew,
)
from hftgym.participants.maker_params import next_quote_ns
from tests.core.scripted import Stage, limit, market

MS, SECOND = 1_000_000, 1_000_000_000
ZERO = {"feed_ns": 0, "order_ns": 0, "response_ns": 0}
STILL = {"sigma_tick_per_sqrt_s": 0.0, "jump_per_s": 0.0}
#: A maker that knows the value exactly and believes it at once.
SURE = {"value_delay_ns": 0, "noise_tick": 0.0, "gain": 1.0, "interval_s": 1.0, "lots": 3}
AS = {"gamma": 1e-6, "sigma": 1.3, "kappa": 0.21, "horizon_s": 1e6}
GLFT = {"gamma": 0.05, "sigma": 0.7, "kappa": 0.23, "arrival_rate": 0.5}
CJ = {"phi": 0.02, "kappa": 0.23, "arrival_rate": 0.5}
SESSION = {**CJ, "alpha": 0.1, "horizon_s": 1e4}


def steps(limit_lot: int) -> np.ndarray:
    found = np.zeros(cartea_jaimungal.MAX_LIMIT)
    cartea_jaimungal.stationary_steps(found, limit_lot, *CJ.values())
    return found


MAKERS: dict[str, tuple[dict[str, float], Callable[[int], tuple[float, float]]]] = {
    "fixed_spread": ({"half_spread_tick": 3.4}, lambda q: fixed_spread.distances(3.4)),
    "inventory_skew": (
        {"half_spread_tick": 4.3, "skew_tick_per_lot": 0.7},
        lambda q: inventory_skew.distances(q, 4.3, 0.7),
    ),
    "avellaneda_stoikov": (
        AS,
        lambda q: avellaneda_stoikov.distances(q, 1e6 - 4.0, *list(AS.values())[:3]),
    ),
    "glft": (GLFT, lambda q: glft.distances(q, *GLFT.values())),
    "cartea_jaimungal": (CJ, lambda q: cartea_jaimungal.distances(q, steps(20), 20, 0.23)),
}


def stage(kind: str, params: dict[str, Any], trades: list[Any], **fields: Any) -> Stage:
    """A book of 400 and 1,600 around a value of 1,000, a maker and a taker."""
    return Stage(
        {"book": [limit(0, BUY, 400, 90), limit(0, SELL, 1_600, 90, slot=1)], "taker": trades},
        extra=[{"kind": kind, "latency": ZERO, "params": params}],
        rules={"start_px": 1_000, "tick_px": fields.pop("tick_px", 1)},
        fields={"value": STILL, **fields},
    )


def quotes(scene: Stage, kind: str) -> list[tuple[int, int, int]]:
    """Side, price and size of the maker's resting orders, bid first."""
    rests = scene.m["orders"][: len(scene.m["orders"])]
    mine = rests[(rests["owner"] == scene.index(kind)) & (rests["lots"] > 0)]
    return sorted(((int(o["side"]), int(o["px"]), int(o["lots"])) for o in mine), reverse=True)


@pytest.mark.parametrize("kind", MAKERS)
@pytest.mark.parametrize("tick_px", [1, 5])
def test_quotes_are_the_formula_at_every_inventory(kind: str, tick_px: int) -> None:
    params, distances = MAKERS[kind]
    for position in (0, 1, -2, 3):
        side = SELL if position > 0 else BUY
        trades = [market(1_900 * MS, side, abs(position))] if position else []
        scene = stage(kind, {**SURE, **params}, trades, tick_px=tick_px)
        scene.advance(4 * SECOND)
        assert scene.part(kind)["account"]["position"] == position
        bid, ask = distances(position)
        assert quotes(scene, kind) == [
            (BUY, tick_px * math.floor(1_000 / tick_px - bid), 3),
            (SELL, tick_px * math.ceil(1_000 / tick_px + ask), 3),
        ]


@pytest.mark.parametrize("kind", [*MAKERS, "glosten_milgrom_maker"])
def test_makers_take_their_quotes_out_of_a_halt_and_come_back(kind: str) -> None:
    calendar = [{"at_s": 5.0, "phase": "halt"}, {"at_s": 10.0, "phase": "continuous"}]
    params = {} if kind == "glosten_milgrom_maker" else {"interval_s": 1.0}
    scene = stage(kind, params, [], calendar=calendar)
    scene.advance(5 * SECOND - 1)
    assert len(quotes(scene, kind)) == 2
    scene.advance(7 * SECOND)
    assert quotes(scene, kind) == []
    rejects = int(scene.part(kind)["account"]["rejects"])
    scene.advance(10 * SECOND - 1)
    scene.advance(12 * SECOND)
    assert len(quotes(scene, kind)) == 2
    assert scene.part(kind)["account"]["rejects"] == rejects == 0


@pytest.mark.parametrize(
    "kind",
    ["momentum", "mean_reversion", "imbalance_taker", "twap", "vwap", "pov", "almgren_chriss",
     "kyle", "glosten_milgrom", "glosten_milgrom_maker", *MAKERS],
)  # fmt: skip
def test_outside_of_continuous_trading_nothing_is_sent(kind: str) -> None:
    scene = stage(kind, {}, [], start_phase="pre_open")
    scene.advance(20 * SECOND)
    assert scene.part(kind)["wakes"] > 0
    assert scene.part(kind)["account"]["messages"] == 0


def test_the_values_of_cartea_and_jaimungal() -> None:
    """Phi 0.5, alpha 0.05, kappa 1.5, lambda 50, T 1, limit 10: h(0, 0) is 22.13."""
    from scipy.linalg import expm

    setting = (10, 0.5, 0.05, 1.5, 50.0)
    assert cartea_jaimungal.values(1.0, *setting)[0] == pytest.approx(22.13, abs=0.005)
    q = np.arange(-10.0, 11.0)
    matrix = np.diag(-1.5 * 0.5 * q**2) + 50.0 / np.e * (np.eye(21, k=1) + np.eye(21, k=-1))
    for left_s in (0.0, 0.01, 0.3, 1.0, 4.0):
        omega = expm(matrix * left_s) @ np.exp(-0.05 * 1.5 * q**2)
        found = cartea_jaimungal.values(left_s, *setting)
        np.testing.assert_allclose(found, np.log(omega[10:]) / 1.5, atol=1e-10)


def test_far_from_its_end_a_session_has_the_quotes_of_one_without_end() -> None:
    found = steps(20)[:20]
    h = cartea_jaimungal.values(5_000.0, 20, 0.02, 0.1, 0.23, 0.5)
    np.testing.assert_allclose(h[:-1] - h[1:], found, atol=1e-8)
    assert (np.diff(found) > 0).all()  # every further lot costs more
    for q in (-20, -7, 0, 3, 20):
        bid, ask = cartea_jaimungal.distances(q, steps(20), 20, 0.23)
        assert cartea_jaimungal.distances(-q, steps(20), 20, 0.23) == (ask, bid)
    # Without a cost of inventory both distances are 1 / kappa, but for the limit.
    free = np.zeros(cartea_jaimungal.MAX_LIMIT)
    cartea_jaimungal.stationary_steps(free, 50, 1e-9, 0.23, 0.5)
    assert cartea_jaimungal.distances(0, free, 50, 0.23)[0] == pytest.approx(1 / 0.23, abs=0.01)


@pytest.mark.parametrize("values", [(1e-9, 50, 5.0, 9.0), (1e-3, 50, 200.0, 9.0)])
def test_extreme_penalties_stay_finite(values: tuple[float, int, float, float]) -> None:
    left_s, limit_lot, phi, alpha = values
    h = cartea_jaimungal.values(left_s, limit_lot, phi, alpha, 2.0, 0.1)
    assert np.isfinite(h).all()


def test_a_session_ends_with_the_quotes_of_its_terminal_penalty() -> None:
    scene = stage("cartea_jaimungal", {**SURE, **SESSION}, [market(1_900 * MS, SELL, 2)])
    scene.advance(4 * SECOND)
    h = cartea_jaimungal.values(1e4 - 4.0, 20, 0.02, 0.1, 0.23, 0.5)
    bid, ask = 1 / 0.23 + h[2] - h[3], 1 / 0.23 + h[2] - h[1]
    assert quotes(scene, "cartea_jaimungal") == [
        (BUY, math.floor(1_000 - bid), 3),
        (SELL, math.ceil(1_000 + ask), 3),
    ]
    # At the very end only alpha counts: h = -alpha q^2.
    h = cartea_jaimungal.values(0.0, 20, 0.02, 0.1, 0.23, 0.5)
    np.testing.assert_allclose(h, -0.1 * np.arange(21.0) ** 2)


def test_requotes_spread_as_far_as_jitter_says() -> None:
    rng = np.zeros(1, RNG)[0]
    for jitter in (0.3, 1.0):
        waits = [next_quote_ns(7, 2.0, jitter, rng) - 7 for _ in range(500)]
        low, high = (1 - jitter / 2) * 2 * SECOND, (1 + jitter / 2) * 2 * SECOND
        assert low <= min(waits) < low + 0.02 * SECOND
        assert high - 0.02 * SECOND < max(waits) <= high
    drawn = rng.copy()
    for hundredths in range(1, 30):  # to the nanosecond, and without a draw
        assert next_quote_ns(7, hundredths / 100, 0.0, rng) == 7 + hundredths * 10_000_000
    assert rng == drawn
