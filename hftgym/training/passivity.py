"""The passivity alarm: has the learner stopped trading?

A market maker that loses to informed flow can learn to withdraw, and its reward then looks calm and
fine. The alarm watches three signs in each rollout: fills an episode, the share of steps with a
live quote, and the share of actions that withdraw both sides.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from hftgym.training.policy import WITHDRAW

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class PassivityLimits:
    """When a rollout counts as passive: any one sign is enough.

    Attributes:
        min_fills: Fewest fills an episode.
        min_quoting_share: Smallest share of steps with at least one live quote.
        max_withdraw_rate: Largest share of decisions that withdraw both sides.
        patience: Passive rollouts in a row until the alarm.
    """

    min_fills: float = 2.0
    min_quoting_share: float = 0.05
    max_withdraw_rate: float = 0.95
    patience: int = 2


class PassivityMonitor:
    """Counts passive rollouts and raises the alarm once, until trading resumes.

    Args:
        limits: When a rollout counts as passive.
    """

    def __init__(self, limits: PassivityLimits | None = None) -> None:
        self.limits = limits or PassivityLimits()
        self.alarm = False
        self._in_a_row = 0

    def update(
        self,
        *,
        withdraw_rate: float,
        fills: float | None = None,
        quoting_share: float | None = None,
        step: int = 0,
    ) -> bool:
        """Take the figures of one rollout.

        Args:
            withdraw_rate: Share of decisions that withdraw both sides.
            fills: Mean fills of the episodes that ended; None when none ended.
            quoting_share: Mean share of steps with a live quote; None when none ended.
            step: Environment steps done, for the message.

        Returns:
            Whether the alarm is on.
        """
        signs = self._signs(withdraw_rate, fills, quoting_share)
        self._in_a_row = self._in_a_row + 1 if signs else 0
        if signs and self._in_a_row >= self.limits.patience and not self.alarm:
            self.alarm = True
            logger.warning(
                "passive: the agent has almost stopped trading at step %d (%s); compare it with "
                "do-nothing before you believe its reward",
                step,
                ", ".join(signs),
            )
        elif self.alarm and not signs:
            self.alarm = False
            logger.warning("passive no more: the agent trades again at step %d", step)
        return self.alarm

    def state(self) -> dict[str, Any]:
        """Return what later updates depend on."""
        return {"alarm": self.alarm, "in_a_row": self._in_a_row}

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from what `state` has said."""
        self.alarm = bool(state["alarm"])
        self._in_a_row = int(state["in_a_row"])

    def _signs(
        self, withdraw_rate: float, fills: float | None, quoting_share: float | None
    ) -> list[str]:
        limits = self.limits
        signs = []
        if withdraw_rate > limits.max_withdraw_rate:
            signs.append(f"{withdraw_rate:.1%} of decisions withdraw both sides")
        if fills is not None and fills < limits.min_fills:
            signs.append(f"{fills:.2f} fills an episode")
        if quoting_share is not None and quoting_share < limits.min_quoting_share:
            signs.append(f"a live quote in {quoting_share:.1%} of steps")
        return signs


def withdraw_rate(actions: npt.ArrayLike, *, choices: bool = False) -> float:
    """Return the share of decisions that withdraw both sides.

    Args:
        actions: Actions as sampled, shape (..., 2), or with two sizes behind; beyond 1 counts as 1.
        choices: They are choices, of which the first one withdraws. Choices about single orders
            (not two of them) withdraw nothing.
    """
    array = np.asarray(actions)
    if array.size == 0 or (choices and array.shape[-1] != 2):
        return 0.0
    quotes = array[..., :2]
    return float((quotes == 0 if choices else quotes >= WITHDRAW).all(axis=-1).mean())
