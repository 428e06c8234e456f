"""The exchange: validates, matches by price and time, keeps accounts, answers, and logs.

One message is one transaction. A reject is a code: it leaves book and accounts unchanged.
"""

from __future__ import annotations

import numpy as np

from hftgym.core.book import level_head, level_lots, make_room, reduce, remove, rest, side_index
from hftgym.core.channels import report, trigger_all, trigger_view
from hftgym.core.constants import (
    BUY,
    NO_KEY,
    NO_PX,
    NONE,
    SELL,
    Fault,
    Flag,
    LogKind,
    MessageKind,
    Phase,
    Reason,
    ReportKind,
    Stp,
    WakeOn,
)
from hftgym.core.jit import leaf
from hftgym.core.rng import mix

_LIMIT = int(MessageKind.LIMIT)
_MARKET = int(MessageKind.MARKET)
_CANCEL = int(MessageKind.CANCEL)
_AMEND = int(MessageKind.AMEND)
_IOC = int(Flag.IOC)
_POST_ONLY = int(Flag.POST_ONLY)
_SLIDE = int(Flag.POST_ONLY_SLIDE)
_POST = _POST_ONLY | _SLIDE
_OK = int(Reason.OK)
_TOO_LATE = int(Reason.TOO_LATE)
_BAD_QTY = int(Reason.BAD_QTY)
_BAD_PRICE = int(Reason.BAD_PRICE)
_NOT_ON_TICK = int(Reason.NOT_ON_TICK)
_POST_ONLY_CROSS = int(Reason.POST_ONLY_CROSS)
_POOL_FULL = int(Reason.POOL_FULL)
_MARKET_CLOSED = int(Reason.MARKET_CLOSED)
_IOC_REST = int(Reason.IOC_REST)
_SELF_TRADE = int(Reason.SELF_TRADE)
_KILLED = int(Reason.KILLED)
_BAD_MESSAGE = int(Reason.BAD_MESSAGE)
_ACCEPTED = int(ReportKind.ACCEPTED)
_FILL = int(ReportKind.FILL)
_CANCELLED = int(ReportKind.CANCELLED)
_AMENDED = int(ReportKind.AMENDED)
_REJECTED = int(ReportKind.REJECTED)
_LOG_REST = int(LogKind.REST)
_LOG_TRADE = int(LogKind.TRADE)
_LOG_CANCEL = int(LogKind.CANCEL)
_LOG_AMEND = int(LogKind.AMEND)
_LOG_REJECT = int(LogKind.REJECT)
_CONTINUOUS = int(Phase.CONTINUOUS)
_CANCEL_OLDEST = int(Stp.CANCEL_OLDEST)
_ON_FILL = int(WakeOn.FILL)
_ON_TRADE = int(WakeOn.TRADE)
_ON_TOUCH = int(WakeOn.TOUCH)
_ORDER_POOL = int(Fault.ORDER_POOL)
_OVERFLOW = int(Fault.OVERFLOW)
_CASH_LIMIT = 1 << 62
_ONE = np.uint64(1)
_S32 = np.uint64(32)
_S8 = np.uint64(8)


# ------------------------------------------------------------------ log
@leaf
def write_log(m, log, kind, maker, maker_slot, taker, taker_slot, side, px, lots, reason):
    """Count and hash one row of the event log, and write it when a log is kept."""
    m.log_count += _ONE
    word = (np.uint64(kind) | (np.uint64(reason) << _S8)) ^ (np.uint64(px) << np.uint64(16))
    h = mix(m.log_hash ^ word)
    h = mix(h ^ np.uint64(m.now_ns) ^ (np.uint64(lots) << _S32))
    # int: interpreted, a narrow integer and a mask beyond it do not go together
    who = np.uint64(int(maker) & 0xFFFF) | (np.uint64(int(taker) & 0xFFFF) << np.uint64(16))
    slots = np.uint64(int(maker_slot) & 0xFFFF) | (
        np.uint64(int(taker_slot) & 0xFFFF) << np.uint64(16)
    )
    m.log_hash = mix(h ^ who ^ (slots << _S32)) + np.uint64((int(side) + 1) & 0xFF)
    if log.capacity > 0:
        row = log.rows[m.log_used]
        row.t_ns = m.now_ns
        row.px = px
        row.lots = lots
        row.maker_slot = maker_slot
        row.taker_slot = taker_slot
        row.maker = maker
        row.taker = taker
        row.kind = kind
        row.side = side
        row.reason = reason
        m.log_used += 1


# ------------------------------------------------------------------ public state
@leaf
def publish(m, b):
    """Bring the public state up to date after a transaction: touch, mid, order flow imbalance."""
    bids = b.sides[0]
    asks = b.sides[1]
    bid_px = -NO_PX
    bid_lots = 0
    if bids.best != NO_KEY:
        bid_px = bids.best
        bid_lots = level_lots(bids, bids.best)
    ask_px = NO_PX
    ask_lots = 0
    if asks.best != NO_KEY:
        ask_px = -asks.best
        ask_lots = level_lots(asks, asks.best)
    if (
        bid_px == b.touch_bid_px
        and ask_px == b.touch_ask_px
        and bid_lots == b.touch_bid_lots
        and ask_lots == b.touch_ask_lots
    ):
        return
    # Cont, Kukanov, Stoikov 2014, eq. 2
    ofi = 0
    if bid_px >= b.touch_bid_px:
        ofi += bid_lots
    if bid_px <= b.touch_bid_px:
        ofi -= b.touch_bid_lots
    if ask_px <= b.touch_ask_px:
        ofi -= ask_lots
    if ask_px >= b.touch_ask_px:
        ofi += b.touch_ask_lots
    b.ofi += ofi
    moved = bid_px != b.touch_bid_px or ask_px != b.touch_ask_px
    b.touch_bid_px = bid_px
    b.touch_bid_lots = bid_lots
    b.touch_ask_px = ask_px
    b.touch_ask_lots = ask_lots
    if moved:
        if bid_lots > 0 and ask_lots > 0:
            b.mid_2px = bid_px + ask_px
        trigger_all(m, _ON_TOUCH)


# ------------------------------------------------------------------ accounts
@leaf
def _pay(m, p, cash, fee, position):
    account = m.part[p].account
    account.cash += cash - fee
    account.fees += fee
    account.position += position
    account.fills += 1
    if account.cash > _CASH_LIMIT or account.cash < -_CASH_LIMIT:
        m.fault = _OVERFLOW


@leaf
def open_lots(m, p, side, change):
    """Add ``change`` to the lots that a participant has open on a side."""
    account = m.part[p].account
    if side == BUY:
        account.open_buy_lots += change
    else:
        account.open_sell_lots += change


@leaf
def settle(m, log, b, maker, maker_slot, taker, taker_slot, taker_side, px, lots):
    """Move money and lots of one trade, count it, and log it."""
    instrument = b.instrument
    value = px * lots * instrument.unit_value
    maker_fee = instrument.maker_fee * lots
    taker_fee = instrument.taker_fee * lots
    if maker == m.tape.owner:
        maker_fee = 0
    if taker == m.tape.owner:
        taker_fee = 0
    _pay(m, maker, taker_side * value, maker_fee, -taker_side * lots)
    _pay(m, taker, -taker_side * value, taker_fee, taker_side * lots)
    m.fee_account += maker_fee + taker_fee
    edge = taker_side * lots * (b.mid_2px - 2 * px)
    m.part[maker].account.edge_2px -= edge
    m.part[taker].account.edge_2px += edge
    m.part[maker].account.maker_lots += lots
    m.part[taker].account.taker_lots += lots
    b.trades += 1
    b.volume += lots
    b.signed_volume += taker_side * lots
    if maker != taker:  # a self-trade moves no mark
        b.last_px = px
    write_log(m, log, _LOG_TRADE, maker, maker_slot, taker, taker_slot, taker_side, px, lots, _OK)
    if m.wake_mask & _ON_FILL:
        if m.part[maker].wake_on & _ON_FILL:
            trigger_view(m, maker)
        if m.part[taker].wake_on & _ON_FILL:
            trigger_view(m, taker)


# ------------------------------------------------------------------ resting orders
@leaf
def forget(m, order_index):
    """Break the link from its owner's slot (or tape ordinal) to an order that is leaving."""
    o = m.orders[order_index]
    if o.owner == m.tape.owner:
        if o.slot != NONE and m.tape_order[o.slot] == order_index:
            m.tape_order[o.slot] = NONE
    else:
        m.slot_order[m.part[o.owner].own_first + o.slot] = NONE


@leaf
def take_out(m, b, order_index):
    """Remove a resting order from the book and from its owner's account of open lots."""
    o = m.orders[order_index]
    open_lots(m, o.owner, o.side, -o.lots)
    forget(m, order_index)
    remove(m, b.sides[side_index(o.side)], order_index)


@leaf
def fill(m, log, b, order_index, taker, taker_slot, taker_gen, lots):
    """Trade ``lots``, at most its own, of a resting order with a taker."""
    o = m.orders[order_index]
    px = o.px
    side = o.side
    owner = o.owner
    settle(m, log, b, owner, o.slot, taker, taker_slot, -side, px, lots)
    instrument = b.instrument
    if owner != m.tape.owner:
        m.slot_filled[m.part[owner].own_first + o.slot] += lots
        fee = instrument.maker_fee * lots
        report(m, owner, _FILL, _OK, _LIMIT, o.slot, o.gen, side, px, lots, fee)
    if taker != m.tape.owner:
        m.slot_filled[m.part[taker].own_first + taker_slot] += lots
        fee = instrument.taker_fee * lots
        report(m, taker, _FILL, _OK, _LIMIT, taker_slot, taker_gen, -side, px, lots, fee)
    if lots == o.lots:
        take_out(m, b, order_index)
    else:
        open_lots(m, owner, side, -lots)
        reduce(b.sides[side_index(side)], o, lots)


@leaf
def match(m, log, b, taker, taker_slot, taker_gen, side, limit_px, lots):
    """Trade against the other side, best price and oldest order first; lots left."""
    s = b.sides[side_index(-side)]
    limit_key = -side * limit_px
    before = b.trades
    prevent = b.instrument.stp == _CANCEL_OLDEST and taker != m.tape.owner
    while lots > 0 and s.best != NO_KEY and s.best >= limit_key:
        order_index = level_head(s, s.best)
        o = m.orders[order_index]
        if prevent and m.part[o.owner].account.firm == m.part[taker].account.firm:
            _end_order(m, log, b, order_index, _SELF_TRADE, _LIMIT)
            continue
        part_lots = min(lots, o.lots)
        fill(m, log, b, order_index, taker, taker_slot, taker_gen, part_lots)
        lots -= part_lots
    if b.trades != before:
        trigger_all(m, _ON_TRADE)
    return lots


@leaf
def _end_order(m, log, b, order_index, reason, request):
    """Cancel a resting order and tell its owner."""
    o = m.orders[order_index]
    write_log(m, log, _LOG_CANCEL, o.owner, o.slot, NONE, NONE, o.side, o.px, o.lots, reason)
    report(m, o.owner, _CANCELLED, reason, request, o.slot, o.gen, o.side, o.px, o.lots, 0)
    take_out(m, b, order_index)


@leaf
def _rest_own(m, log, b, p, slot, gen, side, px, lots, flags):
    """Let an order of a participant rest. The caller has made sure of room."""
    index = rest(m, b.sides[side_index(side)], p, slot, gen, side * px, lots, flags)
    if index == NONE:
        m.fault = _ORDER_POOL
        return
    m.slot_order[m.part[p].own_first + slot] = index
    open_lots(m, p, side, lots)
    write_log(m, log, _LOG_REST, p, slot, NONE, NONE, side, px, lots, _OK)


# ------------------------------------------------------------------ messages
@leaf
def _check_new(m, b, msg):
    instrument = b.instrument
    if m.part[msg.participant].account.killed != 0:
        return _KILLED
    if instrument.phase != _CONTINUOUS:
        return _MARKET_CLOSED
    if msg.side != BUY and msg.side != SELL:
        return _BAD_MESSAGE
    if (msg.kind == _MARKET or msg.flags & _IOC != 0) and msg.flags & _POST != 0:
        return _BAD_MESSAGE  # trade at once and never: a contradiction
    if msg.lots <= 0 or msg.lots > instrument.max_lots:
        return _BAD_QTY
    if msg.kind != _MARKET:
        if msg.px < instrument.px_min or msg.px > instrument.px_max:
            return _BAD_PRICE
        if msg.px % instrument.tick_px != 0:
            return _NOT_ON_TICK
    return _OK


@leaf
def _post_px(b, side, px, flags):
    """Return the price at which a post-only order rests; NO_PX when it is to be rejected."""
    if flags & _POST == 0:
        return px
    opposite = b.sides[side_index(-side)].best
    if opposite == NO_KEY or -side * px > opposite:
        return px
    if flags & _SLIDE == 0:
        return NO_PX
    px = -side * opposite - side * b.instrument.tick_px
    if px < b.instrument.px_min or px > b.instrument.px_max:
        return NO_PX
    return px


@leaf
def _reject(m, log, msg, reason):
    p = msg.participant
    m.part[p].account.rejects += 1
    write_log(m, log, _LOG_REJECT, NONE, NONE, p, msg.slot, msg.side, msg.px, msg.lots, reason)
    report(m, p, _REJECTED, reason, msg.kind, msg.slot, msg.gen, msg.side, msg.px, msg.lots, 0)


@leaf
def _new_order(m, log, b, msg):
    p = msg.participant
    reason = _check_new(m, b, msg)
    if reason == _OK and m.slot_order[m.part[p].own_first + msg.slot] != NONE:
        reason = _BAD_MESSAGE
    if reason != _OK:
        _reject(m, log, msg, reason)
        return
    px = msg.px
    immediate = msg.kind == _MARKET or msg.flags & _IOC != 0
    if msg.kind == _MARKET:
        px = b.instrument.px_max if msg.side == BUY else b.instrument.px_min
    elif not immediate:
        px = _post_px(b, msg.side, px, msg.flags)
        if px == NO_PX:
            _reject(m, log, msg, _POST_ONLY_CROSS)
            return
        s = b.sides[side_index(msg.side)]
        if m.order_free == NONE or not make_room(s, msg.side * px):
            if m.part[p].background != 0:
                m.fault = _ORDER_POOL
            _reject(m, log, msg, _POOL_FULL)
            return
    m.slot_filled[m.part[p].own_first + msg.slot] = 0
    report(m, p, _ACCEPTED, _OK, msg.kind, msg.slot, msg.gen, msg.side, px, msg.lots, 0)
    lots = match(m, log, b, p, msg.slot, msg.gen, msg.side, px, msg.lots)
    if lots > 0:
        if immediate:
            write_log(m, log, _LOG_CANCEL, p, msg.slot, NONE, NONE, msg.side, px, lots, _IOC_REST)
            report(m, p, _CANCELLED, _IOC_REST, msg.kind, msg.slot, msg.gen, msg.side, px, lots, 0)
        else:
            _rest_own(m, log, b, p, msg.slot, msg.gen, msg.side, px, lots, msg.flags)


@leaf
def _cancel(m, log, b, msg):
    p = msg.participant
    order_index = m.slot_order[m.part[p].own_first + msg.slot]
    if order_index == NONE:
        _reject(m, log, msg, _TOO_LATE)
        return
    _end_order(m, log, b, order_index, _OK, msg.kind)


@leaf
def _amend(m, log, b, msg):
    """Amend price and total quantity. Less at the same price keeps the place, all else loses it."""
    p = msg.participant
    cell = m.part[p].own_first + msg.slot
    order_index = m.slot_order[cell]
    if order_index == NONE:
        _reject(m, log, msg, _TOO_LATE)
        return
    o = m.orders[order_index]
    side = o.side
    instrument = b.instrument
    lots = msg.lots - m.slot_filled[cell]
    reason = _OK
    px = msg.px
    if m.part[p].account.killed != 0:
        reason = _KILLED
    elif msg.lots <= 0 or msg.lots > instrument.max_lots:
        reason = _BAD_QTY
    elif px < instrument.px_min or px > instrument.px_max:
        reason = _BAD_PRICE
    elif px % instrument.tick_px != 0:
        reason = _NOT_ON_TICK
    elif instrument.phase != _CONTINUOUS and (px != o.px or lots > o.lots):
        reason = _MARKET_CLOSED
    elif px != o.px:
        px = _post_px(b, side, px, o.flags)
        if px == NO_PX:
            reason = _POST_ONLY_CROSS
    if reason != _OK:
        _reject(m, log, msg, reason)
        return
    if lots <= 0:
        _end_order(m, log, b, order_index, _OK, msg.kind)
        return
    s = b.sides[side_index(side)]
    if px == o.px and lots <= o.lots:
        change = o.lots - lots
        if change > 0:
            open_lots(m, p, side, -change)
            reduce(s, o, change)
        write_log(m, log, _LOG_AMEND, p, msg.slot, NONE, NONE, side, px, lots, _OK)
        report(m, p, _AMENDED, _OK, msg.kind, msg.slot, msg.gen, side, px, lots, 0)
        return
    if not make_room(s, side * px):
        _reject(m, log, msg, _POOL_FULL)
        return
    flags = o.flags
    gen = o.gen
    take_out(m, b, order_index)
    write_log(m, log, _LOG_AMEND, p, msg.slot, NONE, NONE, side, px, lots, _OK)
    report(m, p, _AMENDED, _OK, msg.kind, msg.slot, msg.gen, side, px, lots, 0)
    lots = match(m, log, b, p, msg.slot, gen, side, px, lots)
    if lots > 0:
        _rest_own(m, log, b, p, msg.slot, gen, side, px, lots, flags)


@leaf
def process(m, log, msg):
    """Let one message act at the exchange."""
    b = m.books[0]
    m.messages_done += 1
    if msg.kind == _LIMIT or msg.kind == _MARKET:
        _new_order(m, log, b, msg)
    elif msg.kind == _CANCEL:
        _cancel(m, log, b, msg)
    elif msg.kind == _AMEND:
        _amend(m, log, b, msg)
    else:
        _reject(m, log, msg, _BAD_MESSAGE)
    publish(m, b)
