"""A bare book driven by a stream of orders: no participants, accounts or latencies.

The same functions that the exchange uses, called once for a whole array of messages. Order ids are
dense ordinals; a table maps them to the orders that rest.
"""

from __future__ import annotations

from hftgym.core.book import level_head, reduce, remove, rest, side_index
from hftgym.core.constants import NO_KEY, NONE, MessageKind
from hftgym.core.entries import open_market
from hftgym.core.jit import kernel
from hftgym.core.records import record

_CANCEL = int(MessageKind.CANCEL)
_MARKET = int(MessageKind.MARKET)

STREAM_MESSAGE = record(
    [("px", "i8"), ("lots", "i8"), ("id", "i4"), ("kind", "i1"), ("side", "i1")]
)
STREAM_TRADE = record([("px", "i8"), ("lots", "i8"), ("maker_id", "i4"), ("taker_id", "i4")])


@kernel
def run_stream(markets, i, messages, first, last, resting, trades):
    """Apply ``messages[first:last]``; the number of trades, or NONE: an order found no room.

    One function on purpose: handing an array to a leaf costs an atomic reference count up and
    down: with arrays in its leaves this stream took 75 ns a message instead of 22.

    Args:
        markets: records; market ``i`` holds the book.
        i: index.
        messages: STREAM_MESSAGE rows.
        first: first message.
        last: behind the last message.
        resting: int32, by id: the order's pool index, or NONE.
        trades: STREAM_TRADE rows, room for all trades.
    """
    m = markets[i]
    b = m.books[0]
    count = 0
    for k in range(first, last):
        msg = messages[k]
        if msg.kind == _CANCEL:
            order_index = resting[msg.id]
            if order_index != NONE:
                remove(m, b.sides[side_index(m.orders[order_index].side)], order_index)
                resting[msg.id] = NONE
            continue
        side = msg.side
        lots = msg.lots
        limit_key = -side * msg.px if msg.kind != _MARKET else NO_KEY
        opposite = b.sides[side_index(-side)]
        while lots > 0 and opposite.best != NO_KEY and opposite.best >= limit_key:
            order_index = level_head(opposite, opposite.best)
            o = m.orders[order_index]
            part = min(lots, o.lots)
            trade = trades[count]
            trade.px = o.px
            trade.lots = part
            trade.maker_id = o.slot
            trade.taker_id = msg.id
            count += 1
            lots -= part
            if part == o.lots:
                resting[o.slot] = NONE
                remove(m, opposite, order_index)
            else:
                reduce(opposite, o, part)
        if lots > 0 and msg.kind != _MARKET:
            own = b.sides[side_index(side)]
            order_index = rest(m, own, 0, msg.id, 0, side * msg.px, lots, 0)
            if order_index == NONE:
                return NONE
            resting[msg.id] = order_index
    return count


@kernel
def clear_stream(markets, i, resting, seed):
    """Empty the book and the table of ids."""
    open_market(markets[i], seed)
    for k in range(len(resting)):
        resting[k] = NONE
