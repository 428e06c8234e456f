"""A2C and A3C: returns and gradients against hand computation, probes, processes, repeatability."""

from __future__ import annotations

import functools
import math
import os
import signal
import sys
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
import pytest

pytest.importorskip("torch")

import torch

from agents import a2c
from agents.a2c import A2C, Params, Worker, rmsprop_, train_synchronously
from agents.a3c import A3C, Crew, Shared, update
from agents.a3c import Params as A3CParams
from hftgym.errors import InternalError, UsageError
from hftgym.tensorboard.writer import read_metrics
from tests.agents.learning import check_probe, train, values
from tests.agents.probes import PROBES, probes
from tests.envs.making import vector

SMALL: dict[str, Any] = {
    "n_envs": 16,
    "t_max": 4,
    "learning_rate": 5e-3,
    "gamma": 0.5,
    "hidden": (16,),
    "scale_steps": 0,
}


@pytest.mark.parametrize("continuous", [False, True])
@pytest.mark.parametrize("kind", PROBES)
def test_the_probes_are_solved(kind: int, continuous: bool) -> None:
    worker = Worker(probes(kind, 16, continuous), Params(**SMALL), seed=1)
    train_synchronously(worker, 30_000)
    check_probe(kind, worker.network)


def test_returns_stop_at_the_end_and_go_on_at_a_cut() -> None:
    rewards = torch.tensor([[1.0, 1.0, 1.0], [2.0, 2.0, 2.0], [4.0, 4.0, 4.0]])
    none = torch.zeros(3, 3, dtype=torch.bool)
    terminated, cut = none.clone(), none.clone()
    terminated[1, 1] = True
    cut[1, 2] = True
    cut_values = torch.zeros(3, 3)
    cut_values[1, 2] = 100.0
    found = a2c.n_step_returns(rewards, terminated, cut_values, cut, torch.full((3,), 8.0), 0.5)
    goes_on = [1 + 0.5 * (2 + 0.5 * (4 + 0.5 * 8)), 2 + 0.5 * (4 + 0.5 * 8), 4 + 0.5 * 8]
    ends = [1 + 0.5 * 2, 2, 8]
    is_cut = [1 + 0.5 * (2 + 0.5 * 100), 2 + 0.5 * 100, 8]
    torch.testing.assert_close(found, torch.tensor([goes_on, ends, is_cut]).T)


class Cut(gymnasium.Env[np.ndarray, Any]):
    """Reward 1 a step, observation 1, cut by the clock or ended after two steps."""

    observation_space = gymnasium.spaces.Box(-1.0, 1.0, (1,), np.float32)
    action_space = gymnasium.spaces.Box(-1.0, 1.0, (1,), np.float32)

    def __init__(self, ends: bool) -> None:
        self.ends = ends

    def reset(self, *, seed: int | None = None, options: Any = None) -> Any:
        self.steps = 0
        return np.ones(1, np.float32), {}

    def step(self, action: Any) -> Any:
        self.steps += 1
        over = self.steps == 2
        return np.ones(1, np.float32), 1.0, over and self.ends, over and not self.ends, {}


@pytest.mark.parametrize("ends", [True, False])
def test_a_cut_is_bootstrapped_and_an_end_is_not(ends: bool) -> None:
    venv = gymnasium.vector.SyncVectorEnv(
        [lambda: Cut(ends)], autoreset_mode=gymnasium.vector.AutoresetMode.SAME_STEP
    )
    worker = Worker(venv, Params(**(SMALL | {"n_envs": 1, "t_max": 3})), seed=0)
    (value,) = values(worker.network, 1.0)
    assert abs(value) > 0.05
    behind = 0.0 if ends else value
    wanted = [1 + 0.5 * (1 + 0.5 * behind), 1 + 0.5 * behind, 1 + 0.5 * value]
    assert worker.play().returns.tolist() == pytest.approx(wanted)


def test_the_gradient_is_that_of_the_formula() -> None:
    """Of the last layers, by hand: Gaussian score times advantage, error of the value, entropy."""
    params = Params(**(SMALL | {"beta": 0.3, "value_weight": 0.25, "max_grad_norm": 1e9}))
    one, two = (Worker(probes(5, 16, True), params, seed=4) for _ in range(2))
    played = one.play()
    vector, figures = two.gradient()  # the same seed plays the same
    parts = dict(zip(dict(two.network.named_parameters()), _split(vector, two), strict=True))

    obs, network = played.obs, one.network
    with torch.no_grad():
        value = network.values(obs)
        hidden = network.mlp_extractor["policy_net"](obs)
        std = torch.exp(network.log_std)
        z = (played.actions - network.action_net(hidden)) / std
    n = len(obs)
    advantage = (played.returns - value)[:, None]
    torch.testing.assert_close(parts["action_net.bias"], -(advantage * z / std).sum(0) / n)
    torch.testing.assert_close(
        parts["action_net.weight"], -((advantage * z / std).T @ hidden) / n, rtol=1e-4, atol=1e-6
    )
    torch.testing.assert_close(parts["log_std"], -(advantage * (z * z - 1.0)).sum(0) / n - 0.3)
    torch.testing.assert_close(parts["value_net.bias"], 0.25 * -2.0 * advantage.sum(0) / n)
    entropy = float(network.log_std.detach()) + 0.5 * math.log(2.0 * math.pi * math.e)
    assert figures.entropy == pytest.approx(entropy, abs=1e-6)
    assert figures.value_loss == pytest.approx(float((advantage**2).mean()), rel=1e-5)


def test_a_deviation_that_is_told_is_kept_to() -> None:
    """It goes down with the steps of all workers, and has no part in the gradient."""
    params = A3CParams(**(SMALL | {"initial_std": 0.5, "final_std": 0.1}), workers=1)
    worker = Worker(probes(4, 16, True), params, seed=0)
    seen: list[float] = []

    def after(done: int, figures: a2c.Figures) -> bool:
        seen.append(float(torch.exp(worker.network.log_std)))
        assert seen[-1] == pytest.approx(0.5 * 0.2 ** (done / 2_560))
        return True

    train_synchronously(worker, 2_560, after)
    assert len(seen) == 40 and seen[-1] == pytest.approx(0.1)

    begun = Worker(probes(4, 16, True), params, seed=0)
    shared = Shared.of(begun.vector(), 2_560)
    alone = Worker(probes(4, 16, True), params, seed=0)
    while shared.steps.value < shared.total:
        share = shared.steps.value / shared.total
        update(alone, shared)
        assert float(torch.exp(alone.network.log_std)) == pytest.approx(0.5 * 0.2**share)
    names = dict(
        zip(dict(begun.network.named_parameters()), _split(shared.weights, begun), strict=True)
    )
    assert torch.equal(names["log_std"], begun.network.log_std)  # never updated


def _split(vector: Any, worker: Worker) -> list[Any]:
    sizes = [w.numel() for w in worker.network.parameters()]
    shapes = [w.shape for w in worker.network.parameters()]
    return [part.reshape(s) for part, s in zip(vector.split(sizes), shapes, strict=True)]


#: Faults that a learner of this kind is known for; each must be noticed.
FAULTS = {
    "an end is bootstrapped": ("torch.where(terminated[t], 0.0, ahead)", "ahead"),
    "a cut is not bootstrapped": ("torch.where(cut[t], cut_values[t], ahead)", "ahead"),
    "the advantage has the wrong sign": ("policy_loss = -(", "policy_loss = ("),
    "the next observation is learned from": ("seen.append(self.obs)", "seen.append(_tensor(obs))"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_planted_fault_is_noticed(fault: str, monkeypatch: pytest.MonkeyPatch) -> None:
    source = Path(a2c.__file__).read_text()
    old, new = FAULTS[fault]
    assert source.count(old) == 1
    planted: Any = types.ModuleType("planted")
    monkeypatch.setitem(sys.modules, "planted", planted)
    exec(compile(source.replace(old, new), "planted", "exec", dont_inherit=True), vars(planted))
    with pytest.raises(AssertionError):
        for kind in (1, 3, 5):
            worker = planted.Worker(probes(kind, 16), planted.Params(**SMALL), seed=1)
            planted.train_synchronously(worker, 20_000)
            check_probe(kind, worker.network)
        monkeypatch.setattr(a2c, "n_step_returns", planted.n_step_returns)
        test_returns_stop_at_the_end_and_go_on_at_a_cut()


def test_the_gradient_is_clipped_to_its_norm() -> None:
    params = Params(**(SMALL | {"max_grad_norm": 0.01}))
    vector, figures = Worker(probes(1, 4), params, seed=0).gradient()
    assert figures.grad_norm > 0.02
    assert float(vector.norm()) == pytest.approx(0.01, rel=1e-3)


def test_rmsprop_against_hand_computation() -> None:
    p = Params(alpha=0.9, epsilon=0.01)
    weights, squares = torch.tensor([1.0, -2.0]), torch.tensor([0.5, 0.0])
    rmsprop_(weights, squares, torch.tensor([2.0, -1.0]), 0.1, p)
    assert squares.tolist() == pytest.approx([0.9 * 0.5 + 0.1 * 4.0, 0.1])
    steps = [0.1 * 2.0 / math.sqrt(0.85 + 0.01), -0.1 / math.sqrt(0.1 + 0.01)]
    assert weights.tolist() == pytest.approx([1.0 - steps[0], -2.0 - steps[1]])


def test_another_action_space_is_refused() -> None:
    venv = gymnasium.make_vec("hftgym/MarketMaking-v0", num_envs=2, action="discrete")
    with pytest.raises(UsageError, match="must be a Box or Discrete"):
        Worker(venv, Params(), seed=0)


def probe_maker(kind: int) -> Callable[[], Any]:
    return functools.partial(probes, kind, 16, True)


def broken() -> Any:
    raise ValueError("no such market")


def trained_crew(workers: int, steps: int) -> tuple[Worker, Shared, list[Any]]:
    params = A3CParams(**SMALL, workers=workers)
    main = Worker(probes(5, 16, True), params, seed=3)
    shared = Shared.of(main.vector(), steps)
    crew = Crew([probe_maker(5)] * workers, params, list(range(10, 10 + workers)), {}, shared)
    seen: list[Any] = []
    try:
        crew.run(steps // 2, lambda figures: not seen.append(figures))  # type: ignore[func-returns-value]
        assert steps // 2 <= shared.steps.value < steps
        crew.run(steps, lambda figures: not seen.append(figures))  # type: ignore[func-returns-value]
    finally:
        crew.close()
    assert all(process.exitcode == 0 for process in crew.processes)
    main.read(shared.weights)
    return main, shared, seen


def test_one_worker_is_the_same_as_one_process() -> None:
    steps = 3_200
    _, shared, seen = trained_crew(1, steps)
    assert len(seen) == shared.updates.value == steps // 64
    assert {figures.staleness for figures in seen} == {0}

    params = A3CParams(**SMALL, workers=1)
    start = Worker(probes(5, 16, True), params, seed=3)
    here = Shared.of(start.vector(), steps)
    alone = Worker(probes(5, 16, True), params, seed=10)
    while here.steps.value < steps:
        update(alone, here)
    assert torch.equal(here.weights, shared.weights)
    assert torch.equal(here.squares, shared.squares)

    synchronous = Worker(probes(5, 16, True), params, seed=10)
    synchronous.read(start.vector())
    train_synchronously(synchronous, steps)
    assert torch.equal(synchronous.vector(), shared.weights)


def test_two_workers_solve_a_probe_and_tell_how_stale_they_are() -> None:
    main, shared, seen = trained_crew(2, 40_000)
    check_probe(5, main.network)
    assert len(seen) == shared.updates.value
    assert sum(figures.steps for figures in seen) == shared.steps.value
    staleness = np.array([figures.staleness for figures in seen])
    assert staleness.min() == 0 and staleness.max() >= 1


def test_a_worker_that_dies_or_fails_is_reported() -> None:
    params = A3CParams(**SMALL, workers=2)
    shared = Shared.of(Worker(probes(5, 16, True), params, seed=3).vector(), 10**9)
    crew = Crew([probe_maker(5)] * 2, params, [1, 2], {}, shared)
    count = 0

    def kill(figures: Any) -> bool:
        nonlocal count
        count += 1
        if count == 1:
            os.kill(crew.processes[1].pid, signal.SIGKILL)
        return True

    with pytest.raises(InternalError, match="worker 1 died with exit code -9"):
        crew.run(10**9, kill)
    crew.close()
    assert not any(process.is_alive() for process in crew.processes)

    failing = Crew([broken], params, [1], {}, shared)
    with pytest.raises(InternalError, match="worker 0 failed: ValueError: no such market"):
        failing.run(10**9, lambda figures: True)
    failing.close()


def test_a_worker_that_has_not_played_yet_can_be_kept() -> None:
    params = A3CParams(**SMALL | {"n_envs": 2})
    worker = Worker(vector(2), params, seed=1)
    shared = Shared.of(worker.vector(), 10**9)
    arrays, _ = worker.state()
    _, goes_on = worker.gradient()
    crew = Crew([functools.partial(vector, 2)], params, [1], {}, shared)
    try:
        ((kept, _),) = crew.states()
        shared.stop.value = 0
        crew.run(1, lambda figures: figures.policy_loss == goes_on.policy_loss)
        assert shared.steps.value == goes_on.steps and not shared.stop.value
    finally:
        crew.close()
    assert kept["obs"].tobytes() == arrays["obs"].tobytes()

    failing = Crew([probe_maker(5)], params, [1], {}, shared)  # a probe has no snapshot
    with pytest.raises(InternalError, match="worker 0 failed: AttributeError"):
        failing.states()
    failing.close()


MARKET: dict[str, Any] = {"n_envs": 4, "hidden": (8,), "scale_steps": 20, "report_updates": 2}


def test_a2c_on_markets_repeats_and_loads(tmp_path: Path) -> None:
    run, policy = train(tmp_path, A2C(Params(**MARKET)))
    _, again = train(tmp_path, A2C(Params(**MARKET)))
    _, other = train(tmp_path, A2C(Params(**MARKET)), seed=1)
    assert policy.weights_hash() == again.weights_hash() != other.weights_hash()
    loaded = A2C().load(run.path, "latest")
    assert loaded.weights_hash() == policy.weights_hash()
    assert loaded.normalizer["return_moments"][2] > 0.0
    tags = {tag for row in read_metrics(run.metrics) for tag in row}
    assert {"train/value_loss", "risk/passive", "eval/objective", "rollout/objective"} <= tags


def test_a3c_on_markets_repeats_with_one_worker(tmp_path: Path) -> None:
    params = A3CParams(**MARKET, workers=1)
    run, policy = train(tmp_path, A3C(params))
    _, again = train(tmp_path, A3C(params))
    assert policy.weights_hash() == again.weights_hash()
    assert policy.config["steps"] == 640
    assert A3C().load(run.path).name == "A3C"
    assert {path.name for path in run.checkpoints.iterdir() if path.is_dir()} == {
        "step-000000000320",
        "step-000000000640",
    }


def cartpoles(num_envs: int) -> Any:
    return gymnasium.make_vec(
        "CartPole-v1",
        num_envs=num_envs,
        vectorization_mode="sync",
        vector_kwargs={"autoreset_mode": gymnasium.vector.AutoresetMode.SAME_STEP},
    )


def tenth(rewards: Any) -> Any:
    return rewards / 10.0


def scaled_cartpoles(num_envs: int) -> Any:
    """Rewards of 0.1: returns of 1 a step are near 100, and their errors drown the policy's."""
    return gymnasium.wrappers.vector.TransformReward(cartpoles(num_envs), tenth)


def cartpole_return(seed: int, steps: int = 200_000) -> float:
    """Return the mean return of 20 greedy episodes after training with two workers."""
    params = A3CParams(
        workers=2,
        n_envs=8,
        t_max=20,
        learning_rate=3e-3,
        gamma=0.99,
        beta=0.01,
        scale_steps=0,
    )
    main = Worker(cartpoles(8), params, seed)
    shared = Shared.of(main.vector(), steps)
    makers = [functools.partial(scaled_cartpoles, 8)] * 2
    crew = Crew(makers, params, [seed + 1, seed + 2], {}, shared)
    try:
        crew.run(steps, lambda figures: True)
    finally:
        crew.close()
    main.read(shared.weights)
    venv = cartpoles(20)
    obs, _ = venv.reset(seed=seed)
    total, over = np.zeros(20), np.zeros(20, np.bool_)
    while not over.all():
        with torch.no_grad():
            actions = main.network.head(torch.from_numpy(obs)).argmax(1).numpy()
        obs, rewards, terminated, truncated, _ = venv.step(actions)
        total += rewards * ~over
        over |= terminated | truncated
    return float(total.mean())


@pytest.mark.slow
def test_a3c_balances_a_pole() -> None:
    found = [cartpole_return(100 * seed) for seed in range(5)]
    assert min(found) >= 400.0, found
