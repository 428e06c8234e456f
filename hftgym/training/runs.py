"""Run folders: ``runs/<date>-<name>-<seed>/``, append-only, one run each.

::

    config.yaml       the resolved configuration
    versions.json     packages, Python, machine, commit, hashes of config, scenario and data
    seeds.json        training seed and roots of the market seeds
    metrics.jsonl     every scalar, one line a write
    tb/               TensorBoard event files
    checkpoints/      step-.../ with weights, config and manifest; best.json, latest.json
    evaluation.json   figures of the final evaluation
"""

from __future__ import annotations

import contextlib
import datetime
import importlib.metadata
import json
import math
import os
import platform
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from hftgym.errors import NoInputError, OutputError, UsageError
from hftgym.names import check_name
from hftgym.training.atomic import write_bytes, write_folder, write_json

PACKAGES = ("hftgym", "numpy", "numba", "gymnasium", "torch", "stable-baselines3", "tensorboard")
_MAX_SUFFIX = 1000


@dataclass(frozen=True)
class RunFolder:
    """Folder of one run.

    Attributes:
        path: Absolute path of the folder.
    """

    path: Path

    @classmethod
    def create(
        cls,
        name: str,
        seed: int,
        root: str | Path = "runs",
        *,
        today: datetime.date | None = None,
    ) -> RunFolder:
        """Make a new folder; a number is appended when one of that name exists.

        Args:
            name: Name of the run: letters, digits, ``. _ -``, at most 64.
            seed: Training seed.
            root: Folder of all runs.
            today: Date in the name; the current one when not given.

        Raises:
            UsageError: The name has a path in it, or the root is a symbolic link.
            OutputError: The folder can not be made.
        """
        path = new_folder(name, seed, root, today=today)
        try:
            (path / "tb").mkdir()
            (path / "checkpoints").mkdir()
        except OSError as error:
            raise OutputError("HG-O012", f"{path}: no run folder: {error.strerror}") from error
        return cls(path)

    @classmethod
    def open(cls, path: str | Path) -> RunFolder:
        """Open an existing run folder.

        Raises:
            NoInputError: It is not a run folder.
            UsageError: It is a symbolic link.
        """
        folder = Path(path)
        if folder.is_symlink():
            raise UsageError("HG-U080", f"{folder}: is a symbolic link; name the run folder itself")
        if not (folder / "config.yaml").is_file():
            raise NoInputError("HG-N080", f"{folder}: no run folder (it has no config.yaml)")
        return cls(folder.resolve())

    @property
    def tensorboard(self) -> Path:
        """Folder of the event files."""
        return self.path / "tb"

    @property
    def metrics(self) -> Path:
        """File of all scalars."""
        return self.path / "metrics.jsonl"

    @property
    def checkpoints(self) -> Path:
        """Folder of the checkpoints."""
        return self.path / "checkpoints"

    def write_config(self, config: Mapping[str, Any], comment: str = "") -> None:
        """Write the resolved configuration as ``config.yaml``."""
        head = "".join(f"# {line}\n" for line in comment.splitlines())
        text = yaml.safe_dump(json.loads(json.dumps(dict(config))), sort_keys=False)
        write_bytes(self.path / "config.yaml", (head + text).encode())

    def write_versions(self, hashes: Mapping[str, str | None]) -> None:
        """Write ``versions.json``: packages, machine, commit and the given hashes."""
        write_json(self.path / "versions.json", versions() | {"hashes": dict(hashes)})

    def write_seeds(self, seeds: Mapping[str, Any]) -> None:
        """Write ``seeds.json``."""
        write_json(self.path / "seeds.json", seeds)

    def save_checkpoint(self, step: int, files: Mapping[str, bytes]) -> Path:
        """Save a checkpoint and point ``latest.json`` to it.

        Args:
            step: Environment steps done.
            files: Bytes of each file by name.

        Returns:
            Folder of the checkpoint.
        """
        folder = self.checkpoints / f"step-{step:012d}"
        write_folder(folder, files)
        write_json(self.checkpoints / "latest.json", {"checkpoint": folder.name, "step": step})
        return folder

    def mark_best(self, step: int, objective: float) -> None:
        """Point ``best.json`` to the checkpoint of `step` (validation objective in ticks)."""
        value = {"checkpoint": f"step-{step:012d}", "step": step, "objective_tick": objective}
        write_json(self.checkpoints / "best.json", value)

    def best_objective(self) -> float:
        """Return the objective of the best checkpoint; minus infinity when there is none."""
        path = self.checkpoints / "best.json"
        return (
            float(json.loads(path.read_bytes())["objective_tick"]) if path.is_file() else -math.inf
        )

    def tuned(self, name: str) -> dict[str, Any] | None:
        """Return what a baseline was tuned to when the run was evaluated; None when it was not."""
        try:
            found: dict[str, Any] = json.loads((self.path / "evaluation.json").read_bytes())
            return dict(found["tuning"][name]["params"])
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def prune(self, keep: int) -> None:
        """Delete all checkpoints but the newest ones and the best.

        Args:
            keep: How many of the newest stay.
        """
        best = self.checkpoints / "best.json"
        spared = {json.loads(best.read_bytes())["checkpoint"]} if best.is_file() else set()
        for folder in sorted(self.checkpoints.glob("step-*"), reverse=True)[keep:]:
            if folder.name not in spared and not folder.is_symlink():
                shutil.rmtree(folder)

    def checkpoint(self, which: str = "best") -> Path:
        """Return the folder of a checkpoint.

        Args:
            which: ``best``, ``latest`` or the name of a checkpoint folder. ``best`` falls back to
                ``latest`` when no validation has taken place.

        Raises:
            NoInputError: There is no such checkpoint.
        """
        names = ("best", "latest") if which == "best" else (which,)
        for name in names:
            pointer = self.checkpoints / f"{name}.json"
            if pointer.is_file():
                name = str(json.loads(pointer.read_bytes())["checkpoint"])
            check_name(name, "checkpoint")
            folder = self.checkpoints / name
            if folder.is_dir() and not folder.is_symlink():
                return folder
        raise NoInputError("HG-N051", f"{self.checkpoints}: no checkpoint {which!r}")


def new_folder(
    name: str, seed: int, root: str | Path = "runs", *, today: datetime.date | None = None
) -> Path:
    """Make an empty folder ``<root>/<date>-<name>-<seed>``; a number is appended when it exists.

    Args:
        name: Name of the run: letters, digits, ``. _ -``, at most 64.
        seed: Seed of the run.
        root: Folder of all runs.
        today: Date in the name; the current one when not given.

    Returns:
        Absolute path of the folder.

    Raises:
        UsageError: The name has a path in it, or the root is a symbolic link.
        OutputError: The folder can not be made.
    """
    check_name(name, "run name")
    base = Path(root)
    if base.is_symlink():
        raise UsageError("HG-U080", f"{base}: is a symbolic link; name a real folder for runs")
    stem = f"{today or datetime.date.today():%Y-%m-%d}-{name}-{int(seed)}"
    try:
        base.mkdir(parents=True, exist_ok=True)
        resolved = base.resolve(strict=True)
        for attempt in range(1, _MAX_SUFFIX):
            path = resolved / (stem if attempt == 1 else f"{stem}-{attempt}")
            if path.parent != resolved:
                raise UsageError("HG-U081", f"run name {name!r} leaves the folder {base}")
            with contextlib.suppress(FileExistsError):
                path.mkdir()
                return path
    except OSError as error:
        raise OutputError("HG-O012", f"{base}: no run folder: {error.strerror}") from error
    raise OutputError("HG-O013", f"{base}: {_MAX_SUFFIX} runs called {stem}; use another name")


def versions() -> dict[str, Any]:
    """Return versions of the packages, Python, system, processor, commit and threads."""
    packages: dict[str, str | None] = {}
    for name in PACKAGES:
        try:
            packages[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            packages[name] = None
    return {
        "packages": packages,
        "python": platform.python_version(),
        "system": platform.system(),
        "machine": platform.machine(),
        "cpus": os.cpu_count(),
        "commit": _commit(),
    }


def _commit() -> str | None:
    """Return the commit of the checkout that holds this package, or None."""
    here = Path(__file__).resolve().parents[2]
    if not (here / ".git").exists():
        return None
    try:
        done = subprocess.run(
            ["git", "-C", str(here), "describe", "--always", "--dirty", "--abbrev=40"],
            capture_output=True,
            text=True,
            timeout=10,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip()
