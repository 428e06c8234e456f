"""What the subcommands share: how results are printed, and common arguments."""

from __future__ import annotations

import dataclasses
import json
import os
import sys
from collections.abc import Iterator, Mapping
from typing import Annotated, Any

import typer

from hftgym.errors import EXIT_CHECK_FAILED

Json = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]
ScenarioName = Annotated[str, typer.Argument(help="A bundled scenario, or a .yaml file.")]


def say(text: str) -> None:
    """Print a line about what is happening; standard output is for results."""
    typer.echo(text, err=True)


def working_directory_first() -> None:
    """Let ``module:attribute`` name what lies in the working directory."""
    here = os.getcwd()
    if here in sys.path:
        sys.path.remove(here)
    sys.path.insert(0, here)


def show(result: Any, as_json: bool, *, text: str | None = None, ok: bool = True) -> None:
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
