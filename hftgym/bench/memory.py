"""How much memory resting orders take: for a process of its own."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np

from hftgym.bench.stream import START_PX, bench_market
from hftgym.core.bare import BATCH_MESSAGE, TERMS, bare_log, run_batch
from hftgym.core.constants import MessageKind

_LEVELS = 10_000
_CHUNK = 1_000_000


def main(orders: int) -> None:
    """Print the bytes by which the process grows while ``orders`` come to rest.

    The messages, and the ids that the caller notes, are outside: they are written before.
    """
    market, log = bench_market(), bare_log()
    chunk = np.zeros(min(orders, _CHUNK), BATCH_MESSAGE)
    rng = np.random.default_rng(0)
    side = rng.choice(np.array([-1, 1]), len(chunk))
    chunk["kind"] = MessageKind.LIMIT
    chunk["side"] = side
    chunk["px"] = START_PX - side * rng.integers(1, _LEVELS, len(chunk))
    chunk["lots"] = 1
    chunk["id"] = np.arange(len(chunk))
    handles = np.ones(len(chunk), np.int64)
    terms = np.zeros(0, TERMS)
    run_batch(market, 0, chunk, terms, 0, 0, handles, log)  # compiled code is no order
    before = _resident()
    for first in range(0, orders, len(chunk)):
        last = min(len(chunk), orders - first)
        run_batch(market, 0, chunk, terms, 0, last, handles, log)
    grown = _resident() - before
    if int(market[0]["order_live"]) != orders:
        raise RuntimeError(f"{int(market[0]['order_live'])} of {orders} orders rest")
    print(grown)


def _resident() -> int:
    """Return the bytes of this process that lie in memory."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")
