"""Evaluation of finished runs, from their folders."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from hftgym.training.config import TrainConfig
from hftgym.training.evaluate import EvaluationResult, evaluate_learners
from hftgym.training.known import KnownResult, evaluate_known
from hftgym.training.runs import RunFolder
from hftgym.training.workers import open_workers
from hftgym.yaml_model import load_yaml_model


def evaluate_run(
    run: str | Path,
    *,
    others: Sequence[str | Path] = (),
    split: str = "test",
    test_markets: int | None = None,
    which: str | None = None,
    quiet: bool = False,
    workers: int = 1,
) -> EvaluationResult | KnownResult:
    """Evaluate the policy of a run folder, together with other training seeds of it.

    Args:
        run: Run folder; its configuration counts.
        others: Further run folders of the same configuration, other seeds.
        split: Which markets.
        test_markets: Number of markets; the configuration's when not given.
        which: ``best``, ``latest`` or the name of a checkpoint; when not given, the best one on
            validation markets, or the last one where the answer is known.
        quiet: Show no progress.
        workers: Ray workers that play the episodes; 1: no Ray.
    """
    folders = [RunFolder.open(path) for path in (run, *others)]
    config = load_yaml_model(folders[0].path / "config.yaml", TrainConfig)
    if test_markets is not None:
        settings = config.evaluation.model_copy(update={"test_markets": test_markets})
        config = config.model_copy(update={"evaluation": settings})
    learner = config.learner()
    which = which or ("latest" if config.known else "best")
    policies = [learner.load(folder.path, which) for folder in folders]
    if config.known:
        return evaluate_known(config, policies, runs=folders)
    with open_workers(workers) as crew:
        return evaluate_learners(
            config, policies, runs=folders, split=split, quiet=quiet, workers=crew
        )
