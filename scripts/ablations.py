"""What parts of the task and of the learner are worth: trains without them, one at a time.

    python -m scripts.ablations --config configs/fast_ppo_market_making_competition.yaml
    python -m scripts.ablations --seeds 0 1 2 --workers 2

Each variant changes one thing of a configuration, trains the same seeds, and plays the same test
markets; J is the objective of every variant, whatever it was rewarded for. Prints a Markdown table:
J, and how much less than the whole it earns, paired by market, with 95 % intervals over seeds and
markets. Goes on where it was stopped.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from hftgym.analytics.statistics import crossed_bootstrap_mean_difference
from hftgym.errors import HftgymError, UsageError
from hftgym.training.atomic import sha256, write_json
from hftgym.training.config import TrainConfig
from hftgym.training.evaluate import EvaluationResult
from hftgym.training.metrics import controlled_objective
from hftgym.training.progress import PhaseProgress
from hftgym.training.rollout import Job, play
from hftgym.training.seeds import market_seeds
from hftgym.training.task import MarketTask
from hftgym.training.train import resolve_config, train_from_config

ROOT = Path(__file__).resolve().parents[1]
WHOLE = "as it is"
#: What each variant changes, as ``--set`` of ``hftgym train``.
VARIANTS: dict[str, tuple[str, ...]] = {
    WHOLE: (),
    "own place in the queue not seen": ("params.hide=['*_queue_share', '*_age']",),
    "order flow and imbalance not seen": (
        "params.hide=['imbalance_*', 'ofi_*', 'signed_volume_*', 'microprice_offset']",
    ),
    "no latency": ("arguments.latency={feed_ns: 0, order_ns: 0, response_ns: 0}",),
    "rewarded by profit alone": ("arguments.reward=pnl",),
    "first actions drawn twice as wide": ("params.initial_std=0.8",),
}
#: Baselines and sizes of the evaluation behind each training, which nobody looks at here.
_NO_RIVALS = (
    "evaluation.baselines=['agents.do_nothing:DoNothing']",
    "evaluation.stochastic=false",
    "evaluation.resamples=100",
    "evaluation.test_markets=2",
)


def objectives(
    path: Path, overrides: Sequence[str], markets: int, folder: Path, quiet: bool, workers: int
) -> list[list[float]]:
    """Train a variant and return J of its seeds on the test markets, ticks, (seeds, markets)."""
    result = train_from_config(
        path,
        overrides=(*overrides, *_NO_RIVALS),
        root=folder,
        quiet=quiet,
        report=False,
        workers=workers,
    )
    assert isinstance(result, EvaluationResult)
    config = resolve_config(path, overrides=overrides)
    learner, task = config.learner(), config.task()
    assert isinstance(task, MarketTask)
    seeds = market_seeds("test", markets, config.evaluation.market_root)
    jobs = [Job(learner.load(run, "best"), seeds) for run in result.runs]
    with closing(task.make(min(config.evaluation.num_envs, len(jobs) * markets), "test")) as venv:
        played = play(venv, jobs)
    return [controlled_objective(one.episodes).tolist() for one in played]


def ablate(
    path: Path,
    seeds: Sequence[int],
    folder: Path,
    *,
    overrides: Sequence[str] = (),
    markets: int | None = None,
    quiet: bool = False,
    workers: int = 1,
) -> dict[str, npt.NDArray[np.float64]]:
    """Train and play what is missing in a folder, and return J of all variants.

    Args:
        path: Configuration of the whole.
        seeds: Training seeds.
        folder: Of the JSON files and the run folders.
        overrides: Changes of all variants.
        markets: Test markets; the configuration's when not given.
        quiet: Show no progress.
        workers: Ray workers that train seeds side by side.

    Returns:
        J by variant, ticks, shape (seeds, markets).

    Raises:
        UsageError: The configuration's task has no markets.
    """
    if resolve_config(path, overrides=overrides).known:
        raise UsageError("HG-U231", f"{path}: ablations play test markets; this task has none")
    found: dict[str, npt.NDArray[np.float64]] = {}
    listed = f"seeds=[{', '.join(str(seed) for seed in seeds)}]"
    with PhaseProgress("ablations", len(VARIANTS), "variants", quiet=quiet) as bar:
        for number, (name, changes) in enumerate(VARIANTS.items()):
            own = (*overrides, listed, f"name=ablation-{number}", *changes)
            config: TrainConfig = resolve_config(path, overrides=own)
            count = markets or config.evaluation.test_markets
            key = sha256(f"{config.model_dump_json()} {count}".encode())
            kept = folder / f"{number}.json"
            if not kept.exists() or json.loads(kept.read_bytes())["key"] != key:
                table = objectives(path, own, count, folder, quiet, workers)
                write_json(kept, {"key": key, "variant": name, "objective_tick": table})
            found[name] = np.array(json.loads(kept.read_bytes())["objective_tick"])
            bar.advance(1, name)
    return found


def table(found: dict[str, Any]) -> str:
    """Return the Markdown table of J by variant."""
    lines = ["| variant | J by seed | J | less than the whole |", "|---|---|---|---|"]
    rng = np.random.default_rng(0)
    for name, own in found.items():
        lost = crossed_bootstrap_mean_difference(found[WHOLE] - own, rng)
        less = "-" if name == WHOLE else f"{lost.mean:.1f} ({lost.low:.1f} to {lost.high:.1f})"
        by_seed = ", ".join(f"{one:+.0f}" for one in own.mean(axis=1))
        lines.append(f"| {name} | {by_seed} | {own.mean():+.1f} | {less} |")
    return "\n".join(lines)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    config = ROOT / "configs" / "fast_ppo_market_making.yaml"
    parser.add_argument("--config", type=Path, default=config, help="of our own PPO on a market")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1], help="training seeds (0 1)")
    parser.add_argument("--set", dest="overrides", nargs="+", default=[], help="key.key=value")
    parser.add_argument("--markets", type=int, help="test markets (the configuration's)")
    parser.add_argument("--folder", type=Path, help="of the results (runs/ablations-NAME)")
    parser.add_argument("--workers", type=int, default=1, help="seeds at a time, on Ray (1)")
    chosen = parser.parse_args(arguments)
    folder = chosen.folder or ROOT / "runs" / f"ablations-{chosen.config.stem}"
    try:
        found = ablate(
            chosen.config,
            chosen.seeds,
            folder,
            overrides=chosen.overrides,
            markets=chosen.markets,
            workers=chosen.workers,
        )
    except HftgymError as error:
        sys.exit(f"ablations: error[{error.code}] {error}")
    print(table(found))


if __name__ == "__main__":
    main()
