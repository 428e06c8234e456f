"""A policy that looks its actions up in a table of time and position."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from hftgym.envs.known.process import ActionArray, FloatArray


class TablePolicy:
    """Looks up the action of an observed step and position.

    Args:
        name: in tables and files.
        actions: in [-1, 1], shape (steps, positions, action_size). One step or one position: the
            action does not depend on it.
        steps: decisions in an episode.

    Attributes:
        actions: the table, float32.
        needs_truth: False.
    """

    needs_truth = False

    def __init__(self, name: str, actions: npt.NDArray[Any], steps: int) -> None:
        self.name = name
        self.actions: ActionArray = np.asarray(actions, np.float32)
        self._steps = steps

    def initial_state(self, market_seeds: Any) -> None:
        """Return None: what the policy does depends on the observation alone."""

    def observe_truth(self, truth: Mapping[str, FloatArray]) -> None:
        """Ignore the truth."""

    def predict(
        self,
        obs: npt.NDArray[Any],
        state: Any = None,
        episode_start: npt.NDArray[np.bool_] | None = None,
        deterministic: bool = True,
    ) -> tuple[ActionArray, Any]:
        """Return actions, shape (n, action_size), and the state unchanged.

        Args:
            obs: observations, shape (n, 2), or (2,) for one action of shape (action_size,).
            state: handed back.
            episode_start: not used.
            deterministic: not used: the policy is.
        """
        seen = np.asarray(obs, np.float64)
        rows, columns = self.actions.shape[:2]
        half = (columns - 1) // 2
        step = np.rint(seen[..., 0] * self._steps).astype(np.int64).clip(0, rows - 1)
        place = np.rint(seen[..., 1] * half).astype(np.int64).clip(-half, half) + half
        return self.actions[step, place], state
