"""Subcommands of ``hftgym selftest``."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hftgym.cli.output import Json, show, working_directory_first
from hftgym.extras import need

if TYPE_CHECKING:
    from hftgym.training.kill_points import KillReport

selftest_app = typer.Typer()


class Level(StrEnum):
    """How much a self-test compares."""

    quick = "quick"
    ci = "ci"
    release = "release"


class VectorEngine(StrEnum):
    """Which exchange plays vectors."""

    compiled = "compiled"
    reference = "reference"


@selftest_app.callback(invoke_without_command=True)
def selftest(
    context: typer.Context,
    level: Annotated[
        Level,
        typer.Option(
            help="20,000 random actions, a million, or ten million and 50 killed training runs."
        ),
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

    if level is Level.release:
        need("torch")  # said before ten million actions, not after
    actions = levels.ACTIONS[levels.Level(level)]
    report = levels.run_selftest(actions, seed, processes, PhaseProgress)
    if level is not Level.release:
        show(report, as_json, text=str(report), ok=report.ok)
        return
    if not as_json:
        typer.echo(str(report))  # now: the killed runs take as long again
    killed = _kill_and_resume(50, seed, as_json)
    show(
        report.to_dict() | {"resume": killed.to_dict()},
        as_json,
        text=str(killed),
        ok=report.ok and killed.ok,
    )


@selftest_app.command("resume")
def selftest_resume(
    points: Annotated[int, typer.Option(min=1, help="How many runs are killed.")] = 5,
    seed: Annotated[int, typer.Option(min=0, help="Of the moments.")] = 0,
    as_json: Json = False,
) -> None:
    """Kill small training runs at random moments, go on with them, and compare the end.

    Each run is a process that gets SIGKILL. Run it in the clone, where agents/ is.

    Example: hftgym selftest resume --points 50
    """
    report = _kill_and_resume(points, seed, as_json)
    show(report, as_json, text=str(report), ok=report.ok)


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
    show(report, as_json, text=str(report), ok=report.ok)


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
    show(report, as_json, text=str(report), ok=report.ok)


def _kill_and_resume(points: int, seed: int, quiet: bool) -> KillReport:
    working_directory_first()
    from hftgym.training.kill_points import kill_points
    from hftgym.training.progress import PhaseProgress

    need("torch")
    with PhaseProgress("kill and resume", points, "runs", quiet=quiet) as bar:
        return kill_points(points, seed, bar.advance)
