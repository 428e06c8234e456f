"""Gueant, Lehalle and Fernandez-Tapia (2013), "Dealing with the inventory risk".

The asymptotic quotes of their section 4: the distances no longer depend on time, and the skew is
linear in the inventory. The formula is the one that the background participant uses.
"""

from __future__ import annotations

from typing import cast

import numpy as np
from pydantic import Field

from agents.policy import AgentParams, FloatArray, ScriptedPolicy
from agents.tables import by_inventory, lookup
from hftgym.participants.glft import distances
from hftgym.training.policy import ObsArray, TaskConstants


class Params(AgentParams):
    """Parameters of `GLFT`."""

    gamma: float = Field(default=0.01, gt=0.0)
    """Risk aversion, one over (tick lot)."""
    kappa: float | None = Field(default=None, gt=0.0)
    """Decay of the fill intensity with distance, one over tick; one over the task's half-spread
    when not given."""
    arrival_per_s: float = Field(default=0.5, gt=0.0)
    """Intensity of fills at distance zero, one over second."""


class GLFT(ScriptedPolicy):
    """Quotes by the asymptotic closed form."""

    name = "GLFT"
    params_type = Params

    def __init__(self, task: TaskConstants, params: Params | None = None) -> None:
        super().__init__(task, params)
        own = cast(Params, self.params)
        kappa = float(1.0 / task.half_spread_tick if own.kappa is None else own.kappa)
        sigma = float(task.sigma_tick_per_sqrt_s)
        self._table = by_inventory(
            distances, task.max_inventory_lot, own.gamma, sigma, kappa, own.arrival_per_s
        )

    def distances(self, obs: ObsArray) -> FloatArray:
        """Return the distances at the observed inventory, ticks, shape (envs, 2)."""
        return lookup(self._table, self.inventory_lot(obs))

    @classmethod
    def grid(cls, task: TaskConstants) -> list[AgentParams]:
        """Return 10 risk aversions times 5 decays (a base spread of 0.5 to 2 half-spreads)."""
        h0 = task.half_spread_tick
        return [
            Params(gamma=float(gamma / h0), kappa=float(1.0 / (h0 * width)))
            for gamma in np.geomspace(1e-4, 0.3, 10)
            for width in (0.5, 0.7, 1.0, 1.4, 2.0)
        ]
