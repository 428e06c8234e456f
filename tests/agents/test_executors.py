"""Scheduled executors: they keep to their schedule, and the parts add up to the target."""

from __future__ import annotations

from typing import Any

import gymnasium
import numpy as np
import pytest

import hftgym  # noqa: F401  registers the environments
from agents.almgren_chriss import AlmgrenChriss
from agents.almgren_chriss import Params as Urgency
from agents.pov import POV
from agents.pov import Params as Participation
from agents.scheduled import ScheduleParams
from agents.twap import TWAP
from agents.vwap import VWAP
from agents.vwap import Params as Course

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


def test_vwap_hurries_at_both_ends_and_a_flat_course_is_twap(venv: Any) -> None:
    task = venv.unwrapped.task_info
    never_waits: dict[str, Any] = {"distance_h0": float("inf")}
    twap = rests(venv, TWAP(task, ScheduleParams(**never_waits)))
    flat, deep = (rests(venv, VWAP(task, Course(u_shape=u, **never_waits))) for u in (0.0, 1.0))
    np.testing.assert_array_equal(flat, twap)
    quarter = len(deep) // 4
    ahead = np.nanmean(twap - deep, axis=1)
    assert ahead[quarter] > 1.0 and ahead[3 * quarter] < -1.0


def test_pov_keeps_up_with_the_volume_of_others(venv: Any) -> None:
    inner = venv.unwrapped
    policy = POV(inner.task_info, Participation(participation=0.1, distance_h0=float("inf")))
    index = inner.task_info.obs_index
    obs, _ = venv.reset(seed=3)
    over = np.zeros(MARKETS, np.bool_)
    gaps, volumes = [], []
    for _ in range(119):  # all but the last decision, at which the clock asks for the rest
        share = obs[:, index["others_volume"]].astype(np.float64)
        others = np.rint(LOTS * share / (1.0 - share))
        done = LOTS - obs[:, index["rest"]] * LOTS
        gaps.append(np.where(over, 0.0, np.minimum(np.floor(0.1 * others + 0.5), LOTS) - done))
        volumes.append(np.where(over, np.nan, others))
        obs, _, terminated, truncated, _ = venv.step(policy.predict(obs)[0])
        over |= terminated | truncated
    assert np.nanmax(volumes[-1]) > 30
    assert np.nanmin(np.diff(volumes, axis=0)) >= -2  # own fills, known and shown at two times
    assert np.abs(gaps).max() <= 2.0, "at most what was sent in the step before"


def test_the_tuning_budget_is_that_of_the_others(venv: Any) -> None:
    task = venv.unwrapped.task_info
    assert len(TWAP.grid(task)) <= 50
    assert len(AlmgrenChriss.grid(task)) == len(VWAP.grid(task)) == len(POV.grid(task)) == 50
