"""Series from a table of events, on tables small enough to compute by hand."""

from __future__ import annotations

import math

import numpy as np

from hftgym.analytics import event_series as series
from hftgym.analytics.event_table import EventKind, EventTable
from tests.analytics.event_days import Row, random_table, table

ADD, CANCEL, TRADE, HIDDEN = EventKind
S = series.NS

#: A book of 100/102, swept to 100/106 by a buyer of 3 + 2, mended in two steps; a hidden print.
ROWS: list[Row] = [
    (0, ADD, 1, 100, 5, 100, 5, 102, 3),
    (1 * S, TRADE, 1, 102, 3, 100, 5, 104, 2),
    (1 * S, TRADE, 1, 104, 2, 100, 5, 106, 4),
    (2 * S, ADD, -1, 104, 1, 100, 5, 104, 1),
    (3 * S, HIDDEN, -1, 101, 7, 100, 5, 104, 1),
    (3 * S, TRADE, -1, 100, 1, 100, 4, 104, 1),
    (5 * S, ADD, -1, 102, 2, 100, 4, 102, 2),
    (6 * S, CANCEL, 1, 100, 1, 100, 3, 102, 2),
]


def made() -> EventTable:
    return table(ROWS)


def test_the_mid_is_held_while_a_side_is_empty() -> None:
    one_sided = table(
        [
            (0, ADD, 1, 100, 5, 100, 5, 0, 0),
            (1, ADD, -1, 104, 5, 100, 5, 104, 5),
            (2, TRADE, 1, 104, 5, 100, 5, 0, 0),
        ]
    )
    mid = series.mid_tick(one_sided)
    assert math.isnan(mid[0])
    assert mid[1:].tolist() == [102.0, 102.0]
    assert np.isnan(series.spread_tick(one_sided)).tolist() == [True, False, True]


def test_the_grid_takes_the_last_event_at_or_before_each_point() -> None:
    assert series.grid_rows(made(), 1.0).tolist() == [2, 3, 5, 5, 6, 7]
    assert series.grid_rows(made(), 2.0).tolist() == [3, 5, 7]
    mids = np.array([102.0, 102.0, 101.0])
    np.testing.assert_allclose(series.log_returns(made(), 2.0), np.diff(np.log(mids)))


def test_trades_of_one_instant_and_side_are_one_order() -> None:
    orders = series.market_orders(made())
    assert orders.t_ns.tolist() == [1 * S, 3 * S]
    assert orders.lots.tolist() == [5.0, 8.0]
    assert orders.side.tolist() == [1.0, -1.0]
    assert orders.row_before.tolist() == [0, 3]
    assert orders.row_after.tolist() == [2, 5]
    assert series.trade_signs(made()).tolist() == [1.0, 1.0, -1.0]


def test_neighbours_of_another_side_are_another_order() -> None:
    rows: list[Row] = [
        (0, TRADE, 1, 102, 1, 100, 1, 102, 1),
        (0, TRADE, -1, 100, 2, 100, 1, 102, 1),
    ]
    assert series.market_orders(table(rows)).lots.tolist() == [1.0, 2.0]


def test_durations_and_how_long_a_book_stood() -> None:
    assert series.inter_arrival_s(made().t_ns).tolist() == [1.0, 1.0, 1.0, 2.0, 1.0]
    assert series.held_s(made()).tolist() == [1.0, 0.0, 1.0, 1.0, 0.0, 2.0, 1.0, 0.0]


def test_order_flow_imbalance_by_hand() -> None:
    """Cont, Kukanov and Stoikov 2014, eq. 4, event by event."""
    # The ask goes up twice: its queues, 3 and 2 lots, leave; it comes down: 1 lot joins, and so on.
    expected = [0.0, 3.0, 2.0, -1.0, 0.0, -1.0, -2.0, -1.0]
    assert series.order_flow_imbalance(made()).tolist() == expected


def test_sums_on_the_grid_add_up() -> None:
    ones = np.ones(made().rows)
    # From 1 s on: the first interval is what the opening is left out with.
    assert series.sums_on_grid(made(), ones, 1.0).tolist() == [1.0, 2.0, 0.0, 1.0, 1.0]
    whole = random_table(0)
    rows = series.grid_rows(whole, 10.0)
    total = series.sums_on_grid(whole, np.ones(whole.rows), 10.0).sum()
    assert total == rows[-1] - rows[0]


def test_a_sweep_is_found_with_its_side_and_followed() -> None:
    found = series.sweeps(made())
    assert found.row_after.tolist() == [2]
    assert found.hits_ask.tolist() == [True]
    assert series.row_after_updates(made(), found.row_after, 1).tolist() == [3]
    assert series.row_after_updates(made(), found.row_after, 2).tolist() == [6]
    assert series.row_after_updates(made(), found.row_after, 3).tolist() == [-1]


def test_impact_is_the_later_mid_in_the_orders_direction() -> None:
    lots, move = series.impact_tick(made(), 1.0)
    assert lots.tolist() == [5.0, 8.0]
    assert move.tolist() == [1.0, 0.0]
    lots, move = series.impact_tick(made(), 4.0)  # the second order has no mid 4 s later
    assert (lots.tolist(), move.tolist()) == ([5.0], [0.0])
