"""The loss in one pass is the loss that torch computes, and so is its gradient."""

from __future__ import annotations

import gymnasium
import numpy as np
import pytest
import torch

from agents.actor_critic import ActorCritic
from agents.fast_ppo import Minibatch, Params, losses, losses_in_torch
from agents.passes import Passes
from hftgym.core.jit import INTERPRETED

N, OBSERVATIONS, ACTIONS = 512, 5, 2


def made(moved: float) -> tuple[ActorCritic, Minibatch]:
    """Return a network that has moved since it drew the actions, and what it learns from."""
    torch.manual_seed(3)
    space = gymnasium.spaces.Box(-1.0, 1.0, (ACTIONS,), np.float32)
    network = ActorCritic(OBSERVATIONS, space, (16, 8), 0.4)
    with torch.no_grad():
        obs = torch.randn(N, OBSERVATIONS)
        actions = network.act(obs, torch.Generator().manual_seed(1))
        log_prob, _ = network.evaluate(obs, actions)
        for weights in network.parameters():
            weights += moved * torch.randn_like(weights)
    advantage = 3.0 * torch.randn(N) + 1.0
    return network, Minibatch(obs, actions, log_prob, advantage, torch.randn(N))


@pytest.mark.skipif(INTERPRETED, reason="the pass is compiled code alone")
@pytest.mark.parametrize("entropy_weight", [0.0, 0.01])
@pytest.mark.parametrize("moved", [0.0, 0.02, 0.3])
def test_loss_gradient_and_figures_are_those_of_torch(moved: float, entropy_weight: float) -> None:
    network, batch = made(moved)
    network.as_one()
    passes, params = Passes(network), Params(entropy_weight=entropy_weight)
    found, gradients = [], []
    for judge in ("one pass", "torch"):
        in_torch = judge == "torch"
        one = losses_in_torch(network, batch, params) if in_torch else losses(passes, batch, params)
        one.backward()
        found.append(one)
        gradients.append([weights.grad.clone() for weights in network.parameters()])
    ours, theirs = found
    if moved == 0.3:
        assert 0.3 < ours.clip_share < 1.0
    for name in ("policy", "value", "entropy", "kl", "clip_share"):
        assert getattr(ours, name) == pytest.approx(getattr(theirs, name), rel=1e-4, abs=2e-7), name
    torch.testing.assert_close(ours.total, theirs.total, rtol=1e-5, atol=1e-6)
    torch.testing.assert_close(ours.log_ratio, theirs.log_ratio, rtol=1e-4, atol=1e-5)
    for mine, other in zip(*gradients, strict=True):
        torch.testing.assert_close(mine, other, rtol=1e-4, atol=1e-6)


@pytest.mark.skipif(INTERPRETED, reason="the pass is compiled code alone")
def test_what_is_not_a_number_stays_so() -> None:
    for spoiled in ("obs", "actions", "advantage", "returns"):
        network, batch = made(0.0)
        getattr(batch, spoiled)[7] = float("nan")
        assert not torch.isfinite(losses(Passes(network), batch, Params()).total), spoiled
