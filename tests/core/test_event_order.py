"""What happens first at one instant: by class, then by a tie that favours nobody."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

import numpy as np

from hftgym.core.constants import BUY, NEVER_NS, SELL, EventClass, LogKind
from hftgym.core.jit import kernel
from hftgym.core.queue import (
    event_class,
    first_event,
    first_ns,
    hasten,
    push,
    settle_queue,
    take_first,
)
from hftgym.core.records import record
from hftgym.selftest.venue import CompiledVenue
from tests.core.scripted import Stage, cancel, limit, look, market

MS = 1_000_000
ZERO = {"feed_ns": 0, "order_ns": 0, "response_ns": 0}


def tickers(*names: str) -> list[dict[str, Any]]:
    kind = "tests.core.scripted:ticker"
    return [{"kind": kind, "name": name, "latency": ZERO} for name in names]


def races(scene: Stage, until_ms: int = 800) -> dict[int, list[str]]:
    """Names in the order in which their bids came to rest, by instant."""
    scene.advance(until_ms * MS)
    order: dict[int, list[str]] = defaultdict(list)
    for row in scene.rows(LogKind.REST):
        order[row["t_ns"]].append(scene.blueprint.names[row["maker"]])
    return order


def test_no_index_wins_every_race() -> None:
    order = races(Stage({}, extra=tickers("ann", "bob")))
    contested = [names for names in order.values() if len(names) == 2]
    assert len(contested) == 401  # every second millisecond, the first included
    first = sum(names[0] == "ann#0" for names in contested)
    assert 160 <= first <= 240  # 4 standard deviations


def test_a_newcomer_reorders_nobody() -> None:
    two = races(Stage({}, extra=tickers("ann", "bob")))
    three = races(Stage({}, extra=tickers("zoe", "ann", "bob")))
    assert {t: [n for n in names if n != "zoe#0"] for t, names in three.items()} == two
    places = [names.index("zoe#0") for names in three.values()]
    assert all(100 <= places.count(place) <= 170 for place in range(3))


def test_another_seed_races_differently() -> None:
    a, b = (races(Stage({}, extra=tickers("ann", "bob"), seed=seed)) for seed in (1, 2))
    assert 100 < sum(a[t] != b[t] for t in a) < 300


def test_a_newcomer_leaves_the_draws_of_others_unchanged() -> None:
    """Times, sides and sizes of a noise taker do not depend on who else is there."""
    noise = {"kind": "noise_taker", "params": {"rate_per_s": 20.0}, "latency": ZERO}
    flow = {"kind": "zero_intelligence", "latency": ZERO}
    sent = []
    for groups in ([noise], [flow, noise], [noise, *tickers("ann"), flow]):
        scene = Stage({}, extra=groups)
        scene.advance(20_000 * MS)
        taker = scene.index("noise_taker")
        lots: dict[int, int] = defaultdict(int)
        for row in scene.rows():
            if row["kind"] == LogKind.TRADE and row["taker"] == taker:
                lots[row["t_ns"]] += row["side"] * row["lots"]
            elif row["kind"] == LogKind.CANCEL and row["maker"] == taker:
                lots[row["t_ns"]] += row["side"] * row["lots"]
        sent.append(dict(lots))
    assert len(sent[0]) > 300
    assert sent[0] == sent[1] == sent[2]


def test_orders_act_before_captures_of_the_same_instant() -> None:
    late = Stage(
        {"maker": [limit(5 * MS - 1, BUY, 90)], "reader": [look(5 * MS)]},
        {"maker": (0, 1, 0)},
    )
    late.advance()
    assert late.sights("reader")[1]["bid_px"] == 90


def test_an_order_of_a_decision_acts_at_its_own_instant_without_latency() -> None:
    scene = Stage({"a": [limit(5 * MS, BUY, 90)], "b": [market(6 * MS, SELL)]})
    scene.advance()
    assert [(r["kind"], r["t_ns"]) for r in scene.rows()] == [
        (LogKind.REST, 5 * MS),
        (LogKind.TRADE, 6 * MS),
    ]


def test_the_clock_goes_where_it_is_sent_and_never_back() -> None:
    scene = Stage({"maker": [limit(5 * MS, BUY, 90)]})
    for until_ns, expected_ns in ((2 * MS, 2 * MS), (7 * MS + 3, 7 * MS + 3), (6 * MS, 7 * MS + 3)):
        scene.advance(until_ns)
        assert scene.m["now_ns"] == expected_ns


def test_a_cancel_and_an_order_that_would_take_race_by_arrival() -> None:
    for cancel_ns, fills in ((10 * MS - 1, 0), (10 * MS + 1, 1)):
        scene = Stage(
            {"maker": [limit(0, BUY, 99), cancel(cancel_ns)], "taker": [market(9 * MS, SELL)]},
            {"taker": (0, MS, 0)},
        )
        scene.advance()
        assert len(scene.rows(LogKind.TRADE)) == fills


def test_of_identical_takers_the_faster_always_fills_the_stale_quote() -> None:
    """One lot for sale; both see it at the same time. Equally fast takers share by the tie."""
    winners: dict[str, list[bool]] = {"faster": [], "equal": []}
    for seed in range(32):
        for name, slow_ns in (("faster", MS + 1), ("equal", MS)):
            scene = Stage(
                {
                    "maker": [limit(0, SELL, 99)],
                    "slow": [market(5 * MS, BUY)],
                    "fast": [market(5 * MS, BUY)],
                },
                {"slow": (0, slow_ns, 0), "fast": (0, MS, 0)},
                seed=seed,
            )
            scene.advance()
            (trade,) = scene.rows(LogKind.TRADE)
            winners[name].append(trade["taker"] == scene.index("fast"))
    assert all(winners["faster"])
    assert 5 < sum(winners["equal"]) < 27


DRAWN = record([("t_ns", "i8"), ("kind", "i8"), ("who", "i8"), ("what", "i8"), ("do", "i8")])


@kernel
def _drive(markets, steps, out):
    """Push, hasten and take events as told; the order in which they come out."""
    m = markets[0]
    n = 0
    for j in range(len(steps)):
        step = steps[j]
        if step.do == 0:
            push(m, step.t_ns, step.kind, step.who, step.what)
        elif step.do == 1:
            hasten(m, step.t_ns, step.kind, step.who, step.what)
        else:
            if first_ns(m) < NEVER_NS:
                e = first_event(m)
                o = out[n]
                o.t_ns = e.t_ns
                o.kind = event_class(e.key)
                o.who = e.who
                o.what = e.what
                n += 1
                take_first(m)
    settle_queue(m)
    return n


def test_the_queue_is_a_sorted_list() -> None:
    """Against a list that is sorted anew: random pushes, takes, and events moved forward."""
    rng = np.random.default_rng(3)
    pending: list[tuple[int, int, int, int]] = []  # time, class, who, what
    steps, expected = [], []
    now = 0
    for what in range(5_000):
        do = rng.choice([0, 1, 2], p=[0.45, 0.1, 0.45])
        if do == 0 and len(pending) < 150:
            event = (
                now + int(rng.integers(0, 30)),
                int(rng.integers(0, 8)),
                int(rng.integers(0, 4)),
                what,
            )
            pending.append(event)
            steps.append((*event, 0))
        elif do == 1 and pending:
            t, kind, who, which = pending.pop(int(rng.integers(len(pending))))
            t = int(rng.integers(now, t + 1))
            pending.append((t, kind, who, which))
            steps.append((t, kind, who, which, 1))
        elif do == 2:
            steps.append((0, 0, 0, 0, 2))
            if pending:
                first = min(pending)[:2]
                expected.append(first)
                now = first[0]
                # Which of a tie comes first is the tie's business: take the one that did, below.
                pending = _without_first(pending, first, steps)
    bare = CompiledVenue()
    out = np.zeros(5_000, DRAWN)
    n = _drive(bare.markets, np.array(steps, DRAWN), out)
    assert [(row["t_ns"], row["kind"]) for row in out[:n]] == expected


def _without_first(
    pending: list[tuple[int, int, int, int]],
    first: tuple[int, int],
    steps: list[tuple[int, ...]],
) -> list[tuple[int, int, int, int]]:
    """Ask the real queue which event of a tie came first, by driving it so far."""
    tied = [event for event in pending if event[:2] == first]
    if len(tied) == 1:
        gone = tied[0]
    else:
        bare = CompiledVenue()
        out = np.zeros(len(steps), DRAWN)
        n = _drive(bare.markets, np.array(steps, DRAWN), out)
        gone = tuple(int(out[n - 1][name]) for name in ("t_ns", "kind", "who", "what"))
        assert gone in tied
    return [event for event in pending if event != gone]


def test_classes_are_in_the_order_of_the_contract() -> None:
    names = "EXPIRY PHASE TAPE ORDER_ENTRY PRIVATE_DELIVERY CAPTURE FEED_DELIVERY STEP_END"
    assert [kind.name for kind in EventClass] == names.split()
    assert [kind.value for kind in EventClass] == list(range(8))
