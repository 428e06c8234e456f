"""Ablations: what is hidden does not count, every variant can be trained, losses are paired."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("torch")

from agents.fast_ppo import Params, Trainer
from agents.unseen import unseen_columns
from hftgym.errors import UsageError
from scripts import ablations
from tests.envs.making import vector

SMALL: dict[str, Any] = {"n_envs": 4, "horizon": 8, "minibatch": 32, "epochs": 1, "hidden": [8]}


@pytest.mark.parametrize("scaled", [False, True])
def test_what_is_hidden_decides_nothing(scaled: bool) -> None:
    params = Params(**SMALL, hide=("*_age", "spread"), normalize_observations=scaled)
    trainer = Trainer(vector(4), params, seed=1, steps=1_000)
    assert len(trainer.unseen) == 3
    for _ in range(2):
        trainer.iterate()
    policy = trainer.network.policy("PPO", 0, params)
    obs = trainer.obs.numpy().copy()
    other = obs.copy()
    other[:, trainer.unseen] = 5.0
    np.testing.assert_array_equal(policy.predict(other)[0], policy.predict(obs)[0])
    np.testing.assert_array_equal(policy.values(other), policy.values(obs))
    assert not np.array_equal(policy.predict(obs + np.float32(1e-3))[0], policy.predict(obs)[0])


def test_an_unknown_observation_is_named() -> None:
    with pytest.raises(UsageError, match=r"no observation 'bid_agee'; did you mean 'bid_age'"):
        unseen_columns(vector(1), ["bid_agee"])


def test_a_loss_is_paired_by_market() -> None:
    rng = np.random.default_rng(0)
    whole = rng.normal(100.0, 50.0, (2, 64))
    text = ablations.table({ablations.WHOLE: whole, "without": whole - 3.0})
    assert text.splitlines()[-1].endswith("| 3.0 (3.0 to 3.0) |")
    assert text.splitlines()[2].endswith("| - |")


def test_a_task_without_markets_is_refused() -> None:
    known = str(ablations.ROOT / "configs" / "fast_ppo_almgren_chriss.yaml")
    with pytest.raises(SystemExit, match=r"error\[HG-U231\] .* this task has none"):
        ablations.main(["--config", known])


@pytest.mark.slow
def test_every_variant_is_trained_and_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    little = [
        "steps=64",
        "environment.horizon_s=5.0",
        "arguments.snapshots=2",
        *(f"params.{name}={value}" for name, value in SMALL.items()),
        "evaluation.validations=1",
        "evaluation.validation_markets=2",
    ]
    arguments = ["--seeds", "3", "--markets", "4", "--folder", str(tmp_path), "--set", *little]
    ablations.main(arguments)
    text = capsys.readouterr().out
    for name in ablations.VARIANTS:
        assert f"| {name} |" in text

    def never(*more: Any, **named: Any) -> Any:
        raise AssertionError("trained again")

    monkeypatch.setattr(ablations, "train_from_config", never)
    ablations.main(arguments)
    assert capsys.readouterr().out == text
