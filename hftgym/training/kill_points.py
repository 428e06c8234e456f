"""Kills training runs at random moments, goes on with them, and compares the end.

A run is a process of its own and is killed as a machine that loses its power would (SIGKILL), also
in the middle of writing a checkpoint. What went on must end with the weights of a run that nobody
killed, byte for byte.
"""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from hftgym.errors import InternalError
from hftgym.training.atomic import read_folder
from hftgym.training.catalogue import PACKAGE
from hftgym.training.runs import RunFolder

_PATIENCE_S = 300.0
_STEPS = 10_240

#: A small run that saves often: 80 rollouts, 20 checkpoints.
CONFIG: dict[str, Any] = {
    "agent": "agents.fast_ppo:FastPPO",
    "name": "killed",
    "environment": {"horizon_s": 5.0},
    "arguments": {"snapshots": 2},
    "steps": _STEPS,
    "params": {"n_envs": 8, "horizon": 16, "minibatch": 64, "epochs": 2, "hidden": [8]},
    "evaluation": {
        "validations": 20,
        "validation_markets": 2,
        "test_markets": 2,
        "resamples": 100,
        "stochastic": False,
        "baselines": ["agents.do_nothing:DoNothing"],
    },
    "tuning": {"trials": 1, "markets": 2},
}


@dataclass(frozen=True)
class KillReport:
    """What killing came to.

    Attributes:
        seed: Of the moments.
        killed_at: Newest checkpoint of each run when it was killed, environment steps; 0: none.
        different: Numbers of the runs that did not end as the whole one.
    """

    seed: int
    killed_at: tuple[int, ...]
    different: tuple[int, ...]

    @property
    def ok(self) -> bool:
        """Whether every run has ended as the one that nobody killed."""
        return not self.different

    def to_dict(self) -> dict[str, Any]:
        """Return plain figures for JSON."""
        return asdict(self) | {"ok": self.ok}

    def __str__(self) -> str:
        """Return a line for people."""
        verdict = "all ended with the same weights"
        if not self.ok:
            verdict = f"runs {', '.join(map(str, self.different))} ended with other weights"
        return (
            f"resume: {len(self.killed_at)} runs killed between steps {min(self.killed_at):,} and "
            f"{max(self.killed_at):,} of {_STEPS:,}; {verdict} (seed {self.seed})"
        )


def kill_points(
    points: int, seed: int = 0, progress: Callable[[int], None] = lambda done: None
) -> KillReport:
    """Kill runs at random moments, resume each, and compare it with a whole run.

    Args:
        points: How many.
        seed: Of the moments.
        progress: Called with the number of runs that have just been compared.

    Raises:
        InternalError: A run fails by itself.
    """
    from hftgym.training.resume import load_state
    from hftgym.training.train import resume_training, train_from_config

    rng = np.random.default_rng(seed)
    killed_at: list[int] = []
    different: list[int] = []
    with tempfile.TemporaryDirectory(prefix="hftgym-kill-") as place:
        root = Path(place)
        config = root / "config.yaml"
        config.write_text(yaml.safe_dump(CONFIG))
        began = time.monotonic()
        whole = train_from_config(config, root=root / "whole", quiet=True, report=False).runs[0]
        longest_s = time.monotonic() - began
        wanted = _weights(whole)
        for number in range(points):
            folder = root / f"run-{number}"
            run = _killed(config, folder, float(rng.uniform(0.0, longest_s)))
            steps = [int(path.name[5:]) for path in (run / "checkpoints").glob("step-*")]
            killed_at.append(max(steps))
            assert load_state(RunFolder.open(run))[1]["done"] <= max(steps)
            resume_training(run, quiet=True, report=False)
            if _weights(run) != wanted:
                different.append(number)
            progress(1)
    return KillReport(seed, tuple(killed_at), tuple(different))


def _killed(config: Path, root: Path, after_s: float) -> Path:
    """Start a run, kill it so many seconds after its first checkpoint, and return its folder."""
    command = [sys.executable, "-m", "hftgym", "train", str(config), "--json"]
    while True:
        root.mkdir()
        with subprocess.Popen(
            [*command, "--name", "killed"],
            cwd=root,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            env=_environment(),
        ) as process:
            run = _first_checkpoint(process, root)
            time.sleep(after_s)
            if process.poll() is None:
                process.kill()
                process.wait()
                return run
        # It had ended before: sooner, with a folder of its own.
        after_s *= 0.5
        root = root.with_name(f"{root.name}-again")


def _environment() -> dict[str, str]:
    """Return this process's environment, in which agents are found where they are found here."""
    found = importlib.util.find_spec(PACKAGE)
    home = [str(Path(found.origin).resolve().parents[1])] if found and found.origin else []
    paths = [*home, *os.environ.get("PYTHONPATH", "").split(os.pathsep)]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(p for p in paths if p)}


def _first_checkpoint(process: subprocess.Popen[bytes], root: Path) -> Path:
    """Wait for the first checkpoint of a run; return its folder.

    Raises:
        InternalError: The run has ended, or there is none for minutes.
    """
    until = time.monotonic() + _PATIENCE_S
    while time.monotonic() < until:
        found = sorted(root.glob("runs/*/checkpoints/step-*/manifest.json"))
        if found:
            return found[0].parents[2]
        if process.poll() is not None:
            break
        time.sleep(0.002)
    said = b"" if process.stderr is None or process.poll() is None else process.stderr.read()
    process.kill()
    last = said.decode(errors="replace").strip().rpartition("\n")[2]
    raise InternalError("HG-I053", f"a run to be killed came to no checkpoint: {last or 'silent'}")


def _weights(run: Path) -> bytes:
    """Return the weights of a run's last checkpoint."""
    return read_folder(RunFolder.open(run).checkpoint("latest"))["weights.npz"]
