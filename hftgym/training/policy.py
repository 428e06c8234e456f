"""The face of a policy, and what a task tells it.

Baselines and learners get the same observations and answer with the same actions. Whoever has the
methods below takes part; nothing needs to be inherited.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt

ObsArray = npt.NDArray[np.float32]  # (envs, observations)
ActionArray = npt.NDArray[np.float32]  # (envs, 2): bid, ask
UInt64Array = npt.NDArray[np.uint64]

WITHDRAW = 0.98  # an action of at least this withdraws the side
DISTANCE_BASE = 4.0  # distance = half_spread_tick * DISTANCE_BASE ** action


class TaskConstants(Protocol):
    """Public constants of a task: what a policy may know beside its observations."""

    @property
    def half_spread_tick(self) -> float:
        """Half-spread of the tuned constant quoter, in ticks: action 0."""

    @property
    def max_inventory_lot(self) -> float:
        """Largest absolute inventory, in lots; the breaching side is pulled."""

    @property
    def horizon_s(self) -> float:
        """Length of an episode, in seconds."""

    @property
    def step_s(self) -> float:
        """Time between two decisions, in seconds."""

    @property
    def sigma_tick_per_sqrt_s(self) -> float:
        """Volatility of the price, in ticks per square root of a second."""

    @property
    def phi(self) -> float:
        """Inventory penalty, in ticks per lot squared and second."""

    @property
    def taker_fee_tick(self) -> float:
        """Fee of the aggressor, in ticks per lot."""

    @property
    def role(self) -> str:
        """``maker``, ``executor``, ``taker``, ``trader`` or ``leg`` (of a pair)."""

    @property
    def signal_correlation(self) -> float:
        """Correlation of a taker's signal with the latent value less the mid."""

    @property
    def offset_sd_tick(self) -> float:
        """Standard deviation of that difference, in ticks."""

    @property
    def target_lots(self) -> int:
        """Lots that an executor has to buy; negative: to sell."""

    @property
    def obs_index(self) -> Mapping[str, int]:
        """Column of each observation by name."""


@runtime_checkable
class Policy(Protocol):
    """Decides for a batch of environments.

    Attributes:
        name: Name in tables and files.
        needs_truth: True for a ceiling that sees what no participant can know.
    """

    name: str
    needs_truth: bool

    def initial_state(self, market_seeds: UInt64Array) -> Any:
        """Return the state of new episodes on these markets, shape (envs,); None if stateless."""

    def observe_truth(self, truth: Mapping[str, npt.NDArray[np.float64]]) -> None:
        """Take the truth of the current step; called only when `needs_truth` is set."""

    def predict(
        self,
        obs: ObsArray,
        state: Any = None,
        episode_start: npt.NDArray[np.bool_] | None = None,
        deterministic: bool = True,
    ) -> tuple[ActionArray, Any]:
        """Return actions in [-1, 1], shape (envs, 2), and the next state.

        Args:
            obs: Observations, shape (envs, observations).
            state: What the last call (or `initial_state`) returned.
            episode_start: Which environments begin an episode, shape (envs,).
            deterministic: False draws from the policy's distribution.
        """
