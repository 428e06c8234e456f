"""What Gymnasium and Stable-Baselines3 ask of an environment; warnings are errors."""

from __future__ import annotations

import pickle
import subprocess
import sys

import gymnasium
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env
from gymnasium.vector import AutoresetMode
from gymnasium.wrappers import FlattenObservation, FrameStackObservation, RecordEpisodeStatistics
from gymnasium.wrappers.vector import DictInfoToList
from gymnasium.wrappers.vector import RecordEpisodeStatistics as VectorStatistics

from hftgym.envs.layout import OBS_INDEX, OBSERVATION
from hftgym.envs.market_making import MarketMakingVectorEnv
from tests.envs.making import ENV_ID, FEW, single, vector

FORMS = [
    {},
    {"action": "discrete"},
    {"horizon": "continuing", "horizon_s": 1.5, "initial_inventory": "uniform"},
    {"observe_value": True, "render_mode": "ansi", "split": "test"},
]


@pytest.mark.parametrize("form", FORMS, ids=str)
def test_gymnasium_checker(form: dict[str, object]) -> None:
    check_env(single(**form))


@pytest.mark.parametrize("form", FORMS, ids=str)
def test_stable_baselines3_checker(form: dict[str, object]) -> None:
    checker = pytest.importorskip("stable_baselines3.common.env_checker")
    checker.check_env(single(**form), warn=True, skip_render_check=True)


def test_the_id_says_how_to_make_it_without_importing_anything_heavy() -> None:
    code = (
        "import sys, hftgym, gymnasium; spec = gymnasium.spec('hftgym/MarketMaking-v0');"
        "assert isinstance(spec.entry_point, str) and isinstance(spec.vector_entry_point, str);"
        "print(sorted({'numba', 'torch', 'pandas', 'hftgym.core'} & set(sys.modules)))"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "[]"


def test_spec_survives_json() -> None:
    env = gymnasium.make(ENV_ID, **FEW, horizon_s=2.0, split="tune")
    assert env.spec is not None
    again = gymnasium.make(gymnasium.envs.registration.EnvSpec.from_json(env.spec.to_json()))
    first, _ = env.reset(seed=4)
    second, _ = again.reset(seed=4)
    np.testing.assert_array_equal(first, second)


def test_pickled_environments_are_made_anew() -> None:
    env = pickle.loads(pickle.dumps(single(horizon_s=2.0)))
    assert env.setting.steps == 4
    venv = pickle.loads(pickle.dumps(vector(2, horizon_s=2.0, autoreset_mode="NextStep")))
    assert venv.metadata["autoreset_mode"] is AutoresetMode.NEXT_STEP


def test_common_wrappers() -> None:
    env = RecordEpisodeStatistics(
        FlattenObservation(FrameStackObservation(gymnasium.make(ENV_ID, **FEW, horizon_s=1.0), 3))
    )
    obs, _ = env.reset(seed=1)
    assert obs.shape == (90,)
    total = 0.0
    for _ in range(2):
        _, reward, terminated, _, info = env.step(np.zeros(2, np.float32))
        total += float(reward)
    assert terminated
    assert info["episode"]["l"] == 2
    assert info["episode"]["r"] == pytest.approx(total)


@pytest.mark.parametrize("mode", ["SameStep", "NextStep"])
def test_vector_wrappers(mode: str) -> None:
    env = VectorStatistics(DictInfoToListCheck(vector(3, horizon_s=1.0, autoreset_mode=mode)))
    env.reset(seed=1)
    for step in range(4):
        *_, infos = env.step(np.zeros((3, 2), np.float32))
        if step == 1:
            assert infos["episode"]["l"].tolist() == [2, 2, 2]


class DictInfoToListCheck(gymnasium.vector.VectorWrapper):
    """Also turns the infos into lists, as an old style learner does, and compares."""

    def step(self, actions):
        obs, reward, terminated, truncated, infos = self.env.step(actions)
        listed = DictInfoToList(self.env)._convert_info_to_list(infos)
        for i, info in enumerate(listed):
            assert info["reward_terms"]["pnl"] == infos["reward_terms"]["pnl"][i]
        return obs, reward, terminated, truncated, infos


def test_spaces_and_metadata_of_the_vector_form() -> None:
    env = vector(5)
    assert isinstance(env, MarketMakingVectorEnv)
    assert env.metadata["autoreset_mode"] is AutoresetMode.SAME_STEP
    assert env.observation_space.shape == (5, 30)
    assert env.action_space.shape == (5, 2)
    obs, _ = env.reset(seed=0)
    assert env.observation_space.contains(obs)
    assert vector(2, action="discrete").action_space.contains(np.ones((2, 2), np.int64))


def test_observation_table() -> None:
    names = [one.name for one in OBSERVATION]
    assert len(set(names)) == 30
    assert [OBS_INDEX[name] for name in names] == list(range(30))
    space = single().observation_space
    assert isinstance(space, gymnasium.spaces.Box)
    assert space.low.tolist() == [one.low for one in OBSERVATION]
    assert space.high.tolist() == [one.high for one in OBSERVATION]


def test_render_shows_the_own_orders() -> None:
    env = single(render_mode="ansi")
    with pytest.raises(gymnasium.error.ResetNeeded, match="reset"):
        env.render()
    env.reset(seed=2)
    env.step(np.zeros(2, np.float32))
    env.step(np.zeros(2, np.float32))
    text = env.render()
    assert text is not None
    lines = text.splitlines()
    assert "step 2 of 600" in lines[0]
    own_bid = [line for line in lines[2:] if line[:10].strip()]
    own_ask = [line for line in lines[2:] if line[40:].strip()]
    assert len(own_bid) == len(own_ask) == 1
    assert int(own_bid[0][20:30]) < int(own_ask[0][20:30])
    assert single().render() is None
