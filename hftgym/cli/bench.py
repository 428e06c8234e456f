"""Subcommands of ``hftgym bench``."""

from __future__ import annotations

import typer

from hftgym.cli.output import Json, say, show, working_directory_first

bench_app = typer.Typer(help="Measure speed on this machine.")


@bench_app.command("engine")
def bench_engine_command(as_json: Json = False) -> None:
    """Measure the matching engine: messages a second on one core.

    Example: hftgym bench engine --json
    """
    from hftgym.bench.engine import bench_engine

    show(bench_engine(say=say), as_json)


@bench_app.command("env")
def bench_env_command(as_json: Json = False) -> None:
    """Measure the environments: steps a second, one at a time and as a batch.

    Example: hftgym bench env --json
    """
    from hftgym.bench.env import bench_env

    show(bench_env(say=say), as_json)


@bench_app.command("market")
def bench_market_command(as_json: Json = False) -> None:
    """Measure whole markets: events a second, with 100 and 1,000 participants, and a day.

    Example: hftgym bench market --json
    """
    from hftgym.bench.market import bench_market

    show(bench_market(say=say), as_json)


@bench_app.command("train")
def bench_train_command(as_json: Json = False) -> None:
    """Measure the learners: samples a second of our own PPO and of Stable-Baselines3's.

    Example: hftgym bench train --json
    """
    working_directory_first()
    from hftgym.bench.train import bench_train

    show(bench_train(say=say), as_json)
