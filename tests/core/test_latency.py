"""Latencies that vary: lognormal, drawn from a recording, or a recording followed in time."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import stats

from hftgym.core.constants import BUY, SELL, LogKind
from hftgym.core.latency import interpolated_ns
from hftgym.errors import ConfigError, DataError, NoInputError
from hftgym.latency import Latency, Recorded, read_recording
from hftgym.scenario import Scenario, load_scenario
from hftgym.simulator import Simulator

US, MS = 1_000, 1_000_000
LOGNORMAL = {"median_ns": 2 * MS, "sigma": 0.6, "floor_ns": 500 * US}


def flow(latency: dict[str, Any], **more: Any) -> Scenario:
    """One flow of orders and its cancels, and a maker who watches trades."""
    rates = {"limit_rate": 2.0, "market_rate": 10.0}
    maker = {
        "kind": "tests.core.scripted:impatient",
        "latency": latency,
        "params": {"wait_ns": 10**10},
    }
    return Scenario.model_validate(
        {
            "name": "latencies",
            "description": "one flow",
            "market_class": "medium",
            "instrument": {"start_px": 1_000},
            "participants": [
                {"kind": "zero_intelligence", "latency": latency, "params": rates},
                maker,
            ],
            **more,
        }
    )


def travel_times(market: Simulator) -> tuple[np.ndarray, np.ndarray]:
    """Advance event by event: (sent, arrival) of every message of participant 0."""
    sent, arrived = [], []
    m = market.market()
    seen = 0
    for _ in range(3_000):
        market.advance_until(int(m["event_ns"][1]))
        messages = int(m["part"][0]["account"]["messages"])
        if messages > seen:
            sent += [int(m["now_ns"])] * (messages - seen)
            arrived += [int(m["part"][0]["last_arrival_ns"])] * (messages - seen)
            seen = messages
    return np.array(sent), np.array(arrived)


def test_lognormal_orders_arrive_when_the_distribution_says() -> None:
    latency = {"feed_ns": 0, "order_ns": LOGNORMAL, "response_ns": 0}
    market = Simulator(flow(latency), seed=3)
    sent, arrived = travel_times(market)
    assert len(sent) > 500
    assert (np.diff(arrived) >= 0).all()  # first in, first out
    delay = arrived - sent
    assert (delay >= 500 * US).all()
    # One waits behind the one before: of those who did not, the law is that of the draws.
    free = np.append(True, np.diff(arrived) > 0)
    found = stats.kstest((delay[free] - 500 * US) / (1_500 * US), "lognorm", (0.6,))
    assert found.pvalue > 0.001
    rejected = stats.kstest((delay[free] - 500 * US) / (1_500 * US), "lognorm", (0.4,))
    assert rejected.pvalue < 1e-4


def test_longest_cuts_the_tail() -> None:
    order = LOGNORMAL | {"longest_ns": 2_500 * US}
    market = Simulator(flow({"feed_ns": 0, "order_ns": order, "response_ns": 0}), seed=3)
    sent, arrived = travel_times(market)
    assert (arrived - sent).max() == 2_500 * US


def write(path: Path, text: str) -> str:
    path.write_text(text)
    return str(path)


ROWS = """sent_ns,exchange_ns,answered_ns
1670026844751525000,1670026844759000000,1670026844762122000
1670026845754020000,1670026845762000000,1670026845770003000
"""


def test_published_latencies_reproduce(tmp_path: Path) -> None:
    """Rows and midpoint of the documentation of hftbacktest (order latency data)."""
    file = write(tmp_path / "rows.csv", ROWS)
    found = {
        channel: read_recording(Recorded(file=file, replay="time"), channel)  # type: ignore[arg-type]
        for channel in ("order_ns", "response_ns")
    }
    assert found["order_ns"][:, 1].tolist() == [7_475_000, 7_980_000]
    assert found["response_ns"][:, 1].tolist() == [3_122_000, 8_003_000]
    middle = (1670026845754020000 - 1670026844751525000) // 2
    order, response = found["order_ns"].ravel(), found["response_ns"].ravel()
    response[2] = order[2]  # at the midpoint of the two requests
    assert interpolated_ns(order, 0, 2, middle) == 7_727_500
    assert interpolated_ns(response, 0, 2, middle) == 5_562_500
    assert interpolated_ns(order, 0, 2, -5) == 7_475_000
    assert interpolated_ns(order, 0, 2, 10**18) == 7_980_000


def test_interpolation_finds_its_interval() -> None:
    times = np.cumsum(np.arange(1, 400))
    delays = (times * 7919) % 1_000
    table = np.concatenate([[-1.0, -1.0], np.column_stack((times, delays)).ravel()])
    for t in range(0, int(times[-1]) + 50, 37):
        want = int(np.floor(np.interp(t, times, delays) + 0.5))
        assert interpolated_ns(table, 2, len(times), t) == want


def test_recorded_latencies_are_drawn_or_followed(tmp_path: Path) -> None:
    file = write(tmp_path / "some.csv", "latency_ns\n" + "\n".join(f"{k}000000" for k in (1, 3, 9)))
    market = Simulator(flow({"feed_ns": 0, "order_ns": {"file": file}, "response_ns": 0}), seed=1)
    sent, arrived = travel_times(market)
    free = np.append(True, np.diff(arrived) > 0)
    values, counts = np.unique((arrived - sent)[free], return_counts=True)
    assert set(values) <= {1 * MS, 3 * MS, 9 * MS} | set(values[counts < 5])
    assert {1 * MS, 3 * MS, 9 * MS} <= set(values)

    rows = "sent_ns,exchange_ns\n5,1000005\n2000000005,2004000005\n"
    file = write(tmp_path / "rising.csv", rows)
    order = {"file": file, "replay": "time"}
    market = Simulator(flow({"feed_ns": 0, "order_ns": order, "response_ns": 0}), seed=1)
    sent, arrived = travel_times(market)
    free = np.append(True, np.diff(arrived) > 0) & (sent < 2 * 10**9)
    assert free.sum() > 100
    want = np.floor(MS + sent[free] / 2e9 * (3 * MS) + 0.5)
    np.testing.assert_array_equal((arrived - sent)[free], want)


def test_responses_of_a_recording_become_known_as_recorded(tmp_path: Path) -> None:
    """Read from the table between events: each answer is known its own latency after its event."""
    file = write(tmp_path / "two.csv", "latency_ns\n2000000\n5000000\n")
    latency = {"feed_ns": 0, "order_ns": 0, "response_ns": {"file": file}}
    market = Simulator(flow(latency), seed=2, keep_log=True)
    m = market.market()
    delays: list[int] = []
    for _ in range(2_000):
        market.advance_until(int(m["event_ns"][1]))
        i, known = int(m["part"][0]["report_head"]), 0
        while i >= 0:
            known = int(m["reports"][i]["t_ns"])
            i = int(m["reports"][i]["next"])
        if known:
            assert known == int(m["part"][0]["last_response_ns"])
            delays.append(known - int(m["now_ns"]))
        assert int(m["unstamped"]) == -1
    assert {2 * MS, 5 * MS} <= set(delays)
    assert max(delays) == 5 * MS


def test_a_triggered_view_comes_after_a_drawn_latency() -> None:
    latency = {"feed_ns": LOGNORMAL, "order_ns": 0, "response_ns": 0}
    market = Simulator(flow(latency), seed=5)
    m = market.market()
    watcher = m["part"][1]
    delays = []
    for _ in range(6_000):
        before = int(watcher["views_triggered"])
        market.advance_until(int(m["event_ns"][1]))
        if int(watcher["views_triggered"]) > before:
            delays.append(int(watcher["last_delivery_ns"]) - int(m["now_ns"]))
    assert len(delays) > 50
    # One at a time is on its way, so none waits for another.
    spread = (np.array(delays) - 500 * US) / (1_500 * US)
    assert stats.kstest(spread, "lognorm", (0.6,)).pvalue > 0.001


def test_a_wish_for_a_view_is_met_although_the_feed_varies() -> None:
    """The capture lies one drawn latency before the wish: decisions keep their rhythm."""
    ticker = {
        "kind": "tests.core.scripted:ticker",
        "latency": {"feed_ns": {"median_ns": 100 * US, "sigma": 0.3, "longest_ns": 900 * US}},
    }
    scenario = Scenario.model_validate(
        {"name": "t", "description": "t", "participants": [ticker], "instrument": {"start_px": 90}}
    )
    market = Simulator(scenario, seed=1)
    market.advance_until(400 * MS + 1)
    # At 0.0 and then at each whole millisecond, but the first that the feed can still serve.
    assert int(market.market()["part"][0]["wakes"]) in (400, 401)


def test_a_newcomer_leaves_the_latencies_of_others() -> None:
    latency = {"feed_ns": 0, "order_ns": LOGNORMAL, "response_ns": LOGNORMAL}
    alone = Simulator(flow(latency), seed=9)
    fields = flow(latency).model_dump(mode="json")
    fields["participants"].insert(0, {"kind": "noise_taker", "params": {"rate_per_s": 1e-6}})
    joined = Scenario.model_validate_json(json.dumps(fields))
    both = Simulator(joined, seed=9)
    for market in (alone, both):
        market.advance(5.0)
    a, b = alone.market()["part"][0], both.market()["part"][1]
    assert int(a["orders_sent"]) == int(b["orders_sent"]) > 100
    assert int(a["last_arrival_ns"]) == int(b["last_arrival_ns"])
    assert int(a["last_response_ns"]) == int(b["last_response_ns"])


def test_snapshot_and_restore_keep_the_stream_of_latencies() -> None:
    latency = {"feed_ns": LOGNORMAL, "order_ns": LOGNORMAL, "response_ns": LOGNORMAL}
    market = Simulator(flow(latency), seed=4)
    market.advance(2.0)
    kept = market.snapshot()
    market.advance(2.0)
    first = market.state_hash()
    market.restore(kept)
    market.advance(1.0)
    market.advance(1.0)
    assert market.state_hash() == first


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (-1, "must be 0 to 3600000000000 ns"),
        (1.5, "must be a whole number of nanoseconds, or a mapping"),
        ("fast", "must be a whole number of nanoseconds, or a mapping"),
        ({"median_ns": 5, "floor_ns": 5}, "must rise in this order"),
        ({"median_ns": 5, "sigm": 1}, "did you mean 'sigma'"),
        ({"file": "x", "replay": "tim"}, "'draw' or 'time'"),
    ],
)
def test_a_wrong_latency_is_refused_with_its_place(tmp_path: Path, value: Any, text: str) -> None:
    import yaml

    fields = flow({"order_ns": 5}).model_dump(mode="json")
    fields["participants"][0]["latency"]["order_ns"] = value
    path = tmp_path / "latencies.yaml"
    path.write_text(yaml.safe_dump(fields))
    with pytest.raises(ConfigError, match=text):
        load_scenario(path)


@pytest.mark.parametrize(
    ("rows", "code", "text"),
    [
        ("", "HG-D210", "no column 'sent_ns'"),
        ("sent_ns,exchange_ns\n", "HG-D214", "no rows"),
        ("sent_ns,exchange_ns\n1,x\n", "HG-D211", r":2: '1, x': must have whole numbers"),
        ("sent_ns,exchange_ns\n1,5\n3\n", "HG-D211", ":3:"),
        ("sent_ns,exchange_ns\n5,1\n", "HG-D212", "latency -4 ns"),
        ("sent_ns,exchange_ns\n1,5\n1,6\n", "HG-D213", ":3: sent_ns 1 does not rise"),
    ],
)
def test_a_wrong_recording_is_refused_with_its_line(
    tmp_path: Path, rows: str, code: str, text: str
) -> None:
    file = write(tmp_path / "bad.csv", rows)
    with pytest.raises(DataError, match=text) as error:
        read_recording(Recorded(file=file, replay="time"), "order_ns")
    assert error.value.code == code


def test_a_recording_that_is_not_there_is_refused() -> None:
    with pytest.raises(NoInputError, match="no_such"):
        read_recording(Recorded(file="no_such.csv"), "feed_ns")


def test_the_hash_of_the_data_tells_recordings_apart(tmp_path: Path) -> None:
    hashes = set()
    for k in (1, 2):
        file = write(tmp_path / "same_name.csv", f"latency_ns\n{k}\n")
        hashes.add(Simulator(flow({"order_ns": {"file": file}})).blueprint.data_hash)
    assert len(hashes) == 2


def test_constants_stay_plain_numbers() -> None:
    assert Latency(feed_ns=3).model_dump(mode="json") == {
        "feed_ns": 3,
        "order_ns": 1_000_000,
        "response_ns": 1_000_000,
    }


def test_of_identical_takers_the_faster_always_fills() -> None:
    """One stale quote, two takers that want it at the same time: the shorter way wins."""
    from tests.core.scripted import Stage, limit, market

    for seed in range(20):
        stage = Stage(
            {
                "maker": [limit(0, SELL, 101)],
                "slow": [market(10 * MS, BUY)],
                "fast": [market(10 * MS, BUY)],
            },
            {"slow": (0, 2 * MS, 0), "fast": (0, 2 * MS - 1, 0)},
            seed=seed,
        )
        stage.advance()
        (trade,) = stage.rows(LogKind.TRADE)
        assert trade["taker"] == stage.index("fast")
