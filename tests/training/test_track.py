"""External trackers: what they are handed, and that they can not hurt a run."""

from __future__ import annotations

import sys
import types
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

import pytest
import yaml

pytest.importorskip("stable_baselines3")

from hftgym.errors import UsageError
from hftgym.tensorboard.writer import read_metrics
from hftgym.training.track import check_tracker, open_tracker
from hftgym.training.train import train_from_config
from tests import fake_market
from tests.training.small_run import SMALL_RUN

CONFIG: dict[str, Any] = {
    "name": "tracked",
    "env_id": fake_market.ENV_ID,
    "environment": {"horizon_s": 5.0},
    "steps": 256,
    "params": {"n_envs": 8, "n_steps": 16, "batch_size": 64, "n_epochs": 1, "hidden": [8]},
    "evaluation": SMALL_RUN["evaluation"],
    "tuning": SMALL_RUN["tuning"],
}
NAME = f"{__name__}:Notes"


class Notes:
    """A tracker that keeps what it is told; fails when asked to."""

    made: ClassVar[list[Notes]] = []
    fails = False

    def __init__(self, run: Path, config: Mapping[str, Any]) -> None:
        self.run, self.config = run, config
        self.rows: list[tuple[int, dict[str, float]]] = []
        self.closed = False
        Notes.made.append(self)

    def scalars(self, values: Mapping[str, float], step: int) -> None:
        if Notes.fails:
            raise ConnectionError("no route")
        self.rows.append((step, dict(values)))

    def close(self) -> None:
        self.closed = True


@pytest.fixture
def notes(monkeypatch: pytest.MonkeyPatch) -> list[Notes]:
    monkeypatch.setattr(Notes, "made", [])
    monkeypatch.setitem(sys.modules, __name__, sys.modules[Notes.__module__])
    return Notes.made


def run(tmp_path: Path, track: str | None) -> Path:
    fake_market.register()
    path = tmp_path / "config.yaml"
    path.write_text(yaml.safe_dump(CONFIG))
    result = train_from_config(path, root=tmp_path, track=track, quiet=True, report=False)
    return Path(result.runs[0])


def test_a_tracker_of_ones_own_is_told_every_scalar(tmp_path: Path, notes: list[Notes]) -> None:
    folder = run(tmp_path, NAME)
    (one,) = notes
    assert one.run == folder and one.config["steps"] == 256 and one.closed
    told: dict[tuple[int, str], float] = {}
    for step, values in one.rows:
        told |= {(step, tag): value for tag, value in values.items()}
    kept = {
        (row["step"], tag): value
        for row in read_metrics(folder / "metrics.jsonl")
        for tag, value in row.items()
        if tag not in ("step", "wall_s") and value is not None
    }
    assert told == kept and len(kept) > 20


def test_a_tracker_that_fails_is_reported_once_and_ends_nothing(
    tmp_path: Path,
    notes: list[Notes],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(Notes, "fails", True)
    folder = run(tmp_path, NAME)
    assert (folder / "evaluation.json").is_file()
    assert sum("ConnectionError: no route" in r.getMessage() for r in caplog.records) == 1


def test_wandb_and_mlflow_are_called_as_they_document(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[Any] = []

    def record(name: str, result: Any = None) -> Any:
        return lambda *a, **k: calls.append((name, a, k)) or result

    inner = types.SimpleNamespace(log=record("log"), finish=record("finish"))
    wandb: Any = types.ModuleType("wandb")
    wandb.init = record("init", inner)
    mlflow: Any = types.ModuleType("mlflow")
    for name in ("set_experiment", "start_run", "log_params", "log_metrics", "end_run"):
        setattr(mlflow, name, record(name))
    monkeypatch.setitem(sys.modules, "wandb", wandb)
    monkeypatch.setitem(sys.modules, "mlflow", mlflow)
    config = {"steps": 3, "params": {"gamma": 0.9}}
    for name in ("wandb", "mlflow"):
        check_tracker(name)
        tracker = open_tracker(name, tmp_path / "a-run", config)
        tracker.scalars({"pnl/total": 1.5}, 7)
        tracker.close()
    assert [name for name, _, _ in calls] == [
        *("init", "log", "finish"),
        *("set_experiment", "start_run", "log_params", "log_metrics", "end_run"),
    ]
    assert calls[0][2]["name"] == "a-run" and calls[0][2]["config"] == config
    assert calls[1][1:] == (({"pnl/total": 1.5},), {"step": 7})
    assert calls[5][1] == ({"steps": "3", "params.gamma": "0.9"},)
    assert calls[6][1:] == (({"pnl/total": 1.5},), {"step": 7})


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("wandbb", "did you mean 'wandb'"),
        ("nothing", "there are wandb, mlflow, and module:attribute"),
        ("mlflow", "not installed; pip install mlflow"),
        (f"{__name__}:Note", "did you mean 'Notes'"),
    ],
)
def test_what_is_not_there_is_said_before_the_run_begins(
    tmp_path: Path, name: str, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "mlflow", None)
    with pytest.raises(UsageError, match=words):
        run(tmp_path, name)
    assert not list(tmp_path.glob("2*"))
