"""Who trades with an aggressor: price-time or pro-rata, bands, self-trade prevention.

``match`` returns the lots that are left. ``market.ended`` then says whether the aggressor may not
go on: ``SELF_TRADE`` (its own firm was next) or ``PRICE_BAND`` (the next trade would leave the
band).
"""

from __future__ import annotations

from hftgym.core.book import level_head, level_lots, next_key, side_index
from hftgym.core.constants import (
    NO_KEY,
    NONE,
    STP_SHIFT,
    Flag,
    LogKind,
    Matching,
    MessageKind,
    OrderMark,
    Reason,
    ReportKind,
    Stp,
    WakeOn,
)
from hftgym.core.jit import inlined, leaf
from hftgym.core.ledger import same_firm, write_log
from hftgym.core.orders import end_order, fill, fill_here, gen_of, reserve_of, shrink, slot_of
from hftgym.core.responses import report
from hftgym.core.views import trigger_all

_HIDDEN = int(Flag.HIDDEN)
_TOP = int(OrderMark.TOP)
_LIMIT = int(MessageKind.LIMIT)
_OK = int(Reason.OK)
_SELF_TRADE = int(Reason.SELF_TRADE)
_PRICE_BAND = int(Reason.PRICE_BAND)
_CANCELLED = int(ReportKind.CANCELLED)
_AMENDED = int(ReportKind.AMENDED)
_LOG_CANCEL = int(LogKind.CANCEL)
_LOG_AMEND = int(LogKind.AMEND)
_PRO_RATA = int(Matching.PRO_RATA)
_OFF = int(Stp.OFF)
_OLDEST = int(Stp.CANCEL_OLDEST)
_NEWEST = int(Stp.CANCEL_NEWEST)
_DECREMENT = int(Stp.DECREMENT)
_ON_TRADE = int(WakeOn.TRADE)


@inlined
def stp_mode(b, flags):
    """Return the self-trade mode of a message: its own, else the instrument's."""
    asked = flags >> STP_SHIFT
    return asked - 1 if asked > 0 else b.instrument.stp


@inlined
def _outside_band(b, px):
    """Return whether a trade at this price would leave the dynamic band."""
    return abs(px - b.band_px) > b.instrument.dynamic_band_px


# ------------------------------------------------------------------ self-trade prevention
@leaf
def _tell_amended(m, log, p, slot, gen, side, px, lots, change, request, marks):
    write_log(m, log, _LOG_AMEND, p, slot, NONE, NONE, side, px, change, _SELF_TRADE, marks)
    report(m, p, _AMENDED, _SELF_TRADE, request, slot, gen, side, px, lots, 0)


@leaf
def _decrement(m, log, b, order_index, taker, taker_slot, taker_gen, kind, px, lots):
    """Shrink both by the smaller of their open lots; lots left of the aggressor."""
    o = m.orders[order_index]
    side = o.side
    slot = slot_of(m, o)
    open_now = o.lots + reserve_of(m, o)
    common = min(open_now, lots)
    if common == open_now:
        end_order(m, log, b, order_index, _SELF_TRADE, _LIMIT)
    else:
        shown = o.lots
        shrink(m, b, order_index, common)
        if m.bare == 0:
            gen = gen_of(m, o, slot)
            marks = 1 if o.flags & _HIDDEN else 0
            left = open_now - common
            _tell_amended(
                m, log, o.owner, slot, gen, side, o.px, left, shown - o.lots, _LIMIT, marks
            )
    if lots == common:
        m.ended = _SELF_TRADE
        write_log(
            m, log, _LOG_CANCEL, taker, taker_slot, NONE, NONE, -side, px, lots, _SELF_TRADE, 1
        )
        if m.bare == 0 and taker_slot != NONE:
            report(
                m, taker, _CANCELLED, _SELF_TRADE, kind, taker_slot, taker_gen, -side, px, lots, 0
            )
    elif m.bare == 0 and taker_slot != NONE:
        _tell_amended(
            m, log, taker, taker_slot, taker_gen, -side, px, lots - common, common, kind, 1
        )
    return lots - common


@leaf
def _self_trade(m, log, b, order_index, mode, taker, taker_slot, taker_gen, kind, px, lots):
    """Prevent a trade with a resting order of the same firm; lots left of the aggressor."""
    if mode == _DECREMENT:
        return _decrement(m, log, b, order_index, taker, taker_slot, taker_gen, kind, px, lots)
    if mode != _NEWEST:
        end_order(m, log, b, order_index, _SELF_TRADE, _LIMIT)
    if mode != _OLDEST:
        m.ended = _SELF_TRADE
    return lots


# ------------------------------------------------------------------ pro-rata
@leaf
def mul_div(a, b, c):
    """Return floor(a * b / c) of non-negative a <= c, b <= c, c > 0, without overflow."""
    if a == 0 or b <= 9_223_372_036_854_775_807 // a:
        return a * b // c
    # Bit by bit: quotient and remainder of the doubled partial product.
    quotient = 0
    rest = 0
    for bit in range(62, -1, -1):
        quotient <<= 1
        rest <<= 1
        if rest >= c:
            rest -= c
            quotient += 1
        if (b >> bit) & 1:
            rest += a
            if rest >= c:
                rest -= c
                quotient += 1
    return quotient


@leaf
def _write_quotas(m, head, pool):
    """Note what each owner of a visible order at a price gets of ``pool`` lots by agreement."""
    i = head
    while i != NONE and m.orders[i].flags & _HIDDEN == 0:
        o = m.orders[i]
        if m.bare == 0:
            account = m.part[o.owner].account
            account.quota_lots = pool * account.lmm_percent // 100
        i = o.next


@leaf
def _by_agreement(m, o, left, pool):
    """Return what an order gets of its owner's quota, at most ``left`` and ``pool``."""
    if m.bare != 0:
        return 0
    account = m.part[o.owner].account
    lots = min(min(left, pool), account.quota_lots)
    account.quota_lots -= lots
    return lots


@leaf
def _share_level(m, log, b, s, taker, taker_slot, taker_gen, lots):
    """Share ``lots``, fewer than the level shows, among its visible orders.

    Three passes over the level, the same sequence of shares in each: what the agreements take, what
    goes by size, then one trade for each order.
    """
    instrument = b.instrument
    head = level_head(s, s.best)
    top = 0
    if m.orders[head].flags & _TOP:
        top = min(min(instrument.top_max_lots, m.orders[head].lots), lots)
    pool = lots - top
    agreed_total = 0
    last = head  # an iceberg that shows its next slice comes behind it, and not again
    _write_quotas(m, head, pool)
    i = head
    while i != NONE and m.orders[i].flags & _HIDDEN == 0:
        o = m.orders[i]
        last = i
        left = o.lots - (top if i == head else 0)
        agreed_total += _by_agreement(m, o, left, pool - agreed_total)
        i = o.next
    timed_total = (pool - agreed_total) * instrument.fifo_percent // 100
    sized_pool = pool - agreed_total - timed_total
    # Lots that are left of the orders to share by size.
    base = level_lots(s, s.best) - top - agreed_total - timed_total
    agreed_done = 0
    timed_done = 0
    sized_total = 0
    _write_quotas(m, head, pool)
    i = head
    while i != NONE and m.orders[i].flags & _HIDDEN == 0:
        o = m.orders[i]
        left = o.lots - (top if i == head else 0)
        agreed = _by_agreement(m, o, left, pool - agreed_done)
        agreed_done += agreed
        timed = min(left - agreed, timed_total - timed_done)
        timed_done += timed
        sized = mul_div(left - agreed - timed, sized_pool, base)
        sized_total += sized if sized >= instrument.min_alloc_lots else 0
        i = o.next
    remainder = sized_pool - sized_total
    agreed_done = 0
    timed_done = 0
    _write_quotas(m, head, pool)
    i = head
    while i != NONE:
        o = m.orders[i]
        following = o.next if i != last else NONE
        share = top if i == head else 0
        left = o.lots - share
        agreed = _by_agreement(m, o, left, pool - agreed_done)
        agreed_done += agreed
        timed = min(left - agreed, timed_total - timed_done)
        timed_done += timed
        left -= agreed + timed
        sized = mul_div(left, sized_pool, base)
        if sized < instrument.min_alloc_lots:
            sized = 0
        more = min(left - sized, remainder)
        remainder -= more
        share += agreed + timed + sized + more
        if share > 0:
            fill(m, log, b, i, taker, taker_slot, taker_gen, share)
        i = following


@leaf
def _match_level(m, log, b, s, mode, taker, taker_slot, taker_gen, kind, px, lots):
    """Let an aggressor trade with the best level by pro-rata; lots left."""
    if mode != _OFF:
        i = level_head(s, s.best)
        key = s.best
        while i != NONE:
            following = m.orders[i].next
            if same_firm(m, m.orders[i].owner, taker):
                lots = _self_trade(m, log, b, i, mode, taker, taker_slot, taker_gen, kind, px, lots)
                if m.ended != _OK or lots == 0:
                    return lots
            i = following
        if s.best != key:  # only orders of its firm stood there
            return lots
    shown = level_lots(s, s.best)
    if 0 < lots < shown:
        _share_level(m, log, b, s, taker, taker_slot, taker_gen, lots)
        return 0
    # All that is shown, or, when nothing is, hidden orders: by time.
    key = s.best
    left = shown if shown > 0 else lots
    while left > 0 and s.best == key:
        i = level_head(s, key)
        part = min(left, m.orders[i].lots)
        fill(m, log, b, i, taker, taker_slot, taker_gen, part)
        left -= part
        lots -= part
    return lots


# ------------------------------------------------------------------ matching
@leaf
def match(m, log, b, taker, taker_slot, taker_gen, side, limit_px, lots, mode, kind):
    """Trade against the other side, best price first; lots left.

    Args:
        m: the market.
        log: its log buffer.
        b: the book.
        taker: participant index.
        taker_slot: its order slot; NONE: no order of its own (a tape, a flattening).
        taker_gen: generation of the message.
        side: of the aggressor.
        limit_px: worst price.
        lots: to trade.
        mode: Stp.
        kind: MessageKind that the aggressor answers for in reports.
    """
    m.ended = _OK
    s = b.sides[side_index(-side)]
    limit_key = -side * limit_px
    before = b.trades
    banded = b.instrument.dynamic_band_px > 0 and taker != m.tape.owner
    shared = b.instrument.matching == _PRO_RATA
    while lots > 0 and s.best != NO_KEY and s.best >= limit_key:
        if banded and _outside_band(b, -side * s.best):
            m.ended = _PRICE_BAND
            break
        if shared:
            lots = _match_level(
                m, log, b, s, mode, taker, taker_slot, taker_gen, kind, limit_px, lots
            )
            if m.ended != _OK:
                break
            continue
        order_index = level_head(s, s.best)
        o = m.orders[order_index]
        if mode != _OFF and same_firm(m, o.owner, taker):
            lots = _self_trade(
                m, log, b, order_index, mode, taker, taker_slot, taker_gen, kind, limit_px, lots
            )
            if m.ended != _OK:
                break
            continue
        part_lots = min(lots, o.lots)
        fill_here(m, log, b, order_index, taker, taker_slot, taker_gen, part_lots)
        lots -= part_lots
    if b.trades != before:
        trigger_all(m, b, _ON_TRADE)
    return lots


@leaf
def _first_own(m, s, key, taker):
    """Return the first order of the taker's firm at a price, or NONE."""
    i = level_head(s, key)
    while i != NONE and not same_firm(m, m.orders[i].owner, taker):
        i = m.orders[i].next
    return i


@leaf
def available(m, b, taker, side, limit_px, want, mode, amount):
    """Return whether ``want`` lots would trade at once.

    Args:
        m: the market.
        b: the book.
        taker: participant index.
        side: of the aggressor.
        limit_px: worst price.
        want: lots.
        mode: Stp.
        amount: price times lots that they may cost, or must bring; negative: any.
    """
    s = b.sides[side_index(-side)]
    limit_key = -side * limit_px
    banded = b.instrument.dynamic_band_px > 0
    found = 0
    worth = 0
    key = s.best
    while found < want and key != NO_KEY and key >= limit_key:
        px = -side * key
        if banded and _outside_band(b, px):
            return False
        own = _first_own(m, s, key, taker) if mode != _OFF else NONE
        stops = own != NONE and mode != _OLDEST
        if stops and b.instrument.matching == _PRO_RATA:
            return False
        # Reserves come after the visible orders of their price, an own one among them too.
        whole = not stops or m.orders[own].flags & _HIDDEN != 0
        i = level_head(s, key)
        while found < want and i != NONE:
            o = m.orders[i]
            if own != NONE and same_firm(m, o.owner, taker):
                if stops:
                    return False
            else:
                part = min(want - found, o.lots + (reserve_of(m, o) if whole else 0))
                found += part
                worth += part * px
            i = o.next
        key = next_key(s, key)
    if found < want:
        return False
    return amount < 0 or (worth <= amount if side > 0 else worth >= amount)
