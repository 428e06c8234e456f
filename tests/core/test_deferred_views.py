"""Views that are captured late show what they would have shown in time."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from hftgym.core.constants import NEVER_NS
from hftgym.scenario import Scenario, load_scenario
from hftgym.simulator import Simulator
from tests.core.scripted import FICKLE_MEMORY, Stage

NEVER_DEFER = -2  # less than any feed
MS = 1_000_000


def run(scenario: Scenario | str, defers: bool, reseed: bool = False) -> Simulator:
    """A minute of a market, one that captures each view by an event of its own or not."""
    simulator = Simulator(scenario, seed=4)
    if not defers:
        simulator.market()["deferred_span_ns"] = NEVER_DEFER
    simulator.advance(20.0)
    if reseed:
        simulator.reseed(0, 99)
    simulator.advance(40.0)
    return simulator


def without_latency() -> Scenario:
    """The default market where all orders act at once, and are seen at once."""
    scenario = load_scenario("default").model_dump(exclude_unset=True)
    for group in scenario["participants"]:
        group["latency"] = {"feed_ns": 0, "order_ns": 0, "response_ns": 0}
    return Scenario.model_validate(scenario)


SCENARIOS: list[Any] = [
    "default", "flash_crash", "latency_race", "news_shock", "opening_auction", "pairs", "trending",
    pytest.param(without_latency(), id="without_latency"),
]  # fmt: skip


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_a_deferred_capture_changes_no_history(scenario: Scenario | str) -> None:
    late, in_time = (run(scenario, defers) for defers in (True, False))
    a, b = late.market(), in_time.market()
    assert a["log_count"] == b["log_count"] > 20
    assert a["log_hash"] == b["log_hash"]
    assert np.array_equal(a["part"]["wakes"], b["part"]["wakes"])
    assert np.array_equal(a["part"]["memory"], b["part"]["memory"])
    assert np.array_equal(a["part"]["account"]["cash"], b["part"]["account"]["cash"])


def test_views_of_one_instant_with_orders_and_trades_show_the_same() -> None:
    """Orders that act at once, trades that wake, and wishes for less, all at whole milliseconds."""
    at_once = {"feed_ns": 0, "order_ns": 0, "response_ns": 0}
    seen = []
    for defers in (True, False):
        tickers = [
            {"kind": "tests.core.scripted:ticker", "name": name, "latency": at_once}
            for name in ("ann", "bob")
        ]
        readers = [
            {"kind": "tests.core.scripted:fickle", "name": f"reader_{feed_ms}",
             "latency": at_once | {"feed_ns": feed_ms * MS}}
            for feed_ms in (0, 1, 3, 10)
        ]  # fmt: skip
        taker = {"kind": "noise_taker", "params": {"rate_per_s": 100.0}, "latency": at_once}
        stage = Stage({}, extra=[*readers, *tickers, taker])
        if not defers:
            stage.m["deferred_span_ns"] = NEVER_DEFER
        stage.advance(3_000 * MS)
        memory = [stage.part(f"reader_{feed_ms}")["memory"] for feed_ms in (0, 1, 3, 10)]
        seen.append([part[: FICKLE_MEMORY.itemsize].view(FICKLE_MEMORY)[0] for part in memory])
    assert all(int(one["views"]) > 150 for one in seen[0])
    assert seen[0] == seen[1]


def test_views_that_wait_when_streams_change_show_the_streams_before() -> None:
    late, in_time = (run("default", defers, reseed=True) for defers in (True, False))
    assert late.market()["log_hash"] == in_time.market()["log_hash"]


def test_views_wait_where_they_may_and_only_there() -> None:
    def waiting(defers: bool) -> int:
        m = run("default", defers).market()
        return int(np.count_nonzero(m["deferred_ns"][: m["participants"]] < NEVER_NS))

    assert waiting(True) > 5
    assert waiting(False) == 0
