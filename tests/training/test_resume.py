"""A run that was stopped or killed goes on as if nothing had happened; what differs is refused."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

pytest.importorskip("torch")

from hftgym.cli import main
from hftgym.errors import ConfigError, DataError, NoInputError, UsageError
from hftgym.tensorboard.writer import read_metrics
from hftgym.training.evaluate import EvaluationResult
from hftgym.training.interrupt import StopRequest
from hftgym.training.resume import load_state
from hftgym.training.runs import RunFolder
from hftgym.training.session import TrainSession
from hftgym.training.train import resume_training, train_from_config
from tests.envs.making import fields, vector

ITERATIONS = 12
CONFIG: dict[str, Any] = {
    "agent": "agents.fast_ppo:FastPPO",
    "name": "resumed",
    "environment": {"horizon_s": 5.0},
    "arguments": {"snapshots": 2},
    "seeds": [3],
    "steps": ITERATIONS * 128,
    "params": {
        "n_envs": 8,
        "horizon": 16,
        "minibatch": 64,
        "epochs": 2,
        "hidden": [8],
        "normalize_observations": True,
    },
    "evaluation": {
        "validations": 4,
        "validation_markets": 4,
        "test_markets": 4,
        "resamples": 100,
        "stochastic": False,
        "baselines": ["agents.do_nothing:DoNothing"],
    },
    "tuning": {"trials": 1, "markets": 2},
}
QUIET: dict[str, Any] = {"quiet": True, "report": False}


#: The records of an environment's state; bytes between their fields are anything.
RECORDS = {
    f"env.{i}": array.dtype
    for i, array in enumerate(vector(1).snapshot().arrays)
    if array.dtype.names
}


class Killed(BaseException):
    """What stands for a kill: nothing is saved on the way out."""


A2C: dict[str, Any] = {
    "agent": "agents.a2c:A2C",
    "name": "stepwise",
    "params": {"n_envs": 8, "t_max": 4, "hidden": [8], "report_updates": 3, "final_std": 0.2},
}
SAC: dict[str, Any] = {
    "agent": "agents.sac:SAC",
    "name": "replayed",
    "params": {
        "n_envs": 8,
        "batch_size": 32,
        "gradient_steps": 2,
        "buffer_size": 1_000,  # less than a run: it wraps
        "learning_starts": 100,
        "exploration_noise": 0.2,
        "normalize_observations": True,
        "average": 2.0,
        "hidden": [8],
        "scale_steps": 20,
        "report_steps": 96,
    },
}
A3C: dict[str, Any] = {
    "agent": "agents.a3c:A3C",
    "name": "asynchronous",
    "params": A2C["params"] | {"workers": 1},
}


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("resume") / "resumed.yaml"
    path.write_text(yaml.safe_dump(CONFIG))
    return path


@pytest.fixture(scope="module")
def whole(config: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Run folder of the run that nobody interrupts."""
    result = train_from_config(config, root=tmp_path_factory.mktemp("whole"), **QUIET)
    return result.runs[0]


def interrupted(
    config: Path, root: Path, at: int, patch: pytest.MonkeyPatch, *, kill: bool
) -> Path:
    """Return the folder of a run that was killed or asked to stop after so many iterations."""
    from agents.fast_ppo import Trainer

    count = 0
    iterate = Trainer.iterate
    requests: list[StopRequest] = []

    def noted(self: StopRequest) -> StopRequest:
        requests.append(self)
        return self

    def counted(self: Trainer) -> Any:
        nonlocal count
        if count == at:
            if kill:
                raise Killed
            requests[-1].requested = True
        count += 1
        return iterate(self)

    with patch.context() as inner:
        inner.setattr(Trainer, "iterate", counted)
        inner.setattr(StopRequest, "__enter__", noted)
        with pytest.raises((Killed, KeyboardInterrupt)):
            train_from_config(config, root=root, **QUIET)
    (run,) = root.iterdir()
    return run


def scalars(run: Path) -> list[dict[str, Any]]:
    """Everything that was written, but times and what a stop has added."""
    rows = list(read_metrics(run / "metrics.jsonl"))
    return [
        {k: v for k, v in row.items() if not k.startswith(("time/", "wall_s", "eval/"))}
        for row in rows
        if any(tag.startswith("train/") for tag in row)
    ]


# Checkpoints are due after every third iteration.
KILLS = sorted(np.random.default_rng(0).choice(np.arange(3, ITERATIONS), 5, False).tolist())


@pytest.mark.parametrize("at", KILLS)
def test_a_killed_run_goes_on_from_its_checkpoint(
    at: int, config: Path, whole: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = interrupted(config, tmp_path, at, monkeypatch, kill=True)
    result = resume_training(run, **QUIET)
    check_equal(run, whole)
    mine, theirs = (folder / "checkpoints" / "best.json" for folder in (run, whole))
    assert mine.read_bytes() == theirs.read_bytes()
    assert isinstance(result, EvaluationResult)
    rows = [json.loads((f / "evaluation.json").read_bytes())["rows"] for f in (run, whole)]
    assert rows[0] == rows[1]


def check_equal(run: Path, whole: Path) -> None:
    """Assert that two runs have ended in one state, down to every market and random number."""
    last = f"step-{CONFIG['steps']:012d}"
    for name in ("weights.npz", "normalizer.npz"):
        mine, theirs = (folder / "checkpoints" / last / name for folder in (run, whole))
        assert mine.read_bytes() == theirs.read_bytes(), name
    (mine_arrays, mine_plain), (arrays, plain) = (
        load_state(RunFolder.open(folder)) for folder in (run, whole)
    )
    for one in (mine_plain, plain):
        del one["env"]["generator"]  # draws seeds where none are given: never here
    assert mine_plain == plain
    assert set(mine_arrays) == set(arrays) and len(arrays) > 25
    for name, array in arrays.items():
        if name not in RECORDS:
            np.testing.assert_array_equal(mine_arrays[name], array, err_msg=name)
            continue
        for one, other in zip(
            mine_arrays[name].view(RECORDS[name]), array.view(RECORDS[name]), strict=True
        ):
            np.testing.assert_equal(fields(one), fields(other), err_msg=name)
    assert scalars(run) == scalars(whole)


def test_a_run_that_was_killed_while_it_was_judged_is_judged(
    config: Path, whole: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    judge, count = TrainSession.judge, 0

    def counted(self: TrainSession, policy: Any, step: int) -> float:
        nonlocal count
        count += 1
        if count == 2:
            raise Killed
        return judge(self, policy, step)

    with monkeypatch.context() as inner:
        inner.setattr(TrainSession, "judge", counted)
        with pytest.raises(Killed):
            train_from_config(config, root=tmp_path, **QUIET)
    (run,) = tmp_path.iterdir()
    resume_training(run, **QUIET)
    check_equal(run, whole)
    found = [
        [row for row in read_metrics(folder / "metrics.jsonl") if "eval/objective" in row]
        for folder in (run, whole)
    ]
    for row in (*found[0], *found[1]):
        del row["wall_s"]
    assert found[0] == found[1] and len(found[0]) == 4


@pytest.mark.parametrize("at", [1, 7])
def test_a_stopped_run_has_saved_and_goes_on(
    at: int, config: Path, whole: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = interrupted(config, tmp_path, at, monkeypatch, kill=False)
    stopped = f"step-{(at + 1) * 128:012d}"
    assert (run / "checkpoints" / stopped / "state.json").is_file()
    resume_training(run, **QUIET)
    check_equal(run, whole)


def weights(run: Path) -> bytes:
    """Weights of the last checkpoint of a whole run."""
    last = f"step-{CONFIG['steps']:012d}"
    return (run / "checkpoints" / last / "weights.npz").read_bytes()


@pytest.mark.parametrize("changes", [A2C, A3C, SAC], ids=["A2C", "A3C", "SAC"])
@pytest.mark.parametrize("kill", [True, False], ids=["killed", "stopped"])
def test_other_learners_go_on_too(
    changes: dict[str, Any], kill: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Interrupted as its third checkpoint is judged: killed in it, or stopped after it."""
    path = tmp_path / "config.yaml"
    path.write_text(yaml.safe_dump(CONFIG | changes))
    whole = train_from_config(path, root=tmp_path / "whole", **QUIET).runs[0]
    judge, count = TrainSession.judge, 0

    def counted(self: TrainSession, policy: Any, step: int) -> float:
        nonlocal count
        count += 1
        if count == 3:
            if kill:
                raise Killed
            self.stop.requested = True
        return judge(self, policy, step)

    with monkeypatch.context() as inner:
        inner.setattr(TrainSession, "judge", counted)
        with pytest.raises((Killed, KeyboardInterrupt)):
            train_from_config(path, root=tmp_path / "stopped", **QUIET)
    (run,) = (tmp_path / "stopped").iterdir()
    assert not (run / "checkpoints" / f"step-{CONFIG['steps']:012d}").exists()
    resume_training(run, **QUIET)
    assert weights(run) == weights(whole)
    if kill:  # a stop writes the figures since the last line
        assert scalars(run) == scalars(whole)
    (mine, mine_plain), (theirs, plain) = (load_state(RunFolder.open(r)) for r in (run, whole))
    for name in sorted(theirs.keys() - RECORDS.keys()):
        if not name.partition(".")[2].startswith("env."):  # records of a worker's markets
            assert mine[name].tobytes() == theirs[name].tobytes(), name
    assert (mine_plain["done"], mine_plain["updates"]) == (plain["done"], plain["updates"])


def test_several_workers_go_on_from_one_moment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    changes = A3C | {"params": A3C["params"] | {"workers": 2}}
    path = tmp_path / "config.yaml"
    path.write_text(yaml.safe_dump(CONFIG | changes))
    judge = TrainSession.judge

    def stopping(self: TrainSession, policy: Any, step: int) -> float:
        self.stop.requested = True
        return judge(self, policy, step)

    with monkeypatch.context() as inner:
        inner.setattr(TrainSession, "judge", stopping)
        with pytest.raises(KeyboardInterrupt):
            train_from_config(path, root=tmp_path / "runs", **QUIET)
    (run,) = (tmp_path / "runs").iterdir()
    arrays, plain = load_state(RunFolder.open(run))
    assert len(plain["workers"]) == 2 and plain["updates"] * 32 == plain["done"]
    assert arrays["0.obs"].tobytes() != arrays["1.obs"].tobytes()
    resume_training(run, **QUIET)
    _, after = load_state(RunFolder.open(run))
    assert after["done"] >= CONFIG["steps"] and after["updates"] * 32 == after["done"]


def test_the_newest_checkpoints_and_the_best_stay(whole: Path) -> None:
    steps = [int(path.name[5:]) for path in sorted((whole / "checkpoints").glob("step-*"))]
    best = json.loads((whole / "checkpoints" / "best.json").read_bytes())["step"]
    assert set(steps) == {768, 1_152, 1_536} | {best}


def test_a_damaged_checkpoint_is_passed_over(
    config: Path, whole: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = interrupted(config, tmp_path, 8, monkeypatch, kill=True)
    newest = sorted((run / "checkpoints").glob("step-*"))[-1]
    data = bytearray((newest / "state.safetensors").read_bytes())
    data[len(data) // 2] ^= 1
    (newest / "state.safetensors").write_bytes(data)
    _, plain = load_state(RunFolder.open(run))
    assert plain["done"] == int(newest.name[5:]) - 384
    resume_training(run, **QUIET)
    last = f"step-{CONFIG['steps']:012d}"
    mine, theirs = (f / "checkpoints" / last / "weights.npz" for f in (run, whole))
    assert mine.read_bytes() == theirs.read_bytes()

    for folder in (run / "checkpoints").glob("step-*"):
        (folder / "state.json").write_text("{}")
    with pytest.raises(DataError, match="SHA-256 differs"):
        resume_training(run, **QUIET)
    for folder in (run / "checkpoints").glob("step-*"):
        os.remove(folder / "state.json")
    with pytest.raises(NoInputError, match="no checkpoint holds a state"):
        resume_training(run, **QUIET)


def test_what_has_changed_is_listed_and_refused(
    config: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = interrupted(config, tmp_path, 5, monkeypatch, kill=True)
    path = run / "versions.json"
    kept = json.loads(path.read_bytes())
    kept["packages"]["numpy"] = "1.2.3"
    kept["hashes"]["scenario"] = "another"
    path.write_text(json.dumps(kept))
    with pytest.raises(ConfigError, match=r"scenario another then, .*numpy 1\.2\.3 then"):
        resume_training(run, **QUIET)
    text = (run / "config.yaml").read_text()
    (run / "config.yaml").write_text(text.replace("hidden:\n  - 8", "hidden:\n  - 9"))
    with pytest.raises(ConfigError, match="hash of the config"):
        resume_training(run, **QUIET)
    (run / "config.yaml").write_text(text.replace("agents.fast_ppo:FastPPO", "agents.ppo:PPO"))
    with pytest.raises((UsageError, ConfigError), match=r"agents\.ppo:PPO"):
        resume_training(run, **QUIET)


def test_the_command_says_what_goes_together(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["train"]) == 2
    assert "name a configuration, or a run folder with --resume" in capsys.readouterr().err
    assert main(["train", "--resume", str(tmp_path), "--seed", "1"]) == 2
    assert "leave the others out" in capsys.readouterr().err
    assert main(["train", "--resume", str(tmp_path)]) == 66
    assert "no run folder" in capsys.readouterr().err
