"""Run a scenario and print what it came to; run as a script, also with numba switched off.

Usage: ``python -m tests.core.fingerprint SCENARIO SEED SECONDS [CLASS]``
"""

from __future__ import annotations

import json
import sys

import numpy as np

from hftgym.scenario import Scenario, load_scenario
from hftgym.simulator import Simulator


def resized(scenario: Scenario | str, market_class: str) -> Scenario:
    """Return a scenario in another market class."""
    if isinstance(scenario, str):
        scenario = load_scenario(scenario)
    return scenario.model_copy(update={"market_class": market_class})


def fingerprint(market: Simulator, i: int = 0) -> dict[str, int]:
    """Everything that two equal runs have in common."""
    m = market.market(i)
    return {
        "log_hash": int(m["log_hash"]),
        "log_count": int(m["log_count"]),
        "book_hash": market.book_hash(i),
        "state_hash": market.state_hash(i),
        "messages": int(m["messages_done"]),
        "wakes": int(m["wakes_done"]),
        "now_ns": int(m["now_ns"]),
    }


def main() -> None:
    """Print the fingerprint as JSON."""
    name, seed, seconds = sys.argv[1], int(sys.argv[2]), float(sys.argv[3])
    scenario = load_scenario(name)
    if len(sys.argv) > 4:
        scenario = resized(scenario, sys.argv[4])
    with np.errstate(over="ignore"):  # 64-bit hashes wrap; un-jitted, numpy says so
        market = Simulator(scenario, seed)
        market.advance(seconds)
        print(json.dumps(fingerprint(market)))


if __name__ == "__main__":
    main()
