"""Pictures show what happened: depth in its place, calls shaded, times as they are read."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from hftgym.analytics.market_day import COLUMN, DEPTH_CELL, TRADE_DOT, MarketDay
from hftgym.analytics.quality import QUALITY
from hftgym.core.constants import NO_PX, Phase
from hftgym.scenario import Scenario
from hftgym.simulation.day_image import MAX_ROWS, day_image
from hftgym.simulation.page import draw_page
from hftgym.simulation.picture import draw_png, time_step, time_text

SECOND = 1_000_000_000
COLUMNS = 6


def made_up_day(step_s: int = 10, begin_s: int = 60) -> MarketDay:
    """A day in ticks of 5 price units: a call, then a bid and an ask that rise by a tick a column.

    Empty of asks in the last column.
    """
    columns = np.zeros(COLUMNS, COLUMN)
    j = np.arange(COLUMNS)
    columns["end_ns"] = (begin_s + step_s * (j + 1)) * SECOND
    columns["bid_px"], columns["ask_px"] = 500 + 5 * j, 510 + 5 * j
    columns["ask_px"][-1] = NO_PX
    columns["phase"][:2] = Phase.OPENING_AUCTION
    columns["quoted_ns"][2:] = SECOND
    columns["spread_px_ns"][2:] = 10.0 * SECOND
    columns["buy_lots"][3], columns["buy_px_lots"][3] = 4, 4 * 525.0
    columns["auction_lots"][1] = 9
    depth = np.array([(j, 500 + 5 * j, 7) for j in range(COLUMNS)], DEPTH_CELL)
    trades = np.array([((begin_s + 35) * SECOND, 525, 4, 1)], TRADE_DOT)
    end_ns = int(columns["end_ns"][-1])
    sums, mids = np.zeros(1, QUALITY), np.zeros(61, np.int64)
    return MarketDay(begin_s * SECOND, end_ns, 5, sums, columns, depth, mids, trades, {})


def test_what_is_drawn_is_what_happened() -> None:
    image = day_image(made_up_day(), clock=False)
    assert image.edge_s.tolist() == [0, 10, 20, 30, 40, 50, 60]
    for j in range(COLUMNS):
        (row,) = np.flatnonzero(image.depth[:, j])
        assert image.depth[row, j] == 7
        low = image.low_tick + row * image.row_tick
        assert low < 100 + j < low + image.row_tick
    np.testing.assert_array_equal(image.spread, [np.nan, np.nan, 2, 2, 2, 2])
    np.testing.assert_array_equal(image.mid, [np.nan, np.nan, 103, 104, 105, np.nan])
    assert image.closed.tolist() == [[0, 20]]
    assert image.trades.tolist() == [[35, 105, 4, 1]]
    assert image.lots[:, 1].tolist() == [0, 0, 9]


def test_many_trades_are_drawn_by_column() -> None:
    image = day_image(replace(made_up_day(), trades=None), clock=True)
    assert image.trades.tolist() == [[95, 105, 4, 1]]


def test_a_wide_day_has_rows_of_several_ticks() -> None:
    day = made_up_day()
    day.columns["ask_px"][3] = 25_000
    image = day_image(day, clock=False)
    assert image.row_tick > 1
    assert len(image.depth) <= MAX_ROWS
    assert image.low_tick < 100 < 5_000 < image.high_tick
    assert image.depth.sum() == 7 * COLUMNS


@pytest.mark.parametrize(
    ("begin_s", "step_s", "clock", "step", "texts"),
    [
        (60, 1, False, 1, ["0 s", "1 s"]),
        (60, 50, False, 30, ["0:00", "0:30"]),
        (60, 3_900, False, 3_600, ["0:00", "1:00"]),
        (34_200, 3_900, True, 3_600, ["9:30", "10:30"]),
        (34_200, 20, True, 15, ["9:30:00", "9:30:15"]),
    ],
)
def test_times_are_round(
    begin_s: int, step_s: int, clock: bool, step: float, texts: list[str]
) -> None:
    image = day_image(made_up_day(step_s, begin_s), clock)
    assert time_step(image) == step
    first = float(image.edge_s[0])
    assert [time_text(first, image), time_text(first + step, image)] == texts


@pytest.mark.parametrize("empty", [False, True])
def test_both_pictures_of_any_day_are_drawn(empty: bool, tmp_path: Path) -> None:
    day = made_up_day()
    if empty:
        columns = day.columns.copy()
        columns["bid_px"], columns["ask_px"], columns["quoted_ns"] = -NO_PX, NO_PX, 0
        for name in ("buy_lots", "auction_lots"):
            columns[name] = 0
        day = replace(day, columns=columns, depth=day.depth[:0], trades=np.zeros(0, TRADE_DOT))
    scenario = Scenario(name="made-up", description="bids < asks")
    draw_png(day, scenario, "made-up, seed 3", tmp_path / "day.png")
    draw_page(day, scenario, "made-up, seed 3", "a & b", tmp_path / "day.html")
    assert (tmp_path / "day.png").read_bytes().startswith(b"\x89PNG")
    page = (tmp_path / "day.html").read_text()
    assert "made-up, seed 3" in page
    assert "bids &lt; asks" in page
    assert "<pre>a &amp; b</pre>" in page
