"""The example of a learner of one's own: named in a configuration, trained, kept, compared."""

from __future__ import annotations

import ast
import json
from pathlib import Path

import numpy as np
import pytest
import yaml

pytest.importorskip("torch")

from hftgym.tensorboard.writer import read_metrics
from hftgym.training.config import TrainConfig
from hftgym.training.train import train_from_config
from hftgym.yaml_model import load_yaml_model
from scripts.own_agent import Lean, RandomSearch
from tests import fake_market

ROOT = Path(__file__).resolve().parents[2]
TRIES = 6


def test_it_is_trained_by_its_name_and_its_best_policy_is_kept(tmp_path: Path) -> None:
    fake_market.register()
    config = {
        "agent": "scripts.own_agent:RandomSearch",
        "env_id": fake_market.ENV_ID,
        "environment": {"horizon_s": 5.0},
        "steps": TRIES,
        "evaluation": {"validation_markets": 8, "test_markets": 8, "resamples": 200},
        "tuning": {"trials": 2, "markets": 2},
    }
    (tmp_path / "own.yaml").write_text(yaml.safe_dump(config))
    result = train_from_config(
        tmp_path / "own.yaml", root=tmp_path / "runs", quiet=True, report=False
    )
    (run,) = result.runs
    assert result.comparison.rows[0].name == "random search"

    found = [
        (row["eval/objective"], row["step"])
        for row in read_metrics(run / "metrics.jsonl")
        if "eval/objective" in row
    ]
    assert len(found) == TRIES
    best = run / "checkpoints" / f"step-{max(found)[1]:012d}" / "lean.json"
    policy = RandomSearch.load(RandomSearch(None), run)  # type: ignore[arg-type]
    assert [policy.distance, policy.lean] == json.loads(best.read_text())


def test_it_leans_against_its_inventory() -> None:
    obs = np.zeros((2, 30), np.float32)
    obs[:, 0] = (-0.5, 0.5)
    actions, _ = Lean(0.1, 0.4).predict(obs)
    np.testing.assert_allclose(actions, [[-0.1, 0.3], [0.3, -0.1]], atol=1e-6)


def test_its_configuration_is_valid_and_it_is_as_short_as_it_says() -> None:
    config = load_yaml_model(ROOT / "configs" / "own_agent.yaml", TrainConfig)
    assert type(config.learner()).__name__ == "RandomSearch"
    tree = ast.parse((ROOT / "scripts" / "own_agent.py").read_text())
    lines = [node.end_lineno - node.lineno + 1 for node in tree.body if hasattr(node, "bases")]
    assert sum(lines) <= 40
