"""What a critic explains of returns, against what can be explained."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("torch")

from hftgym.cli import main
from hftgym.errors import UsageError
from hftgym.training.critic import branch, judge_critic, quality
from tests.envs.making import vector
from tests.training.small_run import small_run


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return small_run(tmp_path_factory.mktemp("critic"), environment={"horizon_s": 10.0})


def test_a_mixture_of_known_shares_is_found() -> None:
    rng = np.random.default_rng(0)
    true = rng.normal(0.0, 1.0, 4_000)
    returns = true[:, None] + rng.normal(0.0, 2.0, (4_000, 8))  # a fifth can be known
    knows = quality(true, returns)
    assert knows.ceiling == pytest.approx(0.2, abs=0.015)
    assert knows.ceiling_interval[0] < 0.2 < knows.ceiling_interval[1]
    assert knows.explained == pytest.approx(0.2, abs=0.015)
    assert knows.correlation > 0.98 and abs(knows.bias) < 0.03

    half = quality(true + rng.normal(0.0, 1.0, 4_000) - 3.0, returns)
    # Var(G - V) = 4 + 1 of 5: nothing is explained, though V goes with the true values.
    assert half.explained == pytest.approx(0.0, abs=0.03)
    assert half.correlation == pytest.approx(np.sqrt(0.5), abs=0.05)
    assert half.bias == pytest.approx(-3.0 / np.sqrt(5.0), abs=0.05)
    assert half.ceiling == knows.ceiling

    noise = quality(true, rng.normal(0.0, 2.0, (4_000, 8)))
    assert noise.ceiling < 0.02 and noise.explained < -0.1


class Half:
    """Quotes where it is told, and values every state alike."""

    def __init__(self, gamma: float) -> None:
        self.config = {"params": {"gamma": gamma}}

    def initial_state(self, market_seeds: Any) -> None:
        return None

    def predict(self, obs: Any, state: Any, deterministic: bool = True) -> Any:
        return np.full((len(obs), 2), -0.2, np.float32), state

    def values(self, obs: Any) -> Any:
        return np.full(len(obs), 100.0)


def test_markets_branch_from_one_past() -> None:
    seeds = np.array([3, 4], np.uint64)
    calls: list[int] = []

    def play(gamma: float, horizon: str) -> Any:
        env = vector(2, horizon_s=20.0, horizon=horizon)
        return branch(env, Half(gamma), seeds, 3, calls.append)

    values, returns = play(0.5, "continuing")
    assert values.shape == (8,) and returns.shape == (8, 3) and sum(calls) == 4 * 3
    np.testing.assert_array_equal(returns, play(0.5, "continuing")[1])
    assert (returns.std(axis=1) > 0.0).all(), "futures differ"
    # With a discount of one half the return is cut after seven steps: 100 / 128 stand behind.
    assert abs(returns.mean() - 100.0 / 128.0) < 2.0
    # Without a discount it goes to the end: of the task, or a cut that the critic stands behind.
    finite, continuing = (play(1.0, horizon)[1] for horizon in ("finite", "continuing"))
    assert abs(finite.mean()) < 10.0 and abs(continuing.mean() - 100.0) < 10.0


def test_a_run_is_judged(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["critic", str(run), "--markets", "4", "--branches", "2"]) == 0
    text = capsys.readouterr().out
    assert "16 states, 2 futures each" in text and "ceiling" in text
    found = judge_critic(run, markets=4, branches=2, quiet=True)
    assert f"explained variance {found.explained:.3f}" in text
    assert found.to_dict()["branches"] == 2


def test_what_has_no_critic_is_refused(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from agents.ppo_policy import PPOPolicy

    monkeypatch.delattr(PPOPolicy, "values")
    with pytest.raises(UsageError, match="can be judged so"):
        judge_critic(run, markets=2, branches=2, quiet=True)
