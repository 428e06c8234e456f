"""The benchmark stream: 54 % adds near the touch, 36 % cancels, 10 % marketable, 9,000 live orders.

Cancels name a random live order. 5 % of the marketable orders sweep one to three further levels.
The stream is generated against a live book (so that cancels are of live orders), outside of any
timing, from a fixed seed.
"""

from __future__ import annotations

import numpy as np

from hftgym.core.book import next_key
from hftgym.core.constants import NO_KEY, NONE, MessageKind
from hftgym.core.jit import kernel
from hftgym.core.records import MARKET, RNG
from hftgym.core.rng import enter, geometric, integer, text_hash, uniform
from hftgym.core.stream import (
    STREAM_MESSAGE,
    STREAM_TRADE,
    clear_stream,
    run_stream,
)

ADD_SHARE = 0.54
CANCEL_SHARE = 0.36
SWEEP_SHARE = 0.05
LIVE_ORDERS = 9_000
START_PX = 100_000
_LIMIT = int(MessageKind.LIMIT)
_CANCEL = int(MessageKind.CANCEL)
_LIVE_SLACK = 4_000


@kernel
def _generate(markets, rngs, messages, prefill, resting, trades, live, place):
    """Fill ``messages``; the first ``prefill`` of them only build the book. Trades made."""
    m = markets[0]
    b = m.books[0]
    rng = rngs[0]
    enter(rng, np.uint64(0))
    n_live = 0
    next_id = 0
    total = 0
    for k in range(len(messages)):
        msg = messages[k]
        side = 1 if uniform(rng) < 0.5 else -1
        own = b.sides[(1 - side) >> 1]
        other = b.sides[(1 + side) >> 1]
        which = uniform(rng)
        filling = k < prefill
        if filling or which < ADD_SHARE or n_live < 100:
            touch = own.best if own.best != NO_KEY else side * START_PX - 2
            limit = -other.best if other.best != NO_KEY else touch + 4
            key = touch + 2 - geometric(rng, 12.0)
            msg.kind = _LIMIT
            msg.side = side
            msg.px = side * min(key, limit - 1)
            msg.lots = geometric(rng, 5.0)
            msg.id = next_id
            next_id += 1
        elif which < ADD_SHARE + CANCEL_SHARE:
            msg.kind = _CANCEL
            msg.id = live[integer(rng, n_live)]
        else:
            key = other.best
            if uniform(rng) < SWEEP_SHARE:
                for _ in range(1 + integer(rng, 3)):
                    worse = next_key(other, key)
                    if worse != NO_KEY:
                        key = worse
            msg.kind = _LIMIT
            msg.side = side
            msg.px = -side * key
            msg.lots = geometric(rng, 11.0 * (n_live / LIVE_ORDERS) ** 4)
            msg.id = next_id
            next_id += 1
        count = run_stream(markets, 0, messages, k, k + 1, resting, trades)
        if count == NONE:
            return NONE
        if not filling:
            total += count
        # Keep the list of live ids: swap the last one into the place of a leaver.
        for t in range(count):
            gone = trades[t].maker_id
            if resting[gone] == NONE:
                n_live -= 1
                live[place[gone]] = live[n_live]
                place[live[n_live]] = place[gone]
        if msg.kind == _CANCEL:
            n_live -= 1
            live[place[msg.id]] = live[n_live]
            place[live[n_live]] = place[msg.id]
        elif resting[msg.id] != NONE:
            live[n_live] = msg.id
            place[msg.id] = n_live
            n_live += 1
    return total


def bench_market() -> np.ndarray:
    """Return the market, shape (1,), on whose book the stream runs."""
    market = np.zeros(1, MARKET["medium"])
    market[0]["books"][0]["instrument"]["start_px"] = START_PX
    market[0]["tape"]["owner"] = NONE
    return market


def make_stream(messages: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray, int]:
    """Generate the stream.

    Args:
        messages: how many behind the prefill.
        seed: of the stream.

    Returns:
        (prefill messages, messages, trades that the messages make).
    """
    market = bench_market()
    rows = np.zeros(LIVE_ORDERS + messages, STREAM_MESSAGE)
    rng = np.zeros(1, RNG)
    rng[0]["key"] = np.uint64(text_hash(f"bench stream {seed}"))
    resting = np.empty(len(rows), np.int32)
    clear_stream(market, 0, resting, np.uint64(0))
    trades = np.zeros(2 * LIVE_ORDERS + _LIVE_SLACK, STREAM_TRADE)
    live = np.zeros(len(rows), np.int32)
    place = np.zeros(len(rows), np.int32)
    total = _generate(market, rng, rows, LIVE_ORDERS, resting, trades, live, place)
    if total == NONE:
        raise RuntimeError("the stream does not fit into its market")
    return rows[:LIVE_ORDERS], rows[LIVE_ORDERS:], int(total)
