"""Our own PPO: advantages by hand, the first update, probes, planted faults, repeatability."""

from __future__ import annotations

import sys
import types
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("torch")

import torch

from agents import fast_ppo
from agents.fast_ppo import FastPPO, Params, Rollout, Trainer, train_steps
from hftgym.errors import InternalError
from hftgym.tensorboard.writer import read_metrics
from tests.agents.learning import check_probe, train
from tests.agents.probes import PROBES, probes

SMALL: dict[str, Any] = {
    "n_envs": 16,
    "horizon": 16,
    "minibatch": 64,
    "epochs": 4,
    "learning_rate": 5e-3,
    "gamma": 0.5,
    "hidden": (16,),
    "normalize_returns": False,
    "target_kl": None,
}


@pytest.mark.parametrize("continuous", [False, True])
@pytest.mark.parametrize("kind", PROBES)
def test_the_probes_are_solved(kind: int, continuous: bool) -> None:
    trainer = Trainer(probes(kind, 16, continuous), Params(**SMALL), 1, 16_000)
    train_steps(trainer)
    check_probe(kind, trainer.network)


def hand_made() -> Rollout:
    """Three environments: one goes on, one ends after the second step, one is cut there."""
    ended = torch.tensor([[False] * 3, [False, True, True], [False] * 3])
    cut_values = torch.zeros(3, 3)
    cut_values[1, 2] = 10.0
    nothing = torch.zeros(3, 3)
    return Rollout(
        obs=nothing,
        actions=nothing,
        log_prob=nothing,
        values=torch.tensor([[1.0] * 3, [2.0] * 3, [3.0] * 3]),
        rewards=torch.tensor([[0.5] * 3, [1.0] * 3, [2.0] * 3]),
        ended=ended,
        cut_values=cut_values,
        last=torch.full((3,), 4.0),
    )


def test_advantages_by_hand() -> None:
    g, la = 0.9, 0.8
    d2 = 2.0 + g * 4.0 - 3.0
    goes_on = [0.5 + g * 2 - 1, 1 + g * 3 - 2, d2]
    ends, is_cut = 1.0 - 2.0, 1.0 + g * 10.0 - 2.0
    wanted = [
        [goes_on[0] + g * la * (goes_on[1] + g * la * d2), goes_on[1] + g * la * d2, d2],
        [goes_on[0] + g * la * ends, ends, d2],
        [goes_on[0] + g * la * is_cut, is_cut, d2],
    ]
    found = fast_ppo.advantages(hand_made(), g, la)
    torch.testing.assert_close(found, torch.tensor(wanted).T)


def test_the_first_minibatch_has_ratio_one_and_no_divergence(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    trainer = Trainer(probes(5, 16, True), Params(**(SMALL | {"epochs": 1})), 0, 256)
    played, _ = trainer.play()
    log_prob, _ = trainer.network.evaluate(played.obs.reshape(-1, 1), played.actions.reshape(-1, 1))
    torch.testing.assert_close(torch.exp(log_prob - played.log_prob.reshape(-1)), torch.ones(256))
    whole = Params(**(SMALL | {"epochs": 1, "minibatch": 256}))
    figures = Trainer(probes(5, 16, True), whole, 0, 256).iterate().scalars
    assert figures["train/approx_kl"] == pytest.approx(0.0, abs=1e-6)
    assert figures["train/clip_fraction"] == 0.0
    assert figures["train/minibatches"] == 1.0


def test_the_passes_end_where_the_policy_has_moved_far() -> None:
    far = Params(**(SMALL | {"target_kl": 1e-5}))
    assert Trainer(probes(5, 16, True), far, 0, 1_000).iterate().scalars["train/minibatches"] < 16


FAULTS = {
    "advantages cross the end of an episode": ("np.where(goes_on[t], ahead, 0.0)", "ahead"),
    "an end is bootstrapped": (
        "np.where(goes_on[t], following, cut_values[t])",
        "following",
    ),
    "the advantage has the wrong sign": (
        "policy_loss = -torch.minimum(a * ratio, a * clipped).mean()",
        "policy_loss = torch.minimum(a * ratio, a * clipped).mean()",
    ),
    "the next observation is learned from": ("            obs.append(self.obs)\n", ""),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_planted_fault_is_noticed(fault: str, monkeypatch: pytest.MonkeyPatch) -> None:
    source = Path(fast_ppo.__file__).read_text()
    old, new = FAULTS[fault]
    assert source.count(old) == 1
    source = source.replace(old, new)
    if new == "":  # it is done later
        moved = "            self.obs = torch.from_numpy(np.array(raw, np.float32))\n"
        assert source.count(moved) == 1
        source = source.replace(moved, moved + old)
    planted: Any = types.ModuleType("planted")
    monkeypatch.setitem(sys.modules, "planted", planted)
    exec(compile(source, "planted", "exec", dont_inherit=True), vars(planted))
    with pytest.raises(AssertionError):
        for kind in (1, 3, 5):
            trainer = planted.Trainer(probes(kind, 16), planted.Params(**SMALL), 1, 16_000)
            planted.train_steps(trainer)
            check_probe(kind, trainer.network)
        monkeypatch.setattr(fast_ppo, "advantages", planted.advantages)
        test_advantages_by_hand()


def test_a_loss_that_is_not_finite_stops_before_the_weights_change() -> None:
    trainer = Trainer(probes(5, 16, True), Params(**SMALL), 0, 10_000)
    trainer.iterate()
    before = {key: value.clone() for key, value in trainer.network.state_dict().items()}
    played, _ = trainer.play()
    played.rewards[3, 2] = float("nan")
    with pytest.raises(InternalError, match="a return is not finite after 256 steps"):
        trainer.learn(played)
    after = trainer.network.state_dict()
    assert all(torch.equal(before[key], after[key]) for key in before)


@pytest.mark.parametrize("where", ["rewards", "actions"])
def test_what_was_not_finite_is_kept_and_can_be_replayed(
    where: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    play = Trainer.play
    rounds = 0

    def spoiled(self: Trainer) -> Any:
        nonlocal rounds
        played, figures = play(self)
        rounds += 1
        if rounds == 2:
            getattr(played, where)[1, 3] = float("nan")
        return played, figures

    monkeypatch.setattr(Trainer, "play", spoiled)
    agent = FastPPO({"n_envs": 8, "horizon": 16, "minibatch": 128, "hidden": (8,)})
    with pytest.raises(InternalError, match=r"is not finite after 128 steps; .*replay"):
        train(tmp_path, agent)
    (run,) = tmp_path.iterdir()
    (folder,) = run.glob("not-finite-*")
    found = fast_ppo.replay(folder)
    assert not np.isfinite(found["total"])
    if where == "actions":
        assert found["actions_rows"] == 1.0 and found["returns_rows"] == 0.0
        assert np.isfinite(found["value"]) and not np.isfinite(found["policy"])
    else:
        assert found["actions_rows"] == 0.0 and 1.0 <= found["returns_rows"] <= 10.0
    assert found["obs_rows"] == 0.0


def test_the_scale_of_observations_goes_into_the_policy() -> None:
    params = Params(**(SMALL | {"normalize_observations": True}))
    trainer = Trainer(probes(5, 16, True), params, 0, 2_000)
    train_steps(trainer)
    assert float(trainer.network.obs_std) == pytest.approx(1.0, abs=0.02)
    trainer.network.obs_mean.fill_(0.3)
    trainer.network.obs_std.fill_(2.0)
    policy = trainer.network.policy("x", 0, params)
    obs = np.array([[-1.0], [0.2], [1.0]], np.float32)
    actions, _ = policy.predict(obs)
    with torch.no_grad():
        wanted = trainer.network.head(torch.from_numpy(obs)).clamp(-1.0, 1.0).numpy()
        value = trainer.network.values(torch.from_numpy(obs)).numpy()
    np.testing.assert_allclose(actions, wanted, atol=1e-6)
    np.testing.assert_allclose(policy.values(obs), value, atol=1e-6)


def test_a_deviation_that_is_told_is_kept_to() -> None:
    params = Params(**(SMALL | {"initial_std": 0.5, "final_std": 0.1}))
    trainer = Trainer(probes(4, 16, True), params, 0, 2_560)
    seen = []
    while trainer.done < trainer.steps:
        trainer.iterate()
        seen.append(float(torch.exp(trainer.network.log_std.detach())))
    assert seen[0] == pytest.approx(0.5, abs=0.05) and seen[-1] == pytest.approx(0.1, abs=0.05)
    assert seen == sorted(seen, reverse=True)


def test_on_markets_it_repeats_and_loads(tmp_path: Path) -> None:
    agent = FastPPO(Params(n_envs=4, horizon=16, minibatch=32, hidden=(8,)))
    run, policy = train(tmp_path, agent)
    _, again = train(tmp_path, agent)
    _, other = train(tmp_path, agent, seed=1)
    assert policy.weights_hash() == again.weights_hash() != other.weights_hash()
    assert FastPPO().load(run.path, "latest").weights_hash() == policy.weights_hash()
    tags = {tag for row in read_metrics(run.metrics) for tag in row}
    wanted = {"train/approx_kl", "train/clip_fraction", "train/explained_variance"}
    assert wanted | {"time/env_share", "rollout/objective", "eval/objective"} <= tags


def test_weights_and_gradient_are_views_of_one_tensor() -> None:
    network = Trainer(probes(5, 16, True), Params(**SMALL), 0, 256).network
    before = {key: value.clone() for key, value in network.state_dict().items()}
    whole = network.as_one()
    assert all(torch.equal(before[key], value) for key, value in network.state_dict().items())
    network.values(torch.ones(3, 1)).sum().backward()
    total = torch.cat([weights.grad.reshape(-1) for weights in network.parameters()])
    assert whole.grad.norm() == pytest.approx(float(total.norm())) and total.norm() > 0.0
    with torch.no_grad():
        whole += 1.0
    assert all(torch.equal(before[k] + 1.0, v) for k, v in network.state_dict().items())
