"""PPO with a memory: an LSTM before policy and critic, through sb3-contrib.

Hochreiter and Schmidhuber (1997), "Long short-term memory"; trained as in Schulman et al. (2017)
on the sequences of a rollout. What one observation does not hold (the flow of a minute, how a quote
was answered) can be remembered.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
from pydantic import Field

from agents.network import FloatArray, NetworkPolicy, Weights, checked, forward, layers
from agents.noise import NoiseState, normals
from agents.sb3_ppo import SB3Learner, SB3Params, weights_of
from hftgym.training.normalize import ReturnNormalizer
from hftgym.training.policy import ActionArray, ObsArray, UInt64Array

if TYPE_CHECKING:
    from sb3_contrib import RecurrentPPO as ContribPPO

__all__ = ["Params", "RecurrentPPO", "RecurrentPolicy"]


class Params(SB3Params):
    """Hyper-parameters, by the names of the paper or of Stable-Baselines3."""

    n_epochs: int = Field(default=4, ge=1)
    """Passes over a rollout; sequences make them dear."""
    hidden: tuple[int, ...] = Field(default=(64,), min_length=1)
    """Widths of the tanh layers behind the memory."""
    lstm: int = Field(default=64, ge=1)
    """Numbers that the memory of the policy holds; the critic has as many of its own."""
    initial_std: float = Field(default=0.4, gt=0.0)
    """Standard deviation of the actions at the start."""


@dataclass(frozen=True)
class MemoryState:
    """What a recurrent policy carries from step to step.

    Attributes:
        noise: Where its draws stand.
        hidden: What the memory shows, shape (envs, lstm).
        cell: What it holds, the same shape.
    """

    noise: NoiseState
    hidden: FloatArray
    cell: FloatArray


class RecurrentPolicy(NetworkPolicy):
    """Gaussian policy behind a memory.

    Args:
        config: Contents of ``policy.json``.
        weights: Arrays of the network by name, as the learner calls them.
        normalizer: Arrays of the return normaliser.
        name: Name in tables.
    """

    array_files = ("weights", "normalizer")

    def __init__(
        self,
        config: Mapping[str, Any],
        weights: Weights,
        normalizer: Weights | None = None,
        name: str = "RecurrentPPO",
    ) -> None:
        super().__init__(config, weights, name)
        self.normalizer = dict(normalizer or {})
        self.lstm = int(self.config["lstm"])
        four, inputs = 4 * self.lstm, self.widths[0]
        shapes = {"weight_ih": (four, inputs), "weight_hh": (four, self.lstm)}
        shapes |= {"bias_ih": (four,), "bias_hh": (four,)}  # type: ignore[dict-item]
        found = {k: checked(self.weights, f"lstm_actor.{k}_l0", s) for k, s in shapes.items()}
        self._from_obs, self._from_hidden = found["weight_ih"].T, found["weight_hh"].T
        self._bias = found["bias_ih"] + found["bias_hh"]
        widths = [self.lstm, *self.widths[1:]]
        trunk = "mlp_extractor.policy_net"
        self._policy = layers(self.weights, trunk, widths, "action_net", self.actions)
        self._std = np.exp(checked(self.weights, "log_std", (self.actions,)))

    def initial_state(self, market_seeds: UInt64Array) -> Any:
        """Return an empty memory, and the start of the draws on these markets."""
        empty = np.zeros((len(market_seeds), self.lstm))
        return MemoryState(NoiseState.begin(market_seeds), empty, empty)

    def predict(
        self,
        obs: ObsArray,
        state: Any = None,
        episode_start: npt.NDArray[np.bool_] | None = None,
        deterministic: bool = True,
    ) -> tuple[ActionArray, Any]:
        """Return the mean action, or a draw around it, shape (envs, actions), and the state."""
        if state is None:
            state = self.initial_state(np.arange(len(obs), dtype=np.uint64))
        hidden, cell = state.hidden, state.cell
        if episode_start is not None:
            keep = ~np.asarray(episode_start, np.bool_)[:, None]
            hidden, cell = hidden * keep, cell * keep
        gates = obs.astype(np.float64) @ self._from_obs + hidden @ self._from_hidden + self._bias
        enter, forget, new, show = np.split(gates, 4, axis=1)
        cell = _sigmoid(forget) * cell + _sigmoid(enter) * np.tanh(new)
        hidden = _sigmoid(show) * np.tanh(cell)
        action = forward(self._policy, hidden)
        if not deterministic:
            action = action + self._std * normals(state.noise, self.actions)
        after = MemoryState(state.noise.advance(), hidden, cell)
        return np.clip(action, -1.0, 1.0).astype(np.float32), after


class RecurrentPPO(SB3Learner):
    """Learns by proximal policy optimisation with a memory, through sb3-contrib.

    Args:
        params: Hyper-parameters.
    """

    name = "RecurrentPPO"
    params_type = Params
    policy_type = RecurrentPolicy

    def model(self, venv: Any, seed: int, device: str = "cpu") -> ContribPPO:
        """Return sb3-contrib's learner on an `SB3VecEnv`, with these hyper-parameters."""
        import torch
        from sb3_contrib import RecurrentPPO as ContribPPO

        return ContribPPO(
            "MlpLstmPolicy",
            venv,
            policy_kwargs={
                "net_arch": list(self.params.hidden),
                "activation_fn": torch.nn.Tanh,
                "log_std_init": math.log(self.params.initial_std),
                "lstm_hidden_size": self.params.lstm,
            },
            **self.params.model_arguments(seed, device),
        )

    def policy(
        self, model: ContribPPO, normalizer: ReturnNormalizer | None = None
    ) -> RecurrentPolicy:
        """Return what it has learned as a policy that needs no torch."""
        actions = int(model.action_space.shape[0])  # type: ignore[index]
        config = self.config(model) | {"actions": actions, "lstm": self.params.lstm}
        return RecurrentPolicy(config, weights_of(model), normalizer.arrays() if normalizer else {})


def _sigmoid(x: FloatArray) -> FloatArray:
    return np.asarray(0.5 * (1.0 + np.tanh(0.5 * x)))
