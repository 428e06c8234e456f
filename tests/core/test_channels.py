"""Orders, answers and views travel in time: nothing acts early, nothing is known early."""

from __future__ import annotations

import numpy as np
import pytest

from hftgym.core.constants import (
    BUY,
    NEVER_NS,
    NO_PX,
    SELL,
    Channel,
    Flag,
    LogKind,
    OwnState,
    Phase,
    Reason,
    Status,
    WakeOn,
)
from tests.core.scripted import HOLDER_MEMORY, Stage, amend, cancel, limit, look, market

US, MS = 1_000, 1_000_000


def test_an_order_acts_at_its_arrival_and_is_known_a_response_later() -> None:
    stage = Stage(
        {"a": [limit(10 * MS, BUY, 99), look(13 * MS - 1), look(13 * MS), look(14 * MS)]},
        {"a": (0, 2 * MS, 1 * MS)},
    )
    stage.advance(12 * MS - 1)
    assert stage.own_lots("a") == 0
    stage.advance(12 * MS)
    assert stage.own_lots("a") == 1
    stage.advance()
    (rest,) = stage.rows()
    assert (rest["kind"], rest["t_ns"]) == (LogKind.REST, 12 * MS)
    seen = [(s["delivered_ns"], s["state"]) for s in stage.sights("a")[2:]]
    assert seen == [
        (13 * MS - 1, OwnState.PENDING_NEW),
        (13 * MS, OwnState.LIVE),
        (14 * MS, OwnState.LIVE),
    ]


def test_a_fill_is_known_a_response_later_and_perhaps_public_before() -> None:
    stage = Stage(
        {
            "maker": [limit(0, BUY, 99), look(20 * MS), look(25 * MS - 2), look(25 * MS - 1)],
            "taker": [market(20 * MS - 1, SELL)],
        },
        {"maker": (0, 0, 5 * MS)},
    )
    stage.advance()
    (trade,) = stage.rows(LogKind.TRADE)
    assert trade["t_ns"] == 20 * MS - 1
    late = [(s["delivered_ns"], s["bid_px"], s["position"]) for s in stage.sights("maker")[1:]]
    assert late == [
        (20 * MS, -NO_PX, 0),  # the public feed shows that the bid is gone
        (25 * MS - 2, -NO_PX, 0),
        (25 * MS - 1, -NO_PX, 1),
    ]
    maker = stage.part("maker")["account"]
    assert maker["position"] == 1
    assert stage.part("taker")["account"]["taker_lots"] == 1


def test_a_view_shows_the_market_at_its_capture() -> None:
    """The reader decides at 20 ms on the book of 17 ms: one bid, not the better one of 18 ms."""
    stage = Stage(
        {
            "maker": [limit(10 * MS, BUY, 90), limit(18 * MS, BUY, 95, slot=1)],
            "reader": [look(20 * MS), look(21 * MS)],
        },
        {"reader": (3 * MS, 0, 0)},
    )
    stage.advance()
    seen = [(s["t_ns"], s["delivered_ns"], s["bid_px"]) for s in stage.sights("reader")[1:]]
    assert seen == [(17 * MS, 20 * MS, 90), (20 * MS, 23 * MS, 95)]  # one in flight at a time


def test_a_view_never_shows_a_price_at_which_all_orders_are_hidden() -> None:
    prices = [(95, Flag.HIDDEN), (94, 0), (93, Flag.HIDDEN), (92, 0)]
    bids = [limit(MS, BUY, px, slot=k, flags=flag) for k, (px, flag) in enumerate(prices)]
    stage = Stage({"maker": bids, "reader": [look(2 * MS)]})
    stage.advance()
    sight = stage.sights("reader")[-1]
    assert (sight["bid_px"], sight["next_bid_px"]) == (94, 92)


def test_queue_ahead_is_that_of_the_capture() -> None:
    stage = Stage(
        {
            "first": [limit(1 * MS, BUY, 90, lots=5), cancel(12 * MS)],
            "second": [limit(2 * MS, BUY, 90, lots=3), look(12 * MS), look(16 * MS)],
        },
        {"second": (3 * MS, 0, 0)},
    )
    stage.advance()
    assert [s["queue_ahead"] for s in stage.sights("second")] == [-1, 5, 0]


def test_only_who_asked_for_it_sees_its_place_in_the_queue() -> None:
    stage = Stage({"first": [limit(MS, BUY, 90)], "second": [limit(2 * MS, BUY, 90), look(3 * MS)]})
    stage.part("second")["queue_view"] = 0
    stage.advance()
    sight = stage.sights("second")[-1]
    assert (sight["state"], sight["queue_ahead"]) == (OwnState.LIVE, -1)


def test_orders_of_one_sender_arrive_in_the_order_sent() -> None:
    """A slower earlier message holds back a faster later one on the same channel."""
    stage = Stage({"a": [limit(MS, BUY, 90), limit(2 * MS, BUY, 91, slot=1)]}, {"a": (0, MS, 0)})
    stage.advance(MS)
    stage.part("a")["last_arrival_ns"] = 9 * MS
    stage.advance()
    assert [(r["t_ns"], r["maker_slot"]) for r in stage.rows()] == [(2 * MS, 0), (9 * MS, 1)]


def test_cancel_and_amend_may_be_sent_before_the_acknowledgement() -> None:
    stage = Stage(
        {
            "a": [
                limit(0, BUY, 90, lots=5),
                amend(1 * MS, 91, 3),
                limit(1 * MS, BUY, 80, slot=1),
                cancel(2 * MS, slot=1),
                look(5 * MS - 1),
                look(40 * MS),
            ]
        },
        {"a": (0, 4 * MS, 10 * MS)},
    )
    stage.advance()
    assert [(r["kind"], r["t_ns"], r["maker_slot"], r["px"], r["lots"]) for r in stage.rows()] == [
        (LogKind.REST, 4 * MS, 0, 90, 5),
        (LogKind.CANCEL, 5 * MS, 0, 90, 5),  # it leaves its place
        (LogKind.REST, 5 * MS, 0, 91, 3),
        (LogKind.REST, 5 * MS, 1, 80, 1),
        (LogKind.CANCEL, 6 * MS, 1, 80, 1),
    ]
    last = stage.sights("a")[-1]
    assert (last["state"], last["lots"]) == (OwnState.LIVE, 3)
    assert stage.part("a")["account"]["rejects"] == 0


@pytest.mark.parametrize("change", [cancel(11 * MS), amend(11 * MS, 98, 4)])
def test_a_change_of_an_order_that_is_gone_is_too_late(change: tuple[int, ...]) -> None:
    stage = Stage(
        {
            "maker": [limit(0, BUY, 99), change, look(14 * MS), look(15 * MS)],
            "taker": [market(12 * MS, SELL)],
        },
        {"maker": (0, 2 * MS, 2 * MS)},
    )
    stage.advance()
    (reject,) = stage.rows(LogKind.REJECT)
    assert (reject["t_ns"], reject["reason"]) == (13 * MS, Reason.TOO_LATE)
    late = [(s["delivered_ns"], s["state"], s["position"]) for s in stage.sights("maker")[-2:]]
    assert late == [(14 * MS, OwnState.FREE, 1), (15 * MS, OwnState.FREE, 1)]


def test_an_old_reject_does_not_touch_a_new_order_in_the_slot() -> None:
    """The cancel of a filled order comes back while the slot holds the next order."""
    stage = Stage(
        {
            "maker": [
                limit(0, BUY, 99),
                cancel(11 * MS),
                limit(14 * MS, BUY, 97),
                look(15 * MS),
                look(40 * MS),
            ],
            "taker": [market(12 * MS, SELL)],
        },
        {"maker": (0, 2 * MS, 2 * MS)},
    )
    stage.advance()
    states = [(s["delivered_ns"], s["state"]) for s in stage.sights("maker")[-2:]]
    assert states == [(15 * MS, OwnState.PENDING_NEW), (40 * MS, OwnState.LIVE)]
    assert stage.own_lots("maker") == 1


def test_partial_fills_and_an_amend_in_flight_do_not_add_up_twice() -> None:
    """Amend to a total of 5 while 2 fill: 3 are left, as the owner finds out in the end."""
    stage = Stage(
        {
            "maker": [limit(0, BUY, 99, lots=4), amend(11 * MS, 99, 5), look(20 * MS)],
            "taker": [market(12 * MS, SELL, lots=2)],
        },
        {"maker": (0, 2 * MS, 2 * MS)},
    )
    stage.advance()
    assert stage.own_lots("maker") == 3
    last = stage.sights("maker")[-1]
    assert (last["state"], last["lots"], last["position"]) == (OwnState.LIVE, 3, 2)


@pytest.mark.parametrize(
    ("flag", "times"),
    [
        (WakeOn.FILL, [7 * MS]),
        (WakeOn.TRADE, [5 * MS, 7 * MS]),
        (WakeOn.TOUCH, [2 * MS, 5 * MS, 7 * MS]),
        (0, []),
    ],
)
def test_a_participant_wakes_on_what_it_asked_for(flag: int, times: list[int]) -> None:
    """Another's best bid is sold into at 5 ms, the sleeper's own at 7 ms."""
    stage = Stage(
        {
            "sleeper": [limit(1 * MS, BUY, 95)],
            "maker": [limit(2 * MS, BUY, 96)],
            "taker": [market(5 * MS, SELL), market(7 * MS, SELL, slot=1)],
        },
        {"sleeper": (MS, 0, MS)},
        {"sleeper": flag},
    )
    stage.advance(MS)  # its own order is on its way
    stage.memory("sleeper")["seen"] = 0
    stage.advance()
    sights = stage.sights("sleeper")
    own_touch = [] if flag != WakeOn.TOUCH else [1 * MS]
    assert [s["t_ns"] for s in sights] == [*own_touch, *times]
    assert all(s["delivered_ns"] == s["t_ns"] + MS for s in sights)


def test_a_wake_on_a_fill_waits_for_the_private_report() -> None:
    stage = Stage(
        {"maker": [limit(0, BUY, 95)], "taker": [market(5 * MS, SELL)]},
        {"maker": (MS, 0, 30 * MS)},
        {"maker": WakeOn.FILL},
    )
    stage.advance()
    last = stage.sights("maker")[-1]
    assert (last["t_ns"], last["delivered_ns"], last["position"]) == (5 * MS, 35 * MS, 1)


def test_a_burst_of_trades_wakes_once() -> None:
    """At most one scheduled and one triggered view of a participant are on their way."""
    taker = [market(5 * MS + k * US, SELL, slot=k % 4) for k in range(6)]
    stage = Stage(
        {"sleeper": [look(6 * MS)], "maker": [limit(0, BUY, 95, lots=9)], "taker": taker},
        {"sleeper": (MS, 0, 0)},
        {"sleeper": WakeOn.TRADE},
    )
    most = 0
    while stage.advance(budget=1) == Status.BUDGET:
        _, *views = stage.pending_ns("sleeper")
        most = max(most, sum(t_ns < NEVER_NS for t_ns in views))
    assert most == 2
    assert [s["t_ns"] for s in stage.sights("sleeper")[1:]] == [5 * MS, 5 * MS]


def test_a_wish_to_wake_replaces_the_one_before() -> None:
    """Trades all the time, and each time a wish for a view in a minute: no event is left over."""
    stage = Stage(
        {"maker": [limit(0, BUY, 50, lots=1000)]},
        extra=[
            {"kind": "tests.core.scripted:impatient", "params": {"wait_ns": 60_000 * MS}},
            {"kind": "noise_taker", "params": {"rate_per_s": 50.0}},
        ],
    )
    latest = 0
    for second in range(1, 40):
        assert stage.advance(second * 1000 * MS) == Status.UNTIL
        latest = max(latest, stage.pending_ns("impatient")[Channel.SCHEDULED])
    assert stage.part("impatient")["wakes"] > 500
    assert latest > 80_000 * MS  # a minute after the latest trade


def test_an_earlier_wish_moves_the_view_forward_and_a_later_one_back() -> None:
    stage = Stage(
        {
            "sleeper": [look(50 * MS), look(51 * MS)],
            "maker": [limit(0, BUY, 95, lots=9)],
            "taker": [market(5 * MS, SELL), market(10 * MS, SELL, slot=1)],
        },
        wake_on={"sleeper": WakeOn.TRADE},
    )
    stage.advance(MS)
    assert stage.pending_ns("sleeper")[Channel.SCHEDULED] == 50 * MS
    stage.memory("sleeper")["step"]["t_ns"][:2] = 20 * MS, 60 * MS
    stage.advance(5 * MS)
    assert stage.pending_ns("sleeper")[Channel.SCHEDULED] == 20 * MS
    stage.memory("sleeper")["step"]["t_ns"][0] = 30 * MS
    stage.advance()
    delivered = [s["delivered_ns"] for s in stage.sights("sleeper")]
    assert delivered == [0, 5 * MS, 10 * MS, 30 * MS, 60 * MS]


def test_a_wish_to_wake_on_trades_ends_with_the_next_decision() -> None:
    stage = Stage(
        {
            "sleeper": [look(3 * MS), look(50 * MS)],
            "maker": [limit(0, BUY, 95, lots=9)],
            "taker": [market(2 * MS, SELL), market(10 * MS, SELL, slot=1)],
        },
        wake_on={"sleeper": WakeOn.TRADE},
    )
    stage.advance(2 * MS)
    stage.memory("sleeper")["wake_on"] = 0
    stage.advance()
    assert [s["delivered_ns"] for s in stage.sights("sleeper")] == [0, 2 * MS, 3 * MS, 50 * MS]


def test_never_means_only_on_what_was_asked_for() -> None:
    stage = Stage(
        {
            "sleeper": [look(50 * MS)],
            "maker": [limit(0, BUY, 95, lots=9)],
            "taker": [market(5 * MS, SELL)],
        },
        wake_on={"sleeper": WakeOn.TRADE},
    )
    stage.advance(MS)
    stage.memory("sleeper")["steps"] = 0  # at the trade it wishes for nothing more
    stage.advance()
    assert [s["delivered_ns"] for s in stage.sights("sleeper")] == [0, 5 * MS]
    assert stage.pending_ns("sleeper")[Channel.SCHEDULED] == NEVER_NS


def test_without_latency_nobody_decides_twice_at_one_instant() -> None:
    stage = Stage({}, extra=[{"kind": "tests.core.scripted:impatient", "params": {"wait_ns": 0}}])
    for latency in ("feed_ns", "order_ns", "response_ns"):
        stage.part("impatient")[latency] = 0
    assert stage.advance(1_000) == Status.UNTIL
    assert 1_000 <= int(stage.part("impatient")["wakes"]) <= 1_001


def test_the_owner_never_knows_more_than_it_was_told() -> None:
    """Own state is the truth of a response latency ago, at every event of a busy market."""
    response_ns = 7 * MS
    stage = Stage(
        {
            "maker": [
                limit(k * 10 * MS, BUY if k % 2 else SELL, 99 if k % 2 else 101, 3, k % 4)
                for k in range(4)
            ],
            "taker": [market(35 * MS + k * MS, SELL if k % 3 else BUY, 2, k % 4) for k in range(6)],
        },
        {"maker": (0, 2 * MS, response_ns)},
    )
    told: list[tuple[int, int]] = [(0, 0)]  # (known from, position)
    maker = stage.part("maker")
    offset = int(maker["own_offset"])
    while stage.advance(budget=1) == Status.BUDGET:
        now = int(stage.m["now_ns"])
        if int(maker["account"]["position"]) != told[-1][1]:
            told.append((now + response_ns, int(maker["account"]["position"])))
        known = int(stage.m["own"][offset : offset + 8].view(np.int64)[0])
        assert known in [p for t, p in told if t <= now]
    assert len(told) > 3


def test_a_post_only_order_slides_and_its_owner_learns_where() -> None:
    stage = Stage(
        {
            "a": [limit(0, SELL, 105)],
            "b": [limit(MS, BUY, 107, flags=Flag.POST_ONLY_SLIDE), look(9 * MS)],
        },
        {"b": (0, MS, MS)},
    )
    stage.advance()
    assert [(r["px"], r["side"]) for r in stage.rows(LogKind.REST)] == [(105, SELL), (104, BUY)]
    assert stage.sights("b")[-1]["state"] == OwnState.LIVE


def test_a_cancel_is_pending_until_its_answer() -> None:
    stage = Stage(
        {"a": [limit(0, BUY, 99), cancel(10 * MS), look(12 * MS - 1), look(12 * MS)]},
        {"a": (0, MS, MS)},
    )
    stage.advance()
    seen = [(s["delivered_ns"], s["state"]) for s in stage.sights("a")[2:]]
    assert seen == [(12 * MS - 1, OwnState.PENDING_CANCEL), (12 * MS, OwnState.FREE)]


def test_the_answer_to_the_first_of_two_amends_settles_nothing() -> None:
    stage = Stage(
        {
            "a": [
                limit(0, BUY, 90),
                amend(10 * MS, 91, 1),
                amend(11 * MS, 92, 1),
                look(15 * MS - 1),
                look(15 * MS),
            ]
        },
        {"a": (0, 2 * MS, 2 * MS)},
    )
    stage.advance()
    seen = [(s["delivered_ns"], s["state"]) for s in stage.sights("a")[-2:]]
    assert seen == [(15 * MS - 1, OwnState.PENDING_AMEND), (15 * MS, OwnState.LIVE)]


def test_an_amend_sent_before_the_order_is_known_is_pending_when_it_is() -> None:
    times = (4 * MS - 1, 4 * MS, 5 * MS)
    stage = Stage(
        {"a": [limit(0, BUY, 90), amend(MS, 91, 1), *(look(t_ns) for t_ns in times)]},
        {"a": (0, 2 * MS, 2 * MS)},
    )
    stage.advance()
    seen = [(s["delivered_ns"], s["state"]) for s in stage.sights("a")[-3:]]
    states = (OwnState.PENDING_NEW, OwnState.PENDING_AMEND, OwnState.LIVE)
    assert seen == list(zip(times, states, strict=True))


def test_own_cash_and_fills_are_those_of_the_account_when_all_is_known() -> None:
    """Two fills of one order, each with the maker's fee."""
    stage = Stage(
        {"seller": [market(10 * MS, SELL, 2), market(20 * MS, SELL, 1)]},
        extra=[{"kind": "tests.core.scripted:holder", "name": "holder"}],
        rules={"maker_fee": 7},
    )
    stage.advance(30 * MS)
    part = stage.part("holder")
    told = part["memory"][: HOLDER_MEMORY.itemsize].view(HOLDER_MEMORY)[0]
    assert told["phase"] == told["stale"] == 0
    assert told["known_ns"] > 20 * MS
    assert told["filled"] == part["account"]["position"] == 3
    assert told["cash"] == part["account"]["cash"] < 0
    assert part["account"]["fees"] > 0


def test_a_view_says_that_nothing_trades_now() -> None:
    holder = {"kind": "tests.core.scripted:holder", "name": "holder"}
    stage = Stage({}, extra=[holder], fields={"start_phase": "pre_open"})
    stage.advance(3 * MS)
    told = stage.part("holder")["memory"][: HOLDER_MEMORY.itemsize].view(HOLDER_MEMORY)[0]
    assert (told["phase"], told["stale"]) == (Phase.PRE_OPEN, 1)
