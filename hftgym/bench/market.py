"""``hftgym bench market``: events a second of whole markets, participants and latencies included.

An event is a message that acts at the exchange, a capture of a view, or a decision on a delivered
one; they are counted apart. Seconds of one market are those of the processor; those of a batch on
several threads are of the clock.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from statistics import median
from typing import Any

import numpy as np

from hftgym.bench.cores import reckon
from hftgym.bench.machine import describe
from hftgym.bench.stream import make_stream
from hftgym.bench.yardstick import play_yardstick
from hftgym.core.constants import SECOND_NS, Status
from hftgym.core.entries import advance_many
from hftgym.core.records import LOG
from hftgym.market import check_fault
from hftgym.scenario import Scenario
from hftgym.simulator import Simulator

Say = Callable[[str], None]

_LATENCY = {"feed_ns": 100_000, "order_ns": 80_000, "response_ns": 80_000}
_COUNTS = ("messages_done", "wakes_done", "captures_done")
_BURN_IN_S = 5.0
_YARDSTICK_MESSAGES = 300_000


def mixed_market(participants: int, market_class: str) -> Scenario:
    """Return a market of six noise flows, three followers and one maker in every ten.

    Each has latencies, private reports and an account. Rates are per participant, so the events of
    a second grow with their number while the mix stays.
    """
    tenth = participants // 10
    return Scenario.model_validate(
        {
            "name": f"mixed_{participants}",
            "description": "zero-intelligence flows, informed takers and makers",
            "market_class": market_class,
            "value": {"sigma_tick_per_sqrt_s": 2.0},
            "participants": [
                {
                    "kind": "zero_intelligence",
                    "count": 6 * tenth,
                    "latency": _LATENCY,
                    "params": {
                        "limit_rate": 0.25,
                        "market_rate": 2.0,
                        "cancel_rate": 1.0,
                        "band_tick": 20,
                        "max_orders": 8,
                    },
                },
                {
                    "kind": "informed_taker",
                    "count": 3 * tenth,
                    "latency": _LATENCY,
                    "params": {"rate_per_s": 20.0},
                },
                {
                    "kind": "glft",
                    "count": participants - 9 * tenth,
                    "latency": _LATENCY,
                    "params": {"kappa": 0.5, "gain": 0.25, "interval_s": 0.05},
                },
            ],
        }
    )


def bench_market(
    repeats: int = 7,
    events: int = 500_000,
    batch: int = 64,
    day_messages: int = 10_000_000,
    say: Say | None = None,
) -> dict[str, Any]:
    """Measure markets of 100 and of 1,000 participants, a batch on one and all threads, and a day.

    Args:
        repeats: rounds; the median counts, the range is reported.
        events: about so many in each round of a single market.
        batch: markets of the batch.
        day_messages: messages of the simulated day of 6.5 hours; 0: none.
        say: gets a line on what is happening.
    """
    tell = say or (lambda _: None)
    tell("100 participants in one market")
    hundred = _single(mixed_market(100, "medium"), repeats, events)
    tell("1,000 participants in one market")
    thousand = _single(mixed_market(1_000, "large"), repeats, events)
    tell(f"a batch of {batch} markets of 100 participants")
    result: dict[str, Any] = {
        "benchmark": "market",
        "participants_100": hundred,
        "participants_1000": thousand,
        "thousand_per_hundred": round(thousand["ns_per_event"] / hundred["ns_per_event"], 3),
        "batch": _batch(mixed_market(100, "medium"), batch, repeats, events),
    }
    if day_messages:
        tell(f"a day of 6.5 hours with {day_messages:,} messages")
        result["day"] = _day(day_messages)
    tell("the yardstick: a minimal numba book")
    result["yardstick"] = _yardstick(repeats, hundred["ns_per_event"])
    return result | {"repeats": repeats, "machine": describe()}


def _counts(market: Any) -> np.ndarray:
    return np.array([int(market[name]) for name in _COUNTS])


def _settled(scenario: Scenario) -> Simulator:
    market = Simulator(scenario, seed=1)
    market.advance(_BURN_IN_S)
    return market


def _single(scenario: Scenario, repeats: int, events: int) -> dict[str, Any]:
    simulator = _settled(scenario)
    m = simulator.market()
    before = _counts(m)
    simulator.advance(1.0)
    round_s = events / float((_counts(m) - before).sum())
    rates, parts = [], np.zeros(3, np.int64)
    for _ in range(repeats):
        before, start = _counts(m), time.process_time()
        simulator.advance(round_s)
        seconds = time.process_time() - start
        done = _counts(m) - before
        parts += done
        rates.append(float(done.sum()) / seconds)
    total = float(parts.sum())
    return {
        "events_per_s": round(median(rates)),
        "events_per_s_range": [round(min(rates)), round(max(rates))],
        "ns_per_event": round(1e9 / median(rates), 1),
        "messages_per_s": round(median(rates) * parts[0] / total),
        "wakes_per_s": round(median(rates) * parts[1] / total),
        "captures_per_s": round(median(rates) * parts[2] / total),
        "live_orders": int(m["order_live"]),
        "trades_per_message": round(int(m["books"][0]["trades"]) / int(m["messages_done"]), 3),
        "bytes": int(simulator.markets.dtype.itemsize),
    }


def _batch(scenario: Scenario, markets: int, repeats: int, events: int) -> dict[str, Any]:
    """Return the speed of many markets on one thread and on all of them."""
    from numba import get_num_threads, set_num_threads

    simulator = Simulator(scenario, seed=1, markets=markets)
    log = np.zeros(1, LOG)
    statuses = np.zeros(markets, np.int64)
    blueprint, threads = simulator.blueprint, get_num_threads()
    until_ns = round(_BURN_IN_S * SECOND_NS)

    def advance(to_ns: int, share: int) -> int:
        before = sum(int(simulator.markets[name].sum()) for name in _COUNTS)
        table, ops = blueprint.table, blueprint.ops
        advance_many(simulator.markets, table, ops, log, to_ns, statuses, share)
        for i in np.flatnonzero(statuses != Status.UNTIL):
            check_fault(simulator.markets[i])
        return sum(int(simulator.markets[name].sum()) for name in _COUNTS) - before

    advance(until_ns, threads)
    until_ns += SECOND_NS
    round_ns = round(SECOND_NS * events / 2 / advance(until_ns, threads))
    rates: dict[int, list[float]] = {1: [], threads: []}
    bare: dict[int, list[float]] = {1: [], threads: []}
    reckon(threads)
    try:
        for k in range(16 * repeats):  # short ones in turns, so that what the machine does cancels
            for number in sorted(rates, reverse=k % 2 == 1):
                set_num_threads(number)
                until_ns += round_ns
                start = time.perf_counter()
                done = advance(until_ns, number)
                between = time.perf_counter()
                reckon(number)
                rates[number].append(done / (between - start))
                bare[number].append(1.0 / (time.perf_counter() - between))
    finally:
        set_num_threads(threads)
    gains = np.array(rates[threads]) / rates[1]  # of neighbouring rounds
    return {
        "markets": markets,
        "threads": threads,
        "events_per_s_one_thread": round(median(rates[1])),
        "events_per_s": round(median(rates[threads])),
        "events_per_s_range": [round(min(rates[threads])), round(max(rates[threads]))],
        "gain": round(float(np.median(gains)), 3),
        "gain_quartiles": [round(float(q), 3) for q in np.quantile(gains, (0.25, 0.75))],
        "gain_of_arithmetic": round(float(np.median(np.array(bare[threads]) / bare[1])), 3),
    }


def _yardstick(repeats: int, ns_per_event: float) -> dict[str, Any]:
    """Return what a bare book needs for a message on this machine, in this run."""
    prefill, stream, _ = make_stream(_YARDSTICK_MESSAGES, 0)
    play_yardstick(prefill, stream)
    seconds = median(play_yardstick(prefill, stream).seconds for _ in range(repeats))
    ns = seconds / _YARDSTICK_MESSAGES * 1e9
    return {
        "what": "a minimal numba book: flat arrays, limit orders and cancels alone",
        "ns_per_message": round(ns, 2),
        "events_per_its_message": round(ns_per_event / ns, 2),
    }


def _day(messages: int) -> dict[str, Any]:
    """Return the time of a day of 6.5 hours in which a flow sends about so many messages."""
    day_s = 6.5 * 3_600
    rate = messages / day_s
    scenario = Scenario.model_validate(
        {
            "name": "day",
            "description": "one zero-intelligence flow and four makers",
            "market_class": "medium",
            "value": {},
            "participants": [
                {
                    "kind": "zero_intelligence",
                    "latency": _LATENCY,
                    "params": {
                        "limit_rate": 0.0107 * rate,
                        "market_rate": 0.07 * rate,
                        "cancel_rate": 0.0072 * rate,
                        "band_tick": 20,
                        "max_orders": 120,
                    },
                },
                {"kind": "glft", "count": 4, "latency": _LATENCY, "params": {"interval_s": 0.1}},
            ],
        }
    )
    simulator = Simulator(scenario, seed=1)
    start = time.process_time()
    simulator.advance(day_s)
    seconds = time.process_time() - start
    done = _counts(simulator.market())
    return {
        "hours": 6.5,
        "seconds": round(seconds, 3),
        **{name: int(count) for name, count in zip(_COUNTS, done, strict=True)},
        "trades": int(simulator.market()["books"][0]["trades"]),
        "seconds_per_10m_messages": round(seconds * 1e7 / int(done[0]), 3),
    }
