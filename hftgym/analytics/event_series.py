"""Series that stylised facts are computed from, taken from a table of events.

Prices become mids and returns, trades become market orders, rows become durations. Everything here
is a pure function of one ``EventTable``; what it returns are float arrays in the units named.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from hftgym.analytics.event_table import EventKind, EventTable, IntArray

FloatArray = npt.NDArray[np.float64]
NS = 1_000_000_000


def mid_tick(table: EventTable) -> FloatArray:
    """Return the mid after each event in ticks, shape (rows,).

    While a side is empty the last mid stays; before the first two-sided book it is NaN.
    """
    both = table.two_sided
    mid = np.where(both, (table.bid_px[:, 0] + table.ask_px[:, 0]) / 2.0, np.nan)
    last = np.maximum.accumulate(np.where(both, np.arange(table.rows), -1))
    return np.where(last >= 0, mid[np.maximum(last, 0)], np.nan) if table.rows else mid


def grid_rows(table: EventTable, step_s: float) -> IntArray:
    """Return the last row at or before each point of a grid, shape (points,).

    The grid is ``first time + k * step_s`` for k = 1, 2, ... as long as there are events: the
    opening itself is no sample.
    """
    if not table.rows:
        return np.zeros(0, np.int64)
    step_ns = round(step_s * NS)
    points = np.arange(int(table.t_ns[0]) + step_ns, int(table.t_ns[-1]) + 1, step_ns)
    return np.asarray(np.searchsorted(table.t_ns, points, "right") - 1, np.int64)


def log_returns(table: EventTable, step_s: float) -> FloatArray:
    """Return log returns of the mid over consecutive steps of a grid, shape (points - 1,)."""
    mid = mid_tick(table)[grid_rows(table, step_s)]
    returns = np.diff(np.log(mid))
    return np.asarray(returns[np.isfinite(returns)], np.float64)


@dataclass(frozen=True)
class MarketOrders:
    """Aggressors: consecutive trades of one time and one side are one of them.

    Attributes:
        t_ns: when, shape (orders,).
        side: +1 buy, -1 sell, shape (orders,).
        lots: traded, visible and hidden, shape (orders,).
        row_before: last row before the order, -1 if there is none, shape (orders,).
        row_after: last row of the same instant, shape (orders,): what the order left to rest is in.
    """

    t_ns: IntArray
    side: FloatArray
    lots: FloatArray
    row_before: IntArray
    row_after: IntArray


def market_orders(table: EventTable, *, visible_only: bool = False) -> MarketOrders:
    """Return the aggressors of a table.

    Args:
        table: the events.
        visible_only: leave out trades with hidden orders.
    """
    rows = np.flatnonzero(
        table.kind == EventKind.TRADE if visible_only else table.kind >= EventKind.TRADE
    )
    t_ns, side = table.t_ns[rows], table.side[rows].astype(np.float64)
    first = np.ones(len(rows), np.bool_)
    first[1:] = (np.diff(t_ns) > 0) | (np.diff(side) != 0)
    begin = np.flatnonzero(first)
    lots = table.lots[rows].astype(np.float64)
    after = np.searchsorted(table.t_ns, t_ns[begin], "right") - 1
    return MarketOrders(
        t_ns=np.asarray(t_ns[begin], np.int64),
        side=np.asarray(side[begin], np.float64),
        lots=np.add.reduceat(lots, begin) if len(rows) else lots,
        row_before=np.asarray(rows[begin] - 1, np.int64),
        row_after=np.asarray(after, np.int64),
    )


def trade_signs(table: EventTable) -> FloatArray:
    """Return the aggressor's side of every trade with a visible order, shape (trades,)."""
    return np.asarray(table.side[table.kind == EventKind.TRADE], np.float64)


def inter_arrival_s(t_ns: IntArray) -> FloatArray:
    """Return the times between events, without those of one instant, in seconds."""
    gaps = np.diff(t_ns)
    return np.asarray(gaps[gaps > 0] / NS, np.float64)


def held_s(table: EventTable) -> FloatArray:
    """Return how long the book stood as each row left it, in seconds, shape (rows,); last is 0."""
    return np.diff(table.t_ns, append=table.t_ns[-1:]).astype(np.float64) / NS


def spread_tick(table: EventTable) -> FloatArray:
    """Return the spread after each event in ticks, shape (rows,); NaN while a side is empty."""
    spread = (table.ask_px[:, 0] - table.bid_px[:, 0]).astype(np.float64)
    return np.where(table.two_sided, spread, np.nan)


def order_flow_imbalance(table: EventTable) -> FloatArray:
    """Return what each event adds to the order flow imbalance in lots, shape (rows,).

    e = 1{Pb >= Pb'} qb - 1{Pb <= Pb'} qb' - 1{Pa <= Pa'} qa + 1{Pa >= Pa'} qa', where ' marks the
    book before the event (Cont, Kukanov and Stoikov 2014, eq. 4). The first row adds 0, and so does
    a row at which a side is or was empty.
    """
    bid, ask = table.bid_px[:, 0], table.ask_px[:, 0]
    bid_lots = table.bid_lots[:, 0].astype(np.float64)
    ask_lots = table.ask_lots[:, 0].astype(np.float64)
    flow = np.zeros(table.rows)
    flow[1:] = (
        (bid[1:] >= bid[:-1]) * bid_lots[1:]
        - (bid[1:] <= bid[:-1]) * bid_lots[:-1]
        - (ask[1:] <= ask[:-1]) * ask_lots[1:]
        + (ask[1:] >= ask[:-1]) * ask_lots[:-1]
    )
    both = table.two_sided
    flow[1:][~(both[1:] & both[:-1])] = 0.0
    return flow


def sums_on_grid(table: EventTable, values: FloatArray, step_s: float) -> FloatArray:
    """Return the sum of a column over each step of the grid, shape (points - 1,)."""
    rows = grid_rows(table, step_s)
    total = np.concatenate(([0.0], np.cumsum(values)))[rows + 1]
    return np.asarray(np.diff(total), np.float64)


@dataclass(frozen=True)
class Sweeps:
    """Market orders that leave the spread wider than before and wider than it is on average.

    Attributes:
        row_after: last row of the instant of each, shape (sweeps,).
        hits_ask: whether it bought, shape (sweeps,).
    """

    row_after: IntArray
    hits_ask: npt.NDArray[np.bool_]


def sweeps(table: EventTable) -> Sweeps:
    """Return the sweeps of a table that begin and end with two sides quoted."""
    orders = market_orders(table)
    spread, both, held = spread_tick(table), table.two_sided, held_s(table)
    seconds = float(held[both].sum())
    mean = float(spread[both] @ held[both]) / seconds if seconds > 0.0 else np.nan
    before = np.where(orders.row_before >= 0, spread[orders.row_before], np.nan)
    after = spread[orders.row_after]
    chosen = (after > before) & (after > mean)
    return Sweeps(orders.row_after[chosen], orders.side[chosen] > 0)


def row_after_updates(table: EventTable, rows: IntArray, updates: int) -> IntArray:
    """Return the row at which a best price has changed so many times since each row; -1 if never.

    Args:
        table: the events.
        rows: from where to count, shape (n,).
        updates: how many changes.
    """
    changed = np.zeros(table.rows, np.bool_)
    for px in (table.bid_px[:, 0], table.ask_px[:, 0]):
        changed[1:] |= px[1:] != px[:-1]
    changes = np.flatnonzero(changed)
    place = np.searchsorted(changes, rows, "right") + updates - 1
    found = place < len(changes)
    out = np.full(len(rows), -1, np.int64)
    out[found] = changes[place[found]]
    return out


def impact_tick(table: EventTable, after_s: float) -> tuple[FloatArray, FloatArray]:
    """Return size and impact of each market order of which both mids are known.

    Args:
        table: the events.
        after_s: how long after the order the second mid is taken, in seconds.

    Returns:
        Lots, and the move of the mid in the order's direction in ticks, each shape (orders,).
    """
    mid = mid_tick(table)
    orders = market_orders(table)
    later_ns = orders.t_ns + round(after_s * NS)
    later = np.searchsorted(table.t_ns, later_ns, "right") - 1
    move = orders.side * (mid[later] - mid[np.maximum(orders.row_before, 0)])
    used = (orders.row_before >= 0) & (later_ns <= table.t_ns[-1]) & np.isfinite(move)
    return orders.lots[used], np.asarray(move[used], np.float64)
