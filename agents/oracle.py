"""Oracle: quotes around the latent value, which no participant can know. A ceiling, not a rival."""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

import numpy as np
from pydantic import Field

from agents.policy import AgentParams, FloatArray, ScriptedPolicy
from agents.tables import by_inventory, lookup
from hftgym.participants.inventory_skew import distances
from hftgym.training.policy import ObsArray, TaskConstants


class Params(AgentParams):
    """Parameters of `Oracle`."""

    half_spread_tick: float | None = Field(default=None, gt=0.0)
    """Distance of each side from the value at zero inventory, in ticks; the task's if not given."""
    skew_tick_per_lot: float = Field(default=0.1, ge=0.0)
    """How far the centre moves for each lot held, in ticks."""


class Oracle(ScriptedPolicy):
    """Inventory skew around the latent value instead of the observed mid."""

    name = "oracle (sees the value)"
    needs_truth = True
    params_type = Params

    def __init__(self, task: TaskConstants, params: Params | None = None) -> None:
        super().__init__(task, params)
        own = cast(Params, self.params)
        half = task.half_spread_tick if own.half_spread_tick is None else own.half_spread_tick
        self._table = by_inventory(
            distances, task.max_inventory_lot, float(half), own.skew_tick_per_lot
        )
        self._offset_tick: FloatArray | None = None

    def observe_truth(self, truth: Mapping[str, FloatArray]) -> None:
        """Take the latent value less the observed mid, ticks, shape (envs,)."""
        self._offset_tick = np.asarray(truth["value_offset"], np.float64)

    def distances(self, obs: ObsArray) -> FloatArray:
        """Return the distances from the mid of quotes around the value, ticks, shape (envs, 2)."""
        if self._offset_tick is None:
            raise RuntimeError(
                "the oracle was not shown the value: make the environment with "
                "observe_value=True and call observe_truth before predict"
            )
        offset = self._offset_tick
        around_value = lookup(self._table, self.inventory_lot(obs))
        return around_value + np.column_stack((-offset, offset))

    @classmethod
    def grid(cls, task: TaskConstants) -> list[AgentParams]:
        """Return 10 half-spreads times 5 skews, in units of the task's half-spread."""
        h0 = task.half_spread_tick
        return [
            Params(half_spread_tick=float(h0 * half), skew_tick_per_lot=float(h0 * skew))
            for half in np.geomspace(0.25, 2.5, 10)
            for skew in (0.0, 0.03, 0.08, 0.2, 0.5)
        ]
