"""What scripted agents share: parameters, distances in ticks to actions, states.

The `Policy` protocol itself lives beside the code that plays policies, so that a user's agent needs
no import from here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict

from hftgym.training.policy import (
    DISTANCE_BASE,
    WITHDRAW,
    ActionArray,
    ObsArray,
    Policy,
    TaskConstants,
    UInt64Array,
)

__all__ = ["TRIALS", "AgentParams", "Policy", "ScriptedPolicy", "distances_to_actions", "each"]

FloatArray = npt.NDArray[np.float64]

# Tuning budget of every baseline, so that none is favoured.
TRIALS = 50

# A side farther away than the largest distance that can be quoted is withdrawn.
_FARTHEST = WITHDRAW - 1e-3


class AgentParams(BaseModel):
    """Base of an agent's parameters: frozen, unknown names refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


def distances_to_actions(distance_tick: npt.ArrayLike, half_spread_tick: float) -> ActionArray:
    """Return the actions that quote at these distances from the observed mid.

    The inverse of ``distance = half_spread_tick * 4 ** action``. Distances below the smallest
    that an action reaches (a quarter of the half-spread; also negative ones) become that one; an
    infinite distance, or one beyond the largest, withdraws the side.

    Args:
        distance_tick: Distances of bid and ask, in ticks, shape (envs, 2).
        half_spread_tick: Distance at action 0, in ticks.

    Returns:
        Actions in [-1, 1], shape (envs, 2).
    """
    distance = np.asarray(distance_tick, np.float64)
    nearest = half_spread_tick / DISTANCE_BASE
    action = np.log(np.maximum(distance, nearest) / half_spread_tick) / np.log(DISTANCE_BASE)
    return np.where(action > _FARTHEST, 1.0, np.clip(action, -1.0, 1.0)).astype(np.float32)


class ScriptedPolicy:
    """Base of policies that compute two distances from the observations.

    Args:
        task: Public constants of the task.
        params: Parameters; the defaults of the class when not given.

    Attributes:
        name: Name in tables.
        role: Whose place it takes: that of a ``maker`` or of an ``executor``.
        needs_truth: Whether the runner hands over the truth.
    """

    name: str
    role: ClassVar[str] = "maker"
    needs_truth: bool = False
    params_type: ClassVar[type[AgentParams]] = AgentParams

    def __init__(self, task: TaskConstants, params: Any = None) -> None:
        self.task = task
        kind = self.params_type
        self.params = kind() if params is None else kind.model_validate(params)

    def initial_state(self, market_seeds: UInt64Array) -> Any:
        """Return None: what these policies do depends on the observation alone."""
        return None

    def observe_truth(self, truth: Mapping[str, FloatArray]) -> None:
        """Ignore the truth."""

    def distances(self, obs: ObsArray) -> FloatArray:
        """Return distances of bid and ask from the mid, ticks, shape (envs, 2)."""
        raise NotImplementedError

    def predict(
        self,
        obs: ObsArray,
        state: Any = None,
        episode_start: npt.NDArray[np.bool_] | None = None,
        deterministic: bool = True,
    ) -> tuple[ActionArray, Any]:
        """Return actions, shape (envs, 2), and the state unchanged."""
        return distances_to_actions(self.distances(obs), self.task.half_spread_tick), state

    @classmethod
    def grid(cls, task: TaskConstants) -> list[AgentParams]:
        """Return the parameters to choose from on tuning markets: at most `TRIALS`."""
        return [cls.params_type()]

    def inventory_lot(self, obs: ObsArray) -> npt.NDArray[np.int64]:
        """Return the observed inventory in lots, shape (envs,)."""
        scaled = obs[:, self.task.obs_index["inventory"]].astype(np.float64)
        return np.rint(scaled * self.task.max_inventory_lot).astype(np.int64)


def each(formula: Callable[..., float], *arrays: npt.NDArray[Any]) -> FloatArray:
    """Return a compiled formula of each row of arguments, shape (envs,)."""
    columns = [array.tolist() for array in arrays]
    return np.array([formula(*row) for row in zip(*columns, strict=True)], np.float64)
