"""The null test of the compiler: played alone, a tape is its day, at every level of every row."""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hftgym.core.constants import TapeFlag, TapeKind
from hftgym.data.lobster import LobsterDay, read_lobster
from hftgym.data.tape import Tape, compile_tape
from hftgym.data.tape_seed import seed_ops, seeds_at
from hftgym.data.verify import replay
from hftgym.errors import UsageError
from tests.data.lobster_days import Exchange, write_files
from tests.data.plain_book import PlainBook, rows_equal

AAPL = "AAPL_2012-06-21_34200000_57600000_{}_10.csv"
AMZN = "AMZN_2012-06-21_44553000_57600000_{}_1.csv"

number = st.integers(0, 60)
actions = st.lists(st.tuples(number, number, number, number), max_size=80)


def generate(depth: int, choices: list[tuple[int, int, int, int]]) -> LobsterDay:
    """Let an exchange act and read what it published."""
    exchange = Exchange(depth)
    for choice in choices:
        exchange.act(*choice)
    with tempfile.TemporaryDirectory() as folder:
        return read_lobster(*write_files(Path(folder), exchange.messages, exchange.rows))


def busy_day() -> LobsterDay:
    """Generate messages of every kind that changes the book at three levels."""
    rng = np.random.default_rng(7)
    return generate(3, [tuple(row) for row in rng.integers(0, 60, size=(300, 4)).tolist()])


@settings(max_examples=100, deadline=None, derandomize=True)
@given(depth=st.integers(1, 4), choices=actions)
def test_generated_days_are_rebuilt_row_by_row(
    depth: int, choices: list[tuple[int, int, int, int]]
) -> None:
    day = generate(depth, choices)
    report = replay(day)
    assert (report.rows_equal, report.first_difference) == (report.rows, None)
    tape = compile_tape(day)
    assert rows_equal(tape) == tape.rows == day.rows
    assert tape.reveals == report.reveals
    assert tape.ops["ordinal"].max() < tape.max_ordinals


@pytest.mark.parametrize(
    ("name", "rows", "reveals", "max_ordinals"),
    [(AAPL, 999, 318, 42), (AMZN, 32_315, 7_397, 18)],
)
def test_real_days_are_rebuilt_row_by_row(
    shared_data: Path, name: str, rows: int, reveals: int, max_ordinals: int
) -> None:
    tape = real_tape(shared_data, name)
    assert (rows_equal(tape), tape.rows) == (rows, rows)
    assert (tape.reveals, tape.max_ordinals) == (reveals, max_ordinals)


def real_tape(shared_data: Path, name: str) -> Tape:
    folder = shared_data / "lobster"
    return compile_tape(
        read_lobster(folder / name.format("message"), folder / name.format("orderbook"))
    )


def test_volume_of_history_is_kept(shared_data: Path) -> None:
    folder = shared_data / "lobster"
    day = read_lobster(folder / AMZN.format("message"), folder / AMZN.format("orderbook"))
    tape = compile_tape(day)
    for kind, op in ((1, TapeKind.ADD), (4, TapeKind.EXEC), (5, TapeKind.HIDDEN)):
        assert tape.ops["lots"][tape.ops["kind"] == op].sum() == day.lots[day.kind == kind].sum()
    ends = tape.ops["flags"] & TapeFlag.ROW_END > 0
    assert tape.ops["row"][ends].tolist() == list(range(day.rows))
    assert tape.count(TapeKind.HIDDEN) == 1_381


def test_a_part_of_a_day_is_a_day(shared_data: Path) -> None:
    folder = shared_data / "lobster"
    day = read_lobster(folder / AAPL.format("message"), folder / AAPL.format("orderbook"))
    tape = compile_tape(day.between(400, 700))
    assert rows_equal(tape) == tape.rows == 300
    np.testing.assert_array_equal(tape.book, compile_tape(day).book[400:700])


def test_a_market_may_start_at_any_row() -> None:
    """Seeded after row k, with the ordinals and queues of H, the rest of the tape fits."""
    tape = compile_tape(busy_day())
    rows = [tape.rows - 1, 0, *range(3, tape.rows, 7)]
    seeds = seeds_at(tape, rows)
    whole = PlainBook()
    after = {}
    for op in tape.ops:
        whole.play(op)
        after[int(op["row"])] = whole.orders()
    for row, seed in zip(rows, seeds, strict=True):
        book = PlainBook()
        for op in seed:
            book.play(op)
        fields = ("side", "px", "ordinal", "lots")
        assert [tuple(int(op[name]) for name in fields) for op in seed] == after[row]
        assert book.orders() == after[row]
        assert set(seed["row"]) == {row}
        assert seed["flags"].tolist() == [0] * (len(seed) - 1) + [TapeFlag.ROW_END]
        assert seed["t_ns"][0] == tape.ops["t_ns"][tape.first_op(row)]
        for op in tape.ops[tape.first_op(row + 1) :]:
            book.play(op)
        assert book.levels(tape.levels) == tape.book[-1].tolist()
    np.testing.assert_array_equal(seed_ops(tape, 3), seeds[2])


def test_a_seed_is_of_a_row_on_the_tape() -> None:
    tape = compile_tape(busy_day())
    for row in (-1, tape.rows):
        with pytest.raises(UsageError, match=f"row {row} is not on a tape of {tape.rows} rows"):
            seed_ops(tape, row)


def test_the_generator_meets_every_case() -> None:
    tape = compile_tape(busy_day())
    counts = {kind.name: tape.count(kind) for kind in TapeKind}
    missing = [name for name, n in counts.items() if not n]
    assert missing == ["NOTHING", "PRINT", "PHASE"]
    assert tape.reveals > 5
    assert (tape.ops["flags"] & TapeFlag.SAME_AGGRESSOR).any()
