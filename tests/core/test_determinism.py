"""Same name, same run: any process, batch, pause, restore point, class; compiled or not."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hftgym.core.constants import NEVER_NS, NONE, Channel, Status
from hftgym.core.entries import advance_many, advance_one
from hftgym.core.records import LOG, LOG_ROW, TAPE_OP
from hftgym.data.lobster import read_lobster
from hftgym.data.tape import compile_tape
from hftgym.errors import ConfigError
from hftgym.scenario import Scenario
from hftgym.simulator import Simulator
from tests.core.fingerprint import fingerprint, resized
from tests.data.lobster_days import Exchange, write_files

REPOSITORY = Path(__file__).resolve().parents[2]
SECOND = 1_000_000_000


def elsewhere(*args: object, **environment: str) -> dict[str, int]:
    """Fingerprint of a run in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.core.fingerprint", *map(str, args)],
        cwd=REPOSITORY,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=True,
    )
    return dict(json.loads(done.stdout))


def here(seed: int, seconds: float, scenario: Scenario | str = "default") -> dict[str, int]:
    market = Simulator(scenario, seed)
    market.advance(seconds)
    return fingerprint(market)


def test_the_same_run_in_another_process() -> None:
    assert elsewhere("default", 5, 120, PYTHONHASHSEED="17") == here(5, 120)


def test_the_same_run_without_the_compiler() -> None:
    """Plain Python reads and writes the same records to the same effect."""
    assert elsewhere("default", 5, 20, NUMBA_DISABLE_JIT="1") == here(5, 20)


@pytest.mark.slow
def test_the_same_run_with_bounds_checked() -> None:
    assert elsewhere("default", 5, 300, NUMBA_BOUNDSCHECK="1") == here(5, 300)


def test_seeds_and_times_make_runs_differ() -> None:
    runs = [here(5, 30), here(6, 30), here(5, 31)]
    for name in ("state_hash", "log_hash"):
        assert len({run[name] for run in runs}) == 3


def test_one_market_or_one_of_many() -> None:
    batch = Simulator("default", seed=4, markets=3)
    batch.advance(60)
    for i in range(3):
        assert fingerprint(batch, i) == here(4 + i, 60)


@pytest.mark.parametrize("threads", [1, 3])
def test_many_threads_or_one(threads: int) -> None:
    batch, plan = Simulator("default", seed=4, markets=8), Simulator("default").blueprint
    log, statuses = np.zeros(1, LOG), np.zeros(8, np.int64)
    advance_many(batch.markets, plan.table, plan.ops, log, 20 * SECOND, statuses, threads)
    assert set(statuses.tolist()) == {Status.UNTIL}
    assert [fingerprint(batch, i) for i in range(8)] == [here(4 + i, 20) for i in range(8)]


def test_any_pause() -> None:
    market = Simulator("default", seed=5)
    rng = np.random.default_rng(1)
    while market.market()["now_ns"] < 60 * SECOND:
        market.advance_until(
            min(int(market.market()["now_ns"]) + int(rng.integers(1, SECOND)), 60 * SECOND)
        )
    assert fingerprint(market) == here(5, 60)


def test_any_restore_point() -> None:
    """Saved, led astray, restored: the future is the same; so it is in another simulator."""
    whole = here(5, 60)
    rng = np.random.default_rng(2)
    market = Simulator("default", seed=5)
    for at_ns in sorted(rng.integers(1, 60 * SECOND, 12).tolist()):
        market.advance_until(at_ns)
        before = fingerprint(market)
        saved = market.snapshot()
        market.reseed(0, 99)
        market.advance(7)
        market.restore(saved)
        assert fingerprint(market) == before
        other = Simulator("default", seed=123)
        other.restore(saved)
        other.advance_until(60 * SECOND)
        assert fingerprint(other) == whole
    market.advance_until(60 * SECOND)
    assert fingerprint(market) == whole


def test_another_future_from_the_same_present() -> None:
    market = Simulator("default", seed=5)
    market.advance(30)
    book, saved = market.book_hash(), market.snapshot()
    futures = set()
    for seed in (1, 2, 2):
        market.restore(saved)
        market.reseed(0, seed)
        assert market.book_hash() == book
        market.advance(30)
        futures.add(market.state_hash())
    assert len(futures) == 2


def test_any_market_class() -> None:
    for seed in (5, 6):
        assert here(seed, 120, resized("default", "medium")) == here(seed, 120)


def test_any_log_buffer() -> None:
    """A small buffer fills often; what was in it, put together, is the whole log."""
    market = Simulator("default", seed=5, keep_log=True)
    market.advance(120)
    whole = market.log()
    assert len(whole) == int(market.market()["log_count"]) > 1_000
    plan = market.blueprint
    markets = plan.open(5)
    log = np.zeros(1, LOG)
    log[0]["capacity"] = 400
    parts, pauses = [np.zeros(0, LOG_ROW)], 0
    while True:
        status = advance_one(markets, 0, plan.table, plan.ops, log, 120 * SECOND, -1)
        parts.append(log[0]["rows"][: int(markets[0]["log_used"])].copy())
        markets[0]["log_used"] = 0
        if status != Status.LOG_FULL:
            break
        pauses += 1
    assert status == Status.UNTIL
    assert pauses > 3
    np.testing.assert_array_equal(np.concatenate(parts), whole)
    market.restore(markets)
    assert fingerprint(market) == here(5, 120)


def test_a_tape_in_the_middle_of_a_run(tmp_path: Path) -> None:
    """With history and agents too, a run is a run: paused, restored, in another class."""
    exchange = Exchange(3)
    for choice in np.random.default_rng(1).integers(0, 60, size=(200, 4)).tolist():
        exchange.act(*choice)
    tape = compile_tape(read_lobster(*write_files(tmp_path, exchange.messages, exchange.rows)))
    ops = tape.ops.astype(TAPE_OP)
    ops["t_ns"] = (ops["row"] + 1) * SECOND // 10
    scenario = Scenario.model_validate(
        {
            "name": "tape",
            "description": "history and agents",
            "instrument": {"start_px": 1_000},
            "participants": [{"kind": "noise_taker"}, {"kind": "fixed_spread", "count": 3}],
        }
    )
    runs = []
    for size, stops in (("small", [30]), ("medium", [30]), ("small", [3, 3.5, 11, 30])):
        market = Simulator(resized(scenario, size), seed=2, ops=ops)
        for stop in stops:
            market.advance_until(round(stop * SECOND))
            market.restore(market.snapshot())
        runs.append(fingerprint(market))
    assert runs[0]["messages"] > 150
    assert runs[0] == runs[1] == runs[2]


def test_the_latent_value_does_not_depend_on_who_reads_it() -> None:
    """The value at a grid point is the same for few readers and many, quick and slow."""
    base: dict[str, Any] = {"name": "v", "description": "values", "value": {}}
    groups = [
        [{"kind": "informed_taker", "params": {"rate_per_s": 5.0}}],
        [{"kind": "informed_taker", "params": {"rate_per_s": 0.2, "value_delay_ns": SECOND}}],
        [{"kind": "glft", "count": 4, "params": {"value_delay_ns": 0}}, {"kind": "noise_taker"}],
    ]
    paths = []
    for participants in groups:
        market = Simulator(Scenario.model_validate({**base, "participants": participants}), seed=3)
        path: dict[int, float] = {}
        for _ in range(60):
            market.advance(2)
            value = market.market()["value"]
            k = int(value["k"])
            path |= {j: float(value["ring"][j % 64]) for j in range(max(k - 63, 0), k + 1)}
        paths.append(path)
    common = set(paths[0]) & set(paths[1]) & set(paths[2])
    assert len(common) > 900
    for path in paths[1:]:
        assert [path[k] for k in sorted(common)] == [paths[0][k] for k in sorted(common)]
    assert len({paths[0][k] for k in common}) > 900


def test_a_reader_later_than_the_memory_of_the_value_is_refused() -> None:
    """Beyond it, what it saw would depend on how far others have read."""

    def late(delay_ns: int) -> Simulator:
        informed = {"kind": "informed_taker", "params": {"value_delay_ns": delay_ns}}
        fields = {"name": "v", "description": "late", "value": {}, "participants": [informed]}
        return Simulator(Scenario.model_validate(fields))

    late(63 * 50_000_000)
    with pytest.raises(ConfigError, match="informed_taker#0 sees the value 3150000001 ns late"):
        late(63 * 50_000_000 + 1)


#: Fields of which no future depends: counters, scratch, the layout of pools, and what hashes of
#: the book or of pending events cover.
NOT_STATE = {
    "part": {"own_offset", "own_first", "report_head", "report_tail", "decide", "external"}
    | {"message_head", "message_tail", "scheduled_view", "triggered_view", "awaiting_view"}
    | {"queue_view", "view_levels", "background", "wakes"}
    | {"feed_ns", "order_ns", "response_ns", "signal_delay_ns", "own_capacity", "reads_data"}
    | {"feed_kind", "order_kind", "response_kind"}
    | {"feed", "order", "response", "unstamped", "next_unstamped", "book"}
    | {"params", "memory", "rng", "account"},
    # Settings, as the latencies above, and scratch.
    "account": {"cancel_on_disconnect", "lmm_percent", "quota_lots", "limits", "kill_flatten"}
    | {"position_limit", "open_orders_limit", "notional_limit", "kill_equity"}
    | {"rate_interval_ns", "rate_slack_ns"},
    "own": {"live", "capacity", "orders"},
}


def test_the_state_hash_sees_every_field_that_matters() -> None:
    """Change one field of a running market at a time: the hash changes, and comes back."""
    market = Simulator("default", seed=5)
    market.advance(31.7)
    m = market.market()
    used = m["part"][: int(m["participants"])]
    while (used["message_head"] == NONE).all():
        market.advance(0.01)
    before = market.state_hash()

    def must_see(record: Any, name: str) -> None:
        old = record[name].copy()
        record[name] = old + 1
        assert market.state_hash() != before, name
        record[name] = old

    part = m["part"][int(m["participants"]) - 1]
    for name in part.dtype.names:
        if name not in NOT_STATE["part"] and not name.startswith("_"):
            must_see(part, name)
    for name in part["account"].dtype.names:
        if name not in NOT_STATE["account"] and not name.startswith("_"):
            must_see(part["account"], name)
    for name in ("key", "decision"):
        must_see(part["rng"], name)
    for name in ("now_ns", "seed", "fault", "fee_account", "log_hash"):
        must_see(m, name)
    for name in ("mid_2px", "last_px", "trades", "volume", "signed_volume", "ofi"):
        must_see(m["books"][0], name)
    must_see(m["books"][0]["instrument"], "phase")
    must_see(m["tape"], "cursor")
    for name in ("key", "k", "drift"):
        must_see(m["value"], name)
    part["memory"][17] ^= 1
    assert market.state_hash() != before
    part["memory"][17] ^= 1
    orders = m["orders"][m["orders"]["owner"] >= 0]
    assert len(orders) > 5
    pool = m["orders"]
    live = int(np.flatnonzero((pool["owner"] >= 0) & (pool["lots"] > 0))[0])
    must_see(pool[live], "lots")
    leaf = m["event_ns"][int(m["leaves"]) : 2 * int(m["leaves"])]
    for i in np.flatnonzero(leaf < NEVER_NS):
        if i % len(Channel) != Channel.ENTRY:  # of messages their own time counts
            leaf[i] += 1
            assert market.state_hash() != before
            leaf[i] -= 1
    for j in used["message_head"][used["message_head"] != NONE]:
        must_see(m["messages"][j], "t_ns")
    assert market.state_hash() == before
