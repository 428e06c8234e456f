"""The pairs baseline: what its test of a window says, and when it opens and closes."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

pytest.importorskip("statsmodels")

from agents.pairs import Pairs, cointegration
from tests.fake_market import FakeTask

COLUMNS = ("first_return_0.5s", "second_return_0.5s", "first_pair_spread")
TASK = FakeTask(role="leg", horizon_s=120.0, obs_index={n: i for i, n in enumerate(COLUMNS)})
UNIT = 2.0 * TASK.sigma_tick_per_sqrt_s * np.sqrt(0.5)


def pair(seed: int, slope: float, half_life: float | None) -> tuple[np.ndarray, np.ndarray]:
    """A random walk, and what follows it up to noise: mean-reverting, or a walk of its own."""
    rng = np.random.default_rng(seed)
    first = np.cumsum(rng.normal(size=1_000))
    keep = 1.0 if half_life is None else 0.5 ** (1.0 / half_life)
    spread = np.zeros(1_000)
    for k in range(1, 1_000):
        spread[k] = keep * spread[k - 1] + rng.normal()
    return first, slope * first + spread


@pytest.mark.parametrize("slope", [0.5, 1.0, 2.0])
def test_a_pair_that_moves_together_is_found_with_its_hedge_ratio(slope: float) -> None:
    fit = cointegration(*pair(1, slope, 5.0))
    assert fit.p_value < 0.01
    assert fit.slope == pytest.approx(slope, abs=0.1)
    assert fit.sd == pytest.approx(1.0 / np.sqrt(1.0 - 0.5 ** (2.0 / 5.0)), rel=0.2)


def test_walks_of_their_own_are_mostly_no_pair() -> None:
    found = [cointegration(*pair(seed, 1.0, None)).p_value < 0.05 for seed in range(40)]
    assert sum(found) <= 6


def test_mids_that_stand_still_are_no_pair() -> None:
    still = np.zeros(100)
    assert cointegration(still, still).p_value == 1.0
    assert cointegration(still, np.arange(100.0)).p_value == 1.0


def play(policy: Pairs, obs: np.ndarray) -> np.ndarray:
    """Positions in lots over one episode, shape (decisions, 2)."""
    state = policy.initial_state(np.zeros(1, np.uint64))
    found = []
    for row in obs:
        action, state = policy.predict(row[None].astype(np.float32), state)
        found.append(np.rint(action[0] * TASK.max_inventory_lot).astype(int))
    return np.array(found)


def test_lot_against_lot_it_opens_beyond_the_entry_and_closes_at_the_exit() -> None:
    policy = Pairs(TASK, {"hedge": "one", "p_value": 1.0, "entry_score": 1.5, "exit_score": 0.2})
    obs = np.zeros((6, 3))
    obs[:, 2] = [1.4, 1.6, 0.5, 0.1, -1.6, -0.1]
    assert play(policy, obs).tolist() == [[0, 0], [2, -2], [2, -2], [0, 0], [-2, 2], [0, 0]]


def test_by_regression_it_hedges_by_the_slope_once_the_window_is_full() -> None:
    first, second = pair(3, 2.0, 5.0)
    moves = np.diff(np.column_stack((first, second))[:240], axis=0, prepend=0.0)
    obs = np.column_stack((moves / UNIT, np.zeros(240)))
    policy = Pairs(TASK, {"hedge": "regression", "formation_s": 60.0, "lots": 2})
    found = play(policy, obs)
    assert (found[:120] == 0).all()
    held = found[(found != 0).any(axis=1)]
    assert len(held) > 5
    assert {abs(q) for q in held[:, 1]} == {2}
    assert {abs(q) for q in held[:, 0]} <= {3, 4, 5}  # about 2.0 * 2
    assert (np.sign(held[:, 0]) == -np.sign(held[:, 1])).all()


def test_a_pair_that_fails_the_test_is_not_opened() -> None:
    first, second = pair(5, 1.0, None)
    assert cointegration(first[:121], second[:121]).p_value > 0.05
    moves = np.diff(np.column_stack((first, second))[:200], axis=0, prepend=0.0)
    obs = np.column_stack((moves / UNIT, np.full(200, 3.0)))
    params: dict[str, Any] = {"formation_s": 60.0, "renew_s": 1e6, "p_value": 0.05}
    for hedge in ("regression", "one"):
        assert (play(Pairs(TASK, params | {"hedge": hedge}), obs) == 0).all()


def test_an_episode_that_begins_anew_is_a_fresh_window() -> None:
    policy = Pairs(replace(TASK, horizon_s=20.0), {"p_value": 1.0, "entry_score": 1.0})
    state = policy.initial_state(np.zeros(1, np.uint64))
    open_, calm = (np.array([[0.0, 0.0, s]], np.float32) for s in (2.0, 0.5))
    _, state = policy.predict(open_, state)
    kept, state = policy.predict(calm, state)
    begun, _ = policy.predict(calm, state, np.array([True]))
    assert kept[0].any() and not begun[0].any()
