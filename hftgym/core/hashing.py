"""Canonical hashes of a market: what it holds, not how it is laid out in memory.

``book_hash``: live orders in queue order. ``state_hash``: book, accounts, own states, clock,
streams, latent value and pending events. Neither depends on capacities, pool indices or free lists.
"""

from __future__ import annotations

import numpy as np

from hftgym.core.book import level_head, next_key
from hftgym.core.calls import own_state
from hftgym.core.constants import (
    NO_KEY,
    NONE,
    QUEUE_SLOTS,
    VALUE_RING,
    Channel,
    Flag,
    OrderMark,
    OwnState,
)
from hftgym.core.jit import leaf
from hftgym.core.orders import slot_of
from hftgym.core.queue import leaf_of
from hftgym.core.responses import read_reports
from hftgym.core.rng import mix2

_RARE = int(OrderMark.RARE)
_KEPT = 0xFF ^ _RARE  # the mark says where something lies, not what there is
_TERMS = int(Flag.STOP) | int(Flag.ICEBERG) | int(Flag.MIN_LOTS) | int(Flag.GTD)
_FREE = int(OwnState.FREE)
_SCHEDULED = int(Channel.SCHEDULED)
_TRIGGERED = int(Channel.TRIGGERED)


@leaf
def _add(h, value):
    return mix2(h, np.uint64(value))


@leaf
def _hash_order(m, i, h):
    o = m.orders[i]
    slot = slot_of(m, o)
    h = _add(h, o.px)
    h = _add(h, o.lots)
    h = _add(h, o.owner)
    if o.owner != m.tape.owner and m.bare == 0:  # there it counts how often a place was used
        h = _add(h, slot)
    h = _add(h, int(o.flags) & _KEPT)
    if o.flags & _RARE and m.rare[o.slot].flags != 0:
        r = m.rare[o.slot]
        h = _add(h, r.reserve)
        h = _add(h, r.display)
        h = _add(h, r.expire_ns)
        h = _add(h, r.limit_px)
        h = _add(h, r.kind)
        h = _add(h, r.flags)
    return h


@leaf
def hash_book(m):
    """Return a hash of all live orders in queue order, best first: bids, asks, stops, waiting.

    Books of a market one after the other.
    """
    h = np.uint64(1)
    for k in range(len(m.books)):
        h = _hash_queues(m, m.books[k], h)
    return h


@leaf
def _hash_queues(m, b, h):
    for side in range(4):
        s = b.sides[side]
        h = _add(h, side)
        key = s.best
        while key != NO_KEY:
            i = level_head(s, key)
            while i != NONE:
                h = _hash_order(m, i, h)
                i = m.orders[i].next
            key = next_key(s, key)
    for side in range(2):
        i = b.waiting[side].head
        while i != NONE:
            h = _hash_order(m, i, h)
            i = m.orders[i].next
    return h


@leaf
def _add_real(h, x):
    """Add a real number, to a millionth; NaN counts as nothing."""
    return _add(h, int(x * 1e6)) if x == x else h


@leaf
def _hash_own(m, p, h):
    part = m.part[p]
    if part.own_capacity == 0:
        return h
    own = own_state(m, p)
    h = _add(h, own.position)
    h = _add(h, own.cash)
    h = _add(h, own.fills)
    h = _add(h, own.rejects)
    h = _add(h, own.last_bid_fill_ns)
    h = _add(h, own.last_ask_fill_ns)
    for slot in range(part.own_capacity):
        order = own.orders[slot]
        if order.gen != 0:
            h = _add(h, slot)
            h = _add(h, order.gen)
        if order.state != _FREE:
            h = _add(h, order.state)
            h = _add(h, order.side)
            h = _add(h, order.flags)
            h = _add(h, order.px)
            h = _add(h, order.pending_px)
            h = _add(h, order.lots)
            h = _add(h, order.filled)
            h = _add(h, order.sent_ns)
        if m.slots[part.own_first + slot].order != NONE:
            h = _add(h, m.slots[part.own_first + slot].filled)
    i = part.report_head
    while i != NONE:
        r = m.reports[i]
        h = _add(h, r.t_ns)
        h = _add(h, r.kind)
        h = _add(h, r.reason)
        h = _add(h, r.request)
        h = _add(h, r.slot)
        h = _add(h, r.gen)
        h = _add(h, r.side)
        h = _add(h, r.px)
        h = _add(h, r.lots)
        h = _add(h, r.fee)
        i = r.next
    return h


@leaf
def _hash_view(view, levels, h):
    h = _add(h, view.t_ns)
    for level in range(levels):
        h = _add(h, view.bid_px[level])
        h = _add(h, view.bid_lots[level])
        h = _add(h, view.ask_px[level])
        h = _add(h, view.ask_lots[level])
    h = _add(h, view.mid_2px)
    h = _add(h, view.last_px)
    h = _add(h, view.trades)
    h = _add(h, view.volume)
    h = _add(h, view.signed_volume)
    h = _add(h, view.ofi)
    for slot in range(QUEUE_SLOTS):
        h = _add(h, view.queue_ahead[slot])
    h = _add(h, view.phase)
    return _add_real(h, view.signal)


@leaf
def _hash_message(m, p, j):
    """Return a hash of a message on its way, or of what is left of history's order to expire."""
    msg = m.messages[j]
    h = _add(_add(np.uint64(7), msg.t_ns), p)
    if p != m.tape.owner:
        h = _add(h, msg.kind)
        h = _add(h, msg.slot)
        h = _add(h, msg.gen)
        h = _add(h, msg.side)
        h = _add(h, msg.px)
        h = _add(h, msg.lots)
        h = _add(h, msg.flags)
        if msg.flags & _TERMS:
            h = _add(h, msg.trigger_px)
            h = _add(h, msg.display_lots)
            h = _add(h, msg.min_lots)
            h = _add(h, msg.expire_ns)
        return h
    r = m.rare[msg.slot]
    if r.order != NONE and r.serial == msg.px:  # else it does nothing
        o = m.orders[r.order]
        h = _add(h, o.side)
        h = _add(h, o.px)
        h = _add(h, msg.lots)
    return h


@leaf
def _hash_pending(m, p):
    """Return a hash of what of a participant is on its way."""
    part = m.part[p]
    h = _add(np.uint64(7), m.deferred_ns[p])
    j = part.message_head
    while j != NONE:
        h = _add(h, _hash_message(m, p, j))
        j = m.messages[j].next
    for channel in range(_SCHEDULED, _TRIGGERED + 1):
        h = _add(h, m.event_ns[leaf_of(m, p, channel)])
        v = part.scheduled_view if channel == _SCHEDULED else part.triggered_view
        if v != NONE:
            h = _hash_view(m.views[v], part.view_levels, h)
    return h


@leaf
def _hash_participant(m, p, h):
    part = m.part[p]
    a = part.account
    h = _add(h, part.name_hash)
    h = _add(h, part.tie_key)
    h = _add(h, part.rng.key)
    h = _add(h, part.rng.decision)
    h = _add(h, a.cash)
    h = _add(h, a.fees)
    h = _add(h, a.position)
    h = _add(h, a.open_buy_lots)
    h = _add(h, a.open_sell_lots)
    h = _add(h, a.open_orders)
    h = _add(h, a.rate_due_ns)
    h = _add(h, a.maker_lots)
    h = _add(h, a.taker_lots)
    h = _add(h, a.fills)
    h = _add(h, a.messages)
    h = _add(h, a.rejects)
    h = _add(h, a.edge_2px)
    h = _add(h, a.firm)
    h = _add(h, a.killed)
    h = _add(h, a.disconnected)
    h = _add(h, part.last_arrival_ns)
    h = _add(h, part.last_response_ns)
    h = _add(h, part.last_delivery_ns)
    h = _add(h, part.orders_sent)
    h = _add(h, part.responses_sent)
    h = _add(h, part.views_scheduled)
    h = _add(h, part.views_triggered)
    h = _add(h, part.wake_on)
    h = _add(h, part.triggered)
    h = _add(h, part.ready)
    h = _add(h, 1 if part.awaiting_view != NONE else 0)
    for i in range(len(part.memory)):
        if part.memory[i] != 0:
            h = _add(_add(h, i), part.memory[i])
    return _hash_own(m, p, h)


@leaf
def _hash_tape(m, h):
    tape = m.tape
    h = _add(h, tape.cursor)
    h = _add(h, tape.h_bid_px)
    h = _add(h, tape.h_ask_px)
    h = _add(h, tape.volume)
    h = _add(h, tape.hidden_volume)
    h = _add(h, tape.missed)
    h = _add(h, tape.surviving)
    h = _add(h, tape.clamped)
    if tape.owner != NONE:
        for ordinal in range(len(m.tape_order)):
            if m.tape_order[ordinal] != NONE:
                o = m.orders[m.tape_order[ordinal]]
                h = _add(h, ordinal)
                h = _add(h, o.side * o.px)
                h = _add(h, o.lots)
    return h


@leaf
def _hash_value(v, h):
    if v.active == 0:
        return h
    h = _add(h, v.key)
    h = _add(h, v.k)
    h = _add_real(h, v.ring[v.k % VALUE_RING])
    return _add_real(h, v.drift)


@leaf
def _hash_figures(b, h):
    """Add what a book knows beside its orders."""
    h = _add(h, b.trades)
    h = _add(h, b.volume)
    h = _add(h, b.signed_volume)
    h = _add(h, b.ofi)
    h = _add(h, b.last_px)
    h = _add(h, b.mid_2px)
    h = _add(h, b.instrument.phase)
    h = _add(h, b.stop_px)
    h = _add(h, b.static_px)
    h = _add(h, b.collar_bid_px)
    h = _add(h, b.collar_ask_px)
    h = _add(h, b.own_end_ns)
    h = _add(h, b.next_phase)
    h = _add(h, b.extended)
    h = _add(h, b.has_reference)
    h = _add(h, b.stops_left)
    return h


@leaf
def hash_state(m):
    """Return a hash of everything that the future depends on.

    Responses that are known by now are read first: it changes nothing that is to come, and without
    it the hash would depend on whether a small pool of reports has made somebody read early.
    """
    for p in range(m.participants):
        read_reports(m, p, m.now_ns)
    h = hash_book(m)
    h = _add(h, m.now_ns)
    h = _add(h, m.seed)
    h = _add(h, m.fault)
    h = _add(h, m.fee_account)
    h = _add(h, m.log_hash)
    for k in range(len(m.books)):
        h = _hash_figures(m.books[k], h)
    h = _add(h, m.plan_next)
    # Orders that end, in the order in which they do; they are in the hash of the book.
    j = m.expiry_head
    while j != NONE:
        h = _add(h, m.rare[j].expire_ns)
        h = _add(h, m.orders[m.rare[j].order].owner)
        h = _add(h, m.rare[j].slot)
        j = m.rare[j].next
    for p in range(m.participants):
        h = _hash_participant(m, p, h)
    h = _hash_tape(m, h)
    h = _hash_value(m.value, h)
    h = _hash_value(m.spread, h)
    for p in range(m.participants):
        h = _add(h, _hash_pending(m, p))
    return h
