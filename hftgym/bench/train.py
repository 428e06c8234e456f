"""``hftgym bench train``: how many samples a second the learners take in on this machine.

Our own PPO, and Stable-Baselines3's at its defaults (8 environments) and at our batch, learn the
same task with the same network. Each plays and learns whole iterations; they take turns, so that a
busy moment of the machine meets all of them. A sample is one decision of one environment, played
and learned from. Two workers of A3C are measured against one. Speed is not learning: compare what
is reached with ``hftgym train``.
"""

from __future__ import annotations

import functools
import time
from collections.abc import Callable
from statistics import median, quantiles
from typing import Any

import gymnasium

from hftgym.bench.machine import describe
from hftgym.bench.workers import bench_workers
from hftgym.extras import need
from hftgym.names import load_attribute
from hftgym.training.threads import set_torch_threads

ENV_ID = "hftgym/MarketMaking-v0"
HIDDEN = (64, 64)
ENVIRONMENTS = 256
HORIZON, MINIBATCH, EPOCHS = 128, 4096, 6
WORKER_STEPS = 20_000  # of a round of A3C's workers
_PAIRS = 4  # iterations of ours and of theirs at our batch, in turns, in a round
_FEW = 8  # environments of Stable-Baselines3 as its documentation uses it


class _Timed:
    """A vector environment that knows how long its steps have taken."""

    def __init__(self, venv: Any) -> None:
        self._venv = venv
        self.seconds = 0.0
        step = venv.unwrapped.step

        def timed(actions: Any) -> Any:
            began = time.perf_counter()
            result = step(actions)
            self.seconds += time.perf_counter() - began
            return result

        venv.unwrapped.step = timed


def bench_train(
    say: Callable[[str], None] | None = None, rounds: int = 4, scenario: str = "default"
) -> dict[str, Any]:
    """Measure our own PPO and Stable-Baselines3's.

    Args:
        say: gets a line on what is happening.
        rounds: iterations of SB3 at its defaults, and four of either other; medians count.
        scenario: the market; about ten messages between two decisions.

    Returns:
        Samples a second of each learner with the share of the time that its environments took, our
        ratio to either form of Stable-Baselines3, what a second worker of A3C gains, and the
        machine.
    """
    need("torch", "stable_baselines3")
    import torch

    tell = say or (lambda _: None)
    set_torch_threads(1)
    tell("making the environments (compiling them takes a minute when they are new here)")
    learners = {
        "fast_ppo": _ours(scenario),
        "sb3_defaults": _theirs(scenario, _FEW),
        "sb3_same_batch": _theirs(
            scenario, ENVIRONMENTS, n_steps=HORIZON, batch_size=MINIBATCH, n_epochs=EPOCHS
        ),
    }
    found: dict[str, list[tuple[float, float]]] = {name: [] for name in learners}

    def measure(name: str) -> float:
        iterate, timed, samples = learners[name]
        env_s, began = timed.seconds, time.perf_counter()
        iterate()
        seconds = time.perf_counter() - began
        found[name].append((samples / seconds, (timed.seconds - env_s) / seconds))
        return samples / seconds

    for name in learners:  # the first iteration warms up
        measure(name)
        found[name].clear()
    tell(f"measuring {len(learners)} learners in {rounds} rounds")
    gains = []
    for _ in range(rounds):
        measure("sb3_defaults")
        for _ in range(_PAIRS):
            gains.append(measure("fast_ppo") / measure("sb3_same_batch"))
    figures: dict[str, Any] = {
        name: {
            "samples_per_s": round(median(rate for rate, _ in pairs)),
            "samples_per_s_range": [round(min(pairs)[0]), round(max(pairs)[0])],
            "environment_share": round(median(share for _, share in pairs), 3),
        }
        for name, pairs in found.items()
    }
    ours = figures["fast_ppo"]["samples_per_s"]
    tell("one and two workers of A3C")
    return {
        "benchmark": "train",
        **figures,
        "per_sb3_defaults": round(ours / figures["sb3_defaults"]["samples_per_s"], 2),
        "per_sb3_same_batch": round(median(gains), 2),  # of neighbouring iterations
        "per_sb3_same_batch_quartiles": [round(q, 2) for q in quantiles(gains, n=4)[::2]],
        "a3c_workers": bench_workers(functools.partial(_venv, scenario), 3 * rounds, WORKER_STEPS),
        "task": {"id": ENV_ID, "scenario": scenario, "hidden": list(HIDDEN), "torch_threads": 1},
        "environments": {"fast_ppo": ENVIRONMENTS, "sb3_defaults": _FEW},
        "rounds": rounds,
        "machine": describe() | {"torch": torch.__version__},
    }


def _venv(scenario: str, count: int) -> Any:
    return gymnasium.make_vec(
        ENV_ID,
        num_envs=count,
        vectorization_mode="vector_entry_point",
        scenario=scenario,
        autoreset_mode="SameStep",
    )


def _ours(scenario: str) -> tuple[Callable[[], Any], _Timed, int]:
    venv = _venv(scenario, ENVIRONMENTS)
    timed = _Timed(venv)
    params = load_attribute("agents.fast_ppo:Params", "agent")(
        n_envs=ENVIRONMENTS,
        horizon=HORIZON,
        minibatch=MINIBATCH,
        epochs=EPOCHS,
        hidden=HIDDEN,
        target_kl=None,
    )
    trainer = load_attribute("agents.fast_ppo:Trainer", "agent")(venv, params, 0, 10**12)
    return trainer.iterate, timed, ENVIRONMENTS * HORIZON


def _theirs(scenario: str, count: int, **settings: Any) -> tuple[Callable[[], Any], _Timed, int]:
    import torch
    from stable_baselines3 import PPO

    from hftgym.training.sb3 import SB3VecEnv

    venv = _venv(scenario, count)
    timed = _Timed(venv)
    network = {"net_arch": list(HIDDEN), "activation_fn": torch.nn.Tanh}
    model = PPO("MlpPolicy", SB3VecEnv(venv), policy_kwargs=network, device="cpu", **settings)
    samples = model.n_steps * count

    def iterate() -> None:
        model.learn(samples, reset_num_timesteps=False)

    return iterate, timed, samples
