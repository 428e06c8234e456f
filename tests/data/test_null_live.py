"""The null test in the live matching engine: real days, generated days, planted faults."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from hftgym.data.lobster import read_lobster
from hftgym.data.null_test import null_test, tape_scenario
from hftgym.data.tape import Tape, compile_tape
from hftgym.errors import DataError
from hftgym.simulator import Simulator
from tests.data.lobster_days import Exchange, write_files

AAPL = "AAPL_2012-06-21_34200000_57600000_{}_10.csv"
AMZN = "AMZN_2012-06-21_44553000_57600000_{}_1.csv"


def generated(folder: Path, depth: int, seed: int, actions: int = 400) -> Tape:
    exchange = Exchange(depth)
    for choice in np.random.default_rng(seed).integers(0, 60, size=(actions, 4)).tolist():
        exchange.act(*choice)
    return compile_tape(read_lobster(*write_files(folder, exchange.messages, exchange.rows)))


@pytest.mark.parametrize(("name", "rows"), [(AAPL, 998), (AMZN, 32_314)])
def test_every_row_of_a_real_day_is_equal_at_every_level(
    shared_data: Path, name: str, rows: int
) -> None:
    folder = shared_data / "lobster"
    day = read_lobster(folder / name.format("message"), folder / name.format("orderbook"))
    report = null_test(compile_tape(day))
    assert (report.rows_equal, report.rows, report.first_difference) == (rows, rows, None)
    assert report.equal
    assert str(report).startswith(f"{rows} / {rows} rows equal at all {report.levels} levels")


@pytest.mark.parametrize("depth", [1, 2, 5])
def test_every_row_of_a_generated_day_is_equal(tmp_path: Path, depth: int) -> None:
    report = null_test(generated(tmp_path, depth, seed=depth))
    assert report.rows > 100
    assert report.equal


@pytest.mark.parametrize("column", range(4))
def test_a_difference_is_found_and_named(tmp_path: Path, column: int) -> None:
    tape = generated(tmp_path, 2, seed=3)
    book = tape.book.copy()
    book[40, 1, column] += 1
    report = null_test(replace(tape, book=book))
    assert (report.rows_equal, report.rows) == (tape.rows - 2, tape.rows - 1)
    name = ("bid px", "bid lots", "ask px", "ask lots")[column]
    value = int(tape.book[40, 1, column])
    assert report.first_difference == f"row 40: level 2, {name}: live {value}, history {value + 1}"
    assert not report.equal


def test_levels_behind_the_last_one_are_a_difference(tmp_path: Path) -> None:
    tape = generated(tmp_path, 2, seed=3)
    report = null_test(replace(tape, levels=1, book=tape.book[:, :1]))
    assert report.first_difference == (
        "row 0: the live book has levels behind the last one of history"
    )
    assert report.rows_equal < report.rows


def test_the_simulator_plays_the_same(tmp_path: Path) -> None:
    """The event loop comes to the row that the null test saw last, and counts no loss."""
    tape = generated(tmp_path, 3, seed=4)
    market = Simulator(tape_scenario(tape), ops=tape.ops)
    market.reset(seed=1, start_ns=tape.first_t_ns)
    market.advance_until(tape.last_t_ns)
    m = market.market()
    assert (m["tape_rows_done"], m["tape"]["cursor"]) == (tape.rows, len(tape.ops))
    counts = [int(m["tape"][name]) for name in ("missed", "surviving", "clamped")]
    assert counts == [0, 0, 0]
    book = m["books"][0]
    last = tape.book[-1, 0].tolist()
    touch = ("touch_bid_px", "touch_bid_lots", "touch_ask_px", "touch_ask_lots")
    assert [int(book[name]) for name in touch] == last
    gap = m["tape"]["gap_ns"]
    assert gap[0] == m["tape"]["time_ns"] > 0
    assert market.conservation() == (0, 0)


def test_a_day_with_too_many_orders_is_refused(tmp_path: Path) -> None:
    tape = replace(generated(tmp_path, 1, seed=5, actions=3), max_ordinals=1 << 30)
    with pytest.raises(DataError, match="1073741824 orders alive at once"):
        null_test(tape)
