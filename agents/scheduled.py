"""What executors with a schedule share: wait with a limit order, take what is overdue.

A schedule says which share of the target is left after each decision. One limit order waits at a
fixed distance behind the mid; when the rest is more than ``lag_lots`` above the schedule, what is
overdue is taken at the market. At the end everything is due.
"""

from __future__ import annotations

from typing import Any, cast

import numpy as np
import numpy.typing as npt
from pydantic import Field

from agents.policy import AgentParams, FloatArray, ScriptedPolicy, distances_to_actions, each
from hftgym.participants.executing import overdue_lots
from hftgym.training.policy import ActionArray, ObsArray, TaskConstants

#: Distances to choose from, in half-spreads of the task; the last one never waits.
DISTANCES = (0.25, 0.5, 0.7, 1.0, 1.4, 2.0, 2.8, 3.5, float("inf"))


class ScheduleParams(AgentParams):
    """Common part of every scheduled executor's parameters."""

    distance_h0: float = Field(default=0.5, gt=0.0, allow_inf_nan=True)
    """Distance of the waiting order behind the mid, in half-spreads of the task; infinite: none."""
    lag_lots: float = Field(default=1.0, ge=0.5)
    """Lots behind the schedule from which on it takes at the market."""


class ScheduledExecutor(ScriptedPolicy):
    """Base of executors that follow a schedule; for ``hftgym/Execution-v0`` (``continuous``).

    Args:
        task: Public constants of the task.
        params: Parameters; the defaults of the class when not given.
    """

    role = "executor"
    params_type = ScheduleParams

    def __init__(self, task: TaskConstants, params: Any = None) -> None:
        super().__init__(task, params)
        own = cast(ScheduleParams, self.params)
        steps = round(task.horizon_s / task.step_s)
        self._target = abs(task.target_lots)
        self._left = np.array([self.share_left(1.0 - k / steps) for k in range(1, steps + 1)])
        distance = np.array([own.distance_h0 * task.half_spread_tick])
        self._wait = float(distances_to_actions(distance, task.half_spread_tick)[0])
        self._lag = own.lag_lots

    def share_left(self, time_left: float) -> float:
        """Return the share of the target that may be left when so much of the time is left."""
        raise NotImplementedError

    def left_lots(self, obs: ObsArray) -> FloatArray:
        """Return the lots that may be left by the next decision, not rounded, shape (envs,)."""
        index, steps = self.task.obs_index, len(self._left)
        step = np.rint((1.0 - obs[:, index["time_left"]].astype(np.float64)) * steps)
        return np.asarray(self._left[np.clip(step, 0, steps - 1).astype(np.int64)] * self._target)

    def predict(
        self,
        obs: ObsArray,
        state: Any = None,
        episode_start: npt.NDArray[np.bool_] | None = None,
        deterministic: bool = True,
    ) -> tuple[ActionArray, Any]:
        """Return distance and share to take, shape (envs, 2), and the state unchanged."""
        rest = self.rest_lots(obs)
        take = each(lambda x, left: overdue_lots(x, left, self._lag), rest, self.left_lots(obs))
        action = np.empty((len(obs), 2), np.float32)
        action[:, 0] = self._wait
        action[:, 1] = np.clip(take / np.maximum(rest, 1.0), 0.0, 1.0)
        return action, state

    def rest_lots(self, obs: ObsArray) -> FloatArray:
        """Return the lots that are not known to be done, shape (envs,)."""
        share = obs[:, self.task.obs_index["rest"]].astype(np.float64)
        return np.asarray(np.rint(share * self._target))
