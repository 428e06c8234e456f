"""Distances: against scipy, on samples whose distance is known, and in which unit."""

from __future__ import annotations

import math

import numpy as np
import pytest

from hftgym.analytics.distances import Sample, kolmogorov_smirnov, wasserstein


def test_they_agree_with_scipy_without_and_with_weights() -> None:
    stats = pytest.importorskip("scipy.stats")
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=300).round(1), rng.normal(0.4, 1.3, 200).round(1)  # with ties
    assert kolmogorov_smirnov(Sample(a), Sample(b)) == pytest.approx(
        float(stats.ks_2samp(a, b).statistic)
    )
    assert wasserstein(Sample(a), Sample(b)) == pytest.approx(
        float(stats.wasserstein_distance(a, b))
    )
    wa, wb = rng.integers(1, 5, 300), rng.integers(1, 5, 200)
    repeated = np.repeat(a, wa), np.repeat(b, wb)
    weighted = Sample(a, wa.astype(float)), Sample(b, wb.astype(float))
    assert kolmogorov_smirnov(*weighted) == pytest.approx(
        float(stats.ks_2samp(*repeated).statistic)
    )
    assert wasserstein(*weighted) == pytest.approx(float(stats.wasserstein_distance(*repeated)))


def test_a_shift_is_its_own_wasserstein_distance() -> None:
    x = np.random.default_rng(1).exponential(size=500)
    assert wasserstein(Sample(x), Sample(x + 0.25)) == pytest.approx(0.25)
    assert wasserstein(Sample(x), Sample(x)) == kolmogorov_smirnov(Sample(x), Sample(x)) == 0.0


def test_samples_apart_are_as_far_as_can_be() -> None:
    assert kolmogorov_smirnov(Sample(np.arange(3.0)), Sample(np.arange(3.0) + 9.0)) == 1.0


def test_a_unit_makes_scales_equal() -> None:
    x = np.random.default_rng(2).gamma(2.0, size=400)
    small, large = Sample(x), Sample(100.0 * x)
    assert wasserstein(small.over(small.mean), large.over(large.mean)) == pytest.approx(0.0)
    assert large.standard_deviation == pytest.approx(100.0 * small.standard_deviation)
    assert large.median == pytest.approx(100.0 * small.median)


def test_mean_and_median_follow_the_weights() -> None:
    sample = Sample(np.array([3.0, 1.0, 2.0]), np.array([1.0, 0.0, 3.0]))
    assert (sample.mean, sample.median) == (2.25, 2.0)


def test_a_grid_is_left_for_its_cells() -> None:
    counts = np.random.default_rng(3).poisson(4.0, 2_000) * 7.0
    on_grid = Sample(counts)
    spread = on_grid.off_grid(points=4)
    assert sorted(set(spread.values % 7.0)) == [0.875, 2.625, 4.375, 6.125]
    assert spread.mean == pytest.approx(on_grid.mean)
    # The same market in a unit that is one hundredth off: far on the grid, near off it.
    near = on_grid.over(1.01)
    assert kolmogorov_smirnov(on_grid, near) > 0.15
    assert kolmogorov_smirnov(on_grid.off_grid(), Sample(counts).off_grid().over(1.01)) < 0.05
    assert Sample(np.array([0.5, 1.0])).off_grid(2).values.tolist() == [0.375, 0.625, 0.875, 1.125]


def test_what_lies_on_no_grid_stays() -> None:
    times = Sample(np.array([0.1, 0.25]))
    assert times.off_grid() is times
    assert len(Sample(np.zeros(0)).off_grid().values) == 0


def test_nothing_has_no_distance() -> None:
    empty, one = Sample(np.zeros(0)), Sample(np.ones(1))
    assert math.isnan(wasserstein(empty, one))
    assert math.isnan(kolmogorov_smirnov(one, empty))
    assert all(math.isnan(x) for x in (empty.mean, empty.median, empty.standard_deviation))
