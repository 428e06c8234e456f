"""``hftgym bench env``: how many steps a second the environments make on this machine.

A step of an environment is worth what happens in it, so each figure stands beside the messages that
the exchange processed, the decisions of all participants (wakes) and the views that were captured
for them. The cases take turns, so that a busy moment of the machine meets all of them.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from statistics import median
from typing import Any

import gymnasium
import numba
import numpy as np
import numpy.typing as npt

from hftgym.bench.machine import describe

ENV_ID = "hftgym/MarketMaking-v0"
#: The default market sends about 20 messages a second: one, and ten, in a step.
ONE_MESSAGE_S = 0.05
TEN_MESSAGES_S = 0.5
ENVIRONMENTS = 256
CARTPOLES = 64
_COUNTERS = ("messages_done", "wakes_done", "captures_done")
_CHUNK = 64  # steps between two looks at the clock
_WARM_STARTS = 3
_FIRST_STEP = f"""
import time
start = time.perf_counter()
import gymnasium, hftgym
env = gymnasium.make("{ENV_ID}")
env.reset(seed=0)
env.step([0.0, 0.0])
print(time.perf_counter() - start)
"""


@dataclass
class Case:
    """One thing to measure.

    Attributes:
        name: key of its figures.
        env: a single or a vector environment; resets are part of the time.
        actions: what it is stepped with, in turn; shape (some, ...).
        policy: what the actions are, in words.
        environments: how many of them a step steps.
        threads: that numba may use; None when the case does not use numba.
        steps: of each round.
        seconds: of each round.
        counted: what happened in each round: ``_COUNTERS`` and the learners' messages.
    """

    name: str
    env: Any
    actions: npt.NDArray[Any]
    policy: str
    environments: int = 1
    threads: int | None = None
    steps: list[int] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    counted: list[npt.NDArray[np.int64]] = field(default_factory=list)

    @property
    def learner(self) -> int | None:
        """Participant index of the learner; None for an environment that is not ours."""
        setting = getattr(self.env.unwrapped, "setting", None)
        return None if setting is None else int(setting.blueprint.learners[0])

    def count(self) -> npt.NDArray[np.int64]:
        """Return the counters of all markets, shape (4,); zeros for another's environment."""
        if self.learner is None:
            return np.zeros(4, np.int64)
        inner = self.env.unwrapped
        markets = inner.markets if self.environments > 1 else inner.market
        sent = markets["part"][..., self.learner]["account"]["messages"]
        return np.array([*(np.sum(markets[name]) for name in _COUNTERS), np.sum(sent)], np.int64)

    def run(self, seconds: float, seed: int) -> None:
        """Step for this long, from a reset with this seed, and note what happened."""
        if self.threads is not None:
            numba.set_num_threads(self.threads)
        env, actions = self.env, self.actions
        # The market of an episode is gone when the next one begins: count before the last step.
        last = self._steps_of_an_episode() - 1
        counted = np.zeros(4, np.int64)
        made = 0
        start = time.perf_counter()
        over = False
        while not over:
            env.reset(seed=seed + made)
            before = self.count()
            played = 0
            while played < last and not over:
                until = min(played + _CHUNK, last)
                for k in range(played, until):
                    env.step(actions[k % len(actions)])
                played = until
                over = time.perf_counter() - start >= seconds
            made += played
            counted += self.count() - before
        self.seconds.append(time.perf_counter() - start)
        self.steps.append(made * self.environments)
        self.counted.append(counted)

    def forget(self) -> None:
        """Drop the rounds so far."""
        for rounds in (self.steps, self.seconds, self.counted):
            rounds.clear()

    def _steps_of_an_episode(self) -> int:
        if self.learner is None:
            return 1 << 30  # it resets its environments itself
        task = self.env.unwrapped.task_info
        return int(task.horizon_s / task.step_s + 0.5)

    def figures(self) -> dict[str, Any]:
        """Return the median and range of the rounds."""
        rates = [n / s for n, s in zip(self.steps, self.seconds, strict=True)]
        result: dict[str, Any] = {
            "steps_per_s": round(median(rates)),
            "steps_per_s_range": [round(min(rates)), round(max(rates))],
            "environments": self.environments,
            "policy": self.policy,
        }
        if self.learner is None:
            return result
        per_s = [c / s for c, s in zip(self.counted, self.seconds, strict=True)]
        messages, wakes, captures, _ = (round(float(x)) for x in np.median(per_s, axis=0))
        steps = sum(self.steps)
        total, _, _, own = (int(x) for x in np.sum(self.counted, axis=0))
        task = self.env.unwrapped.task_info
        return result | {
            "threads": self.threads,
            "step_s": task.step_s,
            "messages_per_s": messages,
            "wakes_per_s": wakes,
            "captures_per_s": captures,
            "background_messages_per_step": round((total - own) / steps, 3),
            "learner_messages_per_step": round(own / steps, 3),
        }


def bench_env(
    say: Callable[[str], None] | None = None, seconds: float = 3.0, repeats: int = 5
) -> dict[str, Any]:
    """Measure one environment, a batch of them on one and on all threads, and a yardstick.

    Args:
        say: gets a line on what is happening.
        seconds: of each case, all rounds together.
        repeats: rounds; the median counts, the range is reported.

    Returns:
        Figures of the cases ``single``, ``single_steady``, ``vector_1_thread`` and
        ``vector_<n>_threads``; what their environments contain; the time from import to the first
        step in a fresh process (``warm_start_s``); CartPole in the same run; the machine.
    """
    tell = say or (lambda _: None)
    threads_before = numba.get_num_threads()
    tell(f"making the environments (compiling them takes a minute when {ENV_ID} is new here)")
    cases = _cases(threads_before)
    yardstick = cases[-1]
    try:
        for case in cases:  # warm up: load compiled code, burn in the markets
            case.run(0.05, seed=0)
            case.forget()
        tell(f"measuring {len(cases)} cases in {repeats} rounds of {seconds / repeats:.2g} s each")
        for k in range(repeats):
            for case in cases:
                case.run(seconds / repeats, seed=(k + 1) * 1_000_000)
    finally:
        numba.set_num_threads(threads_before)
    what = _contents(cases[0].env.unwrapped)
    for case in cases:
        case.env.close()
    tell(f"starting {_WARM_STARTS} fresh processes")
    starts = [_warm_start() for _ in range(_WARM_STARTS)]
    figures = {case.name: case.figures() for case in cases}
    base = figures.pop(yardstick.name)
    for result in figures.values():
        result["per_yardstick"] = round(result["steps_per_s"] / base["steps_per_s"], 3)
    return {
        "benchmark": "env",
        **figures,
        "environment": what,
        "warm_start_s": round(median(starts), 3),
        "warm_start_s_range": [round(min(starts), 3), round(max(starts), 3)],
        "yardstick": {"what": f"CartPole-v1, SyncVectorEnv of {CARTPOLES}", **base},
        "seconds": seconds,
        "repeats": repeats,
        "machine": describe(),
    }


def _cases(threads: int) -> list[Case]:
    """Return the cases, the yardstick last."""
    rng = np.random.default_rng(0)
    quotes = "random two-sided quotes, both renewed at every step"
    # 0.98 and above withdraws a quote.
    one = rng.uniform(-1.0, 0.97, (4_096, 2)).astype(np.float32)
    many = rng.uniform(-1.0, 0.97, (64, ENVIRONMENTS, 2)).astype(np.float32)
    steady = np.zeros((1, 2), np.float32)
    single = gymnasium.make(ENV_ID, step_s=ONE_MESSAGE_S)
    vector = gymnasium.make_vec(
        ENV_ID,
        num_envs=ENVIRONMENTS,
        vectorization_mode="vector_entry_point",
        step_s=TEN_MESSAGES_S,
    )
    cartpole = gymnasium.make_vec("CartPole-v1", num_envs=CARTPOLES, vectorization_mode="sync")
    pushes = rng.integers(0, 2, (64, CARTPOLES))
    return [
        Case("single", single, one, quotes, threads=1),
        Case("single_steady", single, steady, "two quotes at a fixed distance", threads=1),
        *(
            Case(f"vector_{n}_thread" + "s" * (n > 1), vector, many, quotes, ENVIRONMENTS, n)
            for n in sorted({1, threads})
        ),
        Case("yardstick", cartpole, pushes, "random pushes", CARTPOLES),
    ]


def _contents(env: Any) -> dict[str, Any]:
    """Return what takes part in a step of the environment."""
    blueprint = env.setting.blueprint
    learner = blueprint.record[0]["part"][blueprint.learners[0]]
    return {
        "id": ENV_ID,
        "scenario": blueprint.scenario.name,
        "learners": len(blueprint.learners),
        "participants": len(blueprint.names),
        "observation": f"{env.observation_space.dtype} {env.observation_space.shape}",
        "learner_latency_ns": {
            name: int(learner[f"{name}_ns"]) for name in ("feed", "order", "response")
        },
        "background_latency": "each participant has its own three channels",
        "accounts": "integer cash, position and fees of every participant at every fill",
        "market_bytes": int(blueprint.record.dtype.itemsize),
        "resets": "part of the time",
    }


def _warm_start() -> float:
    """Return the seconds from the first import to the end of the first step, in a new process."""
    done = subprocess.run(
        [sys.executable, "-P", "-c", _FIRST_STEP],
        capture_output=True,
        text=True,
        timeout=600,
        check=True,
        env=dict(os.environ),
    )
    return float(done.stdout)
