"""Taking: a signal as good as it says, and worthless when it is noise."""

from __future__ import annotations

from typing import Any

import gymnasium
import numpy as np
import pytest

from hftgym.envs.taking_oracle import oracle_value
from hftgym.errors import UsageError
from tests.envs.making import FEW

SIGNAL = 30


def batch(rho: float, envs: int = 64, **arguments: Any) -> Any:
    return gymnasium.make_vec(
        "hftgym/Taking-v0",
        envs,
        vectorization_mode="vector_entry_point",
        signal_correlation=rho,
        **({"snapshots": 16, "horizon_s": 60.0} | arguments),
    ).unwrapped


@pytest.mark.parametrize("rho", [0.0, 0.3, 0.8, 1.0])
def test_the_correlation_is_as_stated(rho: float) -> None:
    env = batch(rho, observe_value=True, split="validation")
    obs, infos = env.reset(seed=1)
    signals, offsets = [], []
    for step in range(110):
        if step % 10 == 0:  # an offset lasts for seconds
            signals.append(obs[:, SIGNAL].copy())
            offsets.append(infos["truth"]["value_offset"].copy())
        obs, _, _, _, infos = env.step(np.ones(64, np.int64))
    signal, offset = np.concatenate(signals), np.concatenate(offsets)
    assert np.corrcoef(signal, offset)[0, 1] == pytest.approx(rho, abs=0.12)
    assert signal.std() == pytest.approx(1.0, abs=0.15)
    scale = env.task_info.offset_sd_tick
    if rho == 1.0:
        np.testing.assert_allclose(signal, np.clip(offset / scale, -5, 5), atol=1e-5)


def earned(rho: float, threshold: float) -> np.ndarray:
    """Return the objective of a threshold policy on the same 128 markets."""
    env = batch(rho, 128)
    obs, _ = env.reset(options={"market_seeds": np.arange(128, dtype=np.uint64)})
    for _ in range(120):
        signal = obs[:, SIGNAL]
        obs, *_ = env.step(1 + (signal > threshold).astype(np.int64) - (signal < -threshold))
    objective: np.ndarray = env.last_episodes["objective"].copy()
    return objective


def test_a_better_signal_earns_more_and_noise_nothing() -> None:
    thresholds = (1.5, 2.5)
    truth = max(earned(1.0, t).mean() for t in thresholds)
    half = max(earned(0.5, t).mean() for t in thresholds)
    assert truth > half
    assert truth > 0.0
    for threshold in (0.5, 1.5, 2.5):
        lost = earned(0.0, threshold)
        assert lost.mean() + 3 * lost.std() / np.sqrt(len(lost)) < 0.0
    assert (earned(0.0, 10.0) == 0.0).all()  # not to trade is best


def test_the_oracle_is_worth_something_and_noise_is_not() -> None:
    few = {"horizon_s": 120.0, "snapshots": 8}
    truth, noise = (oracle_value(96, rho, **few) for rho in (1.0, 0.0))
    assert truth.mean > 2 * truth.error > 0.0
    assert noise.mean < -2 * noise.error < 0.0


def test_positions_are_held_as_wanted_and_limits_kept() -> None:
    env = gymnasium.make(
        "hftgym/Taking-v0", action="continuous", horizon_s=60.0, disable_env_checker=True, **FEW
    ).unwrapped
    env.reset(seed=1)
    own = env.market["part"][env.setting.blueprint.learners[0]]["account"]
    for target in (1.0, -0.4, 0.0):
        for _ in range(8):
            env.step(np.array([target], np.float32))
            assert abs(int(own["position"])) <= 10
        assert int(own["position"]) == round(10 * target)


def test_a_signal_needs_a_value() -> None:
    with pytest.raises(UsageError, match="signal_correlation: scenario 'cst2010'"):
        batch(0.5, 1, scenario="cst2010")
