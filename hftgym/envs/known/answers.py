"""The known answers of an environment, single or vector: its best policy, values and scores."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from hftgym.envs.known.policy import TablePolicy
from hftgym.envs.known.process import Policy, Process


class KnownAnswer:
    """Mixin of environments of a `Process`.

    Attributes:
        process: the task, with its parameters.
    """

    process: Any

    def optimal_policy(self) -> TablePolicy:
        """Return the best policy; its ``actions`` are the table, (steps, positions, size)."""
        best: TablePolicy = self.process.optimal_policy()
        return best

    def optimal_value(self) -> float:
        """Return J*, what the best policy earns in the mean, by backward dynamic programming."""
        return float(self.process.optimal_value())

    def optimal_values(
        self, obs: npt.NDArray[np.float32], discount: float = 1.0
    ) -> npt.NDArray[np.float64]:
        """Return V*, what the best policy earns in the mean from each state on, shape (n,).

        Args:
            obs: Observations of the states, shape (n, 2).
            discount: Per step, both of the rewards and of what "best" means; a continuing task has
                its own.
        """
        values: npt.NDArray[np.float64] = self.process.optimal_values(obs, discount)
        return values

    def reference_value(self) -> float:
        """Return J_ref: of the best constant quotes, or of TWAP."""
        return float(self.process.reference_value())

    def value(self, policy: Policy | npt.NDArray[Any]) -> float:
        """Return J of a policy's deterministic actions, by the same recursion."""
        return float(self.process.value(policy))

    def score(self, policy: Policy | npt.NDArray[Any]) -> float:
        """Return (J - J_ref) / (J* - J_ref): 0 for the reference, 1 for the optimum.

        Args:
            policy: an object with ``predict(observations, deterministic=True)``, such as a model
                of Stable-Baselines3, or a table of actions in [-1, 1] as `optimal_policy` has.
        """
        return score(self.process, policy)


def score(process: Process, policy: Policy | npt.NDArray[Any]) -> float:
    """Return (J - J_ref) / (J* - J_ref) of a policy on a task."""
    reference = process.reference_value()
    return (process.value(policy) - reference) / (process.optimal_value() - reference)
