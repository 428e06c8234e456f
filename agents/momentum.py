"""Momentum: buys what has risen, sells what has fallen, where two horizons agree.

Chiarella and Iori (2002); Jegadeesh and Titman (1993). The rule is the one that the background
participant uses, fed with the observed returns.
"""

from __future__ import annotations

from typing import Any, cast

import numpy as np
import numpy.typing as npt
from pydantic import Field

from agents.directional import DirectionalPolicy, IntArray, move_tick
from agents.policy import AgentParams
from hftgym.participants.momentum import ideal_lot, target
from hftgym.participants.targeting import kept
from hftgym.training.policy import ObsArray, TaskConstants


class Params(AgentParams):
    """Parameters of `Momentum`."""

    short_s: float = Field(default=10.0, gt=0.0)
    """Short horizon of the trend, seconds."""
    long_s: float = Field(default=60.0, gt=0.0)
    """Long horizon of the trend, seconds."""
    trend_tick_per_lot: float = Field(default=2.0, gt=0.0)
    """Trend for each lot held, ticks."""


class Momentum(DirectionalPolicy):
    """Holds a position in proportion to the smaller of two trends."""

    name = "momentum"
    params_type = Params
    memory = np.dtype([("short_tick", "f8"), ("long_tick", "f8"), ("position", "i8")])

    def targets(self, obs: ObsArray, memory: npt.NDArray[Any]) -> IntArray:
        """Return the positions to hold, lots, shape (envs,)."""
        own = cast(Params, self.params)
        step_ns = round(self.task.step_s * 1e9)
        move = move_tick(self.task, obs)
        memory["short_tick"] = memory["short_tick"] * kept(step_ns, own.short_s) + move
        memory["long_tick"] = memory["long_tick"] * kept(step_ns, own.long_s) + move
        limit = int(self.task.max_inventory_lot)
        for row in memory:
            ideal = ideal_lot(
                float(row["short_tick"]), float(row["long_tick"]), own.trend_tick_per_lot, limit
            )
            row["position"] = target(ideal, int(row["position"]))
        return np.array(memory["position"])

    @classmethod
    def grid(cls, task: TaskConstants) -> list[AgentParams]:
        """Return 10 trends for a lot times 5 pairs of horizons."""
        sigma = task.sigma_tick_per_sqrt_s
        return [
            Params(short_s=short, long_s=6.0 * short, trend_tick_per_lot=float(trend))
            for trend in np.geomspace(1.0, 30.0, 10) * sigma
            for short in (2.0, 5.0, 10.0, 20.0, 40.0)
        ]
