"""Who made and who took: Bitstamp's trades of 2015 matched with the messages of their orders.

A trade names a price and an amount, no order and no side. But both of its orders report it: each is
changed, or deleted with nothing left, and the amount that it loses is the trade's. Of the two the
older order is the maker; orders are numbered as they are created. The messages come within
milliseconds, before or after the trade.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from typing import NamedTuple

from hftgym.data.bitstamp import BitstampDay, BitstampKind

BUY, SELL = 1, -1
NEAR_NS = 3 * 10**9  # of a trade and the messages of its orders; in the shared file 82 ms
NO_ROW = -1


class Match(NamedTuple):
    """The two messages of one trade: rows of ``OrderEvents``, ``NO_ROW`` where there is none."""

    maker_row: int
    taker_row: int
    side: int  # of the taker; 0 when neither order is known


class _Loss(NamedTuple):
    """A message by which an order loses an amount; None when its amount before is not known."""

    row: int
    t_ns: int
    order_id: int
    px: int
    side: int
    satoshi: int | None


def match_trades(day: BitstampDay) -> list[Match]:
    """Find the orders of each trade.

    Args:
        day: The recording.

    Returns:
        One match a trade.
    """
    losses = _losses(day)
    times = [loss.t_ns for loss in losses]
    used: set[int] = set()
    found = []
    trades = zip(*(a.tolist() for a in vars(day.trades).values()), strict=True)
    for t_ns, px, satoshi, line in trades:
        near = range(bisect_left(times, t_ns - NEAR_NS), bisect_right(times, t_ns + NEAR_NS))
        free = [losses[k] for k in near if losses[k].row not in used]
        # Known amounts first: an order from before the recording fits any trade at its price.
        rank = {
            loss: (loss.satoshi is None, abs(int(day.events.line[loss.row]) - line))
            for loss in free
            if loss.satoshi == satoshi or (loss.satoshi is None and loss.px == px)
        }
        pair = [
            min((loss for loss in rank if loss.side == side), key=rank.__getitem__, default=None)
            for side in (BUY, SELL)
        ]
        match = _match(pair[0], pair[1], px)
        used.update(row for row in match[:2] if row != NO_ROW)
        found.append(match)
    return found


def _match(buy: _Loss | None, sell: _Loss | None, px: int) -> Match:
    if buy is not None and sell is not None:
        maker, taker = (buy, sell) if buy.order_id < sell.order_id else (sell, buy)
        return Match(maker.row, taker.row, taker.side)
    loss = buy or sell
    if loss is None:
        return Match(NO_ROW, NO_ROW, 0)
    # The other order said nothing: it is the taker if the trade was at the price of this one.
    if loss.px == px:
        return Match(loss.row, NO_ROW, -loss.side)
    return Match(NO_ROW, loss.row, loss.side)


def _losses(day: BitstampDay) -> list[_Loss]:
    """List every message by which an order loses an amount and is not cancelled, in order."""
    events = day.events
    columns = (events.t_ns, events.kind, events.order_id, events.px, events.satoshi, events.side)
    open_satoshi: dict[int, int] = {}
    ended: set[int] = set()
    found = []
    for row, message in enumerate(zip(*(column.tolist() for column in columns), strict=True)):
        t_ns, kind, order_id, px, satoshi, side = message
        if order_id in ended:
            continue
        before = open_satoshi.get(order_id)
        is_deletion = kind == BitstampKind.DELETED
        if kind != BitstampKind.CREATED and not (is_deletion and satoshi):
            lost = None if before is None else before - satoshi
            if lost is None or lost > 0:
                found.append(_Loss(row, t_ns, order_id, px, side, lost))
        open_satoshi[order_id] = satoshi
        if is_deletion:
            ended.add(order_id)
    return found
