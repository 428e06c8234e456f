"""The Santa Fe parameters of a simulated market are found again, whatever the window shows."""

from __future__ import annotations

import numpy as np
import pytest

from hftgym.analytics.event_table import EventKind, EventTable
from hftgym.calibration.exposure import exposure
from hftgym.calibration.santa_fe import MAX_ORDERS, arrival_profile, fit_santa_fe
from hftgym.errors import DataError
from tests.calibration.recordings import Book, santa_fe_market

ALPHA, MU, DELTA, LOTS = 0.5, 1.0, 0.2, 7


@pytest.mark.parametrize("levels", [1, 5])
def test_known_parameters_are_found_again(levels: int) -> None:
    table = santa_fe_market(ALPHA, MU, DELTA, band=12, lots=LOTS, seconds=1_000, levels=levels)
    fit = fit_santa_fe(table)
    for found, error, truth in (
        (fit.limit_rate, fit.limit_rate_se, ALPHA),
        (fit.market_rate, fit.market_rate_se, MU),
        (fit.cancel_rate, fit.cancel_rate_se, DELTA),
    ):
        assert abs(found - truth) < 4 * error, (found, error, truth)
        assert error < 0.15 * truth
    assert fit.sigma_lots == LOTS
    assert fit.price_scale_tick == pytest.approx(fit.market_rate / fit.limit_rate / 2)
    assert fit.granularity == pytest.approx(2 * fit.cancel_rate / fit.market_rate)
    params = fit.params(units_per_lot=1)
    assert params["lots"] == LOTS
    resting = 2 * params["limit_rate"] * params["band_tick"] / params["cancel_rate"]
    assert resting <= MAX_ORDERS / 2


def test_the_profile_is_flat_within_the_band_and_nothing_beyond() -> None:
    table = santa_fe_market(ALPHA, MU, DELTA, band=6, lots=1, seconds=600, levels=5)
    profile = arrival_profile(table, 10)
    held = exposure(table).held_by_distance(10)
    for tick in range(1, 7):
        error = np.sqrt(ALPHA / held[tick])
        assert abs(profile[tick] - ALPHA) < 4 * error, tick
    assert not profile[7:].any()


def test_sizes_scale_with_the_lot() -> None:
    table = santa_fe_market(ALPHA, MU, DELTA, band=12, lots=700, seconds=300, levels=5)
    assert fit_santa_fe(table).params(units_per_lot=100)["lots"] == 7
    assert fit_santa_fe(table).params(units_per_lot=10_000)["lots"] == 1


def test_each_price_counts_only_while_it_can_be_seen() -> None:
    book = Book(1)
    book.change(0, EventKind.ADD, 1, 95, 1)
    book.change(0, EventKind.ADD, -1, 105, 1)
    book.change(10**9, EventKind.ADD, 1, 90, 1)  # behind the window: not written down
    book.change(2 * 10**9, EventKind.ADD, 1, 97, 1)
    book.change(5 * 10**9, EventKind.CANCEL, 1, 97, 1)
    seen = exposure(book.table())
    assert seen.held_s.tolist() == [0.0, 2.0, 3.0]
    assert seen.reach_tick.tolist() == [[0, 0], [10, 10], [8, 8]]
    assert seen.seen.tolist() == [False, True, True]
    assert seen.distance_tick[1:].tolist() == [8, 8]
    # Ticks 9 and 10 from the opposite best were visible for 2 s a side, the nearer ones for 5 s.
    assert seen.held_by_distance(11)[[1, 8, 9, 10, 11]].tolist() == [10.0, 10.0, 4.0, 4.0, 0.0]


@pytest.mark.parametrize(
    ("absent", "says"),
    [(EventKind.ADD, "limit"), (EventKind.TRADE, "market"), (EventKind.CANCEL, "cancelled")],
)
def test_what_is_absent_is_named(absent: EventKind, says: str) -> None:
    table = santa_fe_market(ALPHA, MU, DELTA, band=12, lots=1, seconds=60, levels=5)
    keep = table.kind != absent
    rest = EventTable(
        **{name: value if name == "name" else value[keep] for name, value in vars(table).items()}
    )
    with pytest.raises(DataError, match=f"no {says} orders") as error:
        fit_santa_fe(rest)
    assert error.value.code == "HG-D191"
