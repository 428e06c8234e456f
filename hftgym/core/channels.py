"""What participants send, hear and see: three first-in-first-out channels each.

Order entry: a message sent at s acts at max(s + order latency, previous arrival). Private
responses: known at a + response latency; they queue up and are read when their owner decides.
Public feed: a view is captured at c, and its reader decides on it at c + feed latency. At most one
scheduled and one triggered capture of a participant are in flight, so captures never go back.
"""

from __future__ import annotations

import numpy as np

from hftgym.core.bits import rarely
from hftgym.core.book import lots_ahead, next_key, side_index, visible_key
from hftgym.core.calls import own_state
from hftgym.core.constants import (
    BUY,
    NEVER_NS,
    NO_KEY,
    NO_PX,
    NONE,
    QUEUE_SLOTS,
    SELL,
    STP_SHIFT,
    Channel,
    EventClass,
    Fault,
    Flag,
    LatencyKind,
    MessageKind,
    OwnState,
    Phase,
    ReportKind,
    WakeOn,
)
from hftgym.core.desks import book_of, other_mid_2px, trades_at, value_of
from hftgym.core.jit import inlined, leaf
from hftgym.core.latency import TRIGGERED_STREAM, delay_ns, lognormal_ns, needs_table
from hftgym.core.queue import append_message, clear, put, rank_behind

_SCHEDULED = int(Channel.SCHEDULED)
_TRIGGERED = int(Channel.TRIGGERED)
_CAPTURE = int(EventClass.CAPTURE)
_DELIVERY = int(EventClass.FEED_DELIVERY)
_ENTRY = int(EventClass.ORDER_ENTRY)
_LIMIT = int(MessageKind.LIMIT)
_MARKET = int(MessageKind.MARKET)
_CANCEL = int(MessageKind.CANCEL)
_AMEND = int(MessageKind.AMEND)
_FLAGS = (1 << STP_SHIFT) - 1
_RARE = int(Flag.STOP) | int(Flag.ICEBERG) | int(Flag.MIN_LOTS) | int(Flag.GTD)
_IOC = int(Flag.IOC)
_FREE = int(OwnState.FREE)
_PENDING_NEW = int(OwnState.PENDING_NEW)
_LIVE = int(OwnState.LIVE)
_PENDING_AMEND = int(OwnState.PENDING_AMEND)
_PENDING_CANCEL = int(OwnState.PENDING_CANCEL)
_ACCEPTED = int(ReportKind.ACCEPTED)
_FILL = int(ReportKind.FILL)
_CANCELLED = int(ReportKind.CANCELLED)
_AMENDED = int(ReportKind.AMENDED)
_REJECTED = int(ReportKind.REJECTED)
_CONTINUOUS = int(Phase.CONTINUOUS)
_WAKE_FILL = int(WakeOn.FILL)
_AT_ONCE = int(LatencyKind.CONSTANT)
_ONE = np.uint64(1)
_REPORT_POOL = int(Fault.REPORT_POOL)
_MESSAGE_POOL = int(Fault.MESSAGE_POOL)
_VIEW_POOL = int(Fault.VIEW_POOL)
_BAD_OUT = int(Fault.BAD_OUT)


@leaf
def init_channels(m):
    """Chain the pools of messages, reports and views."""
    for i in range(len(m.messages)):
        m.messages[i].next = i + 1
    m.messages[len(m.messages) - 1].next = NONE
    m.message_free = 0
    for i in range(len(m.reports)):
        m.reports[i].next = i + 1
    m.reports[len(m.reports) - 1].next = NONE
    m.report_free = 0
    for i in range(len(m.view_next)):
        m.view_next[i] = i + 1
    m.view_next[len(m.view_next) - 1] = NONE
    m.view_free = 0
    m.unstamped = NONE


# ------------------------------------------------------------------ order entry
@leaf
def take_message(m):
    """Take a message from the pool; NONE when it is empty."""
    i = m.message_free
    if i != NONE:
        m.message_free = m.messages[i].next
    return i


@leaf
def give_message(m, i):
    """Give a message back to the pool."""
    m.messages[i].next = m.message_free
    m.message_free = i


@inlined
def _note_sent(own, order, kind, side, px, lots, flags, now_ns):
    """Write what the sender knows after sending; False when the message makes no sense."""
    state = order.state
    if kind == _LIMIT or kind == _MARKET:
        if state != _FREE:
            return False
        order.state = _PENDING_NEW
        order.side = side
        order.px = px
        order.lots = lots
        order.filled = 0
        order.flags = flags & _FLAGS
        own.live += 1
    elif kind == _CANCEL:
        if state == _FREE or state == _PENDING_CANCEL:
            return False
        order.state = _PENDING_CANCEL
    elif kind == _AMEND:
        if state == _FREE or state == _PENDING_CANCEL:
            return False
        if state != _PENDING_NEW:
            order.state = _PENDING_AMEND
    else:
        return False
    order.pending_px = px
    order.gen += 1
    if kind != _CANCEL:
        order.sent_ns = now_ns
    return True


@leaf
def _order_delay_ns(m, table, part):
    """Return the latency of the next message on an order channel that varies."""
    index = part.orders_sent
    part.orders_sent += _ONE
    return part.order_ns + delay_ns(table, part.order_kind, part.order, index, m.now_ns - m.open_ns)


@inlined
def send(m, table, p, out):
    """Send the messages of one decision into the order channel.

    A message that makes no sense to its own sender (a new order in a used slot, a cancel of
    nothing) stays at home and is counted as a reject; a slot that does not exist is a fault.
    """
    part = m.part[p]
    own = own_state(m, p)
    if rarely(out.count < 0 or out.count > len(out.messages)):
        m.fault = _BAD_OUT
        return
    if part.order_ns == 0 and out.count > 0 and m.next_deferred_ns <= m.now_ns:
        capture_deferred(m, m.now_ns + 1)  # orders that act at once come behind these views
    for i in range(out.count):
        msg = out.messages[i]
        if rarely(msg.slot < 0 or msg.slot >= part.own_capacity):
            m.fault = _BAD_OUT
            return
        j = m.message_free
        if rarely(j == NONE):
            if part.background != 0:
                m.fault = _MESSAGE_POOL
                return
            own.rejects += 1
            continue
        order = own.orders[msg.slot]
        if msg.kind <= _AMEND and not _note_sent(
            own, order, msg.kind, msg.side, msg.px, msg.lots, msg.flags, m.now_ns
        ):
            own.rejects += 1
            continue
        m.message_free = m.messages[j].next
        w = m.messages[j]
        if rarely(msg.flags & _RARE):
            terms = out.terms[i]
            w.trigger_px = terms.trigger_px
            w.display_lots = terms.display_lots
            w.min_lots = terms.min_lots
            w.expire_ns = terms.expire_ns
        w.px = msg.px
        w.lots = msg.lots
        w.slot = msg.slot
        w.gen = order.gen
        w.participant = p
        w.flags = msg.flags
        w.kind = msg.kind
        w.side = msg.side
        latency_ns = part.order_ns
        if rarely(part.order_kind != _AT_ONCE):
            latency_ns = _order_delay_ns(m, table, part)
        arrival = max(m.now_ns + latency_ns, part.last_arrival_ns)
        part.last_arrival_ns = arrival
        part.account.messages += 1
        w.t_ns = arrival
        append_message(m, p, j, _ENTRY)


# ------------------------------------------------------------------ private responses
@inlined
def report(m, p, kind, reason, request, slot, gen, side, px, lots, fee):
    """Queue a private response; ``fee`` is money paid. Participants without slots hear nothing."""
    if m.bare != 0:
        return
    part = m.part[p]
    if part.own_capacity == 0:
        return
    i = m.report_free
    if i == NONE:
        # Nobody has read for long: what is known by now may be read without changing anything.
        for q in range(m.participants):
            read_reports(m, q, m.now_ns)
        i = m.report_free
        if i == NONE:
            m.fault = _REPORT_POOL
            return
    r = m.reports[i]
    m.report_free = r.next
    if part.response_kind == _AT_ONCE:
        r.t_ns = max(m.now_ns + part.response_ns, part.last_response_ns)
        part.last_response_ns = r.t_ns
    else:
        _stamp_later(m, p, i)
    r.kind = kind
    r.reason = reason
    r.request = request
    r.slot = slot
    r.gen = gen
    r.side = side
    r.px = px
    r.lots = lots
    r.fee = fee
    r.next = NONE
    if part.report_tail == NONE:
        part.report_head = i
    else:
        m.reports[part.report_tail].next = i
    part.report_tail = i


@leaf
def _stamp(m, part, r, delay):
    part.responses_sent += _ONE
    r.t_ns = max(m.now_ns + part.response_ns + delay, part.last_response_ns)
    part.last_response_ns = r.t_ns


@leaf
def _stamp_later(m, p, i):
    """Stamp response ``i`` at once if that needs no table, else at the end of the event."""
    part = m.part[p]
    r = m.reports[i]
    if not needs_table(part.response_kind):
        _stamp(m, part, r, lognormal_ns(part.response, part.responses_sent))
        return
    r.t_ns = NEVER_NS
    if part.unstamped == NONE:
        part.unstamped = i
        part.next_unstamped = m.unstamped
        m.unstamped = p


@leaf
def stamp_responses(m, table):
    """Give the responses of this event the latencies that stand in the table."""
    time_ns = m.now_ns - m.open_ns
    while m.unstamped != NONE:
        part = m.part[m.unstamped]
        m.unstamped = part.next_unstamped
        i = part.unstamped
        part.unstamped = NONE
        while i != NONE:
            r = m.reports[i]
            index = part.responses_sent
            _stamp(m, part, r, delay_ns(table, part.response_kind, part.response, index, time_ns))
            i = r.next


@leaf
def _release(own, order):
    order.state = _FREE
    order.lots = 0
    own.live -= 1


@inlined
def _learn(own, r, unit_value):
    """Apply one response to what its reader knows."""
    order = own.orders[max(r.slot, 0)]
    kind = r.kind
    if kind == _FILL:
        own.position += r.side * r.lots
        own.cash -= r.side * r.lots * r.px * unit_value + r.fee
        own.fills += 1
        if r.side == BUY:
            own.last_bid_fill_ns = r.t_ns
        else:
            own.last_ask_fill_ns = r.t_ns
        if r.slot == NONE:  # the exchange closed a position
            return
        order.lots -= r.lots
        order.filled += r.lots
        if order.lots <= 0 and order.state != _FREE and order.state != _PENDING_NEW:
            _release(own, order)
    elif kind == _ACCEPTED:
        order.px = r.px
        order.lots = r.lots
        if order.state == _PENDING_NEW:
            order.state = _LIVE if order.gen == r.gen else _PENDING_AMEND
    elif kind == _AMENDED:
        order.px = r.px
        order.lots = r.lots
        if order.state == _PENDING_AMEND and order.gen == r.gen:
            order.state = _LIVE
        if r.lots <= 0:
            _release(own, order)
    elif kind == _CANCELLED:
        if order.state != _FREE:
            _release(own, order)
    elif kind == _REJECTED:
        own.rejects += 1
        if r.request == _LIMIT or r.request == _MARKET:
            _release(own, order)
        elif order.gen == r.gen and (
            order.state == _PENDING_AMEND or order.state == _PENDING_CANCEL
        ):
            order.state = _LIVE


@inlined
def read_reports(m, p, until_ns):
    """Let ``p`` learn every response that is known by ``until_ns``."""
    part = m.part[p]
    i = part.report_head
    if rarely(i == NONE or m.reports[i].t_ns > until_ns):
        return
    own = own_state(m, p)
    unit_value = book_of(m, p).instrument.unit_value
    while i != NONE and m.reports[i].t_ns <= until_ns:
        r = m.reports[i]
        _learn(own, r, unit_value)
        following = r.next
        r.next = m.report_free
        m.report_free = i
        i = following
    part.report_head = i
    if i == NONE:
        part.report_tail = NONE


# ------------------------------------------------------------------ public feed
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
