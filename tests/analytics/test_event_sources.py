"""Tables of events from LOBSTER files and from the log of a simulation."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from hftgym.analytics.event_sources import (
    events_of_lobster,
    events_of_log,
    read_events,
    simulate_events,
)
from hftgym.analytics.event_table import EventKind
from hftgym.errors import DataError, InternalError, NoInputError, UsageError
from hftgym.feed import FeedKind, public_feed, visible_levels
from hftgym.scenario import load_scenario
from hftgym.simulator import Simulator
from tests.data.lobster_days import Levels, Message, day_of

ASKS, BIDS = [(1_000_200, 80)], [(1_000_000, 150)]
DAY: list[tuple[Message, Levels, Levels]] = [
    (("1", 1, 11, 100, 1_000_000, 1), ASKS, BIDS),
    (("2", 4, 11, 60, 1_000_000, 1), ASKS, [(1_000_000, 90)]),
    (("2.5", 6, -1, 10, 1_000_100, -1), ASKS, [(1_000_000, 90)]),
    (("3", 3, 11, 40, 1_000_000, 1), ASKS, [(1_000_000, 50)]),
    (("4", 5, 0, 30, 1_000_149, -1), ASKS, [(1_000_000, 50)]),
    (("5", 2, 12, 80, 1_000_200, -1), [], [(1_000_000, 50)]),
]


def test_a_lobster_day_turns_executions_round_and_leaves_auctions_out(tmp_path: Path) -> None:
    table = events_of_lobster(day_of(tmp_path, 2, DAY), "X")
    kinds = [EventKind.ADD, EventKind.TRADE, EventKind.CANCEL, EventKind.HIDDEN_TRADE]
    assert table.kind.tolist() == [*kinds, EventKind.CANCEL]
    assert table.side.tolist() == [1, -1, 1, 1, -1]
    assert table.px.tolist() == [10_000, 10_000, 10_000, 10_001, 10_002]
    assert table.lots.tolist() == [100, 60, 40, 30, 80]
    assert table.bid_px.tolist() == [[10_000, 0]] * 5
    assert table.bid_lots[:, 0].tolist() == [150, 90, 50, 50, 50]
    assert table.ask_px[:, 0].tolist() == [10_002] * 4 + [0]
    assert table.name == "X"


def test_a_visible_price_off_the_tick_is_refused(tmp_path: Path) -> None:
    day = day_of(tmp_path, 2, DAY)
    assert events_of_lobster(day, tick=50).px[0] == 20_000
    with pytest.raises(DataError, match=r"multiple of the tick 300 \(1e-4 dollars\)") as caught:
        events_of_lobster(day, tick=300)
    assert caught.value.code == "HG-D173"


def test_real_data_is_read_by_the_name_of_a_file_or_its_folder(tmp_path: Path) -> None:
    day = day_of(tmp_path, 2, DAY)
    assert read_events(tmp_path).t_ns.tolist() == read_events(day.message_path).t_ns.tolist()
    for name in ("nothing_message_1.csv", "nothing.csv"):
        with pytest.raises(NoInputError, match=r"no LOBSTER pair|no such file"):
            read_events(tmp_path / name)


def test_the_levels_of_a_simulation_follow_from_its_public_feed() -> None:
    simulator = Simulator("default", seed=5, keep_log=True)
    simulator.advance(30.0)
    log = simulator.log()
    table = events_of_log(log)
    feed = public_feed(log)
    shown = np.flatnonzero(feed["kind"] <= FeedKind.TRADE)
    assert table.rows == len(shown) > 400
    assert np.bincount(table.kind)[EventKind.TRADE] == (feed["kind"] == FeedKind.TRADE).sum()
    for k in range(50, table.rows, 97):
        book = visible_levels(feed[: shown[k] + 1])
        for side, px, lots in (
            (1, table.bid_px, table.bid_lots),
            (-1, table.ask_px, table.ask_lots),
        ):
            best = sorted((p for s, p in book if s == side), key=lambda p: -side * p)[:5]
            assert px[k][: len(best)].tolist() == best
            assert lots[k][: len(best)].tolist() == [book[side, p] for p in best]
            assert not px[k][len(best) :].any()


def test_the_burn_in_builds_the_book_and_has_no_rows() -> None:
    simulator = Simulator("default", seed=5, keep_log=True)
    simulator.advance(30.0)
    whole = events_of_log(simulator.log())
    late = events_of_log(simulator.log(), after_ns=20_000_000_000)
    cut = int(np.searchsorted(whole.t_ns, 20_000_000_000, "right"))
    assert late.t_ns.tolist() == whole.t_ns[cut:].tolist()
    assert late.bid_lots.tolist() == whole.bid_lots[cut:].tolist()


def test_what_a_market_does_while_it_is_not_continuous_has_no_rows() -> None:
    scenario = load_scenario("default").model_copy(
        update={
            "calendar": load_scenario("default").calendar,
            "burn_in_s": 0.0,
        }
    )
    halted = type(scenario).model_validate(
        scenario.model_dump()
        | {
            "calendar": [
                {"at_s": 20.0, "phase": "halt"},
                {"at_s": 40.0, "phase": "volatility_auction"},
                {"at_s": 50.0, "phase": "continuous"},
            ]
        }
    )
    (table,) = simulate_events(halted, seconds=70.0, seed=1)
    seconds = table.t_ns / 1e9
    assert not ((seconds > 20.0) & (seconds < 50.0)).any()
    assert (seconds <= 20.0).sum() > 100 < (seconds >= 50.0).sum()


def test_markets_have_seeds_of_their_own_and_repeat() -> None:
    scenario = load_scenario("default")
    told: list[int] = []
    pair = simulate_events(scenario, seconds=20.0, seed=3, markets=2, progress=told.append)
    (again,) = simulate_events(scenario, seconds=20.0, seed=4)
    assert sum(told) == 40
    assert pair[1].px.tolist() == again.px.tolist() != pair[0].px.tolist()
    assert again.t_ns[0] > scenario.burn_in_s * 1e9
    assert 15.0 < again.seconds <= 20.0


def test_of_two_instruments_the_first_is_measured() -> None:
    scenario = load_scenario("pairs")
    (table,) = simulate_events(scenario, seconds=30.0, seed=2)
    run = Simulator(scenario, 2, keep_log=True)
    run.advance(scenario.burn_in_s + 30.0)
    trades = run.trades()
    late = trades[trades["t_ns"] > round(scenario.burn_in_s * 1e9)]
    first = run.blueprint.rows_of(late, 0)
    of_trade = (table.kind == EventKind.TRADE) | (table.kind == EventKind.HIDDEN_TRADE)
    assert 0 < len(first) < len(late)
    assert table.px[of_trade].tolist() == (first["px"] // scenario.instrument.tick_px).tolist()


def test_history_is_not_simulated() -> None:
    with pytest.raises(UsageError, match="replays history") as caught:
        simulate_events(load_scenario("tape"), seconds=20.0)
    assert caught.value.code == "HG-U170"


def test_a_log_that_takes_more_than_there_is_is_a_bug() -> None:
    simulator = Simulator("default", seed=5, keep_log=True)
    simulator.advance(5.0)
    log = simulator.log()
    with pytest.raises(InternalError, match="takes more than its level holds"):
        events_of_log(log[len(log) // 2 :])
