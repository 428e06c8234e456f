"""VWAP: the target in proportion to the volume that is expected in each part of the time.

Konishi (2002), "Optimal slice of a VWAP trade"; the course of volume is the U of a trading day
(Jain and Joh 1988), as deep as tuned. The formula is the one that the background participant uses.
"""

from __future__ import annotations

from typing import cast

from pydantic import Field

from agents.policy import AgentParams
from agents.scheduled import ScheduledExecutor, ScheduleParams
from hftgym.participants.vwap import volume_share
from hftgym.training.policy import TaskConstants


class Params(ScheduleParams):
    """Parameters of `VWAP`."""

    u_shape: float = Field(default=0.5, ge=0.0, le=1.0)
    """0: as much volume at any time (that is TWAP); 1: none in the middle."""


class VWAP(ScheduledExecutor):
    """What is left falls as the expected volume that is still to come."""

    name = "VWAP"
    params_type = Params

    def share_left(self, time_left: float) -> float:
        """Return the share of the target that may be left when so much of the time is left."""
        return 1.0 - float(volume_share(1.0 - time_left, cast(Params, self.params).u_shape))

    @classmethod
    def grid(cls, task: TaskConstants) -> list[AgentParams]:
        """Return 5 depths of the U times 5 distances times 2 lags."""
        return [
            Params(u_shape=depth, distance_h0=distance, lag_lots=lag)
            for depth in (0.1, 0.3, 0.5, 0.75, 1.0)
            for distance in (0.25, 0.5, 0.7, 1.4, float("inf"))
            for lag in (2.0, 8.0)
        ]
