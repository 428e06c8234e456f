"""``hftgym.OrderBook`` with large sizes, far prices and very many orders."""

from __future__ import annotations

import subprocess
import sys

import pytest

from hftgym import OrderBook


def test_large_sizes_and_negative_prices() -> None:
    book = OrderBook(px_min=-100, px_max=100, max_lots=1 << 40)
    book.submit("sell", -5, 1 << 40)
    book.submit("buy", -5, (1 << 33) + 1)
    assert book.last_trades[["px", "lots"]].tolist() == [(-5, (1 << 33) + 1)]
    assert book.snapshot().ask_lots.tolist() == [(1 << 40) - (1 << 33) - 1]


def test_a_price_of_65_000_in_hundredths_gaps_by_a_third() -> None:
    book = OrderBook(px_max=20_000_000)
    bids = [book.submit("buy", 6_500_000 - k, 1) for k in range(100)]
    assert book.submit("sell", 4_550_000, 100) > 0
    assert len(book.last_trades) == 100
    assert all(book.order(id) is None for id in bids)
    book.submit("sell", 4_550_000, 3)
    book.submit("buy", 4_549_999, 2)
    book.submit("sell", 6_500_000, 1)
    assert (book.best_bid, book.best_ask) == (4_549_999, 4_550_000)
    assert book.snapshot().ask_px.tolist() == [4_550_000, 6_500_000]
    assert book.submit("buy", 8_450_000, 4) > 0
    assert (book.best_bid, book.best_ask) == (4_549_999, None)


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="reads the memory of the process from /proc")
def test_ten_million_orders_with_their_ids_take_400_mb() -> None:
    code = """
import numpy as np
from hftgym import OrderBook

def used():
    return int(open("/proc/self/statm").read().split()[1]) * 4096

book = OrderBook()
book.submit_many({"side": [1], "px": [5], "lots": [1]}, np.zeros(1, np.int64))
part, n = 100_000, 10_000_000
def send(first):
    row = np.arange(first, first + part)
    side = np.where(row % 2, 1, -1)
    book.submit_many({"side": side, "px": 50_000 - side * (1 + row % 4_000), "lots": row % 9 + 1,
                      "id": row}, handles)
handles = np.zeros(n, np.int64)
send(0)
book.clear()
handles = np.zeros(n, np.int64)
before = used()
for first in range(0, n, part):
    send(first)
print(used() - before, len(book), bool((handles > 0).all()))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    grown, live, given = done.stdout.split()
    assert (int(live), given) == (10_000_000, "True")
    assert int(grown) <= 400 << 20
