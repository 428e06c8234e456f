"""Small networks evaluated with numpy: checked weights, layers, a forward pass without torch."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from hftgym.errors import DataError
from hftgym.training.policy import ObsArray

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


def read_arrays(data: bytes) -> dict[str, npt.NDArray[Any]]:
    """Return the arrays of an ``.npz`` file; nothing in it is run."""
    with np.load(io.BytesIO(data), allow_pickle=False) as file:
        return {key: file[key] for key in file.files}
