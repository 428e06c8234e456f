"""Small networks evaluated with numpy: policies that need no torch, saved without pickle.

Networks run in double precision, so that an action does not depend on how many environments are
decided for at once.
"""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from agents.noise import NoiseState
from hftgym.errors import DataError
from hftgym.training.atomic import npz_bytes, read_folder, sha256
from hftgym.training.policy import ObsArray, UInt64Array
from hftgym.training.runs import RunFolder

FORMAT = 1
FloatArray = npt.NDArray[np.float64]
Layers = list[tuple[FloatArray, FloatArray]]  # weight (outputs, inputs) and bias (outputs,)
Weights = Mapping[str, npt.NDArray[Any]]


def checked(weights: Weights, name: str, shape: tuple[int, ...]) -> FloatArray:
    """Return an array in double precision.

    Raises:
        DataError: It has another shape, or a value that is not finite.
    """
    array = weights[name].astype(np.float64)
    if array.shape != shape or not np.isfinite(array).all():
        raise DataError(
            "HG-D067",
            f"weights {name!r}: shape {array.shape} or a value that is not finite; "
            f"expected {shape}, finite",
        )
    return array


def layers(weights: Weights, trunk: str, widths: Sequence[int], head: str, outputs: int) -> Layers:
    """Return a trunk of layers ``<trunk>.0``, ``<trunk>.2``, ..., and the head behind it.

    Args:
        weights: Arrays by name; between two layers of the trunk stands an activation.
        trunk: Name of the trunk.
        widths: Inputs, then the width of each layer of the trunk.
        head: Name of the last layer.
        outputs: Its width.
    """
    names = [f"{trunk}.{2 * i}" for i in range(len(widths) - 1)] + [head]
    sizes = [*widths, outputs]
    return [
        (
            checked(weights, f"{name}.weight", (sizes[i + 1], sizes[i])),
            checked(weights, f"{name}.bias", (sizes[i + 1],)),
        )
        for i, name in enumerate(names)
    ]


def forward(
    network: Layers, obs: ObsArray, activation: Callable[[FloatArray], Any] = np.tanh
) -> FloatArray:
    """Return the outputs of a network, shape (envs, outputs)."""
    x = np.asarray(obs, np.float64)
    for weight, bias in network[:-1]:
        x = activation(x @ weight.T + bias)
    weight, bias = network[-1]
    return np.asarray(x @ weight.T + bias)


def _read_arrays(data: bytes) -> dict[str, npt.NDArray[Any]]:
    """Return the arrays of an ``.npz`` file; nothing in it is run."""
    with np.load(io.BytesIO(data), allow_pickle=False) as file:
        return {key: file[key] for key in file.files}


def take_scale(weights: dict[str, npt.NDArray[Any]], layer: str, mean: Any, std: Any) -> None:
    """Let a layer whose first inputs were scaled, (x - mean) / std, take them as they are.

    Args:
        weights: Arrays by name; those of the layer are replaced.
        layer: Its name.
        mean: Of the first inputs, float64.
        std: Of the same; infinite where an input is not seen.
    """
    weight = weights[f"{layer}.weight"].astype(np.float64)
    seen = slice(0, len(mean))
    weight[:, seen] /= std
    bias = weights[f"{layer}.bias"] - weight[:, seen] @ mean
    weights[f"{layer}.weight"] = weight.astype(np.float32)
    weights[f"{layer}.bias"] = bias.astype(np.float32)


class NetworkPolicy:
    """What trained policies share: their arrays, how they are saved, checked and loaded.

    Files of a checkpoint: ``policy.json`` (shape of the network, hyper-parameters) and an ``.npz``
    file (arrays only) for each name of `array_files`, in the order of the constructor.

    Args:
        config: Contents of ``policy.json``.
        weights: Arrays of the network by name, as the learner calls them.
        name: Name in tables.
    """

    needs_truth = False
    array_files: tuple[str, ...] = ("weights",)

    def __init__(self, config: Mapping[str, Any], weights: Weights, name: str) -> None:
        self.name = name
        self.config = dict(config)
        self.weights = {key: np.asarray(weights[key]) for key in sorted(weights)}
        self.actions = int(self.config["actions"])
        self.widths = [int(self.config["observations"]), *(int(w) for w in self.config["hidden"])]

    def initial_state(self, market_seeds: UInt64Array) -> NoiseState:
        """Return the start of the draws of the stochastic policy on these markets."""
        return NoiseState.begin(market_seeds)

    def observe_truth(self, truth: Mapping[str, FloatArray]) -> None:
        """Ignore the truth."""

    def weights_hash(self) -> str:
        """Return the SHA-256 of all weights, in the order of their names."""
        return sha256(b"".join(key.encode() + w.tobytes() for key, w in self.weights.items()))

    def files(self) -> dict[str, bytes]:
        """Return the files of a checkpoint."""
        text = json.dumps(self.config, indent=2, sort_keys=True)
        arrays = {f"{name}.npz": npz_bytes(getattr(self, name)) for name in self.array_files}
        return {"policy.json": text.encode(), **arrays}

    @classmethod
    def load(cls, run: str | Path, which: str = "best", name: str | None = None) -> Self:
        """Load a policy from a run folder, after checking every file against its hash.

        Args:
            run: Run folder.
            which: ``best``, ``latest`` or the name of a checkpoint.
            name: Name in tables; the usual one when not given.

        Raises:
            NoInputError: There is no such run or checkpoint.
            DataError: A file is damaged or does not fit.
        """
        folder = RunFolder.open(run).checkpoint(which)
        files = read_folder(folder)
        named = {} if name is None else {"name": name}
        try:
            config = json.loads(files["policy.json"])
            if config.get("format") != FORMAT:
                raise DataError(
                    "HG-D065",
                    f"{folder}/policy.json: format {config.get('format')!r}, expected {FORMAT}",
                )
            arrays = [_read_arrays(files[f"{one}.npz"]) for one in cls.array_files]
            make: Any = cls  # its constructor takes the arrays of `array_files`
            policy: Self = make(config, *arrays, **named)
            return policy
        except (KeyError, TypeError, AttributeError, OSError, ValueError) as error:
            if isinstance(error, DataError):
                raise
            raise DataError("HG-D066", f"{folder}: no policy of this agent: {error}") from error
