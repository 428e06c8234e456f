"""What happens between messages: stops wake, phases change, orders expire, the kill switch acts."""

from __future__ import annotations

from hftgym.core.auction import find_price, uncross
from hftgym.core.book import (
    give_order,
    level_head,
    level_lots,
    make_room,
    next_key,
    side_index,
    visible_key,
)
from hftgym.core.constants import (
    BUY,
    NEVER_NS,
    NO_KEY,
    NO_PX,
    NONE,
    SELL,
    STOP_CASCADE,
    BandAction,
    Fault,
    Flag,
    Limit,
    LogKind,
    LogMark,
    MessageKind,
    OrderMark,
    Phase,
    Reason,
    ReportKind,
    WakeOn,
)
from hftgym.core.desks import trades_at
from hftgym.core.jit import inlined, leaf
from hftgym.core.ledger import write_log
from hftgym.core.matching import match, stp_mode
from hftgym.core.orders import (
    end_order,
    expire_due,
    expires_now,
    gen_of,
    lift,
    renew_due,
    rest_own,
)
from hftgym.core.phase_steps import STEP_BITS
from hftgym.core.responses import report
from hftgym.core.stops import next_stop
from hftgym.core.views import trigger_all

_IOC = int(Flag.IOC)
_FOK = int(Flag.FOK)
_TO_LIMIT = int(Flag.TO_LIMIT)
_DAY = int(Flag.DAY)
_RARE = int(OrderMark.RARE)
_LIMIT = int(MessageKind.LIMIT)
_MARKET = int(MessageKind.MARKET)
_OK = int(Reason.OK)
_IOC_REST = int(Reason.IOC_REST)
_SELF_TRADE = int(Reason.SELF_TRADE)
_PRICE_BAND = int(Reason.PRICE_BAND)
_POOL_FULL = int(Reason.POOL_FULL)
_EXPIRED = int(Reason.EXPIRED)
_KILLED = int(Reason.KILLED)
_CANCELLED = int(ReportKind.CANCELLED)
_TRIGGERED = int(ReportKind.TRIGGERED)
_LOG_CANCEL = int(LogKind.CANCEL)
_LOG_TRIGGER = int(LogKind.TRIGGER)
_LOG_PHASE = int(LogKind.PHASE)
_LOG_KILL = int(LogKind.KILL)
_LOSS = int(Limit.LOSS)
_MARK_HIDDEN = int(LogMark.HIDDEN)
_CONTINUOUS = int(Phase.CONTINUOUS)
_HALT = int(Phase.HALT)
_PRE_OPEN = int(Phase.PRE_OPEN)
_VOLATILITY = int(Phase.VOLATILITY_AUCTION)
_CLOSING = int(Phase.CLOSING_AUCTION)
_CLOSED = int(Phase.CLOSED)
_BAND_CANCEL = int(BandAction.CANCEL)
_BAND_AUCTION = int(BandAction.AUCTION)
_ON_TOUCH = int(WakeOn.TOUCH)
_ON_PHASE = int(WakeOn.PHASE)
_ORDER_POOL = int(Fault.ORDER_POOL)


@leaf
def is_call(phase):
    """Return whether orders gather in this phase and nothing trades."""
    return phase >= _PRE_OPEN and phase <= _CLOSING


# ------------------------------------------------------------------ public state
@leaf
def _has_collar(b):
    """Return whether an uncross now is bound to a collar."""
    return is_call(b.instrument.phase) and b.instrument.collar_bps > 0 and b.extended == 0


@leaf
def publish(m, b):
    """Bring the public state up to date after a transaction: touch, mid, order flow imbalance."""
    bids = b.sides[0]
    asks = b.sides[1]
    bid_px = -NO_PX
    bid_lots = 0
    key = visible_key(bids, bids.best)
    if key != NO_KEY:
        bid_px = key
        bid_lots = level_lots(bids, key)
    ask_px = NO_PX
    ask_lots = 0
    key = visible_key(asks, asks.best)
    if key != NO_KEY:
        ask_px = -key
        ask_lots = level_lots(asks, key)
    if is_call(b.instrument.phase):
        px = find_price(m, b, b.bounds, _has_collar(b))
        b.indicative_px = px if px != -NO_PX else NO_PX
    if b.indicative_px != NO_PX:
        b.mid_2px = 2 * b.indicative_px
    elif bid_lots > 0 and ask_lots > 0 and bid_px < ask_px:
        b.mid_2px = bid_px + ask_px
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
        trigger_all(m, b, _ON_TOUCH)


# ------------------------------------------------------------------ aggressors
@leaf
def interrupt(m, log, b):
    """Begin the auction or halt that a trade outside of the dynamic band causes."""
    action = b.instrument.band_action
    if action == _BAND_CANCEL or b.instrument.phase != _CONTINUOUS:
        return
    if action == _BAND_AUCTION:
        _enter(m, log, b, _VOLATILITY)
        b.own_end_ns = m.now_ns + b.instrument.call_ns
        b.next_phase = _CONTINUOUS
    else:
        _enter(m, log, b, _HALT)
        b.own_end_ns = m.now_ns + b.instrument.halt_ns
        b.next_phase = _VOLATILITY
    renew_due(m)


@leaf
def conclude(m, log, b, p, slot, gen, side, px, lots, flags, kind, display_lots, expire_ns):
    """Decide what becomes of the lots that an aggressor has left after matching."""
    ended = m.ended
    immediate = flags & (_IOC | _FOK) != 0 or (kind == _MARKET and flags & _TO_LIMIT == 0)
    reason = _OK
    if ended == _SELF_TRADE:
        reason = _SELF_TRADE
    elif ended == _PRICE_BAND and (immediate or b.instrument.band_action == _BAND_CANCEL):
        reason = _PRICE_BAND
    elif immediate:
        reason = _IOC_REST
    if ended == _PRICE_BAND:
        interrupt(m, log, b)
    if lots > 0 and reason == _OK:
        rest_own(m, log, b, p, slot, gen, side, px, lots, flags, display_lots, expire_ns)
    else:
        if lots > 0:
            _tell_end(m, log, p, slot, gen, side, px, lots, reason, kind)
        if m.bare != 0:
            give_order(m, gen)


@leaf
def _tell_end(m, log, p, slot, gen, side, px, lots, reason, kind):
    """Tell the owner of an aggressor that what is left of it is cancelled."""
    write_log(m, log, _LOG_CANCEL, p, slot, NONE, NONE, side, px, lots, reason, _MARK_HIDDEN)
    report(m, p, _CANCELLED, reason, kind, slot, gen, side, px, lots, 0)


@leaf
def _wake(m, log, b, index):
    """Let a sleeping stop act."""
    o = m.orders[index]
    r = m.rare[o.slot]
    p = o.owner
    slot = r.slot
    gen = index if m.bare != 0 else gen_of(m, o, slot)
    side = o.side
    lots = o.lots
    px = r.limit_px
    flags = r.flags
    kind = r.kind
    display_lots = r.display
    expire_ns = r.expire_ns
    write_log(m, log, _LOG_TRIGGER, p, slot, NONE, NONE, side, o.px, lots, _OK, _MARK_HIDDEN)
    report(m, p, _TRIGGERED, _OK, _LIMIT, slot, gen, side, px, lots, 0)
    lift(m, b, index)
    lots = match(m, log, b, p, slot, gen, side, px, lots, stp_mode(b, flags), kind)
    if lots > 0 and kind == _LIMIT and m.ended != _SELF_TRADE:
        if not make_room(b.sides[side_index(side)], side * px):
            _tell_end(m, log, p, slot, gen, side, px, lots, _POOL_FULL, kind)
            if m.bare == 0 and m.part[p].background != 0:
                m.fault = _ORDER_POOL
            lots = 0
    conclude(m, log, b, p, slot, gen, side, px, lots, flags, kind, display_lots, expire_ns)


# ------------------------------------------------------------------ kill switch
@leaf
def end_all(m, log, b, p, side, reason, request):
    """End all orders of a participant, or those of one side, in the order of their slots."""
    part = m.part[p]
    for slot in range(part.own_capacity):
        i = m.slots[part.own_first + slot].order
        if i != NONE and (side == 0 or m.orders[i].side == side):
            end_order(m, log, b, i, reason, request)


@leaf
def _flatten(m, log, b, p):
    """Close the position of a killed participant as far as the market and the bands allow."""
    position = m.part[p].account.position
    if position == 0 or b.instrument.phase != _CONTINUOUS:
        return
    side = SELL if position > 0 else BUY
    px = b.instrument.px_min if side == SELL else b.instrument.px_max
    match(m, log, b, p, NONE, 0, side, px, abs(position), b.instrument.stp, _MARKET)
    if m.ended == _PRICE_BAND:
        interrupt(m, log, b)


@inlined
def _equity_2(b, account):
    """Return twice the equity at the mark, in money units."""
    return 2 * account.cash + account.position * b.mid_2px * b.instrument.unit_value


@leaf
def kill(m, log, b, p):
    """Kill a participant: its orders end, what it sends is refused, its position is closed."""
    account = m.part[p].account
    account.killed = 1
    equity = _equity_2(b, account) // 2
    position = account.position
    write_log(m, log, _LOG_KILL, NONE, NONE, p, NONE, 0, equity, position, _KILLED, _LOSS)
    end_all(m, log, b, p, 0, _KILLED, _LIMIT)
    if account.kill_flatten != 0:
        _flatten(m, log, b, p)


@leaf
def _kill_pass(m, log, b):
    """Kill whose equity at the mark has fallen too low; whether there was one.

    Only trades and the mark change it: most messages leave both, and need no look at everybody.
    """
    if b.mid_2px == b.judged_2px and b.trades == b.judged_trades:
        return False
    b.judged_2px = b.mid_2px
    b.judged_trades = b.trades
    found = False
    for p in range(m.participants):
        account = m.part[p].account
        if account.limits & _LOSS == 0 or account.killed != 0 or not trades_at(m, p, b):
            continue
        if _equity_2(b, account) < 2 * account.kill_equity:
            kill(m, log, b, p)
            found = True
    return found


# ------------------------------------------------------------------ end of a transaction
@leaf
def _wake_stops(m, log, b):
    for _ in range(STOP_CASCADE):
        index = next_stop(b)
        if index == NONE:
            return
        _wake(m, log, b, index)


@leaf
def finish(m, log, b):
    """End a transaction: stops wake, the public state is renewed, the kill switch looks."""
    sleeping = b.sides[2].orders + b.sides[3].orders > 0
    for again in range(2):
        if sleeping:
            _wake_stops(m, log, b)
        publish(m, b)
        if again == 1 or m.kill_watch == 0 or not _kill_pass(m, log, b):
            break
    if sleeping:
        b.stops_left = 1 if next_stop(b) != NONE else 0
        renew_due(m)


# ------------------------------------------------------------------ phases
@leaf
def _enter(m, log, b, phase):
    """Set the phase, and note the touch for the collar of the next call."""
    if b.instrument.phase == _CONTINUOUS:
        bid = visible_key(b.sides[0], b.sides[0].best)
        ask = visible_key(b.sides[1], b.sides[1].best)
        b.collar_bid_px = bid if bid != NO_KEY else b.last_px
        b.collar_ask_px = -ask if ask != NO_KEY else b.last_px
    b.instrument.phase = phase
    b.own_end_ns = NEVER_NS
    b.extended = 0
    write_log(m, log, _LOG_PHASE, NONE, NONE, NONE, NONE, 0, 0, phase, _OK, b.index)
    trigger_all(m, b, _ON_PHASE)


@leaf
def _uncross_now(m, log, b, following):
    """Uncross at the end of a call; False when the collar prolongs the call instead."""
    px = find_price(m, b, b.bounds, _has_collar(b))
    if px == -NO_PX:
        b.extended = 1
        b.own_end_ns = m.now_ns + b.instrument.call_ns
        b.next_phase = following
        return False
    if px != NO_PX:
        uncross(m, log, b, px, b.indicative_lots)
    b.indicative_px = NO_PX
    b.indicative_lots = 0
    b.surplus_lots = 0
    return True


@leaf
def _end_waiting(m, log, b):
    for side in range(2):
        while b.waiting[side].head != NONE:
            end_order(m, log, b, b.waiting[side].head, _IOC_REST, _LIMIT)


@leaf
def _expire_day(m, log, b):
    """End the orders of the day: bids, asks, stops, each in the order of its queue."""
    for side in range(4):
        s = b.sides[side]
        key = s.best
        while key != NO_KEY:
            i = level_head(s, key)
            while i != NONE:
                following = m.orders[i].next
                o = m.orders[i]
                if o.flags & _RARE and m.rare[o.slot].flags & _DAY:
                    end_order(m, log, b, i, _EXPIRED, _LIMIT)
                i = following
            key = next_key(s, key)


@leaf
def change_phase(m, log, b, following):
    """Go to another phase; False, with nothing changed, when it may not follow.

    Every way out of a call, and into continuous trading, uncrosses a crossed book.
    """
    phase = b.instrument.phase
    if following < 0 or following >= len(STEP_BITS) or (STEP_BITS[phase] >> following) & 1 == 0:
        return False
    b.band_px = b.last_px
    if following == _CONTINUOUS or (following == _CLOSED and is_call(phase)):
        if not _uncross_now(m, log, b, following):
            finish(m, log, b)
            renew_due(m)
            return True
    else:
        b.indicative_px = NO_PX
        b.indicative_lots = 0
        b.surplus_lots = 0
    _enter(m, log, b, following)
    if following == _CONTINUOUS or following == _CLOSED:
        _end_waiting(m, log, b)
    if following == _CLOSED:
        _expire_day(m, log, b)
    if following == _CONTINUOUS and m.kill_watch > 0:
        for p in range(m.participants):
            account = m.part[p].account
            if account.killed != 0 and account.kill_flatten != 0 and trades_at(m, p, b):
                _flatten(m, log, b, p)
    finish(m, log, b)
    renew_due(m)
    return True


@leaf
def _run_due_at(m, log, b):
    """Do one thing that is due in a book; False when nothing is."""
    if expires_now(m, b):
        b.band_px = b.last_px
        expire_due(m, log, b)
        finish(m, log, b)
    elif b.own_end_ns <= m.now_ns:
        following = b.next_phase
        b.own_end_ns = NEVER_NS
        change_phase(m, log, b, following)
        if following == _VOLATILITY and b.instrument.phase == _VOLATILITY:
            b.own_end_ns = m.now_ns + b.instrument.call_ns
            b.next_phase = _CONTINUOUS
    elif _is_planned(m, b):
        m.plan_next += 1
        change_phase(m, log, b, m.plan[m.plan_next - 1].phase)
    elif b.stops_left != 0:
        b.band_px = b.last_px
        b.stops_left = 0
        finish(m, log, b)
    else:
        return False
    return True


@leaf
def _is_planned(m, b):
    """Return whether the next planned change of a phase is due and of this book."""
    if m.plan_next >= m.plan_count:
        return False
    step = m.plan[m.plan_next]
    return step.t_ns <= m.now_ns and step.book == b.index


@leaf
def run_due(m, log):
    """Do one thing that is due: orders expire, a phase ends, or stops of the last round wake.

    Of two books with something due the first one is served first.
    """
    for k in range(len(m.books)):
        if _run_due_at(m, log, m.books[k]):
            break
    renew_due(m)
