"""Functions of ints that Python calls past numba: what they refuse, and that nothing leaks."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import pytest

from hftgym import OrderBook
from hftgym.core.jit import INTERPRETED
from hftgym.core.quick import quick

pytestmark = pytest.mark.skipif(INTERPRETED, reason="these functions are compiled ones")


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ((1, 100), SystemError),
        ((1, 100, 5, 5), SystemError),
        ((1, 100.0, 5), TypeError),
        ((1, "100", 5), TypeError),
        ((1, None, 5), TypeError),
        ((1, 1 << 63, 5), OverflowError),
        ((1, -1, -(1 << 63) - 1), OverflowError),
    ],
)
def test_what_is_not_five_ints_of_64_bits_raises_and_changes_nothing(
    arguments: tuple[Any, ...], error: type[Exception]
) -> None:
    book = OrderBook(px_min=-(1 << 20), px_max=1 << 20)
    before = book.book_hash()
    with pytest.raises(error):
        quick().add(book._at, book._log_at, *arguments)
    with pytest.raises(error):
        quick().drop(book._at, *arguments[1:])
    assert (len(book), book.book_hash()) == (0, before)


def test_ints_go_in_and_come_out_at_full_width() -> None:
    book = OrderBook(px_min=-(1 << 61), px_max=1 << 40, max_lots=1)
    handle = quick().add(book._at, book._log_at, 1, -(1 << 61), 1)
    assert handle > 1 << 31
    order = book.order(handle)
    assert order is not None
    assert order.px == -(1 << 61)
    assert quick().drop(book._at, book._log_at, handle) == 1
    assert quick().drop(book._at, book._log_at, (1 << 63) - 1) == 0


def test_no_reference_is_kept_or_lost() -> None:
    book = OrderBook()
    px, lots = 1_000_003, 1_000_033
    counts = [sys.getrefcount(item) for item in (px, lots, book._at)]
    handles = [book.submit("buy", px, lots) for _ in range(1_000)]
    assert [sys.getrefcount(item) for item in (px, lots, book._at)] == counts
    others = list(range(10**12, 10**12 + 1_000))
    assert {sys.getrefcount(x) for x in handles} == {sys.getrefcount(x) for x in others}


def test_what_the_short_way_can_not_do_is_left_to_the_long_one() -> None:
    ways: list[Callable[[OrderBook], int]] = [
        lambda book: book.submit("buy", 100, 0),
        lambda book: book.submit("buy", 1 << 40, 1),
        lambda book: book.cancel(12345),
    ]
    for way in ways:
        book = OrderBook()
        before = book.book_hash()
        assert way(book) < 0
        assert book.book_hash() == before
