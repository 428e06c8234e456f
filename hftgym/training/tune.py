"""Tuning of baselines: the best of a grid on tuning markets, the same budget for each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from hftgym.training.metrics import controlled_objective
from hftgym.training.policy import Policy
from hftgym.training.rollout import Job, Progress, play
from hftgym.training.seeds import Split, market_seeds


@dataclass(frozen=True)
class Tuned:
    """Outcome of one baseline's tuning.

    Attributes:
        policy: The baseline with its best parameters.
        params: These parameters.
        objective_tick: Their mean objective on the tuning markets, in ticks.
        trials: Number of parameter sets tried.
        markets: Number of tuning markets.
        objectives: Mean objective of each trial, ticks, shape (trials,).
    """

    policy: Policy
    params: dict[str, Any]
    objective_tick: float
    trials: int
    markets: int
    objectives: npt.NDArray[np.float64]


def tune(
    policy_class: Any,
    venv: Any,
    *,
    markets: int,
    trials: int = 50,
    root: int = 0,
    progress: Progress | None = None,
) -> Tuned:
    """Return the best parameters of a baseline's grid on the tuning markets.

    A baseline without anything to tune is returned as it is, without a trial.

    Args:
        policy_class: Class with ``grid(task)`` and ``(task, params)``.
        venv: Vector environment on the scenario.
        markets: Number of tuning markets; every trial plays all of them.
        trials: Largest number of parameter sets; a longer grid is thinned evenly.
        root: Root of the market seeds.
        progress: Called with the number of episodes that have ended.
    """
    task = venv.unwrapped.task_info
    grid = thin(policy_class.grid(task), trials)
    if len(grid) == 1:
        policy = policy_class(task, grid[0])
        return Tuned(policy, grid[0].model_dump(mode="json"), float("nan"), 0, 0, np.empty(0))
    seeds = market_seeds(Split.TUNE, markets, root)
    policies = [policy_class(task, params) for params in grid]
    played = play(venv, [Job(policy, seeds) for policy in policies], progress=progress)
    objectives = np.array([controlled_objective(p.episodes).mean() for p in played])
    best = int(objectives.argmax())
    return Tuned(
        policy=policies[best],
        params=grid[best].model_dump(mode="json"),
        objective_tick=float(objectives[best]),
        trials=len(grid),
        markets=markets,
        objectives=objectives,
    )


def tune_constant_spread(venv: Any, *, markets: int, trials: int = 50, root: int = 0) -> Tuned:
    """Return the constant spread that is best on the tuning markets.

    Args:
        venv: Vector environment on the scenario.
        markets: Number of tuning markets.
        trials: Number of spreads to try.
        root: Root of the market seeds.
    """
    from hftgym.names import load_attribute

    policy_class = load_attribute("agents.constant_spread:ConstantSpread", "baseline")
    return tune(policy_class, venv, markets=markets, trials=trials, root=root)


def thin(grid: Sequence[Any], trials: int) -> list[Any]:
    """Return at most `trials` members of a grid, evenly spread over it."""
    if trials < 1:
        raise ValueError(f"{trials} trials; give at least 1")
    if len(grid) <= trials:
        return list(grid)
    return [grid[i] for i in np.linspace(0, len(grid) - 1, trials).round().astype(int)]
