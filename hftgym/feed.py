"""The public feed: what everybody may see of the event log, numbered, without names.

The log (``Simulator.log``) is the drop copy: it has everything, with maker and taker. The feed has
changes of visible volume and trades; the visible book follows from it (``visible_levels``).
"""

from __future__ import annotations

from enum import IntEnum

import numpy as np

from hftgym.core.constants import LogKind, LogMark


class FeedKind(IntEnum):
    """Rows of the public feed."""

    ADD = 1  # visible lots more at a price
    REMOVE = 2  # visible lots less at a price, not by a trade
    TRADE = 3  # visible lots less at a price; hidden: a trade that took none of them
    AUCTION_TRADE = 4  # a trade of an uncross; REMOVE rows say what it took
    UNCROSS = 5  # price and lots that an auction has found
    PHASE = 6  # ``lots`` is the Phase that begins


FEED_ROW = np.dtype(
    [
        ("sequence", "i8"),  # 0, 1, 2, ... without a gap
        ("t_ns", "i8"),
        ("px", "i8"),
        ("lots", "i8"),
        ("kind", "i1"),  # FeedKind
        ("side", "i1"),  # of the volume; in a trade the aggressor's, 0 in an uncross
        ("hidden", "i1"),  # a trade with an order that nobody saw
    ]
)

_KINDS = {
    LogKind.REST: FeedKind.ADD,
    LogKind.CANCEL: FeedKind.REMOVE,
    LogKind.AMEND: FeedKind.REMOVE,
    LogKind.TRADE: FeedKind.TRADE,
    LogKind.HIDDEN_TRADE: FeedKind.TRADE,
    LogKind.UNCROSS: FeedKind.UNCROSS,
    LogKind.PHASE: FeedKind.PHASE,
}


def public_feed(log: np.ndarray, first: int = 0) -> np.ndarray:
    """Return what of an event log is public.

    Args:
        log: rows, dtype ``LOG_ROW``.
        first: number of the first row of the feed; the length of what was published before.

    Returns:
        Rows, dtype ``FEED_ROW``.
    """
    kinds = np.zeros(max(LogKind) + 1, np.int8)
    for kind, shown in _KINDS.items():
        kinds[kind] = shown
    kind = kinds[log["kind"]]
    hidden = (log["marks"] & LogMark.HIDDEN) > 0
    hidden |= log["kind"] == LogKind.HIDDEN_TRADE
    is_volume = (kind == FeedKind.ADD) | (kind == FeedKind.REMOVE)
    public = (kind > 0) & ~(is_volume & (hidden | (log["lots"] == 0)))
    rows = log[public]
    feed = np.zeros(len(rows), FEED_ROW)
    feed["sequence"] = np.arange(first, first + len(rows))
    for name in ("t_ns", "px", "lots", "side"):
        feed[name] = rows[name]
    feed["kind"] = kind[public]
    feed["hidden"] = hidden[public] & (feed["kind"] == FeedKind.TRADE)
    in_auction = (rows["marks"] & LogMark.AUCTION) > 0
    feed["kind"][in_auction & (feed["kind"] == FeedKind.TRADE)] = FeedKind.AUCTION_TRADE
    return feed


def visible_levels(feed: np.ndarray) -> dict[tuple[int, int], int]:
    """Return the visible book that follows from a whole feed.

    Args:
        feed: rows from the opening on, dtype ``FEED_ROW``.

    Returns:
        Lots by (side, px); sides are +1 and -1.
    """
    levels: dict[tuple[int, int], int] = {}
    fields = (feed[name].tolist() for name in ("kind", "side", "px", "lots", "hidden"))
    for kind, side, px, lots, hidden in zip(*fields, strict=True):
        if kind == FeedKind.TRADE and not hidden:
            side, lots = -side, -lots  # the aggressor took it from the other side
        elif kind == FeedKind.REMOVE:
            lots = -lots
        elif kind != FeedKind.ADD:
            continue
        left = levels.get((side, px), 0) + lots
        if left:
            levels[side, px] = left
        else:
            del levels[side, px]
    return levels
