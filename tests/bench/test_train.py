"""The learners' benchmark, one round: figures belong together."""

from __future__ import annotations

import json

import pytest

pytest.importorskip("stable_baselines3")

from hftgym.bench import train


def test_it_measures_ours_and_theirs_on_one_task(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, small in {"ENVIRONMENTS": 16, "HORIZON": 16, "MINIBATCH": 64, "EPOCHS": 1}.items():
        monkeypatch.setattr(train, name, small)
    monkeypatch.setattr(train, "_FEW", 2)
    monkeypatch.setattr(train, "WORKER_STEPS", 640)
    lines: list[str] = []
    result = train.bench_train(say=lines.append, rounds=1)
    assert lines
    defaults = result["fast_ppo"]["samples_per_s"] / result["sb3_defaults"]["samples_per_s"]
    assert result["per_sb3_defaults"] == pytest.approx(defaults, rel=0.01)
    low, high = result["per_sb3_same_batch_quartiles"]
    assert 0.0 < low <= result["per_sb3_same_batch"] <= high
    for name in ("fast_ppo", "sb3_defaults", "sb3_same_batch"):
        assert 0.0 < result[name]["environment_share"] < 1.0
    workers = result["a3c_workers"]
    assert set(workers["samples_per_s"]) == {"1", "2"}
    assert min(workers["samples_per_s"].values()) > 0
    assert workers["gain_quartiles"][0] <= workers["gain"] <= workers["gain_quartiles"][1]
    assert json.loads(json.dumps(result)) == result
