"""The main job: train, choose the best checkpoint on validation markets, evaluate, report."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from hftgym.data.lobster_files import message_file, orderbook_file
from hftgym.errors import UsageError
from hftgym.names import check_name
from hftgym.tensorboard.writer import MetricsWriter
from hftgym.training.atomic import sha256
from hftgym.training.config import TrainConfig
from hftgym.training.evaluate import EvaluationResult, evaluate_learners
from hftgym.training.interrupt import StopRequest
from hftgym.training.known import KnownResult, evaluate_known, print_known
from hftgym.training.progress import PhaseProgress
from hftgym.training.report import print_result
from hftgym.training.resume import State, check_same, load_state, trim_metrics
from hftgym.training.runs import RunFolder
from hftgym.training.session import TrainSession
from hftgym.training.track import check_tracker, open_tracker
from hftgym.training.workers import Workers, open_workers
from hftgym.yaml_model import load_yaml_model, parse_overrides


def train_from_config(
    path: str | Path,
    scenario: str | None = None,
    data: str | Path | None = None,
    seed: int | None = None,
    overrides: Sequence[str] = (),
    name: str | None = None,
    device: str = "auto",
    steps: int | None = None,
    *,
    root: str | Path = "runs",
    quiet: bool = False,
    report: bool = True,
    track: str | None = None,
    workers: int = 1,
) -> EvaluationResult | KnownResult:
    """Train the learners of a configuration and compare them with the baselines.

    On a task with a known answer they are scored instead.

    Args:
        path: YAML file in ``configs/``.
        scenario: Replaces the file's scenario.
        data: Data of a tape scenario: a LOBSTER message file, or the folder that holds one pair.
        seed: One training seed in place of the file's.
        overrides: Further changes, ``key.key=value``.
        name: Name of the run.
        device: ``auto``, ``cpu`` or ``cuda``.
        steps: Environment steps of each learner.
        root: Folder of all runs.
        quiet: Show no progress.
        report: Print the table and the run folders.
        track: An external tracker beside the run folder (`hftgym.training.track`).
        workers: Ray workers that train seeds and play episodes side by side; 1: no Ray. What comes
            out is the same.

    Returns:
        The comparison on the test markets, or the scores.

    Raises:
        UsageError: There is no such tracker.
        KeyboardInterrupt: The user stopped the run; everything so far has been saved.
    """
    config = resolve_config(path, scenario, data, seed, overrides, name, steps)
    config.learner()  # what is wrong with it is said before anything is made
    if track is not None:
        check_tracker(track)
    runs: list[RunFolder] = []

    def start(number: int) -> RunFolder:
        run = RunFolder.create(config.name, number, root)
        _describe(run, config, number)
        runs.append(run)
        return run

    def leave_if(requested: bool) -> None:
        if requested:
            places = ", ".join(str(run.path) for run in runs)
            raise KeyboardInterrupt(f"stopped; what there is was saved in {places}")

    with open_workers(workers) as crew:
        with StopRequest() as stop:
            if crew is not None and len(config.seeds) > 1:
                crew.train(config, start, device, stop, quiet, track)
                leave_if(stop.requested)
            else:
                for number in config.seeds:
                    run, bar = start(number), _bar(config, number, quiet)
                    train_one(config, run, number, device, stop, bar, track=track)
                    leave_if(stop.requested)
        policies = [_chosen(config, run) for run in runs]
        return _judge(config, policies, runs, quiet, report, crew)


def resume_training(
    path: str | Path,
    device: str = "auto",
    *,
    quiet: bool = False,
    report: bool = True,
    track: str | None = None,
) -> EvaluationResult | KnownResult:
    """Go on with a run from its newest whole checkpoint, then evaluate it.

    Args:
        path: Run folder; its configuration counts.
        device: ``auto``, ``cpu`` or ``cuda``.
        quiet: Show no progress.
        report: Print the table and the run folder.
        track: An external tracker beside the run folder.

    Returns:
        The comparison on the test markets, or the scores.

    Raises:
        UsageError: Its learner can not be resumed.
        ConfigError: Versions, scenario or data have changed since.
        KeyboardInterrupt: The user stopped the run; everything so far has been saved.
    """
    run = RunFolder.open(path)
    config = load_yaml_model(run.path / "config.yaml", TrainConfig)
    learner = config.learner()
    if not getattr(learner, "resumable", False):
        raise UsageError("HG-U048", f"{config.agent} keeps no state to resume from; train it anew")
    if track is not None:
        check_tracker(track)
    check_same(run, _hashes(config))
    resumed = load_state(run)
    with StopRequest() as stop:
        bar = _bar(config, config.seeds[0], quiet)
        train_one(config, run, config.seeds[0], device, stop, bar, resumed, track)
        if stop.requested:
            raise KeyboardInterrupt(f"stopped; what there is was saved in {run.path}")
    return _judge(config, [_chosen(config, run)], [run], quiet, report)


def _judge(
    config: TrainConfig,
    policies: Sequence[Any],
    runs: Sequence[RunFolder],
    quiet: bool,
    report: bool,
    crew: Workers | None = None,
) -> EvaluationResult | KnownResult:
    """Evaluate trained policies and print the table."""
    if config.known:
        scored = evaluate_known(config, policies, runs=runs)
        if report:
            print_known(scored)
        return scored
    result = evaluate_learners(config, policies, runs=runs, quiet=quiet, workers=crew)
    if report:
        print_result(result)
    return result


def resolve_config(
    path: str | Path,
    scenario: str | None = None,
    data: str | Path | None = None,
    seed: int | None = None,
    overrides: Sequence[str] = (),
    name: str | None = None,
    steps: int | None = None,
) -> TrainConfig:
    """Return the configuration of a file after the changes of the command line."""
    if name is not None:
        check_name(name, "run name")
    config = load_yaml_model(path, TrainConfig, parse_overrides(overrides))
    changes: dict[str, Any] = {
        "scenario": scenario,
        "data": None if data is None else str(message_file(data)),
        "seeds": None if seed is None else (seed,),
        "name": name,
        "steps": steps,
    }
    given = {key: value for key, value in changes.items() if value is not None}
    if seed is not None and seed < 0:
        raise UsageError("HG-U041", f"seed {seed} is negative; give an integer of at least 0")
    if steps is not None and steps < 1:
        raise UsageError("HG-U043", f"steps {steps}: give at least 1")
    if config.known and (scenario is not None or data is not None):
        raise UsageError(
            "HG-U047", f"{config.env_id} has no market: leave --scenario and --data out"
        )
    return TrainConfig.model_validate(config.model_dump() | given)


def _bar(config: TrainConfig, seed: int, quiet: bool) -> PhaseProgress:
    return PhaseProgress(f"train seed {seed}", config.steps, "steps", quiet=quiet)


def _chosen(config: TrainConfig, run: RunFolder) -> Any:
    """Return the policy of a run's best checkpoint, or of its last where the answer is known.

    A known answer is the judge itself: choosing a checkpoint by it would flatter the learner.
    """
    learner = config.learner()
    return learner.load(run.path, "latest" if config.known else "best", learner.name)


def train_one(
    config: TrainConfig,
    run: RunFolder,
    seed: int,
    device: str,
    stop: StopRequest,
    bar: PhaseProgress,
    resumed: State | None = None,
    track: str | None = None,
) -> None:
    """Train one learner; its checkpoints are in the run folder.

    Args:
        config: Of the run.
        run: Its folder, described already.
        seed: Training seed.
        device: ``auto``, ``cpu`` or ``cuda``.
        stop: Asks the learner to save and leave.
        bar: Shows how far it is.
        resumed: State to go on from.
        track: An external tracker.
    """
    settings = config.evaluation
    step = None if resumed is None else int(resumed[1]["done"])
    if step is not None:
        trim_metrics(run, step)
    with ExitStack() as stack:
        also = None
        if track is not None:
            tracker = open_tracker(track, run.path, config.model_dump(mode="json"))
            stack.callback(tracker.close)
            also = tracker.scalars
        writer = stack.enter_context(
            MetricsWriter(run.tensorboard, run.metrics, after=step, also=also)
        )
        stack.enter_context(bar)
        writer.layout()
        writer.text("config", "    " + config.model_dump_json(indent=2).replace("\n", "\n    "))
        session = TrainSession(
            task=config.task(),
            seed=seed,
            steps=config.steps,
            device=device,
            run=run,
            writer=writer,
            progress=bar,
            stop=stop,
            validation_markets=settings.validation_markets,
            validations=settings.validations,
            market_root=settings.market_root,
            resumed=resumed,
        )
        try:
            config.learner().train(session)
        finally:
            session.close()


def _describe(run: RunFolder, config: TrainConfig, seed: int) -> None:
    """Write configuration, versions and seeds into a new run folder."""
    own = config.model_copy(update={"seeds": (seed,)})
    run.write_config(own.model_dump(mode="json"), "Resolved configuration of this run.")
    run.write_versions(_hashes(own))
    run.write_seeds(
        {
            "training_seed": seed,
            "market_root": config.evaluation.market_root,
            "tuning_root": config.tuning.market_root,
            "splits": ["train", "tune", "validation", "test"],
        }
    )


def _hashes(config: TrainConfig) -> dict[str, str | None]:
    """Return the hashes of configuration, scenario and data."""
    return {
        "config": sha256(config.model_dump_json().encode()),
        "scenario": _scenario_hash(config.scenario),
        "data": _data_hash(config.data),
    }


def _scenario_hash(name: str) -> str:
    from hftgym.scenario import config_hash, load_scenario

    return str(config_hash(load_scenario(name)))


def _data_hash(data: str | None) -> str | None:
    """Return the SHA-256 of both files of a LOBSTER pair."""
    if data is None:
        return None
    message = Path(data)
    return sha256(message.read_bytes() + orderbook_file(message).read_bytes())
