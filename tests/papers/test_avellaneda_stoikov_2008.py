"""Avellaneda and Stoikov 2008: all rows of Tables 1 to 3."""

from __future__ import annotations

import math

import numpy as np
import pytest

from hftgym.core.jit import INTERPRETED
from hftgym.papers.avellaneda_stoikov_2008 import PRINTED, rows, simulate

pytestmark = pytest.mark.skipif(INTERPRETED, reason="millions of steps: too slow without numba")


def test_all_rows_of_the_tables_within_four_standard_deviations() -> None:
    """1,000 paths beside the printed tables, 20,000 beside an independent simulation."""
    found = rows()
    assert len(found) == 5 * len(PRINTED) + 8
    assert [row for row in found if not row.ok] == []


@pytest.mark.parametrize("strategy", ["inventory", "symmetric"])
def test_exact_poisson_fills_do_not_reproduce_the_paper(strategy: str) -> None:
    """A dt is 0.7: the chance of at least one arrival is well below the paper's lambda dt."""
    profit = simulate(0.1, strategy, 20_000, exact=True).profit.mean()
    lost = 1.0 - profit / PRINTED[0.1, strategy][1]
    assert 0.09 < lost < 0.14


def test_the_average_spread_is_that_of_the_formula() -> None:
    """Eq. 30 with T - t at the beginnings of the 200 steps: 0.5025 on average."""
    for gamma in (0.01, 0.1, 1.0):
        expected = gamma * 4.0 * 0.5025 + 2.0 / gamma * math.log(1.0 + gamma / 1.5)
        assert simulate(gamma, "inventory", 1).spread == pytest.approx(expected, rel=1e-12)


def test_paths_depend_on_the_seed_alone() -> None:
    short, long = (simulate(0.1, "inventory", n, seed=5) for n in (50, 100))
    np.testing.assert_array_equal(short.profit, long.profit[:50])
    assert not np.array_equal(short.profit, simulate(0.1, "inventory", 50, seed=6).profit)
