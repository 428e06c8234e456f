"""The Bitstamp reader refuses what can not be true; the repaired book is the exchange's."""

from __future__ import annotations

import json
import lzma
from pathlib import Path

import numpy as np
import pytest

from hftgym.analytics.event_table import EventKind
from hftgym.cli import main
from hftgym.data.bitstamp import (
    TABLE_COLUMNS,
    BitstampDay,
    BitstampKind,
    is_bitstamp,
    read_bitstamp,
)
from hftgym.data.bitstamp_book import STALE_NS, BitstampBook, ChangeKind, replay
from hftgym.data.bitstamp_events import events_of_bitstamp
from hftgym.data.bitstamp_trades import NO_ROW, Match, match_trades
from hftgym.data.bitstamp_verify import verify_bitstamp
from hftgym.errors import DataError, NoInputError
from tests.data.bitstamp_log import START_MS, line_of, write_log

BUY, SELL = 1, -1
SATOSHI = 10**6  # a hundredth of a bitcoin

LOG = "bitstamp_l3_2015/2015-05-01.log.xz"
TABLE = "bitstamp_l3_2015/orders.csv.xz"


@pytest.fixture(scope="module")
def real_day(shared_data: Path) -> BitstampDay:
    """The shared log, read once."""
    return read_bitstamp(shared_data / LOG)


def book_after(folder: Path, *messages: tuple) -> BitstampBook:  # type: ignore[type-arg]
    """Replay messages with the repairs."""
    return list(replay(read_bitstamp(write_log(folder, messages))))[-1][2]


def levels(book: BitstampBook, side: int) -> list[tuple[int, int]]:
    """Prices and hundredths, best first."""
    half = book.sides[side]
    return [
        (-side * key, volume // SATOSHI)
        for key, volume in zip(half.keys, half.volumes, strict=True)
    ]


def test_a_log_is_read_exactly(tmp_path: Path) -> None:
    path = write_log(
        tmp_path,
        [
            (0, "created", 7, 23647, 200, BUY),
            (5, "trade", 23661, 123),
            (9, "book", [(23647, 200), (23600, 1)], [(23700, 5)]),
            (9, "deleted", 7, 23647, 0, BUY),
        ],
    )
    packed = tmp_path / "packed.log.xz"
    packed.write_bytes(lzma.compress(path.read_bytes()))
    for file in (path, packed):
        day = read_bitstamp(file)
        assert day.events.t_ns.tolist() == [START_MS * 10**6, (START_MS + 9) * 10**6]
        assert day.events.kind.tolist() == [BitstampKind.CREATED, BitstampKind.DELETED]
        assert day.events.px.tolist() == [23647, 23647]
        assert day.events.satoshi.tolist() == [200 * SATOSHI, 0]
        assert day.events.side.tolist() == [BUY, BUY]
        assert day.events.line.tolist() == [1, 4]
        assert (day.trades.px.tolist(), day.trades.satoshi.tolist()) == ([23661], [123 * SATOSHI])
        assert day.snapshots.events_before.tolist() == [1]
        assert day.snapshots.book[0, 0].tolist() == [[23647, 200 * SATOSHI], [23600, SATOSHI]]
        assert day.snapshots.book[0, 1].tolist() == [[23700, 5 * SATOSHI], [0, 0]]
        assert not day.events.px.flags.writeable


def test_a_table_gives_the_same_order_events(tmp_path: Path) -> None:
    path = tmp_path / "orders.csv"
    path.write_text(
        f"{TABLE_COLUMNS}\n7,{START_MS},{START_MS},236.5,200000001,created,bid\n"
        f"7,{START_MS + 9},{START_MS},236.50,0,deleted,bid\n"
    )
    day = read_bitstamp(path)
    assert day.events.px.tolist() == [23650, 23650]
    assert day.events.satoshi.tolist() == [200_000_001, 0]
    assert len(day.trades.t_ns) == len(day.snapshots.t_ns) == 0


GOOD = line_of((0, "created", 7, 23647, 200, BUY))


@pytest.mark.parametrize(
    ("line", "code", "says"),
    [
        ("", "HG-D162", "'' is not a time"),
        (GOOD[:-3], "HG-D162", "not valid JSON"),
        (f"{START_MS} order_created [1]", "HG-D162", "is not a JSON object"),
        (f"{START_MS} order_moved {{}}", "HG-D163", "'order_moved' is not order_created"),
        (GOOD.replace("1430438404000", "-5"), "HG-D164", "column 'time': '-5'"),
        (GOOD.replace("236.47", "236.475"), "HG-D164", "column 'price': '236.475'"),
        (GOOD.replace("236.47", "0.00"), "HG-D164", "column 'price': '0.00'"),
        (GOOD.replace("236.47", "NaN"), "HG-D164", "column 'price': 'NaN'"),
        (GOOD.replace("236.47", "-1"), "HG-D164", "column 'price': '-1'"),
        (GOOD.replace("2.00000000", "2.000000001"), "HG-D164", "column 'amount'"),
        (GOOD.replace("2.00000000", "0"), "HG-D164", "column 'amount': '0'"),
        (GOOD.replace("2.00000000", "21000001"), "HG-D164", "column 'amount'"),
        (GOOD.replace('"order_type": 0', '"order_type": 2'), "HG-D164", "0 (buy) or 1 (sell)"),
        (GOOD.replace('"id": 7', '"id": 0'), "HG-D164", "column 'id': '0'"),
        (GOOD.replace('"id": 7', '"no": 7'), "HG-D164", "column 'id': absent"),
        (line_of((0, "book", [(5, 1), (5, 1)], [])), "HG-D164", "column 'bids'"),
        (f"{START_MS} order_book {{}}", "HG-D164", "column 'bids': absent"),
        (f'{START_MS} trade {{"price": 1e300, "amount": 1}}', "HG-D164", "column 'price'"),
        (line_of((-1, "created", 8, 23647, 200, BUY)), "HG-D165", "time must not go backwards"),
    ],
)
def test_a_line_that_can_not_be_true_is_refused(
    tmp_path: Path, line: str, code: str, says: str
) -> None:
    path = tmp_path / "bad.log"
    path.write_text(f"{GOOD}\n{line}\n")
    with pytest.raises(DataError) as error:
        read_bitstamp(path)
    assert error.value.code == code
    assert f"{path}:2: " in str(error.value)
    assert says in str(error.value)


@pytest.mark.parametrize(
    ("row", "says"),
    [
        ("7,1,1,236.5,1,created", "6 field(s) instead of 7"),
        ("7,1,1,236.5,1,born,bid", "column 'action': 'born'"),
        ("7,1,1,236.5,1,created,buy", "column 'direction': 'buy'"),
        ("7,1,1,236.5,1.5,created,bid", "column 'volume': '1.5'"),
        ("7,1,1,236.5,,created,bid", "column 'volume': ''"),
    ],
)
def test_a_bad_row_of_a_table_is_refused(tmp_path: Path, row: str, says: str) -> None:
    path = tmp_path / "orders.csv"
    path.write_text(f"{TABLE_COLUMNS}\n{row}\n")
    with pytest.raises(DataError, match=r":2: .*" + says.replace("(", r"\(").replace(")", r"\)")):
        read_bitstamp(path)


def test_a_damaged_or_empty_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "x.log.xz"
    for content, code in (
        (lzma.compress(GOOD.encode())[:-9], "HG-D160"),
        (lzma.compress(GOOD.encode())[:20] + bytes(40), "HG-D160"),
        (b"", "HG-D161"),
        (line_of((0, "trade", 5, 5)).encode(), "HG-D161"),
        (GOOD.encode() + b"\n\xff", "HG-D162"),
    ):
        path.write_bytes(content)
        with pytest.raises(DataError) as error:
            read_bitstamp(path)
        assert error.value.code == code, content[:20]
    with pytest.raises(NoInputError):
        read_bitstamp(tmp_path / "absent.log")


def test_names_tell_recordings_from_lobster_files() -> None:
    for name in ("2015-05-01.log.xz", "x.log", "orders.csv", "orders.csv.xz"):
        assert is_bitstamp(Path(name)), name
    for name in ("A_2012_1_2_message_1.csv", "orderbook.csv", "folder", "x.txt"):
        assert not is_bitstamp(Path(name)), name


def test_a_deletion_is_the_end_of_an_order(tmp_path: Path) -> None:
    messages = [
        (0, "created", 7, 23500, 200, BUY),
        (1, "deleted", 7, 23500, 200, BUY),
        (2, "changed", 7, 23500, 100, BUY),  # late: would stay for ever
        (3, "deleted", 8, 23400, 100, BUY),
        (4, "created", 8, 23400, 100, BUY),  # its deletion came first
        (5, "created", 9, 23300, 300, BUY),
    ]
    book = book_after(tmp_path, *messages)
    assert levels(book, BUY) == [(23300, 300)]
    assert book.late == 2
    literal = list(replay(read_bitstamp(tmp_path / "recording.log"), repaired=False))[-1][2]
    assert levels(literal, BUY) == [(23500, 100), (23400, 100), (23300, 300)]


def test_orders_from_before_are_there_from_the_start(tmp_path: Path) -> None:
    day = read_bitstamp(
        write_log(
            tmp_path,
            [
                (0, "created", 9, 23300, 300, BUY),
                (10, "deleted", 5, 23500, 100, SELL),  # cancelled
                (20, "created", 11, 23600, 50, BUY),
                (20, "changed", 4, 23600, 30, SELL),  # 50 of 80 were taken
                (21, "deleted", 11, 23600, 0, BUY),
                (22, "trade", 23600, 50),
            ],
        )
    )
    steps = list(replay(day))
    first = next(iter(replay(day)))[2]
    assert levels(first, SELL) == [(23500, 100), (23600, 80)]
    assert levels(steps[-1][2], SELL) == [(23600, 30)]
    assert [c.kind for _, changes, _ in steps for c in changes] == [
        ChangeKind.REST,
        ChangeKind.CANCEL,
        ChangeKind.FILL,
    ]


def test_an_aggressor_rests_when_it_has_taken_all(tmp_path: Path) -> None:
    messages = [
        (0, "created", 1, 23600, 50, SELL),
        (10, "created", 2, 23600, 80, BUY),
        (20, "deleted", 1, 23600, 0, SELL),  # the maker's message comes first
        (21, "created", 3, 23650, 10, SELL),
        (22, "changed", 2, 23600, 30, BUY),
        (23, "trade", 23600, 50),
    ]
    day = read_bitstamp(write_log(tmp_path, messages))
    assert match_trades(day) == [Match(maker_row=2, taker_row=4, side=BUY)]
    bids = [levels(book, BUY) for _, _, book in _copies(day)]
    assert bids == [[], [], [], [], [(23600, 30)]]


def _copies(day):  # type: ignore[no-untyped-def]
    """Replay again up to each message: the book that is yielded is one and the same."""
    for stop in range(1, len(day.events.t_ns) + 1):
        steps = replay(day)
        for _ in range(stop):
            step = next(steps)
        yield step


def test_what_is_crossed_too_long_is_stale() -> None:
    book = BitstampBook()
    book.apply(0, BitstampKind.CREATED, 1, 23600, 5, SELL)
    book.apply(1, BitstampKind.CREATED, 2, 23700, 5, SELL)
    book.apply(2, BitstampKind.CREATED, 3, 23650, 9, BUY)
    assert (book.best_px(BUY), book.best_px(SELL)) == (0, 23600)
    book.apply(STALE_NS + 2, BitstampKind.CREATED, 4, 23000, 1, BUY)
    assert (book.best_px(BUY), book.stale) == (23000, 0)
    changes = book.apply(STALE_NS + 3, BitstampKind.CREATED, 5, 22000, 1, BUY)
    assert [(c.kind, c.order_id) for c in changes] == [
        (ChangeKind.REST, 5),
        (ChangeKind.CANCEL, 1),
        (ChangeKind.REST, 3),
    ]
    assert (book.best_px(BUY), book.best_px(SELL), book.stale) == (23650, 23700, 1)


def test_a_trade_whose_orders_say_nothing_has_no_match(tmp_path: Path) -> None:
    messages = [
        (0, "created", 1, 23600, 50, SELL),
        (5, "trade", 23000, 7),
        (9, "changed", 1, 23600, 40, SELL),
        (9, "trade", 23600, 10),  # the buyer said nothing
    ]
    found = match_trades(read_bitstamp(write_log(tmp_path, messages)))
    assert found == [Match(NO_ROW, NO_ROW, 0), Match(1, NO_ROW, BUY)]


def test_the_snapshots_judge_the_book(tmp_path: Path) -> None:
    book = (20, "book", [(23500, 100)], [(23600, 50)])
    messages = [
        (0, "created", 1, 23600, 50, SELL),
        (10, "created", 2, 23500, 100, BUY),
        (15, "book", [], []),
        book,
        (30, "book", [(23501, 100)], [(23600, 49)]),
    ]
    report = verify_bitstamp(write_log(tmp_path, messages))
    found = report.repaired
    assert (found.snapshots, found.levels, found.levels_equal) == (2, (2, 2), (1, 1))
    assert found.best_equal == (1, 2)
    assert found.first_difference == "5: best bid is 235.01, the messages make it 235.00"
    assert not report.ok
    assert verify_bitstamp(write_log(tmp_path, [*messages[:2], book])).ok


def test_verify_needs_snapshots(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = write_log(tmp_path, [(0, "created", 1, 23600, 50, SELL)])
    assert main(["data", "verify", "bitstamp", str(path)]) == 65
    assert "error[HG-D166]" in capsys.readouterr().err


def test_the_real_log(shared_data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The counts and shares of the literal book are those of an independent replay."""
    assert main(["data", "verify", "bitstamp", str(shared_data / LOG), "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert (report["events"], report["trades"]) == (50_414, 575)
    assert report["traded_satoshi"] == 84_765_711_841
    literal, repaired = report["literal"], report["repaired"]
    assert literal["snapshots"] == repaired["snapshots"] == 2_506
    assert [round(share, 3) for share in literal["level_shares"]] == [0.992, 0.968]
    assert literal["best_equal"] == [624, 2_505]  # one stale bid
    assert repaired["best_equal"] == [2_506, 2_505]
    assert [round(share, 3) for share in repaired["level_shares"]] == [0.993, 0.968]
    assert (repaired["fills"], repaired["filled_satoshi"]) == (575, 84_765_711_841)
    assert (repaired["late"], repaired["stale"]) == (27, 0)


def test_the_real_table_holds_the_events_of_the_log(
    shared_data: Path, real_day: BitstampDay
) -> None:
    log, table = real_day, read_bitstamp(shared_data / TABLE)
    for name in ("t_ns", "kind", "order_id", "px", "side"):
        assert np.array_equal(getattr(log.events, name), getattr(table.events, name)), name
    # The table cuts the volume where the log rounds it.
    assert set((log.events.satoshi - table.events.satoshi).tolist()) == {0, 1}


def test_every_real_trade_has_its_maker(real_day: BitstampDay) -> None:
    day = real_day
    matches = match_trades(day)
    assert all(
        day.events.px[m.maker_row] == px for m, px in zip(matches, day.trades.px, strict=True)
    )
    assert sum(m.taker_row == NO_ROW for m in matches) == 6
    events = events_of_bitstamp(day)
    trades = events.kind == EventKind.TRADE
    assert int(events.lots[trades].sum()) == 84_765_711_841
    assert sorted(events.lots[trades].tolist()) == sorted(day.trades.satoshi.tolist())
