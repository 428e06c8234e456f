"""The command ``hftgym``: each subcommand parses, calls one function and prints what it returns.

Nothing heavy is imported here: a subcommand imports what it calls. An error is one line on
standard error, ``hftgym: error[CODE] text``, and an exit code (`hftgym.errors`); ``--debug`` shows
the traceback, ``--json`` prints results, and errors too, as one JSON object.
"""

from __future__ import annotations

import dataclasses
import json
import os
import sys
import traceback
from collections.abc import Iterator, Mapping, Sequence
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from hftgym.errors import (
    EXIT_CHECK_FAILED,
    EXIT_INTERRUPTED,
    EXIT_OK,
    HftgymError,
    InternalError,
    UsageError,
)
from hftgym.names import check_name

app = typer.Typer(
    name="hftgym",
    help="Train and study trading agents inside a matching engine.",
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
data_app = typer.Typer(help="Check real market data.")
verify_app = typer.Typer(help="Replay a file and compare the result.")
bench_app = typer.Typer(help="Measure speed on this machine.")
selftest_app = typer.Typer()
app.add_typer(data_app, name="data")
data_app.add_typer(verify_app, name="verify")
app.add_typer(bench_app, name="bench")
app.add_typer(selftest_app, name="selftest")

Json = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]
ScenarioName = Annotated[str, typer.Argument(help="A bundled scenario, or a .yaml file.")]


class Device(StrEnum):
    """Where the learner computes."""

    auto = "auto"
    cpu = "cpu"
    cuda = "cuda"


class Level(StrEnum):
    """How much a self-test compares."""

    quick = "quick"
    ci = "ci"
    release = "release"


class FlowModel(StrEnum):
    """Which order flow is fitted."""

    santa_fe = "santa_fe"
    hawkes = "hawkes"
    queue_reactive = "queue_reactive"


class VectorEngine(StrEnum):
    """Which exchange plays vectors."""

    compiled = "compiled"
    reference = "reference"


def _version(wanted: bool) -> None:
    if wanted:
        from hftgym import __version__

        typer.echo(f"hftgym {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool,
        typer.Option("--version", help="Print the version.", callback=_version, is_eager=True),
    ] = False,
    debug: Annotated[
        bool, typer.Option("--debug", help="Show the traceback of an error (place it anywhere).")
    ] = False,
) -> None:
    """Train and study trading agents inside a matching engine.

    Example: hftgym train configs/ppo_market_making.yaml
    """


@app.command()
def doctor(
    ray: Annotated[bool, typer.Option("--ray", help="Also start Ray.")] = False,
    as_json: Json = False,
) -> None:
    """Print versions, cache and device; start what can start.

    Example: hftgym doctor
    """
    from hftgym.doctor import run_doctor

    report = run_doctor(ray=ray, say=_say)
    _show(report, as_json, text=report.text(), ok=report.ok)


@app.command()
def scenarios(as_json: Json = False) -> None:
    """List the bundled scenarios, each with a line.

    Example: hftgym scenarios
    """
    from hftgym.scenario import list_scenarios, load_scenario

    found = [load_scenario(name) for name in list_scenarios()]
    if as_json:
        _show({scenario.name: scenario.description for scenario in found}, as_json)
        return
    width = max((len(scenario.name) for scenario in found), default=0)
    for scenario in found:
        typer.echo(f"{scenario.name:<{width}}  {scenario.description}")


@app.command()
def gates(
    scenario: ScenarioName,
    episodes: Annotated[
        int | None, typer.Option(min=2, help="Episodes to simulate; the default is 1,000.")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Root of the random numbers.")] = 0,
    as_json: Json = False,
) -> None:
    """Print each gate of a market with its band.

    The gates tell whether a market is fit to train on.

    Example: hftgym gates default
    """
    _working_directory_first()
    from hftgym.analytics.gates import EPISODES, run_gates
    from hftgym.training.progress import PhaseProgress

    report = run_gates(
        scenario, EPISODES if episodes is None else episodes, seed=seed, phase=PhaseProgress
    )
    _show(report, as_json, text=str(report), ok=report.ok)


@app.command()
def realism(
    scenario: ScenarioName,
    against: Annotated[
        Path | None, typer.Option(help="Real data: a LOBSTER message file, or a Bitstamp log.")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the first market.")] = 0,
    markets: Annotated[int, typer.Option(min=1, help="Markets to simulate.")] = 1,
    seconds: Annotated[
        float | None,
        typer.Option(min=60, help="Length of each; the default is that of the data, or 3.5 hours."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Print the stylised facts of a market, each with its band.

    With real data also its figures, the distances to it, and whether a classifier can tell.

    Example: hftgym realism default --against AMZN_message_1.csv
    """
    _working_directory_first()
    from hftgym.analytics.realism import run_realism
    from hftgym.training.progress import PhaseProgress

    report = run_realism(
        scenario, against, seed=seed, markets=markets, seconds=seconds, phase=PhaseProgress
    )
    _show(report, as_json, text=str(report), ok=report.ok)


@app.command()
def simulate(
    scenario: ScenarioName,
    seed: Annotated[int, typer.Option(min=0, help="Seed; market i has seed + i.")] = 0,
    markets: Annotated[int, typer.Option(min=1, help="How many markets.")] = 1,
    out: Annotated[
        Path | None,
        typer.Option(help="New folder; the default is runs/<date>-simulate-<name>-<seed>."),
    ] = None,
    seconds: Annotated[
        float | None,
        typer.Option(help="Length after the burn-in; the default is the scenario's day, or 300."),
    ] = None,
    data: Annotated[
        Path | None, typer.Option(help="LOBSTER message file (or its folder) for a tape.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Run a scenario; write its event log and a picture of the day.

    Prints market quality, and who won what from whom.

    Example: hftgym simulate default --seed 7
    """
    _working_directory_first()
    from hftgym.simulation.simulate import simulate as run

    result = run(scenario, seed, markets, out, seconds, data, quiet=as_json)
    _show(result, as_json, text=str(result))


@app.command()
def replay(
    log: Annotated[Path, typer.Argument(help="A log, events-SEED.parquet.")],
    data: Annotated[
        Path | None, typer.Option(help="The tape's data, where they have moved.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Run the market of a log again and compare every row.

    Prints the first row that differs. A log of another version, configuration or data is refused.

    Example: hftgym replay runs/2026-11-26-simulate-default-0/events-0.parquet
    """
    _working_directory_first()
    from hftgym.simulation.replay import replay as run

    report = run(log, data, quiet=as_json)
    _show(report, as_json, text=str(report), ok=report.ok)


@app.command()
def calibrate(
    data: Annotated[Path, typer.Argument(help="A LOBSTER message file, or a Bitstamp log.")],
    model: Annotated[FlowModel, typer.Option(help="What is fitted.")],
    out: Annotated[
        Path | None, typer.Option(help="YAML file to write; by default MODEL_DATA.yaml, here.")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the simulation.")] = 0,
    as_json: Json = False,
) -> None:
    """Fit a scenario to real data, and measure how real it looks on data it has not seen.

    The first 70 % of the time is fitted, the last 25 % judges.

    Example: hftgym calibrate AMZN_message_1.csv --model santa_fe --out amzn.yaml
    """
    from hftgym.calibration.calibrate import calibrate
    from hftgym.training.progress import PhaseProgress

    found = calibrate(data, model.value, out=out, seed=seed, phase=PhaseProgress)
    _show(found, as_json, text=str(found))


@verify_app.command("lobster")
def verify_lobster_files(
    message: Annotated[Path, typer.Argument(help="The message file.")],
    orderbook: Annotated[Path, typer.Argument(help="The order book file.")],
    as_json: Json = False,
) -> None:
    """Replay LOBSTER messages and compare every row of the book at every level.

    Example: hftgym data verify lobster AMZN_message_1.csv AMZN_orderbook_1.csv
    """
    from hftgym.data.verify import verify_lobster

    report = verify_lobster(message, orderbook)
    _show(report, as_json, text=str(report), ok=report.equal)


@verify_app.command("bitstamp")
def verify_bitstamp_log(
    log: Annotated[Path, typer.Argument(help="The log of messages, plain or packed with xz.")],
    as_json: Json = False,
) -> None:
    """Rebuild the book of a Bitstamp log order by order and compare it with the log's snapshots.

    Example: hftgym data verify bitstamp 2015-05-01.log.xz
    """
    from hftgym.data.bitstamp_verify import verify_bitstamp

    report = verify_bitstamp(log)
    _show(report, as_json, text=str(report), ok=report.ok)


@app.command()
def train(
    config: Annotated[Path, typer.Argument(help="The run's YAML file.")],
    scenario: Annotated[
        str | None, typer.Option(help="Scenario name or .yaml file, instead of the config's.")
    ] = None,
    data: Annotated[
        Path | None, typer.Option(help="LOBSTER message file (or its folder) for a tape.")
    ] = None,
    seed: Annotated[int | None, typer.Option(min=0, help="Training seed.")] = None,
    overrides: Annotated[
        list[str] | None, typer.Option("--set", help="Replace one value: key.key=value.")
    ] = None,
    name: Annotated[str | None, typer.Option(help="Name of the run.")] = None,
    device: Annotated[Device, typer.Option(help="Where the learner computes.")] = Device.auto,
    steps: Annotated[int | None, typer.Option(min=1, help="Training steps.")] = None,
    as_json: Json = False,
) -> None:
    """Train an agent and evaluate it on unseen markets.

    Prints one table and names the run folder.

    Example: hftgym train configs/ppo_market_making.yaml --seed 1 --set params.gamma=0.99
    """
    if name is not None:
        check_name(name, "run name")
    _working_directory_first()
    from hftgym.training.train import train_from_config

    result = train_from_config(
        config,
        scenario=scenario,
        data=data,
        seed=seed,
        overrides=overrides or (),
        name=name,
        device=device.value,
        steps=steps,
        quiet=as_json,
        report=not as_json,
    )
    if as_json:
        _show(result, as_json)


@app.command()
def evaluate(
    run: Annotated[Path, typer.Argument(help="A run folder.")],
    others: Annotated[
        list[Path] | None, typer.Argument(help="Run folders of other seeds of the same run.")
    ] = None,
    markets: Annotated[
        int | None, typer.Option(min=2, help="Test markets; the default is the run's.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Evaluate finished runs again on their test markets.

    Example: hftgym evaluate runs/2026-11-23-ppo-market-making-0
    """
    _working_directory_first()
    from hftgym.training.evaluate import evaluate_run
    from hftgym.training.report import print_result

    result = evaluate_run(run, others=others or (), test_markets=markets, quiet=as_json)
    if as_json:
        _show(result, as_json)
    else:
        print_result(result)


@bench_app.command("engine")
def bench_engine_command(as_json: Json = False) -> None:
    """Measure the matching engine: messages a second on one core.

    Example: hftgym bench engine --json
    """
    from hftgym.bench.engine import bench_engine

    _show(bench_engine(say=_say), as_json)


@bench_app.command("env")
def bench_env_command(as_json: Json = False) -> None:
    """Measure the environments: steps a second, one at a time and as a batch.

    Example: hftgym bench env --json
    """
    from hftgym.bench.env import bench_env

    _show(bench_env(say=_say), as_json)


@bench_app.command("market")
def bench_market_command(as_json: Json = False) -> None:
    """Measure whole markets: events a second, with 100 and 1,000 participants, and a day.

    Example: hftgym bench market --json
    """
    from hftgym.bench.market import bench_market

    _show(bench_market(say=_say), as_json)


@selftest_app.callback(invoke_without_command=True)
def selftest(
    context: typer.Context,
    level: Annotated[
        Level, typer.Option(help="20,000 random actions, a million, or ten million.")
    ] = Level.quick,
    seed: Annotated[int, typer.Option(min=0, help="Root of the random numbers.")] = 0,
    processes: Annotated[
        int | None, typer.Option(min=1, help="Share the work; the result stays the same.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Compare the compiled exchange with its slow twin after every random action.

    Prints what each stream met, and the first difference with the command that replays it.

    Example: hftgym selftest --level ci --seed 7
    """
    if context.invoked_subcommand is not None:
        return
    from hftgym.selftest import levels
    from hftgym.training.progress import PhaseProgress

    actions = levels.ACTIONS[levels.Level(level)]
    report = levels.run_selftest(actions, seed, processes, PhaseProgress)
    _show(report, as_json, text=str(report), ok=report.ok)


@selftest_app.command("replay")
def selftest_replay(
    stream: Annotated[str, typer.Argument(help="The stream that a self-test has named.")],
    seed: Annotated[int, typer.Argument(min=0, help="The seed that it has named.")],
    actions: Annotated[int, typer.Option(min=1, help="How many are drawn.")] = 2_500,
    as_json: Json = False,
) -> None:
    """Play one piece of a self-test again.

    Example: hftgym selftest replay touch 12345
    """
    from hftgym.selftest.levels import replay

    report = replay(stream, seed, actions)
    _show(report, as_json, text=str(report), ok=report.ok)


@selftest_app.command("vectors")
def selftest_vectors(
    file: Annotated[Path, typer.Argument(help="A JSON file of vectors.")],
    engine: Annotated[
        VectorEngine, typer.Option(help="The compiled exchange, or its slow twin.")
    ] = VectorEngine.compiled,
    as_json: Json = False,
) -> None:
    """Play cases with known answers on the exchange and compare.

    Names the first difference of each case that fails, and counts.

    Example: hftgym selftest vectors exchange_vectors.json
    """
    from hftgym.selftest.vectors import run_vectors

    report = run_vectors(file, engine.value)
    _show(report, as_json, text=str(report), ok=report.ok)


def _say(text: str) -> None:
    """Print a line about what is happening; standard output is for results."""
    typer.echo(text, err=True)


def _working_directory_first() -> None:
    """Let ``module:attribute`` name what lies in the working directory."""
    here = os.getcwd()
    if here in sys.path:
        sys.path.remove(here)
    sys.path.insert(0, here)


def _show(result: Any, as_json: bool, *, text: str | None = None, ok: bool = True) -> None:
    """Print a result; leave with 1 when a check failed.

    Args:
        result: A mapping, a dataclass, or something with ``to_dict()``.
        as_json: Print one JSON object.
        text: The form for people; one line a figure when None.
        ok: Whether what was checked is as it must be.
    """
    if as_json:
        typer.echo(json.dumps(_plain(result), indent=2, default=_plain_value))
    elif text is not None:
        typer.echo(text)
    else:
        for key, value in _flat(_plain(result)):
            typer.echo(f"{key}: {value}")
    if not ok:
        raise typer.Exit(EXIT_CHECK_FAILED)


def _flat(figures: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Yield each figure with its dotted name."""
    for key, value in figures.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{prefix}{key}.")
        else:
            yield prefix + key, value


def _plain(result: Any) -> dict[str, Any]:
    if hasattr(result, "to_dict"):
        converted: dict[str, Any] = result.to_dict()
        return converted
    if isinstance(result, Mapping):
        return dict(result)
    return dataclasses.asdict(result)


def _plain_value(value: Any) -> Any:
    """Convert what JSON does not know: numpy numbers and arrays, paths."""
    return value.tolist() if hasattr(value, "tolist") else str(value)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code.

    Args:
        arguments: Words of the command line, without the program's name; ``sys.argv`` if None.
    """
    words = list(sys.argv[1:] if arguments is None else arguments)
    debug = "--debug" in words
    as_json = "--json" in words
    words = [word for word in words if word != "--debug"] or ["--help"]
    try:
        status = app(words, prog_name="hftgym", standalone_mode=False)
        sys.stdout.flush()
        return status if isinstance(status, int) else EXIT_OK
    except (BrokenPipeError, SystemExit) as error:
        if isinstance(error, SystemExit) and not isinstance(error.__context__, BrokenPipeError):
            raise
        # The reader (``head``) has left: nobody is there to tell, and Python must not try again.
        sys.stdout = open(os.devnull, "w", encoding="utf-8")
        return EXIT_OK
    except (KeyboardInterrupt, typer.Abort):
        sys.stderr.write("hftgym: interrupted\n")
        return EXIT_INTERRUPTED
    except typer.TyperException as error:
        context = getattr(error, "ctx", None)
        command = context.command_path if context else "hftgym"
        text = error.format_message().rstrip(".")
        return _fail(UsageError("HG-U000", f"{text}; see {command} --help"), as_json, debug)
    except HftgymError as error:
        return _fail(error, as_json, debug)
    except Exception as error:
        bug = InternalError(
            "HG-I000",
            f"{type(error).__name__}: {error}; this is a bug in hftgym or in your own module: "
            "--debug shows where",
        )
        return _fail(bug, as_json, debug)


def _fail(error: HftgymError, as_json: bool, debug: bool) -> int:
    """Print an error; must be called while it is being handled."""
    if debug:
        traceback.print_exc()
    if as_json:
        sys.stdout.write(json.dumps({"error": error.to_dict()}) + "\n")
    sys.stderr.write(f"hftgym: error[{error.code}] {error}\n")
    return error.exit_code
