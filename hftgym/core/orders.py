"""The life of a resting order: it comes to rest, trades, shows its next slice, expires, ends."""

from __future__ import annotations

from hftgym.core.book import (
    add_volume,
    give_order,
    link,
    make_room,
    reduce,
    rest,
    side_index,
    take_order,
    unlink,
)
from hftgym.core.constants import (
    NEVER_NS,
    NONE,
    Flag,
    LogKind,
    LogMark,
    Matching,
    MessageKind,
    OrderMark,
    Phase,
    Reason,
    ReportKind,
)
from hftgym.core.desks import trades_at
from hftgym.core.jit import inlined, leaf
from hftgym.core.ledger import open_lots, settle, write_log
from hftgym.core.responses import report

_HIDDEN = int(Flag.HIDDEN)
_ICEBERG = int(Flag.ICEBERG)
_STOP = int(Flag.STOP)
_GTD = int(Flag.GTD)
_DAY = int(Flag.DAY)
_NEEDS_RARE = _ICEBERG | _GTD | _DAY
_MARKET = int(OrderMark.MARKET)
_TOP = int(OrderMark.TOP)
_RARE = int(OrderMark.RARE)
#: What stays with an order of the flags of its message.
_STAYS = int(Flag.POST_ONLY) | int(Flag.POST_ONLY_SLIDE) | _HIDDEN | _ICEBERG
_OK = int(Reason.OK)
_EXPIRED = int(Reason.EXPIRED)
_LIMIT = int(MessageKind.LIMIT)
_CANCELLED = int(ReportKind.CANCELLED)
_LOG_REST = int(LogKind.REST)
_LOG_CANCEL = int(LogKind.CANCEL)
_MARK_HIDDEN = int(LogMark.HIDDEN)
_MARK_ICEBERG = int(LogMark.ICEBERG)
_PRO_RATA = int(Matching.PRO_RATA)
_CONTINUOUS = int(Phase.CONTINUOUS)


# ------------------------------------------------------------------ side records
@leaf
def init_rare(m):
    """Empty the pool of side records."""
    m.rare_free = NONE
    m.rare_high = 0
    m.rare_live = 0
    m.slices = 0
    m.expiry_head = NONE
    m.expiry_tail = NONE
    m.due_ns = NEVER_NS


@inlined
def has_rare_room(m):
    """Return whether there is room for another side record."""
    return m.rare_live < len(m.rare)


@inlined
def needs_rare(flags):
    """Return whether a resting order with these flags has a side record."""
    return flags & _NEEDS_RARE != 0


@leaf
def add_rare(m, index):
    """Give an order a side record, which there is room for; its index."""
    j = m.rare_free
    if j != NONE:
        m.rare_free = m.rare[j].next
    else:
        j = m.rare_high
        m.rare_high += 1
    m.rare_live += 1
    m.rare_serial += 1
    o = m.orders[index]
    r = m.rare[j]
    r.reserve = 0
    r.display = 0
    r.expire_ns = NEVER_NS
    r.limit_px = 0
    r.serial = m.rare_serial
    r.slices = 0
    r.order = index
    r.slot = o.slot
    r.kind = _LIMIT
    r.flags = 0
    o.slot = j
    o.flags |= _RARE
    return j


@leaf
def drop_rare(m, index):
    """Take the side record of an order away; the order has its own slot back."""
    o = m.orders[index]
    j = o.slot
    r = m.rare[j]
    o.slot = r.slot
    o.flags &= 0xFF ^ _RARE
    m.slices -= r.slices
    if r.flags & _GTD:
        _drop_expiry(m, j)
    r.order = NONE
    r.next = m.rare_free
    m.rare_free = j
    m.rare_live -= 1


@inlined
def slot_of(m, o):
    """Return the owner's slot of an order (a tape's ordinal, a bare book's generation)."""
    return m.rare[o.slot].slot if o.flags & _RARE else o.slot


@inlined
def gen_of(m, o, slot):
    """Return the generation of the message that brought a participant's order."""
    if o.owner == m.tape.owner:
        return 0
    return m.slots[m.part[o.owner].own_first + slot].gen


@inlined
def reserve_of(m, o):
    """Return the lots of an order that are not shown."""
    return m.rare[o.slot].reserve if o.flags & _RARE else 0


# ------------------------------------------------------------------ expiry
@leaf
def _add_expiry(m, j, expire_ns):
    """Sort a side record into the list of ends: behind those of the same time."""
    r = m.rare[j]
    r.expire_ns = expire_ns
    prev = m.expiry_tail
    while prev != NONE and m.rare[prev].expire_ns > expire_ns:
        prev = m.rare[prev].prev
    nxt = m.expiry_head if prev == NONE else m.rare[prev].next
    r.prev = prev
    r.next = nxt
    if prev == NONE:
        m.expiry_head = j
    else:
        m.rare[prev].next = j
    if nxt == NONE:
        m.expiry_tail = j
    else:
        m.rare[nxt].prev = j


@leaf
def _drop_expiry(m, j):
    r = m.rare[j]
    if r.prev == NONE:
        m.expiry_head = r.next
    else:
        m.rare[r.prev].next = r.next
    if r.next == NONE:
        m.expiry_tail = r.prev
    else:
        m.rare[r.next].prev = r.prev


@leaf
def expires_now(m, b):
    """Return whether the time of an order of a book has come."""
    j = m.expiry_head
    while j != NONE and m.rare[j].expire_ns <= m.now_ns:
        if trades_at(m, m.orders[m.rare[j].order].owner, b):
            return True
        j = m.rare[j].next
    return False


@leaf
def expire_due(m, log, b):
    """End all orders of a book whose time has come, in the order of their ends."""
    j = m.expiry_head
    while j != NONE and m.rare[j].expire_ns <= m.now_ns:
        following = m.rare[j].next
        if trades_at(m, m.orders[m.rare[j].order].owner, b):
            end_order(m, log, b, m.rare[j].order, _EXPIRED, _LIMIT)
        j = following


# ------------------------------------------------------------------ coming to rest
@inlined
def shown_lots(flags, display_lots, lots):
    """Return the lots that an order shows of those it has open."""
    return min(lots, display_lots) if flags & _ICEBERG else lots


@inlined
def place_own(m, p, slot, gen):
    """Take a slot of the pool for an order of a participant; its index in the pool.

    In a bare book the slot was taken when the order came: it is what its owner knows it by.
    """
    if m.bare != 0:
        return gen
    index = take_order(m)
    cell = m.slots[m.part[p].own_first + slot]
    cell.order = index
    cell.gen = gen
    return index


@leaf
def rest_own(m, log, b, p, slot, gen, side, px, lots, flags, display_lots, expire_ns):
    """Let an order of a participant rest. The caller has made sure of room."""
    key = side * px
    s = b.sides[side_index(side)]
    stays = flags & _STAYS
    if (
        b.instrument.matching == _PRO_RATA
        and b.instrument.phase == _CONTINUOUS
        and key > s.best
        and stays & _HIDDEN == 0
    ):
        stays |= _TOP
    index = place_own(m, p, slot, gen)
    shown = shown_lots(flags, display_lots, lots)
    rest(m, s, index, p, slot, key, shown, stays)
    open_lots(m, p, side, lots, 1)
    if needs_rare(flags):
        write_rare(m, index, lots - shown, display_lots, expire_ns, flags)
    marks = _MARK_HIDDEN if flags & _HIDDEN else 0
    write_log(m, log, _LOG_REST, p, slot, NONE, NONE, side, px, shown, _OK, marks)


@leaf
def write_rare(m, index, reserve, display_lots, expire_ns, flags):
    """Give an order a side record with what its instructions need; its index."""
    j = add_rare(m, index)
    r = m.rare[j]
    r.flags = flags
    r.reserve = reserve
    if flags & _ICEBERG:
        r.display = display_lots
        r.slices = reserve // display_lots + 1
        m.slices += r.slices
    if flags & _GTD:
        _add_expiry(m, j, expire_ns)
        renew_due(m)
    return j


@leaf
def renew_due(m):
    """Note when the next order or phase ends, and whether stops are left to wake, in any book."""
    due_ns = NEVER_NS
    if m.expiry_head != NONE:
        due_ns = min(due_ns, m.rare[m.expiry_head].expire_ns)
    if m.plan_next < m.plan_count:
        due_ns = min(due_ns, m.plan[m.plan_next].t_ns)
    for k in range(len(m.books)):
        due_ns = min(due_ns, m.books[k].own_end_ns)
        if m.books[k].stops_left != 0:
            due_ns = m.now_ns
    m.due_ns = due_ns


# ------------------------------------------------------------------ market orders that wait
@leaf
def _unlink_waiting(m, w, o):
    w.lots -= o.lots
    if o.prev == NONE:
        w.head = o.next
    else:
        m.orders[o.prev].next = o.next
    if o.next == NONE:
        w.tail = o.prev
    else:
        m.orders[o.next].prev = o.prev


@leaf
def wait_own(m, log, b, p, slot, gen, side, px, lots):
    """Let a market order wait for the uncross."""
    index = place_own(m, p, slot, gen)
    o = m.orders[index]
    o.px = px
    o.lots = lots
    o.slot = slot
    o.owner = p
    o.side = side
    o.flags = _MARKET
    w = b.waiting[side_index(side)]
    w.lots += lots
    o.prev = w.tail
    o.next = NONE
    if w.tail == NONE:
        w.head = index
    else:
        m.orders[w.tail].next = index
    w.tail = index
    open_lots(m, p, side, lots, 1)
    write_log(m, log, _LOG_REST, p, slot, NONE, NONE, side, px, lots, _OK, _MARK_HIDDEN)


# ------------------------------------------------------------------ leaving
@inlined
def _forget(m, order_index):
    """Break the link from its owner's slot (or tape ordinal) to an order that is leaving."""
    if m.bare != 0:
        return
    o = m.orders[order_index]
    slot = slot_of(m, o)
    if o.owner == m.tape.owner:
        if slot != NONE and m.tape_order[slot] == order_index:
            m.tape_order[slot] = NONE
    else:
        m.slots[m.part[o.owner].own_first + slot].order = NONE


@leaf
def withdraw(m, b, order_index):
    """Take an order from its place and from its owner's open lots; its slot in the pool stays."""
    o = m.orders[order_index]
    side = side_index(o.side)
    open_lots(m, o.owner, o.side, -(o.lots + reserve_of(m, o)), -1)
    _forget(m, order_index)
    if o.flags & _MARKET:
        _unlink_waiting(m, b.waiting[side], o)
    elif o.flags & _STOP:
        unlink(m, b.sides[2 + side], order_index)
    else:
        unlink(m, b.sides[side], order_index)
    if o.flags & _RARE:
        drop_rare(m, order_index)


@leaf
def take_out(m, b, order_index):
    """Remove an order for good."""
    withdraw(m, b, order_index)
    give_order(m, order_index)


@leaf
def lift(m, b, order_index):
    """Take an order from its place to let it act once more, for ``conclude``.

    In a bare book it keeps its slot in the pool: its owner knows it by that.
    """
    withdraw(m, b, order_index)
    if m.bare == 0:
        give_order(m, order_index)


@leaf
def end_order(m, log, b, order_index, reason, request):
    """Cancel an order and tell its owner."""
    o = m.orders[order_index]
    slot = slot_of(m, o)
    px = m.rare[o.slot].limit_px if o.flags & _STOP else o.px
    lots = o.lots + reserve_of(m, o)
    seen = 0 if o.flags & (_HIDDEN | _MARKET | _STOP) == 0 else _MARK_HIDDEN
    shown = lots if seen else o.lots
    write_log(m, log, _LOG_CANCEL, o.owner, slot, NONE, NONE, o.side, px, shown, reason, seen)
    if m.bare == 0:
        gen = gen_of(m, o, slot)
        report(m, o.owner, _CANCELLED, reason, request, slot, gen, o.side, px, lots, 0)
    take_out(m, b, order_index)


# ------------------------------------------------------------------ trading
@leaf
def show_again(m, log, b, order_index, lots):
    """Let an iceberg whose shown lots are gone show the next slice of ``lots`` that are left.

    It goes to the back of its price, and is no longer the top order.
    """
    o = m.orders[order_index]
    s = b.sides[side_index(o.side)]
    key = o.side * o.px
    r = m.rare[o.slot]
    shown = min(r.display, lots)
    o.flags &= 0xFF ^ _TOP
    if o.prev == NONE and o.next == NONE:  # alone: leaving would move the window
        add_volume(s, key, shown - o.lots)
        o.lots = shown
    else:
        unlink(m, s, order_index)
        o.lots = shown
        make_room(s, key)
        link(m, s, order_index, key)
    r.reserve = lots - shown
    write_log(
        m, log, _LOG_REST, o.owner, r.slot, NONE, NONE, o.side, o.px, shown, _OK, _MARK_ICEBERG
    )


@inlined
def fill_here(m, log, b, order_index, taker, taker_slot, taker_gen, lots):
    """``fill``, for the loop in which nearly all trades happen."""
    o = m.orders[order_index]
    side = o.side
    slot = slot_of(m, o)
    gen = order_index if m.bare != 0 else gen_of(m, o, slot)
    marks = _MARK_HIDDEN if o.flags & _HIDDEN else 0
    settle(m, log, b, o.owner, slot, gen, taker, taker_slot, taker_gen, -side, o.px, lots, marks)
    if lots < o.lots:
        open_lots(m, o.owner, side, -lots, 0)
        reduce(b.sides[side_index(side)], o, lots)
    elif reserve_of(m, o) > 0:
        open_lots(m, o.owner, side, -lots, 0)
        show_again(m, log, b, order_index, reserve_of(m, o))
    else:
        take_out(m, b, order_index)


@leaf
def fill(m, log, b, order_index, taker, taker_slot, taker_gen, lots):
    """Trade ``lots``, at most those that it shows, of a resting order with an aggressor."""
    fill_here(m, log, b, order_index, taker, taker_slot, taker_gen, lots)


@leaf
def shrink(m, b, order_index, lots):
    """Take open ``lots``, fewer than all, from a resting order: from its reserve first."""
    o = m.orders[order_index]
    open_lots(m, o.owner, o.side, -lots, 0)
    if o.flags & _RARE:
        r = m.rare[o.slot]
        reserved = min(lots, r.reserve)
        r.reserve -= reserved
        lots -= reserved
    if lots == 0:
        return
    if o.flags & _MARKET:
        o.lots -= lots
        b.waiting[side_index(o.side)].lots -= lots
    elif o.flags & _STOP:
        o.lots -= lots
        add_volume(b.sides[2 + side_index(o.side)], -o.side * o.px, -lots)
    else:
        reduce(b.sides[side_index(o.side)], o, lots)
