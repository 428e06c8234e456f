"""Signal taker: follows the noisy signal of the latent value that ``hftgym/Taking-v0`` shows.

Where signal and value are jointly normal, the best guess of the value less the mid is the signal
times correlation and standard deviation (Kyle 1985, section 2, on what an insider makes of one).
Several signals are averaged with exponential weights, since their noise is independent.
"""

from __future__ import annotations

from typing import Any, cast

import numpy as np
import numpy.typing as npt
from pydantic import Field

from agents.directional import DirectionalPolicy, IntArray
from agents.policy import AgentParams
from hftgym.participants.targeting import kept
from hftgym.training.policy import ObsArray, TaskConstants


class Params(AgentParams):
    """Parameters of `SignalTaker`."""

    memory_s: float = Field(default=1.0, gt=0.0)
    """Memory of the average signal, seconds."""
    edge_tick: float = Field(default=0.0)
    """Profit beyond half-spread and fee that it asks for, ticks."""
    lots: int = Field(default=2, ge=1)
    """Size of a position, lots."""


class SignalTaker(DirectionalPolicy):
    """Opens where the value is guessed beyond the costs, closes when the guess changes its sign."""

    name = "signal taker"
    params_type = Params
    memory = np.dtype([("sum", "f8"), ("weight", "f8"), ("weight2", "f8"), ("side", "i8")])

    def targets(self, obs: ObsArray, memory: npt.NDArray[Any]) -> IntArray:
        """Return the positions to hold, lots, shape (envs,)."""
        own, task = cast(Params, self.params), self.task
        keep = kept(round(task.step_s * 1e9), own.memory_s)
        signal = obs[:, task.obs_index["signal"]].astype(np.float64)
        memory["sum"] = keep * memory["sum"] + signal
        memory["weight"] = keep * memory["weight"] + 1.0
        memory["weight2"] = keep * keep * memory["weight2"] + 1.0
        mean = memory["sum"] / memory["weight"]
        # Of n equal signals: the noise has variance (1 - rho^2) / n.
        rho2 = task.signal_correlation**2
        noise = (1.0 - rho2) * memory["weight2"] / memory["weight"] ** 2
        guess = mean * task.signal_correlation * task.offset_sd_tick / (rho2 + noise)
        half_spread = obs[:, task.obs_index["spread"]].astype(np.float64) * task.half_spread_tick
        opens = np.abs(guess) > half_spread + task.taker_fee_tick + own.edge_tick
        memory["side"][memory["side"] * guess < 0.0] = 0
        memory["side"][opens] = np.sign(guess[opens]).astype(np.int64)
        return np.asarray(memory["side"] * own.lots)

    @classmethod
    def grid(cls, task: TaskConstants) -> list[AgentParams]:
        """Return 5 memories times 5 edges times 2 sizes."""
        return [
            Params(memory_s=memory_s, edge_tick=float(edge * task.half_spread_tick), lots=lots)
            for memory_s in (0.2, 1.0, 2.0, 4.0, 8.0)
            for edge in (-0.5, 0.0, 0.5, 1.0, 2.0)
            for lots in (1, 5)
        ]
