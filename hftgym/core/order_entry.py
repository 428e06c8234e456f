"""Order entry: what participants send, first in, first out.

A message sent at s acts at max(s + order latency, previous arrival of the same participant). Its
sender knows at once what it has sent, and learns from private responses what has become of it.
"""

from __future__ import annotations

import numpy as np

from hftgym.core.bits import rarely
from hftgym.core.calls import own_state
from hftgym.core.constants import (
    NONE,
    STP_SHIFT,
    EventClass,
    Fault,
    Flag,
    LatencyKind,
    MessageKind,
    OwnState,
)
from hftgym.core.jit import inlined, leaf
from hftgym.core.latency import delay_ns
from hftgym.core.queue import append_message
from hftgym.core.views import capture_deferred

_ENTRY = int(EventClass.ORDER_ENTRY)
_LIMIT = int(MessageKind.LIMIT)
_MARKET = int(MessageKind.MARKET)
_CANCEL = int(MessageKind.CANCEL)
_AMEND = int(MessageKind.AMEND)
_FLAGS = (1 << STP_SHIFT) - 1
_RARE = int(Flag.STOP) | int(Flag.ICEBERG) | int(Flag.MIN_LOTS) | int(Flag.GTD)
_FREE = int(OwnState.FREE)
_PENDING_NEW = int(OwnState.PENDING_NEW)
_PENDING_AMEND = int(OwnState.PENDING_AMEND)
_PENDING_CANCEL = int(OwnState.PENDING_CANCEL)
_AT_ONCE = int(LatencyKind.CONSTANT)
_ONE = np.uint64(1)
_MESSAGE_POOL = int(Fault.MESSAGE_POOL)
_BAD_OUT = int(Fault.BAD_OUT)


@leaf
def init_messages(m):
    """Chain the pool of messages."""
    for i in range(len(m.messages)):
        m.messages[i].next = i + 1
    m.messages[len(m.messages) - 1].next = NONE
    m.message_free = 0


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
