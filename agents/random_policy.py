"""Random: uniform actions, the floor that any learning must leave behind."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from agents.noise import NoiseState, uniforms
from agents.policy import ScriptedPolicy
from hftgym.training.policy import ActionArray, ObsArray, UInt64Array


class RandomPolicy(ScriptedPolicy):
    """Draws each number uniformly from [-1, 1], also when asked to be deterministic."""

    name = "random"
    role = "any"

    def initial_state(self, market_seeds: UInt64Array) -> NoiseState:
        """Return the start of the draws of these markets."""
        return NoiseState.begin(market_seeds)

    def predict(
        self,
        obs: ObsArray,
        state: Any = None,
        episode_start: npt.NDArray[np.bool_] | None = None,
        deterministic: bool = True,
    ) -> tuple[ActionArray, Any]:
        """Return uniform actions, shape (envs, actions), and the state one decision later."""
        noise = NoiseState.begin(np.arange(len(obs))) if state is None else state
        numbers = 1 if self.task.role == "taker" else 2
        return (2.0 * uniforms(noise, numbers) - 1.0).astype(np.float32), noise.advance()
