"""Almgren and Chriss 2000: trajectory, cost and risk."""

from __future__ import annotations

import numpy as np
import pytest

from hftgym.papers.almgren_chriss_2000 import Trade, cost, holdings, rows


def test_all_numbers_to_a_millionth_or_their_last_digit() -> None:
    assert [row for row in rows() if not row.ok] == []


@pytest.mark.parametrize("risk_aversion", [0.0, 1e-7, 1e-6])
def test_no_other_trajectory_is_better(risk_aversion: float) -> None:
    """E + lambda V is a strictly convex quadratic: every change of the holdings makes it worse."""
    trade = Trade(intervals=8)
    rng = np.random.default_rng(0)

    def objective(held: np.ndarray) -> float:
        expected, deviation = cost(trade, held)
        return expected + risk_aversion * deviation**2

    best = holdings(trade, risk_aversion)
    assert best[0] == trade.shares and best[-1] == pytest.approx(0.0, abs=1e-6)
    for size in (1.0, 100.0, 10_000.0):
        other = best.copy()
        other[1:-1] += size * rng.normal(size=len(best) - 2)
        assert objective(other) > objective(best)
