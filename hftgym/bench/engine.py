"""``hftgym bench engine``: the exchange against a bare yardstick and a peer, on the same stream.

Who is compared must first make the same trades and end as the same book. Rounds are interleaved,
generation is outside, the median counts and the range is told. Seconds are those of the processor:
what others do on a shared machine slows its caches, but does not stop its clock.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from statistics import median
from typing import Any

import numpy as np

from hftgym.bench.machine import describe
from hftgym.bench.peers import PEER, peer_version, play_peer, play_peer_from_python
from hftgym.bench.per_call import calls_per_second
from hftgym.bench.play import EngineRun
from hftgym.bench.stream import make_stream
from hftgym.bench.yardstick import Played, play_yardstick

Say = Callable[[str], None]
_BATCH = 16
_REPLAYS = 5
_DEPTHS = (1_000, 10_000, 100_000, 1_000_000)
_RESTING = 10_000_000
_PER_CALL = 200_000
#: A fresh process prints the bytes that its memory grows by when so many orders come to rest.
_MEMORY = "from hftgym.bench.memory import main; main({orders})"


def bench_engine(
    messages: int = 1_000_000,
    seed: int = 0,
    repeats: int = 7,
    say: Say | None = None,
    depths: tuple[int, ...] = _DEPTHS,
    resting: int = _RESTING,
) -> dict[str, Any]:
    """Measure the exchange without participants: all order types and rules are compiled in.

    Args:
        messages: length of the stream.
        seed: of the stream.
        repeats: rounds; the median counts, the range is reported.
        say: gets a line on what is happening.
        depths: numbers of live orders for which the speed is measured.
        resting: orders for the measurement of memory; 0: none.

    Returns:
        Figures of the stream, with ratios to the yardstick and to the peer (if it is installed), of
        one call a message, of small batches, of books of other depths, and of memory.
    """
    tell = say or (lambda _: None)
    tell(f"generating a stream of {messages:,} messages")
    prefill, stream, expected = make_stream(messages, seed)
    engine = EngineRun(prefill, stream)
    rounds: dict[str, list[float]] = {"engine": [], "yardstick": []}
    engine.run()  # compiled, and its memory touched
    play_yardstick(prefill, stream)
    tell(f"running it {repeats} times on each book")
    hashes = set()
    for _ in range(repeats):
        rounds["engine"].append(engine.run())
        hashes.add(engine.book_hash())
        yardstick = play_yardstick(prefill, stream)
        rounds["yardstick"].append(yardstick.seconds)
    played = engine.played(rounds["engine"][-1])
    if len(played.trades) != expected or not played.agrees(yardstick):
        raise RuntimeError("the exchange and the yardstick do not agree: not comparable")
    typical = median(rounds["engine"])
    result: dict[str, Any] = {
        "benchmark": "engine",
        **_rate(rounds["engine"], messages),
        "messages": messages,
        "cancel_share": round(float(np.mean(stream["kind"] == 3)), 4),
        "trades": expected,
        "live_orders_at_start": engine.live_at_start,
        "live_orders_at_end": int(engine.market[0]["order_live"]),
        "book_hash": sorted(hashes),
        "yardstick": {
            "what": "a minimal numba book: flat arrays, limit orders and cancels alone",
            **_rate(rounds["yardstick"], messages),
            "engine_per_yardstick": round(median(rounds["yardstick"]) / typical, 3),
        },
        "peer": _peer(prefill, stream, played, typical / messages, tell),
    }
    tell("one call a message, small batches, other depths")
    result["per_call"] = calls_per_second(prefill, stream[: min(messages, _PER_CALL)], repeats)
    result["batches"] = _batches(engine)
    result["depths"] = _depths(depths, messages, seed, repeats)
    if resting:
        tell(f"resting {resting:,} orders in a fresh process")
        result["memory"] = _memory(resting)
    return result | {"seed": seed, "repeats": repeats, "machine": describe()}


def _rate(seconds: list[float], messages: int) -> dict[str, Any]:
    return {
        "messages_per_s": round(messages / median(seconds)),
        "messages_per_s_range": [round(messages / max(seconds)), round(messages / min(seconds))],
        "ns_per_message": round(median(seconds) / messages * 1e9, 2),
    }


def _peer(
    prefill: Any, stream: Any, ours: Played, seconds_per_message: float, tell: Say
) -> dict[str, Any] | None:
    """Return the figures of the peer; None when it is not installed."""
    found = peer_version()
    if found is None:
        return None
    tell(f"running it on {PEER} {found}")
    theirs = play_peer(prefill, stream)
    few = stream[: min(len(stream), _PER_CALL)]
    from_python = play_peer_from_python(prefill, few)
    return {
        "what": f"{PEER} {found}, from compiled code through its C interface",
        "comparable": theirs.agrees(ours),
        **_rate([theirs.seconds], len(stream)),
        "engine_per_peer": round(theirs.seconds / len(stream) / seconds_per_message, 2),
        "from_python_messages_per_s": round(len(few) / from_python.seconds),
    }


def _batches(engine: EngineRun) -> dict[str, Any]:
    """Return how even batches of a few messages are; the call from Python is included."""
    times = engine.batch_ns(_BATCH, _REPLAYS)
    middle, late = np.percentile(times, [50, 99.9])
    return {
        "messages": _BATCH,
        "replays": _REPLAYS,
        "median_ns": round(float(middle)),
        "p999_ns": round(float(late)),
        "p999_per_median": round(float(late / middle), 2),
    }


def _depths(depths: tuple[int, ...], messages: int, seed: int, repeats: int) -> dict[str, Any]:
    """Return the speed for several numbers of live orders, measured in turns."""
    engines = {}
    for live in depths:
        prefill, stream, _ = make_stream(messages, seed, live)
        engines[live] = EngineRun(prefill, stream)
        engines[live].run()
    seconds: dict[int, list[float]] = {live: [] for live in depths}
    for _ in range(repeats):
        for live, engine in engines.items():
            seconds[live].append(engine.run())
    rates = {str(live): round(messages / median(taken)) for live, taken in seconds.items()}
    spread = max(rates.values()) / min(rates.values()) if rates else 1.0
    return {"messages_per_s": rates, "fastest_per_slowest": round(spread, 2)}


def _memory(orders: int) -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, "-P", "-c", _MEMORY.format(orders=orders)],
        capture_output=True,
        text=True,
        timeout=900,
        check=True,
    )
    grown = int(done.stdout)
    return {
        "resting_orders": orders,
        "bytes": grown,
        "bytes_per_order": round(grown / orders, 2),
        "what": "growth of the process: orders, levels and the search by id",
    }
