"""The limit order book: two sides of price levels, each a queue in order of arrival.

A side stores prices as *keys*, ``key = side * px``: for both sides the larger key is the better
price, so one set of functions serves both. Levels near the touch lie in a window, a ring of
``len(levels)`` keys with a bitmap in two tiers; levels outside of it (always worse than the
window) are a sorted list. The window follows the best price and moves occupied levels only.

Orders are rows of one pool, chained per level; a pool slot is an order's identity. Hidden orders
stand behind the visible ones of their price and count in no volume.
"""

from __future__ import annotations

import numpy as np

from hftgym.core.bits import highest_bit, rarely
from hftgym.core.constants import NO_KEY, NONE, Flag
from hftgym.core.jit import inlined, leaf

_ONE = np.uint64(1)
_ALL = np.uint64(0xFFFFFFFFFFFFFFFF)
_HIDDEN = int(Flag.HIDDEN)


@inlined
def side_index(side):
    """Return 0 for bids (+1), 1 for asks (-1)."""
    return (1 - side) >> 1


# ------------------------------------------------------------------ pool of orders
@leaf
def init_orders(m):
    """Empty the pool. Slots that were never used need no free list, and cost nothing to reset."""
    m.order_free = NONE
    m.order_high = 0
    m.order_limit = len(m.orders)
    m.order_live = 0


@inlined
def has_room(m):
    """Return whether the pool has a slot for another order."""
    return m.order_live < m.order_limit


@inlined
def take_order(m):
    """Take a slot from the pool, which has room."""
    index = m.order_free
    if index != NONE:
        m.order_free = m.orders[index].next
    else:
        index = m.order_high
        m.order_high += 1
    m.order_live += 1
    return index


@inlined
def give_order(m, index):
    """Give a slot back to the pool."""
    o = m.orders[index]
    o.owner = NONE
    o.next = m.order_free
    m.order_free = index
    m.order_live -= 1


@leaf
def init_side(s, side, start_px):
    """Empty one side; its window is centred on ``start_px``."""
    s.side = side
    s.best = NO_KEY
    s.base = side * start_px - len(s.levels) // 2
    s.orders = 0
    s.hidden = 0
    s.levels_used = 0
    s.far_head = NONE
    for w in range(len(s.words)):
        s.words[w] = np.uint64(0)
    for w in range(len(s.summary)):
        s.summary[w] = np.uint64(0)
    for i in range(len(s.levels)):
        s.levels[i].volume = 0
        s.levels[i].head = NONE
        s.levels[i].tail = NONE
    n = len(s.far)
    for i in range(n):
        s.far[i].next = i + 1
    s.far[n - 1].next = NONE
    s.far_free = 0


# ------------------------------------------------------------------ bitmap of the window
@inlined
def _mark(s, slot):
    w = slot >> 6
    s.words[w] |= _ONE << np.uint64(slot & 63)
    s.summary[w >> 6] |= _ONE << np.uint64(w & 63)


@inlined
def _unmark(s, slot):
    w = slot >> 6
    s.words[w] &= ~(_ONE << np.uint64(slot & 63))
    if s.words[w] == np.uint64(0):
        s.summary[w >> 6] &= ~(_ONE << np.uint64(w & 63))


@leaf
def _below(s, slot):
    """Return the highest occupied slot at or below ``slot``, or NONE."""
    if slot < 0:
        return NONE
    w = slot >> 6
    word = s.words[w] & (_ALL >> np.uint64(63 - (slot & 63)))
    if word != np.uint64(0):
        return (w << 6) + highest_bit(word)
    w -= 1
    if w < 0:
        return NONE
    u = w >> 6
    top = s.summary[u] & (_ALL >> np.uint64(63 - (w & 63)))
    while top == np.uint64(0):
        u -= 1
        if u < 0:
            return NONE
        top = s.summary[u]
    w = (u << 6) + highest_bit(top)
    return (w << 6) + highest_bit(s.words[w])


@leaf
def _next_in_window(s, key):
    """Return the best occupied key of the window at or below ``key``, or NO_KEY."""
    if s.levels_used == 0 or key < s.base:
        return NO_KEY
    mask = len(s.levels) - 1
    slot = key & mask
    found = _below(s, slot)
    if found == NONE:
        found = _below(s, mask)
        if found == NONE:
            return NO_KEY
    result = key - ((slot - found) & mask)
    return result if result >= s.base else NO_KEY


@leaf
def next_key(s, key):
    """Return the best occupied key strictly worse than ``key``, or NO_KEY."""
    found = _next_in_window(s, key - 1)
    if found != NO_KEY:
        return found
    far = s.far_head
    while far != NONE and s.far[far].key >= key:
        far = s.far[far].next
    return s.far[far].key if far != NONE else NO_KEY


# ------------------------------------------------------------------ far levels
@leaf
def _far_find(s, key):
    far = s.far_head
    while far != NONE and s.far[far].key > key:
        far = s.far[far].next
    if far != NONE and s.far[far].key == key:
        return far
    return NONE


@leaf
def _far_insert(s, key, after):
    """Link a new far level into its place, sought behind ``after`` (NONE: from the best on).

    Returns NONE when the pool is empty.
    """
    new = s.far_free
    if new == NONE:
        return NONE
    s.far_free = s.far[new].next
    prev = after
    far = s.far_head if after == NONE else s.far[after].next
    while far != NONE and s.far[far].key > key:
        prev = far
        far = s.far[far].next
    s.far[new].key = key
    s.far[new].level.volume = 0
    s.far[new].level.head = NONE
    s.far[new].level.tail = NONE
    s.far[new].next = far
    s.far[new].prev = prev
    if far != NONE:
        s.far[far].prev = new
    if prev != NONE:
        s.far[prev].next = new
    else:
        s.far_head = new
    return new


@leaf
def _far_remove(s, far):
    prev = s.far[far].prev
    nxt = s.far[far].next
    if prev != NONE:
        s.far[prev].next = nxt
    else:
        s.far_head = nxt
    if nxt != NONE:
        s.far[nxt].prev = prev
    s.far[far].next = s.far_free
    s.far_free = far


@leaf
def _window_to_far(s, key, after):
    """Move one occupied level of the window to the far list, behind ``after``."""
    far = _far_insert(s, key, after)
    slot = key & (len(s.levels) - 1)
    level = s.levels[slot]
    s.far[far].level.volume = level.volume
    s.far[far].level.head = level.head
    s.far[far].level.tail = level.tail
    level.volume = 0
    level.head = NONE
    level.tail = NONE
    _unmark(s, slot)
    s.levels_used -= 1
    return far


@leaf
def _far_to_window(s, far):
    """Move a far level to its place in the window."""
    slot = s.far[far].key & (len(s.levels) - 1)
    level = s.levels[slot]
    level.volume = s.far[far].level.volume
    level.head = s.far[far].level.head
    level.tail = s.far[far].level.tail
    _mark(s, slot)
    s.levels_used += 1
    _far_remove(s, far)


@leaf
def _raise_window(s, base):
    """Let the window begin at a better ``base``.

    Returns False, with nothing changed, when the levels that leave do not fit into the far list.
    """
    leaving = 0
    first = min(base, s.base + len(s.levels)) - 1  # the ring aliases keys beyond the window
    key = _next_in_window(s, first)
    while key != NO_KEY:
        leaving += 1
        key = _next_in_window(s, key - 1)
    free = s.far_free
    for _ in range(leaving):
        if free == NONE:
            return False
        free = s.far[free].next
    after = NONE
    key = _next_in_window(s, first)
    while key != NO_KEY:
        worse = _next_in_window(s, key - 1)
        after = _window_to_far(s, key, after)
        key = worse
    s.base = base
    return True


@leaf
def _lower_window(s):
    """Follow a best price that has fallen into the worst quarter of the window, or out of it."""
    n = len(s.levels)
    if s.best != NO_KEY and s.best - s.base < n // 4 and s.far_head != NONE:
        s.base = s.best - n // 2
        while s.far_head != NONE and s.far[s.far_head].key >= s.base:
            _far_to_window(s, s.far_head)


@inlined
def make_room(s, key):
    """Prepare a level for ``key``: True when an order can rest there.

    Moves the window when the key is better than all of it; False when the far list is full.
    """
    offset = key - s.base
    if 0 <= offset < len(s.levels):
        return True
    return _make_room(s, key)


@leaf
def _make_room(s, key):
    """Prepare a level outside of the window, or move the window."""
    n = len(s.levels)
    offset = key - s.base
    if s.orders == 0:
        s.base = key - n // 2
        return True
    if offset < 0:
        return _far_find(s, key) != NONE or s.far_free != NONE
    # With room above, else as little as possible: what has come into the window since it was here
    # last fits back into the far list, so an order that was promised room finds it.
    return _raise_window(s, key - n + 1 + n // 4) or _raise_window(s, key - n + 1)


# ------------------------------------------------------------------ looking
@leaf
def level_head(s, key):
    """Return the first order at ``key``, or NONE."""
    offset = key - s.base
    if offset >= len(s.levels):
        return NONE
    if offset >= 0:
        return s.levels[key & (len(s.levels) - 1)].head
    far = _far_find(s, key)
    return s.far[far].level.head if far != NONE else NONE


@leaf
def level_lots(s, key):
    """Return the visible volume at ``key`` in lots."""
    offset = key - s.base
    if offset >= len(s.levels):
        return 0
    if offset >= 0:
        return s.levels[key & (len(s.levels) - 1)].volume
    far = _far_find(s, key)
    return s.far[far].level.volume if far != NONE else 0


@leaf
def _visible_below(s, key):
    while key != NO_KEY and level_lots(s, key) == 0:
        key = next_key(s, key)
    return key


@inlined
def visible_key(s, key):
    """Return the best key at or below ``key``, itself occupied, that has visible volume."""
    return _visible_below(s, key) if rarely(s.hidden > 0) else key


@leaf
def lots_ahead(m, order_index):
    """Return the visible lots in front of a resting order at its price."""
    lots = 0
    prev = m.orders[order_index].prev
    while prev != NONE:
        if m.orders[prev].flags & _HIDDEN == 0:
            lots += m.orders[prev].lots
        prev = m.orders[prev].prev
    return lots


# ------------------------------------------------------------------ orders
@inlined
def _append(m, level, index):
    """Put an order at the back of a level: behind all, or, if visible, before the hidden ones."""
    o = m.orders[index]
    tail = level.tail
    if o.flags & _HIDDEN == 0:
        level.volume += o.lots
        while tail != NONE and m.orders[tail].flags & _HIDDEN:
            tail = m.orders[tail].prev
    o.prev = tail
    if tail == NONE:
        o.next = level.head
        level.head = index
    else:
        o.next = m.orders[tail].next
        m.orders[tail].next = index
    if o.next == NONE:
        level.tail = index
    else:
        m.orders[o.next].prev = index


@leaf
def rest(m, s, index, owner, slot, key, lots, flags):
    """Add an order, in a slot taken from the pool, at the back of its level.

    Returns:
        False, with nothing changed, when there is no level for it.
    """
    if not make_room(s, key):
        return False
    o = m.orders[index]
    o.px = s.side * key
    o.lots = lots
    o.slot = slot
    o.owner = owner
    o.side = s.side
    o.flags = flags
    link(m, s, index, key)
    return True


@inlined
def link(m, s, index, key):
    """Chain a written order into its level. ``make_room`` has prepared it."""
    if key >= s.base:
        cell = key & (len(s.levels) - 1)
        level = s.levels[cell]
        if level.head == NONE:
            _mark(s, cell)
            s.levels_used += 1
            if key > s.best:
                s.best = key
        _append(m, level, index)
    else:
        far = _far_find(s, key)
        if far == NONE:
            far = _far_insert(s, key, NONE)
            if key > s.best:  # the window has risen for an order that did not rest
                s.best = key
        _append(m, s.far[far].level, index)
    s.orders += 1
    if m.orders[index].flags & _HIDDEN:
        s.hidden += 1


@leaf
def to_front(m, s, index):
    """Move a visible order to the front of its level (tapes: volume that was never seen)."""
    o = m.orders[index]
    prev = o.prev
    if prev == NONE:
        return
    key = s.side * o.px
    head = level_head(s, key)
    m.orders[prev].next = o.next
    if o.next != NONE:
        m.orders[o.next].prev = prev
    m.orders[head].prev = index
    behind = o.next
    o.next = head
    o.prev = NONE
    if key >= s.base:
        _set_ends(s.levels[key & (len(s.levels) - 1)], index, prev, behind)
    else:
        _set_ends(s.far[_far_find(s, key)].level, index, prev, behind)


@leaf
def _set_ends(level, head, tail, behind):
    level.head = head
    if behind == NONE:
        level.tail = tail


@leaf
def reduce(s, o, lots):
    """Take ``lots``, fewer than its own, from a resting order; it keeps its place."""
    o.lots -= lots
    if o.flags & _HIDDEN == 0:
        add_volume(s, s.side * o.px, -lots)


@leaf
def add_volume(s, key, lots):
    """Change the visible volume of an occupied level."""
    if key >= s.base:
        s.levels[key & (len(s.levels) - 1)].volume += lots
    else:
        s.far[_far_find(s, key)].level.volume += lots


@inlined
def _cut(level, o):
    """Take an order out of the ends and the volume of its level."""
    if o.flags & _HIDDEN == 0:
        level.volume -= o.lots
    if o.prev == NONE:
        level.head = o.next
    if o.next == NONE:
        level.tail = o.prev


@leaf
def unlink(m, s, index):
    """Take an order out of its level; its slot in the pool stays taken."""
    o = m.orders[index]
    key = s.side * o.px
    prev = o.prev
    nxt = o.next
    if prev != NONE:
        m.orders[prev].next = nxt
    if nxt != NONE:
        m.orders[nxt].prev = prev
    emptied = prev == NONE and nxt == NONE
    if key >= s.base:
        cell = key & (len(s.levels) - 1)
        _cut(s.levels[cell], o)
        if emptied:
            _unmark(s, cell)
            s.levels_used -= 1
    else:
        far = _far_find(s, key)
        _cut(s.far[far].level, o)
        if emptied:
            _far_remove(s, far)
    if emptied and key == s.best:
        s.best = next_key(s, key)
        _lower_window(s)
    s.orders -= 1
    if o.flags & _HIDDEN:
        s.hidden -= 1
