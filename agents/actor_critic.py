"""Actor and critic of our own learners: two separate tanh networks, and the policy's distribution.

Parameters have the names that Stable-Baselines3 gives them, so that `PPOPolicy` reads either.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import gymnasium
import numpy as np
import torch
from torch import Tensor, nn

from agents.network import FORMAT, take_scale
from agents.ppo_policy import PPOPolicy
from agents.tanh_layer import TanhLayer
from hftgym.errors import UsageError

_LINE = 16  # float32 numbers in a line of the processor's cache
_LOG_2PI = math.log(2.0 * math.pi)


class ActorCritic(nn.Module):
    """A Gaussian policy over a box, or a categorical one over choices, and a value.

    The Gaussian's standard deviation does not depend on the observation. Weights begin orthogonal,
    those of the policy's last layer small, so that the first policy is the same everywhere
    (Engstrom et al. 2020, "Implementation matters in deep policy gradients").

    Attributes:
        obs_mean: Subtracted from observations; zeros until somebody measures it.
        obs_std: Observations are divided by it; ones until somebody measures it.
        scales: Whether either is anything else.

    Args:
        observations: Numbers in an observation.
        action_space: A ``Box`` of one dimension, or ``Discrete``.
        hidden: Widths of the layers of either network.
        initial_std: Standard deviation of a Gaussian policy at the start.

    Raises:
        UsageError: The action space is another one.
    """

    obs_mean: Tensor
    obs_std: Tensor

    def __init__(
        self,
        observations: int,
        action_space: gymnasium.Space[Any],
        hidden: Sequence[int],
        initial_std: float,
    ) -> None:
        super().__init__()
        box = isinstance(action_space, gymnasium.spaces.Box) and len(action_space.shape) == 1
        if not box and not isinstance(action_space, gymnasium.spaces.Discrete):
            raise UsageError("HG-U230", f"action space {action_space}: must be a Box or Discrete")
        self.discrete = not box
        self.outputs = int(action_space.shape[0] if box else action_space.n)  # type: ignore[index,attr-defined]
        self.hidden = tuple(hidden)
        self.register_buffer("obs_mean", torch.zeros(observations), persistent=False)
        self.register_buffer("obs_std", torch.ones(observations), persistent=False)
        self.scales = False
        self.mlp_extractor = nn.ModuleDict(
            {name: _trunk(observations, hidden) for name in ("policy_net", "value_net")}
        )
        self.action_net = _begin(nn.Linear(hidden[-1], self.outputs), gain=0.01)
        self.value_net = _begin(nn.Linear(hidden[-1], 1), gain=1.0)
        if box:
            self.log_std = nn.Parameter(torch.full((self.outputs,), math.log(initial_std)))

    def values(self, obs: Tensor) -> Tensor:
        """Return expected discounted returns, shape (n,)."""
        values: Tensor = self.value_net(self.mlp_extractor["value_net"](self.scaled(obs)))[:, 0]
        return values

    def act(self, obs: Tensor, generator: torch.Generator | None = None) -> Tensor:
        """Draw actions, shape (n, actions), or (n,) of choices; a box's may lie outside of it."""
        return self.draw(self.head(obs), generator)

    def evaluate(self, obs: Tensor, actions: Tensor) -> tuple[Tensor, Tensor]:
        """Return the logarithm of the actions' density (or chance), and the entropy, each (n,)."""
        return self.judge(self.head(obs), actions)

    def head(self, obs: Tensor) -> Tensor:
        """Return the means of the actions, or the scores of the choices, shape (n, outputs)."""
        head: Tensor = self.action_net(self.mlp_extractor["policy_net"](self.scaled(obs)))
        return head

    def draw(self, head: Tensor, generator: torch.Generator | None = None) -> Tensor:
        """Draw actions as `act` does, given the head of their observations."""
        if self.discrete:
            return torch.multinomial(torch.softmax(head, 1), 1, generator=generator)[:, 0]
        return head + torch.exp(self.log_std) * torch.randn(head.shape, generator=generator)

    def judge(self, head: Tensor, actions: Tensor) -> tuple[Tensor, Tensor]:
        """Return what `evaluate` does, given the head of the observations."""
        if self.discrete:
            logs = torch.log_softmax(head, 1)
            chosen = logs.gather(1, actions[:, None].long())[:, 0]
            return chosen, -(logs.exp() * logs).sum(1)
        z = (actions - head) * torch.exp(-self.log_std)
        log_prob = -0.5 * (z * z + _LOG_2PI).sum(1) - self.log_std.sum()
        entropy = (self.log_std + 0.5 * (1.0 + _LOG_2PI)).sum()
        return log_prob, entropy.expand(len(head))

    def anneal_std(self, initial: float, final: float, share: float) -> None:
        """Set the Gaussian's standard deviation to what it is after a share of the training.

        It goes from one to the other exponentially. Quotes that are drawn with a wide deviation
        earn less the nearer their mean is to the mid, so a learner whose deviation stays quotes
        wider than is best for the policy that is judged.
        """
        with torch.no_grad():
            self.log_std.fill_(float(np.log(initial * (final / initial) ** share)))

    def as_one(self) -> nn.Parameter:
        """Return all weights as one tensor, of which they are views from now on; so its gradient.

        An optimiser asks for each tensor what it is, and so does the norm of the gradient: with one
        instead of thirteen, learning took 0.97 of the time.
        """
        parts = list(self.parameters())
        firsts = np.cumsum([0] + [-(-part.numel() // _LINE) * _LINE for part in parts])
        whole = nn.Parameter(torch.zeros(int(firsts[-1])))
        whole.grad = torch.zeros_like(whole)
        weights = whole.detach()
        for part, first in zip(parts, firsts.tolist(), strict=False):
            here = slice(first, first + part.numel())
            weights[here] = part.detach().reshape(-1)
            part.data, part.grad = weights[here].view_as(part), whole.grad[here].view_as(part)
        return whole

    def policy(
        self, name: str, steps: int, params: Any, normalizer: dict[str, Any] | None = None
    ) -> PPOPolicy:
        """Return the Gaussian policy as one that needs no torch.

        Args:
            name: Name in tables.
            steps: Environment steps that it has learned from.
            params: Hyper-parameters, kept with it.
            normalizer: Arrays of the return normaliser.
        """
        weights = {
            key: np.array(value.detach().numpy()) for key, value in self.state_dict().items()
        }
        mean, std = self.obs_mean.double().numpy(), self.obs_std.double().numpy()
        for net in ("policy_net", "value_net"):  # the scale of observations goes into the weights
            take_scale(weights, f"mlp_extractor.{net}.0", mean, std)
        config = {
            "format": FORMAT,
            "observations": int(weights["mlp_extractor.policy_net.0.weight"].shape[1]),
            "actions": self.outputs,
            "hidden": list(self.hidden),
            "activation": "tanh",
            "steps": steps,
            "params": params.model_dump(mode="json"),
        }
        return PPOPolicy(config, weights, normalizer or {}, name)

    def scaled(self, obs: Tensor) -> Tensor:
        """Return observations as the networks take them."""
        return (obs - self.obs_mean) / self.obs_std if self.scales else obs

    def scale(self, mean: Tensor, std: Tensor) -> None:
        """Let observations be taken as (obs - mean) / std from now on."""
        self.obs_mean.copy_(mean)
        self.obs_std.copy_(std)
        self.scales = bool((self.obs_mean != 0.0).any() or (self.obs_std != 1.0).any())


def _trunk(inputs: int, hidden: Sequence[int]) -> nn.Sequential:
    layers: list[nn.Module] = []
    for width in hidden:  # with every second place empty, layers have Stable-Baselines3's numbers
        layers += [_begin(TanhLayer(inputs, width), gain=math.sqrt(2.0)), nn.Identity()]
        inputs = width
    return nn.Sequential(*layers)


def _begin(layer: nn.Linear, gain: float) -> nn.Linear:
    """Give a layer its first weights."""
    nn.init.orthogonal_(layer.weight, gain)
    nn.init.zeros_(layer.bias)
    return layer


def to_env(actions: Tensor, space: gymnasium.Space[Any]) -> np.ndarray:
    """Return drawn actions as the environment takes them: those of a box are clipped to it."""
    array: np.ndarray = actions.numpy()
    if isinstance(space, gymnasium.spaces.Box):
        array = np.clip(array, space.low, space.high).astype(space.dtype)
    return array
