"""Every order book environment, form of action and three scenarios, through the suites."""

from __future__ import annotations

import hashlib
import subprocess
import sys
import warnings
from typing import Any

import gymnasium
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env
from gymnasium.utils.env_match import check_environments_match
from stable_baselines3.common.env_checker import check_env as sb3_check_env
from stable_baselines3.common.vec_env import VecCheckNan

from hftgym.envs.forms import ACTION_FORMS
from hftgym.envs.task import Role
from hftgym.training.sb3 import SB3VecEnv
from tests.envs.making import FEW

ROLES = {
    "MarketMaking": Role.MAKER,
    "Execution": Role.EXECUTOR,
    "Taking": Role.TAKER,
    "Trading": Role.TRADER,
    "Pairs": Role.LEG,
}
SCENARIOS = ("default", "thin", "opening_auction")
CASES = [
    (name, action, scenario)
    for name, role in ROLES.items()
    for action in ACTION_FORMS[role]
    for scenario in (SCENARIOS if name != "Pairs" else ("pairs",))
]
VIEWS = ("levels", "messages")


def single(name: str, **arguments: Any) -> Any:
    """Make an environment without wrappers."""
    return gymnasium.make(
        f"hftgym/{name}-v0", disable_env_checker=True, **(FEW | arguments)
    ).unwrapped


def batch(name: str, count: int, **arguments: Any) -> Any:
    """Make a native vector environment."""
    return gymnasium.make_vec(
        f"hftgym/{name}-v0", count, vectorization_mode="vector_entry_point", **(FEW | arguments)
    ).unwrapped


def played(name: str, steps: int) -> str:
    """Return a hash of everything that some steps bring."""
    env = single(name, observation="messages", horizon_s=100.0)
    env.action_space.seed(1)
    digest = hashlib.sha256(env.reset(seed=1)[0].tobytes())
    for _ in range(steps):
        obs, reward, terminated, truncated, info = env.step(env.action_space.sample())
        digest.update(obs.tobytes() + repr((reward, info["reward_terms"])).encode())
        if terminated or truncated:
            digest.update(env.reset()[0].tobytes())
    return digest.hexdigest()


@pytest.mark.parametrize(("name", "action", "scenario"), CASES)
def test_the_suites(name: str, action: str, scenario: str) -> None:
    arguments: dict[str, Any] = {"action": action, "scenario": scenario, "horizon_s": 30.0}
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        check_env(single(name, **arguments), skip_render_check=scenario != "default")
        sb3_check_env(single(name, **arguments), warn=True, skip_render_check=True)
        steps = 10_000 if scenario == "default" else 500
        check_environments_match(
            single(name, **arguments),
            single(name, **arguments),
            num_steps=steps,
            seed=0,
            info_comparison="equivalence",
        )


@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize("name", ROLES)
def test_the_suites_with_more_to_see(name: str, view: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        check_env(single(name, observation=view, horizon_s=30.0), skip_render_check=True)


@pytest.mark.parametrize(("name", "action", "scenario"), [c for c in CASES if c[2] != "thin"])
def test_one_of_many_is_the_single_one(name: str, action: str, scenario: str) -> None:
    """Sub-environment i of a batch with seed s is the single environment with seed s + i."""
    arguments: dict[str, Any] = {"action": action, "scenario": scenario, "horizon_s": 20.0}
    many = batch(name, 3, **arguments)
    ones = [single(name, **arguments) for _ in range(3)]
    many.action_space.seed(5)
    obs, _ = many.reset(seed=5)
    for i, env in enumerate(ones):
        np.testing.assert_array_equal(env.reset(seed=5 + i)[0], obs[i])
    for _ in range(100):
        actions = many.action_space.sample()
        obs, rewards, terminated, truncated, infos = many.step(actions)
        for i, env in enumerate(ones):
            first, reward, *over, info = env.step(actions[i])
            assert (reward, *over) == (rewards[i], terminated[i], truncated[i])
            if any(over):
                np.testing.assert_array_equal(infos["final_obs"][i], first)
                first, info = env.reset()
            np.testing.assert_array_equal(first, obs[i])
            if "action_mask" in info:
                np.testing.assert_array_equal(info["action_mask"], infos["action_mask"][i])


@pytest.mark.parametrize("name", ROLES)
def test_a_quarter_of_a_million_random_steps_stay_in_the_space(name: str) -> None:
    """With the default, a thin and a halting market together a million over the environments."""
    for scenario in SCENARIOS if name != "Pairs" else ("pairs",):
        env = batch(name, 128, scenario=scenario, observation="levels", horizon_s=60.0)
        env.action_space.seed(2)
        obs, _ = env.reset(seed=2)
        space = env.single_observation_space
        for _ in range(650):
            assert (obs >= space.low).all()
            assert (obs <= space.high).all()
            obs, rewards, *_ = env.step(env.action_space.sample())
            assert np.isfinite(rewards).all()


@pytest.mark.parametrize("name", ROLES)
def test_the_face_of_stable_baselines(name: str) -> None:
    env = VecCheckNan(
        SB3VecEnv(batch(name, 4, horizon_s=10.0)), raise_exception=True, warn_once=False
    )
    env.action_space.seed(1)
    env.seed(3)
    env.reset()
    ended = 0
    for _ in range(60):
        actions = np.array([env.action_space.sample() for _ in range(4)])
        obs, rewards, dones, infos = env.step(actions)
        assert obs.dtype == rewards.dtype == np.float32
        for done, info in zip(dones, infos, strict=True):
            if done:
                ended += 1
                assert info["terminal_observation"].shape == env.observation_space.shape
                assert not info["TimeLimit.truncated"]
    assert ended >= 8


def test_two_processes_agree() -> None:
    """10,000 steps of each environment."""
    code = (
        "from tests.envs.test_every_environment import ROLES, played\n"
        "print([played(name, 10_000) for name in ROLES])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == repr([played(name, 10_000) for name in ROLES])
