"""Market quality, event by event: spread, depth, impact and returns of markets without learners.

Every market runs through one compiled loop that looks at the book before and after each event, so
nothing depends on a sampling grid: the spread is weighted by time, and a trade is compared with the
mid just before it and the mid exactly one second later.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from numba import get_num_threads, prange

from hftgym.core.constants import NEVER_NS, NONE, SECOND_NS, Status
from hftgym.core.entries import advance_many
from hftgym.core.jit import leaf, parallel_kernel
from hftgym.core.loop import advance
from hftgym.core.records import LOG, record
from hftgym.core.rng import text_hash
from hftgym.errors import UsageError
from hftgym.market import Blueprint, blueprint, check_fault
from hftgym.scenario import Scenario

_BUDGET = int(Status.BUDGET)
_FAULT = int(Status.FAULT)
_UNTIL = int(Status.UNTIL)

#: Bins of the spread, one a tick; the last holds wider ones and a book with an empty side.
SPREAD_BINS = 64
#: Trades of the last second that wait for their later mid.
_WAITING = 4096
#: Markets at a time: bounds the memory, and lets a progress bar move.
BATCH = 50

#: What one episode adds up to. Half price units (``_2px``) keep the mid an integer.
QUALITY = record(
    [
        ("spread_ns", "i8", (SPREAD_BINS,)),  # time at each spread, by ticks
        ("two_sided_ns", "i8"),  # time with both sides quoted
        ("depth_lot_ns", "f8"),  # touch lots of both sides, integrated over that time
        ("aggressors", "i8"),  # messages that traded
        ("matured", "i8"),  # of these, those between two participants with 1 s left
        ("edge_2px", "f8"),  # sum over matured of side * (average price - mid before), doubled
        ("impact_2px", "i8"),  # sum over matured of side * (mid 1 s later - mid before), doubled
        ("trades", "i8"),  # fills
        ("volume", "i8"),  # lots
        ("messages", "i8"),
    ]
)


@leaf
def hold_touch(row, bid_px, bid_lots, ask_px, ask_lots, tick_px, held_ns):
    """Account for the time during which the touch stood as it is; a side of 0 lots is empty."""
    bin_ = SPREAD_BINS - 1
    if bid_lots > 0 and ask_lots > 0:
        spread_tick = (ask_px - bid_px) // tick_px
        bin_ = min(max(spread_tick, 0), SPREAD_BINS - 1)
        row.two_sided_ns += held_ns
        row.depth_lot_ns += float(held_ns) * (bid_lots + ask_lots)
    row.spread_ns[bin_] += held_ns


@leaf
def _hold(row, b, held_ns):
    """Account for the time during which the book stood as it is."""
    hold_touch(
        row,
        b.touch_bid_px,
        b.touch_bid_lots,
        b.touch_ask_px,
        b.touch_ask_lots,
        b.instrument.tick_px,
        held_ns,
    )


@leaf
def _edge_2px(m, taken, made, edges):
    """Return the doubled cost per lot, above the mid, of the trade that just happened.

    NaN if somebody traded with itself: that says nothing about what a trade costs. ``taken``,
    ``made`` and ``edges`` (one a participant) are brought up to date.
    """
    cost_2px = np.nan
    for p in range(m.participants):
        account = m.part[p].account
        lots = account.taker_lots - taken[p]
        if lots > 0 and account.maker_lots == made[p]:
            cost_2px = -(account.edge_2px - edges[p]) / lots
        taken[p] = account.taker_lots
        made[p] = account.maker_lots
        edges[p] = account.edge_2px
    return cost_2px


@leaf
def _measure(m, table, ops, log, seconds, row, mids):
    """Run one market and fill its row and its mids; a Status."""
    b = m.books[0]
    participants = m.participants
    taken = np.zeros(participants, np.int64)
    made = np.zeros(participants, np.int64)
    edges = np.zeros(participants, np.int64)
    due_ns = np.zeros(_WAITING, np.int64)
    side = np.zeros(_WAITING, np.int64)
    before_2px = np.zeros(_WAITING, np.int64)
    cost_2px = np.zeros(_WAITING)
    first = 0  # of the waiting trades
    last = 0
    _edge_2px(m, taken, made, edges)
    begin_ns = m.now_ns
    end_ns = begin_ns + seconds * SECOND_NS
    held_since_ns = begin_ns
    second = 0
    volume = b.volume
    trades = b.trades
    messages = m.messages_done
    while True:
        t_ns = min(end_ns + 1, m.event_ns[1])
        # What is asked about a time before the next event is answered by the book as it stands.
        while second <= seconds and begin_ns + second * SECOND_NS < t_ns:
            mids[second] = b.mid_2px
            second += 1
        while first < last and due_ns[first % _WAITING] < t_ns:
            k = first % _WAITING
            row.matured += 1
            row.edge_2px += cost_2px[k]
            row.impact_2px += side[k] * (b.mid_2px - before_2px[k])
            first += 1
        _hold(row, b, min(t_ns, end_ns) - held_since_ns)
        held_since_ns = min(t_ns, end_ns)
        if t_ns > end_ns:
            break
        mid_2px = b.mid_2px
        volume_before = b.volume
        signed_before = b.signed_volume
        if advance(m, table, ops, log, NEVER_NS, 1) != _BUDGET:
            return _FAULT
        if b.volume > volume_before:
            row.aggressors += 1
            cost = _edge_2px(m, taken, made, edges)
            if not math.isnan(cost) and last - first < _WAITING:
                k = last % _WAITING
                due_ns[k] = m.now_ns + SECOND_NS
                side[k] = 1 if b.signed_volume > signed_before else -1
                before_2px[k] = mid_2px
                cost_2px[k] = cost
                last += 1
    row.volume = b.volume - volume
    row.trades = b.trades - trades
    row.messages = m.messages_done - messages
    return _UNTIL


@parallel_kernel
def measure_many(markets, table, ops, log, seconds, rows, mids, statuses):
    """Run every market for ``seconds`` and measure it, on all threads.

    Args:
        markets: open markets, without a tape and without learners.
        table: strategies.
        ops: of length 0.
        log: of capacity 0.
        seconds: whole seconds to run.
        rows: QUALITY, shape (markets,), zero.
        mids: mid_2px at each whole second, shape (markets, seconds + 1).
        statuses: a Status for each market.
    """
    for i in prange(len(markets)):
        statuses[i] = _measure(markets[i], table[0], ops, log[0], seconds, rows[i], mids[i])


@dataclass(frozen=True)
class Measured:
    """Episodes of a market without learners.

    Attributes:
        scenario: the market.
        seconds: length of an episode.
        seeds: market seed of each episode, shape (episodes,).
        rows: sums of each episode, dtype QUALITY, shape (episodes,).
        mid_2px: mid at each whole second in half price units, shape (episodes, seconds + 1).
        kinds: kind of each participant.
        taker_lots: lots taken by each participant, shape (episodes, participants).
        pnl_tick: profit marked at the mid, tick * lot, shape (episodes, participants).
        fees_tick: fees collected by the exchange, tick * lot, shape (episodes,).
    """

    scenario: Scenario
    seconds: int
    seeds: npt.NDArray[np.uint64]
    rows: npt.NDArray[Any]
    mid_2px: npt.NDArray[np.int64]
    kinds: tuple[str, ...]
    taker_lots: npt.NDArray[np.int64]
    pnl_tick: npt.NDArray[np.float64]
    fees_tick: npt.NDArray[np.float64]


def measure(
    scenario: Scenario,
    episodes: int,
    *,
    seconds: int = 300,
    seed: int = 0,
    progress: Callable[[int], None] | None = None,
) -> Measured:
    """Burn in and measure independent markets of a scenario.

    Args:
        scenario: a market without a tape.
        episodes: how many, at least 1.
        seconds: length of an episode after the burn-in.
        seed: root of the market seeds; a longer run begins with the episodes of a shorter one.
        progress: called with the number of episodes that have just ended.

    Raises:
        UsageError: if the scenario replays history, or a number is out of range.
        InternalError: if a market stops with a fault.
    """
    if scenario.tape is not None:
        raise UsageError(
            "HG-U090",
            f"scenario {scenario.name!r} replays history, which has no episodes to draw; "
            "measure a scenario without a tape",
        )
    if episodes < 1 or seconds < 1:
        raise UsageError(
            "HG-U091", f"{episodes} episodes of {seconds} s; there must be at least one of each"
        )
    plan = blueprint(scenario)
    words = np.random.SeedSequence([seed, text_hash("market quality")])
    seeds = words.generate_state(episodes, np.uint64).astype(np.uint64)
    people = len(plan.names)
    found = Measured(
        scenario=scenario,
        seconds=seconds,
        seeds=seeds,
        rows=np.zeros(episodes, QUALITY),
        mid_2px=np.zeros((episodes, seconds + 1), np.int64),
        kinds=plan.kinds,
        taker_lots=np.zeros((episodes, people), np.int64),
        pnl_tick=np.zeros((episodes, people)),
        fees_tick=np.zeros(episodes),
    )
    for begin in range(0, episodes, BATCH):
        part = slice(begin, min(begin + BATCH, episodes))
        _measure_batch(plan, found, part)
        if progress is not None:
            progress(part.stop - part.start)
    return found


def _measure_batch(plan: Blueprint, found: Measured, part: slice) -> None:
    markets = np.concatenate([plan.open(int(seed)) for seed in found.seeds[part]])
    statuses = np.full(len(markets), NONE, np.int64)
    log = np.zeros(1, LOG)
    burn_in_ns = round(found.scenario.burn_in_s * SECOND_NS)
    threads = get_num_threads()
    advance_many(markets, plan.table, plan.ops, log, burn_in_ns, statuses, threads)
    for market in markets:
        check_fault(market)
    wealth, taken, fees = _accounts(markets, plan)
    measure_many(
        markets,
        plan.table,
        plan.ops,
        log,
        found.seconds,
        found.rows[part],
        found.mid_2px[part],
        statuses,
    )
    for market in markets:
        check_fault(market)
    wealth_end, taken_end, fees_end = _accounts(markets, plan)
    found.taker_lots[part] = taken_end - taken
    found.pnl_tick[part] = wealth_end - wealth
    found.fees_tick[part] = fees_end - fees


def _accounts(
    markets: npt.NDArray[Any], plan: Blueprint
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.int64], npt.NDArray[np.float64]]:
    """Return wealth (tick * lot) and taken lots by participant, and the fees (tick * lot)."""
    instrument = plan.scenario.instrument
    money_per_tick = instrument.tick_px * instrument.unit_value
    account = markets["part"]["account"][:, : len(plan.names)]
    unit_values = np.array([each.unit_value for each in plan.scenario.instruments])
    marks_2m = markets["books"]["mid_2px"] * unit_values
    marked_2m = account["position"] * marks_2m[:, plan.books]
    # Exact integers until here: what is divided has lost nothing.
    wealth = (2 * account["cash"] + marked_2m) / (2.0 * money_per_tick)
    return wealth, account["taker_lots"].copy(), markets["fee_account"] / money_per_tick
