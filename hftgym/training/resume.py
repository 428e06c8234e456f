"""The state of a run that goes on later: in each checkpoint, as arrays and plain figures.

Beside its policy, a checkpoint of a learner that can be resumed has ``state.json`` and
``state.safetensors``: weights, optimiser, random states, the markets as they stand, counters. A run
that was resumed then equals one that was never stopped, bit for bit, on the same type of machine
and with the same versions; so other versions, another scenario or other data are refused.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from hftgym.errors import ConfigError, DataError, NoInputError
from hftgym.tensorboard.writer import read_metrics, signed_line
from hftgym.training.atomic import read_folder, write_bytes
from hftgym.training.runs import RunFolder, versions

logger = logging.getLogger(__name__)

FORMAT = 4  # of environments and learners too: one that is laid out anew raises it
_PLAIN, _ARRAYS = "state.json", "state.safetensors"

Arrays = dict[str, npt.NDArray[Any]]
State = tuple[Arrays, dict[str, Any]]


def state_files(
    arrays: Mapping[str, npt.NDArray[Any]], plain: Mapping[str, Any]
) -> dict[str, bytes]:
    """Return the files of a state, for a checkpoint.

    Args:
        arrays: Plain arrays by name; records are kept as their bytes.
        plain: What JSON can say.
    """
    from safetensors.numpy import save

    raw = {name: np.ascontiguousarray(array) for name, array in arrays.items()}
    raw = {k: v.reshape(-1).view(np.uint8) if v.dtype.names else v for k, v in raw.items()}
    text = json.dumps({"format": FORMAT, **plain}, sort_keys=True)
    return {_PLAIN: text.encode(), _ARRAYS: save(raw)}


def load_state(run: RunFolder) -> State:
    """Return arrays and figures of the newest checkpoint that is whole.

    Raises:
        NoInputError: No checkpoint of the run has a state.
        DataError: None of those that have one is whole.
    """
    damaged: DataError | None = None
    for folder in sorted(run.checkpoints.glob("step-*"), reverse=True):
        if not (folder / _PLAIN).exists():
            continue
        try:
            return read_state(folder)
        except DataError as error:
            logger.warning("%s: %s; the one before it counts", folder, error)
            damaged = error
    if damaged is not None:
        raise damaged
    raise NoInputError("HG-N053", f"{run.path}: no checkpoint holds a state to go on from")


def read_state(folder: Path) -> State:
    """Return arrays and figures of one folder with the files of `state_files`.

    Raises:
        DataError: It is damaged, or holds something else.
    """
    return _read(read_folder(folder), str(folder))


def _read(files: Mapping[str, bytes], where: str) -> State:
    from safetensors import SafetensorError
    from safetensors.numpy import load

    try:
        plain = json.loads(files[_PLAIN])
        if plain.pop("format") != FORMAT:
            raise DataError("HG-D072", f"{where}: a state of another format than {FORMAT}")
        arrays = load(files[_ARRAYS])
    except (KeyError, ValueError, TypeError, AttributeError, SafetensorError) as error:
        if isinstance(error, DataError):
            raise
        raise DataError("HG-D073", f"{where}: no state: {error}") from None
    return arrays, plain


def check_same(run: RunFolder, hashes: Mapping[str, str | None]) -> None:
    """Raise when a run was made with other versions, another scenario or other data.

    Args:
        run: The run.
        hashes: Those of configuration, scenario and data as they are now.

    Raises:
        ConfigError: It names every difference.
    """
    try:
        then = json.loads((run.path / "versions.json").read_bytes())
        old = dict(then["packages"]) | {"python": then["python"], "machine": then["machine"]}
        old |= {f"hash of the {name}": value for name, value in then["hashes"].items()}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DataError("HG-D074", f"{run.path / 'versions.json'}: not readable: {error}") from None
    current = versions()
    new = dict(current["packages"]) | {"python": current["python"], "machine": current["machine"]}
    new |= {f"hash of the {name}": value for name, value in hashes.items()}
    different = [
        f"{name} {_short(old.get(name))} then, {_short(new.get(name))} now"
        for name in sorted(old.keys() | new.keys())
        if old.get(name) != new.get(name)
    ]
    if different:
        raise ConfigError("HG-C072", f"{run.path}: not resumed: {'; '.join(different)}")


def trim_metrics(run: RunFolder, step: int) -> None:
    """Cut what the metrics file says of later steps, and a torn last line."""
    if run.metrics.exists():
        rows = [row for row in read_metrics(run.metrics) if row["step"] <= step]
        write_bytes(run.metrics, "".join(signed_line(row) for row in rows).encode())


def _short(value: Any) -> str:
    return "none" if value is None else str(value)[:12]


def environment_state(venv: Any) -> State:
    """Return everything that the future of a vector environment depends on."""
    kept = venv.unwrapped.snapshot()
    arrays = {f"env.{i}": array for i, array in enumerate(kept.arrays)}
    arrays |= {f"env.{name}": v for name, v in kept.extra.items() if isinstance(v, np.ndarray)}
    plain = {name: v for name, v in kept.extra.items() if not isinstance(v, np.ndarray)}
    return arrays, plain


def restore_environment(venv: Any, arrays: Arrays, plain: Mapping[str, Any]) -> None:
    """Bring an environment made with the same arguments to a state of `environment_state`."""
    now = venv.unwrapped.snapshot()
    found = tuple(_like(array, arrays[f"env.{i}"]) for i, array in enumerate(now.arrays))
    extra = {
        name: _like(v, arrays[f"env.{name}"]) if isinstance(v, np.ndarray) else plain[name]
        for name, v in now.extra.items()
    }
    venv.unwrapped.restore(replace(now, arrays=found, extra=extra))


def _like(array: npt.NDArray[Any], kept: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Return a kept array in the type and shape of another one.

    Raises:
        DataError: Its size is another one.
    """
    if kept.nbytes != array.nbytes:
        raise DataError("HG-D075", f"a state of {kept.nbytes} bytes where {array.nbytes} belong")
    return np.frombuffer(kept.tobytes(), array.dtype).reshape(array.shape).copy()
