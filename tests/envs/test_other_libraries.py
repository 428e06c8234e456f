"""RLlib and TorchRL take the environments as they are; skipped where they are not installed."""

from __future__ import annotations

from typing import Any

import gymnasium
import numpy as np
import pytest

from hftgym.envs import market_v0

ID = "hftgym/MarketMaking-v0"
SECONDS = 10.0
STEPS = 20
AGENTS: dict[str, Any] = {"maker_0": {}, "maker_1": {}, "executor_0": {}, "taker_0": {}}


def test_rllib_takes_several_learners() -> None:
    checks = pytest.importorskip("ray.rllib.utils.pre_checks.env")
    pettingzoo_env = pytest.importorskip("ray.rllib.env.wrappers.pettingzoo_env")
    env = pettingzoo_env.ParallelPettingZooEnv(
        market_v0.parallel_env(agents=AGENTS, max_cycles=STEPS)
    )
    # Without these the check logs a warning and passes.
    assert env._agent_ids == set(AGENTS)
    assert set(env.observation_space) == set(AGENTS)
    checks.check_multiagent_environments(env)

    env.reset(seed=1)
    agents = set(AGENTS)
    for _ in range(STEPS):
        actions = {name: env.get_action_space(name).sample() for name in agents}
        _, _, terminated, truncated, _ = env.step(actions)
        agents -= {name for name in actions if terminated[name] or truncated[name]}
    assert terminated["__all__"] or truncated["__all__"]
    assert not agents


@pytest.mark.parametrize("vectorised", ["sync", "vector_entry_point"])
def test_rllib_collects_whole_episodes(vectorised: str) -> None:
    ppo = pytest.importorskip("ray.rllib.algorithms.ppo")
    runners = pytest.importorskip("ray.rllib.env.single_agent_env_runner")
    config = ppo.PPOConfig().environment(ID, env_config={"horizon_s": SECONDS})
    config.env_runners(
        num_env_runners=0, num_envs_per_env_runner=2, gym_env_vectorize_mode=vectorised
    )
    episodes = runners.SingleAgentEnvRunner(config=config).sample(
        num_episodes=4, random_actions=True
    )
    assert len(episodes) == 4
    for episode in episodes:
        assert episode.is_terminated and not episode.is_truncated
        assert np.shape(episode.get_observations())[1] == 30


@pytest.mark.parametrize("action", ["continuous", "sized", "discrete", "orders"])
def test_torchrl_makes_an_environment_by_its_id(action: str) -> None:
    torchrl = pytest.importorskip("torchrl.envs")
    env = torchrl.GymEnv(ID, horizon_s=SECONDS, action=action)
    torchrl.check_env_specs(env)
    played = env.rollout(2 * STEPS, break_when_any_done=False)
    done = played["next", "terminated"].flatten()
    assert done.nonzero().flatten().tolist() == [STEPS - 1, 2 * STEPS - 1]


def test_torchrl_takes_the_native_vector_environment() -> None:
    torchrl = pytest.importorskip("torchrl.envs")
    env = torchrl.GymWrapper(
        gymnasium.make_vec(
            ID,
            num_envs=3,
            vectorization_mode="vector_entry_point",
            horizon_s=SECONDS,
            autoreset_mode="Disabled",  # TorchRL resets by itself
        )
    )
    torchrl.check_env_specs(env)
    played = env.rollout(2 * STEPS, break_when_any_done=False)
    assert played["next", "done"].sum() == 6
    time_left = played["next", "observation"][:, :, env.task_info.obs_index["time_left"]]
    assert time_left.argmin(dim=1).tolist() == [STEPS - 1] * 3


@pytest.mark.filterwarnings("ignore:PettingZoo in TorchRL is tested")  # with one old version
def test_torchrl_takes_several_learners() -> None:
    torchrl = pytest.importorskip("torchrl.envs")
    env = torchrl.PettingZooWrapper(
        market_v0.parallel_env(agents=AGENTS, max_cycles=STEPS), use_mask=True
    )
    torchrl.check_env_specs(env)
    played = env.rollout(STEPS)
    assert played["maker", "observation"].shape[1:] == (2, 30)
    assert played["next", "maker", "info", "pnl"].abs().sum() > 0
