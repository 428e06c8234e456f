"""Glosten and Milgrom 1985: quotes, and what a dealer with them learns and earns."""

from __future__ import annotations

import math

import numpy as np
import pytest

from hftgym.papers.glosten_milgrom_1985 import quotes, rows, simulate


def test_all_numbers_to_their_last_digit() -> None:
    assert [row for row in rows() if not row.ok] == []


def test_without_informed_traders_there_is_no_spread() -> None:
    assert quotes(0.3, 0.0) == (pytest.approx(0.3), pytest.approx(0.3))
    assert quotes(0.3, 0.999) == (pytest.approx(0.0, abs=1e-3), pytest.approx(1.0, abs=2e-3))


def test_prices_are_a_martingale_and_find_the_value() -> None:
    """E[price of every trade] = prior within four standard errors; the dealer learns the value."""
    prices, good = simulate(0.3, 0.2, 400, 20_000)
    error = prices.std(axis=0) / math.sqrt(len(prices))
    assert np.all(np.abs(prices.mean(axis=0) - 0.3) < 4.5 * error)  # the largest of 400
    assert np.abs(prices[:, -1] - good).mean() < 1e-3


def test_the_dealer_earns_nothing() -> None:
    """Mean of side * (price - value) over first trades: zero within four standard errors."""
    prices, good = simulate(0.3, 0.2, 1, 400_000)
    side = np.where(prices[:, 0] > 0.3, 1.0, -1.0)
    earned = side * (prices[:, 0] - good)
    assert abs(earned.mean()) < 4.0 * earned.std() / math.sqrt(len(earned))
