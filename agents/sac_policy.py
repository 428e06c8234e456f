"""A trained SAC policy: a squashed Gaussian from a small network in numpy, saved without pickle.

Files of a checkpoint: ``policy.json`` and ``weights.npz``, as `agents.ppo_policy` has them.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from agents.network import FloatArray, forward, layers, read_arrays
from agents.noise import NoiseState, normals
from hftgym.errors import DataError
from hftgym.training.atomic import npz_bytes, read_folder, sha256
from hftgym.training.policy import ActionArray, ObsArray, UInt64Array
from hftgym.training.runs import RunFolder

FORMAT = 1
_LOG_STD = (-20.0, 2.0)  # where the learner cuts the logarithm of the deviation


class SACPolicy:
    """tanh of a Gaussian whose mean and deviation depend on the observation.

    Args:
        config: Contents of ``policy.json``.
        weights: Arrays of the actor by name, as the learner calls them.
        name: Name in tables.
    """

    needs_truth = False

    def __init__(
        self, config: Mapping[str, Any], weights: Mapping[str, npt.NDArray[Any]], name: str = "SAC"
    ) -> None:
        self.name = name
        self.config = dict(config)
        self.weights = {key: np.asarray(weights[key]) for key in sorted(weights)}
        actions = int(self.config["actions"])
        widths = [int(self.config["observations"]), *(int(w) for w in self.config["hidden"])]
        self._mean = layers(self.weights, "latent_pi", widths, "mu", actions)
        self._log_std = layers(self.weights, "latent_pi", widths, "log_std", actions)

    def initial_state(self, market_seeds: UInt64Array) -> NoiseState:
        """Return the start of the draws of the stochastic policy on these markets."""
        return NoiseState.begin(market_seeds)

    def observe_truth(self, truth: Mapping[str, FloatArray]) -> None:
        """Ignore the truth."""

    def predict(
        self,
        obs: ObsArray,
        state: Any = None,
        episode_start: npt.NDArray[np.bool_] | None = None,
        deterministic: bool = True,
    ) -> tuple[ActionArray, Any]:
        """Return tanh of the mean, or of a draw around it, shape (envs, actions), and the state."""
        action = forward(self._mean, obs, _relu)
        noise = NoiseState.begin(np.arange(len(obs))) if state is None else state
        if not deterministic:
            std = np.exp(np.clip(forward(self._log_std, obs, _relu), *_LOG_STD))
            action = action + std * normals(noise, action.shape[1])
        return np.tanh(action).astype(np.float32), noise.advance()

    def weights_hash(self) -> str:
        """Return the SHA-256 of all weights, in the order of their names."""
        return sha256(b"".join(key.encode() + w.tobytes() for key, w in self.weights.items()))

    def files(self) -> dict[str, bytes]:
        """Return the files of a checkpoint."""
        return {
            "policy.json": json.dumps(self.config, indent=2, sort_keys=True).encode(),
            "weights.npz": npz_bytes(self.weights),
        }

    @classmethod
    def load(cls, run: str | Path, which: str = "best", name: str = "SAC") -> SACPolicy:
        """Load a policy from a run folder, after checking every file against its hash.

        Args:
            run: Run folder.
            which: ``best``, ``latest`` or the name of a checkpoint.
            name: Name in tables.

        Raises:
            NoInputError: There is no such run or checkpoint.
            DataError: A file is damaged or does not fit.
        """
        folder = RunFolder.open(run).checkpoint(which)
        files = read_folder(folder)
        try:
            config = json.loads(files["policy.json"])
            if config.get("format") != FORMAT:
                raise DataError(
                    "HG-D068",
                    f"{folder}/policy.json: format {config.get('format')!r}, expected {FORMAT}",
                )
            return cls(config, read_arrays(files["weights.npz"]), name)
        except (KeyError, TypeError, AttributeError, OSError, ValueError) as error:
            if isinstance(error, DataError):
                raise
            raise DataError("HG-D069", f"{folder}: no policy of this agent: {error}") from error


def _relu(x: FloatArray) -> FloatArray:
    return np.maximum(x, 0.0)
