"""Return normalisation: rewards divided by the running standard deviation of discounted returns.

The statistics are learned while training and saved with the policy, so that a later run or a
critic sees the same scale. Means are not subtracted: the sign of a reward is kept.

Reference: Engstrom et al. (2020), "Implementation matters in deep policy gradients".
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]


class ReturnNormalizer:
    """Scales rewards of a batch of environments.

    Args:
        num_envs: Number of environments.
        gamma: Discount of the returns.
        clip: Largest absolute scaled reward.
    """

    def __init__(self, num_envs: int, gamma: float, clip: float = 10.0) -> None:
        self.gamma = gamma
        self.clip = clip
        self.frozen = False
        self.count = 0.0
        self.mean = 0.0
        self.variance = 1.0
        self._returns = np.zeros(num_envs)

    @property
    def scale(self) -> float:
        """Standard deviation by which rewards are divided, in units of reward."""
        return float(np.sqrt(self.variance + 1e-8))

    def reset(self) -> None:
        """Forget the returns under way: all environments begin anew."""
        self._returns[:] = 0.0

    def __call__(self, rewards: FloatArray, done: npt.NDArray[np.bool_]) -> FloatArray:
        """Return scaled rewards, shape (envs,), after learning from these.

        Args:
            rewards: Rewards of this step, shape (envs,).
            done: Which episodes ended in it, shape (envs,).
        """
        if not self.frozen:
            self._returns = self._returns * self.gamma + rewards
            self._learn(self._returns)
            self._returns[done] = 0.0
        return np.clip(rewards / self.scale, -self.clip, self.clip)

    def _learn(self, batch: FloatArray) -> None:
        """Merge the moments of a batch (Chan, Golub and LeVeque 1979)."""
        n, mean, variance = float(len(batch)), float(batch.mean()), float(batch.var())
        total = self.count + n
        shift = mean - self.mean
        squares = self.variance * self.count + variance * n + shift**2 * self.count * n / total
        self.mean += shift * n / total
        self.variance = squares / total
        self.count = total

    def arrays(self) -> dict[str, FloatArray]:
        """Return what has to be saved."""
        return {
            "return_moments": np.array([self.count, self.mean, self.variance]),
            "return_settings": np.array([self.gamma, self.clip]),
            "returns": self._returns.copy(),
        }

    @classmethod
    def from_arrays(cls, arrays: dict[str, FloatArray], *, frozen: bool = True) -> ReturnNormalizer:
        """Return the normaliser that `arrays` describes."""
        gamma, clip = (float(x) for x in arrays["return_settings"])
        made = cls(len(arrays["returns"]), gamma, clip)
        made.count, made.mean, made.variance = (float(x) for x in arrays["return_moments"])
        made._returns = np.array(arrays["returns"], np.float64)
        made.frozen = frozen
        return made
