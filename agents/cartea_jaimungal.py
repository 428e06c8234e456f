"""Cartea and Jaimungal (2015), "Risk metrics and fine tuning of high-frequency trading strategies".

The best quotes where fills fall exponentially with the distance and inventory costs phi q^2 a
second and alpha q^2 at the end (Cartea, Jaimungal and Penalva 2015, chapter 10, section 2). The
formula is the one that the background participant uses.
"""

from __future__ import annotations

from typing import cast

import numpy as np
from pydantic import Field

from agents.policy import AgentParams, FloatArray, ScriptedPolicy
from agents.tables import by_inventory, inventories
from hftgym.participants.cartea_jaimungal import MAX_LIMIT, distances, values
from hftgym.training.policy import ObsArray, TaskConstants

#: The value function is computed for so many times left, evenly spread over the horizon.
TIMES = 61


class Params(AgentParams):
    """Parameters of `CarteaJaimungal`."""

    phi: float | None = Field(default=None, gt=0.0)
    """Running penalty, tick / lot^2 / s; the task's when not given."""
    alpha: float = Field(default=0.5, ge=0.0)
    """Penalty at the end, tick / lot^2."""
    kappa: float | None = Field(default=None, gt=0.0)
    """Decay of the fill rate with distance, one over tick; one over the task's half-spread when not
    given."""
    arrival_per_s: float = Field(default=0.5, gt=0.0)
    """Fills a second at distance zero."""


class CarteaJaimungal(ScriptedPolicy):
    """Quotes by the exact solution of the paper's market."""

    name = "Cartea-Jaimungal"
    params_type = Params

    def __init__(self, task: TaskConstants, params: Params | None = None) -> None:
        super().__init__(task, params)
        own = cast(Params, self.params)
        kappa = float(1.0 / task.half_spread_tick if own.kappa is None else own.kappa)
        phi = float(max(task.phi, 1e-6) if own.phi is None else own.phi)
        limit = min(inventories(task.max_inventory_lot)[-1], MAX_LIMIT)
        tables = []
        for left_s in np.linspace(0.0, task.horizon_s, TIMES):
            h = values(float(left_s), limit, phi, own.alpha, kappa, own.arrival_per_s)
            steps = np.append(h[:-1] - h[1:], 0.0)  # beyond the limit nothing is quoted
            tables.append(
                by_inventory(
                    lambda q, s=steps: distances(int(q), s, limit, kappa), task.max_inventory_lot
                )
            )
        self._table = np.array(tables)  # (times, inventories, 2), ticks

    def distances(self, obs: ObsArray) -> FloatArray:
        """Return the distances at the observed inventory and time left, ticks, shape (envs, 2)."""
        time_left = obs[:, self.task.obs_index["time_left"]].astype(np.float64)
        row = np.clip(np.rint(time_left * (TIMES - 1)), 0, TIMES - 1).astype(np.int64)
        largest = (self._table.shape[1] - 1) // 2
        column = np.clip(self.inventory_lot(obs), -largest, largest) + largest
        return np.asarray(self._table[row, column])

    @classmethod
    def grid(cls, task: TaskConstants) -> list[AgentParams]:
        """Return 5 penalties times 5 decays times 2 rates of arrival."""
        h0 = task.half_spread_tick
        return [
            Params(phi=float(phi), kappa=float(1.0 / (h0 * width)), arrival_per_s=rate)
            for phi in np.geomspace(0.001, 0.3, 5) * h0
            for width in (0.5, 0.7, 1.0, 1.4, 2.0)
            for rate in (0.25, 1.0)
        ]
