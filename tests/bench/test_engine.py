"""The engine's benchmark: its stream is what it says, and its result is the same in every run."""

from __future__ import annotations

import json

import numpy as np
import pytest

from hftgym.bench.engine import bench_engine
from hftgym.bench.stream import LIVE_ORDERS, make_stream
from hftgym.core.constants import MessageKind

MESSAGES = 20_000


@pytest.fixture(scope="module")
def result() -> dict:
    return bench_engine(messages=MESSAGES, repeats=3, depths=(1_000, 9_000), resting=200_000)


def test_every_run_leaves_the_same_book(result: dict) -> None:
    assert len(result["book_hash"]) == 1
    again = bench_engine(messages=MESSAGES, repeats=1, depths=(), resting=0)
    assert again["book_hash"] == result["book_hash"]
    assert again["trades"] == result["trades"] > 0
    other = bench_engine(messages=MESSAGES, seed=1, repeats=1, depths=(), resting=0)
    assert other["book_hash"] != result["book_hash"]


def test_figures_belong_together(result: dict) -> None:
    low, high = result["messages_per_s_range"]
    assert 0 < low <= result["messages_per_s"] <= high
    assert result["ns_per_message"] == pytest.approx(1e9 / result["messages_per_s"], rel=0.01)
    assert result["messages"] == MESSAGES
    yardstick = result["yardstick"]
    ratio = result["messages_per_s"] / yardstick["messages_per_s"]
    assert yardstick["engine_per_yardstick"] == pytest.approx(ratio, rel=0.01)
    assert result["peer"] is None or result["peer"]["comparable"]
    assert result["per_call"]["messages_per_s"] > 0
    assert result["batches"]["p999_ns"] >= result["batches"]["median_ns"] > 0
    assert set(result["depths"]["messages_per_s"]) == {"1000", "9000"}
    assert {"processor", "cores", "python", "numba"} <= set(result["machine"])
    assert json.loads(json.dumps(result)) == result


def test_the_stream_has_the_shares_that_it_names(result: dict) -> None:
    prefill, stream, _ = make_stream(MESSAGES)
    assert len(prefill) == LIVE_ORDERS == result["live_orders_at_start"]
    assert 0.35 < np.mean(stream["kind"] == MessageKind.CANCEL) < 0.37
    assert set(np.unique(stream["kind"])) == {MessageKind.LIMIT, MessageKind.CANCEL}
    # 54 % of the messages add, 36 % remove one, and the rest trades: the book keeps its size.
    assert result["live_orders_at_end"] == pytest.approx(LIVE_ORDERS, rel=0.15)
    assert 0.2 < result["trades"] / MESSAGES < 0.35


def test_a_stream_is_a_function_of_its_seed() -> None:
    first, second, other = make_stream(2_000), make_stream(2_000), make_stream(2_000, seed=1)
    assert first[1].tobytes() == second[1].tobytes()
    assert first[1].tobytes() != other[1].tobytes()


def test_a_resting_order_takes_little_more_than_its_record(result: dict) -> None:
    # 32 bytes, and the pages of the levels; with 10 million of them it must be below 40.
    assert 32 <= result["memory"]["bytes_per_order"] < 60
