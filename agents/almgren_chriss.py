"""Almgren and Chriss (2000), "Optimal execution of portfolio transactions".

The static trajectory of section 2.2: what is left falls as sinh(kappa (T - t)) / sinh(kappa T),
kappa the urgency that risk aversion, volatility and temporary impact ask for. Here kappa T is a
parameter, chosen on tuning markets; 0 is TWAP. The formula is the one that the background
participant uses.
"""

from __future__ import annotations

from typing import cast

from pydantic import Field

from agents.policy import AgentParams
from agents.scheduled import ScheduledExecutor, ScheduleParams
from hftgym.participants.almgren_chriss import share_left
from hftgym.training.policy import TaskConstants


class Params(ScheduleParams):
    """Parameters of `AlmgrenChriss`."""

    urgency: float = Field(default=1.0, ge=0.0)
    """kappa times the horizon."""


class AlmgrenChriss(ScheduledExecutor):
    """What is left falls in a hyperbolic sine."""

    name = "Almgren-Chriss"
    params_type = Params

    def share_left(self, time_left: float) -> float:
        """Return the share of the target that may be left when so much of the time is left."""
        return float(share_left(time_left, 1.0, cast(Params, self.params).urgency))

    @classmethod
    def grid(cls, task: TaskConstants) -> list[AgentParams]:
        """Return 5 urgencies times 5 distances times 2 lags."""
        return [
            Params(urgency=urgency, distance_h0=distance, lag_lots=lag)
            for urgency in (0.25, 0.5, 1.0, 2.0, 4.0)
            for distance in (0.25, 0.5, 0.7, 1.4, float("inf"))
            for lag in (2.0, 8.0)
        ]
