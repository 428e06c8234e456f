"""Private responses: what participants hear of their own orders, first in, first out.

What happens at a is known at a + response latency. Responses queue up and are read when their owner
decides.
"""

from __future__ import annotations

import numpy as np

from hftgym.core.bits import rarely
from hftgym.core.calls import own_state
from hftgym.core.constants import (
    BUY,
    NEVER_NS,
    NONE,
    Fault,
    LatencyKind,
    MessageKind,
    OwnState,
    ReportKind,
)
from hftgym.core.desks import book_of
from hftgym.core.jit import inlined, leaf
from hftgym.core.latency import delay_ns, lognormal_ns, needs_table

_LIMIT = int(MessageKind.LIMIT)
_MARKET = int(MessageKind.MARKET)
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
_AT_ONCE = int(LatencyKind.CONSTANT)
_ONE = np.uint64(1)
_REPORT_POOL = int(Fault.REPORT_POOL)


@leaf
def init_responses(m):
    """Chain the pool of responses; none waits for its latency."""
    for i in range(len(m.reports)):
        m.reports[i].next = i + 1
    m.reports[len(m.reports) - 1].next = NONE
    m.report_free = 0
    m.unstamped = NONE


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
