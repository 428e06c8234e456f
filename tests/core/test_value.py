"""The latent value with a drift and with scheduled news: what they add, and nothing else."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from hftgym.scenario import Scenario, Value
from hftgym.simulator import Simulator

SECOND = 1_000_000_000
RING = 64


def market(**value: Any) -> Simulator:
    """A market in which somebody looks at the value often."""
    reader = {"kind": "informed_taker", "params": {"rate_per_s": 5.0}}
    fields = {"name": "v", "description": "values", "value": value, "participants": [reader]}
    return Simulator(Scenario.model_validate(fields))


def path(run: Simulator, seconds: int, seed: int = 0) -> np.ndarray:
    """The value at each grid point up to the last second that has been read."""
    run.reset(seed)
    seen: dict[int, float] = {}
    for _ in range(seconds):
        run.advance(1)
        value = run.market()["value"]
        k = int(value["k"])
        seen |= {j: float(value["ring"][j % RING]) for j in range(max(k - RING + 1, 0), k + 1)}
    points = (seconds - 3) * SECOND // int(run.market()["value"]["grid_ns"])
    return np.array([seen[k] for k in range(points)])


def test_news_comes_at_its_time_in_either_direction() -> None:
    plain, news = market(), market(shocks=[{"at_s": 5.01, "size_tick": 25.0}])
    signs = []
    for seed in range(24):
        change = path(news, 10, seed) - path(plain, 10, seed)
        assert (change[:101] == 0.0).all()  # 5.00 s is too early for what comes at 5.01 s
        np.testing.assert_allclose(np.abs(change[101:]), 25.0, atol=1e-8)
        signs.append(np.sign(change[-1]))
    assert 4 < signs.count(1.0) < 20


def test_news_is_counted_from_the_opening() -> None:
    run = market(shocks=[{"at_s": 5.0, "size_tick": 1e6}])
    assert np.abs(np.diff(path(run, 10))).argmax() == 99
    run.reset(0, start_ns=20 * SECOND)
    run.advance(4.5)
    assert abs(run.market()["value"]["ring"] - 10_000).max() < 1_000
    run.advance(1.5)
    assert abs(run.market()["value"]["ring"] - 10_000).max() > 100_000


def test_a_trend_adds_a_drift_that_turns() -> None:
    plain, trending = market(), market(trend_tick_per_s=2.0, trend_flip_per_s=0.25)
    steps = np.diff(path(trending, 400) - path(plain, 400))
    np.testing.assert_allclose(np.abs(steps), 0.1, atol=1e-8)  # 2 ticks a second, 50 ms
    flips = (np.diff(np.sign(steps)) != 0).sum()
    assert abs(flips - 100) < 40  # 4 standard deviations
    steady = market(trend_tick_per_s=2.0)
    first = [
        np.diff(path(steady, 4, seed))[0] - np.diff(path(plain, 4, seed))[0] for seed in range(24)
    ]
    assert 4 < (np.array(first) > 0).sum() < 20


def test_a_drift_outlives_new_streams() -> None:
    run = market(trend_tick_per_s=2.0)
    for seed in range(8):
        run.reset(seed)
        run.advance(1)
        drift = float(run.market()["value"]["drift"])
        run.reseed(0, 1_000 + seed)
        assert float(run.market()["value"]["drift"]) == drift != 0.0


def test_too_many_shocks_are_refused() -> None:
    with pytest.raises(ValidationError, match="at most 4"):
        Value.model_validate({"shocks": [{"at_s": 1.0, "size_tick": 1.0}] * 5})
    with pytest.raises(ValidationError, match="greater than 0"):
        Value.model_validate({"shocks": [{"at_s": 1.0, "size_tick": -1.0}]})
