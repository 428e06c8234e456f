"""Training on tasks with a known answer: judged by the score, refused where there is no market."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar

import gymnasium
import numpy as np
import pytest
import yaml
from rich.console import Console

pytest.importorskip("torch")

import hftgym  # noqa: F401  registers the environments
from hftgym.errors import ConfigError, UsageError
from hftgym.tensorboard.writer import read_metrics
from hftgym.training.config import TrainConfig
from hftgym.training.evaluate_run import evaluate_run
from hftgym.training.known import KnownResult, critic_correlation, print_known
from hftgym.training.train import train_from_config

CONFIG: dict[str, Any] = {
    "agent": "agents.fast_ppo:FastPPO",
    "name": "known",
    "env_id": "hftgym/AlmgrenChriss-v0",
    "arguments": {"steps": 5},
    "seeds": [0, 1],
    "steps": 500_000,
    "params": {
        "n_envs": 256,
        "horizon": 50,
        "minibatch": 3_200,
        "learning_rate": 0.003,
        "gamma": 1.0,
        "target_kl": None,
        "hidden": [32, 32],
        "final_std": 0.03,
        "normalize_observations": True,
    },
    "evaluation": {"validations": 2},
}


def write(folder: Path, **changes: Any) -> Path:
    path = folder / "known.yaml"
    path.write_text(yaml.safe_dump(CONFIG | changes))
    return path


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> KnownResult:
    folder = tmp_path_factory.mktemp("known")
    result = train_from_config(write(folder), root=folder / "runs", quiet=True, report=False)
    assert isinstance(result, KnownResult)
    return result


def test_the_learner_finds_the_known_path(trained: KnownResult) -> None:
    assert min(trained.scores) >= 0.9, trained.scores
    env = gymnasium.make("hftgym/AlmgrenChriss-v0", steps=5).unwrapped
    assert trained.optimum == env.optimal_value()  # type: ignore[attr-defined]
    spread = trained.optimum - trained.reference
    for value, score in zip(trained.values, trained.scores, strict=True):
        assert score == pytest.approx((value - trained.reference) / spread)


def test_the_last_checkpoint_counts_and_can_be_evaluated_again(trained: KnownResult) -> None:
    first = trained.runs[0]
    again = evaluate_run(first)
    assert isinstance(again, KnownResult)
    assert again.scores == trained.scores[:1] and again.seeds == (0,)
    rows = [row for row in read_metrics(first / "metrics.jsonl") if "eval/objective" in row]
    assert len(rows) == 2
    assert rows[-1]["eval/objective"] == pytest.approx(trained.scores[0], abs=1e-9)
    kept = json.loads((first / "evaluation.json").read_text())
    assert kept["scores"] == list(again.scores) and kept["median"] == again.median


def test_the_critics_know_the_values_of_the_states(trained: KnownResult) -> None:
    assert min(one for one in trained.critics if one is not None) >= 0.9, trained.critics
    config = TrainConfig(**CONFIG)
    env = gymnasium.make("hftgym/AlmgrenChriss-v0", steps=5).unwrapped
    knows: Any = FixedCritic(lambda obs: 3.0 * env.optimal_values(obs, 1.0))  # type: ignore[attr-defined]
    assert critic_correlation(config, knows) == pytest.approx(1.0, abs=1e-9)
    wrong: Any = FixedCritic(lambda obs: -env.optimal_values(obs, 1.0))  # type: ignore[attr-defined]
    assert critic_correlation(config, wrong) == pytest.approx(-1.0, abs=1e-9)
    assert critic_correlation(config, env.optimal_policy()) is None  # type: ignore[attr-defined]


class FixedCritic:
    """Sells half of what is left, give or take, and values states as it is told."""

    config: ClassVar[dict[str, Any]] = {"params": {"gamma": 1.0}}

    def __init__(self, values: Callable[[Any], Any]) -> None:
        self.values = values

    def initial_state(self, market_seeds: Any) -> np.random.Generator:
        return np.random.default_rng(0)

    def predict(
        self, obs: Any, state: Any, episode_start: Any = None, deterministic: bool = True
    ) -> tuple[Any, Any]:
        return state.uniform(-0.5, 0.5, (len(obs), 1)).astype(np.float32), state


def test_the_table_names_every_seed(trained: KnownResult) -> None:
    out = io.StringIO()
    print_known(trained, Console(file=out, width=30))
    text = out.getvalue()
    for seed, critic, score in zip(trained.seeds, trained.critics, trained.scores, strict=True):
        assert any(
            line.split()[:1] == [str(seed)]
            and line.split()[-2:] == [f"{critic:.3f}", f"{score:.3f}"]
            for line in text.splitlines()
        )
    assert f"median score {np.median(trained.scores):.3f}" in text


@pytest.mark.parametrize("agent", ["agents.a2c:A2C", "agents.ppo:PPO"])
def test_other_learners_train_on_it_too(agent: str, tmp_path: Path) -> None:
    small = {"hidden": [8], "n_envs": 16}
    small |= {"n_steps": 16, "batch_size": 64} if agent.endswith("PPO") else {"scale_steps": 20}
    path = write(tmp_path, agent=agent, params=small, seeds=[0], steps=2_560)
    result = train_from_config(path, root=tmp_path / "runs", quiet=True, report=False)
    assert isinstance(result, KnownResult) and np.isfinite(result.scores).all()


def test_what_a_market_needs_is_refused(tmp_path: Path) -> None:
    for changes in (
        {"environment": {"horizon_s": 5.0}},
        {"scenario": "calm"},
        {"tuning": {"trials": 1}},
    ):
        with pytest.raises(ConfigError, match="does not apply to hftgym/AlmgrenChriss-v0"):
            train_from_config(write(tmp_path, **changes), root=tmp_path / "runs")
    with pytest.raises(UsageError, match="has no market: leave --scenario"):
        train_from_config(write(tmp_path), scenario="calm", root=tmp_path / "runs")
    with pytest.raises(ConfigError, match="unexpected keyword argument 'stepss'"):
        train_from_config(
            write(tmp_path, arguments={"stepss": 5}), root=tmp_path / "runs", quiet=True
        )
