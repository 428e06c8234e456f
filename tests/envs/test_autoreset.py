"""The three autoreset modes, step by step. ``time_left`` tells how far each episode is.

Episodes have three steps; environment 0 is set back once, so that they do not end together.
"""

from __future__ import annotations

from typing import Any

import gymnasium
import numpy as np
import pytest
from gymnasium.vector import AutoresetMode

from hftgym.envs.layout import OBS_INDEX
from tests.envs.making import vector

LEFT = OBS_INDEX["time_left"]
STEPS = 3


def steps_of(obs: np.ndarray) -> list[int]:
    """Return how many steps each episode has had."""
    return np.rint((1.0 - obs[:, LEFT].astype(np.float64)) * STEPS).astype(int).tolist()


def begin(mode: str, **arguments: Any) -> Any:
    """Return an environment whose episodes have had 0, 1, 1 steps."""
    env = vector(3, horizon_s=1.5, autoreset_mode=mode, **arguments)
    env.reset(seed=5)
    env.step(quotes())
    obs, infos = env.reset(options={"reset_mask": np.array([True, False, False])})
    assert steps_of(obs) == [0, 1, 1]
    assert infos["_market_seed"].tolist() == [True, False, False]
    return env


def quotes() -> np.ndarray:
    return np.full((3, 2), -0.2, np.float32)


def flags(array: np.ndarray) -> str:
    return "".join("T" if value else "F" for value in array)


def test_same_step() -> None:
    env = begin("SameStep")
    table = []
    for _ in range(4):
        obs, reward, terminated, truncated, infos = env.step(quotes())
        table.append((steps_of(obs), flags(terminated)))
        assert not truncated.any()
        assert ("final_obs" in infos) == terminated.any()
        if terminated.any():
            final = infos["final_obs"]
            assert infos["_final_obs"].tolist() == terminated.tolist()
            assert infos["_final_info"].tolist() == terminated.tolist()
            for i in range(3):
                assert (final[i] is not None) == terminated[i]
                if terminated[i]:
                    assert steps_of(final[i][None]) == [3]
            last = infos["final_info"]
            records = env.last_episodes
            ended = np.flatnonzero(terminated)
            np.testing.assert_array_equal(last["episode"]["l"][ended], 3)
            np.testing.assert_array_equal(last["episode"]["t"][ended], 1.5)
            np.testing.assert_array_equal(last["episode"]["r"][ended], records["reward"][ended])
            np.testing.assert_array_equal(last["_episode"], terminated)
            total = sum(last["reward_terms"][k][ended] for k in infos["reward_terms"])
            np.testing.assert_allclose(total / env.half_spread_tick, reward[ended])
    assert table == [
        ([1, 2, 2], "FFF"),
        ([2, 0, 0], "FTT"),
        ([0, 1, 1], "TFF"),
        ([1, 2, 2], "FFF"),
    ]


def test_next_step() -> None:
    env = begin("NextStep")
    table = []
    for _ in range(5):
        obs, reward, terminated, _, infos = env.step(quotes())
        table.append((steps_of(obs), flags(terminated)))
        assert "final_obs" not in infos
        was_reset = np.array(steps_of(obs)) == 0
        assert (reward[was_reset] == 0.0).all()
    assert table == [
        ([1, 2, 2], "FFF"),
        ([2, 3, 3], "FTT"),
        ([3, 0, 0], "TFF"),
        ([0, 1, 1], "FFF"),
        ([1, 2, 2], "FFF"),
    ]


def test_next_step_forgets_a_pending_reset_on_reset() -> None:
    env = vector(2, horizon_s=0.5, autoreset_mode="NextStep")
    env.reset(seed=1)
    *_, terminated, _, _ = env.step(np.zeros((2, 2), np.float32))
    assert terminated.all()
    env.reset()
    obs, _, terminated, _, _ = env.step(np.zeros((2, 2), np.float32))
    assert terminated.all()
    assert (obs[:, LEFT] == 0.0).all()


def test_disabled() -> None:
    env = begin("Disabled")
    env.step(quotes())
    obs, _, terminated, _, infos = env.step(quotes())
    assert (steps_of(obs), flags(terminated)) == ([2, 3, 3], "FTT")
    assert "final_obs" not in infos
    with pytest.raises(gymnasium.error.ResetNeeded, match="environment 1: its episode is over"):
        env.step(quotes())
    before = obs[0].copy()
    obs, _ = env.reset(options={"reset_mask": terminated})
    assert steps_of(obs) == [2, 0, 0]
    np.testing.assert_array_equal(obs[0], before)
    obs, _, terminated, _, _ = env.step(quotes())
    assert (steps_of(obs), flags(terminated)) == ([3, 1, 1], "TFF")


def test_continuing_is_truncated() -> None:
    env = vector(2, horizon_s=1.0, horizon="continuing", autoreset_mode="SameStep")
    obs, _ = env.reset(seed=1)
    for step in range(4):
        assert (obs[:, LEFT] == 0.0).all()
        obs, _, terminated, truncated, infos = env.step(np.zeros((2, 2), np.float32))
        assert not terminated.any()
        assert truncated.all() == (step % 2 == 1)
        assert (infos["reward_terms"]["liquidation"] == 0.0).all()
    assert (env.last_episodes["liquidation"] == 0.0).all()


@pytest.mark.parametrize("mode", list(AutoresetMode))
def test_modes_by_name_and_member(mode: AutoresetMode) -> None:
    assert vector(1, autoreset_mode=mode).metadata["autoreset_mode"] is mode
    assert vector(1, autoreset_mode=mode.value).metadata["autoreset_mode"] is mode


def test_copies_and_views() -> None:
    env = vector(2, copy=False)
    first, _ = env.reset(seed=1)
    second, *_ = env.step(np.zeros((2, 2), np.float32))
    assert np.shares_memory(first, second)
    env = vector(2)
    first, _ = env.reset(seed=1)
    kept = first.copy()
    second, reward, *_, infos = env.step(np.zeros((2, 2), np.float32))
    np.testing.assert_array_equal(first, kept)
    again, reward_2, *_ = env.step(np.zeros((2, 2), np.float32))
    assert not np.shares_memory(second, again)
    assert not np.shares_memory(reward, reward_2)
    assert not np.shares_memory(infos["reward_terms"]["pnl"], env._ios)
