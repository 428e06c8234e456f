"""A recording on a coarser price grid, for models of markets whose spread is a tick or two."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from hftgym.analytics.event_table import EventKind, EventTable, IntArray


def mean_spread_tick(table: EventTable) -> float:
    """Return the mean spread over the time with both sides quoted, in ticks; NaN without any."""
    both = table.two_sided[:-1]
    held = np.where(both, np.diff(table.t_ns), 0).astype(np.float64)
    spread = (table.ask_px - table.bid_px)[:-1, 0]
    return float((spread * held).sum() / held.sum()) if held.any() else float("nan")


def coarse_px(px: IntArray, tick: int, side: int) -> IntArray:
    """Return prices in coarse ticks: bids rounded down, asks up, so that nothing new crosses.

    Args:
        px: Prices in ticks; 0 where there is none stays 0.
        tick: Ticks in a coarse one.
        side: +1 bids, -1 asks.
    """
    return np.asarray(px // tick if side > 0 else -(-px // tick), np.int64)


def coarsened(table: EventTable, tick: int) -> EventTable:
    """Return the same events on a grid of coarse ticks; levels that fall together are one.

    Args:
        table: The recording.
        tick: Ticks in a coarse one; prices must be at least one of these.
    """
    of_bids = np.where(table.kind >= EventKind.TRADE, -table.side, table.side) > 0
    px = np.where(of_bids, coarse_px(table.px, tick, 1), coarse_px(table.px, tick, -1))
    bid_px, bid_lots = _merged(coarse_px(table.bid_px, tick, 1), table.bid_lots)
    ask_px, ask_lots = _merged(coarse_px(table.ask_px, tick, -1), table.ask_lots)
    return replace(table, px=px, bid_px=bid_px, bid_lots=bid_lots, ask_px=ask_px, ask_lots=ask_lots)


def _merged(px: IntArray, lots: IntArray) -> tuple[IntArray, IntArray]:
    """Add up neighbouring levels of one price."""
    rows, levels = px.shape
    is_new = np.diff(px, axis=1, prepend=-1) != 0
    place = np.cumsum(is_new, axis=1) - 1 + levels * np.arange(rows)[:, None]
    out_lots = np.bincount(place.ravel(), lots.ravel(), rows * levels).astype(np.int64)
    out_px = np.zeros(rows * levels, np.int64)
    out_px[place.ravel()] = px.ravel()
    return out_px.reshape(rows, levels), out_lots.reshape(rows, levels)
