"""States from which a market must not go on: it stops, says why, and stays as it is."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from hftgym.core.constants import BUY, SELL, Fault, LogKind, Reason, Status, TapeKind
from hftgym.core.entries import state_hash_one
from hftgym.core.records import TAPE_OP
from hftgym.errors import InternalError
from hftgym.market import check_fault
from tests.core.scripted import Stage, limit, market

MS = 1_000_000
HOUR_NS = 3_600_000_000_000
FLOOD = "tests.core.scripted:flood"
NOISE = {"kind": "noise_taker", "params": {"rate_per_s": 50.0}}


def slow(channel: str) -> dict[str, int]:
    return {"feed_ns": 0, "order_ns": 0, "response_ns": 0, channel: HOUR_NS}


def flow(**kwargs: Any) -> dict[str, Any]:
    return {"kind": "zero_intelligence", "params": {"limit_rate": 40.0}, **kwargs}


def floods(**params: int) -> Stage:
    return Stage({}, extra=[{"kind": FLOOD, "params": params}])


def many_messages_in_flight() -> Stage:
    return Stage({}, extra=[flow(count=2, latency=slow("order_ns"))])


def many_reports_in_flight() -> Stage:
    scene = Stage({"maker": [limit(0, BUY, 99, lots=10_000)]}, extra=[NOISE])
    scene.part("maker")["response_ns"] = HOUR_NS
    return scene


def many_orders() -> Stage:
    scene = Stage({}, extra=[flow()])
    scene.m["order_limit"] = 21
    return scene


def much_money() -> Stage:
    scene = Stage({"maker": [limit(0, BUY, 99)], "taker": [market(MS, SELL)]})
    scene.part("taker")["account"]["cash"] = (1 << 62) - 10
    return scene


def an_ordinal_too_high() -> Stage:
    ops = np.zeros(1, TAPE_OP)
    ops[0] = (MS, 99, 5, 99, 100, 512, 0, TapeKind.ADD, BUY, 1)
    return Stage({}, ops=ops)


@pytest.mark.parametrize(
    ("build", "fault", "text"),
    [
        (lambda: floods(count=17), Fault.BAD_OUT, "a participant sent too many messages"),
        (lambda: floods(count=1 << 32), Fault.BAD_OUT, "a participant sent too many messages"),
        (lambda: floods(count=-1), Fault.BAD_OUT, "a participant sent too many messages"),
        (lambda: floods(count=1, slot=4), Fault.BAD_OUT, "named a slot that it does not have"),
        (lambda: floods(count=1, slot=-1), Fault.BAD_OUT, "named a slot that it does not have"),
        (many_messages_in_flight, Fault.MESSAGE_POOL, "no room for another message"),
        (many_reports_in_flight, Fault.REPORT_POOL, "no room for another private report"),
        (many_orders, Fault.ORDER_POOL, "no room for another order"),
        (much_money, Fault.OVERFLOW, "an account passed 2^62"),
        (an_ordinal_too_high, Fault.TAPE_ORDINALS, "more live orders than this market class"),
    ],
)
def test_a_fault_stops_the_market_and_says_so(
    build: Callable[[], Stage], fault: Fault, text: str
) -> None:
    scene = build()
    assert scene.advance(30_000 * MS) == Status.FAULT
    assert scene.m["fault"] == fault
    at_ns, state = int(scene.m["now_ns"]), state_hash_one(scene.markets, 0)
    with pytest.raises(InternalError, match=re.escape(text)) as error:
        check_fault(scene.m)
    assert (error.value.code, error.value.exit_code) == ("HG-X001", 70)
    assert f"market stopped at {at_ns} ns" in str(error.value)
    assert f"({fault.name})" in str(error.value)
    # It does not go on.
    assert scene.advance(60_000 * MS) == Status.FAULT
    assert (scene.m["now_ns"], state_hash_one(scene.markets, 0)) == (at_ns, state)


def test_a_healthy_market_raises_nothing() -> None:
    scene = Stage({}, extra=[flow(), NOISE])
    assert scene.advance(30_000 * MS) == Status.UNTIL
    check_fault(scene.m)


def test_a_learner_hears_of_a_full_pool_instead() -> None:
    scene = many_orders()
    scene.part("zero_intelligence")["background"] = 0
    assert scene.advance(5_000 * MS) == Status.UNTIL
    reasons = {row["reason"] for row in scene.rows(LogKind.REJECT)}
    assert reasons == {Reason.POOL_FULL}
    assert scene.m["order_live"] <= 21


def test_the_loop_pauses_when_its_budget_is_used() -> None:
    scene = Stage({}, extra=[flow()])
    times = []
    for _ in range(50):
        assert scene.advance(budget=1) == Status.BUDGET
        times.append(int(scene.m["now_ns"]))
    assert times == sorted(times)
