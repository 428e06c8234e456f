"""One environment, a batch of one, one of a batch: the same numbers, bit for bit."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from gymnasium.utils.env_checker import data_equivalence

from tests.envs.making import actions, single, vector

SHORT = {"horizon_s": 10.0, "initial_inventory": "uniform"}


@pytest.mark.parametrize("action", ["continuous", "discrete"])
def test_an_environment_of_a_batch_is_the_single_one(action: str) -> None:
    """Over three episodes, so that the markets after the first are the same too."""
    n, steps = 4, 60
    venv = vector(n, action=action, **SHORT)
    played = actions(1, steps, n)
    if action == "discrete":
        played = np.floor((played + 1.0) * 2.999).astype(np.int64)
    obs, _ = venv.reset(seed=11)
    batch = [(obs, np.zeros(n), np.zeros(n, bool))]
    for a in played:
        obs, reward, terminated, _, infos = venv.step(a)
        seen = obs.copy()
        for i in np.flatnonzero(terminated):
            seen[i] = infos["final_obs"][i]
        batch.append((seen, reward, terminated))
    for i in range(n):
        env = single(action=action, **SHORT)
        obs, _ = env.reset(seed=11 + i)
        assert np.array_equal(obs, batch[0][0][i])
        for step, a in enumerate(played):
            obs, reward, terminated, _, _ = env.step(a[i])
            seen, rewards, ends = batch[step + 1]
            assert np.array_equal(obs, seen[i]), (i, step)
            assert reward == rewards[i]
            assert terminated == ends[i]
            if terminated:
                record = env.last_episode
                env.reset()
        assert record == venv.last_episodes[i]
        assert env.market_seed == venv.market_seeds[i]


def test_who_plays_beside_does_not_matter() -> None:
    """The same markets in other places of a batch of another size."""
    seeds = np.array([3, 1 << 63, 12345, 7, 99], np.uint64)
    played = actions(2, 40, 5)
    wide = vector(5, **SHORT)
    wide.reset(options={"market_seeds": seeds})
    order = [4, 1]
    narrow = vector(2, **SHORT)
    narrow.reset(options={"market_seeds": seeds[order]})
    for a in played:
        obs, reward, *_ = wide.step(a)
        obs_2, reward_2, *_ = narrow.step(a[order])
        np.testing.assert_array_equal(obs[order], obs_2)
        np.testing.assert_array_equal(reward[order], reward_2)
    np.testing.assert_array_equal(wide.last_episodes[order], narrow.last_episodes)


def test_ten_thousand_steps_are_the_same_again() -> None:
    one, two = single(horizon_s=60.0), single(horizon_s=60.0)
    played = actions(3, 10_000)[:, 0]
    assert data_equivalence(one.reset(seed=8), two.reset(seed=8), exact=True)
    for a in played:
        first = one.step(a)
        assert data_equivalence(first, two.step(a), exact=True)
        if first[2]:
            assert data_equivalence(one.reset(), two.reset(), exact=True)
    assert one.last_episode == two.last_episode


def test_another_seed_is_another_market() -> None:
    env = single()
    ends = []
    for seed in (1, 2, None):
        env.reset(seed=seed)
        for _ in range(20):
            obs, *_ = env.step(np.zeros(2, np.float32))
        ends.append(obs.tobytes())
    assert len(set(ends)) == 3
    fourth, info = env.reset(options={"market_seed": 77})
    assert info["market_seed"] == env.market_seed == 77
    np.testing.assert_array_equal(fourth, env.reset(options={"market_seed": 77})[0])


def test_given_market_seeds_come_first() -> None:
    venv = vector(2, market_seeds=[5, 6], horizon_s=0.5)
    venv.reset()
    assert venv.market_seeds.tolist() == [5, 6]
    venv.step(np.zeros((2, 2), np.float32))
    assert venv.last_episodes["market_seed"].tolist() == [5, 6]
    assert venv.market_seeds.tolist() != [5, 6]


@pytest.mark.slow
def test_interpreted_is_compiled() -> None:
    """The same rollout without the compiler, in a process of its own."""
    results = []
    for off in ("0", "1"):
        environment = os.environ | {"NUMBA_DISABLE_JIT": off}
        out = subprocess.run(
            [sys.executable, "-W", "ignore", "-m", "tests.envs.rollout"],
            capture_output=True,
            text=True,
            check=True,
            env=environment,
            cwd=Path(__file__).parents[2],
        )
        results.append(json.loads(out.stdout))
    assert results[0]["interpreted"] is False
    assert results[1]["interpreted"] is True
    assert results[0]["digest"] == results[1]["digest"]
