"""LOBSTER reader: exact values, every layout met in the wild, and one-line refusals."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from hftgym.data.integer_csv import open_csv
from hftgym.data.lobster import LobsterDay, read_lobster
from hftgym.data.lobster_format import MESSAGE_COLUMNS, orderbook_columns
from hftgym.errors import DataError, HftgymError, NoInputError, UsageError
from tests.data.lobster_days import write_files

MESSAGES = [
    "34200.004241176,1,11,18,5853300,1",
    "34200.00426064,2,11,8,5853300,1",
    "34200.5,5,0,7,5856650,-1",
    "34201,4,11,10,5853300,1",
]
ROWS = [
    "5859400,200,5853300,18,5859800,100,5853000,150",
    "5859400,200,5853300,10,5859800,100,5853000,150",
    "5859400,200,5853300,10,5859800,100,5853000,150",
    "5859400,200,5853000,150,5859800,100,-9999999999,0",
]


def write(
    folder: Path, messages: list[str] = MESSAGES, rows: list[str] = ROWS
) -> tuple[Path, Path]:
    return write_files(folder, (line.split(",") for line in messages), rows)


def read_with(folder: Path, message: str | None = None, row: str | None = None) -> LobsterDay:
    """Read the sample with its second message or book row replaced."""
    messages = MESSAGES if message is None else [MESSAGES[0], message, *MESSAGES[2:]]
    rows = ROWS if row is None else [ROWS[0], row, *ROWS[2:]]
    return read_lobster(*write(folder, messages, rows))


def refusal(folder: Path, message: str | None = None, row: str | None = None) -> str:
    with pytest.raises(DataError) as caught:
        read_with(folder, message, row)
    text = str(caught.value)
    assert caught.value.exit_code == 65
    assert "\n" not in text
    name = "orderbook.csv" if message is None else "message.csv"
    assert text.startswith(f"{folder / name}:2: "), text
    return f"{caught.value.code} {text.removeprefix(f'{folder / name}:2: ')}"


def test_reads_every_column_exactly(tmp_path: Path) -> None:
    day = read_lobster(*write(tmp_path))
    assert (day.rows, day.levels) == (4, 2)
    assert day.t_ns.tolist() == [34200004241176, 34200004260640, 34200500000000, 34201000000000]
    assert day.kind.tolist() == [1, 2, 5, 4]
    assert day.order_id.tolist() == [11, 11, 0, 11]
    assert day.lots.tolist() == [18, 8, 7, 10]
    assert day.price.tolist() == [5853300, 5853300, 5856650, 5853300]
    assert day.side.tolist() == [1, 1, -1, 1]
    assert day.book.tolist() == [[int(cell) for cell in row.split(",")] for row in ROWS]
    dtypes = {name: getattr(day, name).dtype for name in ("t_ns", "kind", "side", "book")}
    assert dtypes == {"t_ns": "int64", "kind": "int8", "side": "int8", "book": "int64"}
    with pytest.raises(ValueError, match="read-only"):
        day.book[0, 0] = 1


def test_headers_crlf_byte_order_mark_and_no_last_newline_change_nothing(tmp_path: Path) -> None:
    plain = read_lobster(*write(tmp_path))
    message, orderbook = tmp_path / "m.csv", tmp_path / "o.csv"
    message.write_bytes(
        b"\xef\xbb\xbf" + "\r\n".join([",".join(MESSAGE_COLUMNS), *MESSAGES]).encode()
    )
    orderbook.write_text("\n".join([",".join(orderbook_columns(2)), *ROWS]))
    day = read_lobster(message, orderbook)
    for name in ("t_ns", "kind", "order_id", "lots", "price", "side", "book"):
        np.testing.assert_array_equal(getattr(day, name), getattr(plain, name))
    assert (day.message_line, day.orderbook_line) == (2, 2)
    assert day.message_place(1) == f"{message}:3"


def test_five_decimals_and_both_signs_of_an_empty_level(tmp_path: Path) -> None:
    day = read_with(
        tmp_path,
        message="34200.00427,2,11,8,5853300,1",
        row="5859400,200,5853300,10,-9999999999,0,9999999999,0",
    )
    assert day.t_ns[1] == 34200004270000
    assert day.book[1, 4:].tolist() == [-9999999999, 0, 9999999999, 0]


@pytest.mark.parametrize(
    "row",
    [
        "34200.1,6,-1,500,5855000,-1",
        "34200.1,6,0,0,0,0",
        "34200.1,7,0,0,-1,-1",
        "34200.1,7,-1,-1,0,-1",
        "34200.1,7,0,0,1,-1",
    ],
)
def test_auction_prints_and_halts_are_read(tmp_path: Path, row: str) -> None:
    day = read_with(tmp_path, message=row)
    cells = [day.kind, day.order_id, day.lots, day.price, day.side]
    assert [int(column[1]) for column in cells] == [int(cell) for cell in row.split(",")[1:]]


@pytest.mark.parametrize(
    ("row", "says"),
    [
        ("34200.1,2,11,8,nan,1", "HG-D104 column 'price': 'nan' is not an integer"),
        ("34200.1,2,11,8,inf,1", "HG-D104 column 'price': 'inf' is not an integer"),
        ("34200.1,2,11,8,1e400,1", "HG-D104 column 'price': '1e400' is not an integer"),
        ("34200.1,2,11,8,5853300.0,1", "HG-D104 column 'price': '5853300.0' is not an integer"),
        ("34200.1,2,11,8,,1", "HG-D104 column 'price': a blank is not an integer"),
        ("34200.1,2,0xb,8,5853300,1", "HG-D104 column 'order_id': '0xb' is not an integer"),
        ("34200.1,2,11,1_000,5853300,1", "HG-D104 column 'size': '1_000' is not an integer"),
        ("34200.1,2,11, 8,5853300,1", "HG-D104 column 'size': ' 8' is not an integer"),
        ("34200.1,2,11,--8,5853300,1", "HG-D104 column 'size': '--8' is not an integer"),
        ("34200.1,2,11,-,5853300,1", "HG-D104 column 'size': '-' is not an integer"),
        ("34200.1,2,11,8\0,5853300,1", r"HG-D104 column 'size': '8\x00' is not an integer"),
        ("34200.1,2,11,1234567890123456789,1,1", "HG-D104 column 'size': '1234567890123456789'"),
        ("34200.1,2,11,\x1b[31m8,1,1", r"HG-D104 column 'size': '\x1b[31m8' is not an integer"),
        ("nan,2,11,8,5853300,1", "HG-D104 column 'time': 'nan' is not seconds with at most 9"),
        ("34200.1234567891,2,11,8,5853300,1", "HG-D104 column 'time': '34200.1234567891' is not"),
        ("34200.,2,11,8,5853300,1", "HG-D104 column 'time': '34200.' is not seconds"),
        (".5,2,11,8,5853300,1", "HG-D104 column 'time': '.5' is not seconds"),
        ("34200.1.2,2,11,8,5853300,1", "HG-D104 column 'time': '34200.1.2' is not seconds"),
        ("34200.-1,2,11,8,5853300,1", "HG-D104 column 'time': '34200.-1' is not seconds"),
        ("-0.5,2,11,8,5853300,1", "HG-D104 column 'time': '-0.5' is not seconds"),
        ("3.42e4,2,11,8,5853300,1", "HG-D104 column 'time': '3.42e4' is not seconds"),
        ("34200.1,2,11,8,5853300", "HG-D103 5 field(s) instead of 6"),
        ("34200.1,2,11,8,5853300,1,", "HG-D103 7 field(s) instead of 6"),
        ("34200.1", "HG-D103 1 field(s) instead of 6"),
        ('34200.1,2,11,"8,5853300,1', """HG-D104 column 'size': '"8' is not an integer"""),
        ("34200.1,8,11,8,5853300,1", "HG-D110 column 'type': 8 is not a type from 1 to 7"),
        ("34200.1,0,11,8,5853300,1", "HG-D110 column 'type': 0 is not a type from 1 to 7"),
        ("34200.1,2,0,8,5853300,1", "HG-D111 column 'order_id': 0 in a row of type 2 is not"),
        ("34200.1,2,11,0,5853300,1", "HG-D112 column 'size': 0 in a row of type 2 is not a size"),
        ("34200.1,5,0,-8,5853300,1", "HG-D112 column 'size': -8 in a row of type 5 is not a size"),
        ("34200.1,2,11,268435457,5853300,1", "HG-D112 column 'size': 268435457 in a row of type 2"),
        ("34200.1,6,-1,-1,5853300,1", "HG-D112 column 'size': -1 in a row of type 6 is not a size"),
        ("34200.1,2,11,8,0,1", "HG-D113 column 'price': 0 in a row of type 2 is not a price"),
        ("34200.1,2,11,8,-1,1", "HG-D113 column 'price': -1 in a row of type 2 is not a price"),
        ("34200.1,2,11,8,9999999999,1", "HG-D113 column 'price': 9999999999 in a row of type 2"),
        ("34200.1,6,-1,8,-1,1", "HG-D113 column 'price': -1 in a row of type 6 is not a price"),
        ("34200.1,7,0,0,2,-1", "HG-D113 column 'price': 2 in a row of type 7 is not -1 (halt)"),
        ("34200.1,2,11,8,5853300,0", "HG-D114 column 'direction': 0 in a row of type 2 is not 1"),
        ("34200.1,7,0,0,-1,2", "HG-D114 column 'direction': 2 in a row of type 7 is not -1, 0"),
        ("86400,2,11,8,5853300,1", "HG-D115 column 'time': 86400.000000000 is not below 86400"),
        ("34200004,2,11,8,5853300,1", "HG-D115 column 'time': 34200004.000000000 is not below"),
        (
            "34200.004241175,2,11,8,5853300,1",
            "HG-D116 column 'time': 34200.004241175 is before 34200.004241176",
        ),
        ("30600.5,2,11,8,5853300,1", "HG-D116 column 'time': 30600.500000000 is before 34200.0042"),
        ("34200.1,1,11,8,5853300,1", "HG-D117 column 'order_id': 11 was added before, in line 1"),
    ],
)
def test_a_bad_message_is_named(tmp_path: Path, row: str, says: str) -> None:
    assert refusal(tmp_path, message=row).startswith(says)


@pytest.mark.parametrize(
    ("row", "says"),
    [
        (
            "5859400,200,5853300,nan,5859800,100,5853000,150",
            "HG-D104 column 'bid_size_1': 'nan' is not an integer",
        ),
        ("5859400,200,5853300,10,5859800,100,5853000", "HG-D103 7 field(s) instead of 8"),
        (
            "5859400,200,5853300,0,5859800,100,5853000,150",
            "HG-D120 column 'bid_price_1': 5853300 with size 0 is neither a level",
        ),
        (
            "5859400,200,5853300,10,9999999999,5,5853000,150",
            "HG-D120 column 'ask_price_2': 9999999999 with size 5 is neither a level",
        ),
        (
            "9999999999,0,5853300,10,5859800,100,5853000,150",
            "HG-D121 column 'ask_price_2': 5859800 with size 100 lies behind an empty level",
        ),
        (
            "5859400,200,5853300,10,5859400,100,5853000,150",
            "HG-D122 column 'ask_price_2': 5859400 with size 100 is not worse than the level",
        ),
        (
            "5859400,200,5853300,10,5859800,100,5853400,150",
            "HG-D122 column 'bid_price_2': 5853400 with size 150 is not worse than the level",
        ),
        (
            "5853300,200,5853300,10,5859800,100,5853000,150",
            "HG-D123 column 'bid_price_1': 5853300 is not below ask_price_1 5853300",
        ),
        (
            "5853200,200,5853300,10,5859800,100,5853000,150",
            "HG-D123 column 'bid_price_1': 5853300 is not below ask_price_1 5853200",
        ),
    ],
)
def test_a_bad_book_row_is_named(tmp_path: Path, row: str, says: str) -> None:
    assert refusal(tmp_path, row=row).startswith(says)


def test_more_such_rows_are_counted_and_milliseconds_are_recognised(tmp_path: Path) -> None:
    bad = [f"3420000{i},1,{20 + i},8,5853300,1" for i in range(4)]
    with pytest.raises(DataError) as caught:
        read_lobster(*write(tmp_path, bad))
    assert str(caught.value) == (
        f"{tmp_path / 'message.csv'}:1: column 'time': 34200000.000000000 is not below 86400 "
        "seconds after midnight; it looks like milliseconds. 3 more such rows. "
        "Give the time of day in seconds."
    )


def test_the_first_fault_in_the_file_is_the_one_named(tmp_path: Path) -> None:
    bad = [MESSAGES[0], "34200.1,2,11,8", "34200.2,2,x,8,5853300,1", "34200.3,2,y,8,5853300,1"]
    with pytest.raises(DataError, match=r":2: 4 field\(s\) instead of 6\. Every row"):
        read_lobster(*write(tmp_path, bad))
    with pytest.raises(DataError, match=r":2: column 'order_id': 'x'.* 1 more such row\. "):
        read_lobster(*write(tmp_path, [bad[0], *bad[2:], MESSAGES[3]]))


def test_a_header_shifts_the_line_that_is_named(tmp_path: Path) -> None:
    message, orderbook = write(tmp_path, [",".join(MESSAGE_COLUMNS), *MESSAGES[:3], "x,1,1,1,1,1"])
    with pytest.raises(DataError, match=r"message\.csv:5: column 'time': 'x'"):
        read_lobster(message, orderbook)


def test_files_of_different_length_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"message\.csv: 4 rows, but .*orderbook\.csv has 3") as e:
        read_lobster(*write(tmp_path, rows=ROWS[:3]))
    assert e.value.code == "HG-D106"


def test_a_book_without_whole_levels_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"orderbook\.csv:1: 6 columns are no whole number"):
        read_lobster(*write(tmp_path, rows=["1,2,3,4,5,6"] * 4))


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "is empty"),
        (b"\n \r\n", "is empty"),
        (b"time,type,order_id,size,price,direction\n", "a header and no rows"),
        (b"\x1f\x8b\x08\x00", "is compressed with gzip"),
        (b"\xff\xfe3\x004\x00", "field(s) instead of 6"),
    ],
)
def test_files_that_are_no_text_rows_are_refused(tmp_path: Path, content: bytes, says: str) -> None:
    message, orderbook = write(tmp_path)
    message.write_bytes(content)
    with pytest.raises(DataError) as caught:
        read_lobster(message, orderbook)
    assert says in str(caught.value)


def test_missing_files_and_folders_are_no_input(tmp_path: Path) -> None:
    message, orderbook = write(tmp_path)
    cases: list[tuple[Path, Path, str]] = [
        (tmp_path / "none.csv", orderbook, f"{tmp_path / 'none.csv'}: no such file"),
        (message, tmp_path, f"{tmp_path}: is a directory"),
    ]
    for first, second, says in cases:
        with pytest.raises(NoInputError) as caught:
            read_lobster(first, second)
        error: HftgymError = caught.value
        assert str(error).startswith(says)
        assert error.exit_code == 66


def test_rows_are_read_alike_across_blocks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = read_lobster(*write(tmp_path))
    monkeypatch.setattr("hftgym.data.integer_csv._BLOCK_BYTES", 7)
    pieces = read_lobster(*write(tmp_path))
    np.testing.assert_array_equal(whole.t_ns, pieces.t_ns)
    np.testing.assert_array_equal(whole.book, pieces.book)
    assert ":2: column 'size': '8.5'" in f":2: {refusal(tmp_path, '34200.1,2,11,8.5,1,1')[8:]}"


def test_integers_at_the_ends_of_the_range(tmp_path: Path) -> None:
    path = tmp_path / "numbers.csv"
    path.write_text(f"{'9' * 18},-{'9' * 18},0,-0,007\n")
    values = open_csv(path).parse(["a", "b", "c", "d", "e"])
    assert values.tolist() == [[10**18 - 1, 1 - 10**18, 0, 0, 7]]


def test_a_part_of_a_day_keeps_its_lines(tmp_path: Path) -> None:
    day = read_lobster(*write(tmp_path))
    part = day.between(1, 3)
    assert (part.rows, part.first_row, part.lots.tolist()) == (2, 1, [8, 7])
    assert part.book.tolist() == day.book[1:3].tolist()
    assert part.orderbook_place(0) == f"{tmp_path / 'orderbook.csv'}:2"
    for start, stop in ((2, 2), (-1, 2), (0, 5)):
        with pytest.raises(UsageError, match="are not in a day of 4 rows"):
            day.between(start, stop)
