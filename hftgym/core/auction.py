"""Call auctions: the price at which a crossed book uncrosses, and the trades of it.

As the price rises, bids at or above it become fewer and asks at or below it more. So the prices at
which the most lots trade are one interval, the surplus (buy minus sell lots) falls along it, and
every question is a bisection over ticks.
"""

from __future__ import annotations

from hftgym.core.book import level_head, next_key, reduce
from hftgym.core.constants import (
    NO_KEY,
    NO_PX,
    NONE,
    Flag,
    LogKind,
    LogMark,
    OrderMark,
    Reason,
    WakeOn,
)
from hftgym.core.jit import leaf
from hftgym.core.ledger import open_lots, settle, write_log
from hftgym.core.orders import gen_of, reserve_of, show_again, slot_of, take_out
from hftgym.core.views import trigger_all

_HIDDEN = int(Flag.HIDDEN)
_AUCTION = int(LogMark.AUCTION)
_MARK_HIDDEN = int(LogMark.HIDDEN)
_MARKET = int(OrderMark.MARKET)
_LOG_AMEND = int(LogKind.AMEND)
_LOG_UNCROSS = int(LogKind.UNCROSS)
_OK = int(Reason.OK)
_ON_TRADE = int(WakeOn.TRADE)


@leaf
def _lots_at(m, s, key):
    """Return all open lots at a price: shown, hidden and in reserve."""
    lots = 0
    i = level_head(s, key)
    while i != NONE:
        lots += m.orders[i].lots + reserve_of(m, m.orders[i])
        i = m.orders[i].next
    return lots


@leaf
def _lots_from(m, b, side, px):
    """Return the lots of one side that would trade at ``px``, market orders included."""
    s = b.sides[0 if side > 0 else 1]
    lots = b.waiting[0 if side > 0 else 1].lots
    key = s.best
    while key != NO_KEY and key >= side * px:
        lots += _lots_at(m, s, key)
        key = next_key(s, key)
    return lots


@leaf
def _surplus(m, b, px):
    return _lots_from(m, b, 1, px) - _lots_from(m, b, -1, px)


@leaf
def _worst_px(s, side, empty_px):
    """Return the worst limit price of a side."""
    key = s.best
    px = empty_px
    while key != NO_KEY:
        px = side * key
        key = next_key(s, key)
    return px


@leaf
def _first_not_above(m, b, low, high, limit):
    """Return the first tick index from ``low`` to ``high`` whose surplus is at most ``limit``.

    ``high + 1`` when there is none.
    """
    tick = b.instrument.tick_px
    end = high + 1
    while low < end:
        middle = (low + end) // 2
        if _surplus(m, b, middle * tick) <= limit:
            end = middle
        else:
            low = middle + 1
    return low


@leaf
def _range(m, b, bounds):
    """Find the interval of tick indices at which the most lots trade.

    Writes it to ``bounds`` (low, high as a record); the lots, 0 when nothing would trade.
    """
    buys = b.sides[0]
    sells = b.sides[1]
    tick = b.instrument.tick_px
    bid_key = buys.best
    ask_key = sells.best
    bid_left = b.waiting[0].lots
    ask_left = b.waiting[1].lots
    bid_px = NO_PX  # price of the worst bid that trades; NO_PX: market orders alone
    ask_px = -NO_PX
    lots = 0
    while True:
        if bid_left == 0:
            if bid_key == NO_KEY or bid_key < ask_px:
                break
            if ask_left == 0 and (ask_key == NO_KEY or bid_key < -ask_key):
                break
            bid_px = bid_key
            bid_left = _lots_at(m, buys, bid_key)
            bid_key = next_key(buys, bid_key)
        if ask_left == 0:
            if ask_key == NO_KEY or -ask_key > bid_px:
                break
            ask_px = -ask_key
            ask_left = _lots_at(m, sells, ask_key)
            ask_key = next_key(sells, ask_key)
        part = min(bid_left, ask_left)
        lots += part
        bid_left -= part
        ask_left -= part
        bounds.low = ask_px
        bounds.high = bid_px
    if lots == 0:
        return 0
    reference = b.last_px // tick * tick
    if bounds.high == NO_PX:  # open: limited by what is known
        bounds.high = max(
            _worst_px(sells, -1, -NO_PX), buys.best if buys.best != NO_KEY else -NO_PX
        )
        if b.has_reference != 0:
            bounds.high = max(bounds.high, reference)
    if bounds.low == -NO_PX:
        bounds.low = min(_worst_px(buys, 1, NO_PX), -sells.best if sells.best != NO_KEY else NO_PX)
        if b.has_reference != 0:
            bounds.low = min(bounds.low, reference)
    if bounds.low > bounds.high or abs(bounds.low) == NO_PX or abs(bounds.high) == NO_PX:
        return 0  # market orders alone, and no price is known
    return lots


@leaf
def find_price(m, b, bounds, collar):
    """Find the price at which the book would uncross now.

    Args:
        m: the market.
        b: the book.
        bounds: scratch.
        collar: whether the price must lie within the collar.

    Returns:
        The price; NO_PX when nothing would trade, -NO_PX when the collar allows none.
    """
    lots = _range(m, b, bounds)
    b.indicative_lots = lots
    b.surplus_lots = 0
    if lots == 0:
        return NO_PX
    tick = b.instrument.tick_px
    low = -((-bounds.low) // tick)
    high = bounds.high // tick
    # The surplus falls: the last tick with one of buyers, the first with one of sellers.
    zero = _first_not_above(m, b, low, high, 0)
    if zero <= high and _surplus(m, b, zero * tick) == 0:
        best_low = zero
        best_high = _first_not_above(m, b, zero, high, -1) - 1
        px = _balanced_px(b, best_low * tick, best_high * tick)
    else:
        positive = _surplus(m, b, (zero - 1) * tick) if zero > low else NO_PX
        negative = -_surplus(m, b, zero * tick) if zero <= high else NO_PX
        best_low = zero
        best_high = zero - 1
        if positive <= negative:
            best_low = _first_not_above(m, b, low, zero - 1, positive)
        if negative <= positive:
            best_high = _first_not_above(m, b, zero, high, -negative - 1) - 1
        if positive < negative:
            px = best_high * tick
        elif negative < positive:
            px = best_low * tick
        else:
            px = _balanced_px(b, best_low * tick, best_high * tick)
    if collar:
        _write_collar(b, bounds)
        lowest = max(low * tick, bounds.collar_low)
        highest = min(high * tick, bounds.collar_high)
        if lowest > highest:  # of a crossed touch the collar itself may be empty
            return -NO_PX
        px = min(max(px, lowest), highest)
    b.surplus_lots = _surplus(m, b, px)
    return px


@leaf
def _balanced_px(b, low, high):
    """Return the price nearest to the reference, or the middle without one."""
    tick = b.instrument.tick_px
    if b.has_reference == 0:
        return (low + high) // 2 // tick * tick
    below = b.last_px // tick * tick
    if below < low:
        return low
    if below >= high:
        return high
    # Off the tick the nearer one counts, the higher one when both are equally near.
    return below if 2 * (b.last_px - below) < tick else below + tick


@leaf
def _write_collar(b, bounds):
    """Write the prices that the collar allows: around the touch when calls began."""
    tick = b.instrument.tick_px
    bid_px = b.collar_bid_px if b.collar_bid_px != NO_PX else b.last_px
    ask_px = b.collar_ask_px if b.collar_ask_px != NO_PX else b.last_px
    reach = (bid_px + ask_px) * b.instrument.collar_bps // 20_000
    bounds.collar_low = -((reach - bid_px) // tick) * tick
    bounds.collar_high = (ask_px + reach) // tick * tick


# ------------------------------------------------------------------ trades
@leaf
def _next_of(m, b, side):
    """Return the order of a side that trades next: market orders, price, visible, time."""
    index = 0 if side > 0 else 1
    if b.waiting[index].head != NONE:
        return b.waiting[index].head
    s = b.sides[index]
    return level_head(s, s.best) if s.best != NO_KEY else NONE


@leaf
def _take(m, log, b, index, lots):
    """Take traded lots from an order; whether none are left.

    The log says by how much what it shows has shrunk.
    """
    o = m.orders[index]
    owner = o.owner
    slot = slot_of(m, o)
    marks = _AUCTION
    if o.flags & (_HIDDEN | _MARKET):
        marks |= _MARK_HIDDEN
    shown = o.lots
    left = shown + reserve_of(m, o) - lots
    gone = min(lots, shown)
    write_log(m, log, _LOG_AMEND, owner, slot, NONE, NONE, o.side, o.px, gone, _OK, marks)
    if left == 0:
        take_out(m, b, index)
        return True
    open_lots(m, owner, o.side, -lots, 0)
    if lots >= shown:
        show_again(m, log, b, index, left)
    elif o.flags & _MARKET:
        o.lots -= lots
        b.waiting[0 if o.side > 0 else 1].lots -= lots
    else:
        reduce(b.sides[0 if o.side > 0 else 1], o, lots)
    return False


@leaf
def uncross(m, log, b, px, lots):
    """Trade ``lots`` at one price, in order of priority on both sides."""
    write_log(m, log, _LOG_UNCROSS, NONE, NONE, NONE, NONE, 0, px, lots, _OK, b.index)
    i = NONE
    j = NONE
    while lots > 0:
        # An order trades all that it has before the next one does, reserve included.
        if i == NONE:
            i = _next_of(m, b, 1)
        if j == NONE:
            j = _next_of(m, b, -1)
        buy = m.orders[i]
        sell = m.orders[j]
        part = min(min(buy.lots + reserve_of(m, buy), sell.lots + reserve_of(m, sell)), lots)
        buyer = buy.owner
        seller = sell.owner
        buy_slot = slot_of(m, buy)
        sell_slot = slot_of(m, sell)
        buy_gen = i if m.bare != 0 else gen_of(m, buy, buy_slot)
        sell_gen = j if m.bare != 0 else gen_of(m, sell, sell_slot)
        settle(
            m, log, b, seller, sell_slot, sell_gen, buyer, buy_slot, buy_gen, 0, px, part, _AUCTION
        )
        lots -= part
        if _take(m, log, b, i, part):
            i = NONE
        if _take(m, log, b, j, part):
            j = NONE
    b.static_px = px
    trigger_all(m, b, _ON_TRADE)
