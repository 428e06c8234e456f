"""TWAP: the target in equal parts over time.

Bertsimas and Lo (1998), "Optimal control of execution costs": the best there is where impact is
linear, the price a martingale, and risk of no matter.
"""

from __future__ import annotations

from agents.policy import AgentParams
from agents.scheduled import DISTANCES, ScheduledExecutor, ScheduleParams
from hftgym.training.policy import TaskConstants


class TWAP(ScheduledExecutor):
    """What is left falls in a straight line."""

    name = "TWAP"

    def share_left(self, time_left: float) -> float:
        """Return the share of the target that may be left when so much of the time is left."""
        return time_left

    @classmethod
    def grid(cls, task: TaskConstants) -> list[AgentParams]:
        """Return 9 distances times 5 lags."""
        return [
            ScheduleParams(distance_h0=distance, lag_lots=lag)
            for distance in DISTANCES
            for lag in (1.0, 2.0, 3.0, 5.0, 8.0)
        ]
