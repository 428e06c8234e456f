"""What the tests of our learners share: what a probe has taught, and a short run on markets."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from hftgym.tensorboard.writer import MetricsWriter
from hftgym.training.progress import PhaseProgress
from hftgym.training.runs import RunFolder
from hftgym.training.session import TrainSession
from hftgym.training.task import MarketTask

TOLERANCE = 0.05


def values(network: Any, *obs: float) -> list[float]:
    """Values of observations of one number each."""
    with torch.no_grad():
        found: list[float] = network.values(torch.tensor(obs)[:, None]).tolist()
    return found


def lean(network: Any, *obs: float) -> list[float]:
    """Mean action, or how much the second choice is preferred, from -1 to 1."""
    with torch.no_grad():
        head = network.head(torch.tensor(obs)[:, None])
    found = 2.0 * torch.softmax(head, 1)[:, 1] - 1.0 if network.discrete else head[:, 0]
    return [float(x) for x in found]


def check_probe(kind: int, network: Any) -> None:
    """Assert that an `ActorCritic` has learned what a probe holds, at a discount of one half."""
    if kind == 1:
        assert values(network, 0.0) == pytest.approx([1.0], abs=TOLERANCE)
    elif kind == 2:
        assert values(network, -1.0, 1.0) == pytest.approx([-1.0, 1.0], abs=TOLERANCE)
    elif kind == 3:
        assert values(network, 0.0, 1.0) == pytest.approx([0.5, 1.0], abs=TOLERANCE)
    elif kind == 4:
        assert lean(network, 0.0)[0] > (0.9 if network.discrete else 0.3)
    else:
        low, high = lean(network, -1.0, 1.0)
        assert low < -0.3 and high > 0.3


def train(root: Path, agent: Any, steps: int = 640, seed: int = 0) -> tuple[RunFolder, Any]:
    """Train on a few markets of five seconds; return run folder and policy."""
    run = RunFolder.create("test", seed, root)
    run.write_config({"name": "test"})
    with MetricsWriter(run.tensorboard, run.metrics) as writer:
        session = TrainSession(
            task=MarketTask(arguments={"horizon_s": 5.0, "snapshots": 2}),
            seed=seed,
            steps=steps,
            device="cpu",
            run=run,
            writer=writer,
            progress=PhaseProgress("train", steps, "steps", quiet=True),
            validation_markets=4,
            validations=2,
        )
        policy = agent.train(session)
        session.close()
    return run, policy
