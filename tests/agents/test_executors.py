"""Scheduled executors: they keep to their schedule, and the parts add up to the target."""

from __future__ import annotations

from typing import Any

import gymnasium
import numpy as np
import pytest

import hftgym  # noqa: F401  registers the environments
from agents.almgren_chriss import AlmgrenChriss
from agents.almgren_chriss import Params as Urgency
from agents.scheduled import ScheduleParams
from agents.twap import TWAP

MARKETS, LOTS = 8, 20


@pytest.fixture(scope="module", params=["buy", "sell"])
def venv(request: Any) -> Any:
    made = gymnasium.make_vec(
        "hftgym/Execution-v0",
        num_envs=MARKETS,
        vectorization_mode="vector_entry_point",
        autoreset_mode="SameStep",
        horizon_s=60.0,
        target_lots=LOTS,
        side=request.param,
    )
    yield made
    made.close()


def rests(venv: Any, policy: Any) -> np.ndarray:
    """Return the lots left before each decision, shape (decisions, MARKETS); NaN once done."""
    column = venv.unwrapped.task_info.obs_index["rest"]
    obs, _ = venv.reset(seed=3)
    over = np.zeros(MARKETS, np.bool_)
    seen = []
    while not over.all():
        seen.append(np.where(over, np.nan, obs[:, column] * LOTS))
        obs, _, terminated, truncated, _ = venv.step(policy.predict(obs)[0])
        over |= terminated | truncated
    return np.array(seen)


@pytest.mark.parametrize("lag", [1.0, 4.0])
@pytest.mark.parametrize("distance", [0.5, float("inf")])
def test_twap_is_never_further_behind_than_its_lag(venv: Any, lag: float, distance: float) -> None:
    params = ScheduleParams(distance_h0=distance, lag_lots=lag)
    rest = rests(venv, TWAP(venv.unwrapped.task_info, params))
    steps = len(rest)
    line = LOTS * (1.0 - np.arange(steps) / 120)
    assert np.nanmax(rest - line[:, None]) < lag + 0.5  # of a part of a lot
    if np.isinf(distance):  # nothing waits, so nothing is early either
        assert np.nanmax(line[:, None] - rest) <= 1.0 + 1e-4
        assert steps >= 119


def test_an_urgent_schedule_is_done_sooner_and_no_urgency_is_twap(venv: Any) -> None:
    task = venv.unwrapped.task_info
    never_waits: dict[str, Any] = {"distance_h0": float("inf")}
    calm, urgent = (
        rests(venv, AlmgrenChriss(task, Urgency(urgency=urgency, **never_waits)))
        for urgency in (0.0, 6.0)
    )
    twap = rests(venv, TWAP(task, ScheduleParams(**never_waits)))
    np.testing.assert_array_equal(calm, twap)
    half = len(urgent) // 2
    assert np.nanmean(urgent[:half]) < 0.5 * np.nanmean(calm[:half])


def test_the_tuning_budget_is_that_of_the_others(venv: Any) -> None:
    task = venv.unwrapped.task_info
    assert len(TWAP.grid(task)) <= 50
    assert len(AlmgrenChriss.grid(task)) == 50
