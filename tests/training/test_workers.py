"""Ray workers: the same weights and the same table as without; errors and stops come through."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
import yaml

pytest.importorskip("ray")
pytest.importorskip("torch")

from agents.do_nothing import DoNothing
from hftgym.errors import DataError, InternalError, UsageError
from hftgym.training.config import TrainConfig
from hftgym.training.evaluate import EvaluationResult
from hftgym.training.evaluate_run import evaluate_run
from hftgym.training.interrupt import StopRequest
from hftgym.training.policy import UInt64Array
from hftgym.training.rollout import Job, play
from hftgym.training.runs import RunFolder
from hftgym.training.task import MarketTask
from hftgym.training.tournament import play_tournament
from hftgym.training.train import train_from_config
from hftgym.training.workers import Workers, make_markets
from tests.training.small_run import SMALL_RUN

pytestmark = [pytest.mark.ray, pytest.mark.slow]

CONFIG: dict[str, Any] = SMALL_RUN | {
    "seeds": [0, 1, 2],
    "steps": 256,
    "evaluation": SMALL_RUN["evaluation"]
    | {
        "validations": 2,
        "test_markets": 5,
        "stochastic": True,
        "baselines": ["agents.glft:GLFT", "agents.oracle:Oracle"],
    },
    "tuning": {"trials": 3, "markets": 2},
}
TASK = MarketTask(arguments={"horizon_s": 5.0, "snapshots": 2})


def told(result: EvaluationResult) -> str:
    """The whole table; as text, where NaN is itself."""
    return json.dumps(result.comparison.to_dict(), sort_keys=True)


@pytest.fixture
def workers(ray_session: Any) -> Any:
    made = Workers(ray_session, 2)
    yield made
    made.close()


def test_weights_and_table_are_the_same(ray_session: Any, tmp_path: Path) -> None:
    path = tmp_path / "config.yaml"
    path.write_text(yaml.safe_dump(CONFIG))
    found = []
    for count in (1, 2):
        result = train_from_config(
            path, root=tmp_path / str(count), quiet=True, report=False, workers=count
        )
        assert isinstance(result, EvaluationResult)
        found.append(result)
    alone, shared = found
    assert told(shared) == told(alone)
    assert shared.tuned["GLFT"].params == alone.tuned["GLFT"].params
    for mine, theirs in zip(shared.runs, alone.runs, strict=True):
        names = sorted(p.relative_to(mine) for p in mine.glob("checkpoints/*/weights.npz"))
        assert len(names) >= 2
        for name in names:
            assert (mine / name).read_bytes() == (theirs / name).read_bytes()
        assert (mine / "config.yaml").read_bytes() == (theirs / "config.yaml").read_bytes()
    again = evaluate_run(alone.runs[0], others=alone.runs[1:], quiet=True, workers=2)
    assert isinstance(again, EvaluationResult) and told(again) == told(alone)


def test_episodes_come_back_in_the_order_of_their_markets(workers: Workers) -> None:
    seeds = np.arange(7, dtype=np.uint64)
    here = make_markets(TASK, 4, "tune", None)
    there = make_markets(TASK, 4, "tune", workers)
    info = here.unwrapped.task_info
    jobs = [Job(DoNothing(info), seeds), Job(DoNothing(info), seeds[::-1])]
    counts: list[int] = []
    alone = play(here, jobs, block_s=1.0)
    shared = play(there, jobs, block_s=1.0, progress=counts.append)
    assert sum(counts) == 14
    for mine, theirs in zip(shared, alone, strict=True):
        np.testing.assert_array_equal(mine.episodes, theirs.episodes)
        np.testing.assert_array_equal(mine.blocks, theirs.blocks)


class Bad(DoNothing):
    """A policy that fails, or takes its process with it."""

    dies: ClassVar[bool] = False

    def initial_state(self, market_seeds: UInt64Array) -> None:
        if self.dies:
            os._exit(9)
        raise DataError("HG-D999", "no such weights")


class Fatal(Bad):
    """The one that takes its process with it."""

    dies = True


def test_what_a_worker_raises_is_raised_here(workers: Workers) -> None:
    markets = make_markets(TASK, 2, "tune", workers)
    info, seeds = markets.unwrapped.task_info, np.arange(2, dtype=np.uint64)
    with pytest.raises(DataError, match="no such weights"):
        play(markets, [Job(Bad(info), seeds)])
    with pytest.raises(InternalError, match="a worker died"):
        play(markets, [Job(Fatal(info), seeds)])


def test_all_seeds_save_and_leave_when_asked(workers: Workers, tmp_path: Path) -> None:
    config = TrainConfig.model_validate(CONFIG | {"steps": 10_000_000, "seeds": [0, 1]})
    runs: list[RunFolder] = []

    def start(seed: int) -> RunFolder:
        runs.append(RunFolder.create("stopped", seed, tmp_path))
        runs[-1].write_config(config.model_dump(mode="json"), "To be stopped.")
        return runs[-1]

    stop = StopRequest()
    stop.requested = True
    workers.train(config, start, "cpu", stop, True, None)
    assert len(runs) == 2
    for run in runs:
        (checkpoint,) = (run.path / "checkpoints").glob("step-*")
        assert int(checkpoint.name[5:]) < 1_000_000


def test_the_cluster_is_of_this_machine_alone_and_has_so_many_cores(ray_session: Any) -> None:
    assert {node["NodeManagerAddress"] for node in ray_session.nodes()} == {"127.0.0.1"}
    with pytest.raises(UsageError, match="3 workers, but the Ray cluster has 2 cores"):
        Workers(ray_session, 3)


def test_without_ray_it_is_said_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hftgym.extras.find_spec", lambda name: None)
    from hftgym.training.workers import open_workers

    with pytest.raises(UsageError, match=r"pip install 'hftgym\[ray\]'"), open_workers(2):
        pass
    with open_workers(1) as nobody:
        assert nobody is None


def test_a_tournament_has_the_same_scores(ray_session: Any) -> None:
    arguments: dict[str, Any] = {"scenarios": ["thin"], "markets": 2, "trials": 2, "quiet": True}
    scripted = ["agents.glft:GLFT", "agents.constant_spread:ConstantSpread"]
    alone, shared = (
        play_tournament(baselines=scripted, tuning_markets=2, workers=count, **arguments)
        for count in (1, 2)
    )
    assert shared == alone
