"""What Python calls: compiled entry points on ``(markets, index, ...)``, few arguments each.

``table`` and ``log`` are arrays of one record (TABLE, LOG); ``log[0].capacity`` is 0 when no log is
kept. ``ops`` are the operations of a tape (TAPE_OP), none without one.
"""

from __future__ import annotations

import numpy as np
from numba import prange

from hftgym.core.book import init_orders, init_side
from hftgym.core.constants import NEVER_NS, NO_PX, NONE, VALUE_RING
from hftgym.core.hashing import hash_book, hash_state
from hftgym.core.jit import kernel, leaf, parallel_kernel
from hftgym.core.loop import advance
from hftgym.core.order_entry import init_messages, send
from hftgym.core.orders import init_rare, renew_due
from hftgym.core.queue import init_queue
from hftgym.core.responses import init_responses, read_reports
from hftgym.core.rng import enter, mix, mix2
from hftgym.core.turns import deal, next_piece
from hftgym.core.value import SPREAD_ROLE, VALUE_ROLE, init_value
from hftgym.core.views import capture_deferred, first_view, init_views

_FEW = 64  # participants, among whom those whose views wait are found by looking at all

# Roles of a participant's streams of latencies.
_FEED = np.uint64(0x66656564)  # "feed"
_ORDER = np.uint64(0x6F72646572)  # "order"
_RESPONSE = np.uint64(0x726573706F6E7365)  # "response"


@leaf
def seed_streams(m, seed):
    """Give every stream of a market a new identity; what is pending stays."""
    capture_deferred(m, m.now_ns + 1)  # what they see is of the streams before
    m.seed = seed
    init_value(m.value, seed, VALUE_ROLE, m.value_rng)
    init_value(m.spread, seed, SPREAD_ROLE, m.value_rng)
    for p in range(m.participants):
        part = m.part[p]
        part.rng.key = mix2(seed, part.name_hash)
        part.tie_key = mix2(part.name_hash, seed)
        enter(part.rng, np.uint64(0))
        part.feed.key = mix(part.rng.key + _FEED)
        part.order.key = mix(part.rng.key + _ORDER)
        part.response.key = mix(part.rng.key + _RESPONSE)


@leaf
def _open_book(b, index):
    """Empty a book whose instrument is written."""
    b.index = index
    for side in range(4):  # stops lie by trigger: buy stops wake at the lowest first
        init_side(b.sides[side], 1 if side == 0 or side == 3 else -1, b.instrument.start_px)
    for side in range(2):
        b.waiting[side].head = NONE
        b.waiting[side].tail = NONE
        b.waiting[side].lots = 0
    b.mid_2px = 2 * b.instrument.start_px
    b.judged_2px = NO_PX
    b.last_px = b.instrument.start_px
    b.touch_bid_px = -NO_PX
    b.touch_ask_px = NO_PX
    b.stop_px = NO_PX
    b.static_px = b.instrument.start_px
    b.band_px = b.instrument.start_px
    b.collar_bid_px = NO_PX  # before any continuous trading the collar is around the last price
    b.collar_ask_px = NO_PX
    b.indicative_px = NO_PX
    b.own_end_ns = NEVER_NS
    b.has_reference = 1


@leaf
def _init_deferred(m):
    """Let no view wait to be captured, and say for how long one may.

    The latent value is remembered for a while only; and of many participants it would take long to
    find those whose views wait.
    """
    m.next_deferred_ns = NEVER_NS
    for p in range(m.participants):
        m.deferred_ns[p] = NEVER_NS
    m.deferred_span_ns = NEVER_NS
    if m.value.active != 0:
        m.deferred_span_ns = (VALUE_RING - 2) * m.value.grid_ns
    if m.participants > _FEW:
        m.deferred_span_ns = -2  # less than any feed: without a signal its delay is -1


@leaf
def open_market(m, seed):
    """Empty the books and the channels of a configured record, and schedule the first views."""
    m.open_ns = m.now_ns
    init_orders(m)
    init_messages(m)
    init_responses(m)
    init_views(m)
    init_rare(m)
    for k in range(len(m.books)):
        _open_book(m.books[k], k)
    m.plan_next = 0
    renew_due(m)
    for i in range(len(m.slots)):
        m.slots[i].order = NONE
    for i in range(len(m.tape_order)):
        m.tape_order[i] = NONE
    m.await_ns = NEVER_NS
    init_queue(m)
    _init_deferred(m)
    seed_streams(m, seed)
    for p in range(m.participants):
        part = m.part[p]
        part.report_head = NONE
        part.report_tail = NONE
        part.unstamped = NONE
        part.awaiting_view = NONE
        part.last_arrival_ns = m.now_ns
        part.last_response_ns = m.now_ns
        part.last_delivery_ns = m.now_ns
        part.message_head = NONE
        part.message_tail = NONE
        part.scheduled_view = NONE
        part.triggered_view = NONE
        if part.decide >= 0:
            first_view(m, p)


@kernel
def open_one(markets, i, seed):
    """Open market ``i`` of configured records with this seed (uint64)."""
    open_market(markets[i], seed)


@kernel
def reseed_one(markets, i, seed):
    """Give the streams of market ``i`` a new identity."""
    seed_streams(markets[i], seed)


@kernel
def advance_one(markets, i, table, ops, log, until_ns, budget):
    """Run market ``i`` until ``until_ns``; a Status."""
    return advance(markets[i], table[0], ops, log[0], until_ns, budget)


@kernel
def send_one(markets, i, table, p, out):
    """Let participant ``p`` of market ``i`` learn what is known by now, and send ``out[0]``."""
    m = markets[i]
    read_reports(m, p, m.now_ns)
    send(m, table[0], p, out[0])


@parallel_kernel
def advance_many(markets, table, ops, log, until_ns, statuses, threads):
    """Run every market until ``until_ns``, on ``threads``; their statuses into ``statuses``."""
    parts = deal(len(markets), threads)
    for t in prange(threads):
        i = next_piece(parts, t)
        while i != NONE:
            statuses[i] = advance(markets[i], table[0], ops, log[0], until_ns, -1)
            i = next_piece(parts, t)


@kernel
def book_hash_one(markets, i):
    """Return the canonical hash of the book of market ``i``."""
    return hash_book(markets[i])


@kernel
def state_hash_one(markets, i):
    """Return the canonical hash of market ``i``."""
    return hash_state(markets[i])
