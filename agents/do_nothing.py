"""Do nothing: never quote. Its objective is zero; whoever earns less should not trade."""

from __future__ import annotations

import numpy as np

from agents.policy import FloatArray, ScriptedPolicy
from hftgym.training.policy import ObsArray


class DoNothing(ScriptedPolicy):
    """Withdraws both sides at every step."""

    name = "do-nothing"

    def distances(self, obs: ObsArray) -> FloatArray:
        """Return infinite distances, shape (envs, 2)."""
        return np.full((len(obs), 2), np.inf)
