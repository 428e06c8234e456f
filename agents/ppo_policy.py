"""A trained PPO policy: a small tanh network evaluated with numpy, saved without pickle.

Files of a checkpoint: ``policy.json`` (shape of the network, hyper-parameters), ``weights.npz`` and
``normalizer.npz`` (arrays only). The network runs in double precision, so that an action does not
depend on how many environments are decided for at once.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from agents.network import FloatArray, checked, forward, layers, read_arrays
from agents.noise import NoiseState, normals
from hftgym.errors import DataError
from hftgym.training.atomic import npz_bytes, read_folder, sha256
from hftgym.training.policy import ActionArray, ObsArray, UInt64Array
from hftgym.training.runs import RunFolder

FORMAT = 1


class PPOPolicy:
    """Gaussian policy over two distances, with its critic.

    Args:
        config: Contents of ``policy.json``.
        weights: Arrays of the network by name, as the learner calls them.
        normalizer: Arrays of the return normaliser.
        name: Name in tables.
    """

    needs_truth = False

    def __init__(
        self,
        config: Mapping[str, Any],
        weights: Mapping[str, npt.NDArray[Any]],
        normalizer: Mapping[str, npt.NDArray[Any]] | None = None,
        name: str = "PPO",
    ) -> None:
        self.name = name
        self.config = dict(config)
        self.weights = {key: np.asarray(weights[key]) for key in sorted(weights)}
        self.normalizer = dict(normalizer or {})
        actions = int(self.config["actions"])
        widths = [int(self.config["observations"]), *(int(w) for w in self.config["hidden"])]
        trunk = "mlp_extractor"
        self._policy = layers(self.weights, f"{trunk}.policy_net", widths, "action_net", actions)
        self._value = layers(self.weights, f"{trunk}.value_net", widths, "value_net", 1)
        self._std = np.exp(checked(self.weights, "log_std", (actions,)))

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
        """Return the mean action, or a draw around it, shape (envs, 2), and the next state."""
        action = forward(self._policy, obs)
        noise = NoiseState.begin(np.arange(len(obs))) if state is None else state
        if not deterministic:
            action = action + self._std * normals(noise, action.shape[1])
        return np.clip(action, -1.0, 1.0).astype(np.float32), noise.advance()

    def values(self, obs: ObsArray) -> FloatArray:
        """Return the critic's expected discounted return, in units of reward, shape (envs,)."""
        scale = 1.0
        if "return_moments" in self.normalizer:
            scale = float(np.sqrt(self.normalizer["return_moments"][2] + 1e-8))
        return forward(self._value, obs)[:, 0] * scale

    def weights_hash(self) -> str:
        """Return the SHA-256 of all weights, in the order of their names."""
        return sha256(b"".join(key.encode() + w.tobytes() for key, w in self.weights.items()))

    def files(self) -> dict[str, bytes]:
        """Return the files of a checkpoint."""
        return {
            "policy.json": json.dumps(self.config, indent=2, sort_keys=True).encode(),
            "weights.npz": npz_bytes(self.weights),
            "normalizer.npz": npz_bytes(self.normalizer),
        }

    @classmethod
    def load(cls, run: str | Path, which: str = "best", name: str = "PPO") -> PPOPolicy:
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
                    "HG-D065",
                    f"{folder}/policy.json: format {config.get('format')!r}, expected {FORMAT}",
                )
            return cls(
                config,
                read_arrays(files["weights.npz"]),
                read_arrays(files["normalizer.npz"]),
                name,
            )
        except (KeyError, TypeError, AttributeError, OSError, ValueError) as error:
            if isinstance(error, DataError):
                raise
            raise DataError("HG-D066", f"{folder}: no policy of this agent: {error}") from error
