"""The bare book: it makes the same trades and books as the exchange, and is a fast one."""

from __future__ import annotations

import numpy as np
import pytest

from hftgym.bench.stream import make_stream
from hftgym.bench.yardstick import play_yardstick
from hftgym.core.bare import BATCH_MESSAGE
from hftgym.core.constants import BUY, SELL, MessageKind
from tests.bench.plays import hftgym_result, twin_result, with_sweep


@pytest.mark.parametrize("seed", [0, 1])
def test_it_agrees_with_the_exchange(seed: int) -> None:
    prefill, messages, trades = make_stream(30_000, seed)
    ours, bare = hftgym_result(prefill, messages), play_yardstick(prefill, messages)
    assert len(bare.trades) == trades > 5_000
    assert len(bare.levels) > 50
    assert bare.agrees(ours)


def test_it_agrees_with_the_exchange_on_every_queue() -> None:
    prefill, messages, trades = make_stream(30_000)
    swept = with_sweep(messages)
    ours, bare = hftgym_result(prefill, swept), play_yardstick(prefill, swept)
    assert len(bare.trades) > trades + 5_000  # one more for each order of the final book
    assert len(bare.levels) == 0
    assert bare.agrees(ours)


@pytest.mark.parametrize("seed", [2, 3])
def test_it_agrees_with_the_slow_twin(seed: int) -> None:
    prefill, messages, _ = make_stream(2_000, seed, live_orders=300)
    assert play_yardstick(prefill, messages).agrees(twin_result(prefill, messages))
    swept = with_sweep(messages)
    assert play_yardstick(prefill, swept).agrees(twin_result(prefill, swept))


def test_oldest_first_best_price_first_and_the_rest_rests() -> None:
    nothing = np.zeros(0, BATCH_MESSAGE)
    limit, cancel, market = MessageKind.LIMIT, MessageKind.CANCEL, MessageKind.MARKET
    rows = (
        (limit, SELL, 102, 5, 0),
        (limit, SELL, 101, 4, 1),
        (limit, SELL, 101, 3, 2),
        (limit, BUY, 99, 2, 3),
        (cancel, 0, 0, 0, 1),
        (cancel, 0, 0, 0, 1),  # gone already
        (limit, BUY, 101, 5, 4),
        (market, BUY, 0, 1, 5),
    )
    messages = np.zeros(len(rows), BATCH_MESSAGE)
    for msg, row in zip(messages, rows, strict=True):
        msg["kind"], msg["side"], msg["px"], msg["lots"], msg["id"] = row
    played = play_yardstick(nothing, messages)
    assert played.trades.tolist() == [[2, 4, 101, 3], [0, 5, 102, 1]]
    assert played.levels.tolist() == [
        [BUY, 101, 2, 1],
        [BUY, 99, 2, 1],
        [SELL, 102, 4, 1],
    ]
    assert played.seconds > 0


def test_trades_of_the_prefill_are_not_told() -> None:
    prefill, messages, _ = make_stream(2_000, live_orders=300)
    whole = play_yardstick(prefill[:0], np.concatenate([prefill, messages]))
    split = play_yardstick(np.concatenate([prefill, messages[:1_000]]), messages[1_000:])
    assert 0 < len(split.trades) < len(whole.trades)
    assert np.array_equal(split.trades, whole.trades[-len(split.trades) :])
    assert np.array_equal(split.levels, whole.levels)


def test_different_trades_or_books_do_not_agree() -> None:
    prefill, messages, _ = make_stream(2_000, live_orders=300)
    played = play_yardstick(prefill, messages)
    for field in ("trades", "levels"):
        rows = getattr(played, field)
        changed = rows.copy()
        changed[-1, -1] += 1
        assert not played.agrees(played._replace(**{field: changed}))
        assert not played.agrees(played._replace(**{field: rows[:-1]}))


def test_a_stream_without_limit_orders_is_refused() -> None:
    with pytest.raises(ValueError, match="without limit orders"):
        play_yardstick(np.zeros(0, BATCH_MESSAGE), np.zeros(1, BATCH_MESSAGE))
