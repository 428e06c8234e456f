"""The table of events: what it refuses, and what a source of fewer levels would show of it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from hftgym.analytics.event_table import EventKind, EventTable
from hftgym.errors import DataError
from tests.analytics.event_days import random_table, table

ADD, CANCEL, TRADE = EventKind.ADD, EventKind.CANCEL, EventKind.TRADE
ROWS = [
    (0, ADD, 1, 99, 5, 99, 5, 101, 4),
    (1_000_000_000, CANCEL, -1, 101, 1, 99, 5, 101, 3),
    (3_000_000_000, TRADE, 1, 101, 3, 99, 5, 103, 7),
]


def two_levels() -> EventTable:
    """Three events; the second one happens behind the touch."""
    return EventTable(
        "deep",
        np.array([0, 1, 2]),
        np.array([ADD, ADD, TRADE]),
        np.array([1, 1, -1]),
        np.array([99, 98, 99]),
        np.array([5, 2, 1]),
        np.array([[99, 97], [99, 98], [99, 98]]),
        np.array([[5, 1], [5, 2], [4, 2]]),
        np.array([[101, 0]] * 3),
        np.array([[3, 0]] * 3),
    )


def test_a_good_table_is_read_only_and_knows_its_length() -> None:
    made = table(ROWS)
    assert (made.rows, made.levels, made.seconds) == (3, 1, 3.0)
    assert made.two_sided.all()
    assert made.is_trade.tolist() == [False, False, True]
    with pytest.raises(ValueError, match="read-only"):
        made.px[0] = 1


@pytest.mark.parametrize(
    ("column", "value", "rule"),
    [
        ("t_ns", [0, 5, 4], "time goes backwards"),
        ("kind", [1, 2, 7], "kind is no EventKind"),
        ("side", [1, 0, 1], "side is neither 1 nor -1"),
        ("lots", [5, 0, 3], "px and lots must be at least 1"),
        ("bid_lots", [[5], [0], [5]], "a bid level has a price without lots"),
        ("ask_px", [[101], [0], [103]], "a ask level has a price without lots"),
        ("bid_px", [[99], [101], [99]], "best bid at or above best ask"),
    ],
)
def test_a_row_that_breaks_a_rule_is_named(column: str, value: list[object], rule: str) -> None:
    with pytest.raises(DataError, match=rule) as caught:
        replace(table(ROWS), **{column: np.array(value)})
    assert caught.value.code == "HG-D171"
    assert "of 3" in str(caught.value)


def test_levels_must_go_from_best_to_worst_without_a_gap() -> None:
    deep = two_levels()
    with pytest.raises(DataError, match="bid levels are not in order"):
        replace(deep, bid_px=np.array([[99, 99], [99, 98], [99, 98]]))
    with pytest.raises(DataError, match="ask levels are not in order"):
        replace(deep, ask_px=np.array([[0, 101]] * 3), ask_lots=np.array([[0, 3]] * 3))


def test_columns_of_other_lengths_are_refused() -> None:
    with pytest.raises(DataError, match="columns must be") as caught:
        replace(table(ROWS), px=np.array([99, 101]))
    assert caught.value.code == "HG-D170"
    with pytest.raises(DataError, match="1 to 5 levels"):
        wide = np.arange(6)[::-1] * np.ones((3, 1)) + 10
        replace(two_levels(), bid_px=wide, bid_lots=wide, ask_px=wide, ask_lots=wide)


def test_a_source_of_one_level_shows_only_what_happens_there() -> None:
    deep = two_levels()
    seen = deep.seen_to(1)
    assert seen.t_ns.tolist() == [0, 2]
    assert seen.levels == 1
    assert seen.bid_lots.tolist() == [[5], [4]]
    assert deep.seen_to(2) is deep


def test_halves_split_the_time_not_the_rows() -> None:
    first, second = table(ROWS).halves()
    assert (first.rows, second.rows) == (2, 1)
    whole = random_table(0)
    parts = whole.halves()
    assert sum(part.rows for part in parts) == whole.rows
    middle = (whole.t_ns[0] + whole.t_ns[-1]) // 2
    assert parts[0].t_ns[-1] <= middle < parts[1].t_ns[0]
