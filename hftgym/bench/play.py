"""The benchmark stream on the exchange itself, in the terms in which other books are judged."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
import numpy.typing as npt

from hftgym.bench.stream import bench_market
from hftgym.bench.yardstick import Played
from hftgym.core.bare import TERMS, bare_log, open_bare, run_batch
from hftgym.core.constants import NONE
from hftgym.core.entries import book_hash_one

_NO_TERMS = np.zeros(0, TERMS)


class EngineRun:
    """A bare book that plays a stream as often as it is asked to.

    Args:
        prefill: messages that build the book; not timed.
        messages: the timed ones.
    """

    def __init__(self, prefill: npt.NDArray[Any], messages: npt.NDArray[Any]) -> None:
        self.prefill, self.messages = prefill, messages
        self.market = bench_market()
        self.log = bare_log()
        self.handles = np.zeros(len(prefill) + len(messages), np.int64)
        self.live_at_start = 0

    def fill(self) -> None:
        """Empty the book and play the prefill."""
        open_bare(self.market, 0)
        self._play(self.prefill, 0, len(self.prefill))
        self.market[0]["log_used"] = 0
        self.live_at_start = int(self.market[0]["order_live"])

    def run(self) -> float:
        """Play the stream on a fresh book; the processor's seconds that its messages took."""
        self.fill()
        start = time.process_time()
        self._play(self.messages, 0, len(self.messages))
        return time.process_time() - start

    def batch_ns(self, size: int, replays: int) -> npt.NDArray[np.int64]:
        """Play it in batches, one call from Python each; nanoseconds of each batch.

        The shortest of some replays counts: every replay does the same work in the same batch, so
        what is late in all of them is the engine's doing and not that of a shared machine.
        """
        shortest = self._batch_ns(size)
        for _ in range(replays - 1):
            shortest = np.minimum(shortest, self._batch_ns(size))
        return shortest

    def _batch_ns(self, size: int) -> npt.NDArray[np.int64]:
        self.fill()
        market, messages, handles, log = self.market, self.messages, self.handles, self.log
        times = np.empty(len(messages) // size, np.int64)
        clock = time.perf_counter_ns
        for k in range(len(times)):
            start = clock()
            run_batch(market, 0, messages, _NO_TERMS, k * size, (k + 1) * size, handles, log)
            times[k] = clock() - start
        return times

    def _play(self, messages: npt.NDArray[Any], first: int, last: int) -> None:
        done = run_batch(self.market, 0, messages, _NO_TERMS, first, last, self.handles, self.log)
        if done != last:
            raise RuntimeError(f"the log was full after {done} of {last} messages")

    def played(self, seconds: float) -> Played:
        """Return the trades and the final book of the last run."""
        rows = self.log[0]["rows"][: int(self.market[0]["log_used"])]
        order = np.argsort(self.handles)
        known = self.handles[order]

        def ids(who: str) -> npt.NDArray[np.int64]:
            handle = rows[f"{who}_slot"].astype(np.int64) << 32 | rows[f"{who}_gen"]
            found: npt.NDArray[np.int64] = order[np.searchsorted(known, handle)]
            return found

        trades = np.column_stack([ids("maker"), ids("taker"), rows["px"], rows["lots"]])
        used = self.market[0]["orders"][: int(self.market[0]["order_high"])]
        resting = used[used["owner"] != NONE]
        keys = np.column_stack([-resting["side"], -resting["side"] * resting["px"]])
        levels, place, orders = np.unique(keys, axis=0, return_inverse=True, return_counts=True)
        lots = np.bincount(place.ravel(), weights=resting["lots"]).astype(np.int64)
        # Sorted by minus side and by minus the key, side * px: bids, then asks, best first.
        side = -levels[:, 0]
        px = -side * levels[:, 1]
        return Played(seconds, trades, np.column_stack([side, px, lots, orders]))

    def book_hash(self) -> str:
        """Return the hash of the book as it stands."""
        return f"{book_hash_one(self.market, 0):016x}"
