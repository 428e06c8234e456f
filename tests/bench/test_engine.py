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
    return bench_engine(messages=MESSAGES, repeats=3)


def test_every_run_leaves_the_same_book(result: dict) -> None:
    assert len(result["book_hash"]) == 1
    again = bench_engine(messages=MESSAGES, repeats=1)
    assert again["book_hash"] == result["book_hash"]
    assert again["trades"] == result["trades"] > 0
    other = bench_engine(messages=MESSAGES, seed=1, repeats=1)
    assert other["book_hash"] != result["book_hash"]


def test_figures_belong_together(result: dict) -> None:
    low, high = result["messages_per_s_range"]
    assert 0 < low <= result["messages_per_s"] <= high
    assert result["ns_per_message"] == pytest.approx(1e9 / result["messages_per_s"], rel=0.01)
    assert result["messages"] == MESSAGES
    assert result["yardstick"]["seconds"] > 0
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
