"""Evaluation: every policy on the same markets, learners beside baselines.

Market by market, the figures of two policies are paired: they met the same value path, the same
arrivals and the same latencies.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from hftgym.names import load_attribute
from hftgym.training.atomic import write_json
from hftgym.training.compare import Comparison, Entry, compare
from hftgym.training.config import BASELINE_ACTION, TrainConfig
from hftgym.training.metrics import tape_fidelity
from hftgym.training.policy import Policy, UInt64Array
from hftgym.training.progress import PhaseProgress
from hftgym.training.rollout import Job, Played, Progress, play
from hftgym.training.runs import RunFolder
from hftgym.training.seeds import market_seeds
from hftgym.training.task import MarketTask
from hftgym.training.tune import Tuned, tune
from hftgym.training.workers import Workers, make_markets


@dataclass(frozen=True)
class Contender:
    """A policy (or several training seeds of one) in an evaluation.

    Attributes:
        name: Name in the table.
        policies: One policy for each training seed; one for a baseline.
        role: ``learner``, ``baseline`` or ``ceiling``.
        deterministic: False plays the stochastic policy.
    """

    name: str
    policies: Sequence[Policy]
    role: str = "baseline"
    deterministic: bool = True


@dataclass(frozen=True)
class EvaluationResult:
    """What an evaluation found.

    Attributes:
        comparison: The table.
        tuned: Tuning of each baseline, by name.
        scenario: Name of the scenario.
        split: Split of the markets.
        runs: Run folders of the learners.
        tape: How far the learner moved the live book from its tape (`metrics.tape_fidelity`).
    """

    comparison: Comparison
    tuned: dict[str, Tuned] = field(default_factory=dict)
    scenario: str = "default"
    split: str = "test"
    runs: tuple[Path, ...] = ()
    tape: dict[str, float] | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return plain figures for JSON."""
        return {
            "scenario": self.scenario,
            "split": self.split,
            "runs": [str(run) for run in self.runs],
            "tape": self.tape,
            "tuning": {
                name: {
                    "params": t.params,
                    "objective_tick": t.objective_tick,
                    "trials": t.trials,
                    "markets": t.markets,
                }
                for name, t in self.tuned.items()
            },
            **self.comparison.to_dict(),
        }


def evaluate_policies(
    contenders: Sequence[Contender],
    venv: Any,
    seeds: UInt64Array,
    *,
    block_s: float | None = None,
    progress: Progress | None = None,
) -> list[Entry]:
    """Play every contender on the same markets.

    Args:
        contenders: Policies by name.
        venv: Vector environment; with ``observe_value`` when a ceiling takes part.
        seeds: Market seeds, shape (markets,).
        block_s: Length of blocks of time for a block bootstrap, in seconds.
        progress: Called with the number of episodes that have ended.

    Returns:
        One entry for each contender, with episodes of shape (training seeds, markets).
    """
    jobs = [Job(p, seeds, c.deterministic) for c in contenders for p in c.policies]
    played = iter(play(venv, jobs, block_s=block_s, progress=progress))
    entries = []
    for contender in contenders:
        own: list[Played] = [next(played) for _ in contender.policies]
        blocks = [p.blocks for p in own if p.blocks is not None]
        entries.append(
            Entry(
                name=contender.name,
                role=contender.role,
                episodes=np.stack([p.episodes for p in own]),
                blocks=np.stack(blocks) if blocks else None,
            )
        )
    return entries


def evaluate_learners(
    config: TrainConfig,
    learners: Sequence[Policy],
    *,
    runs: Sequence[RunFolder] = (),
    split: str = "test",
    quiet: bool = False,
    workers: Workers | None = None,
) -> EvaluationResult:
    """Tune the baselines and compare the learners with them on unseen markets.

    Args:
        config: Scenario, baselines and sizes.
        learners: One policy for each training seed.
        runs: Their run folders; each gets ``evaluation.json``.
        split: Which markets.
        quiet: Show no progress.
        workers: Play the episodes; None: this process does.
    """
    task = config.task()
    assert isinstance(task, MarketTask)
    settings = config.evaluation
    classes = [load_attribute(target, "baseline") for target in config.baselines]
    on_tape = config.on_tape
    if on_tape:  # history has no latent value that a ceiling could see
        classes = [c for c in classes if not c.needs_truth]
    observe: dict[str, Any] = {"observe_value": True} if any(c.needs_truth for c in classes) else {}
    tuned = _tune_all(config, task, classes, observe, quiet, workers)
    contenders = [Contender(learners[0].name, learners, "learner")]
    if settings.stochastic:
        name = f"{contenders[0].name} (stochastic)"
        contenders.append(Contender(name, learners, "learner", deterministic=False))
    for policy_class in classes:
        policy = tuned[policy_class.name].policy
        role = "ceiling" if policy.needs_truth else "baseline"
        contenders.append(Contender(policy.name, [policy], role))
    entries = _play_all(config, task, contenders, observe, split, quiet, workers)
    comparison = compare(
        entries,
        rng=np.random.default_rng([settings.market_root, 1]),
        resamples=settings.resamples,
        by_block=on_tape,
    )
    result = EvaluationResult(
        comparison,
        tuned,
        config.scenario,
        split,
        tuple(run.path for run in runs),
        tape_fidelity(entries[0].episodes) if on_tape else None,
    )
    for run in runs:
        write_json(run.path / "evaluation.json", result.to_dict())
    return result


def _play_all(
    config: TrainConfig,
    task: MarketTask,
    contenders: Sequence[Contender],
    observe: dict[str, Any],
    split: str,
    quiet: bool,
    workers: Workers | None,
) -> list[Entry]:
    """Play all contenders, learners first, each with its own form of action."""
    settings = config.evaluation
    seeds = market_seeds(split, settings.test_markets, settings.market_root)
    learners = [c for c in contenders if c.role == "learner"]
    scripted = [c for c in contenders if c.role != "learner"]
    together = config.environment.action == BASELINE_ACTION
    entries: list[Entry] = []
    for group, form in (
        (contenders if together else learners, {}),
        ([] if together else scripted, {"action": BASELINE_ACTION}),
    ):
        jobs = sum(len(c.policies) for c in group)
        if jobs == 0:
            continue
        lanes = min(settings.num_envs, jobs * len(seeds))
        with closing(make_markets(task, lanes, split, workers, **observe, **form)) as venv:
            seeds = _all_windows(venv, seeds)
            title = f"evaluate on {split} markets"
            with PhaseProgress(title, jobs * len(seeds), "episodes", quiet=quiet) as bar:
                entries += evaluate_policies(
                    group,
                    venv,
                    seeds,
                    block_s=settings.block_s if config.on_tape else None,
                    progress=bar.advance,
                )
    return entries


def _tune_all(
    config: TrainConfig,
    task: MarketTask,
    classes: Sequence[Any],
    observe: dict[str, Any],
    quiet: bool,
    workers: Workers | None,
) -> dict[str, Tuned]:
    settings = config.tuning
    observe = {"action": BASELINE_ACTION, **observe}
    with closing(make_markets(task, settings.num_envs, "tune", workers, **observe)) as venv:
        sizes = [min(settings.trials, len(c.grid(venv.unwrapped.task_info))) for c in classes]
        total = sum(size * settings.markets for size in sizes if size > 1)
        with PhaseProgress("tune the baselines", total, "episodes", quiet=quiet) as bar:
            return {
                c.name: tune(
                    c,
                    venv,
                    markets=settings.markets,
                    trials=settings.trials,
                    root=settings.market_root,
                    progress=bar.advance,
                )
                for c in classes
            }


def _all_windows(venv: Any, seeds: UInt64Array) -> UInt64Array:
    """Return the seeds of all windows of a tape in order of time; elsewhere the given seeds."""
    windows = getattr(venv.unwrapped, "distinct_market_seeds", None)
    return seeds if windows is None else np.asarray(windows, np.uint64)
