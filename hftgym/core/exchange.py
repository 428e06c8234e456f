"""The exchange: checks a message, lets it act, answers.

One message is one transaction. A reject is a code: it leaves book and accounts unchanged. The
rules, with their ids, stand in ``docs/rules.md``; matching, stops, auctions and phases in the
modules of that name.

In a bare book a message carries as ``slot`` the generation, as ``gen`` the pool index of an order.
"""

from __future__ import annotations

from hftgym.core.book import give_order, has_room, make_room, side_index
from hftgym.core.constants import (
    BUY,
    MAX_SLICES,
    NO_KEY,
    NO_PX,
    NONE,
    SELL,
    STP_SHIFT,
    Fault,
    Flag,
    LogKind,
    LogMark,
    MessageKind,
    OrderMark,
    Phase,
    Reason,
    ReportKind,
    Stp,
)
from hftgym.core.desks import book_of
from hftgym.core.jit import inlined, leaf
from hftgym.core.ledger import write_log
from hftgym.core.limits import LIMIT_SHIFT, has_limits, limit_amend, limit_new
from hftgym.core.matching import available, match, stp_mode
from hftgym.core.orders import (
    end_order,
    gen_of,
    has_rare_room,
    lift,
    needs_rare,
    reserve_of,
    rest_own,
    shrink,
    wait_own,
)
from hftgym.core.phases import conclude, end_all, finish, is_call
from hftgym.core.responses import report
from hftgym.core.stops import has_stop_room, sleep

_LIMIT = int(MessageKind.LIMIT)
_MARKET = int(MessageKind.MARKET)
_CANCEL = int(MessageKind.CANCEL)
_AMEND = int(MessageKind.AMEND)
_CANCEL_ALL = int(MessageKind.CANCEL_ALL)
_DISCONNECT = int(MessageKind.DISCONNECT)
_CONNECT = int(MessageKind.CONNECT)
_POST_ONLY = int(Flag.POST_ONLY)
_SLIDE = int(Flag.POST_ONLY_SLIDE)
_POST = _POST_ONLY | _SLIDE
_HIDDEN = int(Flag.HIDDEN)
_ICEBERG = int(Flag.ICEBERG)
_STOP = int(Flag.STOP)
_IOC = int(Flag.IOC)
_FOK = int(Flag.FOK)
_BUDGET = int(Flag.BUDGET)
_MIN_LOTS = int(Flag.MIN_LOTS)
_TO_LIMIT = int(Flag.TO_LIMIT)
_GTD = int(Flag.GTD)
_DAY = int(Flag.DAY)
_RARE = int(OrderMark.RARE)
_WAITS = int(OrderMark.MARKET)
_UNKNOWN = ~(
    _POST | _HIDDEN | _ICEBERG | _STOP | _IOC | _FOK | _BUDGET | _MIN_LOTS | _TO_LIMIT | _GTD | _DAY
)
_LAST_STP = int(max(Stp)) + 1
_OK = int(Reason.OK)
_TOO_LATE = int(Reason.TOO_LATE)
_BAD_QTY = int(Reason.BAD_QTY)
_BAD_PRICE = int(Reason.BAD_PRICE)
_NOT_ON_TICK = int(Reason.NOT_ON_TICK)
_POST_ONLY_CROSS = int(Reason.POST_ONLY_CROSS)
_POOL_FULL = int(Reason.POOL_FULL)
_MARKET_CLOSED = int(Reason.MARKET_CLOSED)
_KILLED = int(Reason.KILLED)
_BAD_MESSAGE = int(Reason.BAD_MESSAGE)
_DUPLICATE_ID = int(Reason.DUPLICATE_ID)
_NOT_IN_PHASE = int(Reason.NOT_IN_PHASE)
_FOK_KILLED = int(Reason.FOK_KILLED)
_TOO_FEW = int(Reason.MIN_LOTS)
_NO_PRICE = int(Reason.NO_PRICE)
_PRICE_BAND = int(Reason.PRICE_BAND)
_BAD_DISPLAY = int(Reason.BAD_DISPLAY)
_BAD_TRIGGER = int(Reason.BAD_TRIGGER)
_BAD_EXPIRY = int(Reason.BAD_EXPIRY)
_DISCONNECTED = int(Reason.DISCONNECTED)
_MOVED = int(Reason.MOVED)
_ACCEPTED = int(ReportKind.ACCEPTED)
_AMENDED = int(ReportKind.AMENDED)
_REJECTED = int(ReportKind.REJECTED)
_LOG_CANCEL = int(LogKind.CANCEL)
_LOG_AMEND = int(LogKind.AMEND)
_LOG_REJECT = int(LogKind.REJECT)
_MARK_HIDDEN = int(LogMark.HIDDEN)
_CONTINUOUS = int(Phase.CONTINUOUS)
_HALT = int(Phase.HALT)
_CLOSED = int(Phase.CLOSED)
_ORDER_POOL = int(Fault.ORDER_POOL)


# ------------------------------------------------------------------ checks
@leaf
def _contradicts(msg, flags):
    """Return whether a new order's instructions are unknown or contradict each other."""
    stp = msg.flags >> STP_SHIFT
    if flags & _UNKNOWN != 0 or stp < 0 or stp > _LAST_STP:
        return True
    market = msg.kind == _MARKET
    immediate = flags & (_IOC | _FOK) != 0 or (market and flags & _TO_LIMIT == 0)
    stop = flags & _STOP != 0
    if immediate and (
        flags & (_POST | _HIDDEN | _ICEBERG) != 0 or (flags & (_GTD | _DAY) != 0 and not stop)
    ):
        return True
    if flags & (_IOC | _FOK) == _IOC | _FOK or flags & (_HIDDEN | _ICEBERG) == _HIDDEN | _ICEBERG:
        return True
    if flags & (_GTD | _DAY) == _GTD | _DAY:
        return True
    if flags & _TO_LIMIT and (not market or flags & (_IOC | _FOK | _POST) != 0):
        return True
    if flags & _BUDGET and (market or flags & _FOK == 0):
        return True
    if flags & _MIN_LOTS and flags & (_FOK | _POST) != 0:
        return True
    return stop and flags & (_POST | _IOC | _FOK | _MIN_LOTS | _TO_LIMIT) != 0


@leaf
def _check_px(b, px):
    """Return what is wrong with a limit price, or OK."""
    instrument = b.instrument
    if px < instrument.px_min or px > instrument.px_max:
        return _BAD_PRICE
    if px % instrument.tick_px != 0:
        return _NOT_ON_TICK
    if instrument.static_band_px > 0 and abs(px - b.static_px) > instrument.static_band_px:
        return _PRICE_BAND
    return _OK


@leaf
def _check_trigger(b, px):
    instrument = b.instrument
    if px < instrument.px_min or px > instrument.px_max or px % instrument.tick_px != 0:
        return _BAD_TRIGGER
    return _OK


@leaf
def _check_rare(m, b, msg, flags):
    """Return what is wrong with the rarer terms of a new order, or OK."""
    if flags & _ICEBERG and (
        msg.display_lots < 1
        or msg.display_lots > msg.lots
        or (msg.lots - 1) // MAX_SLICES >= msg.display_lots
    ):
        return _BAD_DISPLAY
    if flags & _STOP and _check_trigger(b, msg.trigger_px) != _OK:
        return _BAD_TRIGGER
    if flags & _GTD and msg.expire_ns <= m.now_ns:
        return _BAD_EXPIRY
    return _OK


@leaf
def _check_new(m, b, msg, flags):
    """Return what is wrong with a new order as such, or OK."""
    instrument = b.instrument
    if instrument.phase == _HALT or instrument.phase == _CLOSED:
        return _MARKET_CLOSED
    if (msg.side != BUY and msg.side != SELL) or (msg.kind != _LIMIT and msg.kind != _MARKET):
        return _BAD_MESSAGE
    if msg.flags != 0:
        if _contradicts(msg, flags):
            return _BAD_MESSAGE
        if (
            flags & (_IOC | _FOK | _TO_LIMIT | _MIN_LOTS | _POST) != 0
            and instrument.phase != _CONTINUOUS
        ):
            return _NOT_IN_PHASE
    if msg.lots <= 0 or msg.lots > instrument.max_lots:
        return _BAD_QTY
    if flags & _MIN_LOTS and (msg.min_lots < 1 or msg.min_lots > msg.lots):
        return _BAD_QTY
    if flags & _BUDGET:
        if msg.px < 0:
            return _BAD_PRICE
    elif msg.kind != _MARKET:
        reason = _check_px(b, msg.px)
        if reason != _OK:
            return reason
    if flags & (_ICEBERG | _STOP | _GTD):
        return _check_rare(m, b, msg, flags)
    return _OK


@inlined
def _check_sender(m, p):
    account = m.part[p].account
    if account.disconnected != 0:
        return _DISCONNECTED
    return _KILLED if account.killed != 0 else _OK


@leaf
def _post_px(b, side, px, flags):
    """Return the price at which a post-only order rests; NO_PX when it is to be rejected."""
    if flags & _POST == 0 or b.instrument.phase != _CONTINUOUS:
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
    if m.bare != 0:
        m.refused = reason
        return
    m.part[p].account.rejects += 1
    limit = reason >> LIMIT_SHIFT
    reason &= (1 << LIMIT_SHIFT) - 1
    write_log(
        m, log, _LOG_REJECT, NONE, NONE, p, msg.slot, msg.side, msg.px, msg.lots, reason, limit
    )
    report(m, p, _REJECTED, reason, msg.kind, msg.slot, msg.gen, msg.side, msg.px, msg.lots, 0)


@leaf
def _reject_kind(m, log, b, msg):
    """Refuse a message of an unknown kind as if it were an order."""
    _reject(m, log, msg, refusal(m, b, msg, 0))


@leaf
def _reject_full(m, log, msg):
    if m.bare == 0 and m.part[msg.participant].background != 0:
        m.fault = _ORDER_POOL
    _reject(m, log, msg, _POOL_FULL)


# ------------------------------------------------------------------ new orders
@leaf
def refusal(m, b, msg, flags):
    """Return why a new order is refused before it comes to the book, or OK."""
    p = msg.participant
    if m.bare == 0:
        reason = _check_sender(m, p)
        if reason != _OK:
            return reason
    reason = _check_new(m, b, msg, flags)
    if reason != _OK or m.bare != 0:
        return reason
    if m.slots[m.part[p].own_first + msg.slot].order != NONE:
        return _DUPLICATE_ID
    return limit_new(m, b, msg, flags) if has_limits(m, p) else _OK


@leaf
def _sleep_order(m, log, b, msg, px, flags):
    """Let a new stop sleep; it is judged at the end of the transaction."""
    p = msg.participant
    if not (
        (m.bare != 0 or has_room(m))
        and has_rare_room(m)
        and has_stop_room(b, msg.side, msg.trigger_px)
    ):
        _reject_full(m, log, msg)
        return
    if m.bare == 0:
        m.slots[m.part[p].own_first + msg.slot].filled = 0
    report(m, p, _ACCEPTED, _OK, msg.kind, msg.slot, msg.gen, msg.side, px, msg.lots, 0)
    sleep(
        m, log, b, p, msg.slot, msg.gen, msg.side, px, msg.trigger_px, msg.lots, msg.flags,
        msg.kind, msg.display_lots, msg.expire_ns,
    )  # fmt: skip


@leaf
def _new_order(m, log, b, msg):
    p = msg.participant
    side = msg.side
    flags = msg.flags & ((1 << STP_SHIFT) - 1)
    kind = msg.kind
    reason = refusal(m, b, msg, flags)
    if reason != _OK:
        _reject(m, log, msg, reason)
        return
    px = msg.px
    if kind == _MARKET or flags & _BUDGET:
        px = b.instrument.px_max if side == BUY else b.instrument.px_min
    if flags & _STOP:
        _sleep_order(m, log, b, msg, px, flags)
        return
    call = is_call(b.instrument.phase)
    rests = (kind == _LIMIT and flags & (_IOC | _FOK) == 0) or call
    if flags & _TO_LIMIT:
        opposite = b.sides[side_index(-side)].best
        if opposite == NO_KEY:
            _reject(m, log, msg, _NO_PRICE)
            return
        px = -side * opposite
        rests = True
    mode = stp_mode(b, msg.flags)
    if flags & _POST:
        px = _post_px(b, side, px, flags)
        if px == NO_PX:
            _reject(m, log, msg, _POST_ONLY_CROSS)
            return
    if flags & (_FOK | _MIN_LOTS):
        want = msg.lots if flags & _FOK else msg.min_lots
        amount = msg.px if flags & _BUDGET else -1
        if not available(m, b, p, side, px, want, mode, amount):
            _reject(m, log, msg, _FOK_KILLED if flags & _FOK else _TOO_FEW)
            return
    if rests and not (
        (m.bare != 0 or has_room(m))
        and (not needs_rare(flags) or has_rare_room(m))
        and ((kind == _MARKET and call) or make_room(b.sides[side_index(side)], side * px))
    ):
        _reject_full(m, log, msg)
        return
    slot = msg.slot
    gen = msg.gen
    if m.bare == 0:
        m.slots[m.part[p].own_first + slot].filled = 0
        report(m, p, _ACCEPTED, _OK, kind, slot, gen, side, px, msg.lots, 0)
    display_lots = msg.display_lots
    expire_ns = msg.expire_ns
    if call:
        if kind == _MARKET:
            wait_own(m, log, b, p, slot, gen, side, px, msg.lots)
        else:
            rest_own(m, log, b, p, slot, gen, side, px, msg.lots, flags, display_lots, expire_ns)
        return
    lots = msg.lots
    m.ended = _OK
    if -side * px <= b.sides[side_index(-side)].best:
        lots = match(m, log, b, p, slot, gen, side, px, lots, mode, kind)
        if lots == 0:
            if m.bare != 0:
                give_order(m, gen)
            return
    if rests and m.ended == _OK:
        rest_own(m, log, b, p, slot, gen, side, px, lots, flags, display_lots, expire_ns)
    else:
        conclude(m, log, b, p, slot, gen, side, px, lots, flags, kind, display_lots, expire_ns)


# ------------------------------------------------------------------ cancel and amend
@inlined
def _order_of(m, msg):
    """Return the live order that a message names, or NONE."""
    if m.bare == 0:
        return m.slots[m.part[msg.participant].own_first + msg.slot].order
    if msg.gen < 0 or msg.gen >= m.order_high:
        return NONE
    o = m.orders[msg.gen]
    if o.owner == NONE:
        return NONE
    generation = m.rare[o.slot].slot if o.flags & _RARE else o.slot
    return msg.gen if generation == msg.slot else NONE


@leaf
def _cancel(m, log, b, msg):
    p = msg.participant
    reason = _OK
    if m.bare == 0 and m.part[p].account.disconnected != 0:
        reason = _DISCONNECTED
    order_index = _order_of(m, msg)
    if reason == _OK and order_index == NONE:
        reason = _TOO_LATE
    if reason != _OK:
        _reject(m, log, msg, reason)
        return
    end_order(m, log, b, order_index, _OK, msg.kind)


@leaf
def _check_amend(m, b, msg, o, limit_px, lots, open_now, moves):
    """Return what is wrong with an amend of a live order, or OK."""
    instrument = b.instrument
    asleep = o.flags & _STOP != 0
    if m.bare == 0:
        reason = _check_sender(m, msg.participant)
        if reason != _OK:
            return reason
    stp = msg.flags >> STP_SHIFT
    if o.flags & _WAITS or stp < 0 or stp > _LAST_STP:
        return _BAD_MESSAGE
    if msg.lots <= 0 or msg.lots > instrument.max_lots:
        return _BAD_QTY
    if not asleep or m.rare[o.slot].kind == _LIMIT:
        reason = _check_px(b, msg.px)
        if reason != _OK and (reason != _PRICE_BAND or msg.px != limit_px):
            return reason
    if moves and (instrument.phase == _HALT or instrument.phase == _CLOSED):
        return _MARKET_CLOSED
    if asleep and msg.flags & _STOP and _check_trigger(b, msg.trigger_px) != _OK:
        return _BAD_TRIGGER
    if o.flags & _RARE and lots > open_now:
        r = m.rare[o.slot]
        if r.flags & _ICEBERG and (lots - 1) // MAX_SLICES >= r.display:
            return _BAD_DISPLAY
    if m.bare == 0 and has_limits(m, msg.participant):
        return limit_amend(m, b, msg, o, limit_px, lots, open_now)
    return _OK


@leaf
def _amend(m, log, b, msg):
    """Amend price and total lots. Less at the same price keeps the place, all else loses it.

    In a bare book, which keeps no account of what was traded, ``lots`` are those left open.
    """
    p = msg.participant
    order_index = _order_of(m, msg)
    if order_index == NONE:
        late = _DISCONNECTED if m.bare == 0 and m.part[p].account.disconnected != 0 else _TOO_LATE
        _reject(m, log, msg, late)
        return
    o = m.orders[order_index]
    asleep = o.flags & _STOP != 0
    limit_px = m.rare[o.slot].limit_px if asleep else o.px
    trigger_px = msg.trigger_px if asleep and msg.flags & _STOP else o.px
    side = o.side
    slot = msg.slot
    open_now = o.lots + reserve_of(m, o)
    lots = msg.lots
    gen = order_index
    if m.bare == 0:
        lots -= m.slots[m.part[p].own_first + slot].filled
        gen = gen_of(m, o, slot)
    px = msg.px
    if asleep and m.rare[o.slot].kind == _MARKET:
        px = limit_px
    moves = px != limit_px or lots > open_now or (asleep and trigger_px != o.px)
    reason = _check_amend(m, b, msg, o, limit_px, lots, open_now, moves)
    if reason == _OK and px != limit_px and not asleep:
        px = _post_px(b, side, px, o.flags)
        if px == NO_PX:
            reason = _POST_ONLY_CROSS
        moves = px != limit_px or lots > open_now
    if reason != _OK:
        _reject(m, log, msg, reason)
        return
    if lots <= 0:
        end_order(m, log, b, order_index, _OK, msg.kind)
        return
    if not moves:
        hidden = _MARK_HIDDEN if o.flags & (_HIDDEN | _STOP) else 0
        shown = o.lots
        if lots < open_now:
            shrink(m, b, order_index, open_now - lots)
        shown -= o.lots
        write_log(m, log, _LOG_AMEND, p, slot, NONE, NONE, side, limit_px, shown, _OK, hidden)
        report(m, p, _AMENDED, _OK, msg.kind, slot, msg.gen, side, px, lots, 0)
        return
    if asleep:
        _move_stop(m, log, b, msg, order_index, gen, px, trigger_px, lots)
    else:
        _move(m, log, b, msg, order_index, gen, px, lots)


@leaf
def _move_stop(m, log, b, msg, order_index, gen, px, trigger_px, lots):
    """Put a sleeping stop behind those of its trigger."""
    o = m.orders[order_index]
    side = o.side
    if not has_stop_room(b, side, trigger_px):
        _reject(m, log, msg, _POOL_FULL)
        return
    r = m.rare[o.slot]
    flags = r.flags
    kind = r.kind
    display_lots = r.display
    expire_ns = r.expire_ns
    p = msg.participant
    slot = msg.slot
    write_log(m, log, _LOG_CANCEL, p, slot, NONE, NONE, side, o.px, o.lots, _MOVED, _MARK_HIDDEN)
    lift(m, b, order_index)
    report(m, p, _AMENDED, _OK, msg.kind, slot, msg.gen, side, px, lots, 0)
    sleep(m, log, b, p, slot, gen, side, px, trigger_px, lots, flags, kind, display_lots, expire_ns)


@leaf
def _move(m, log, b, msg, order_index, gen, px, lots):
    """Let an amended order lose its place: it acts as an aggressor and rests behind the others."""
    o = m.orders[order_index]
    side = o.side
    if not make_room(b.sides[side_index(side)], side * px):
        _reject(m, log, msg, _POOL_FULL)
        return
    p = msg.participant
    slot = msg.slot
    flags = int(o.flags) & (_POST | _HIDDEN | _ICEBERG)
    display_lots = 0
    expire_ns = 0
    if o.flags & _RARE:
        r = m.rare[o.slot]
        flags |= r.flags
        display_lots = r.display
        expire_ns = r.expire_ns
    # What its first message demanded of its first trade does not bind it now.
    flags &= ((1 << STP_SHIFT) - 1) & ~(_MIN_LOTS | _STOP | _TO_LIMIT)
    hidden = _MARK_HIDDEN if flags & _HIDDEN else 0
    write_log(m, log, _LOG_CANCEL, p, slot, NONE, NONE, side, o.px, o.lots, _MOVED, hidden)
    lift(m, b, order_index)
    report(m, p, _AMENDED, _OK, msg.kind, slot, msg.gen, side, px, lots, 0)
    if is_call(b.instrument.phase):
        rest_own(m, log, b, p, slot, gen, side, px, lots, flags, display_lots, expire_ns)
        return
    lots = match(m, log, b, p, slot, gen, side, px, lots, stp_mode(b, msg.flags), _AMEND)
    conclude(m, log, b, p, slot, gen, side, px, lots, flags, _AMEND, display_lots, expire_ns)


# ------------------------------------------------------------------ sessions
@leaf
def _cancel_all(m, log, b, msg):
    p = msg.participant
    reason = _OK
    if m.part[p].account.disconnected != 0:
        reason = _DISCONNECTED
    elif msg.side != 0 and msg.side != BUY and msg.side != SELL:
        reason = _BAD_MESSAGE
    if reason != _OK:
        _reject(m, log, msg, reason)
        return
    end_all(m, log, b, p, msg.side, _OK, msg.kind)


@leaf
def _disconnect(m, log, b, msg):
    account = m.part[msg.participant].account
    if account.disconnected != 0:
        return
    account.disconnected = 1
    if account.cancel_on_disconnect != 0:
        end_all(m, log, b, msg.participant, 0, _DISCONNECTED, msg.kind)


@leaf
def process(m, log, msg):
    """Let one message act at the exchange."""
    b = book_of(m, msg.participant)
    m.messages_done += 1
    b.band_px = b.last_px
    if msg.kind == _LIMIT or msg.kind == _MARKET:
        _new_order(m, log, b, msg)
    elif msg.kind == _CANCEL:
        _cancel(m, log, b, msg)
    elif msg.kind == _AMEND:
        _amend(m, log, b, msg)
    elif m.bare != 0:
        _reject(m, log, msg, _BAD_MESSAGE)
    elif msg.kind == _CANCEL_ALL:
        _cancel_all(m, log, b, msg)
    elif msg.kind == _DISCONNECT:
        _disconnect(m, log, b, msg)
    elif msg.kind == _CONNECT:
        m.part[msg.participant].account.disconnected = 0
    else:
        _reject_kind(m, log, b, msg)
    if m.bare == 0 or b.sides[2].orders + b.sides[3].orders > 0:
        finish(m, log, b)
