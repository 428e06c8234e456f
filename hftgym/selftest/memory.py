"""Everything that must hold of a book's memory after every message, checked by one kernel."""

from __future__ import annotations

from typing import Any

import numpy as np

from hftgym.core.book import level_head, next_key
from hftgym.core.constants import NO_KEY, NONE, Flag, OrderMark, Phase
from hftgym.core.jit import kernel, leaf
from hftgym.core.orders import reserve_of, slot_of

_HIDDEN = int(Flag.HIDDEN)
_GTD = int(Flag.GTD)
_STOP = int(Flag.STOP)
_MARKET = int(OrderMark.MARKET)
_RARE = int(OrderMark.RARE)
_CONTINUOUS = int(Phase.CONTINUOUS)

#: What a code of ``check_book`` means.
BROKEN = {
    1: "best bid and best ask cross or lock",
    2: "a bit of the window's bitmap does not say whether its level is occupied",
    3: "a word of the summary does not say whether its word is zero",
    4: "an order stands at another price, side or owner than its level",
    5: "links of a level's queue do not agree",
    6: "a level's volume is not the sum of its orders",
    7: "an order without lots",
    8: "far levels are not sorted, or not worse than the window",
    9: "a far level is empty, or its links do not agree",
    10: "the count of orders of a side is wrong",
    11: "the count of levels of the window is wrong",
    12: "the best price is not the best occupied one",
    13: "walking the prices does not meet every order",
    14: "live and free orders are not all orders",
    15: "used and free far levels are not all far levels",
    16: "an owner's slot does not point to its order, or the other way round",
    17: "open lots of an account are not the lots of its orders",
    18: "a free message, report or view is missing",
    19: "an empty level keeps a tail or a volume",
    20: "a visible order stands behind a hidden one",
    21: "the count of hidden orders is wrong",
    22: "a market order that waits does not belong there, or their lots are wrong",
    23: "a side record does not belong to its order",
    24: "live and free side records are not all that were used",
    25: "the list of ends is not sorted, or its links do not agree",
    26: "the bound on slices is wrong",
}


@leaf
def _walk(m, s, asleep, key, head, tail, volume):
    """Check one level's queue; (orders in it, code)."""
    n = 0
    lots = 0
    prev = NONE
    k = head
    while k != NONE:
        o = m.orders[k]
        side = -s.side if asleep else s.side
        if s.side * o.px != key or o.side != side or o.owner < 0 or o.owner >= m.participants:
            return n, 4
        if (o.flags & _STOP != 0) != asleep or o.flags & _MARKET:
            return n, 4
        if o.prev != prev or n > len(m.orders):
            return n, 5
        if o.lots <= 0:
            return n, 7
        slot = slot_of(m, o)
        if o.flags & _RARE and m.rare[o.slot].order != k:
            return n, 23
        if o.owner != m.tape.owner:
            if m.slots[m.part[o.owner].own_first + slot].order != k:
                return n, 16
        elif slot != NONE and m.tape_order[slot] != k:
            return n, 16
        if o.flags & _HIDDEN == 0:
            lots += o.lots
            if prev != NONE and m.orders[prev].flags & _HIDDEN:
                return n, 20
        n += 1
        prev = k
        k = o.next
    if prev != tail:
        return n, 5
    if lots != volume:
        return n, 6
    return n, 0


@leaf
def _check_side(m, s, asleep, far_capacity):
    n = len(s.levels)
    count = 0
    occupied = 0
    best = NO_KEY
    for w in range(len(s.words)):
        bit = (s.summary[w >> 6] >> np.uint64(w & 63)) & np.uint64(1)
        if (bit != np.uint64(0)) != (s.words[w] != np.uint64(0)):
            return 3
    for key in range(s.base, s.base + n):
        slot = key & (n - 1)
        level = s.levels[slot]
        bit = (s.words[slot >> 6] >> np.uint64(slot & 63)) & np.uint64(1)
        if (bit != np.uint64(0)) != (level.head != NONE):
            return 2
        if level.head == NONE:
            if level.tail != NONE or level.volume != 0:
                return 19
            continue
        occupied += 1
        best = key
        met, code = _walk(m, s, asleep, key, level.head, level.tail, level.volume)
        count += met
        if code != 0:
            return code
    if occupied != s.levels_used:
        return 11
    far = s.far_head
    prev = NONE
    last = s.base
    used = 0
    while far != NONE:
        f = s.far[far]
        if f.key >= last:
            return 8
        if f.level.head == NONE or f.prev != prev:
            return 9
        if best == NO_KEY:
            best = f.key
        met, code = _walk(m, s, asleep, f.key, f.level.head, f.level.tail, f.level.volume)
        count += met
        if code != 0:
            return code
        last = f.key
        prev = far
        far = f.next
        used += 1
        if used > len(s.far):
            return 15
    far = s.far_free
    while far != NONE and used <= len(s.far):
        used += 1
        far = s.far[far].next
    if used != far_capacity:
        return 15
    if count != s.orders:
        return 10
    if best != s.best:
        return 12
    levels = 0
    key = s.best
    while key != NO_KEY and levels <= n + len(s.far):
        levels += 1
        worse = next_key(s, key)
        if worse >= key:
            return 13
        key = worse
    walked = occupied
    far = s.far_head
    while far != NONE:
        walked += 1
        far = s.far[far].next
    return 0 if levels == walked else 13


@leaf
def _count_hidden(m, s):
    n = 0
    key = s.best
    while key != NO_KEY:
        k = level_head(s, key)
        while k != NONE:
            n += 1 if m.orders[k].flags & _HIDDEN else 0
            k = m.orders[k].next
        key = next_key(s, key)
    return n


@leaf
def _check_waiting(m, w, side):
    """Return how many market orders wait; NONE when something is wrong."""
    n = 0
    lots = 0
    prev = NONE
    k = w.head
    while k != NONE:
        o = m.orders[k]
        if o.prev != prev or o.side != side or o.flags & _MARKET == 0 or o.lots <= 0:
            return NONE
        lots += o.lots
        n += 1
        prev = k
        k = o.next
    return n if prev == w.tail and lots == w.lots else NONE


@leaf
def _check_rare(m):
    used = 0
    slices = 0
    for j in range(m.rare_high):
        r = m.rare[j]
        if r.order != NONE:
            used += 1
            slices += r.slices
            o = m.orders[r.order]
            if o.flags & _RARE == 0 or o.slot != j:
                return 23
    if used != m.rare_live or used + _free(m.rare, m.rare_free) != m.rare_high:
        return 24
    if slices != m.slices:
        return 26
    prev = NONE
    j = m.expiry_head
    while j != NONE:
        r = m.rare[j]
        if r.prev != prev or r.order == NONE or r.flags & _GTD == 0:
            return 25
        if prev != NONE and m.rare[prev].expire_ns > r.expire_ns:
            return 25
        prev = j
        j = r.next
    return 0 if prev == m.expiry_tail else 25


@leaf
def _free(pool, head):
    n = 0
    while head != NONE and n <= len(pool):
        n += 1
        head = pool[head].next
    return n


@leaf
def _check_queues(m, b, far_capacity):
    """Return how many orders a book has; minus a code when something is wrong."""
    bids = b.sides[0]
    asks = b.sides[1]
    crossed = bids.best != NO_KEY and asks.best != NO_KEY and bids.best >= -asks.best
    if crossed and b.instrument.phase == _CONTINUOUS:
        return -1
    live = 0
    for side in range(4):
        s = b.sides[side]
        code = _check_side(m, s, side >= 2, far_capacity)
        if code != 0:
            return -code
        if _count_hidden(m, s) != s.hidden:
            return -21
        live += s.orders
    for side in range(2):
        waiting = _check_waiting(m, b.waiting[side], 1 - 2 * side)
        if waiting < 0:
            return -22
        live += waiting
    return live


@kernel
def _check(markets, i, order_capacity, far_capacity, in_flight):
    m = markets[i]
    live = 0
    for book in range(len(m.books)):
        found = _check_queues(m, m.books[book], far_capacity)
        if found < 0:
            return -found
        live += found
    if live != m.order_live or live > order_capacity:
        return 14
    if live + _free(m.orders, m.order_free) != m.order_high:
        return 14
    code = _check_rare(m)
    if code != 0:
        return code
    linked = 0
    for p in range(m.participants):
        part = m.part[p]
        buys = 0
        sells = 0
        for slot in range(part.own_capacity):
            k = m.slots[part.own_first + slot].order
            if k != NONE:
                o = m.orders[k]
                linked += 1
                if o.owner != p or slot_of(m, o) != slot:
                    return 16
                if o.side > 0:
                    buys += o.lots + reserve_of(m, o)
                else:
                    sells += o.lots + reserve_of(m, o)
        if p != m.tape.owner and (
            buys != part.account.open_buy_lots or sells != part.account.open_sell_lots
        ):
            return 17
    if m.tape.owner == NONE and linked != live:
        return 16
    if in_flight == 0:
        if _free(m.messages, m.message_free) != len(m.messages):
            return 18
        if _free(m.reports, m.report_free) != len(m.reports):
            return 18
    return 0


def check_book(
    markets: Any, order_capacity: int, far_capacity: int, i: int = 0, in_flight: bool = False
) -> None:
    """Fail when a rule of the book's memory is broken.

    Args:
        markets: array of market records.
        order_capacity: orders that the pool holds.
        far_capacity: far levels that each side holds.
        i: which market.
        in_flight: messages and reports may be on their way.
    """
    code = _check(markets, i, order_capacity, far_capacity, int(in_flight))
    if code != 0:
        raise AssertionError(f"{code}: {BROKEN[code]}")
