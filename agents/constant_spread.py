"""Constant spread: both sides at one distance from the mid, whatever happens.

The best distance on tuning markets is the baseline of the headline figure.
"""

from __future__ import annotations

from typing import cast

import numpy as np
from pydantic import Field

from agents.policy import TRIALS, AgentParams, FloatArray, ScriptedPolicy
from hftgym.participants.fixed_spread import distances
from hftgym.training.policy import DISTANCE_BASE, ObsArray, TaskConstants


class Params(AgentParams):
    """Parameters of `ConstantSpread`."""

    half_spread_tick: float | None = Field(default=None, gt=0.0)
    """Distance of each side from the mid, in ticks; the task's half-spread when not given."""


class ConstantSpread(ScriptedPolicy):
    """Quotes bid and ask at a constant distance."""

    name = "constant spread"
    params_type = Params

    def distances(self, obs: ObsArray) -> FloatArray:
        """Return the constant distances, ticks, shape (envs, 2)."""
        half = cast(Params, self.params).half_spread_tick
        half = self.task.half_spread_tick if half is None else half
        pair = distances(float(half))
        return np.tile(np.asarray(pair, np.float64), (len(obs), 1))

    @classmethod
    def grid(cls, task: TaskConstants) -> list[AgentParams]:
        """Return `TRIALS` distances, evenly spaced in their logarithm over what actions reach."""
        h0 = task.half_spread_tick
        halves = h0 * np.geomspace(1.0 / DISTANCE_BASE, DISTANCE_BASE**0.95, TRIALS)
        return [Params(half_spread_tick=float(half)) for half in halves]
