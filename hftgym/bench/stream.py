"""The benchmark stream: 54 % adds near the touch, 36 % cancels, 10 % marketable, 9,000 live orders.

Cancels name a random live order. 5 % of the marketable orders sweep one to three further levels.
The stream is generated against a live book (so that cancels are of live orders), outside of any
timing, from a fixed seed.
"""

from __future__ import annotations

import numpy as np

from hftgym.core.bare import (
    BATCH_MESSAGE,
    add_order,
    bare_log,
    bare_market,
    change_order,
    open_bare,
)
from hftgym.core.book import next_key
from hftgym.core.constants import NO_KEY, NONE, MessageKind
from hftgym.core.jit import kernel, leaf
from hftgym.core.records import RNG
from hftgym.core.rng import enter, geometric, integer, text_hash, uniform

ADD_SHARE = 0.54
CANCEL_SHARE = 0.36
SWEEP_SHARE = 0.05
LIVE_ORDERS = 9_000
START_PX = 100_000
_LIMIT = int(MessageKind.LIMIT)
_CANCEL = int(MessageKind.CANCEL)


@kernel
def _generate(markets, rngs, messages, prefill, live_orders, handles, log, live, place, id_of):
    """Fill ``messages``; the first ``prefill`` of them only build the book. Trades made."""
    m = markets[0]
    b = m.books[0]
    w = m.messages[0]
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
            msg.lots = geometric(rng, 11.0 * (n_live / live_orders) ** 4)
            msg.id = next_id
            next_id += 1
        m.log_used = 0
        w.kind = msg.kind
        w.participant = 0
        w.side = msg.side
        w.px = msg.px
        w.lots = msg.lots
        w.flags = 0
        if msg.kind == _CANCEL:
            change_order(m, log[0], w, handles[msg.id])
        else:
            handles[msg.id] = add_order(m, log[0], w)
            if handles[msg.id] < 0:
                return NONE
            id_of[w.gen] = msg.id
        if not filling:
            total += m.log_used
        # Keep the list of live ids: swap the last one into the place of a leaver.
        for t in range(m.log_used):
            row = log[0].rows[t]
            gone = id_of[row.maker_gen]
            if not _rests(m, row.maker_gen, row.maker_slot):
                n_live -= 1
                live[place[gone]] = live[n_live]
                place[live[n_live]] = place[gone]
        if msg.kind == _CANCEL:
            n_live -= 1
            live[place[msg.id]] = live[n_live]
            place[live[n_live]] = place[msg.id]
        elif _rests(m, w.gen, w.slot):
            live[n_live] = msg.id
            place[msg.id] = n_live
            n_live += 1
    return total


@leaf
def _rests(m, index, generation):
    """Return whether an order of a bare book without side records is still there."""
    o = m.orders[index]
    return o.owner != NONE and o.slot == generation


def bench_market() -> np.ndarray:
    """Return the bare book, shape (1,), on which the stream runs."""
    market = bare_market()
    instrument = market[0]["books"][0]["instrument"]
    for name, value in (
        ("px_min", 1),
        ("px_max", 1 << 31),
        ("max_lots", 1 << 30),
        ("tick_px", 1),
        ("unit_value", 1),
        ("start_px", START_PX),
    ):
        instrument[name] = value
    open_bare(market, 0)
    return market


def make_stream(
    messages: int, seed: int = 0, live_orders: int = LIVE_ORDERS
) -> tuple[np.ndarray, np.ndarray, int]:
    """Generate the stream.

    Args:
        messages: how many behind the prefill.
        seed: of the stream.
        live_orders: orders that the prefill rests, and about as many as rest at any time.

    Returns:
        (prefill messages, messages, trades that the messages make).
    """
    market = bench_market()
    rows = np.zeros(live_orders + messages, BATCH_MESSAGE)
    rng = np.zeros(1, RNG)
    rng[0]["key"] = np.uint64(text_hash(f"bench stream {seed}"))
    n = len(rows)
    tables = [np.zeros(n, np.int32) for _ in range(3)]
    handles = np.zeros(n, np.int64)
    total = _generate(market, rng, rows, live_orders, live_orders, handles, bare_log(), *tables)
    if total == NONE:
        raise RuntimeError("the stream does not fit into its market")
    return rows[:live_orders], rows[live_orders:], int(total)
