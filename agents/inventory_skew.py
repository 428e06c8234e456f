"""Inventory skew: a constant spread whose centre moves against the inventory, in a straight line.

Linear skew is optimal for a quadratic inventory penalty to first order; with exponential fills a
tuned one comes within a thousandth of the optimum.
"""

from __future__ import annotations

from typing import cast

import numpy as np
from pydantic import Field

from agents.policy import AgentParams, FloatArray, ScriptedPolicy
from agents.tables import by_inventory, lookup
from hftgym.participants.inventory_skew import distances
from hftgym.training.policy import ObsArray, TaskConstants


class Params(AgentParams):
    """Parameters of `InventorySkew`."""

    half_spread_tick: float | None = Field(default=None, gt=0.0)
    """Distance of each side at zero inventory, in ticks; the task's when not given."""
    skew_tick_per_lot: float = Field(default=0.1, ge=0.0)
    """How far the centre moves for each lot held, in ticks."""


class InventorySkew(ScriptedPolicy):
    """Quotes around a centre that leans against the inventory."""

    name = "inventory skew"
    params_type = Params

    def __init__(self, task: TaskConstants, params: Params | None = None) -> None:
        super().__init__(task, params)
        own = cast(Params, self.params)
        half = task.half_spread_tick if own.half_spread_tick is None else own.half_spread_tick
        self._table = by_inventory(
            distances, task.max_inventory_lot, float(half), own.skew_tick_per_lot
        )

    def distances(self, obs: ObsArray) -> FloatArray:
        """Return the skewed distances, ticks, shape (envs, 2)."""
        return lookup(self._table, self.inventory_lot(obs))

    @classmethod
    def grid(cls, task: TaskConstants) -> list[AgentParams]:
        """Return 10 half-spreads times 5 skews, in units of the task's half-spread."""
        h0 = task.half_spread_tick
        return [
            Params(half_spread_tick=float(h0 * half), skew_tick_per_lot=float(h0 * skew))
            for half in np.geomspace(0.4, 2.5, 10)
            for skew in (0.0, 0.03, 0.08, 0.2, 0.5)
        ]
