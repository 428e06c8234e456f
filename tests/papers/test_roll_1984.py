"""Roll 1984: the spread that price changes imply."""

from __future__ import annotations

import math

import numpy as np
import pytest

from hftgym.papers.roll_1984 import implied_spread, rows, simulate, standard_error


def test_the_spread_within_four_standard_errors() -> None:
    assert [row for row in rows() if not row.ok] == []


def test_changes_that_continue_have_no_spread() -> None:
    assert math.isnan(implied_spread(np.array([1.0, 2.0, 4.0, 8.0, 16.0])))


def test_the_standard_error_is_that_of_repeated_estimates() -> None:
    """Over 400 estimates the deviations have the stated size to 4 standard errors, 14 %."""
    found = [implied_spread(simulate(0.02, 0.005, 4_000, seed)) for seed in range(400)]
    assert np.std(found) / standard_error(0.02, 0.005, 4_000) == pytest.approx(1.0, abs=0.15)
