"""A training run of a few seconds, for tests of what is done with runs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from hftgym.training.kill_points import CONFIG
from hftgym.training.train import train_from_config

#: One rollout of the run that the self-test kills.
SMALL_RUN: dict[str, Any] = CONFIG | {
    "name": "small",
    "steps": 128,
    "params": CONFIG["params"] | {"epochs": 1},
    "evaluation": CONFIG["evaluation"] | {"validations": 1},
}


def small_run(root: Path, **changes: Any) -> Path:
    """Train with `SMALL_RUN` and these changes of it; return the run folder."""
    path = root / "config.yaml"
    path.write_text(yaml.safe_dump(SMALL_RUN | changes))
    return Path(train_from_config(path, root=root, quiet=True, report=False).runs[0])
