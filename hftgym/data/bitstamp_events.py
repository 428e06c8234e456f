"""A Bitstamp recording as the table of events that all sources share.

A lot is one satoshi, a tick one cent. Trades are the executions of resting orders at the time of
their message; one aggressor is published execution by execution, about 30 ms apart, so its trades
have times of their own. What rests of an aggressor is added when it has taken all. Levels beyond
the repaired book's knowledge (``bitstamp_book``) are missing; the best ones are not among them.
"""

from __future__ import annotations

import numpy as np

from hftgym.analytics.event_table import MAX_LEVELS, EventKind, EventTable
from hftgym.data.bitstamp import BitstampDay
from hftgym.data.bitstamp_book import ChangeKind, orders_at_start, replay
from hftgym.data.bitstamp_trades import BUY, SELL, match_trades
from hftgym.data.history import Side

_KINDS = {
    ChangeKind.REST: EventKind.ADD,
    ChangeKind.CANCEL: EventKind.CANCEL,
    ChangeKind.FILL: EventKind.TRADE,
}
_FIELDS = 5  # t_ns, kind, side, px, lots


def events_of_bitstamp(day: BitstampDay, name: str = "Bitstamp") -> EventTable:
    """Convert a recording.

    Args:
        day: The recording.
        name: Of the table.

    Returns:
        Events in cents and satoshi, nanoseconds since 1970.
    """
    sides = {BUY: Side(BUY), SELL: Side(SELL)}
    for order in orders_at_start(day, match_trades(day)):
        sides[order.side].post(order.px, order.satoshi, order.order_id)
    times = day.events.t_ns.tolist()
    rows: list[tuple[int, ...]] = []
    shown: list[list[int]] = []
    for row, changes, _ in replay(day):
        for change in changes:
            book = sides[change.side]
            if change.kind == ChangeKind.REST:
                book.post(change.px, change.satoshi, change.order_id)
            else:
                for _part in book.take(change.px, change.satoshi, change.order_id):
                    pass
            kind = _KINDS[change.kind]
            side = -change.side if kind == EventKind.TRADE else change.side
            rows.append((times[row], kind, side, change.px, change.satoshi))
            shown.append(_levels(sides[BUY]) + _levels(sides[SELL]))
    t_ns, kinds, side_of, px, lots = np.array(rows, np.int64).reshape(-1, _FIELDS).T
    levels = np.array(shown, np.int64).reshape(-1, 4, MAX_LEVELS)
    return EventTable(
        name=name,
        t_ns=t_ns,
        kind=kinds.astype(np.int8),
        side=side_of.astype(np.int8),
        px=px,
        lots=lots,
        bid_px=levels[:, 0],
        bid_lots=levels[:, 1],
        ask_px=levels[:, 2],
        ask_lots=levels[:, 3],
    )


def _levels(side: Side) -> list[int]:
    """Return prices, then amounts, of the best levels; 0 where there is none."""
    empty = [0] * (MAX_LEVELS - len(side.keys))
    prices = [-side.side * key for key in side.keys[:MAX_LEVELS]]
    return [*prices, *empty, *side.volumes[:MAX_LEVELS], *empty]
