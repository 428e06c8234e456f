"""Subcommands about markets: what there is, what they do, what data says."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from hftgym.cli.output import Json, ScenarioName, say, show, working_directory_first

market_app = typer.Typer()
data_app = typer.Typer(help="Check real market data.")
verify_app = typer.Typer(help="Replay a file and compare the result.")
market_app.add_typer(data_app, name="data")
data_app.add_typer(verify_app, name="verify")


class FlowModel(StrEnum):
    """Which order flow is fitted."""

    santa_fe = "santa_fe"
    hawkes = "hawkes"
    queue_reactive = "queue_reactive"


@market_app.command()
def doctor(
    ray: Annotated[bool, typer.Option("--ray", help="Also start Ray.")] = False,
    as_json: Json = False,
) -> None:
    """Print versions, cache and device; start what can start.

    Example: hftgym doctor
    """
    from hftgym.doctor import run_doctor

    report = run_doctor(ray=ray, say=say)
    show(report, as_json, text=report.text(), ok=report.ok)


@market_app.command("compile")
def compile_(as_json: Json = False) -> None:
    """Compile now what the first start would compile; say what each part took.

    Example: hftgym compile
    """
    from hftgym.compilation import compile_ahead

    result = compile_ahead(say)
    total = " + ".join(f"{wall_s:.1f}" for wall_s in result["wall_s"]) or "0"
    show(result, as_json, text=f"compiled in {total} s (core, environments); {result['cache']}")


@market_app.command()
def scenarios(as_json: Json = False) -> None:
    """List the bundled scenarios, each with a line.

    Example: hftgym scenarios
    """
    from hftgym.scenario import list_scenarios, load_scenario

    found = [load_scenario(name) for name in list_scenarios()]
    if as_json:
        show({scenario.name: scenario.description for scenario in found}, as_json)
        return
    width = max((len(scenario.name) for scenario in found), default=0)
    for scenario in found:
        typer.echo(f"{scenario.name:<{width}}  {scenario.description}")


@market_app.command()
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
    working_directory_first()
    from hftgym.analytics.gates import EPISODES, run_gates
    from hftgym.training.progress import PhaseProgress

    report = run_gates(
        scenario, EPISODES if episodes is None else episodes, seed=seed, phase=PhaseProgress
    )
    show(report, as_json, text=str(report), ok=report.ok)


@market_app.command()
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
    working_directory_first()
    from hftgym.analytics.realism import run_realism
    from hftgym.training.progress import PhaseProgress

    report = run_realism(
        scenario, against, seed=seed, markets=markets, seconds=seconds, phase=PhaseProgress
    )
    show(report, as_json, text=str(report), ok=report.ok)


@market_app.command()
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
    working_directory_first()
    from hftgym.simulation.simulate import simulate as run

    result = run(scenario, seed, markets, out, seconds, data, quiet=as_json)
    show(result, as_json, text=str(result))


@market_app.command()
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
    working_directory_first()
    from hftgym.simulation.replay import replay as run

    report = run(log, data, quiet=as_json)
    show(report, as_json, text=str(report), ok=report.ok)


@market_app.command()
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
    show(found, as_json, text=str(found))


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
    show(report, as_json, text=str(report), ok=report.equal)


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
    show(report, as_json, text=str(report), ok=report.ok)
