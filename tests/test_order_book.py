"""``hftgym.OrderBook``: what a user sees, by examples, and agreement with the slow twin."""

from __future__ import annotations

import doctest
import subprocess
import sys
from typing import Any

import numpy as np
import pandas as pd
import pytest

import hftgym.order_book
from hftgym import Flag, MessageKind, OrderBook, Phase, Reason
from hftgym.core.jit import INTERPRETED
from hftgym.errors import InternalError, UsageError


@pytest.mark.skipif(INTERPRETED, reason="without numba its numbers print as numpy's")
def test_the_examples_of_the_module_are_true() -> None:
    result = doctest.testmod(hftgym.order_book)
    assert result.attempted >= 5
    assert result.failed == 0


def test_a_book_is_found_in_the_package_without_making_its_import_slow() -> None:
    code = "import sys, hftgym; print('numba' in sys.modules, 'OrderBook' in dir(hftgym))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "True"]
    with pytest.raises(AttributeError, match="no attribute 'Orderbook'"):
        _ = hftgym.Orderbook  # type: ignore[attr-defined]


# ---------------------------------------------------------------- one message
def fills(book: OrderBook) -> list[tuple[int, ...]]:
    """Return maker, taker, px, lots of the last call's trades."""
    rows: list[tuple[int, ...]] = book.last_trades[["maker", "taker", "px", "lots"]].tolist()
    return rows


def test_an_order_trades_by_price_then_time_and_the_rest_rests() -> None:
    book = OrderBook()
    late = book.submit("S", 101, 5)
    first = book.submit(-1, 100, 3)
    second = book.submit("sell", 100, 4)
    taker = book.submit("buy", 101, 10)
    assert fills(book) == [(first, taker, 100, 3), (second, taker, 100, 4), (late, taker, 101, 3)]
    assert book.order(first) is None
    assert book.order(taker) is None
    left = book.order(late)
    assert left is not None
    assert (left.side, left.px, left.lots, left.shown_lots) == (-1, 101, 2, 2)
    assert (book.best_bid, book.best_ask, book.last_px, len(book)) == (None, 101, 101, 1)
    rest = book.submit("B", 99, 6)
    assert fills(book) == []
    assert (book.best_bid, book.mid, book.spread) == (99, 100.0, 2)
    assert (book.order(rest).lots, len(book.trades)) == (6, 3)  # type: ignore[union-attr]


def test_refusals_are_numbers() -> None:
    book = OrderBook(tick_px=5, px_min=10, px_max=1_000, max_lots=50)
    book.submit("sell", 100, 10)
    assert book.submit("buy", 101, 1) == -Reason.NOT_ON_TICK
    assert book.submit("buy", 5, 1) == -Reason.BAD_PRICE
    assert book.submit("buy", 95, 51) == -Reason.BAD_QTY
    assert book.submit("buy", 95, 0) == -Reason.BAD_QTY
    assert book.submit("buy", 100, 11, tif="fok") == -Reason.FOK_KILLED
    assert book.submit("buy", 100, 11, min_lots=11) == -Reason.MIN_LOTS
    assert book.submit("buy", 100, 1, post_only=True) == -Reason.POST_ONLY_CROSS
    assert book.submit("sell", None, 1, kind="market_to_limit") == -Reason.NO_PRICE
    assert book.submit("buy", 90, 9, hidden=True, display_lots=3) == -Reason.BAD_MESSAGE
    assert book.submit("buy", 90, 9, display_lots=10) == -Reason.BAD_DISPLAY
    assert book.submit("buy", 90, 9, trigger_px=91) == -Reason.BAD_TRIGGER
    assert book.submit("buy", 90, 9, tif=0) == -Reason.BAD_EXPIRY
    assert book.cancel(1) == -Reason.TOO_LATE
    assert book.amend(1 << 33, lots=1) == -Reason.TOO_LATE
    assert (len(book), len(book.trades)) == (1, 0)


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"px": 1.5}, "px: 1.5 is not a whole number"),
        ({"px": None}, "px: None is not a whole number"),
        ({"px": True}, "px: True is not a whole number"),
        ({"px": 1 << 62 | 1}, "is not a whole number from"),
        ({"px": -1 << 70}, "is not a whole number from"),
        ({"lots": "3"}, "lots: '3' is not a whole number"),
        ({"lots": 1 << 70}, "is not a whole number from"),
        ({"side": "up"}, "side: 'up' is not 1, -1"),
        ({"side": []}, "side: "),
        ({"kind": "stop"}, "kind: 'stop' is not one of limit, market"),
        ({"tif": "gtd"}, "tif: 'gtd' is not a time or one of"),
        ({"tif": 1.0}, "expire_ns: 1.0 is not a whole number"),
        ({"stp": "on"}, "stp: 'on' is not one of off, cancel_oldest"),
        ({"owner": 32_768}, "owner: 32768 is not a whole number from 0 to 32767"),
        ({"id": []}, "id: .* is not hashable"),
        ({"display_lots": 2.0}, "display_lots: 2.0 is not a whole number"),
    ],
)
def test_wrong_use_raises_with_field_value_and_limit(wrong: dict[str, Any], says: str) -> None:
    book = OrderBook(px_min=-100)
    message: dict[str, Any] = {"side": "buy", "px": 100, "lots": 1} | wrong
    with pytest.raises(UsageError, match=says):
        book.submit(**message)
    assert len(book) == 0


def test_a_keyword_that_does_not_exist_is_an_error() -> None:
    with pytest.raises(TypeError, match="time_in_force"):
        OrderBook().submit("buy", 100, 1, time_in_force="ioc")  # type: ignore[call-arg]


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"tick_px": 0}, "tick_px: 0 is not a whole number from 1"),
        ({"px_min": 9, "px_max": 8}, "px_max: 8 is not a whole number from 9"),
        ({"max_lots": 1 << 31}, "max_lots: 2147483648 is not a whole number from 1 to 2147483647"),
        ({"matching": "lifo"}, "matching: 'lifo' is not one of fifo, pro_rata"),
        ({"stop_on": "mark"}, "start_px: None is not a price, which stop_on"),
        ({"dynamic_band_px": 5}, "start_px: None is not a price, which dynamic_band_px"),
        ({"start_px": 0}, "start_px: 0 is not a whole number from 1"),
    ],
)
def test_wrong_settings_raise(settings: dict[str, Any], says: str) -> None:
    with pytest.raises(UsageError, match=says):
        OrderBook(**settings)


def test_numbers_of_numpy_are_numbers() -> None:
    book = OrderBook()
    handle = book.submit(np.int8(1), np.int64(100), np.int32(7))  # type: ignore[arg-type]
    assert book.amend(np.int64(handle), lots=np.uint8(5)) == 0  # type: ignore[arg-type]
    assert book.order(np.int64(handle)) == book.order(handle)
    assert book.order(handle).lots == 5  # type: ignore[union-attr]


def test_every_instruction_arrives() -> None:
    book = OrderBook()
    ask = book.submit("sell", 105, 9, display_lots=2, tif=50, owner=7)
    found = book.order(ask)
    assert found is not None
    assert (found.lots, found.shown_lots, found.display_lots) == (9, 2, 2)
    assert (found.expire_ns, found.owner, found.hidden, found.trigger_px) == (50, 7, False, None)
    slid = book.order(book.submit("buy", 110, 1, slide=True))
    assert slid is not None
    assert slid.px == 104
    dark = book.order(book.submit("buy", 104, 4, hidden=True, tif="day"))
    assert dark is not None
    assert (dark.hidden, dark.lots, dark.shown_lots) == (True, 4, 0)
    stop = book.order(book.submit("sell", 90, 3, trigger_px=95))
    assert stop is not None
    assert (stop.px, stop.trigger_px, stop.shown_lots) == (90, 95, 0)
    assert book.submit("buy", 106, 3, owner=7, stp="cancel_newest") > 0
    assert (fills(book), book.order(ask).lots) == ([], 9)  # type: ignore[union-attr]
    assert book.submit("buy", 3 * 105, 3, kind="budget") > 0
    assert [row[2:] for row in fills(book)] == [(105, 2), (105, 1)]
    assert book.submit("buy", 3 * 105 - 1, 3, kind="budget") == -Reason.FOK_KILLED
    rest = book.submit("buy", None, 20, kind="market_to_limit")
    assert book.order(rest).px == 105  # type: ignore[union-attr]
    assert book.submit("sell", None, 4, kind="market", min_lots=4) > 0
    assert book.submit("sell", 105, 40, tif="ioc") > 0
    assert (book.best_ask, book.best_bid) == (None, 104)


def test_an_amend_keeps_or_loses_its_place() -> None:
    book = OrderBook()
    a = book.submit("buy", 100, 5, owner=3)
    b = book.submit("buy", 100, 5)
    assert book.amend(a, lots=2) == 0
    assert book.orders()["id"].tolist() == [a, b]
    assert book.amend(a, lots=3) == 0
    assert book.orders()["id"].tolist() == [b, a]
    assert book.amend(a, px=101) == 0
    found = book.order(a)
    assert found is not None
    assert (found.px, found.lots, found.owner) == (101, 3, 3)
    book.submit("sell", 101, 2)
    assert book.amend(a, lots=4) == 0  # open from now on, whatever has traded
    assert book.order(a).lots == 4  # type: ignore[union-attr]
    assert book.amend(a, lots=0) == -Reason.BAD_QTY
    stop = book.submit("sell", None, 5, kind="market", trigger_px=50)
    assert book.amend(stop, trigger_px=60, lots=4) == 0
    assert book.stops()[["trigger_px", "lots"]].to_numpy().tolist() == [[60, 4]]


def test_an_old_id_never_touches_another_order() -> None:
    book = OrderBook()
    old = book.submit("buy", 100, 1, tif=9)
    assert book.cancel(old) == 0
    new = book.submit("buy", 100, 1)
    assert new & 0xFFFFFFFF == old & 0xFFFFFFFF  # the same place in memory
    assert book.cancel(old) == -Reason.TOO_LATE
    assert book.amend(old, lots=1) == -Reason.TOO_LATE
    assert book.order(old) is None
    assert book.order(new) is not None
    iceberg = book.submit("buy", 99, 9, display_lots=3)
    book.clear()
    assert (len(book), book.order(new), book.order(iceberg)) == (0, None, None)
    again = [book.submit("buy", 100, 1) for _ in range(3)]
    assert [book.cancel(id) for id in (old, new, iceberg)] == [-Reason.TOO_LATE] * 3
    assert not {old, new, iceberg} & set(again)
    for nonsense in (0, -5, 1 << 31, (1 << 62) + 1, 1 << 70, None, 1.5, "x"):
        assert book.cancel(nonsense) == -Reason.TOO_LATE
    assert len(book) == 3


# ---------------------------------------------------------------- names
def test_orders_go_by_names_of_the_caller() -> None:
    book = OrderBook()
    handle = book.submit("buy", 100, 5, id="mine")
    assert book.submit("buy", 100, 5, id="mine") == -Reason.DUPLICATE_ID
    assert book.submit("buy", 100, 0, id="mine") == -Reason.BAD_QTY  # what comes first counts
    assert book.submit("sell", 90, 0, id="other") == -Reason.BAD_QTY
    assert book.cancel("other") == -Reason.TOO_LATE
    assert book.order("mine") == book.order(handle)
    assert book.id_of(handle) == "mine"
    assert book.orders()["name"].tolist() == ["mine"]
    assert book.cancel("mine") == 0
    assert book.cancel("mine") == -Reason.TOO_LATE
    second = book.submit("buy", 101, 5, id="mine")
    assert second > 0
    assert book.order("mine").px == 101  # type: ignore[union-attr]
    assert book.amend(("a", 1), lots=1) == -Reason.TOO_LATE


def test_large_numbers_of_the_caller_are_not_taken_for_handles() -> None:
    book = OrderBook()
    handle = book.submit("buy", 100, 5)
    assert book.submit("buy", 90, 5, id=handle + 7) > 0
    assert book.cancel(handle) == -Reason.TOO_LATE  # from now on whole numbers are names
    assert book.cancel(handle + 7) == 0
    assert len(book) == 1


def test_taking_the_trades_forgets_them_and_the_names_of_the_dead() -> None:
    book = OrderBook()
    maker = book.submit("sell", 100, 5, id="maker")
    taker = book.submit("buy", 100, 2, id="taker")
    assert [book.id_of(maker), book.id_of(taker)] == ["maker", "taker"]
    taken = book.take_trades()
    assert taken[["maker", "taker", "lots"]].tolist() == [(maker, taker, 2)]
    assert (len(book.trades), len(book.last_trades)) == (0, 0)
    assert [book.id_of(maker), book.id_of(taker)] == ["maker", taker]
    book.submit("buy", 100, 1)
    assert len(book.trades) == 1


# ---------------------------------------------------------------- batches
def test_a_batch_is_what_its_messages_are_one_by_one() -> None:
    rng = np.random.default_rng(3)
    n = 400
    table = pd.DataFrame(
        {
            "kind": rng.choice([1, 1, 1, 2, 3, 4], n),
            "side": rng.choice([-1, 1], n),
            "px": rng.integers(95, 106, n),
            "lots": rng.integers(0, 20, n),
            "id": np.arange(n),
            "flags": rng.choice([0, 0, int(Flag.IOC), int(Flag.ICEBERG), int(Flag.STOP)], n),
            "owner": rng.integers(0, 3, n),
            "display_lots": rng.integers(1, 5, n),
            "trigger_px": rng.integers(95, 106, n),
        }
    )
    changes = table["kind"] >= MessageKind.CANCEL
    table.loc[changes, "flags"] = 0
    table.loc[changes, "id"] = rng.integers(0, n, int(changes.sum()))
    one, many = OrderBook(stp="cancel_oldest"), OrderBook(stp="cancel_oldest")
    mine = np.zeros(n, np.int64)
    for row in table.itertuples():
        handle = int(mine[row.id])
        if row.kind == MessageKind.CANCEL:
            one.cancel(handle)
        elif row.kind == MessageKind.AMEND:
            one.amend(handle, row.px, row.lots)
        else:
            mine[row.id] = one.submit(
                row.side,
                row.px,
                row.lots,
                kind="limit" if row.kind == MessageKind.LIMIT else "market",
                tif="ioc" if row.flags == Flag.IOC else "gtc",
                owner=row.owner,
                display_lots=row.display_lots if row.flags == Flag.ICEBERG else None,
                trigger_px=row.trigger_px if row.flags == Flag.STOP else None,
            )
    half = n // 2
    handles = many.submit_many(table[:half], np.zeros(n, np.int64))
    middle = len(many.trades)
    many._log[0]["capacity"] = 30  # room for a few trades: batches and messages stop for it
    assert many.submit_many(table[half:].to_records(index=False), handles) is handles
    assert handles.tolist() == mine.tolist()
    assert (many.trades == one.trades).all()
    assert 60 < len(many.trades) == middle + len(many.last_trades)
    assert many.book_hash() == one.book_hash()
    pd.testing.assert_frame_equal(many.orders(), one.orders())


def test_a_batch_needs_columns_that_fit() -> None:
    book = OrderBook()
    assert len(book.submit_many({"side": [1, -1], "px": [99, 101], "lots": [5, 5]})) == 2
    assert (book.best_bid, book.best_ask) == (99, 101)
    good = {"side": [1], "px": [99], "lots": [5]}
    for change, says in (
        ({"px": [1.5]}, "px: '<f8' is not a column of whole numbers"),
        ({"side": [3]}, "side: 3 is not a whole number from -1 to 1"),
        ({"kind": [5]}, "kind: 5 is not a whole number from 1 to 4"),
        ({"kind": [3]}, "need the column id"),
        ({"owner": [-1]}, "owner: -1 is not"),
        ({"id": [1 << 31]}, "id: 2147483648 is not"),
        ({"price": [3]}, "'price' is not one of the columns"),
    ):
        with pytest.raises(UsageError, match=says):
            book.submit_many(good | change)
    with pytest.raises(UsageError, match="it lacks lots, px"):
        book.submit_many({"side": [1]})
    with pytest.raises(UsageError, match="id: 4 is not a whole number from 0 to 3"):
        book.submit_many(good | {"id": [4]}, np.zeros(4, np.int64))
    with pytest.raises(UsageError, match="handles: '<f8' is not"):
        book.submit_many(good, np.zeros(4))
    assert len(book) == 2


def test_a_message_of_more_trades_than_the_log_holds_is_told() -> None:
    book = OrderBook()
    for _ in range(8):
        book.submit("sell", 100, 1)
    book._log[0]["capacity"] = 4
    with pytest.raises(InternalError, match="one message made more than 4"):
        book.submit("buy", 100, 6)
    assert len(book) == 2
    assert book.submit("buy", 100, 2) > 0
    assert len(book.last_trades) == 2


# ---------------------------------------------------------------- looking
def small_book() -> OrderBook:
    book = OrderBook()
    for side, px, lots in ((-1, 10_003, 40), (-1, 10_001, 5), (-1, 10_001, 5), (1, 9_999, 20)):
        book.submit(side, px, lots)
    book.submit("buy", 10_000, 7, hidden=True)
    return book


LADDER = """\
      price  lots  orders
 ask  10003    40       1  {40}
 ask  10001    10       2  {10}
 ---------------------------------- spread 2 ----------------------------------
 bid   9999    20       1  {20}"""


def test_a_printed_book_is_a_ladder() -> None:
    bars = {"{40}": "█" * 52, "{10}": "█" * 13, "{20}": "█" * 26}
    want = LADDER
    for mark, bar in bars.items():
        want = want.replace(mark, bar)
    assert str(small_book()).split("\n") == want.split("\n")
    assert max(map(len, want.split("\n"))) <= 80
    assert repr(small_book()) == "OrderBook(5 orders, 9999 x 10001)"
    assert " empty " in str(OrderBook())


def test_a_snapshot_is_of_what_is_seen() -> None:
    book = small_book()
    found = book.snapshot()
    assert [column.tolist() for column in found] == [
        [9_999], [20], [1], [10_001, 10_003], [10, 40], [2, 1],
    ]  # fmt: skip
    assert [len(column) for column in book.snapshot(1)] == [1] * 6
    table = found.to_pandas()
    assert table.index.tolist() == [1, 2]
    assert table["ask_px"].tolist() == [10_001, 10_003]
    assert table["bid_lots"].isna().tolist() == [False, True]
    assert len(OrderBook().snapshot().to_pandas()) == 0


def test_orders_come_in_the_order_of_their_queues() -> None:
    book = small_book()
    table = book.orders()
    assert table[["side", "px", "lots"]].to_numpy().tolist() == [
        [1, 10_000, 7],
        [1, 9_999, 20],
        [-1, 10_001, 5],
        [-1, 10_001, 5],
        [-1, 10_003, 40],
    ]
    assert table["hidden"].tolist() == [True, False, False, False, False]
    assert table["trigger_px"].isna().all()
    assert "name" not in table.columns
    assert len(book.stops()) == len(book.waiting()) == 0
    trades = pd.DataFrame(book.trades)
    assert trades.columns.tolist() == list(hftgym.order_book.TRADE.names or ())


def test_equal_books_have_equal_hashes() -> None:
    a, b = small_book(), small_book()
    assert a.book_hash() == b.book_hash()
    b.submit("buy", 1, 1)
    assert a.book_hash() != b.book_hash()
    assert a
    a.clear()
    assert a.book_hash() == OrderBook().book_hash()


# ---------------------------------------------------------------- time and phases
def test_the_clock_ends_orders_and_stamps_trades() -> None:
    book = OrderBook()
    book.submit("sell", 100, 5, tif=1_000)
    keeps = book.submit("sell", 101, 5)
    book.advance(999)
    book.submit("buy", 100, 1)
    assert book.last_trades["t_ns"].tolist() == [999]
    book.advance(1_000)
    assert (book.now_ns, len(book.last_trades), book.best_ask, len(book)) == (1_000, 0, 101, 1)
    assert book.order(keeps) is not None
    with pytest.raises(UsageError, match="t_ns: 999 is not a whole number from 1000"):
        book.advance(999)


def test_an_auction_gathers_and_uncrosses() -> None:
    book = OrderBook(phase="opening_auction")
    assert book.phase is Phase.OPENING_AUCTION
    book.submit("buy", 102, 10)
    waits = book.submit("sell", None, 4, kind="market")
    book.submit("sell", 100, 3)
    assert book.submit("buy", 100, 3, tif="ioc") == -Reason.NOT_IN_PHASE
    assert book.waiting()["id"].tolist() == [waits]
    assert book.indication == (102, 7, 3)
    assert "opening auction: 7 at 102" in str(book)
    assert not book.set_phase("pre_open")
    assert book.set_phase(Phase.CONTINUOUS)
    assert book.last_trades[["side", "px", "lots"]].tolist() == [(0, 102, 4), (0, 102, 3)]
    assert (book.indication, book.best_bid, book.best_ask) == (None, 102, None)
    with pytest.raises(UsageError, match="phase: 'lunch' is not one of continuous, halt"):
        book.set_phase("lunch")


def test_a_band_begins_an_auction_that_ends_on_its_own() -> None:
    book = OrderBook(start_px=100, dynamic_band_px=5, band_action="auction", call_ns=60)
    book.submit("sell", 110, 5)
    book.submit("buy", 110, 2)
    assert book.phase is Phase.VOLATILITY_AUCTION
    book.advance(60)
    assert book.phase is Phase.CONTINUOUS
    assert book.last_trades[["px", "lots"]].tolist() == [(110, 2)]
