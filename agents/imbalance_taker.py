"""Imbalance taker: trades when the move that order flow and queues predict pays for the spread.

Cont, Kukanov and Stoikov (2014), section 2; Gould and Bonart (2016); Stoikov (2018). The formulas
are those of the background participant, fed with what is observed.
"""

from __future__ import annotations

from typing import Any, cast

import numpy as np
import numpy.typing as npt
from pydantic import Field

from agents.directional import DirectionalPolicy, IntArray
from agents.policy import AgentParams, each
from hftgym.participants.imbalance_taker import flow_move, queue_move
from hftgym.training.policy import ObsArray, TaskConstants


class Params(AgentParams):
    """Parameters of `ImbalanceTaker`."""

    flow_weight: float = Field(default=0.5, ge=0.0)
    """Share of the flow's move that is yet to come."""
    depth: float = Field(default=0.2, gt=0.0)
    """Mean size of a quote at the touch, in the unit in which order flow is observed."""
    queue_weight: float = Field(default=1.0, ge=0.0)
    """Weight of the queue imbalance."""
    edge_tick: float = Field(default=0.0)
    """Profit beyond half-spread and fee that it asks for, ticks."""
    hold_s: float = Field(default=5.0, gt=0.0)
    """How long a position is held, seconds."""
    lots: int = Field(default=1, ge=1)
    """Size of a position, lots."""


class ImbalanceTaker(DirectionalPolicy):
    """Opens on a predicted move, closes when time is up or the prediction turns."""

    name = "imbalance taker"
    params_type = Params
    memory = np.dtype([("side", "i8"), ("left", "i8")])  # decisions until it closes

    def targets(self, obs: ObsArray, memory: npt.NDArray[Any]) -> IntArray:
        """Return the positions to hold, lots, shape (envs,)."""
        own, index, h0 = cast(Params, self.params), self.task.obs_index, self.task.half_spread_tick
        half_spread = obs[:, index["spread"]].astype(np.float64) * h0
        imbalance = obs[:, index["imbalance_1"]].astype(np.float64)
        flow = obs[:, index["ofi_1s"]].astype(np.float64)
        predicted = own.flow_weight * each(lambda f: flow_move(f, own.depth), flow)
        queues = each(queue_move, 1.0 + imbalance, 1.0 - imbalance, half_spread)
        predicted += own.queue_weight * queues
        cost = half_spread + self.task.taker_fee_tick + own.edge_tick
        opens = np.abs(predicted) > cost
        memory["left"] = np.maximum(memory["left"] - 1, 0)
        memory["side"][memory["left"] == 0] = 0
        memory["side"][opens] = np.sign(predicted[opens]).astype(np.int64)
        memory["left"][opens] = max(1, round(own.hold_s / self.task.step_s))
        return np.asarray(memory["side"] * own.lots)

    @classmethod
    def grid(cls, task: TaskConstants) -> list[AgentParams]:
        """Return 5 depths times 5 edges times 2 times to hold."""
        return [
            Params(depth=depth, edge_tick=float(edge * task.half_spread_tick), hold_s=hold_s)
            for depth in (0.05, 0.1, 0.2, 0.4, 0.8)
            for edge in (-0.5, 0.0, 0.5, 1.0, 2.0)
            for hold_s in (3.0, 15.0)
        ]
