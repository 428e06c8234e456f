"""The command ``hftgym``: each subcommand parses, calls one function and prints what it returns.

Nothing heavy is imported here: a subcommand imports what it calls. An error is one line on
standard error, ``hftgym: error[CODE] text``, and an exit code (`hftgym.errors`); ``--debug`` shows
the traceback, ``--json`` prints results, and errors too, as one JSON object.
"""

from __future__ import annotations

import json
import os
import sys
import traceback
from collections.abc import Sequence
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from hftgym.cli.bench import bench_app
from hftgym.cli.learning import learning_app
from hftgym.cli.market import market_app
from hftgym.cli.selftest import selftest_app
from hftgym.errors import EXIT_INTERRUPTED, EXIT_OK, HftgymError, InternalError, UsageError


class _Interrupted(Exception):
    """Ctrl-C, with what was said of it: the library would drop the text."""


class _Group(TyperGroup):
    def invoke(self, ctx: Any) -> Any:
        """Run a subcommand."""
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt as error:
            raise _Interrupted(str(error)) from error


app = typer.Typer(
    name="hftgym",
    cls=_Group,
    help="Train and study trading agents inside a matching engine.",
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
app.add_typer(market_app)
app.add_typer(learning_app)
app.add_typer(bench_app, name="bench")
app.add_typer(selftest_app, name="selftest")


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
    except (_Interrupted, KeyboardInterrupt, typer.Abort) as error:
        told = f": {error}" if str(error) else ""
        sys.stderr.write(f"hftgym: interrupted{told}\n")
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
