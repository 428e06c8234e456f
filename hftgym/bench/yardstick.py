"""A bare book to hold the exchange against: what the stream costs when nothing else is asked.

One array of price levels that spans every price of the stream, one pool of orders, one table of
ids; price and time decide, and nothing else exists: no windows, hidden orders, accounts, reports
or rules. Its speed is what a machine gives to a book of this form, and its trades judge others.
"""

from __future__ import annotations

import time
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from hftgym.core.constants import BUY, NONE, SELL, MessageKind
from hftgym.core.jit import kernel
from hftgym.core.records import record

_LIMIT = int(MessageKind.LIMIT)
_MARKET = int(MessageKind.MARKET)
_CANCEL = int(MessageKind.CANCEL)

_LEVEL = record([("lots", "i8"), ("head", "i4"), ("tail", "i4")])
_ORDER = record([("lots", "i8"), ("cell", "i4"), ("id", "i4"), ("next", "i4"), ("prev", "i4")])
_TRADE = record([("maker", "i4"), ("taker", "i4"), ("px", "i8"), ("lots", "i8")])
# The book's few numbers: best bid and ask (cells), first free order, first unused one, trades.
_BID, _ASK, _FREE, _HIGH, _TRADES, _NUMBERS = range(6)


class Played(NamedTuple):
    """What a book made of a stream.

    Attributes:
        seconds: that the messages took; the prefill, and every copy of results, is outside.
        trades: int64, shape (trades, 4): maker's id, taker's id, px, lots, in order.
        levels: int64, shape (levels, 4): side, px, lots, orders; bids, then asks, best first.
    """

    seconds: float
    trades: npt.NDArray[np.int64]
    levels: npt.NDArray[np.int64]

    def agrees(self, other: Played) -> bool:
        """Return whether both books made the same trades and ended as the same book."""
        return np.array_equal(self.trades, other.trades) and np.array_equal(
            self.levels, other.levels
        )


def play_yardstick(prefill: npt.NDArray[Any], messages: npt.NDArray[Any]) -> Played:
    """Run a stream through the bare book.

    Args:
        prefill: messages that build the book; not timed.
        messages: the timed ones. Fields of both: ``px``, ``lots``, ``id`` (of an order, counted
            from 0; a cancel's names the order), ``kind`` and ``side``.

    Returns:
        Time, trades of ``messages``, and the final book.
    """
    kinds = np.concatenate([prefill["kind"], messages["kind"]])
    ids = np.concatenate([prefill["id"], messages["id"]])
    px = np.concatenate([prefill["px"], messages["px"]])[kinds == _LIMIT]
    if len(px) == 0:
        raise ValueError("a stream without limit orders makes no book")
    first_px = int(px.min()) - 1  # one cell below and one above all prices stay empty
    levels = np.zeros(int(px.max()) - first_px + 2, _LEVEL)
    levels["head"] = levels["tail"] = NONE
    levels["head"][[0, -1]] = 0  # who looks for the next level stops here
    orders = np.zeros(int(np.sum(kinds == _LIMIT)), _ORDER)
    order_of = np.full(int(ids.max()) + 1, NONE, np.int32)
    numbers = np.zeros(_NUMBERS, np.int64)
    numbers[_ASK] = len(levels) - 1
    numbers[_FREE] = NONE
    # An order ends as a maker once, and a message leaves at most one maker in part. Written once
    # before the time runs: memory that is new to the process would count.
    trades = np.empty(len(kinds) + len(orders), _TRADE)
    trades[:] = np.zeros(1, _TRADE)
    book = (levels, orders, order_of, numbers, trades, first_px)
    _apply(prefill, *book)
    numbers[_TRADES] = 0
    start = time.process_time()
    _apply(messages, *book)
    seconds = time.process_time() - start
    made = trades[: numbers[_TRADES]]
    rows = np.column_stack(
        [made[name].astype(np.int64) for name in ("maker", "taker", "px", "lots")]
    )
    return Played(seconds, rows, _levels(levels, orders, numbers, first_px))


@kernel
def _apply(
    messages: Any,
    levels: Any,
    orders: Any,
    order_of: Any,
    numbers: Any,
    trades: Any,
    first_px: int,
) -> None:
    """Apply all messages. One function: an array that is handed on costs a reference count."""
    bid = numbers[_BID]
    ask = numbers[_ASK]
    free = numbers[_FREE]
    high = numbers[_HIGH]
    count = numbers[_TRADES]
    for k in range(len(messages)):
        msg = messages[k]
        if msg.kind == _CANCEL:
            i = order_of[msg.id]
            if i == NONE:
                continue
            order_of[msg.id] = NONE
            o = orders[i]
            level = levels[o.cell]
            level.lots -= o.lots
            if o.prev == NONE:
                level.head = o.next
            else:
                orders[o.prev].next = o.next
            if o.next == NONE:
                level.tail = o.prev
            else:
                orders[o.next].prev = o.prev
            while levels[bid].head == NONE:
                bid -= 1
            while levels[ask].head == NONE:
                ask += 1
            o.next = free
            free = i
            continue
        side = msg.side
        lots = msg.lots
        if msg.kind != _MARKET:
            limit = msg.px - first_px
        else:
            limit = len(levels) - 2 if side == BUY else 1
        touch = ask if side == BUY else bid
        while lots > 0 and side * (limit - touch) >= 0:
            level = levels[touch]
            i = level.head
            o = orders[i]
            part = min(lots, o.lots)
            trade = trades[count]
            trade.maker = o.id
            trade.taker = msg.id
            trade.px = touch + first_px
            trade.lots = part
            count += 1
            lots -= part
            level.lots -= part
            if part < o.lots:
                o.lots -= part
                break
            order_of[o.id] = NONE
            level.head = o.next
            o.next = free
            free = i
            if level.head != NONE:
                orders[level.head].prev = NONE
                continue
            level.tail = NONE
            while levels[touch].head == NONE:
                touch += side
        if side == BUY:
            ask = touch
        else:
            bid = touch
        if lots == 0 or msg.kind == _MARKET:
            continue
        i = free
        if i == NONE:
            i = high
            high += 1
        else:
            free = orders[i].next
        o = orders[i]
        level = levels[limit]
        o.lots = lots
        o.cell = limit
        o.id = msg.id
        o.next = NONE
        o.prev = level.tail
        if level.tail == NONE:
            level.head = i
        else:
            orders[level.tail].next = i
        level.tail = i
        level.lots += lots
        order_of[msg.id] = i
        if side == BUY:
            bid = max(bid, limit)
        else:
            ask = min(ask, limit)
    numbers[_BID] = bid
    numbers[_ASK] = ask
    numbers[_FREE] = free
    numbers[_HIGH] = high
    numbers[_TRADES] = count


def _levels(
    levels: npt.NDArray[Any],
    orders: npt.NDArray[Any],
    numbers: npt.NDArray[np.int64],
    first_px: int,
) -> npt.NDArray[np.int64]:
    """Return the final book; the orders of a level are counted along its queue."""
    rows = []
    bids = range(int(numbers[_BID]), 0, -1)
    asks = range(int(numbers[_ASK]), len(levels) - 1)
    for side, cells in ((BUY, bids), (SELL, asks)):
        for cell in cells:
            queued, i = 0, int(levels["head"][cell])
            while i != NONE:
                queued, i = queued + 1, int(orders["next"][i])
            if queued:
                rows.append((side, cell + first_px, int(levels["lots"][cell]), queued))
    return np.array(rows, np.int64).reshape(-1, 4)
