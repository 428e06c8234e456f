"""``hftgym bench env``: how many steps a second the environments make on this machine.

A step of an environment is worth what happens in it, so each figure stands beside the messages that
the exchange processed, the decisions of all participants (wakes) and the views that were captured
for them. The cases take turns, so that a busy moment of the machine meets all of them.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from statistics import median
from typing import Any

import numba

from hftgym.bench.env_cases import CARTPOLES, ENV_ID, all_cases
from hftgym.bench.machine import describe

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


def bench_env(
    say: Callable[[str], None] | None = None, seconds: float = 3.0, repeats: int = 5
) -> dict[str, Any]:
    """Measure one environment, batches of them, several learners in a market, and a yardstick.

    Args:
        say: gets a line on what is happening.
        seconds: of each case, all rounds together.
        repeats: rounds; the median counts, the range is reported.

    Returns:
        Figures of each case by name (``hftgym.bench.env_cases``; the last number is that of
        background messages in a step); what their environments contain; the time from import to
        the first step in a fresh process (``warm_start_s``); CartPole in the same run; the machine.
    """
    tell = say or (lambda _: None)
    threads_before = numba.get_num_threads()
    tell(f"making the environments (compiling them takes a minute when {ENV_ID} is new here)")
    cases = all_cases(threads_before)
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
