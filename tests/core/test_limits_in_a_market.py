"""Limits of participants that decide, with latencies: who is stopped, when, and what is written."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from hftgym.core.constants import BUY, SELL, Limit, LogKind, Reason, Status
from hftgym.core.entries import state_hash_one
from hftgym.errors import ConfigError
from hftgym.limits import Limits
from hftgym.market import Learner, blueprint
from hftgym.scenario import Scenario
from tests.core.scripted import Stage, cancel, limit, market

MS = 1_000_000


def refusals(stage: Stage) -> list[tuple[str, int, Limit]]:
    """Who was stopped, when, by which limit."""
    names = stage.blueprint.names
    rows = [row for row in stage.rows(LogKind.REJECT) if row["reason"] == Reason.RISK_LIMIT]
    return [(names[row["taker"]], row["t_ns"] // MS, Limit(row["marks"])) for row in rows]


def test_the_rate_is_that_of_arrivals_at_the_exchange() -> None:
    """One message each 2 ms: sent at 0, 1 and 3, they arrive 5 ms later."""
    steps = [limit(0, BUY, 90), limit(MS, BUY, 91, slot=1), limit(3 * MS, BUY, 92, slot=2)]
    stage = Stage(
        {"fast": [*steps, cancel(3 * MS, 0)]},
        {"fast": (0, 5 * MS, MS)},
        limits={"fast": {"orders_per_s": 500}},
    )
    stage.advance()
    assert refusals(stage) == [("fast#0", 6, Limit.ORDER_RATE)]
    assert [row["t_ns"] // MS for row in stage.rows(LogKind.REST)] == [5, 8]
    assert [row["t_ns"] // MS for row in stage.rows(LogKind.CANCEL)] == [8]
    account = stage.part("fast")["account"]
    assert (account["rejects"], account["open_orders"]) == (1, 1)


def test_each_limit_of_a_scenario_stops_at_the_gate() -> None:
    caps: dict[str, dict[str, Any]] = {
        "big": {"position_lots": 2},
        "busy": {"open_orders": 1},
        "rich": {"notional": 2_000},  # two lots at the mark
        "hasty": {"orders_per_s": 1, "burst": 2},
    }
    steps = [limit(0, BUY, 95, 1), limit(MS, BUY, 95, 2, 1), limit(2 * MS, BUY, 95, 1, 2)]
    stage = Stage(dict.fromkeys(caps, steps), limits=caps)
    stage.advance()
    assert sorted(refusals(stage)) == [  # within an instant ties decide
        ("big#0", 1, Limit.POSITION),
        ("busy#0", 1, Limit.OPEN_ORDERS),
        ("busy#0", 2, Limit.OPEN_ORDERS),
        ("hasty#0", 2, Limit.ORDER_RATE),
        ("rich#0", 1, Limit.NOTIONAL),
    ]
    assert [stage.own_lots(name, 2) for name in caps] == [1, 0, 1, 0]


def test_a_loss_is_the_end_and_stands_in_the_log() -> None:
    """One lot at 101, marked at 98.5 in the end: 25 money units and a fee of 3 are lost."""
    quotes = [limit(0, SELL, 101, 2), limit(0, BUY, 100, 1, 1), limit(0, BUY, 96, 5, 2)]
    stage = Stage(
        {
            "maker": [*quotes, cancel(9 * MS, 1)],
            "taker": [market(MS, BUY), limit(8 * MS, BUY, 50, slot=1), limit(12 * MS, BUY, 50)],
        },
        limits={"taker": {"loss": 27, "flatten": True}},
    )
    stage.advance()
    taker = stage.index("taker")
    (kill,) = stage.rows(LogKind.KILL)
    assert (kill["taker"], kill["t_ns"], kill["reason"]) == (taker, 9 * MS, Reason.KILLED)
    assert (kill["px"], kill["lots"], kill["marks"]) == (-28, 1, Limit.LOSS)
    (ended,) = [row for row in stage.rows(LogKind.CANCEL) if row["maker"] == taker]
    (_, closed) = stage.rows(LogKind.TRADE)
    assert (ended["px"], ended["reason"]) == (50, Reason.KILLED)
    assert (closed["taker"], closed["side"], closed["px"]) == (taker, SELL, 96)
    rows = stage.rows()
    assert rows.index(kill) < rows.index(ended) < rows.index(closed)
    (late,) = stage.rows(LogKind.REJECT)
    assert (late["taker"], late["reason"], late["marks"]) == (taker, Reason.KILLED, 0)
    account = stage.part("taker")["account"]
    assert (account["killed"], account["position"], account["cash"]) == (1, 0, -10 * 5 - 2 * 3)


def test_a_log_that_is_nearly_full_takes_a_crowd_of_kills() -> None:
    """Each of 12 has bought a lot at 101; then the mark falls to 96."""
    crowd = 12
    scripts = {f"p{j}": [market(MS, BUY)] for j in range(crowd)}
    scripts["maker"] = [limit(0, SELL, 101, crowd), limit(0, BUY, 100, 1, 1), cancel(3 * MS, 1)]
    scripts["other"] = [limit(2 * MS, BUY, 90, 2 * crowd), limit(4 * MS, SELL, 102, 1, 1)]
    broke = {"loss": 9, "flatten": True}
    stage = Stage(scripts, limits={f"p{j}": broke for j in range(crowd)})
    stage.log[0]["capacity"] = 40  # 25 for the last event alone
    kinds: list[int] = []
    while (status := stage.advance()) == Status.LOG_FULL:
        kinds += [row["kind"] for row in stage.rows()]
        stage.m["log_used"] = 0
    kinds += [row["kind"] for row in stage.rows()]
    assert (status, stage.m["fault"]) == (Status.UNTIL, 0)
    assert kinds.count(LogKind.KILL) == crowd
    assert kinds.count(LogKind.TRADE) == 2 * crowd


def test_the_clock_of_the_rate_is_state() -> None:
    """Two markets that differ in what one has been refused by the book, and in nothing to see."""
    cap = {"hasty": {"orders_per_s": 10, "burst": 2}}
    post_only = 1
    rest = [limit(0, SELL, 101), limit(0, BUY, 90, 1, 1)]
    stage = Stage(
        {"maker": rest, "hasty": [limit(MS, BUY, 101, flags=post_only), limit(2 * MS, BUY, 95)]},
        limits=cap,
    )
    stage.advance(MS)
    before = state_hash_one(stage.markets, 0)
    saved = stage.markets.copy()
    account = stage.part("hasty")["account"]
    assert (account["rejects"], account["rate_due_ns"]) == (1, 101 * MS)
    account["rate_due_ns"] = 0
    assert state_hash_one(stage.markets, 0) != before
    stage.markets[:] = saved
    stage.advance()
    after = state_hash_one(stage.markets, 0)
    stage.markets[:] = saved
    stage.advance(2 * MS - 1)
    stage.advance()
    assert state_hash_one(stage.markets, 0) == after


def test_a_learner_has_limits_too() -> None:
    scenario = Scenario(name="x", description="y")
    limits = Limits(position_lots=7, open_orders=3, notional=10**6, orders_per_s=3, burst=5, loss=9)
    (learner,) = blueprint(scenario, [Learner(limits=limits)]).learners
    market = blueprint(scenario, [Learner(limits=limits)]).open(1)[0]
    account = market["part"][learner]["account"]
    assert account["limits"] == sum(Limit)
    assert (account["position_limit"], account["open_orders_limit"]) == (7, 3)
    assert (account["notional_limit"], account["kill_equity"]) == (10**6, -9)
    # A third of a second, rounded up.
    assert (account["rate_interval_ns"], account["rate_slack_ns"]) == (333_333_334, 4 * 333_333_334)
    assert (market["kill_watch"], account["kill_flatten"]) == (1, 0)


def test_a_limit_that_lets_nothing_pass_is_refused() -> None:
    scenario = Scenario(name="x", description="y")  # at 10,000 px of 10 money units
    blueprint(scenario, [Learner(limits=Limits(notional=100_000))])
    with pytest.raises(ConfigError, match=r"notional 99999 of learner#0 is less than one lot"):
        blueprint(scenario, [Learner(limits=Limits(notional=99_999))])


def test_what_is_not_limited_is_off() -> None:
    (account,) = blueprint(Scenario(name="x", description="y"), [Learner()]).record["part"][0, :1][
        "account"
    ]
    assert account["limits"] == 0
    assert np.all([account[name] == 0 for name in account.dtype.names if "limit" in name])
