"""Observations that are centred and scaled before Stable-Baselines3's networks see them."""

from __future__ import annotations

import gymnasium
import numpy as np
import numpy.typing as npt
import torch
from stable_baselines3.common.torch_layers import BaseFeaturesExtractor
from torch import Tensor


class ScaledObservations(BaseFeaturesExtractor):
    """(observation - mean) / std, with figures that are measured once and stay.

    Args:
        space: Of the observations.
        mean: Shape (observations,).
        std: The same, above zero.
    """

    mean: Tensor
    std: Tensor

    def __init__(
        self,
        space: gymnasium.spaces.Box,
        mean: npt.NDArray[np.float64],
        std: npt.NDArray[np.float64],
    ) -> None:
        super().__init__(space, len(mean))
        self.register_buffer("mean", torch.as_tensor(mean, dtype=torch.float32))
        self.register_buffer("std", torch.as_tensor(std, dtype=torch.float32))

    def forward(self, observations: Tensor) -> Tensor:
        """Return scaled observations."""
        return (observations - self.mean) / self.std
