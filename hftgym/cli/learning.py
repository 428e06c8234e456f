"""Subcommands about policies: train, evaluate, compare, list."""

from __future__ import annotations

from dataclasses import asdict
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from hftgym.cli.output import Json, show, working_directory_first
from hftgym.errors import UsageError
from hftgym.names import check_name

learning_app = typer.Typer()


WorkerCount = Annotated[
    int,
    typer.Option(
        "--workers", min=1, help="Ray workers, a core each; 1: no Ray. The result is the same."
    ),
]


class Device(StrEnum):
    """Where the learner computes."""

    auto = "auto"
    cpu = "cpu"
    cuda = "cuda"


@learning_app.command()
def train(
    config: Annotated[
        Path | None, typer.Argument(help="The run's YAML file.", show_default=False)
    ] = None,
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
    resume: Annotated[
        Path | None, typer.Option(help="A run folder to go on with, instead of a new run.")
    ] = None,
    track: Annotated[
        str | None,
        typer.Option(help="Tracker beside the run folder: wandb, mlflow, module:attribute."),
    ] = None,
    workers: WorkerCount = 1,
    as_json: Json = False,
) -> None:
    """Train an agent and evaluate it on unseen markets.

    Prints one table and names the run folder.

    Example: hftgym train configs/ppo_market_making.yaml --seed 1 --set params.gamma=0.99
    """
    if (config is None) == (resume is None):
        raise UsageError("HG-U049", "name a configuration, or a run folder with --resume")
    if name is not None:
        check_name(name, "run name")
    working_directory_first()
    from hftgym.training.train import resume_training, train_from_config

    if resume is not None:
        if scenario or data or seed is not None or overrides or name or steps or workers > 1:
            raise UsageError(
                "HG-U049", "--resume goes on with the run's own configuration; leave the others out"
            )
        found = resume_training(
            resume, device.value, quiet=as_json, report=not as_json, track=track
        )
        if as_json:
            show(found, as_json)
        return
    assert config is not None
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
        track=track,
        workers=workers,
    )
    if as_json:
        show(result, as_json)


@learning_app.command()
def evaluate(
    run: Annotated[Path, typer.Argument(help="A run folder.")],
    others: Annotated[
        list[Path] | None, typer.Argument(help="Run folders of other seeds of the same run.")
    ] = None,
    markets: Annotated[
        int | None, typer.Option(min=2, help="Test markets; the default is the run's.")
    ] = None,
    workers: WorkerCount = 1,
    as_json: Json = False,
) -> None:
    """Evaluate finished runs again on their test markets.

    Example: hftgym evaluate runs/2026-11-23-ppo-market-making-0
    """
    working_directory_first()
    from hftgym.training.evaluate_run import evaluate_run
    from hftgym.training.known import KnownResult, print_known
    from hftgym.training.report import print_result

    result = evaluate_run(
        run, others=others or (), test_markets=markets, quiet=as_json, workers=workers
    )
    if as_json:
        show(result, as_json)
    elif isinstance(result, KnownResult):
        print_known(result)
    else:
        print_result(result)


@learning_app.command("map")
def policy_map(
    run: Annotated[Path, typer.Argument(help="Run folder of a market maker.")],
    markets: Annotated[
        int, typer.Option(min=1, help="Validation markets to take observations from.")
    ] = 64,
    out: Annotated[
        Path | None,
        typer.Option(help="PNG to draw; default: policy_map.png in the run folder."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Show what a market maker has learned: its quotes against inventory and imbalance.

    Example: hftgym map runs/2026-11-23-ppo-market-making-0
    """
    working_directory_first()
    from hftgym.extras import need
    from hftgym.training.policy_map import draw_map, map_run
    from hftgym.training.runs import RunFolder

    need("matplotlib")
    found = map_run(run, markets=markets)
    path = out or RunFolder.open(run).path / "policy_map.png"
    draw_map(found, path)
    show(found, as_json, text=f"{found.text()}\npicture: {path}")


@learning_app.command()
def critic(
    run: Annotated[Path, typer.Argument(help="Run folder of an actor-critic on a market.")],
    markets: Annotated[int, typer.Option(min=2, help="Validation markets.")] = 64,
    branches: Annotated[int, typer.Option(min=2, help="Futures of each state.")] = 16,
    as_json: Json = False,
) -> None:
    """Ask how much of what can be known about returns a critic knows.

    Markets branch into several futures at four moments of an episode: what differs between states
    could be known, what differs between the futures of one state could not.

    Example: hftgym critic runs/2026-11-23-fast-ppo-market-making-0
    """
    working_directory_first()
    from hftgym.training.critic import judge_critic

    found = judge_critic(run, markets=markets, branches=branches, quiet=as_json)
    show(found, as_json, text=str(found))


@learning_app.command()
def audit(
    run: Annotated[Path, typer.Argument(help="Run folder of a market maker.")],
    unseen: Annotated[
        str | None,
        typer.Option(help="Scenario of traders that it has not met."),
    ] = None,
    markets: Annotated[int, typer.Option(min=2, help="Test markets of each variant.")] = 128,
    as_json: Json = False,
) -> None:
    """Ask whether a market maker's profit is real, or an exploit of the simulation.

    Plays it with twice the informed traders, five times the latency and traders that it has not
    met, tells who pays, and flags what no real maker could do; leaves with 1 then.

    Example: hftgym audit runs/2026-11-23-ppo-market-making-0
    """
    working_directory_first()
    from hftgym.training.audit import audit_run

    found = audit_run(run, unseen=unseen, markets=markets)
    show(found, as_json, text=str(found), ok=found.ok)


@learning_app.command()
def tournament(
    runs: Annotated[
        list[Path] | None, typer.Argument(help="Run folders whose best policies take part.")
    ] = None,
    scenario: Annotated[
        list[str] | None, typer.Option(help="Where to play (repeat it); default: everywhere.")
    ] = None,
    baselines: Annotated[
        list[str] | None,
        typer.Option("--policy", help="Scripted policy, module:attribute (repeat it)."),
    ] = None,
    task: Annotated[
        str, typer.Option(help="Id of the environment, as hftgym/Execution-v0.")
    ] = "hftgym/MarketMaking-v0",
    markets: Annotated[int, typer.Option(min=2, help="Test markets of a scenario.")] = 64,
    trials: Annotated[
        int, typer.Option(min=1, help="Parameter sets that each baseline may try.")
    ] = 50,
    out: Annotated[
        Path | None, typer.Option(help="JSON file to write after each scenario, and to go on from.")
    ] = None,
    workers: WorkerCount = 1,
    as_json: Json = False,
) -> None:
    """Play every policy in every scenario and print one table.

    Baselines are tuned anew in each scenario, on markets that do not count.

    Example: hftgym tournament runs/2026-11-23-ppo-market-making-0 --scenario calm --scenario thin
    """
    working_directory_first()
    from hftgym.training.tournament import play_tournament, print_tournament

    result = play_tournament(
        runs or (),
        scenarios=scenario or (),
        baselines=baselines or (),
        env_id=task,
        markets=markets,
        trials=trials,
        out=out,
        quiet=as_json,
        workers=workers,
    )
    if as_json:
        show(result, as_json)
    else:
        print_tournament(result)


@learning_app.command()
def policies(as_json: Json = False) -> None:
    """List the scripted policies and the learners, as a configuration names them.

    Example: hftgym policies
    """
    working_directory_first()
    from hftgym.training.catalogue import list_policies

    found = list_policies()
    lines = [f"{e.kind:9} {e.role:9} {e.target:44} {e.about}" for e in found]
    show({"policies": [asdict(e) for e in found]}, as_json, text="\n".join(lines))
