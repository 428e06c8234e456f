"""An external tracker beside the run folder: Weights & Biases, MLflow, or one of your own.

The run folder stays the record that counts; a tracker that fails is reported once and left alone.
"""

from __future__ import annotations

import importlib
import logging
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Protocol

from hftgym.errors import UsageError
from hftgym.names import is_target, load_attribute, nearest

logger = logging.getLogger(__name__)

PROJECT = "hftgym"


class Tracker(Protocol):
    """Takes the scalars of one run."""

    def scalars(self, values: Mapping[str, float], step: int) -> None:
        """Take values by tag at one step."""

    def close(self) -> None:
        """Finish: the run is over."""


class Wandb:
    """Weights & Biases (https://docs.wandb.ai); where it sends to is its own configuration.

    Args:
        run: Run folder.
        config: Resolved configuration.
    """

    def __init__(self, run: Path, config: Mapping[str, Any]) -> None:
        wandb = _imported("wandb")
        self._run = wandb.init(project=PROJECT, name=run.name, dir=str(run), config=dict(config))

    def scalars(self, values: Mapping[str, float], step: int) -> None:
        """Log values at one step."""
        self._run.log(dict(values), step=step)

    def close(self) -> None:
        """Finish the run."""
        self._run.finish()


class MLflow:
    """MLflow (https://mlflow.org/docs); the tracking server is its own configuration.

    Args:
        run: Run folder.
        config: Resolved configuration.
    """

    def __init__(self, run: Path, config: Mapping[str, Any]) -> None:
        self._mlflow = _imported("mlflow")
        self._mlflow.set_experiment(PROJECT)
        self._mlflow.start_run(run_name=run.name)
        self._mlflow.log_params(_flat(config))

    def scalars(self, values: Mapping[str, float], step: int) -> None:
        """Log values at one step."""
        self._mlflow.log_metrics(dict(values), step=step)

    def close(self) -> None:
        """Finish the run."""
        self._mlflow.end_run()


TRACKERS: dict[str, Callable[[Path, Mapping[str, Any]], Tracker]] = {
    "wandb": Wandb,
    "mlflow": MLflow,
}


class SafeTracker:
    """A tracker whose failures are reported once and end nothing but itself.

    Args:
        tracker: The tracker.
    """

    def __init__(self, tracker: Tracker) -> None:
        self._tracker: Tracker | None = tracker

    def scalars(self, values: Mapping[str, float], step: int) -> None:
        """Hand values on, unless the tracker has failed before."""
        self._try(lambda tracker: tracker.scalars(values, step))

    def close(self) -> None:
        """Finish, unless the tracker has failed before."""
        self._try(lambda tracker: tracker.close())
        self._tracker = None

    def _try(self, call: Callable[[Tracker], None]) -> None:
        if self._tracker is None:
            return
        try:
            call(self._tracker)
        except Exception as error:
            self._tracker = None
            logger.warning(
                "the tracker failed (%s: %s); training goes on without it, and the run folder has "
                "everything",
                type(error).__name__,
                error,
            )


def check_tracker(name: str) -> None:
    """Raise when there is no such tracker, before anything has begun.

    Raises:
        UsageError: The name is unknown, or its library is not installed.
    """
    if is_target(name):
        load_attribute(name, "tracker")
    elif name in TRACKERS:
        _imported(name)
    else:
        hint = nearest(name, TRACKERS) or f"; there are {', '.join(TRACKERS)}, and module:attribute"
        raise UsageError("HG-U222", f"--track {name!r} is unknown{hint}")


def open_tracker(name: str, run: Path, config: Mapping[str, Any]) -> SafeTracker:
    """Return the tracker of a run.

    Args:
        name: ``wandb``, ``mlflow``, or ``module:attribute``: called with the two below, it
            returns a `Tracker`.
        run: Run folder.
        config: Resolved configuration.
    """
    make = load_attribute(name, "tracker") if is_target(name) else TRACKERS[name]
    return SafeTracker(make(run, config))


def _imported(name: str) -> Any:
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError:
        raise UsageError("HG-U223", f"--track {name}: not installed; pip install {name}") from None


def _flat(config: Mapping[str, Any], prefix: str = "") -> dict[str, str]:
    """Return nested settings as text by dotted key."""
    found: dict[str, str] = {}
    for key, value in config.items():
        if isinstance(value, Mapping):
            found |= _flat(value, f"{prefix}{key}.")
        else:
            found[f"{prefix}{key}"] = str(value)
    return found
