"""History in a live book: plays the operations of a compiled tape (``hftgym.data.tape``).

History's own window H was replayed when the tape was compiled; agents can not touch it. Here each
operation acts on the live book S and clamps to what is left there. Without agents S equals H after
every row, at every level.
"""

from __future__ import annotations

from hftgym.core.book import (
    has_room,
    level_head,
    make_room,
    next_key,
    rest,
    side_index,
    take_order,
    to_front,
)
from hftgym.core.constants import (
    NO_KEY,
    NO_PX,
    NONE,
    EventClass,
    Fault,
    LogKind,
    MessageKind,
    OrderMark,
    Phase,
    Reason,
    Stp,
    TapeFlag,
    TapeKind,
    WakeOn,
)
from hftgym.core.jit import leaf
from hftgym.core.ledger import open_lots, write_log
from hftgym.core.matching import match
from hftgym.core.order_entry import give_message, take_message
from hftgym.core.orders import add_rare, fill, has_rare_room, shrink, take_out
from hftgym.core.phases import change_phase, finish
from hftgym.core.queue import append_message
from hftgym.core.views import trigger_all

_ADD = int(TapeKind.ADD)
_FRONT = int(TapeKind.FRONT)
_REDUCE = int(TapeKind.REDUCE)
_REMOVE = int(TapeKind.REMOVE)
_EXEC = int(TapeKind.EXEC)
_HIDDEN = int(TapeKind.HIDDEN)
_PRINT = int(TapeKind.PRINT)
_PHASE = int(TapeKind.PHASE)
_ROW_END = int(TapeFlag.ROW_END)
_CONTINUOUS = int(Phase.CONTINUOUS)
_HALT = int(Phase.HALT)
_EXPIRY = int(EventClass.EXPIRY)
_OK = int(Reason.OK)
_LOG_REST = int(LogKind.REST)
_LOG_CANCEL = int(LogKind.CANCEL)
_LOG_HIDDEN = int(LogKind.HIDDEN_TRADE)
_ON_TRADE = int(WakeOn.TRADE)
_RARE = int(OrderMark.RARE)
_LIMIT = int(MessageKind.LIMIT)
_STP_OFF = int(Stp.OFF)
_ORDER_POOL = int(Fault.ORDER_POOL)
_ORDINALS = int(Fault.TAPE_ORDINALS)
_MESSAGE_POOL = int(Fault.MESSAGE_POOL)


@leaf
def _post(m, log, b, op, front):
    """Post an order of history: it trades with agents that it crosses, the rest rests."""
    if op.ordinal < 0 or op.ordinal >= len(m.tape_order):
        m.fault = _ORDINALS
        return
    tape = m.tape
    old = m.tape_order[op.ordinal]
    if old != NONE:  # a survivor whose ordinal history uses again: it rests on, without a name
        o = m.orders[old]
        if o.flags & _RARE:
            m.rare[o.slot].slot = NONE
        else:
            o.slot = NONE
    lots = match(m, log, b, tape.owner, NONE, 0, op.side, op.px, op.lots, _STP_OFF, _LIMIT)
    m.tape_order[op.ordinal] = NONE
    if lots == 0:
        return
    s = b.sides[side_index(op.side)]
    key = op.side * op.px
    if not has_room(m) or not make_room(s, key):
        m.fault = _ORDER_POOL
        return
    index = take_order(m)
    rest(m, s, index, tape.owner, op.ordinal, key, lots, 0)
    if front:
        to_front(m, s, index)
    write_log(m, log, _LOG_REST, tape.owner, op.ordinal, NONE, NONE, op.side, op.px, lots, _OK, 0)
    m.tape_order[op.ordinal] = index
    open_lots(m, tape.owner, op.side, lots, 1)


@leaf
def _shrink(m, log, b, order_index, lots):
    """Take lots, or all that is left, from an order of history; what was taken."""
    o = m.orders[order_index]
    taken = min(lots, o.lots)
    write_log(m, log, _LOG_CANCEL, o.owner, NONE, NONE, NONE, o.side, o.px, taken, _OK, 0)
    if taken == o.lots:
        take_out(m, b, order_index)
    else:
        shrink(m, b, order_index, taken)
    return taken


@leaf
def _cancel(m, log, b, op):
    """Cancel lots of an order of history, clamped to what is left of it."""
    order_index = m.tape_order[op.ordinal] if op.ordinal >= 0 else NONE
    taken = 0
    if order_index != NONE:
        lots = m.orders[order_index].lots if op.kind == _REMOVE else op.lots
        taken = _shrink(m, log, b, order_index, lots)
    m.tape.clamped += max(op.lots - taken, 0)


@leaf
def _fill_agents(m, log, b, side, head, stop, lots):
    """Fill agents' orders of one level from ``head`` until ``stop``; lots left."""
    order_index = head
    while lots > 0 and order_index != NONE and order_index != stop:
        following = m.orders[order_index].next
        if m.orders[order_index].owner != m.tape.owner:
            part_lots = min(lots, m.orders[order_index].lots)
            fill(m, log, b, order_index, m.tape.owner, NONE, 0, part_lots)
            lots -= part_lots
        order_index = following
    return lots


@leaf
def _execute(m, log, b, op):
    """Execute an aggressor of history: better prices, agents ahead, the named order, the rest."""
    tape = m.tape
    tape.volume += op.lots
    side = op.side
    s = b.sides[side_index(side)]
    key = side * op.px
    before = b.trades
    lots = op.lots
    while lots > 0 and s.best != NO_KEY and s.best > key:
        order_index = level_head(s, s.best)
        part_lots = min(lots, m.orders[order_index].lots)
        fill(m, log, b, order_index, tape.owner, NONE, 0, part_lots)
        lots -= part_lots
    named = m.tape_order[op.ordinal] if op.ordinal >= 0 else NONE
    done = 0
    if named != NONE:
        lots = _fill_agents(m, log, b, side, level_head(s, key), named, lots)
    if named != NONE and lots > 0:
        done = min(lots, m.orders[named].lots)
        fill(m, log, b, named, tape.owner, NONE, 0, done)
        lots -= done
    while lots > 0 and s.best != NO_KEY and s.best >= key:
        order_index = level_head(s, s.best)
        part_lots = min(lots, m.orders[order_index].lots)
        fill(m, log, b, order_index, tape.owner, NONE, 0, part_lots)
        lots -= part_lots
    tape.missed += lots
    if b.trades != before:
        trigger_all(m, b, _ON_TRADE)
    # History executed more of the named order than agents left to it: the surplus goes. An order
    # that has gone is no longer that of its ordinal.
    if named != NONE and m.tape_order[op.ordinal] == named:
        surplus = min(op.lots - done, m.orders[named].lots)
        if surplus > 0:
            tape.surviving += surplus
            if tape.resilience_ns == 0:
                _shrink(m, log, b, named, surplus)
            else:
                _expire_later(m, named, surplus)


@leaf
def _expire_later(m, order_index, lots):
    """Let some lots of an order go later; its side record has a serial that no other one has."""
    o = m.orders[order_index]
    if o.flags & _RARE == 0:
        if not has_rare_room(m):
            m.fault = _ORDER_POOL
            return
        add_rare(m, order_index)
    j = take_message(m)
    if j == NONE:
        m.fault = _MESSAGE_POOL
        return
    m.messages[j].slot = o.slot
    m.messages[j].px = m.rare[o.slot].serial
    m.messages[j].lots = lots
    m.messages[j].t_ns = m.now_ns + m.tape.resilience_ns
    append_message(m, m.tape.owner, j, _EXPIRY)  # the tape has nothing else on its way


@leaf
def on_expiry(m, log, j):
    """Cancel what survived of an order of history, if it is still there."""
    msg = m.messages[j]
    r = m.rare[msg.slot]
    if r.order != NONE and r.serial == msg.px:
        b = m.books[0]
        b.band_px = b.last_px
        _shrink(m, log, b, r.order, msg.lots)
        finish(m, log, b)
    give_message(m, j)


@leaf
def _print(b, px):
    """Let a trade of history that touches no order set the last price."""
    b.last_px = px
    b.stop_px = px


@leaf
def _execute_hidden(m, log, b, op):
    """Execute against hidden liquidity: agents at its price or better first, the rest prints."""
    m.tape.hidden_volume += op.lots
    before = b.trades
    s = b.sides[side_index(op.side)]
    lots = op.lots
    key = s.best
    while lots > 0 and key != NO_KEY and key >= op.side * op.px:
        worse = next_key(s, key)
        lots = _fill_agents(m, log, b, op.side, level_head(s, key), NONE, lots)
        key = worse
    if lots > 0:
        write_log(m, log, _LOG_HIDDEN, NONE, NONE, m.tape.owner, NONE, -op.side, op.px, lots, 0, 0)
    _print(b, op.px)
    if b.trades != before:
        trigger_all(m, b, _ON_TRADE)


@leaf
def _set_phase(m, log, b, op):
    """Follow a halt (-1), the return of quoting (0) or of trading (1)."""
    if op.lots != 0:
        change_phase(m, log, b, _CONTINUOUS if op.lots > 0 else _HALT)


@leaf
def _measure_gap(m, b, op):
    """Account the time for which the live touch differed from history's."""
    tape = m.tape
    if tape.h_known != 0:
        span = m.now_ns - tape.gap_since_ns
        tape.time_ns += span
        tape.gap_ns[tape.gap_now] += span
    gap = 0
    if op.h_bid_px > -NO_PX and b.touch_bid_px > -NO_PX:
        gap += abs(b.touch_bid_px - op.h_bid_px)
    if op.h_ask_px < NO_PX and b.touch_ask_px < NO_PX:
        gap += abs(b.touch_ask_px - op.h_ask_px)
    tape.gap_now = min(gap, len(tape.gap_ns) - 1)
    tape.gap_since_ns = m.now_ns
    tape.h_bid_px = op.h_bid_px
    tape.h_ask_px = op.h_ask_px
    tape.h_known = 1
    tape.row = op.row


@leaf
def play(m, log, op):
    """Play one operation of the tape."""
    b = m.books[0]
    b.band_px = b.last_px
    kind = op.kind
    if kind == _ADD:
        _post(m, log, b, op, False)
    elif kind == _FRONT:
        _post(m, log, b, op, True)
    elif kind == _REDUCE or kind == _REMOVE:
        _cancel(m, log, b, op)
    elif kind == _EXEC:
        _execute(m, log, b, op)
    elif kind == _HIDDEN:
        _execute_hidden(m, log, b, op)
    elif kind == _PRINT:
        _print(b, op.px)
    elif kind == _PHASE:
        _set_phase(m, log, b, op)
    if op.flags & _ROW_END:
        m.messages_done += 1
        m.tape_rows_done += 1
        finish(m, log, b)
        _measure_gap(m, b, op)
