"""A book without participants: orders come straight in, trades come out.

The whole exchange works on it, accounts, reports and latencies apart. An order's id is a *handle*:
its index in the pool of orders and, above that, how often this place has been used before. A handle
is found without a search, and one of an order that is gone names nothing.
"""

from __future__ import annotations

import numpy as np

from hftgym.core.book import give_order, has_room, take_order
from hftgym.core.constants import NONE, Flag, MessageKind, Reason
from hftgym.core.entries import open_market
from hftgym.core.exchange import process
from hftgym.core.jit import kernel, leaf
from hftgym.core.market_class import BOOK_CLASS
from hftgym.core.phases import run_due
from hftgym.core.records import TERMS as TERMS
from hftgym.core.records import log_record, market_record, record

_LIMIT = int(MessageKind.LIMIT)
_MARKET = int(MessageKind.MARKET)
_CANCEL = int(MessageKind.CANCEL)
_AMEND = int(MessageKind.AMEND)
_OK = int(Reason.OK)
_POOL_FULL = int(Reason.POOL_FULL)
_TERMS = int(Flag.ICEBERG) | int(Flag.STOP) | int(Flag.MIN_LOTS) | int(Flag.GTD)
_GENERATION_SHIFT = 32
_INDEX = (1 << _GENERATION_SHIFT) - 1
_GENERATION = (1 << 31) - 1

BARE_MARKET = market_record(BOOK_CLASS)
#: One message sweeps 4M orders at the most; what is never written takes no memory.
BARE_LOG = log_record(1 << 22)

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


@leaf
def finish_rounds(m, log):
    """Wake the stops that one message may not wake alone."""
    while m.books[0].stops_left != 0:
        run_due(m, log, m.books[0])


@leaf
def add_order(m, log, w):
    """Let a new order act; its handle, or minus the Reason for which it was refused."""
    if not has_room(m):
        return -_POOL_FULL
    index = take_order(m)
    o = m.orders[index]
    generation = (o.slot + 1) & _GENERATION
    o.slot = generation
    o.owner = NONE
    w.slot = generation
    w.gen = index
    m.refused = _OK
    process(m, log, w)
    if m.refused != _OK:
        give_order(m, index)
        return -m.refused
    return np.int64(generation) << _GENERATION_SHIFT | index


@leaf
def change_order(m, log, w, handle):
    """Let a cancel or an amend act on an order; minus a Reason, or OK."""
    w.slot = handle >> _GENERATION_SHIFT
    w.gen = handle & _INDEX
    m.refused = _OK
    process(m, log, w)
    return -m.refused


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
    for k in range(first, last):
        msg = messages[k]
        kind = msg.kind
        if kind == _CANCEL or kind == _AMEND:
            w.kind = kind
            w.participant = msg.owner
            w.px = msg.px
            w.lots = msg.lots
            w.flags = msg.flags
            need = 0 if kind == _CANCEL else m.order_live + m.slices
            if m.log_used + need > log[0].capacity:
                return k
            change_order(m, log[0], w, handles[msg.id])
        else:
            # A message trades a lot at least with each order, and every order but once a slice.
            need = min(msg.lots, m.order_live + m.slices)
            if b.sides[2].orders + b.sides[3].orders > 0:
                need = m.order_live + m.slices
            if m.log_used + need > log[0].capacity:
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
        if b.stops_left != 0:
            finish_rounds(m, log[0])
    return last


@kernel
def open_bare(markets, i):
    """Empty a bare book whose instrument is written."""
    m = markets[i]
    open_market(m, np.uint64(0))
    m.log_used = 0
