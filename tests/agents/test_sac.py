"""SAC: its density and target by hand, probes, and a policy that acts as the learner does."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("stable_baselines3")

import torch

from agents.sac import SAC, Params, SACPolicy, average
from hftgym.errors import DataError
from hftgym.tensorboard.writer import read_metrics
from hftgym.training.sb3 import SB3VecEnv
from tests.agents.learning import train
from tests.agents.probes import PROBES, probes

SMALL: dict[str, Any] = {
    "n_envs": 8,
    "batch_size": 64,
    "gradient_steps": 2,
    "buffer_size": 2_000,
    "learning_starts": 200,
    "learning_rate": 5e-3,
    "gamma": 0.5,
    "tau": 0.05,
    "temperature": 0.01,
    "hidden": (16,),
    "scale_steps": 0,
}


def learner(kind: int, **changes: Any) -> tuple[SAC, Any]:
    agent = SAC(Params(**(SMALL | changes)))
    return agent, agent.model(SB3VecEnv(probes(kind, 8, True)), seed=1)


def lowest_q(model: Any, obs: float, action: float) -> float:
    with torch.no_grad():
        o, a = (torch.tensor([[x]], dtype=torch.float32) for x in (obs, action))
        return float(torch.cat(model.critic(o, a), 1).min())


@pytest.mark.parametrize("kind", PROBES)
def test_the_probes_are_solved(kind: int) -> None:
    agent, model = learner(kind)
    model.learn(4_500)
    lean = agent.policy(model).predict(np.array([[-1.0], [0.0], [1.0]], np.float32))[0][:, 0]
    if kind == 1:
        assert lowest_q(model, 0.0, 0.0) == pytest.approx(1.0, abs=0.05)
    elif kind == 2:
        assert lowest_q(model, 1.0, 0.0) == pytest.approx(1.0, abs=0.05)
        assert lowest_q(model, -1.0, 0.0) == pytest.approx(-1.0, abs=0.05)
    elif kind == 3:
        assert lowest_q(model, 0.0, 0.0) == pytest.approx(0.5, abs=0.05)
        assert lowest_q(model, 1.0, 0.0) == pytest.approx(1.0, abs=0.05)
    elif kind == 4:
        assert lean[1] > 0.3
    else:
        assert lean[0] < -0.3 and lean[2] > 0.3


def test_the_density_of_a_squashed_action_integrates_to_one() -> None:
    """Log pi(a) = log N(u) - log(1 - tanh(u)^2), for a = tanh(u) (appendix C of the paper)."""
    _, model = learner(5)
    distribution = model.actor.action_dist
    mean, log_std = torch.tensor([[0.4]]), torch.tensor([[-0.3]])
    distribution.proba_distribution(mean, log_std)
    a = torch.linspace(-0.9999, 0.9999, 20_001)[:, None]
    with torch.no_grad():
        density = torch.exp(distribution.log_prob(a)).numpy().ravel()
    assert np.trapezoid(density, a.numpy().ravel()) == pytest.approx(1.0, abs=1e-3)
    u = np.arctanh(0.5)
    std = np.exp(-0.3)
    normal = np.exp(-0.5 * ((u - 0.4) / std) ** 2) / (std * np.sqrt(2.0 * np.pi))
    with torch.no_grad():
        found = float(torch.exp(distribution.log_prob(torch.tensor([[0.5]]))))
    assert found == pytest.approx(normal / (1.0 - 0.25), rel=1e-4)


def test_a_target_moves_by_its_share() -> None:
    _, model = learner(2, learning_rate=1e-9, tau=0.25)
    model.learn(200)  # random actions only
    with torch.no_grad():
        for weight, target in zip(
            model.critic.parameters(), model.critic_target.parameters(), strict=True
        ):
            weight.fill_(1.0)
            target.fill_(0.0)
    model.train(gradient_steps=1, batch_size=4)
    for target in model.critic_target.parameters():
        torch.testing.assert_close(target, torch.full_like(target, 0.25), atol=1e-5, rtol=0.0)


def test_the_policy_acts_as_the_learner_does() -> None:
    agent, model = learner(5)
    model.learn(600)
    policy = agent.policy(model)
    obs = np.random.default_rng(0).uniform(-1.0, 1.0, (50, 1)).astype(np.float32)
    wanted, _ = model.predict(obs, deterministic=True)
    np.testing.assert_allclose(policy.predict(obs)[0], wanted, atol=1e-6)

    with torch.no_grad():
        acted = torch.from_numpy(policy.predict(obs)[0])
        theirs = torch.cat(model.critic(torch.from_numpy(obs), acted), 1).min(1).values.numpy()
    np.testing.assert_allclose(policy.values(obs), theirs, rtol=1e-5)

    many = np.full((20_000, 1), 0.3, np.float32)
    draws, state = policy.predict(many, deterministic=False)
    again, _ = policy.predict(many, state, deterministic=False)
    assert not np.array_equal(draws, again)
    torch.manual_seed(0)
    theirs, _ = model.predict(many, deterministic=False)
    assert draws.mean() == pytest.approx(theirs.mean(), abs=0.02)
    assert draws.std() == pytest.approx(theirs.std(), rel=0.05)


def test_a_scale_has_to_be_measured() -> None:
    with pytest.raises(ValueError, match="normalize_observations needs scale_steps above 0"):
        Params(normalize_observations=True, scale_steps=0)


def test_scaled_observations_go_into_the_weights() -> None:
    agent = SAC(Params(**SMALL))
    seen = (np.array([0.4]), np.array([0.25]))
    model = agent.model(SB3VecEnv(probes(5, 8, True)), 1, "cpu", seen)
    model.learn(600)
    obs = np.random.default_rng(0).uniform(-1.0, 1.0, (50, 1)).astype(np.float32)
    features = model.actor.features_extractor(torch.from_numpy(obs)).numpy()
    np.testing.assert_allclose(features, (obs - 0.4) / 0.25, rtol=1e-6)
    policy = agent.policy(model)
    np.testing.assert_allclose(
        policy.predict(obs)[0], model.predict(obs, deterministic=True)[0], atol=1e-5
    )
    with torch.no_grad():
        acted = torch.from_numpy(policy.predict(obs)[0])
        theirs = torch.cat(model.critic(torch.from_numpy(obs), acted), 1).min(1).values.numpy()
    np.testing.assert_allclose(policy.values(obs), theirs, rtol=1e-4, atol=1e-5)
    draws = policy.predict(np.full((20_000, 1), 0.3, np.float32), deterministic=False)[0]
    torch.manual_seed(0)
    wanted = model.predict(np.full((20_000, 1), 0.3, np.float32), deterministic=False)[0]
    assert draws.std() == pytest.approx(wanted.std(), rel=0.05)


def test_the_average_of_weights_is_what_acts() -> None:
    values = np.array([1.0, 2.0, 4.0, 8.0])
    for eta, mean in ((0.0, values.mean()), (2.0, (1 * 1 + 3 * 2 + 6 * 4 + 10 * 8) / 20)):
        kept: dict[str, Any] = {}
        for count, value in enumerate(values, 1):
            average(kept, {"mu.bias": torch.tensor([value])}, count, eta)
        assert kept["mu.bias"].item() == pytest.approx(mean), eta

    agent, model = learner(5)
    kept = {}
    average(kept, model.actor.state_dict(), 1, 8.0)
    first = agent.policy(model)
    model.learn(600)
    obs = np.linspace(-1.0, 1.0, 9, dtype=np.float32)[:, None]
    np.testing.assert_array_equal(agent.policy(model, kept).predict(obs)[0], first.predict(obs)[0])
    assert not np.array_equal(agent.policy(model).predict(obs)[0], first.predict(obs)[0])


def test_noise_widens_what_is_played_and_not_the_policy() -> None:
    spread = []
    for noise in (0.0, 0.5):
        _, model = learner(5, exploration_noise=noise, learning_starts=0, learning_rate=1e-9)
        with torch.no_grad():  # a policy that is sure of 0.2
            model.actor.mu.weight.zero_()
            model.actor.mu.bias.fill_(float(np.arctanh(0.2)))
            model.actor.log_std.weight.zero_()
            model.actor.log_std.bias.fill_(-10.0)
        model.learn(2_000)
        spread.append(model.replay_buffer.actions.std())
        assert model.predict(np.zeros((1, 1), np.float32))[0] == pytest.approx(0.2, abs=0.01)
    assert spread[0] < 0.01 and spread[1] == pytest.approx(0.45, abs=0.05)  # less what is clipped


def test_on_markets_it_repeats_and_loads_without_pickle(tmp_path: Path) -> None:
    agent = SAC(
        Params(
            n_envs=4,
            batch_size=16,
            gradient_steps=1,
            buffer_size=1_000,
            learning_starts=40,
            hidden=(8,),
            scale_steps=20,
            report_steps=100,
        )
    )
    run, policy = train(tmp_path, agent, steps=400)
    _, again = train(tmp_path, agent, steps=400)
    _, other = train(tmp_path, agent, steps=400, seed=1)
    assert policy.weights_hash() == again.weights_hash() != other.weights_hash()
    assert SAC().load(run.path, "latest").weights_hash() == policy.weights_hash()
    tags = {tag for row in read_metrics(run.metrics) for tag in row}
    assert {"train/actor_loss", "train/critic_loss", "risk/passive", "eval/objective"} <= tags
    assert json.loads((run.checkpoint("latest") / "policy.json").read_text())["steps"] == 400
    for change in ({"format": 9}, {"hidden": [9]}):
        files = policy.files()
        config = json.loads(files["policy.json"]) | change
        run.save_checkpoint(500, files | {"policy.json": json.dumps(config).encode()})
        with pytest.raises(DataError, match=r"format 9|expected \(9, 30\)"):
            SACPolicy.load(run.path, "latest")
