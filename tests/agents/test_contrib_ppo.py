"""PPO with masks, PPO with a memory: what each is for is learned; numpy acts as torch does."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
import pytest

pytest.importorskip("sb3_contrib")

import torch
from gymnasium.vector import AutoresetMode, VectorEnv

from agents.maskable_ppo import MaskablePolicy, MaskablePPO
from agents.recurrent_ppo import RecurrentPolicy, RecurrentPPO
from hftgym.errors import ConfigError
from hftgym.tensorboard.writer import MetricsWriter, read_metrics
from hftgym.training.config import TrainConfig
from hftgym.training.progress import PhaseProgress
from hftgym.training.rollout import Job, play
from hftgym.training.runs import RunFolder
from hftgym.training.sb3 import SB3VecEnv
from hftgym.training.seeds import market_seeds
from hftgym.training.session import TrainSession
from hftgym.training.task import MarketTask
from hftgym.training.threads import set_torch_threads

SMALL: dict[str, Any] = {
    "n_envs": 16,
    "n_steps": 16,
    "batch_size": 64,
    "n_epochs": 4,
    "hidden": (16,),
    "learning_rate": 1e-2,
    "gamma": 0.5,
}


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    set_torch_threads(1)


class _Steps(VectorEnv):
    """Episodes of a fixed number of steps, all at once; the first one shows a sign."""

    def __init__(self, num_envs: int, steps: int, action_space: Any) -> None:
        self.metadata = {"autoreset_mode": AutoresetMode.SAME_STEP}
        self.num_envs = num_envs
        self.single_observation_space = gymnasium.spaces.Box(-1.0, 1.0, (2,), np.float32)
        self.single_action_space = action_space
        self.steps, self.now = steps, 0
        self.rng = np.random.default_rng(0)

    def reset(self, *, seed: Any = None, options: Any = None) -> tuple[np.ndarray, Any]:
        self._begin()
        return self.seen(), {}

    def _begin(self) -> None:
        self.now = 0
        self.sign = self.rng.choice((-1.0, 1.0), self.num_envs)
        self.open = self.rng.random(self.num_envs) < 0.5

    def seen(self) -> np.ndarray:
        obs = np.zeros((self.num_envs, 2), np.float32)
        if self.now == 0:
            obs[:, 0] = self.sign
        obs[:, 1] = self.now / self.steps
        return obs

    def gain(self, actions: np.ndarray) -> np.ndarray:
        raise NotImplementedError

    def step(self, actions: np.ndarray) -> Any:
        reward = self.gain(actions)
        self.now += 1
        done = np.full(self.num_envs, self.now == self.steps)
        infos: dict[str, Any] = {}
        if done.all():
            final = np.empty(self.num_envs, object)
            final[:] = list(self.seen())
            infos = {"final_obs": final, "final_info": {}}
            self._begin()
        return self.seen(), reward, done, np.zeros(self.num_envs, np.bool_), infos


class Doors(_Steps):
    """Three doors: the third pays most but is open half of the time; else the sign says which."""

    def __init__(self, num_envs: int) -> None:
        super().__init__(num_envs, 1, gymnasium.spaces.MultiDiscrete([3, 2]))

    def action_masks(self) -> np.ndarray:
        mask = np.ones((self.num_envs, 5), np.bool_)
        mask[:, 2] = self.open
        return mask

    def gain(self, actions: np.ndarray) -> np.ndarray:
        assert self.open[actions[:, 0] == 2].all(), "a closed door was tried"
        right = (actions[:, 0] == 1) == (self.sign > 0)
        return np.where(actions[:, 0] == 2, 2.0, np.where(right, 1.0, 0.0)) + actions[:, 1]


class Recall(_Steps):
    """Three steps: the sign shown in the first one is what the last one asks for."""

    def __init__(self, num_envs: int) -> None:
        super().__init__(num_envs, 3, gymnasium.spaces.Box(-1.0, 1.0, (1,), np.float32))

    def gain(self, actions: np.ndarray) -> np.ndarray:
        last = self.now == self.steps - 1
        return np.where(last, np.sign(actions[:, 0]) * self.sign, 0.0)


def test_masked_choices_are_learned_and_never_taken() -> None:
    agent = MaskablePPO(SMALL)
    model = agent.model(SB3VecEnv(Doors(16)), seed=0)
    model.learn(5_000)
    policy = agent.policy(model)
    obs = np.array([[-1, 0], [1, 0], [-1, 0], [1, 0]], np.float32)
    mask = np.ones((4, 5), np.bool_)
    mask[2:, 2] = False
    policy.observe_mask(mask)
    assert policy.predict(obs)[0].tolist() == [[2, 1], [2, 1], [0, 1], [1, 1]]
    state = policy.initial_state(market_seeds("test", 4))
    for _ in range(200):
        policy.observe_mask(mask)
        drawn, state = policy.predict(obs, state, deterministic=False)
        assert (drawn[2:, 0] != 2).all()


def test_a_single_choice_is_an_action_without_a_second_axis() -> None:
    class OneDoor(Doors):
        """The doors alone."""

        def __init__(self, num_envs: int) -> None:
            _Steps.__init__(self, num_envs, 1, gymnasium.spaces.Discrete(3))

        def action_masks(self) -> np.ndarray:
            return super().action_masks()[:, :3]

        def gain(self, actions: np.ndarray) -> np.ndarray:
            return super().gain(np.stack([actions, np.zeros_like(actions)], axis=1))

    agent = MaskablePPO(SMALL)
    model = agent.model(SB3VecEnv(OneDoor(16)), seed=0)
    model.learn(5_000)
    policy = agent.policy(model)
    mask = np.array([[True, True, True], [True, True, False], [True, True, False]])
    policy.observe_mask(mask)
    obs = np.array([[1, 0], [-1, 0], [1, 0]], np.float32)
    assert policy.predict(obs)[0].tolist() == [2, 0, 1]


def test_drawn_choices_have_the_probabilities_of_the_network() -> None:
    agent = MaskablePPO(SMALL)
    model = agent.model(SB3VecEnv(Doors(16)), seed=0)
    model.learn(1_500)
    policy = agent.policy(model)
    obs = np.tile(np.array([[1.0, 0.0]], np.float32), (20_000, 1))
    mask = np.tile([True, True, False, True, True], (20_000, 1))
    policy.observe_mask(mask)
    drawn, _ = policy.predict(obs, deterministic=False)
    with torch.no_grad():
        found = model.policy.get_distribution(torch.tensor(obs[:1]), action_masks=mask[:1])
        expected = [d.probs[0].numpy() for d in found.distributions]
    for component, probabilities in enumerate(expected):
        shares = np.bincount(drawn[:, component], minlength=len(probabilities)) / len(drawn)
        assert shares == pytest.approx(probabilities, abs=0.015)


def test_a_memory_is_learned_and_numpy_remembers_as_torch_does() -> None:
    agent = RecurrentPPO(SMALL | {"lstm": 16, "gamma": 0.9, "n_steps": 18, "batch_size": 96})
    model = agent.model(SB3VecEnv(Recall(16)), seed=0)
    model.learn(9_000)
    policy = agent.policy(model)
    venv = Recall(64)
    obs, _ = venv.reset()
    state: Any = policy.initial_state(market_seeds("test", 64))
    theirs: Any = None
    start = np.ones(64, np.bool_)
    for _ in range(9):
        action, state = policy.predict(obs, state, start)
        other, theirs = model.predict(obs, theirs, start, deterministic=True)
        assert action == pytest.approx(other, abs=1e-5)
        obs, reward, done, _, _ = venv.step(action)
        if done.all():
            assert reward.mean() > 0.9
        start = done


def short_run(root: Path, agent: Any, task: MarketTask) -> tuple[RunFolder, Any]:
    """Train on a few real markets."""
    run = RunFolder.create("test", 0, root)
    run.write_config({"name": "test"})
    with MetricsWriter(run.tensorboard, run.metrics) as writer:
        session = TrainSession(
            task=task,
            seed=0,
            steps=512,
            device="cpu",
            run=run,
            writer=writer,
            progress=PhaseProgress("train", 512, "steps", quiet=True),
            validation_markets=4,
            validations=2,
        )
        policy = agent.train(session)
        session.close()
    return run, policy


@pytest.mark.parametrize(
    ("agent", "policy_type", "name", "action"),
    [
        (MaskablePPO(SMALL), MaskablePolicy, "MarketMaking", "discrete"),
        (MaskablePPO(SMALL), MaskablePolicy, "Taking", "discrete"),
        (MaskablePPO(SMALL), MaskablePolicy, "Pairs", "discrete"),
        (MaskablePPO(SMALL), MaskablePolicy, "Trading", "orders"),
        (RecurrentPPO(SMALL | {"lstm": 8}), RecurrentPolicy, "MarketMaking", "continuous"),
    ],
)
def test_a_run_on_markets_is_saved_and_plays_the_same_again(
    tmp_path: Path, agent: Any, policy_type: Any, name: str, action: str
) -> None:
    task = MarketTask(
        env_id=f"hftgym/{name}-v0",
        scenario="pairs" if name == "Pairs" else "default",
        arguments={"horizon_s": 5.0, "snapshots": 2, "action": action},
    )
    run, policy = short_run(tmp_path, agent, task)
    loaded = agent.load(run.path, "latest")
    assert isinstance(loaded, policy_type)
    assert loaded.weights_hash() == policy.weights_hash()
    venv = task.make(8, "test")
    seeds = market_seeds("test", 8)
    first, second = play(venv, [Job(policy, seeds)]), play(venv, [Job(loaded, seeds, True)])
    venv.close()
    assert first[0].episodes.tobytes() == second[0].episodes.tobytes()
    tags = set().union(*(record.keys() for record in read_metrics(run.metrics)))
    assert {"train/approx_kl", "eval/objective", "risk/passive"} <= tags


@pytest.mark.parametrize(
    ("agent", "action"),
    [("agents.maskable_ppo:MaskablePPO", "continuous"), ("agents.ppo:PPO", "discrete")],
)
def test_an_action_that_a_learner_does_not_learn_is_refused(agent: str, action: str) -> None:
    config = TrainConfig.model_validate({"agent": agent, "environment": {"action": action}})
    with pytest.raises(ConfigError, match=f"does not learn '{action}'"):
        config.learner()
