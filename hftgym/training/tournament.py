"""A tournament: every policy in every scenario, each baseline tuned anew where it plays.

Policies meet the same markets of a scenario, one after the other, not each other. What they earn is
compared within a scenario only: what there is to earn differs between them by orders of magnitude,
so the table adds nothing up but ranks.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from contextlib import closing
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from rich import box
from rich.console import Console
from rich.table import Table

from hftgym.analytics.statistics import crossed_bootstrap_mean_difference
from hftgym.errors import DataError, UsageError
from hftgym.names import load_attribute
from hftgym.scenario import config_hash, list_scenarios, load_scenario
from hftgym.training.atomic import write_json
from hftgym.training.config import BASELINE_ACTION, BASELINES, TrainConfig
from hftgym.training.evaluate import Contender, evaluate_policies
from hftgym.training.policy import Policy
from hftgym.training.progress import PhaseProgress
from hftgym.training.report import print_table
from hftgym.training.runs import RunFolder
from hftgym.training.seeds import market_seeds
from hftgym.training.task import ENV_ID, MarketTask
from hftgym.training.tune import tune
from hftgym.training.workers import Workers, make_markets, open_workers
from hftgym.yaml_model import load_yaml_model


@dataclass(frozen=True)
class Score:
    """What one policy reached in one scenario, ticks an episode.

    Attributes:
        policy: Name of the policy.
        ceiling: Whether it sees what no participant can know; it has no rank.
        objective_tick: Mean objective J.
        low: Lower end of its 95 % interval over markets.
        high: Upper end.
        fills: Mean fills of an episode.
        rank: 1 is the best.
    """

    policy: str
    ceiling: bool
    objective_tick: float
    low: float
    high: float
    fills: float
    rank: int


@dataclass(frozen=True)
class Tournament:
    """All scores.

    Attributes:
        settings: What makes two tournaments comparable: markets, tuning, trained policies.
        scores: Of each scenario, in the order of the policies.
    """

    settings: dict[str, Any]
    scores: dict[str, list[Score]]

    def to_dict(self) -> dict[str, Any]:
        """Return plain figures for JSON."""
        scores = {name: [asdict(score) for score in row] for name, row in self.scores.items()}
        return {"settings": self.settings, "scores": scores}

    def mean_ranks(self) -> dict[str, float]:
        """Return the mean rank of each policy that has one."""
        ranks: dict[str, list[int]] = {}
        for row in self.scores.values():
            for score in row:
                if not score.ceiling:
                    ranks.setdefault(score.policy, []).append(score.rank)
        return {name: float(np.mean(found)) for name, found in ranks.items()}


def play_tournament(
    runs: Sequence[str | Path] = (),
    *,
    scenarios: Sequence[str] = (),
    baselines: Sequence[str] = (),
    env_id: str = ENV_ID,
    markets: int = 64,
    trials: int = 50,
    tuning_markets: int = 16,
    out: str | Path | None = None,
    quiet: bool = False,
    workers: int = 1,
) -> Tournament:
    """Play every policy in every scenario.

    Args:
        runs: Run folders whose best policies take part as they are, in whatever scenario they were
            trained.
        scenarios: Names or files; every bundled one without a tape when empty.
        baselines: Scripted policies, each as ``module:attribute``; those of the task when empty.
        env_id: The task.
        markets: Test markets of a scenario.
        trials: Largest number of parameter sets of a baseline.
        tuning_markets: Markets that each parameter set plays.
        out: JSON file that is written after each scenario; scenarios that it holds already, played
            with the same settings, are not played again.
        quiet: Show no progress.
        workers: Ray workers that play the episodes; 1: no Ray. The scores are the same.

    Raises:
        UsageError: A scenario is a tape, or is named twice.
        DataError: ``out`` holds something else, or a tournament of other settings.
    """
    if env_id not in BASELINES:
        raise UsageError(
            "HG-U219", f"no tournament of {env_id!r}: choose one of {', '.join(BASELINES)}"
        )
    baselines = baselines or BASELINES[env_id]
    names = list(scenarios) or _playable(env_id)
    found = {name: load_scenario(name) for name in names}
    for name, scenario in found.items():
        if scenario.tape is not None:
            raise UsageError("HG-U045", f"scenario {name!r} is a tape: name markets without one")
    if len(found) < len(names):
        raise UsageError("HG-U046", "a scenario is named twice")
    learners = _learners(runs, env_id)
    settings = {
        "env_id": env_id,
        "markets": markets,
        "trials": trials,
        "tuning_markets": tuning_markets,
        "baselines": list(baselines),
        "policies": {policy.name: _hash(policy) for policy in learners},
    }
    kept = _kept(out, settings)
    scores: dict[str, list[Score]] = {}
    bar = PhaseProgress("tournament", len(found), "scenarios", quiet=quiet)
    with open_workers(workers) as crew, bar:
        for name, scenario in found.items():
            key = f"{name} {config_hash(scenario)}"
            if key not in kept:
                task = MarketTask(env_id, name, arguments={"action": BASELINE_ACTION})
                kept[key] = _one(task, learners, baselines, markets, trials, tuning_markets, crew)
                if out is not None:
                    write_json(Path(out), Tournament(settings, kept).to_dict())
            scores[name] = kept[key]
            bar.advance(1, name)
    return Tournament(settings, scores)


def _playable(env_id: str) -> list[str]:
    """Return the bundled scenarios without a tape that hold what a task needs."""
    pair = env_id == "hftgym/Pairs-v0"
    found = {name: load_scenario(name) for name in list_scenarios()}
    return [n for n, s in found.items() if s.tape is None and (s.second is not None or not pair)]


def _learners(runs: Sequence[str | Path], env_id: str) -> list[Policy]:
    """Return the best policy of each run folder, under a name of its own."""
    policies: list[Policy] = []
    for run in runs:
        folder = RunFolder.open(run)
        config = load_yaml_model(folder.path / "config.yaml", TrainConfig)
        if config.env_id != env_id or config.environment.action != BASELINE_ACTION:
            raise UsageError(
                "HG-U220",
                f"{run}: trained on {config.env_id} with {config.environment.action} actions; this "
                f"is a tournament of {env_id} with {BASELINE_ACTION} ones",
            )
        learner = config.learner()
        policies.append(learner.load(folder.path, "best", f"{learner.name} {folder.path.name}"))
    return policies


def _hash(policy: Any) -> str:
    return str(policy.weights_hash()) if hasattr(policy, "weights_hash") else ""


def _kept(out: str | Path | None, settings: dict[str, Any]) -> dict[str, list[Score]]:
    """Return what an earlier tournament of the same settings has found."""
    if out is None or not Path(out).exists():
        return {}
    try:
        found = json.loads(Path(out).read_bytes())
        if found["settings"] != settings:
            raise DataError(
                "HG-D070", f"{out}: a tournament of other settings; name another file with --out"
            )
        return {key: [Score(**one) for one in row] for key, row in found["scores"].items()}
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        if isinstance(error, DataError):
            raise
        raise DataError("HG-D071", f"{out}: no tournament: {error}") from None


def _one(
    task: MarketTask,
    learners: Sequence[Policy],
    baselines: Sequence[str],
    markets: int,
    trials: int,
    tuning_markets: int,
    crew: Workers | None,
) -> list[Score]:
    """Return the scores of one scenario."""
    classes = [load_attribute(target, "baseline") for target in baselines]
    truth: dict[str, Any] = {"observe_value": True} if any(c.needs_truth for c in classes) else {}
    if truth and load_scenario(task.scenario).value is None:
        classes = [c for c in classes if not c.needs_truth]  # nobody knows a value there
        truth = {}
    with closing(make_markets(task, 256, "tune", crew, **truth)) as venv:
        tuned = [tune(c, venv, markets=tuning_markets, trials=trials).policy for c in classes]
    policies = [*learners, *tuned]
    seeds = market_seeds("test", markets)
    lanes = min(256, markets * len(policies))
    with closing(make_markets(task, lanes, "test", crew, **truth)) as venv:
        entries = evaluate_policies([Contender(p.name, [p]) for p in policies], venv, seeds)
    rng = np.random.default_rng(0)
    intervals = [crossed_bootstrap_mean_difference(entry.objective, rng) for entry in entries]
    means = [interval.mean for interval in intervals]
    rivals = [mean for mean, p in zip(means, policies, strict=True) if not p.needs_truth]
    return [
        Score(
            policy=policy.name,
            ceiling=policy.needs_truth,
            objective_tick=interval.mean,
            low=interval.low,
            high=interval.high,
            fills=float(entry.episodes["fills"].mean()),
            rank=1 + sum(other > interval.mean for other in rivals),
        )
        for policy, interval, entry in zip(policies, intervals, entries, strict=True)
    ]


def print_tournament(result: Tournament, console: Console | None = None) -> None:
    """Print J of every policy in every scenario; the best without foresight is bold."""
    out = console or Console()
    names = list(dict.fromkeys(score.policy for row in result.scores.values() for score in row))
    table = Table(
        title=f"J, ticks times lots an episode; {result.settings['markets']} test markets each",
        title_justify="left",
        box=box.SIMPLE_HEAD,
        padding=(0, 1, 0, 0),
    )
    table.add_column("scenario", no_wrap=True)
    for name in names:
        table.add_column(name, justify="right", no_wrap=True)
    for scenario, row in result.scores.items():
        cells = {score.policy: _cell(score) for score in row}
        table.add_row(scenario, *(cells.get(name, "-") for name in names))
    ranks = result.mean_ranks()
    table.add_section()
    table.add_row("mean rank", *(f"{ranks[n]:.1f}" if n in ranks else "-" for n in names))
    print_table(table, out)
    out.print("+-: half of a 95 % interval over markets.", highlight=False, soft_wrap=True)


def _cell(score: Score) -> str:
    text = f"{score.objective_tick:+.0f} +-{(score.high - score.low) / 2.0:.0f}"
    return f"[bold]{text}[/bold]" if score.rank == 1 and not score.ceiling else text
