"""The three autoreset modes, step by step; time in the observation counts the steps.

Episodes have three steps; environment 0 is one step ahead, so that they do not end together.
"""

from __future__ import annotations

from typing import Any

import gymnasium
import numpy as np
import pytest
from gymnasium.vector import AutoresetMode

from hftgym.envs.known.cartea_jaimungal import CarteaJaimungalVectorEnv

STEPS = 3
ACTIONS = np.zeros((3, 2), np.float32)


def begin(mode: Any) -> CarteaJaimungalVectorEnv:
    """Return an environment whose episodes have had 1, 0, 0 steps."""
    env = CarteaJaimungalVectorEnv(3, autoreset_mode=mode, parameters={"steps": STEPS})
    env.reset(seed=5)
    env.step(ACTIONS)
    obs, infos = env.reset(options={"reset_mask": np.array([False, True, True])})
    assert steps_of(obs) == [1, 0, 0]
    assert infos == {}
    return env


def steps_of(obs: np.ndarray) -> list[int]:
    return np.rint(obs[:, 0].astype(np.float64) * STEPS).astype(int).tolist()


def flags(array: np.ndarray) -> str:
    return "".join("T" if value else "F" for value in array)


def test_same_step() -> None:
    env = begin("SameStep")
    table = []
    for _ in range(5):
        obs, _, terminated, truncated, infos = env.step(ACTIONS)
        table.append((steps_of(obs), flags(terminated)))
        assert not truncated.any()
        assert ("final_obs" in infos) == terminated.any()
        if terminated.any():
            assert infos["final_obs"].dtype == object
            assert infos["_final_obs"].tolist() == terminated.tolist()
            assert infos["_final_info"].tolist() == terminated.tolist()
            assert infos["final_info"]["episode"]["l"].tolist() == (3 * terminated).tolist()
            for i in range(3):
                final = infos["final_obs"][i]
                assert (final is not None) == terminated[i]
                assert final is None or final[0] == 1.0
    assert table == [
        ([2, 1, 1], "FFF"),
        ([0, 2, 2], "TFF"),
        ([1, 0, 0], "FTT"),
        ([2, 1, 1], "FFF"),
        ([0, 2, 2], "TFF"),
    ]


def test_next_step() -> None:
    env = begin("NextStep")
    table = []
    for _ in range(5):
        waiting = flags(env._ended)
        obs, reward, terminated, _, infos = env.step(ACTIONS)
        assert "final_obs" not in infos
        assert all(reward[i] == 0.0 for i in range(3) if waiting[i] == "T")
        table.append((steps_of(obs), flags(terminated)))
    assert table == [
        ([2, 1, 1], "FFF"),
        ([3, 2, 2], "TFF"),
        ([0, 3, 3], "FTT"),
        ([1, 0, 0], "FFF"),
        ([2, 1, 1], "FFF"),
    ]


def test_reset_after_an_end_leaves_nothing_pending_in_next_step() -> None:
    env = begin("NextStep")
    env.step(ACTIONS)
    env.step(ACTIONS)
    env.reset(seed=1)
    obs, *_ = env.step(ACTIONS)
    assert steps_of(obs) == [1, 1, 1]


def test_disabled() -> None:
    env = begin("Disabled")
    env.step(ACTIONS)
    obs, _, terminated, _, infos = env.step(ACTIONS)
    assert (steps_of(obs), flags(terminated)) == ([3, 2, 2], "TFF")
    assert "final_obs" not in infos
    with pytest.raises(gymnasium.error.ResetNeeded, match="environment 0"):
        env.step(ACTIONS)
    obs, _ = env.reset(options={"reset_mask": terminated})
    assert steps_of(obs) == [0, 2, 2]
    obs, _, terminated, _, _ = env.step(ACTIONS)
    assert (steps_of(obs), flags(terminated)) == ([1, 3, 3], "FTT")


def test_continuing_episodes_are_truncated_and_show_no_time() -> None:
    env = CarteaJaimungalVectorEnv(2, horizon="continuing", parameters={"steps": 2})
    env.reset(seed=0)
    env.step(ACTIONS[:2])
    obs, _, terminated, truncated, infos = env.step(ACTIONS[:2])
    assert truncated.all() and not terminated.any()
    assert not obs[:, 0].any()
    assert not infos["reward_terms"]["terminal_penalty"].any()


@pytest.mark.parametrize("mode", list(AutoresetMode))
def test_modes_by_name_and_by_member(mode: AutoresetMode) -> None:
    for given in (mode, mode.value):
        env = CarteaJaimungalVectorEnv(2, autoreset_mode=given)
        assert env.metadata["autoreset_mode"] is mode


def test_what_the_caller_got_stays_as_it_was() -> None:
    env = begin("SameStep")
    first = env.step(ACTIONS)
    kept = [array.copy() for array in first[:4]]
    for _ in range(4):
        env.step(ACTIONS)
    for array, copy in zip(first[:4], kept, strict=True):
        np.testing.assert_array_equal(array, copy)


@pytest.mark.parametrize(
    ("mask", "error"),
    [
        ([True, False, False], TypeError),
        (np.array([1, 0, 0]), TypeError),
        (np.array([True]), ValueError),
        (np.zeros(3, np.bool_), ValueError),
    ],
    ids=["list", "integers", "shape", "nobody"],
)
def test_masks_that_can_not_be(mask: Any, error: type[Exception]) -> None:
    with pytest.raises(error):
        begin("Disabled").reset(options={"reset_mask": mask})


def test_a_list_of_seeds() -> None:
    env = CarteaJaimungalVectorEnv(3)
    env.reset(seed=[7, 8, 7])
    rewards = np.array([env.step(ACTIONS)[1] for _ in range(30)])
    np.testing.assert_array_equal(rewards[:, 0], rewards[:, 2])
    assert (rewards[:, 0] != rewards[:, 1]).any()
    with pytest.raises(ValueError, match="one each"):
        env.reset(seed=[1, 2])
