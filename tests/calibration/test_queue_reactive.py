"""The rates of simulated queues are found again by distance and size."""

from __future__ import annotations

import numpy as np
import pytest

from hftgym.analytics.event_table import EventKind
from hftgym.calibration.queue_reactive import (
    CANCEL,
    LIMIT,
    MARKET,
    SIZES,
    completed,
    count,
    fit_queue_reactive,
    queues_of,
    reference,
)
from hftgym.errors import DataError
from hftgym.participants.queue_reactive import REACH, Params
from tests.calibration.recordings import Book, queue_market


def rates(distance: int, size: int) -> tuple[float, float, float]:
    """Short queues grow, long ones shrink, trades hurry when little is left."""
    limit = (1.2, 0.9, 0.7)[distance] * np.exp(-size / 6) + 0.05
    market = 0.1 + 0.4 * np.exp(-size / 3) if size else 0.0
    return limit, 0.12 * size, market


def test_known_rates_are_found_again() -> None:
    fit = fit_queue_reactive(queue_market(rates, seconds=1_500), tick=1)
    assert fit.mean_lots == 1.0
    checked = 0
    for i in range(REACH):
        for n in range(SIZES - 1):
            for what, truth in enumerate(rates(i, n)):
                seconds = fit.seconds[what, i, n]
                if truth == 0.0 or seconds * truth < 50:
                    continue
                found = fit.events[what, i, n] / seconds
                assert abs(found - truth) < 4 * np.sqrt(truth / seconds), (what, i, n)
                checked += 1
    assert checked > 30


def test_the_reference_is_the_mid_or_the_nearer_neighbour() -> None:
    bid = np.array([10, 10, 11, 9, 10, 10])
    ask = np.array([11, 12, 12, 13, 14, 13])
    # Odd spreads: half a tick below the first ask queue is the mid. Even ones follow the last.
    assert reference(bid, ask).tolist() == [11, 11, 12, 12, 12, 12]
    assert reference(np.array([10, 10]), np.array([13, 12])).tolist() == [12, 12]


def test_a_wide_spread_is_put_together_to_coarse_ticks() -> None:
    book = Book(2)
    for side, px, lots in ((1, 1995, 4), (1, 1983, 2), (-1, 2006, 3), (-1, 2012, 1)):
        book.change(0, EventKind.ADD, side, px, lots)
    book.change(10**9, EventKind.ADD, 1, 1992, 6)
    book.change(3 * 10**9, EventKind.TRADE, -1, 2006, 1)
    queues, _ = queues_of(book.table(), tick=10, mean_lots=2.0)
    # Coarse bids 199 and 198, asks 201 and 202: the mid is 200, the reference beside it.
    first_ask = 200 if queues.distance[-1] == 1 else 201
    assert first_ask in (200, 201)
    assert queues.held_s.tolist()[-2:] == [1.0, 2.0]
    bids, asks = queues.size[-1]
    assert bids[first_ask - 1 - 199] == 5  # 4 + 6 lots of 2 a size
    assert asks[201 - first_ask] == 2  # 3 lots: one and a half, rounded up
    assert queues.what[-2:].tolist() == [LIMIT, MARKET]
    assert queues.weight[-2:].tolist() == [3.0, 0.5]
    events, seconds = count(queues)
    assert events[MARKET].sum() == 0.5
    assert seconds[LIMIT].sum() > 0


def test_tables_are_completed_so_that_the_participant_takes_them() -> None:
    rate = np.full((3, REACH, SIZES), np.nan)
    rate[LIMIT, 0, [0, 4]] = 1.0, 3.0
    rate[CANCEL, 0, 2] = 0.5
    rate[MARKET, 0, 2] = 0.1
    limit, cancel, market = completed(rate)
    assert limit[0, :6].tolist() == [1.0, 1.5, 2.0, 2.5, 3.0, 3.0]
    assert cancel[0, :4].tolist() == [0.0, 0.25, 0.5, 0.5]
    assert (limit[1, :-1] == limit[0, :-1]).all()
    assert (cancel[:, 0] == 0).all() and (market[:, 0] == 0).all()
    assert limit[0, -1] < cancel[0, -1] + market[0, -1]
    Params(
        limit_per_s=tuple(limit.ravel()),
        cancel_per_s=tuple(cancel.ravel()),
        market_per_s=tuple(market.ravel()),
    )


def test_a_recording_without_limit_orders_is_refused() -> None:
    book = Book(1)
    book.change(0, EventKind.ADD, 1, 95, 9)
    book.change(1, EventKind.ADD, -1, 96, 9)
    book.change(10**9, EventKind.TRADE, -1, 96, 1)
    with pytest.raises(DataError, match="no limit orders"):
        fit_queue_reactive(book.table().part(2, 3))
