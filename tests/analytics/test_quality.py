"""Market quality: the compiled measurement against a plain one on the same markets."""

from __future__ import annotations

import numpy as np
import pytest

from hftgym.analytics.quality import SPREAD_BINS, measure
from hftgym.core.constants import NEVER_NS, SECOND_NS, LogKind
from hftgym.core.entries import advance_one
from hftgym.errors import UsageError
from hftgym.scenario import Scenario, TapeSpec, load_scenario
from hftgym.simulator import Simulator

SECONDS = 20


@pytest.fixture(scope="module")
def scenario() -> Scenario:
    return load_scenario("default").model_copy(update={"burn_in_s": 5.0})


def plain_figures(scenario: Scenario, seed: int) -> dict[str, object]:
    """Measure one market by keeping everything: a state an event, the whole log."""
    simulator = Simulator(scenario, keep_log=True)
    simulator.markets[0] = simulator.blueprint.open(seed)[0]
    simulator.advance(scenario.burn_in_s)
    market = simulator.market()
    begin_ns = int(market["now_ns"])
    end_ns = begin_ns + SECONDS * SECOND_NS
    before = int(market["log_count"])
    book = market["books"][0]
    fields = ("touch_bid_px", "touch_ask_px", "touch_bid_lots", "touch_ask_lots", "mid_2px")
    times, states = [begin_ns], [[int(book[f]) for f in fields]]
    while int(market["event_ns"][1]) <= end_ns:
        plan = simulator.blueprint
        advance_one(simulator.markets, 0, plan.table, plan.ops, simulator._log_buffer, NEVER_NS, 1)
        times.append(int(market["now_ns"]))
        states.append([int(book[f]) for f in fields])
    simulator.advance_until(int(market["now_ns"]))  # takes the log out of its buffer
    log = simulator.log()[before:]
    trades = log[log["kind"] == LogKind.TRADE]

    t = np.array(times)
    bid_px, ask_px, bid_lots, ask_lots, mid_2px = np.array(states).T
    held_ns = np.diff(np.append(t, end_ns))
    spread = np.where((bid_lots > 0) & (ask_lots > 0), ask_px - bid_px, SPREAD_BINS - 1)
    spread = np.minimum(spread, SPREAD_BINS - 1)
    both = spread < SPREAD_BINS - 1

    def mid_at(ns: int) -> int:
        return int(mid_2px[np.searchsorted(t, ns, side="right") - 1])

    edge = impact = matured = 0.0
    aggressors = 0
    for key in dict.fromkeys(zip(trades["t_ns"].tolist(), trades["taker"].tolist(), strict=True)):
        fills = trades[(trades["t_ns"] == key[0]) & (trades["taker"] == key[1])]
        aggressors += 1
        if key[0] + SECOND_NS > end_ns:
            continue
        first = mid_at(key[0] - 1)
        side = int(fills["side"][0])
        matured += 1
        edge += side * (2 * np.average(fills["px"], weights=fills["lots"]) - first)
        impact += side * (mid_at(key[0] + SECOND_NS) - first)
    return {
        "spread_ns": np.bincount(spread, weights=held_ns, minlength=SPREAD_BINS).astype(np.int64),
        "two_sided_ns": int(held_ns[both].sum()),
        "depth_lot_ns": float((held_ns * (bid_lots + ask_lots))[both].sum()),
        "aggressors": aggressors,
        "matured": matured,
        "edge_2px": edge,
        "impact_2px": impact,
        "trades": len(trades),
        "volume": int(trades["lots"].sum()),
        "mids": [mid_at(begin_ns + k * SECOND_NS) for k in range(SECONDS + 1)],
    }


def test_it_agrees_with_a_plain_measurement(scenario: Scenario) -> None:
    found = measure(scenario, 2, seconds=SECONDS, seed=3)
    # The same seeds as `measure` draws, by its own words: a longer run begins with a shorter one.
    longer = measure(scenario, 3, seconds=SECONDS, seed=3)
    np.testing.assert_array_equal(longer.rows[:2], found.rows)
    np.testing.assert_array_equal(longer.mid_2px[:2], found.mid_2px)
    for k in range(2):
        plain = plain_figures(scenario, int(found.seeds[k]))
        row = found.rows[k]
        assert found.mid_2px[k].tolist() == plain.pop("mids")
        for name, value in plain.items():
            np.testing.assert_allclose(row[name], value, rtol=1e-12, err_msg=name)
        assert row["aggressors"] > 5
        assert row["spread_ns"].sum() == SECONDS * SECOND_NS


def test_money_is_conserved_and_time_is_complete(scenario: Scenario) -> None:
    found = measure(scenario, 3, seconds=SECONDS)
    np.testing.assert_allclose(found.pnl_tick.sum(axis=1) + found.fees_tick, 0.0, atol=1e-9)
    np.testing.assert_array_equal(found.taker_lots.sum(axis=1), found.rows["volume"])
    assert (found.fees_tick > 0).all()
    assert len(set(found.seeds.tolist())) == 3


def test_another_seed_gives_other_markets(scenario: Scenario) -> None:
    a = measure(scenario, 1, seconds=SECONDS, seed=0)
    b = measure(scenario, 1, seconds=SECONDS, seed=1)
    assert not np.array_equal(a.mid_2px, b.mid_2px)


def test_progress_counts_the_episodes(scenario: Scenario) -> None:
    told: list[int] = []
    measure(scenario, 3, seconds=1, progress=told.append)
    assert sum(told) == 3


def test_history_and_empty_measurements_are_refused(scenario: Scenario) -> None:
    with pytest.raises(UsageError, match="replays history"):
        measure(scenario.model_copy(update={"tape": TapeSpec()}), 1)
    with pytest.raises(UsageError, match="0 episodes of 300 s"):
        measure(scenario, 0)
