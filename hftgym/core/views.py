"""Views of the public feed: captured at c, decided on at c + feed latency.

At most one scheduled and one triggered capture of a participant are in flight, so captures never go
back. A scheduled one may be put off until something changes what it shows (``capture_deferred``).
"""

from __future__ import annotations

import numpy as np

from hftgym.core.bits import rarely
from hftgym.core.book import lots_ahead, next_key, side_index, visible_key
from hftgym.core.constants import (
    BUY,
    NEVER_NS,
    NO_KEY,
    NO_PX,
    NONE,
    QUEUE_SLOTS,
    SELL,
    Channel,
    EventClass,
    Fault,
    LatencyKind,
    Phase,
    WakeOn,
)
from hftgym.core.desks import book_of, other_mid_2px, trades_at, value_of
from hftgym.core.jit import inlined, leaf
from hftgym.core.latency import TRIGGERED_STREAM, delay_ns
from hftgym.core.queue import clear, put, rank_behind

_SCHEDULED = int(Channel.SCHEDULED)
_TRIGGERED = int(Channel.TRIGGERED)
_CAPTURE = int(EventClass.CAPTURE)
_DELIVERY = int(EventClass.FEED_DELIVERY)
_CONTINUOUS = int(Phase.CONTINUOUS)
_WAKE_FILL = int(WakeOn.FILL)
_AT_ONCE = int(LatencyKind.CONSTANT)
_ONE = np.uint64(1)
_VIEW_POOL = int(Fault.VIEW_POOL)


@leaf
def init_views(m):
    """Chain the pool of views."""
    for i in range(len(m.view_next)):
        m.view_next[i] = i + 1
    m.view_next[len(m.view_next) - 1] = NONE
    m.view_free = 0


@inlined
def _fill_side(s, px, lots, empty_px, levels):
    key = visible_key(s, s.best)
    mask = len(s.levels) - 1
    for i in range(levels):
        if key == NO_KEY:
            px[i] = empty_px
            lots[i] = 0
        else:
            px[i] = s.side * key
            if key >= s.base:
                lots[i] = s.levels[key & mask].volume
            else:
                far = s.far_head
                while s.far[far].key != key:
                    far = s.far[far].next
                lots[i] = s.far[far].level.volume
            if i + 1 < levels:
                key = visible_key(s, next_key(s, key))


@inlined
def _capture(m, p, channel, t_ns):
    """Write into a view what ``p`` would see of the market at ``t_ns``: it is as it was then."""
    part = m.part[p]
    v = m.view_free
    if rarely(v == NONE):
        m.fault = _VIEW_POOL
        return
    m.view_free = m.view_next[v]
    if channel == _SCHEDULED:
        part.scheduled_view = v
        part.views_scheduled += _ONE
    else:
        part.triggered_view = v
        part.views_triggered += _ONE
    view = m.views[v]
    b = book_of(m, p)
    view.t_ns = t_ns
    _fill_side(b.sides[side_index(BUY)], view.bid_px, view.bid_lots, -NO_PX, part.view_levels)
    _fill_side(b.sides[side_index(SELL)], view.ask_px, view.ask_lots, NO_PX, part.view_levels)
    view.mid_2px = b.mid_2px
    view.other_mid_2px = other_mid_2px(m, p)
    view.last_px = b.last_px
    view.trades = b.trades
    view.volume = b.volume
    view.signed_volume = b.signed_volume
    view.ofi = b.ofi
    view.phase = b.instrument.phase
    view.stale = 1 if b.instrument.phase != _CONTINUOUS else 0
    view.indicative_px = b.indicative_px
    view.indicative_lots = b.indicative_lots
    view.surplus_lots = b.surplus_lots
    if part.signal_delay_ns >= 0:
        view.signal = value_of(m, p, t_ns - part.signal_delay_ns)
    else:
        view.signal = np.nan
    for slot in range(QUEUE_SLOTS):
        ahead = -1
        if part.queue_view != 0 and slot < part.own_capacity:
            i = m.slots[part.own_first + slot].order
            if i != NONE:
                ahead = lots_ahead(m, i)
        view.queue_ahead[slot] = ahead
    m.captures_done += 1


@leaf
def first_view(m, p):
    """Let the first view of a participant be captured now."""
    put(m, p, _SCHEDULED, m.now_ns, _CAPTURE, 0)


@leaf
def _feed_delay_ns(m, table, part, channel):
    """Return the latency of the next view of a kind on a feed that varies."""
    index = part.views_scheduled
    if channel == _TRIGGERED:
        index = part.views_triggered + TRIGGERED_STREAM
    time_ns = m.now_ns - m.open_ns
    return part.feed_ns + delay_ns(table, part.feed_kind, part.feed, index, time_ns)


@inlined
def _may_defer(m, part):
    """Return whether the capture of the next scheduled view may be put off.

    It must come at a known time, with no triggered view before it, and so soon that the value is
    remembered.
    """
    return (
        part.feed_kind == _AT_ONCE
        and part.wake_on == 0
        and part.triggered == 0
        and part.feed_ns + part.signal_delay_ns <= m.deferred_span_ns
    )


@leaf
def capture_deferred(m, until_ns):
    """Capture the deferred views of before ``until_ns``: what they show is about to change."""
    m.next_deferred_ns = NEVER_NS
    for p in range(m.participants):
        t_ns = m.deferred_ns[p]
        if t_ns < until_ns:
            m.deferred_ns[p] = NEVER_NS
            _capture(m, p, _SCHEDULED, t_ns)
        else:
            m.next_deferred_ns = min(m.next_deferred_ns, t_ns)


@inlined
def delivered_view(m, p, channel):
    """Return the view that is delivered, captured at last when nothing has changed since."""
    part = m.part[p]
    if channel == _TRIGGERED:
        return part.triggered_view
    if m.deferred_ns[p] < NEVER_NS:
        t_ns = m.deferred_ns[p]
        m.deferred_ns[p] = NEVER_NS
        _capture(m, p, _SCHEDULED, t_ns)
    return part.scheduled_view


@inlined
def schedule_view(m, table, p, wake_ns):
    """Ask for a view that arrives at ``wake_ns``, or as soon after as the feed allows.

    The last wish counts: it takes the place of the one before.
    """
    part = m.part[p]
    if wake_ns >= NEVER_NS:
        clear(m, p, _SCHEDULED)
        return
    latency_ns = part.feed_ns
    if rarely(part.feed_kind != _AT_ONCE):
        latency_ns = _feed_delay_ns(m, table, part, _SCHEDULED)
    capture_ns = max(m.now_ns, wake_ns - latency_ns)
    if _may_defer(m, part):
        m.deferred_ns[p] = capture_ns
        m.next_deferred_ns = min(m.next_deferred_ns, capture_ns)
        part.last_delivery_ns = max(capture_ns + latency_ns, part.last_delivery_ns)
        put(m, p, _SCHEDULED, part.last_delivery_ns, _DELIVERY, 0)
    else:
        put(m, p, _SCHEDULED, capture_ns, _CAPTURE, 0)


@leaf
def trigger_view(m, p):
    """Capture a view now, because something happened that ``p`` wakes on."""
    part = m.part[p]
    if part.triggered == 0:
        part.triggered = 1
        put(m, p, _TRIGGERED, m.now_ns, _CAPTURE, 0)


@leaf
def trigger_all(m, b, flag):
    """Trigger views of everybody who trades this book and wakes on this public event of it."""
    if m.wake_mask & flag:
        for p in range(m.participants):
            if m.part[p].wake_on & flag and trades_at(m, p, b):
                trigger_view(m, p)


@inlined
def on_capture(m, table, p, channel):
    """Capture a view and send it along the feed."""
    part = m.part[p]
    latency_ns = part.feed_ns
    if rarely(part.feed_kind != _AT_ONCE):
        latency_ns = _feed_delay_ns(m, table, part, channel)
    delivery_ns = max(m.now_ns + latency_ns, part.last_delivery_ns)
    if channel == _TRIGGERED and part.wake_on & _WAKE_FILL:
        delivery_ns = max(delivery_ns, part.last_response_ns)  # decide after the private fill
    _capture(m, p, channel, m.now_ns)
    part.last_delivery_ns = delivery_ns
    rank = rank_behind(m, p, _SCHEDULED + _TRIGGERED - channel, delivery_ns, _DELIVERY)
    put(m, p, channel, delivery_ns, _DELIVERY, rank)


@leaf
def release_view(m, p, v):
    """Give back a view that its reader has used."""
    part = m.part[p]
    if v == part.scheduled_view:
        part.scheduled_view = NONE
    else:
        part.triggered_view = NONE
        part.triggered = 0
    m.view_next[v] = m.view_free
    m.view_free = v
