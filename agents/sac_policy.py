"""A trained SAC policy: a squashed Gaussian from a small network with rectified layers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from agents.network import FloatArray, NetworkPolicy, Weights, forward, layers
from agents.noise import NoiseState, normals
from hftgym.training.policy import ActionArray, ObsArray

_LOG_STD = (-20.0, 2.0)  # where the learner cuts the logarithm of the deviation


class SACPolicy(NetworkPolicy):
    """tanh of a Gaussian whose mean and deviation depend on the observation.

    Args:
        config: Contents of ``policy.json``.
        weights: Arrays of actor and critics by name, as the learner calls them.
        name: Name in tables.
    """

    def __init__(self, config: Mapping[str, Any], weights: Weights, name: str = "SAC") -> None:
        super().__init__(config, weights, name)
        self._mean = layers(self.weights, "latent_pi", self.widths, "mu", self.actions)
        self._log_std = layers(self.weights, "latent_pi", self.widths, "log_std", self.actions)
        seen = [self.widths[0] + self.actions, *self.widths[1:]]
        self._critics = [
            layers(self.weights, name, seen, f"{name}.{2 * len(self.widths) - 2}", 1)
            for name in ("qf0", "qf1")
        ]

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

    def values(self, obs: ObsArray) -> FloatArray:
        """Return the lower of the critics' returns of the mean action, in units of reward, (envs,).

        The entropy that the policy is paid for from the next state on is part of them.
        """
        action, _ = self.predict(obs)
        both = np.column_stack((obs, action))
        lower = np.minimum(*(forward(critic, both, _relu)[:, 0] for critic in self._critics))
        return lower * float(self.config["reward_scale"])


def _relu(x: FloatArray) -> FloatArray:
    return np.maximum(x, 0.0)
