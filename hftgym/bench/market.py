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
    repeats: int = 15,
    events: int = 500_000,
    batch: int = 64,
    day_messages: int = 10_000_000,
    say: Say | None = None,
) -> dict[str, Any]:
    """Measure markets of 100 and of 1,000 participants, a batch on one and all threads, and a day.

    Args:
        repeats: rounds, each of all of them in turn; medians count, the range is reported.
        events: about so many in each round of a single market.
        batch: markets of the batch.
        day_messages: messages of the simulated day of 6.5 hours; 0: none.
        say: gets a line on what is happening.
    """
    tell = say or (lambda _: None)
    tell("markets of 100 and of 1,000 participants, and the yardstick: a minimal numba book")
    hundred = _Single(mixed_market(100, "medium"), events)
    thousand = _Single(mixed_market(1_000, "large"), events)
    yardstick = _Yardstick()
    for _ in range(repeats):  # in turns, so that a busy moment of the machine meets all of them
        for one in (hundred, thousand, yardstick):
            one.play()
    tell(f"a batch of {batch} markets of 100 participants")
    result: dict[str, Any] = {
        "benchmark": "market",
        "participants_100": hundred.figures(),
        "participants_1000": thousand.figures(),
        "thousand_per_hundred": _median_ratio(thousand.ns, hundred.ns),
        "batch": _batch(mixed_market(100, "medium"), batch, repeats, events),
    }
    if day_messages:
        tell(f"a day of 6.5 hours with {day_messages:,} messages")
        result["day"] = _day(day_messages)
    result["yardstick"] = {
        "what": "a minimal numba book: flat arrays, limit orders and cancels alone",
        "ns_per_message": round(median(yardstick.ns), 2),
        "events_per_its_message": _median_ratio(hundred.ns, yardstick.ns),
    }
    return result | {"repeats": repeats, "machine": describe()}


def _counts(market: Any) -> np.ndarray:
    return np.array([int(market[name]) for name in _COUNTS])


def _settled(scenario: Scenario) -> Simulator:
    market = Simulator(scenario, seed=1)
    market.advance(_BURN_IN_S)
    return market


def _median_ratio(ours: list[float], theirs: list[float]) -> float:
    """Return the median over the rounds of what one took against the other in the same round."""
    return round(median(a / b for a, b in zip(ours, theirs, strict=True)), 3)


class _Single:
    """A market that runs about so many events in each round."""

    def __init__(self, scenario: Scenario, events: int) -> None:
        self._simulator = _settled(scenario)
        self._market = self._simulator.market()
        before = _counts(self._market)
        self._simulator.advance(1.0)
        self._round_s = events / float((_counts(self._market) - before).sum())
        self._parts = np.zeros(3, np.int64)
        self.ns: list[float] = []  # of an event, by round

    def play(self) -> None:
        """Play a round."""
        before, start = _counts(self._market), time.process_time()
        self._simulator.advance(self._round_s)
        seconds = time.process_time() - start
        done = _counts(self._market) - before
        self._parts += done
        self.ns.append(1e9 * seconds / float(done.sum()))

    def figures(self) -> dict[str, Any]:
        """Return what the rounds have shown."""
        m = self._market
        rate = 1e9 / median(self.ns)
        share = self._parts / self._parts.sum()
        return {
            "events_per_s": round(rate),
            "events_per_s_range": [round(1e9 / max(self.ns)), round(1e9 / min(self.ns))],
            "ns_per_event": round(median(self.ns), 1),
            "messages_per_s": round(rate * share[0]),
            "wakes_per_s": round(rate * share[1]),
            "captures_per_s": round(rate * share[2]),
            "live_orders": int(m["order_live"]),
            "trades_per_message": round(int(m["books"][0]["trades"]) / int(m["messages_done"]), 3),
            "bytes": int(self._simulator.markets.dtype.itemsize),
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
        for k in range(8 * repeats):  # short ones in turns, so that what the machine does cancels
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


class _Yardstick:
    """What a bare book needs for a message on this machine, in this run."""

    def __init__(self) -> None:
        self._prefill, self._stream, _ = make_stream(_YARDSTICK_MESSAGES, 0)
        play_yardstick(self._prefill, self._stream)
        self.ns: list[float] = []  # of a message, by round

    def play(self) -> None:
        """Play a round."""
        seconds = play_yardstick(self._prefill, self._stream).seconds
        self.ns.append(1e9 * seconds / _YARDSTICK_MESSAGES)


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
