"""What takers on a view of the price share: a position to hold, remembered from step to step.

They play ``hftgym/Taking-v0`` with ``action="continuous"``: the position as a share of the largest.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from agents.policy import FloatArray, ScriptedPolicy
from hftgym.training.policy import ActionArray, ObsArray, TaskConstants, UInt64Array

IntArray = npt.NDArray[np.int64]


class DirectionalPolicy(ScriptedPolicy):
    """Base of policies that hold a position.

    Their state is an array of records, one an environment, all zero at the start of an episode.
    """

    role = "taker"
    memory: np.dtype[Any]

    def targets(self, obs: ObsArray, memory: npt.NDArray[Any]) -> IntArray:
        """Return the positions to hold, lots, shape (envs,), and bring the memory up to date."""
        raise NotImplementedError

    def initial_state(self, market_seeds: UInt64Array) -> npt.NDArray[Any]:
        """Return an empty memory for each market."""
        return np.zeros(len(market_seeds), self.memory)

    def predict(
        self,
        obs: ObsArray,
        state: Any = None,
        episode_start: npt.NDArray[np.bool_] | None = None,
        deterministic: bool = True,
    ) -> tuple[ActionArray, Any]:
        """Return positions as shares of the largest, shape (envs, 1), and the next memory."""
        memory = np.zeros(len(obs), self.memory) if state is None else state.copy()
        if episode_start is not None:
            memory[episode_start] = np.zeros((), self.memory)
        target = self.targets(obs, memory)
        share = np.clip(target / self.task.max_inventory_lot, -1.0, 1.0)
        return share.astype(np.float32)[:, None], memory


def move_tick(task: TaskConstants, obs: ObsArray, leg: str = "") -> FloatArray:
    """Return the move of the mid since the last decision, ticks, shape (envs,).

    The observed return spans half a second; of shorter steps it is the mean one.

    Args:
        task: Public constants of the task.
        obs: Observations.
        leg: ``first_`` or ``second_`` of a pair.
    """
    k = max(1, round(0.5 / task.step_s))
    unit = 2.0 * task.sigma_tick_per_sqrt_s * np.sqrt(k * task.step_s)
    seen = obs[:, task.obs_index[f"{leg}return_0.5s"]].astype(np.float64)
    # Mids are whole half ticks: what an observation's 32 bits have lost of that comes back.
    return np.asarray(np.rint(2.0 * seen * unit) / 2.0 / k)
