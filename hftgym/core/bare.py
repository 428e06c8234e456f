"""A book without participants: orders come straight in, trades come out.

The whole exchange works on it, accounts, reports and latencies apart. An order's id is a *handle*:
its index in the pool of orders and, above that, how often this place has been used before. A handle
is found without a search, and one of an order that is gone names nothing.

What is called for one message or one look takes the *addresses* of the market and of its log: an
array of records as an argument costs more than the message itself.
"""

from __future__ import annotations

from typing import Any
from weakref import WeakValueDictionary

import numpy as np
from numba import from_dtype, types
from numba.extending import intrinsic

from hftgym.core.book import (
    give_order,
    has_room,
    level_head,
    level_lots,
    next_key,
    visible_key,
)
from hftgym.core.constants import (
    MAX_SLICES,
    NEVER_NS,
    NO_KEY,
    NO_PX,
    NONE,
    Fault,
    Flag,
    MessageKind,
    OrderMark,
    Reason,
    StopOn,
)
from hftgym.core.entries import open_market
from hftgym.core.exchange import process, refusal
from hftgym.core.jit import INTERPRETED, kernel, leaf, shared
from hftgym.core.market_class import BOOK_CLASS
from hftgym.core.orders import reserve_of, slot_of
from hftgym.core.phases import change_phase, is_call, publish, run_due
from hftgym.core.plain import (
    GENERATION_SHIFT,
    add_plain,
    cancel_plain,
    fetch_neighbours,
    fetch_order,
    is_plain,
    new_handle,
)
from hftgym.core.prefetch import prefetch_item
from hftgym.core.records import LOG_ROW, market_record, record
from hftgym.core.records import TERMS as TERMS

_LIMIT = int(MessageKind.LIMIT)
_CANCEL = int(MessageKind.CANCEL)
_AMEND = int(MessageKind.AMEND)
_HIDDEN = int(Flag.HIDDEN)
_STOP = int(Flag.STOP)
_RARE = int(OrderMark.RARE)
_WAITS = int(OrderMark.MARKET)
_OK = int(Reason.OK)
_POOL_FULL = int(Reason.POOL_FULL)
_TOO_LATE = int(Reason.TOO_LATE)
_DUPLICATE_ID = int(Reason.DUPLICATE_ID)
_ON_MARK = int(StopOn.MARK)
#: Messages ahead for which memory is asked: its handle, the order itself, its neighbours.
_FARTHEST = 20
_FAR = 10
_NEAR = 5
_NO_FAULT = int(Fault.NONE)
_TERMS = int(Flag.ICEBERG) | int(Flag.STOP) | int(Flag.MIN_LOTS) | int(Flag.GTD)
INDEX = (1 << GENERATION_SHIFT) - 1

BARE_MARKET = market_record(BOOK_CLASS)
#: Rows for trades; what is never written takes no memory. ``start``: the first one of the last
#: call, counted from the first row.
BARE_LOG = record([("capacity", "i8"), ("start", "i8"), ("rows", LOG_ROW, (1 << 22,))])

# One message in one integer: flags (self-trade mode above them), kind, side + 1, marks, owner.
KIND_SHIFT = 24
SIDE_SHIFT = 28
OWNER_SHIFT = 32
#: The id that the caller gives the order is in use.
ID_IN_USE = 1 << 30
#: Trades that do not fit into the log may be lost.
FORCE = 1 << 31
_FLAGS = (1 << KIND_SHIFT) - 1
#: In an amend: as it is.
KEEP = -(1 << 63)
#: Nothing has happened: the log has to be emptied first.
LOG_FULL = -(1 << 62)

#: What ``look`` returns of a market.
BEST_BID, BEST_ASK, LAST, PHASE, CLOCK, LIVE, DUE, LOGGED, START = range(9)

#: A message of a batch. ``id`` is a row of the caller's table of handles.
BATCH_MESSAGE = record(
    [
        ("px", "i8"),
        ("lots", "i8"),
        ("id", "i4"),
        ("flags", "i4"),
        ("owner", "i2"),
        ("kind", "i1"),
        ("side", "i1"),
    ]
)


def bare_market() -> np.ndarray:
    """Return the memory of a bare book, shape (1,), not opened yet."""
    market = np.zeros(1, BARE_MARKET)
    market[0]["bare"] = 1
    market[0]["tape"]["owner"] = NONE
    return market


def bare_log() -> np.ndarray:
    """Return a log for the trades of a bare book, shape (1,)."""
    log = np.zeros(1, BARE_LOG)
    log[0]["capacity"] = len(log[0]["rows"])
    return log


if INTERPRETED:
    _ARRAYS: WeakValueDictionary[int, Any] = WeakValueDictionary()

    def address_of(array: Any) -> int:
        """Return where an array lies, for ``market_at`` and ``log_at``."""
        _ARRAYS[array.ctypes.data] = array
        return int(array.ctypes.data)

    def market_at(address: int) -> Any:
        """Return the market at an address."""
        return _ARRAYS[address][0]

    log_at = market_at

else:
    _MARKET_T = from_dtype(BARE_MARKET)
    _LOG_T = from_dtype(BARE_LOG)

    def address_of(array: Any) -> int:
        """Return where an array lies, for ``market_at`` and ``log_at``."""
        return int(array.ctypes.data)

    def _point(kind: Any) -> Any:
        """Return what numba needs to read a record of this type at an address."""

        def codegen(context: Any, builder: Any, sig: Any, args: Any) -> Any:
            return builder.inttoptr(args[0], context.get_value_type(kind))

        return kind(types.int64), codegen

    @intrinsic
    def market_at(typingctx, address):  # type: ignore[no-untyped-def]
        """Return the market at an address."""
        return _point(_MARKET_T)

    @intrinsic
    def log_at(typingctx, address):  # type: ignore[no-untyped-def]
        """Return the log at an address."""
        return _point(_LOG_T)


@leaf
def finish_rounds(m, log):
    """Wake the stops that one message may not wake alone; renew the mid where it wakes them."""
    b = m.books[0]
    while b.stops_left != 0:
        run_due(m, log)
    if b.instrument.stop_on == _ON_MARK:  # the exchange renews it only while stops sleep
        publish(m, b)


@shared
def let_act(m, log, w):
    """Let one message act, with all that it wakes; OK, or the Reason for which it is refused."""
    m.refused = _OK
    process(m, log, w)
    refused = m.refused
    b = m.books[0]
    if b.stops_left != 0 or b.instrument.stop_on == _ON_MARK:
        finish_rounds(m, log)
    return refused


@leaf
def live_order(m, handle):
    """Return the index of the live order that a handle names, or NONE."""
    index = handle & INDEX
    if handle <= 0 or index >= m.order_high or m.orders[index].owner == NONE:
        return NONE
    return index if slot_of(m, m.orders[index]) == handle >> GENERATION_SHIFT else NONE


@leaf
def add_order(m, log, w):
    """Let a new order act; its handle, or minus the Reason for which it was refused."""
    if not has_room(m):
        return -_POOL_FULL
    handle = new_handle(m)
    w.slot = handle >> GENERATION_SHIFT
    w.gen = handle & INDEX
    refused = let_act(m, log, w)
    if refused != _OK:
        give_order(m, handle & INDEX)
        return -refused
    return handle


@leaf
def change_order(m, log, w, handle):
    """Let a cancel or an amend act on an order; minus a Reason, or OK."""
    index = live_order(m, handle)
    if index == NONE:
        return -_TOO_LATE
    o = m.orders[index]
    if w.kind == _AMEND:
        if w.px == KEEP:
            w.px = m.rare[o.slot].limit_px if o.flags & _STOP else o.px
        if w.lots == KEEP:
            w.lots = o.lots + reserve_of(m, o)
    w.participant = o.owner
    w.slot = handle >> GENERATION_SHIFT
    w.gen = index
    return -let_act(m, log, w)


@leaf
def _most_trades(m, b, lots):
    """Return how many trades a message of ``lots`` can make: a lot at least with each order.

    Every order trades but once a slice. Stops that wake trade with the rest of the message too.
    """
    most = m.order_live + m.slices
    if b.sides[2].orders + b.sides[3].orders > 0:
        return most + MAX_SLICES + 1
    return min(lots, most)


@leaf
def add(market, log, side, px, lots):
    """Let a limit order without instructions act in the short way.

    Returns:
        Its handle; 0, with nothing changed, when ``act`` has to decide.
    """
    m = market_at(market)
    rows = log_at(log)
    b = m.books[0]
    if m.log_used + _most_trades(m, b, lots) > rows.capacity or not is_plain(b):
        return 0
    start = m.log_used
    handle = add_plain(m, rows, b, 0, side, px, lots)
    if handle < 0:
        return 0
    rows.start = start
    return handle


@leaf
def drop(market, log, handle):
    """Cancel an order in the short way; 0, with nothing changed, when ``act`` has to decide."""
    m = market_at(market)
    b = m.books[0]
    if not is_plain(b) or not cancel_plain(m, b, handle):
        return 0
    log_at(log).start = m.log_used
    return 1


@kernel
def act(market, log, what, px, lots, handle):
    """Let one message act, with all that it wakes.

    Args:
        market: address of a bare book; its first message holds the terms that the flags ask for.
        log: address of the log of its trades.
        what: the rest of the message in one integer, see ``KIND_SHIFT``.
        px: price; in an amend perhaps KEEP.
        lots: size, in an amend what is to be open, perhaps KEEP.
        handle: of the order that a cancel or an amend is about.

    Returns:
        For a new order its handle, else 0; minus the Reason when it is refused; LOG_FULL when the
        log is to be emptied first.
    """
    m = market_at(market)
    rows = log_at(log)
    b = m.books[0]
    kind = (what >> KIND_SHIFT) & 15
    most = _most_trades(m, b, NO_PX if kind == _AMEND else lots)
    if m.log_used + most > rows.capacity and what & FORCE == 0:
        return LOG_FULL
    rows.start = m.log_used
    w = m.messages[0]
    w.kind = kind
    w.px = px
    w.lots = lots
    w.flags = what & _FLAGS
    if kind == _CANCEL or kind == _AMEND:
        result = change_order(m, rows, w, handle)
    else:
        w.participant = what >> OWNER_SHIFT
        w.side = ((what >> SIDE_SHIFT) & 3) - 1
        if what & ID_IN_USE:
            reason = refusal(m, b, w, w.flags & ((1 << 16) - 1))
            result = -(reason if reason != _OK else _DUPLICATE_ID)
        else:
            result = add_order(m, rows, w)
    return result


@kernel
def run_batch(markets, i, messages, terms, first, last, handles, log):
    """Apply ``messages[first:last]``, or fewer: as many as the log has room for.

    Args:
        markets: records; market ``i`` is a bare book.
        i: index.
        messages: BATCH_MESSAGE rows.
        terms: TERMS rows beside the messages, or none.
        first: first message.
        last: behind the last message.
        handles: int64, by id: handles of orders, or minus a Reason.
        log: of the trades.

    Returns:
        Behind the last message that was applied.
    """
    m = markets[i]
    b = m.books[0]
    w = m.messages[0]
    # What a cancel needs is asked for some messages ahead, of every message: an order that is yet
    # to come has no handle, which costs nothing. With a look at each kind, which mispredicts, a
    # message took 1.28 times as long with 1,000 live orders, so only deep books asked; now it pays
    # in every book (0.67 of the time with 10,000 live orders, 0.76 with a million).
    plain = is_plain(b)
    for k in range(first, last):
        if k + _FARTHEST < last:
            prefetch_item(handles, messages[k + _FARTHEST].id)
            fetch_order(m, handles[messages[k + _FAR].id])
            fetch_neighbours(m, handles[messages[k + _NEAR].id])
        msg = messages[k]
        kind = msg.kind
        if plain and msg.flags == 0 and (kind == _LIMIT or kind == _CANCEL):
            side = msg.side
            if kind == _CANCEL:
                if cancel_plain(m, b, handles[msg.id]):
                    continue
            elif side == 1 or side == -1:
                if m.log_used + min(msg.lots, m.order_live + m.slices) > log[0].capacity:
                    return k
                handles[msg.id] = add_plain(m, log[0], b, msg.owner, side, msg.px, msg.lots)
                continue
        if kind == _CANCEL or kind == _AMEND:
            w.kind = kind
            w.px = msg.px
            w.lots = msg.lots
            w.flags = msg.flags
            if msg.flags & _STOP and len(terms) > 0:
                w.trigger_px = terms[k].trigger_px
            if m.log_used + _most_trades(m, b, 0 if kind == _CANCEL else NO_PX) > log[0].capacity:
                return k
            change_order(m, log[0], w, handles[msg.id])
        else:
            if m.log_used + _most_trades(m, b, msg.lots) > log[0].capacity:
                return k
            w.kind = kind
            w.participant = msg.owner
            w.side = msg.side
            w.px = msg.px
            w.lots = msg.lots
            w.flags = msg.flags
            if msg.flags & _TERMS and len(terms) > 0:
                w.trigger_px = terms[k].trigger_px
                w.display_lots = terms[k].display_lots
                w.min_lots = terms[k].min_lots
                w.expire_ns = terms[k].expire_ns
            handles[msg.id] = add_order(m, log[0], w)
        plain = is_plain(b)  # what takes the short way leaves that as it is
    return last


@kernel
def run_session(market, log, until_ns, phase):
    """Go to another phase, or (NONE) move the clock to ``until_ns`` with all that is due by then.

    Returns:
        Whether the phase may follow.
    """
    m = market_at(market)
    rows = log_at(log)
    b = m.books[0]
    rows.start = m.log_used
    if phase != NONE:
        done = change_phase(m, rows, b, phase)
        finish_rounds(m, rows)
        return done
    while m.due_ns <= until_ns:
        m.now_ns = max(m.now_ns, m.due_ns)
        run_due(m, rows)
        if b.instrument.stop_on == _ON_MARK:
            publish(m, b)
    m.now_ns = max(m.now_ns, until_ns)
    return True


@kernel
def move_clock(market, log, until_ns):
    """Move the clock; False, with nothing changed, when something is due by then."""
    m = market_at(market)
    if m.due_ns <= until_ns:
        return False
    m.now_ns = until_ns
    rows = log_at(log)
    rows.start = m.log_used
    return True


@kernel
def open_bare(markets, i):
    """Empty a bare book whose instrument is written. Handles of before name nothing."""
    m = markets[i]
    for k in range(m.order_high):
        o = m.orders[k]
        if o.owner != NONE and o.flags & _RARE:  # its side record has the generation
            o.slot = m.rare[o.slot].slot
    m.now_ns = 0
    open_market(m, np.uint64(0))
    b = m.books[0]
    b.extended = 0
    b.stops_left = 0
    b.trades = 0
    b.volume = 0
    b.signed_volume = 0
    b.surplus_lots = 0
    m.rare_serial = 0
    m.messages_done = 0
    m.fault = _NO_FAULT
    m.log_used = 0


# ------------------------------------------------------------------ looking
@kernel
def look(market, log, what):
    """Return one figure of a market; NO_PX for a price that there is not."""
    m = market_at(market)
    b = m.books[0]
    if what == BEST_BID or what == BEST_ASK:
        s = b.sides[what]
        key = visible_key(s, s.best)
        return NO_PX if key == NO_KEY else s.side * key
    if what == LAST:
        return b.stop_px
    if what == PHASE:
        return b.instrument.phase
    if what == CLOCK:
        return m.now_ns
    if what == LIVE:
        return m.order_live
    if what == DUE:
        return m.due_ns
    if what == LOGGED:
        return m.log_used
    return log_at(log).start


@kernel
def read_levels(market, side, out):
    """Write px, visible lots and visible orders of the best levels of a side; how many."""
    m = market_at(market)
    s = m.books[0].sides[side]
    n = 0
    key = visible_key(s, s.best)
    while key != NO_KEY and n < len(out):
        out[n, 0] = s.side * key
        out[n, 1] = level_lots(s, key)
        orders = 0
        k = level_head(s, key)
        while k != NONE and m.orders[k].flags & _HIDDEN == 0:
            orders += 1
            k = m.orders[k].next
        out[n, 2] = orders
        n += 1
        key = visible_key(s, next_key(s, key))
    return n


@leaf
def _write_order(m, k, row):
    o = m.orders[k]
    asleep = o.flags & _STOP != 0
    seen = o.flags & (_HIDDEN | _STOP | _WAITS) == 0
    row[0] = np.int64(slot_of(m, o)) << GENERATION_SHIFT | k
    row[1] = o.side
    row[2] = m.rare[o.slot].limit_px if asleep else o.px
    row[3] = o.lots + reserve_of(m, o)
    row[4] = o.lots if seen else 0
    row[5] = o.owner
    row[6] = 1 if o.flags & _HIDDEN else 0
    row[7] = o.px if asleep else NO_PX
    row[8] = m.rare[o.slot].display if o.flags & _RARE else 0
    row[9] = m.rare[o.slot].expire_ns if o.flags & _RARE else NEVER_NS


@kernel
def find_order(market, handle, out):
    """Write what is left of an order into the first row; False when it is gone."""
    m = market_at(market)
    k = live_order(m, handle)
    if k == NONE:
        return False
    _write_order(m, k, out[0])
    return True


@kernel
def list_orders(market, first, last, waiting, out):
    """Write the orders of some sides (or the market orders that wait), in queue order; how many."""
    m = market_at(market)
    n = 0
    for side in range(first, last):
        s = m.books[0].sides[side]
        key = NO_KEY if waiting else s.best
        k = m.books[0].waiting[side].head if waiting else level_head(s, key)
        while k != NONE:
            _write_order(m, k, out[n])
            n += 1
            k = m.orders[k].next
            if k == NONE and not waiting:
                key = next_key(s, key)
                k = level_head(s, key) if key != NO_KEY else NONE
    return n


@kernel
def indicate(market, out):
    """Write at what a call would uncross now: px, lots, surplus; False when nothing would trade."""
    m = market_at(market)
    b = m.books[0]
    if not is_call(b.instrument.phase):
        return False
    publish(m, b)
    out[0, 0] = b.indicative_px
    out[0, 1] = b.indicative_lots
    out[0, 2] = b.surplus_lots
    return b.indicative_px != NO_PX
