"""POV: a share of what others trade (percentage of volume).

Kissell and Glantz (2003), "Optimal trading strategies". What volume has not called for by the end
is due then. The formula is the one that the background participant uses.
"""

from __future__ import annotations

from typing import cast

import numpy as np
from pydantic import Field

from agents.policy import AgentParams, FloatArray, each
from agents.scheduled import ScheduledExecutor, ScheduleParams
from hftgym.participants.pov import due_lot
from hftgym.training.policy import ObsArray, TaskConstants


class Params(ScheduleParams):
    """Parameters of `POV`."""

    participation: float = Field(default=0.1, gt=0.0, le=1.0)
    """Own lots for each lot of others."""


class POV(ScheduledExecutor):
    """What is done keeps up with the volume of others."""

    name = "POV"
    params_type = Params

    def share_left(self, time_left: float) -> float:
        """Return that the clock asks for nothing before the end."""
        return 1.0 if time_left > 0.0 else 0.0

    def left_lots(self, obs: ObsArray) -> FloatArray:
        """Return the lots that volume so far allows to be left, none at the end, (envs,)."""
        participation = cast(Params, self.params).participation
        share = obs[:, self.task.obs_index["others_volume"]].astype(np.float64)
        others = np.rint(self._target * share / np.maximum(1.0 - share, 1e-6))
        due = each(lambda v: due_lot(int(v), self._target, participation), others)
        return np.minimum(self._target - due, super().left_lots(obs))

    @classmethod
    def grid(cls, task: TaskConstants) -> list[AgentParams]:
        """Return 5 participations times 5 distances times 2 lags."""
        return [
            Params(participation=participation, distance_h0=distance, lag_lots=lag)
            for participation in (0.01, 0.02, 0.05, 0.1, 0.2)
            for distance in (0.25, 0.5, 0.7, 1.4, float("inf"))
            for lag in (2.0, 8.0)
        ]
