"""Avellaneda and Stoikov (2008), "High-frequency trading in a limit order book", eq. 3.17 and 3.18.

Quotes around a reservation price that falls with the inventory and the time left. The formula is
the one that the background participant uses; here it sees what a learner sees.
"""

from __future__ import annotations

from typing import cast

import numpy as np
from pydantic import Field

from agents.policy import AgentParams, FloatArray, ScriptedPolicy
from agents.tables import by_inventory
from hftgym.participants.avellaneda_stoikov import distances
from hftgym.training.policy import ObsArray, TaskConstants


class Params(AgentParams):
    """Parameters of `AvellanedaStoikov`."""

    gamma: float = Field(default=0.005, gt=0.0)
    """Risk aversion, one over (tick lot)."""
    kappa: float | None = Field(default=None, gt=0.0)
    """Decay of the fill intensity with distance, one over tick; one over the task's half-spread
    when not given."""
    constant_time_left_s: float | None = Field(default=None, gt=0.0)
    """Time left to assume throughout, in seconds; the observed one when not given."""


class AvellanedaStoikov(ScriptedPolicy):
    """Quotes by the closed-form approximation of the paper."""

    name = "Avellaneda-Stoikov"
    params_type = Params

    def __init__(self, task: TaskConstants, params: Params | None = None) -> None:
        super().__init__(task, params)
        own = cast(Params, self.params)
        kappa = 1.0 / task.half_spread_tick if own.kappa is None else own.kappa
        sigma = float(task.sigma_tick_per_sqrt_s)
        if own.constant_time_left_s is None:
            times = np.linspace(0.0, task.horizon_s, round(task.horizon_s / task.step_s) + 1)
        else:
            times = np.array([own.constant_time_left_s])
        rest = (own.gamma, sigma, float(kappa))
        self._table = np.array(  # (times, inventories, 2), ticks
            [by_inventory(distances, task.max_inventory_lot, float(t), *rest) for t in times]
        )

    def distances(self, obs: ObsArray) -> FloatArray:
        """Return the distances at the observed inventory and time left, ticks, shape (envs, 2)."""
        last = len(self._table) - 1
        time_left = obs[:, self.task.obs_index["time_left"]].astype(np.float64)
        row = np.clip(np.rint(time_left * last), 0, last).astype(np.int64)
        largest = (self._table.shape[1] - 1) // 2
        column = np.clip(self.inventory_lot(obs), -largest, largest) + largest
        return np.asarray(self._table[row, column])

    @classmethod
    def grid(cls, task: TaskConstants) -> list[AgentParams]:
        """Return 10 risk aversions times 5 decays (a base spread of 0.5 to 2 half-spreads)."""
        h0 = task.half_spread_tick
        return [
            Params(gamma=float(gamma / h0), kappa=float(1.0 / (h0 * width)))
            for gamma in np.geomspace(1e-4, 0.1, 10)
            for width in (0.5, 0.7, 1.0, 1.4, 2.0)
        ]
