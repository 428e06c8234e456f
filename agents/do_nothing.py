"""Do nothing: never trade. Whoever earns less should not trade either.

A maker, a taker or a pairs trader earns zero. An executor is swept at the deadline and pays for it.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from agents.policy import ScriptedPolicy
from hftgym.training.policy import ActionArray, ObsArray

#: The action that does nothing, by role: quotes withdrawn, nothing taken, no position.
IDLE = {"executor": (1.0, -1.0), "taker": (0.0,), "leg": (0.0, 0.0)}


class DoNothing(ScriptedPolicy):
    """Withdraws its quotes and takes nothing, at every step."""

    name = "do-nothing"
    role = "any"

    def predict(
        self,
        obs: ObsArray,
        state: Any = None,
        episode_start: npt.NDArray[np.bool_] | None = None,
        deterministic: bool = True,
    ) -> tuple[ActionArray, Any]:
        """Return the idle action of the role, shape (envs, actions), and the state unchanged."""
        idle = np.array(IDLE.get(self.task.role, (1.0, 1.0)), np.float32)
        return np.tile(idle, (len(obs), 1)), state
