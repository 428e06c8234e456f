"""Mean reversion: trades against a mid that is far from its own moving average.

Poterba and Summers (1988); the rules for scores are those of Avellaneda and Lee (2010), section 4.
They are the ones that the background participant uses, fed with the observed returns.
"""

from __future__ import annotations

from typing import Any, cast

import numpy as np
import numpy.typing as npt
from pydantic import Field, model_validator

from agents.directional import DirectionalPolicy, IntArray, move_tick
from agents.policy import AgentParams
from hftgym.participants.mean_reversion import MEMORY, react, update
from hftgym.training.policy import ObsArray, TaskConstants


class Params(AgentParams):
    """Parameters of `MeanReversion`."""

    memory_s: float = Field(default=60.0, gt=0.0)
    """Memory of the average, and warm-up, seconds."""
    entry_score: float = Field(default=1.25, gt=0.0)
    """Opens beyond it, standard deviations."""
    exit_score: float = Field(default=0.5, ge=0.0)
    """Closes within it, standard deviations."""
    stop_score: float = Field(default=4.0, gt=0.0)
    """Gives up beyond it, standard deviations."""
    lots: int = Field(default=2, ge=1)
    """Size of a position, lots."""

    @model_validator(mode="after")
    def _check_order(self) -> Params:
        if not self.exit_score < self.entry_score < self.stop_score:
            raise ValueError("must be exit_score < entry_score < stop_score")
        return self


class MeanReversion(DirectionalPolicy):
    """Opens, keeps, closes and gives up by the score of the mid."""

    name = "mean reversion"
    params_type = Params
    memory = np.dtype([("rules", MEMORY), ("mid_tick", "f8"), ("decisions", "i8")])

    def targets(self, obs: ObsArray, memory: npt.NDArray[Any]) -> IntArray:
        """Return the positions to hold, lots, shape (envs,)."""
        own = cast(Params, self.params)
        step_ns = round(self.task.step_s * 1e9)
        known = memory["decisions"] > 0
        memory["mid_tick"] += np.where(known, move_tick(self.task, obs), 0.0)
        warm = memory["decisions"] * self.task.step_s > own.memory_s
        rules, least_tick = memory["rules"], 0.5
        for i, mid in enumerate(memory["mid_tick"].tolist()):
            if warm[i]:
                sd = max(float(np.sqrt(rules[i]["variance_px2"])), least_tick)
                score = (mid - float(rules[i]["mean_px"])) / sd
                react(rules[i], score, own.entry_score, own.exit_score, own.stop_score)
            if known[i]:
                update(rules[i], mid, step_ns, own.memory_s)
        memory["decisions"] += 1
        return np.asarray(rules["side"] * own.lots)

    @classmethod
    def grid(cls, task: TaskConstants) -> list[AgentParams]:
        """Return 5 memories times 5 entries times 2 sizes."""
        return [
            Params(memory_s=memory_s, entry_score=entry, lots=lots)
            for memory_s in (10.0, 20.0, 40.0, 60.0, 90.0)
            for entry in (1.0, 1.5, 2.0, 2.5, 3.0)
            for lots in (1, 4)
        ]
