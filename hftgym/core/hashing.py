"""Canonical hashes of a market: what it holds, not how it is laid out in memory.

``book_hash``: live orders in queue order. ``state_hash``: book, accounts, own states, clock,
streams, latent value and pending events. Neither depends on capacities, pool indices or free lists.
"""

from __future__ import annotations

import numpy as np

from hftgym.core.book import level_head, next_key
from hftgym.core.calls import own_state
from hftgym.core.constants import NO_KEY, NONE, EventClass, OwnState
from hftgym.core.jit import leaf
from hftgym.core.queue import event_class
from hftgym.core.rng import mix2

_FREE = int(OwnState.FREE)
_ENTRY = int(EventClass.ORDER_ENTRY)
_FEED = int(EventClass.FEED_DELIVERY)


@leaf
def _add(h, value):
    return mix2(h, np.uint64(value))


@leaf
def hash_book(m):
    """Return a hash of all live orders, bids then asks, best price first, in queue order."""
    h = np.uint64(1)
    for side in range(2):
        s = m.books[0].sides[side]
        h = _add(h, side)
        key = s.best
        while key != NO_KEY:
            i = level_head(s, key)
            while i != NONE:
                o = m.orders[i]
                h = _add(h, o.px)
                h = _add(h, o.lots)
                h = _add(h, o.owner)
                if o.owner != m.tape.owner:
                    h = _add(h, o.slot)
                i = o.next
            key = next_key(s, key)
    return h


@leaf
def _hash_own(m, p, h):
    part = m.part[p]
    if part.own_capacity == 0:
        return h
    own = own_state(m, p)
    h = _add(h, own.position)
    h = _add(h, own.cash)
    for slot in range(part.own_capacity):
        order = own.orders[slot]
        if order.state != _FREE:
            h = _add(h, slot)
            h = _add(h, order.state)
            h = _add(h, order.px)
            h = _add(h, order.lots)
            h = _add(h, order.gen)
    i = part.report_head
    while i != NONE:
        r = m.reports[i]
        h = _add(h, r.t_ns)
        h = _add(h, r.kind)
        h = _add(h, r.slot)
        h = _add(h, r.lots)
        h = _add(h, r.px)
        i = r.next
    return h


@leaf
def _hash_event(m, e):
    kind = event_class(e.key)
    h = _add(np.uint64(7), e.t_ns)
    h = _add(h, kind)
    h = _add(h, e.who)
    if kind == _ENTRY:
        msg = m.messages[e.what]
        h = _add(h, msg.kind)
        h = _add(h, msg.slot)
        h = _add(h, msg.side)
        h = _add(h, msg.px)
        h = _add(h, msg.lots)
        h = _add(h, msg.flags)
    elif kind == _FEED:
        view = m.views[e.what]
        h = _add(h, view.t_ns)
        h = _add(h, view.mid_2px)
        h = _add(h, view.volume)
        h = _add(h, view.ofi)
    return h


@leaf
def hash_state(m):
    """Return a hash of everything that the future depends on."""
    h = hash_book(m)
    h = _add(h, m.now_ns)
    h = _add(h, m.seed)
    h = _add(h, m.fee_account)
    h = _add(h, m.log_hash)
    b = m.books[0]
    h = _add(h, b.volume)
    h = _add(h, b.ofi)
    h = _add(h, b.last_px)
    h = _add(h, b.instrument.phase)
    for p in range(m.participants):
        part = m.part[p]
        a = part.account
        h = _add(h, part.name_hash)
        h = _add(h, part.rng.decision)
        h = _add(h, a.cash)
        h = _add(h, a.fees)
        h = _add(h, a.position)
        h = _add(h, a.open_buy_lots)
        h = _add(h, a.open_sell_lots)
        h = _add(h, part.last_arrival_ns)
        h = _add(h, part.last_response_ns)
        for i in range(len(part.memory)):
            if part.memory[i] != 0:
                h = _add(h, i * 256 + part.memory[i])
        h = _hash_own(m, p, h)
    h = _add(h, m.tape.cursor)
    if m.value.active != 0:
        h = _add(h, m.value.k)
    # Pending events in no particular order: a sum does not depend on the layout of the heap.
    total = np.uint64(0)
    for i in range(m.event_count):
        total += _hash_event(m, m.events[i])
    return _add(h, total)
