"""Gueant, Lehalle and Fernandez-Tapia 2013: exact and closed-form quotes."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from hftgym.papers.gueant_lehalle_fernandez_tapia_2013 import (
    Market,
    exact_distances,
    matrix,
    rows,
    values,
)
from hftgym.participants.glft import coefficients


def test_all_numbers_to_their_last_digit() -> None:
    assert [row for row in rows() if not row.ok] == []


def test_the_values_solve_the_differential_equation() -> None:
    """The same as a Runge-Kutta integration of v' = M v back from v(T) = 1, to 1e-9."""
    market = Market()
    m, v = matrix(market), np.ones(2 * market.limit + 1)
    step = 0.05
    for _ in range(400):  # v(t - h) = v(t) - h v'
        k1 = -m @ v
        k2 = -m @ (v + 0.5 * step * k1)
        k3 = -m @ (v + 0.5 * step * k2)
        k4 = -m @ (v + step * k3)
        v = v + step / 6.0 * (k1 + 2.0 * k2 + 2.0 * k3 + k4)
    ours = values(market, 20.0)
    np.testing.assert_allclose(ours / ours.max(), v / v.max(), atol=1e-9)


def test_at_the_limits_one_side_is_not_quoted() -> None:
    limit = Market().limit
    bid, ask = exact_distances(Market(), limit)
    assert bid == math.inf and math.isfinite(ask)
    assert exact_distances(Market(), -limit) == (pytest.approx(ask, abs=1e-9), math.inf)


def test_impact_widens_the_quotes_as_the_closed_form_says() -> None:
    """Half of xi more, and the slope times exp(k xi / 4); the closed form is good to 1e-3 tick."""
    market = replace(Market(), impact_tick=0.5)
    at_zero, slope = coefficients(market.gamma, market.sigma, market.kappa, market.arrival_rate)
    steeper = slope * math.exp(0.25 * market.kappa * market.impact_tick)
    for held in (-1, 0, 1):
        bid, ask = exact_distances(market, held)
        base = at_zero - 0.5 * slope + 0.25
        assert bid == pytest.approx(base + (held + 0.5) * steeper, abs=1e-3)
        assert ask == pytest.approx(base - (held - 0.5) * steeper, abs=1e-3)
