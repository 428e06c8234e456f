"""Proximal policy optimisation (Schulman et al. 2017) through Stable-Baselines3.

The learner runs on the native vector environment. Returns are normalised by our own statistics,
which are saved with the weights; what comes out is a `PPOPolicy`, which needs no torch.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from pydantic import Field

from agents.ppo_policy import PPOPolicy
from agents.sb3_ppo import SB3Learner, SB3Params, weights_of
from hftgym.training.normalize import ReturnNormalizer

if TYPE_CHECKING:
    from stable_baselines3 import PPO as SB3PPO

__all__ = ["PPO", "PPOPolicy", "Params"]


class Params(SB3Params):
    """Hyper-parameters, by the names of the paper or of Stable-Baselines3."""

    initial_std: float = Field(default=0.4, gt=0.0)
    """Standard deviation of the actions at the start: more forfeits the queue by jitter."""


class PPO(SB3Learner):
    """Learns by proximal policy optimisation, through Stable-Baselines3.

    Args:
        params: Hyper-parameters.
    """

    name = "PPO"
    params_type = Params
    policy_type = PPOPolicy

    def model(self, venv: Any, seed: int, device: str = "cpu") -> SB3PPO:
        """Return Stable-Baselines3's learner on an `SB3VecEnv`, with these hyper-parameters."""
        import torch
        from stable_baselines3 import PPO as SB3PPO

        return SB3PPO(
            "MlpPolicy",
            venv,
            policy_kwargs={
                "net_arch": list(self.params.hidden),
                "activation_fn": torch.nn.Tanh,
                "log_std_init": math.log(self.params.initial_std),
            },
            **self.params.model_arguments(seed, device),
        )

    def policy(self, model: SB3PPO, normalizer: ReturnNormalizer | None = None) -> PPOPolicy:
        """Return what it has learned as a policy that needs no torch."""
        config = self.config(model) | {"actions": int(model.action_space.shape[0])}  # type: ignore[index]
        return PPOPolicy(config, weights_of(model), normalizer.arrays() if normalizer else {})
