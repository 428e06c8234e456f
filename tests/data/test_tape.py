"""Tape compiler: handmade days with every operation written out."""

from __future__ import annotations

from pathlib import Path

import pytest

from hftgym.core.constants import NO_PX, TapeKind
from hftgym.core.records import TAPE_OP
from hftgym.data.tape import Tape, compile_tape
from hftgym.errors import DataError, UsageError
from tests.data.lobster_days import Levels, Message, day_of
from tests.data.plain_book import rows_equal

Row = tuple[Message, Levels, Levels]

ASKS: Levels = [(10100, 10), (10200, 20)]
BIDS: Levels = [(9900, 5), (9800, 7)]
START: Row = (("36000.0", 1, 1, 5, 9900, 1), ASKS, BIDS)
SEED = [
    "FRONT bid 0 99x5",
    "FRONT bid 1 98x7",
    "FRONT ask 2 101x10",
    "FRONT ask 3 102x20 end",
]


def compile_rows(folder: Path, *rows: Row, tick: int = 100) -> Tape:
    tape = compile_tape(day_of(folder, 2, [START, *rows]), tick)
    assert rows_equal(tape) == tape.rows == len(rows) + 1
    return tape


def text(tape: Tape) -> list[str]:
    """Operations after the seed as ``KIND side ordinal pxxlots flags``."""
    words = []
    for op in tape.ops:
        side = {1: "bid", -1: "ask", 0: "-"}[int(op["side"])]
        flags = " same" * bool(op["flags"] & 2) + " end" * bool(op["flags"] & 1)
        words.append(
            f"{TapeKind(op['kind']).name} {side} {op['ordinal']} {op['px']}x{op['lots']}{flags}"
        )
    assert words[: len(SEED)] == SEED
    return words[len(SEED) :]


def test_seed_is_one_anonymous_order_a_level(tmp_path: Path) -> None:
    tape = compile_rows(tmp_path)
    assert text(tape) == []
    assert tape.ops.dtype == TAPE_OP
    assert tape.ops["t_ns"].tolist() == [36_000 * 10**9] * 4
    assert tape.book.tolist() == [[[99, 5, 101, 10], [98, 7, 102, 20]]]
    assert (tape.levels, tape.tick, tape.max_ordinals, tape.reveals) == (2, 100, 4, 0)
    assert tape.first_t_ns == tape.last_t_ns == 36_000 * 10**9


def test_add_joins_the_back_and_the_touch_of_history_is_after_the_row(tmp_path: Path) -> None:
    tape = compile_rows(
        tmp_path,
        (("36001", 1, 2, 3, 9900, 1), ASKS, [(9900, 8), (9800, 7)]),
        (("36002", 3, 2, 3, 9900, 1), ASKS, BIDS),
        (("36003", 1, 3, 4, 10000, 1), ASKS, [(10000, 4), (9900, 5)]),
    )
    assert text(tape) == [
        "ADD bid 4 99x3 end",
        "REMOVE bid 4 99x3 end",
        "ADD bid 4 100x4",
        "REMOVE bid 1 98x7 end",
    ]
    touch = [(int(op["h_bid_px"]), int(op["h_ask_px"])) for op in tape.ops]
    assert touch == [(99, 101)] * 6 + [(100, 101)] * 2
    assert tape.ops["row"].tolist() == [0, 0, 0, 0, 1, 2, 3, 3]
    assert [tape.first_op(row) for row in range(5)] == [0, 4, 5, 6, 8]
    assert tape.max_ordinals == 5


def test_an_order_beyond_the_window_is_not_in_history(tmp_path: Path) -> None:
    tape = compile_rows(
        tmp_path,
        (("36001", 1, 2, 3, 10300, -1), ASKS, BIDS),
        (("36002", 3, 2, 3, 10300, -1), ASKS, BIDS),
    )
    assert text(tape) == ["NOTHING - -1 0x0 end", "NOTHING - -1 0x0 end"]


def test_unknown_orders_act_on_the_anonymous_one_then_on_the_oldest(tmp_path: Path) -> None:
    tape = compile_rows(
        tmp_path,
        (("36001", 1, 2, 3, 9900, 1), ASKS, [(9900, 8), (9800, 7)]),
        (("36002", 1, 3, 4, 9900, 1), ASKS, [(9900, 12), (9800, 7)]),
        (("36003", 2, 77, 2, 9900, 1), ASKS, [(9900, 10), (9800, 7)]),
        (("36004", 3, 78, 7, 9900, 1), ASKS, [(9900, 3), (9800, 7)]),
    )
    assert text(tape) == [
        "ADD bid 4 99x3 end",
        "ADD bid 5 99x4 end",
        "REDUCE bid 0 99x2 end",
        "REMOVE bid 0 99x3",
        "REMOVE bid 4 99x3",
        "REDUCE bid 5 99x1 end",
    ]


def test_a_known_order_with_too_little_leaves_the_rest_to_the_oldest(tmp_path: Path) -> None:
    tape = compile_rows(
        tmp_path,
        (("36001", 1, 2, 3, 9900, 1), ASKS, [(9900, 8), (9800, 7)]),
        (("36002", 3, 2, 4, 9900, 1), ASKS, [(9900, 4), (9800, 7)]),
        (("36003", 2, 2, 1, 9900, 1), ASKS, [(9900, 3), (9800, 7)]),
    )
    assert text(tape) == [
        "ADD bid 4 99x3 end",
        "REMOVE bid 4 99x3",
        "REDUCE bid 0 99x1 end",
        "REDUCE bid 0 99x1 end",
    ]


def test_a_known_id_at_another_price_counts_as_not_seen(tmp_path: Path) -> None:
    tape = compile_rows(
        tmp_path,
        (("36001", 1, 2, 3, 9900, 1), ASKS, [(9900, 8), (9800, 7)]),
        (("36002", 2, 2, 1, 9800, 1), ASKS, [(9900, 8), (9800, 6)]),
    )
    assert text(tape)[1:] == ["REDUCE bid 1 98x1 end"]


def test_executions_of_one_time_and_direction_are_one_aggressor(tmp_path: Path) -> None:
    """A sweep through both asks: reveals fall between its fills; other times and sides part it."""
    tape = compile_rows(
        tmp_path,
        (("36001", 4, 50, 6, 10100, -1), [(10100, 4), (10200, 20)], BIDS),
        (("36001", 5, 0, 1, 10150, -1), [(10100, 4), (10200, 20)], BIDS),
        (("36001", 4, 51, 4, 10100, -1), [(10200, 20), (10300, 30)], BIDS),
        (("36001", 4, 52, 5, 10200, -1), [(10200, 15), (10300, 30)], BIDS),
        (("36001", 4, 53, 1, 9900, 1), [(10200, 15), (10300, 30)], [(9900, 4), (9800, 7)]),
        (("36001", 4, 54, 5, 10200, -1), [(10200, 10), (10300, 30)], [(9900, 4), (9800, 7)]),
        (("36001.1", 4, 55, 5, 10200, -1), [(10200, 5), (10300, 30)], [(9900, 4), (9800, 7)]),
    )
    assert text(tape) == [
        "EXEC ask 2 101x6 end",
        "HIDDEN ask -1 101x1 end",
        "EXEC ask 2 101x4 same",
        "FRONT ask 2 103x30 end",
        "EXEC ask 3 102x5 same end",
        "EXEC bid 0 99x1 end",
        "EXEC ask 3 102x5 end",
        "EXEC ask 3 102x5 end",
    ]
    assert tape.reveals == 1


def test_one_execution_over_several_orders_is_one_aggressor(tmp_path: Path) -> None:
    tape = compile_rows(
        tmp_path,
        (("36001", 1, 2, 3, 9900, 1), ASKS, [(9900, 8), (9800, 7)]),
        (("36002", 4, 90, 7, 9900, 1), ASKS, [(9900, 1), (9800, 7)]),
        (("36003", 4, 2, 1, 9900, 1), ASKS, [(9800, 7)]),
    )
    assert text(tape)[1:] == [
        "EXEC bid 0 99x5",
        "EXEC bid 4 99x2 same end",
        "EXEC bid 4 99x1 end",
    ]


def test_an_order_whose_level_left_the_window_is_forgotten(tmp_path: Path) -> None:
    """Order 2 is cut with its level, which comes back as anonymous and takes its messages.

    By then order 7 uses the ordinal that order 2 had.
    """
    tape = compile_rows(
        tmp_path,
        (("36001", 1, 2, 3, 9800, 1), ASKS, [(9900, 5), (9800, 10)]),
        (("36002", 1, 3, 4, 10000, 1), ASKS, [(10000, 4), (9900, 5)]),
        (("36003", 3, 3, 4, 10000, 1), ASKS, [(9900, 5), (9800, 12)]),
        (("36004", 1, 7, 3, 9800, 1), ASKS, [(9900, 5), (9800, 15)]),
        (("36005", 3, 2, 3, 9800, 1), ASKS, [(9900, 5), (9800, 12)]),
    )
    assert text(tape) == [
        "ADD bid 4 98x3 end",
        "ADD bid 5 100x4",
        "REMOVE bid 1 98x7",
        "REMOVE bid 4 98x3 end",
        "REMOVE bid 5 100x4",
        "FRONT bid 1 98x12 end",
        "ADD bid 4 98x3 end",
        "REDUCE bid 1 98x3 end",
    ]
    assert (tape.max_ordinals, tape.reveals) == (6, 1)


@pytest.mark.parametrize(
    ("price", "side", "limit"),
    [(10050, -1, 100), (10050, 1, 101), (10000, -1, 100), (10000, 1, 100), (10099, -1, 100)],
)
def test_hidden_executions_off_the_tick_match_less(
    tmp_path: Path, price: int, side: int, limit: int
) -> None:
    tape = compile_rows(tmp_path, (("36001", 5, 0, 8, price, side), ASKS, BIDS))
    name = "ask" if side < 0 else "bid"
    assert text(tape) == [f"HIDDEN {name} -1 {limit}x8 end"]


def test_auction_prints_and_phases_do_not_touch_the_book(tmp_path: Path) -> None:
    tape = compile_rows(
        tmp_path,
        (("36001", 6, -1, 500, 10000, -1), ASKS, BIDS),
        (("36002", 7, 0, 0, -1, -1), ASKS, BIDS),
        (("36003", 7, 0, 0, 0, -1), ASKS, BIDS),
        (("36004", 7, 0, 0, 1, -1), ASKS, BIDS),
    )
    assert text(tape) == [
        "PRINT ask -1 100x500 end",
        "PHASE - -1 0x-1 end",
        "PHASE - -1 0x0 end",
        "PHASE - -1 0x1 end",
    ]


def test_a_side_may_run_empty_and_fill_again(tmp_path: Path) -> None:
    tape = compile_rows(
        tmp_path,
        (("36001", 4, 1, 5, 9900, 1), ASKS, [(9800, 7)]),
        (("36001", 4, 2, 7, 9800, 1), ASKS, []),
        (("36002", 1, 9, 2, 9700, 1), ASKS, [(9700, 2)]),
    )
    assert text(tape) == ["EXEC bid 0 99x5 end", "EXEC bid 1 98x7 same end", "ADD bid 0 97x2 end"]
    assert tape.ops["h_bid_px"][-3:].tolist() == [98, -NO_PX, 97]
    assert tape.book[2].tolist() == [[-NO_PX, 0, 101, 10], [-NO_PX, 0, 102, 20]]


def test_an_empty_book_seeds_nothing(tmp_path: Path) -> None:
    day = day_of(tmp_path, 2, [(("36000", 7, 0, 0, -1, -1), [], [])])
    tape = compile_tape(day)
    assert [int(op["kind"]) for op in tape.ops] == [TapeKind.NOTHING]
    assert (tape.ops["h_bid_px"][0], tape.ops["h_ask_px"][0]) == (-NO_PX, NO_PX)
    assert rows_equal(tape) == 1


@pytest.mark.parametrize(
    ("row", "says"),
    [
        (
            (("36001", 4, 1, 6, 9900, 1), ASKS, [(9800, 7)]),
            "message.csv:2: column 'size': takes 6 lots at price 9900, where 5 are shown",
        ),
        (
            (("36001", 3, 1, 5, 10000, 1), ASKS, BIDS),
            "message.csv:2: column 'size': takes 5 lots at price 10000, where 0 are shown",
        ),
        (
            (("36001", 1, 2, 3, 9900, 1), ASKS, BIDS),
            "orderbook.csv:2: the bid side is not what the message makes of the row before",
        ),
        (
            (("36001", 1, 2, 3, 9700, 1), ASKS, [(9800, 7), (9700, 3)]),
            "orderbook.csv:2: the bid side is not what the message makes of the row before",
        ),
        (
            (("36001", 5, 0, 3, 9900, 1), [(10100, 10)], BIDS),
            "orderbook.csv:2: the ask side is not what the message makes of the row before",
        ),
    ],
)
def test_rows_that_do_not_follow_are_refused(tmp_path: Path, row: Row, says: str) -> None:
    with pytest.raises(DataError) as caught:
        compile_rows(tmp_path, row)
    assert str(caught.value).startswith(f"{tmp_path}/{says}")
    assert (caught.value.code, caught.value.exit_code) == ("HG-D130", 65)


def test_a_side_that_was_not_full_reveals_nothing(tmp_path: Path) -> None:
    thin: Row = (START[0], ASKS, [(9900, 5)])
    row: Row = (("36001", 2, 1, 1, 9900, 1), ASKS, [(9900, 4), (9800, 7)])
    with pytest.raises(DataError, match=r"orderbook\.csv:2: the bid side is not"):
        compile_tape(day_of(tmp_path, 2, [thin, row]))


def test_visible_prices_off_the_tick_are_refused(tmp_path: Path) -> None:
    row: Row = (("36001", 1, 2, 3, 9950, 1), ASKS, [(9950, 3), (9900, 5)])
    assert text_of_error(tmp_path, row, tick=100) == (
        f"{tmp_path}/message.csv:2: column 'price': 9950 is not a multiple of the tick 100 "
        "(1e-4 dollars). Take a smaller tick."
    )
    tape = compile_tape(day_of(tmp_path, 2, [START, row]), tick=50)
    assert tape.ops["px"].tolist()[-2:] == [199, 196]
    reveal: Row = (("36001", 3, 1, 5, 9900, 1), ASKS, [(9800, 7), (9750, 1)])
    assert "orderbook.csv:2: column 'bid_price_2': 9750 is not" in text_of_error(
        tmp_path, reveal, tick=100
    )


def text_of_error(folder: Path, row: Row, tick: int) -> str:
    with pytest.raises(DataError) as caught:
        compile_tape(day_of(folder, 2, [START, row]), tick)
    return str(caught.value)


def test_a_tick_must_be_positive(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="tick 0 is not a positive number"):
        compile_tape(day_of(tmp_path, 2, [START]), tick=0)


def test_the_data_hash_names_files_rows_and_tick(tmp_path: Path) -> None:
    later: Row = (("36001", 5, 0, 1, 10000, 1), ASKS, BIDS)
    day = day_of(tmp_path, 2, [START, later])
    hashes = {
        compile_tape(day).data_hash,
        compile_tape(day, tick=50).data_hash,
        compile_tape(day.between(0, 1)).data_hash,
        compile_tape(day.between(1, 2)).data_hash,
    }
    assert len(hashes) == 4
    assert compile_tape(day_of(tmp_path, 2, [START, later])).data_hash in hashes
