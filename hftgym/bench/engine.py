"""``hftgym bench engine``: how many messages a second the book processes on one core."""

from __future__ import annotations

import time
from collections.abc import Callable
from statistics import median
from typing import Any

import numpy as np

from hftgym.bench.machine import describe
from hftgym.bench.stream import bench_market, make_stream
from hftgym.core.bare import TERMS, bare_log, open_bare, run_batch
from hftgym.core.entries import book_hash_one


def bench_engine(
    messages: int = 1_000_000,
    seed: int = 0,
    repeats: int = 7,
    say: Callable[[str], None] | None = None,
) -> dict[str, Any]:
    """Run the stream ``repeats`` times; generation and the prefill are outside of the time.

    Args:
        messages: length of the stream.
        seed: of the stream.
        repeats: runs; the median counts, the range is reported.
        say: gets a line on what is happening.

    Returns:
        ``messages_per_s`` (median), ``messages_per_s_range``, ``ns_per_message``, counts, the hash
        of the final book, the machine, and a yardstick from the same run.
    """
    if say:
        say(f"generating a stream of {messages:,} messages")
    prefill, stream, expected = make_stream(messages, seed)
    market = bench_market()
    handles = np.zeros(len(prefill) + len(stream), np.int64)
    terms = np.zeros(0, TERMS)
    log = bare_log()
    seconds = []
    yardstick = []
    hashes = set()
    if say:
        say(f"running it {repeats} times")
    for _ in range(repeats):
        open_bare(market, 0)
        run_batch(market, 0, prefill, terms, 0, len(prefill), handles, log)
        live_at_start = int(market[0]["order_live"])
        start = time.perf_counter()
        done = run_batch(market, 0, stream, terms, 0, messages, handles, log)
        seconds.append(time.perf_counter() - start)
        made = int(market[0]["log_used"])
        if done != messages or made != expected:
            raise RuntimeError(f"the stream made {made} trades instead of {expected}")
        hashes.add(int(book_hash_one(market, 0)))
        yardstick.append(_sort_seconds())
    typical = median(seconds)
    kinds = stream["kind"]
    return {
        "benchmark": "engine",
        "messages_per_s": round(messages / typical),
        "messages_per_s_range": [round(messages / max(seconds)), round(messages / min(seconds))],
        "ns_per_message": round(typical / messages * 1e9, 2),
        "messages": messages,
        "cancel_share": round(float(np.mean(kinds == 3)), 4),
        "trades": expected,
        "live_orders_at_start": live_at_start,
        "live_orders_at_end": int(market[0]["order_live"]),
        "book_hash": [f"{h:016x}" for h in hashes],
        "yardstick": {
            "what": "numpy sorts 1,000,000 random int64",
            "seconds": round(median(yardstick), 4),
            "stream_seconds_per_yardstick": round(typical / median(yardstick), 3),
        },
        "seed": seed,
        "repeats": repeats,
        "machine": describe(),
    }


def _sort_seconds() -> float:
    """Return the seconds of a task that has nothing to do with us, to compare machines by."""
    numbers = np.random.default_rng(0).integers(0, 1 << 60, 1_000_000)
    start = time.perf_counter()
    np.sort(numbers)
    return time.perf_counter() - start
