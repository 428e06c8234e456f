"""What learners reach on a task with a known answer: scores, without an episode played."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from rich import box
from rich.console import Console
from rich.table import Table

from hftgym.training.atomic import write_json
from hftgym.training.config import TrainConfig
from hftgym.training.policy import Policy
from hftgym.training.report import print_table
from hftgym.training.runs import RunFolder

_EPISODES = 64  # in which a critic is asked for its values


@dataclass(frozen=True)
class KnownResult:
    """Scores of the learners of a run, one for each training seed.

    Attributes:
        env_id: The task.
        agent: Name of the learner.
        seeds: Training seeds; empty when they are not known.
        values: J of each policy, by dynamic programming.
        scores: (J - reference) / (optimum - reference).
        optimum: J* of the best policy.
        reference: J of the best constant, or of TWAP.
        critics: Correlation of each critic's values with V* under the learner's discount, over the
            states that the policy visits as it explores; None where a policy has no critic.
        runs: Run folders.
    """

    env_id: str
    agent: str
    seeds: tuple[int, ...]
    values: tuple[float, ...]
    scores: tuple[float, ...]
    optimum: float
    reference: float
    critics: tuple[float | None, ...]
    runs: tuple[Path, ...] = ()

    @property
    def median(self) -> float:
        """Median score over the training seeds."""
        return float(np.median(self.scores))

    def to_dict(self) -> dict[str, Any]:
        """Return plain figures for JSON."""
        plain = asdict(self) | {"runs": [str(run) for run in self.runs]}
        return plain | {"median": self.median, "worst": min(self.scores)}


def evaluate_known(
    config: TrainConfig, learners: Sequence[Policy], *, runs: Sequence[RunFolder] = ()
) -> KnownResult:
    """Score the learners of a configuration.

    Args:
        config: Its task has a known answer.
        learners: One policy for each training seed.
        runs: Their run folders; each gets ``evaluation.json``.
    """
    with closing(config.task().make_training(1)) as venv:
        env = venv.unwrapped
        result = KnownResult(
            env_id=config.env_id,
            agent=learners[0].name,
            seeds=tuple(config.seeds) if len(config.seeds) == len(learners) else (),
            values=tuple(env.value(policy) for policy in learners),
            scores=tuple(env.score(policy) for policy in learners),
            optimum=env.optimal_value(),
            reference=env.reference_value(),
            critics=tuple(critic_correlation(config, policy) for policy in learners),
            runs=tuple(run.path for run in runs),
        )
    for run in runs:
        write_json(run.path / "evaluation.json", result.to_dict())
    return result


def critic_correlation(config: TrainConfig, policy: Any) -> float | None:
    """Return the correlation of a critic's values with V*, or None: the policy has no critic.

    States are those of `_EPISODES` episodes that the policy plays as it explores; V* is of the
    policy that is best under the discount the critic has learned with.

    Args:
        config: Its task has a known answer.
        policy: A policy; one with a critic has ``values(obs)``.
    """
    if not hasattr(policy, "values"):
        return None
    with closing(config.task().make_training(_EPISODES)) as venv:
        obs, _ = venv.reset(seed=config.seeds[0])
        state = policy.initial_state(np.arange(_EPISODES, dtype=np.uint64))
        seen = []
        for _ in range(venv.unwrapped.process.steps):
            seen.append(obs)
            actions, state = policy.predict(obs, state, deterministic=False)
            obs, *_ = venv.step(actions)
        visited = np.concatenate(seen)
        discount = float(policy.config["params"]["gamma"])
        best = venv.unwrapped.optimal_values(visited, discount)
    return float(np.corrcoef(policy.values(visited), best)[0, 1])


def print_known(result: KnownResult, console: Console | None = None) -> None:
    """Print one line a training seed, median and worst, and the run folders."""
    out = console or Console()
    title = f"{result.agent} on {result.env_id}: score 0 is the reference, 1 the optimum"
    out.print(title, highlight=False, soft_wrap=True)
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0))
    for name in ("training seed", "J", "corr(V, V*)", "score"):
        table.add_column(name, justify="right")
    seeds = result.seeds or range(len(result.scores))
    rows = zip(seeds, result.values, result.critics, result.scores, strict=True)
    for seed, value, critic, score in rows:
        agrees = "-" if critic is None else f"{critic:.3f}"
        table.add_row(str(seed), f"{value:.4f}", agrees, f"{score:.3f}")
    table.add_section()
    table.add_row("optimum", f"{result.optimum:.4f}", "", "1.000")
    table.add_row("reference", f"{result.reference:.4f}", "", "0.000")
    print_table(table, out)
    out.print(
        f"median score {result.median:.3f}, worst {min(result.scores):.3f}; by dynamic "
        "programming, not by playing",
        highlight=False,
        soft_wrap=True,
    )
    for run in result.runs:
        out.print(f"run folder: {run}", highlight=False, soft_wrap=True)
