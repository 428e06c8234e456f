"""A training run of a few seconds, for tests of what is done with runs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from hftgym.training.train import train_from_config

SMALL_RUN: dict[str, Any] = {
    "agent": "agents.fast_ppo:FastPPO",
    "name": "small",
    "environment": {"horizon_s": 5.0},
    "arguments": {"snapshots": 2},
    "steps": 128,
    "params": {"n_envs": 8, "horizon": 16, "minibatch": 64, "epochs": 1, "hidden": [8]},
    "evaluation": {
        "validations": 1,
        "validation_markets": 2,
        "test_markets": 2,
        "resamples": 100,
        "stochastic": False,
        "baselines": ["agents.do_nothing:DoNothing"],
    },
    "tuning": {"trials": 1, "markets": 2},
}


def small_run(root: Path, **changes: Any) -> Path:
    """Train with `SMALL_RUN` and these changes of it; return the run folder."""
    path = root / "config.yaml"
    path.write_text(yaml.safe_dump(SMALL_RUN | changes))
    return Path(train_from_config(path, root=root, quiet=True, report=False).runs[0])
