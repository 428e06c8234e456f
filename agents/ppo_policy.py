"""A trained Gaussian policy of a small tanh network, with its critic: of PPO, A2C and A3C."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from agents.network import FloatArray, NetworkPolicy, Weights, checked, forward, layers
from agents.noise import NoiseState, normals
from hftgym.training.policy import ActionArray, ObsArray


class PPOPolicy(NetworkPolicy):
    """Gaussian policy with a deviation that does not depend on the observation.

    Args:
        config: Contents of ``policy.json``.
        weights: Arrays of the network by name, as the learner calls them.
        normalizer: Arrays of the return normaliser.
        name: Name in tables.
    """

    array_files = ("weights", "normalizer")

    def __init__(
        self,
        config: Mapping[str, Any],
        weights: Weights,
        normalizer: Weights | None = None,
        name: str = "PPO",
    ) -> None:
        super().__init__(config, weights, name)
        self.normalizer = dict(normalizer or {})
        trunk, n = "mlp_extractor", self.actions
        self._policy = layers(self.weights, f"{trunk}.policy_net", self.widths, "action_net", n)
        self._value = layers(self.weights, f"{trunk}.value_net", self.widths, "value_net", 1)
        self._std = np.exp(checked(self.weights, "log_std", (n,)))

    def predict(
        self,
        obs: ObsArray,
        state: Any = None,
        episode_start: npt.NDArray[np.bool_] | None = None,
        deterministic: bool = True,
    ) -> tuple[ActionArray, Any]:
        """Return the mean action, or a draw around it, shape (envs, actions), and the state."""
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
