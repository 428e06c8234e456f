"""Small markets of one or two kinds of participants."""

from __future__ import annotations

from typing import Any

from hftgym.scenario import Scenario
from hftgym.simulator import Simulator

SECOND = 1_000_000_000
ZERO = {"feed_ns": 0, "order_ns": 0, "response_ns": 0}


def simulate(
    seconds: float, *participants: dict[str, Any], seed: int = 1, **fields: Any
) -> Simulator:
    """Run these groups of participants, with a log."""
    scenario = {"name": "kinds", "description": "kinds", "participants": list(participants)}
    run = Simulator(Scenario.model_validate({**scenario, **fields}), seed, keep_log=True)
    run.advance(seconds)
    return run


def group(kind: str, **fields: Any) -> dict[str, Any]:
    """A group of participants without latencies."""
    return {"kind": kind, "latency": ZERO, **fields}
