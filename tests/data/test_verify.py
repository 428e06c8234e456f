"""Replay verification: the window rule on real files, and every kind of difference found."""

from __future__ import annotations

from pathlib import Path

import pytest

from hftgym.data.verify import replay, verify_lobster
from tests.data.lobster_days import Levels, Message, day_of

START: tuple[Message, Levels, Levels] = (
    ("36000.0", 1, 1, 5, 9900, 1),
    [(10100, 10), (10200, 20)],
    [(9900, 5), (9800, 7)],
)
ASKS = START[1]


@pytest.mark.parametrize(
    ("name", "levels", "rows", "reveals"),
    [
        ("AAPL_2012-06-21_34200000_57600000_{}_10.csv", 10, 998, 318),
        ("AMZN_2012-06-21_44553000_57600000_{}_1.csv", 1, 32_314, 7_397),
    ],
)
def test_every_row_of_the_real_files_is_equal(
    shared_data: Path, name: str, levels: int, rows: int, reveals: int
) -> None:
    folder = shared_data / "lobster"
    report = verify_lobster(folder / name.format("message"), folder / name.format("orderbook"))
    assert (report.rows_equal, report.rows) == (rows, rows)
    assert (report.levels, report.reveals, report.first_difference) == (levels, reveals, None)
    assert report.equal
    assert str(report).startswith(f"{rows} / {rows} rows equal at all {levels} levels")


@pytest.mark.parametrize(
    ("message", "bids"),
    [
        (("36001", 1, 2, 3, 9900, 1), [(9900, 8), (9800, 7)]),
        (("36001", 1, 2, 3, 9850, 1), [(9900, 5), (9850, 3)]),
        (("36001", 1, 2, 3, 9700, 1), [(9900, 5), (9800, 7)]),
        (("36001", 2, 1, 3, 9900, 1), [(9900, 2), (9800, 7)]),
        (("36001", 3, 9, 7, 9600, 1), [(9900, 5), (9800, 7)]),
        (("36001", 4, 1, 5, 9900, 1), [(9800, 7), (9700, 1)]),
        (("36001", 4, 1, 5, 9900, 1), [(9800, 7)]),
        (("36001", 5, 0, 5, 9900, 1), [(9900, 5), (9800, 7)]),
        (("36001", 6, -1, 5, 9900, 1), [(9900, 5), (9800, 7)]),
        (("36001", 7, 0, 0, -1, -1), [(9900, 5), (9800, 7)]),
    ],
)
def test_rows_that_follow_from_their_message(
    tmp_path: Path, message: Message, bids: Levels
) -> None:
    report = replay(day_of(tmp_path, 2, [START, (message, ASKS, bids)]))
    assert (report.rows_equal, report.rows, report.first_difference) == (1, 1, None)
    assert report.reveals == (bids == [(9800, 7), (9700, 1)])


@pytest.mark.parametrize(
    ("message", "bids", "says"),
    [
        (
            ("36001", 1, 2, 3, 9900, 1),
            [(9900, 7), (9800, 7)],
            "bid level 1 is 7 at 9900, the messages make it 8 at 9900",
        ),
        (
            ("36001", 4, 1, 6, 9900, 1),
            [(9800, 7)],
            "the message takes 6 of 5 shares at 9900",
        ),
        (
            ("36001", 3, 1, 5, 9850, 1),
            [(9900, 5), (9800, 7)],
            "the message takes 5 shares at 9850, where none are shown",
        ),
        (
            ("36001", 4, 1, 5, 9900, 1),
            [(9850, 1), (9800, 7)],
            "bid level 1 is 1 at 9850, the messages make it 7 at 9800",
        ),
        (
            ("36001", 5, 0, 5, 9900, 1),
            [(9900, 5), (9700, 7)],
            "bid level 2 is 7 at 9700, the messages make it 7 at 9800",
        ),
        (
            ("36001", 2, 1, 1, 9900, 1),
            [(9900, 4)],
            "bid level 2 is empty, the messages make it 7 at 9800",
        ),
    ],
)
def test_a_row_that_does_not_follow_is_named(
    tmp_path: Path, message: Message, bids: Levels, says: str
) -> None:
    report = replay(day_of(tmp_path, 2, [START, (message, ASKS, bids)]))
    assert (report.rows_equal, report.rows) == (0, 1)
    assert not report.equal
    assert report.first_difference == f"{tmp_path / 'orderbook.csv'}:2: {says}"
    assert str(report).startswith("0 / 1 rows equal")


def test_the_other_side_must_stay_as_it_was(tmp_path: Path) -> None:
    message: Message = ("36001", 1, 2, 3, 9900, 1)
    row = (message, [(10100, 9), (10200, 20)], [(9900, 8), (9800, 7)])
    report = replay(day_of(tmp_path, 2, [START, row]))
    assert report.first_difference is not None
    assert "ask level 1 is 9 at 10100, the messages make it 10" in report.first_difference


def test_a_side_that_was_not_full_reveals_nothing(tmp_path: Path) -> None:
    thin = (START[0], ASKS, [(9900, 5)])
    rows: list[tuple[Message, Levels, Levels]] = [
        (("36001", 4, 1, 5, 9900, 1), ASKS, [(9800, 7)]),
        (("36001", 2, 1, 1, 9900, 1), ASKS, [(9900, 4), (9800, 7)]),
    ]
    for row in rows:
        report = replay(day_of(tmp_path, 2, [thin, row]))
        assert (report.rows_equal, report.reveals) == (0, 0)


def test_after_a_difference_the_row_of_the_file_is_taken(tmp_path: Path) -> None:
    wrong: tuple[Message, Levels, Levels] = (
        ("36001", 1, 2, 3, 9900, 1),
        ASKS,
        [(9900, 9), (9800, 7)],
    )
    right: tuple[Message, Levels, Levels] = (
        ("36002", 1, 3, 1, 9900, 1),
        ASKS,
        [(9900, 10), (9800, 7)],
    )
    report = replay(day_of(tmp_path, 2, [START, wrong, right]))
    assert (report.rows_equal, report.rows) == (1, 2)
