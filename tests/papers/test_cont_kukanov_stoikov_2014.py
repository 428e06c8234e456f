"""Cont, Kukanov and Stoikov 2014: order flow imbalance, by hand, in the core and on real data."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pytest

from hftgym.core.constants import NEVER_NS
from hftgym.core.entries import advance_one
from hftgym.errors import DataError
from hftgym.papers.cont_kukanov_stoikov_2014 import (
    RECORDING,
    mean_r2,
    order_flow,
    read_recording,
    rows,
    seconds_of,
)
from hftgym.simulator import Simulator


def test_order_flow_by_hand() -> None:
    """Every case of the formula: sizes change, the bid rises and falls, the ask falls and rises."""
    quotes = np.array(
        [
            [10.0, 5.0, 11.0, 7.0],
            [10.0, 8.0, 11.0, 7.0],  # 3 more at the bid
            [10.0, 8.0, 11.0, 9.0],  # 2 more at the ask
            [10.5, 4.0, 11.0, 9.0],  # a better bid of 4
            [10.0, 8.0, 11.0, 9.0],  # and it is gone
            [10.0, 8.0, 10.5, 6.0],  # a better ask of 6
            [10.0, 8.0, 11.0, 9.0],  # and it is gone
            [9.5, 1.0, 10.0, 2.0],  # 8 bid are gone, 2 are offered lower
        ]
    )
    assert order_flow(quotes).tolist() == [0.0, 3.0, -2.0, 4.0, -4.0, -6.0, 6.0, -10.0]


def test_the_feature_that_participants_see_is_the_formula() -> None:
    """The ``ofi`` of the public feed, event by event in a whole market, equals the formula."""
    market = Simulator("default", seed=3)
    plan = market.blueprint
    quotes, ofi = [], []
    for _ in range(4_000):
        book = market.market()["books"][0]
        quotes.append(
            [book[f"touch_{name}"] for name in ("bid_px", "bid_lots", "ask_px", "ask_lots")]
        )
        ofi.append(int(book["ofi"]))
        advance_one(market.markets, 0, plan.table, plan.ops, market._log_buffer, NEVER_NS, 1)
    flow = order_flow(np.array(quotes, float))
    assert np.count_nonzero(flow) > 300
    np.testing.assert_array_equal(np.cumsum(flow), np.array(ofi) - ofi[0])


def test_the_recording_of_binance_gives_the_known_r2(shared_data: Path) -> None:
    if not (shared_data / RECORDING).is_file():
        pytest.skip(f"needs {RECORDING} in {shared_data}")
    found = rows(shared_data)
    assert len(found) == 2
    assert [row for row in found if not row.ok] == []


def test_without_data_there_is_nothing_to_compare(tmp_path: Path) -> None:
    assert rows() == []
    assert rows(tmp_path) == []


def write(path: Path, *lines: str) -> Path:
    with gzip.open(path, "wt") as out:
        out.write("\n".join(lines))
    return path


def quote(t_ns: int, bid: float, size: float) -> str:
    return (
        f'{t_ns} {{"stream":"x@bookTicker","data":{{"e":"bookTicker","b":"{bid}","B":"{size}",'
        f'"a":"{bid + 1}","A":"1.0"}}}}'
    )


def trade(t_ns: int, size: float, seller: bool) -> str:
    maker = "true" if seller else "false"
    return f'{t_ns} {{"stream":"x@trade","data":{{"e":"trade","q":"{size}","m":{maker}}}}}'


def test_a_trade_counts_for_the_quote_that_it_met(tmp_path: Path) -> None:
    second = 1_000_000_000
    path = write(
        tmp_path / "a.gz",
        quote(0, 10.0, 1.0),
        quote(5, 10.0, 1.0),
        trade(second // 2, 3.0, seller=False),
        quote(second, 10.0, 4.0),
        trade(second + 5, 2.0, seller=True),  # after the boundary, before the next quote
        quote(second + 9, 11.0, 2.0),
        '7 {"stream":"x@depth","data":{}}',
        quote(2 * second + 5, 12.0, 1.0),
    )
    moves, flow, volume = seconds_of(read_recording(path))
    assert moves.tolist() == [0.0, 1.0]
    assert flow.tolist() == [3.0, 3.0]  # the better bid of 2; the ask of 1 that left
    assert volume.tolist() == [1.0, 0.0]


@pytest.mark.parametrize("line", ["5 @trade {", '5 {"stream":"x@trade","data":{"e":"trade"}}'])
def test_a_broken_recording_is_refused(tmp_path: Path, line: str) -> None:
    with pytest.raises(DataError, match="not a recorded bookTicker or trade") as caught:
        read_recording(write(tmp_path / "a.gz", line))
    assert caught.value.code == "HG-D180"


def test_mean_r2_of_windows() -> None:
    x = np.arange(8.0)
    y = np.array([0.0, 1.0, 2.0, 3.0, 1.0, -1.0, -1.0, 1.0])
    assert mean_r2(x, y, 4) == pytest.approx(0.5)  # 1 in the first half, 0 in the second
