"""History in a live book: what agents take, what they are given, what is counted."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hftgym.core.constants import (
    BUY,
    SELL,
    Limit,
    LogKind,
    Phase,
    Reason,
    Status,
    Stp,
    TapeFlag,
    TapeKind,
    WakeOn,
)
from hftgym.core.records import TAPE_OP
from hftgym.data.lobster import read_lobster
from hftgym.data.tape import compile_tape
from hftgym.selftest.memory import check_book
from tests.core.scripted import Stage, Step, cancel, limit, look, market
from tests.data.lobster_days import Exchange, write_files

MS = 1_000_000
SEED = [
    (0, TapeKind.FRONT, BUY, 0, 99, 5),
    (0, TapeKind.FRONT, BUY, 1, 98, 7),
    (0, TapeKind.FRONT, SELL, 2, 102, 4),
    (0, TapeKind.FRONT, SELL, 3, 103, 6),
]
Op = tuple[int, int, int, int, int, int]  # t_ms, kind, side, ordinal, px, lots


def ops_of(*ops: Op, seed: Sequence[Op] = SEED) -> Any:
    """A tape: the seed is row 0, then every operation is a row."""
    table = np.zeros(len(seed) + len(ops), TAPE_OP)
    for i, (t_ms, kind, side, ordinal, px, lots) in enumerate([*seed, *ops]):
        row = max(i - len(seed) + 1, 0)
        flags = 0 if i < len(seed) - 1 else TapeFlag.ROW_END
        table[i] = (t_ms * MS, px, lots, 99, 102, ordinal, row, kind, side, flags)
    return table


def stage(
    ops: Any,
    resilience_ms: int = 0,
    wake_on: dict[str, int] | None = None,
    **scripts: Sequence[Step],
) -> Stage:
    scene = Stage(dict(scripts), wake_on=wake_on, ops=ops, rules={"taker_fee": 3, "maker_fee": 1})
    scene.m["tape"]["resilience_ns"] = resilience_ms * MS
    return scene


def fills(scene: Stage) -> list[tuple[str, str, int, int]]:
    """Trades as (maker, taker, px, lots)."""
    names = [name.partition("#")[0] for name in scene.blueprint.names]
    return [
        (names[row["maker"]], names[row["taker"]], row["px"], row["lots"])
        for row in scene.rows(LogKind.TRADE)
    ]


def levels(scene: Stage, side: int) -> list[tuple[int, str, int]]:
    """Orders of a side as (px, owner, lots), best and oldest first."""
    m = scene.m
    live = [o for o in m["orders"] if o["owner"] >= 0 and o["side"] == side and o["lots"] > 0]
    heads = sorted({int(o["px"]) for o in live}, reverse=side == BUY)
    chains = []
    for px in heads:
        here = [o for o in live if o["px"] == px]
        order = next(o for o in here if o["prev"] < 0)
        while True:
            name = scene.blueprint.names[order["owner"]].partition("#")[0]
            chains.append((px, name, int(order["lots"])))
            if order["next"] < 0:
                break
            order = m["orders"][order["next"]]
    return chains


def counts(scene: Stage) -> dict[str, int]:
    names = ("volume", "hidden_volume", "missed", "surviving", "clamped")
    return {name: int(scene.m["tape"][name]) for name in names if scene.m["tape"][name]}


def end(scene: Stage, until_ms: int = 100) -> None:
    assert scene.advance(until_ms * MS) == Status.UNTIL
    m = scene.m
    check_book(scene.markets, len(m["orders"]), 64, in_flight=True)
    accounts = m["part"][: int(m["participants"])]["account"]
    assert accounts["cash"].sum() + m["fee_account"] == accounts["position"].sum() == 0


def test_history_alone_executes_its_own_orders() -> None:
    scene = stage(ops_of((5, TapeKind.EXEC, BUY, 0, 99, 3), (6, TapeKind.REMOVE, BUY, 1, 98, 7)))
    end(scene)
    assert fills(scene) == [("tape", "tape", 99, 3)]
    assert levels(scene, BUY) == [(99, "tape", 2)]
    assert counts(scene) == {"volume": 3}
    assert scene.m["fee_account"] == 0


def test_history_knows_no_fees_bands_limits_or_self_trade_prevention() -> None:
    """X-FEE-04: what stops an agent leaves history as it was; only the agent pays."""
    scene = stage(
        ops_of((5, TapeKind.EXEC, BUY, 0, 99, 5), (6, TapeKind.EXEC, BUY, 1, 98, 4)),
        agent=[limit(1 * MS, BUY, 99, lots=2)],
    )
    instrument = scene.m["books"][0]["instrument"]
    instrument["stp"] = Stp.CANCEL_BOTH  # all orders of history are of one firm
    instrument["dynamic_band_px"] = instrument["static_band_px"] = 1
    tape = scene.part("tape")["account"]
    tape["limits"] = sum(Limit) - Limit.LOSS  # each of them would be exceeded
    end(scene)
    assert fills(scene) == [
        ("tape", "tape", 99, 5),
        ("agent", "tape", 99, 2),
        ("tape", "tape", 98, 2),
    ]
    assert (int(tape["fees"]), int(scene.m["fee_account"])) == (0, 2)


@pytest.mark.parametrize("resilience_ms", [0, 20])
def test_an_agent_ahead_gets_the_fill_and_the_survivor_goes(resilience_ms: int) -> None:
    """Queue at 99: history 5, agent 2, history 3. The last 3 are executed: 2 hit the agent."""
    scene = stage(
        ops_of((5, TapeKind.ADD, BUY, 4, 99, 3), (10, TapeKind.EXEC, BUY, 4, 99, 3)),
        resilience_ms,
        agent=[limit(1 * MS, BUY, 99, lots=2)],
    )
    end(scene, 10)
    assert fills(scene) == [("agent", "tape", 99, 2), ("tape", "tape", 99, 1)]
    rest = [(99, "tape", 5), (98, "tape", 7)]
    survivor = [(99, "tape", 2)] if resilience_ms else []
    assert levels(scene, BUY) == [rest[0], *survivor, rest[1]]
    assert counts(scene) == {"volume": 3, "surviving": 2}
    end(scene, 29)
    assert levels(scene, BUY) == [rest[0], *survivor, rest[1]]
    end(scene, 30)
    assert levels(scene, BUY) == rest
    assert scene.part("agent")["account"]["fees"] == 2  # the maker's; history pays none
    assert scene.m["fee_account"] == 2


def test_a_survivor_is_taken_away_only_as_far_as_it_is_left() -> None:
    """An agent hits the survivor before it expires, and history uses its ordinal again."""
    scene = stage(
        ops_of(
            (5, TapeKind.ADD, BUY, 4, 99, 3),
            (10, TapeKind.EXEC, BUY, 4, 99, 3),
            (12, TapeKind.ADD, BUY, 4, 97, 9),
            (13, TapeKind.REMOVE, BUY, 0, 99, 5),
        ),
        20,
        agent=[limit(1 * MS, BUY, 99, lots=2)],
        taker=[market_sell(14, 1)],
    )
    end(scene, 29)
    assert levels(scene, BUY) == [(99, "tape", 1), (98, "tape", 7), (97, "tape", 9)]
    end(scene, 31)
    assert levels(scene, BUY) == [(98, "tape", 7), (97, "tape", 9)]


def market_sell(t_ms: float, lots: int) -> Step:
    return market(round(t_ms * MS), SELL, lots)


def test_an_agent_behind_the_named_order_gets_only_what_goes_on() -> None:
    scene = stage(
        ops_of((5, TapeKind.EXEC, BUY, 0, 99, 5), (7, TapeKind.EXEC, BUY, 0, 99, 4)),
        agent=[limit(1 * MS, BUY, 99, lots=3)],
    )
    end(scene, 6)
    assert fills(scene) == [("tape", "tape", 99, 5)]
    end(scene)
    # History's order is gone: the agent is first, one lot finds nothing at that price.
    assert fills(scene)[1:] == [("agent", "tape", 99, 3)]
    assert counts(scene) == {"volume": 9, "missed": 1}


def test_a_better_price_is_met_first() -> None:
    scene = stage(
        ops_of((5, TapeKind.EXEC, BUY, 0, 99, 3)), agent=[limit(1 * MS, BUY, 101, lots=2)]
    )
    end(scene)
    assert fills(scene) == [("agent", "tape", 101, 2), ("tape", "tape", 99, 1)]
    assert levels(scene, BUY) == [(99, "tape", 2), (98, "tape", 7)]
    assert counts(scene) == {"volume": 3, "surviving": 2}


def test_a_hidden_execution_hits_agents_only() -> None:
    scene = stage(
        ops_of((5, TapeKind.HIDDEN, BUY, -1, 99, 6)),
        better=[limit(1 * MS, BUY, 100, lots=1)],
        agent=[limit(1 * MS, BUY, 99, lots=2)],
        worse=[limit(1 * MS, BUY, 98, lots=2)],
    )
    end(scene)
    assert fills(scene) == [("better", "tape", 100, 1), ("agent", "tape", 99, 2)]
    (printed,) = scene.rows(LogKind.HIDDEN_TRADE)
    assert (printed["px"], printed["lots"], printed["side"]) == (99, 3, SELL)
    assert levels(scene, BUY) == [(99, "tape", 5), (98, "tape", 7), (98, "worse", 2)]
    assert counts(scene) == {"hidden_volume": 6}
    assert scene.m["books"][0]["last_px"] == 99


def test_a_hidden_execution_of_an_agent_wakes_who_waits_for_trades() -> None:
    scene = stage(
        ops_of((5, TapeKind.HIDDEN, BUY, -1, 99, 6)),
        wake_on={"sleeper": WakeOn.TRADE},
        agent=[limit(1 * MS, BUY, 99, lots=2)],
        sleeper=[],
    )
    end(scene)
    assert [s["t_ns"] for s in scene.sights("sleeper")] == [0, 5 * MS]


@pytest.mark.parametrize("kind", [TapeKind.ADD, TapeKind.FRONT])
def test_an_order_of_history_that_crosses_an_agent_trades(kind: int) -> None:
    scene = stage(ops_of((5, kind, SELL, 4, 100, 3)), agent=[limit(1 * MS, BUY, 101, lots=2)])
    end(scene)
    assert fills(scene) == [("agent", "tape", 101, 2)]
    assert levels(scene, SELL) == [(100, "tape", 1), (102, "tape", 4), (103, "tape", 6)]


def test_what_agents_took_is_clamped_and_missed() -> None:
    """An agent takes 3 of 5 at 99; history then cancels 4 there and executes 6 at 98."""
    scene = stage(
        ops_of(
            (5, TapeKind.REDUCE, BUY, 0, 99, 4),
            (6, TapeKind.EXEC, BUY, 1, 98, 7),
            (7, TapeKind.REMOVE, SELL, 2, 102, 4),
        ),
        taker=[market_sell(1, 3), market(2 * MS, BUY, 1, slot=1), market_sell(5.5, 3)],
    )
    end(scene)
    assert counts(scene) == {"volume": 7, "clamped": 2 + 1, "missed": 3}
    assert levels(scene, BUY) == []
    assert levels(scene, SELL) == [(103, "tape", 6)]
    taker = scene.part("taker")["account"]
    assert (taker["fees"], taker["taker_lots"]) == (3 * 7, 7)


def test_a_halt_stops_agents_and_a_resumption_lets_them_go_on() -> None:
    scene = stage(
        ops_of(
            (5, TapeKind.PHASE, 0, -1, 0, -1),
            (8, TapeKind.PHASE, 0, -1, 0, 0),
            (20, TapeKind.PHASE, 0, -1, 0, 1),
        ),
        wake_on={"agent": WakeOn.PHASE},
        agent=[
            limit(1 * MS, BUY, 99, lots=2),
            limit(6 * MS, BUY, 97, slot=1),
            cancel(9 * MS),
            limit(21 * MS, BUY, 97, slot=2),
            look(30 * MS),
        ],
    )
    end(scene, 10)
    assert scene.m["books"][0]["instrument"]["phase"] == Phase.HALT
    assert [row["reason"] for row in scene.rows(LogKind.REJECT)] == [Reason.MARKET_CLOSED]
    assert scene.own_lots("agent") == 0  # a cancel is accepted
    end(scene)
    assert [row["lots"] for row in scene.rows(LogKind.PHASE)] == [Phase.HALT, Phase.CONTINUOUS]
    assert scene.own_lots("agent", slot=2) == 1
    assert [s["t_ns"] for s in scene.sights("agent")[:4]] == [0, 1 * MS, 5 * MS, 6 * MS]


def test_the_gap_to_history_is_timed() -> None:
    """The agent improves the bid by 2 from 10 ms to 30 ms of the 50 ms."""
    ops = ops_of(*[(t, TapeKind.NOTHING, 0, -1, 0, 0) for t in (10, 30, 50)])
    scene = stage(ops, agent=[limit(9 * MS, BUY, 101), cancel(29 * MS)])
    end(scene)
    tape = scene.m["tape"]
    assert {px: int(ns) for px, ns in enumerate(tape["gap_ns"]) if ns} == {0: 30 * MS, 2: 20 * MS}
    assert tape["time_ns"] == 50 * MS


@pytest.mark.parametrize("order_ms", [0, 2])
def test_an_agent_at_the_instant_of_a_row_comes_after_it(order_ms: int) -> None:
    """Tape before order entry: the agent's order meets the book of that row."""
    ops = ops_of((5, TapeKind.ADD, BUY, 4, 99, 3))
    script = {"agent": [limit((5 - order_ms) * MS, BUY, 99, lots=2)]}
    scene = Stage(script, {"agent": (0, order_ms * MS, 0)}, ops=ops)
    end(scene)
    assert [lots for px, _, lots in levels(scene, BUY) if px == 99] == [5, 3, 2]


@pytest.mark.parametrize("resilience_ms", [0, 3])
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_busy_day_among_busy_agents_keeps_the_book_whole(
    tmp_path: Path, seed: int, resilience_ms: int
) -> None:
    """Every invariant of the book's memory, after every event."""
    exchange = Exchange(3)
    for choice in np.random.default_rng(seed).integers(0, 60, size=(300, 4)).tolist():
        exchange.act(*choice)
    tape = compile_tape(read_lobster(*write_files(tmp_path, exchange.messages, exchange.rows)))
    ops = tape.ops.copy()
    ops["t_ns"] = (ops["row"] + 1) * 10 * MS
    flow = {"limit_rate": 8.0, "market_rate": 40.0, "cancel_rate": 4.0, "band_tick": 6}
    scene = Stage(
        {},
        extra=[
            {"kind": "zero_intelligence", "params": flow},
            {"kind": "fixed_spread", "count": 2, "params": {"half_spread_tick": 1.0}},
            {"kind": "noise_taker", "params": {"rate_per_s": 40.0}},
        ],
        seed=seed,
        ops=ops,
        rules={"start_px": 1_000},
    )
    scene.m["tape"]["resilience_ns"] = resilience_ms * MS
    until_ns = int(ops["t_ns"][-1]) + 10 * MS
    orders = len(scene.m["orders"])
    while scene.advance(until_ns, budget=1) == Status.BUDGET:
        scene.m["log_used"] = 0
        check_book(scene.markets, orders, 64, in_flight=True)
    end(scene, until_ns // MS)
    assert scene.m["tape_rows_done"] == tape.rows
    assert set(counts(scene)) == {"volume", "hidden_volume", "missed", "surviving", "clamped"}
    assert scene.part("zero_intelligence")["account"]["maker_lots"] > 20
