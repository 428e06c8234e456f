"""What happens first at one instant: by class, then by a tie that favours nobody."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

import numpy as np
import pytest

from hftgym.core.constants import BUY, NEVER_NS, SELL, Channel, EventClass, LogKind
from hftgym.core.jit import kernel
from hftgym.core.queue import (
    channel_of,
    clear,
    event_class,
    init_queue,
    participant_of,
    put,
    rank_behind,
)
from hftgym.core.records import MARKET_CLASSES, record
from hftgym.core.rng import mix
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


STEP = record([("t_ns", "i8"), ("kind", "i8"), ("who", "i8"), ("channel", "i8"), ("rank", "i8")])


@kernel
def _drive(markets, participants, steps, out):
    """Fill and clear places as told; what is first after each step. Views rank behind others."""
    m = markets[0]
    m.participants = participants
    init_queue(m)
    for p in range(participants):
        m.part[p].tie_key = mix(np.uint64(p))
    for j in range(len(steps)):
        step = steps[j]
        if step.t_ns == NEVER_NS:
            clear(m, step.who, step.channel)
        else:
            rank = step.rank
            if rank < 0:
                rank = rank_behind(m, step.who, 3 - step.channel, step.t_ns, step.kind)
            put(m, step.who, step.channel, step.t_ns, step.kind, rank)
        first = out[j]
        first.t_ns = m.event_ns[1]
        if first.t_ns < NEVER_NS:
            first.kind = event_class(m.event_key[1])
            first.who = participant_of(m.event_key[1])
            first.channel = channel_of(m.event_key[1])


def drive(participants: int, steps: list[tuple[int, ...]]) -> Any:
    out = np.zeros(len(steps), STEP)
    _drive(CompiledVenue().markets, participants, np.array(steps, STEP), out)
    return out


@pytest.mark.parametrize("participants", [1, 2, 5, 11, 16])
def test_the_first_event_is_that_of_a_sorted_list(participants: int) -> None:
    """Against a list that is sorted anew: places filled, filled otherwise, and cleared."""
    rng = np.random.default_rng(participants)
    steps = []
    for _ in range(3_000):
        t_ns = NEVER_NS if rng.random() < 0.4 else int(rng.integers(0, 30))
        kind, who, channel = int(rng.integers(8)), int(rng.integers(participants)), rng.integers(3)
        steps.append((t_ns, kind, who, int(channel), 0))
    found = drive(participants, steps)
    pending: dict[tuple[int, int], tuple[int, int]] = {}
    ties = defaultdict(set)
    for (t_ns, kind, who, channel, _), first in zip(steps, found, strict=True):
        pending.pop((who, channel), None)
        if t_ns < NEVER_NS:
            pending[who, channel] = t_ns, kind
        if not pending:
            assert first["t_ns"] == NEVER_NS
            continue
        soonest = min(pending.values())
        tied = frozenset(place for place, event in pending.items() if event == soonest)
        assert (first["t_ns"], first["kind"]) == soonest
        assert (first["who"], first["channel"]) in tied
        ties[soonest, tied].add((int(first["who"]), int(first["channel"])))
    assert all(len(winners) == 1 for winners in ties.values())  # however they came there


def test_of_two_views_of_an_instant_the_one_captured_first_comes_first() -> None:
    delivery = int(EventClass.FEED_DELIVERY)
    for first, second in ((1, 2), (2, 1)):
        steps = [(9, delivery, 0, first, 0), (9, delivery, 0, second, -1)]
        found = drive(2, [*steps, (NEVER_NS, 0, 0, first, 0)])
        assert found["channel"].tolist() == [first, first, second]


def test_a_place_fits_into_the_key_of_an_event() -> None:
    most = max(size.participants for size in MARKET_CLASSES.values())
    assert len(Channel) * most <= 1 << 15
    for size in MARKET_CLASSES.values():
        assert size.event_nodes // 2 >= len(Channel) * size.participants > size.event_nodes // 4


def test_classes_are_in_the_order_of_the_contract() -> None:
    names = "EXPIRY PHASE TAPE ORDER_ENTRY PRIVATE_DELIVERY CAPTURE FEED_DELIVERY STEP_END"
    assert [kind.name for kind in EventClass] == names.split()
    assert [kind.value for kind in EventClass] == list(range(8))
