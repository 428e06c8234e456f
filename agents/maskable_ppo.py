"""PPO over choices, some of which make no sense now (Huang and Ontanon 2022), by sb3-contrib.

"A closer look at invalid action masking in policy gradient algorithms": a choice that can not be
taken gets no probability, so nothing is learned from trying it. For environments with
``action="discrete"`` (withdraw, keep, join, improve or go behind, each side for itself; or sell,
wait, buy) and with ``action="orders"`` (one order to place, amend or cancel).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
from gymnasium import spaces

from agents.network import NetworkPolicy, Weights, forward, layers
from agents.noise import NoiseState, uniforms
from agents.sb3_ppo import SB3Learner, SB3Params, weights_of
from hftgym.training.normalize import ReturnNormalizer
from hftgym.training.policy import ObsArray

if TYPE_CHECKING:
    from sb3_contrib import MaskablePPO as ContribPPO

__all__ = ["MaskablePPO", "MaskablePolicy", "Params"]

IntArray = npt.NDArray[np.int64]


class Params(SB3Params):
    """Hyper-parameters, by the names of the paper or of Stable-Baselines3."""

    ent_coef: float = 0.003
    """Weight of the entropy bonus: choices, unlike a deviation that starts small, need one."""


class MaskablePolicy(NetworkPolicy):
    """Chooses one of several for each component, among those that make sense.

    Args:
        config: Contents of ``policy.json``.
        weights: Arrays of the network by name, as the learner calls them.
        normalizer: Arrays of the return normaliser.
        name: Name in tables.
    """

    array_files = ("weights", "normalizer")
    needs_mask = True

    def __init__(
        self,
        config: Mapping[str, Any],
        weights: Weights,
        normalizer: Weights | None = None,
        name: str = "MaskablePPO",
    ) -> None:
        super().__init__(config, weights, name)
        self.normalizer = dict(normalizer or {})
        choices = self.config["choices"]
        self.single = isinstance(choices, int)  # one choice, and actions without a second axis
        self.choices = [choices] if self.single else [int(n) for n in choices]
        trunk = "mlp_extractor.policy_net"
        self._policy = layers(self.weights, trunk, self.widths, "action_net", self.actions)
        self._mask: npt.NDArray[np.bool_] | None = None

    def observe_mask(self, mask: npt.ArrayLike) -> None:
        """Take which choices make sense now, shape (envs, all choices); it counts once."""
        self._mask = np.asarray(mask, np.bool_)

    def predict(
        self,
        obs: ObsArray,
        state: Any = None,
        episode_start: npt.NDArray[np.bool_] | None = None,
        deterministic: bool = True,
    ) -> tuple[IntArray, Any]:
        """Return the likeliest choices, or drawn ones, and the state.

        Shape (envs, components), or (envs,) where an action is a single choice.
        """
        logits = forward(self._policy, obs)
        mask, self._mask = self._mask, None
        if mask is not None:
            logits = np.where(mask, logits, -np.inf)
        noise = NoiseState.begin(np.arange(len(obs))) if state is None else state
        if not deterministic:  # the largest of logit + Gumbel noise is a draw (Gumbel 1954)
            logits = logits - np.log(-np.log(uniforms(noise, logits.shape[1])))
        parts = np.split(logits, np.cumsum(self.choices)[:-1], axis=1)
        chosen = np.stack([part.argmax(axis=1) for part in parts], axis=1)
        return chosen[:, 0] if self.single else chosen, noise.advance()


class MaskablePPO(SB3Learner):
    """Learns by proximal policy optimisation over masked choices, through sb3-contrib.

    Args:
        params: Hyper-parameters.
    """

    name = "MaskablePPO"
    actions = ("discrete", "orders")
    params_type = Params
    policy_type = MaskablePolicy

    def model(self, venv: Any, seed: int, device: str = "cpu") -> ContribPPO:
        """Return sb3-contrib's learner on an `SB3VecEnv`, with these hyper-parameters."""
        import torch
        from sb3_contrib import MaskablePPO as ContribPPO

        return ContribPPO(
            "MlpPolicy",
            venv,
            policy_kwargs={
                "net_arch": list(self.params.hidden),
                "activation_fn": torch.nn.Tanh,
            },
            **self.params.model_arguments(seed, device),
        )

    def policy(
        self, model: ContribPPO, normalizer: ReturnNormalizer | None = None
    ) -> MaskablePolicy:
        """Return what it has learned as a policy that needs no torch."""
        space: Any = model.action_space
        single = isinstance(space, spaces.Discrete)
        choices = int(space.n) if single else [int(n) for n in space.nvec]
        config = self.config(model) | {"choices": choices, "actions": int(np.sum(choices))}
        return MaskablePolicy(config, weights_of(model), normalizer.arrays() if normalizer else {})
