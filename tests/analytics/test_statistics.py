"""Statistics against hand computation, and an A/A test of the intervals."""

import math

import numpy as np
import pytest

from hftgym.analytics.statistics import (
    block_bootstrap_mean,
    crossed_bootstrap_mean_difference,
    cvar,
    holm,
    interquartile_mean,
    pairing_gain,
    smallest_detectable_effect,
    value_at_risk,
)


def rng(seed=0):
    return np.random.default_rng(seed)


def test_crossed_bootstrap_mean_and_standard_error_by_hand():
    # One row: the bootstrap variance of the mean is the population variance over n.
    d = np.array([1.0, 2.0, 3.0, 6.0])
    found = crossed_bootstrap_mean_difference(d, rng(), resamples=40_000)
    assert found.mean == 3.0
    assert found.standard_error == pytest.approx(math.sqrt(d.var() / 4), rel=0.02)
    assert found.low < 3.0 < found.high
    assert found.p_value < 0.01  # all differences are positive, so every resampled mean is


def test_crossed_bootstrap_adds_the_spread_of_rows_and_columns():
    # Additive table without noise: the variances of row means and column means add up.
    rows, columns = np.array([0.0, 2.0]), np.array([-3.0, 0.0, 3.0])
    table = rows[:, None] + columns[None, :]
    found = crossed_bootstrap_mean_difference(table, rng(), resamples=40_000)
    expected = math.sqrt(rows.var() / 2 + columns.var() / 3)
    assert found.mean == 1.0
    assert found.standard_error == pytest.approx(expected, rel=0.02)


def test_constant_differences_have_no_interval_and_symmetric_ones_no_effect():
    constant = crossed_bootstrap_mean_difference(np.full((3, 5), 2.5), rng(), resamples=200)
    assert (constant.low, constant.high, constant.standard_error) == (2.5, 2.5, 0.0)
    symmetric = crossed_bootstrap_mean_difference([-1.0, 1.0, -2.0, 2.0], rng())
    assert symmetric.p_value > 0.9


@pytest.mark.parametrize("seeds", [1, 5])
def test_two_copies_of_one_policy_are_called_equal_in_about_95_of_100_cases(seeds):
    generator = rng(7)
    covered = 0
    for _ in range(200):
        a = generator.normal(size=(seeds, 64))
        b = generator.normal(size=(seeds, 64))
        interval = crossed_bootstrap_mean_difference(a - b, generator, resamples=400)
        covered += interval.low <= 0.0 <= interval.high
    # The pigeonhole bootstrap counts the noise of single cells up to three times (Owen 2007).
    assert (180 <= covered <= 198) if seeds == 1 else (190 <= covered <= 200)


def test_block_bootstrap_by_hand():
    # Blocks as long as the series: every circular block holds each value once.
    whole = block_bootstrap_mean([1.0, 5.0, 3.0], rng(), block=3, resamples=100)
    assert (whole.mean, whole.low, whole.high) == (3.0, 3.0, 3.0)
    # Pairs that cancel: blocks of two remove the alternation, single draws do not.
    series = np.tile([1.0, -1.0], 20)
    assert block_bootstrap_mean(series, rng(), block=2).standard_error == 0.0
    single = block_bootstrap_mean(series, rng(), block=1, resamples=40_000)
    assert single.standard_error == pytest.approx(1 / math.sqrt(40), rel=0.02)


def test_block_bootstrap_covers_the_mean_of_a_dependent_series():
    generator = rng(3)
    blocked = single = 0
    for _ in range(150):
        noise = generator.normal(size=640)
        series = np.empty(640)
        state = 0.0
        for i, e in enumerate(noise):
            state = 0.8 * state + e
            series[i] = state
        a = block_bootstrap_mean(series, generator, block=32, resamples=300)
        b = block_bootstrap_mean(series, generator, block=1, resamples=300)
        blocked += a.low <= 0.0 <= a.high
        single += b.low <= 0.0 <= b.high
    assert blocked >= 128  # 85 %: short series, so a little below 95 %
    assert single <= 105  # ignoring the dependence covers far too rarely


def test_holm_by_hand():
    # Sorted 0.005, 0.01, 0.03, 0.04 times 4, 3, 2, 1; then the running maximum.
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.9, 0.8]) == [1.0, 1.0]
    assert holm([]) == []
    with pytest.raises(ValueError, match="not all in"):
        holm([0.5, 1.2])


def test_tails_by_hand():
    values = np.arange(1.0, 101.0)
    assert value_at_risk(values) == 5.0
    assert cvar(values) == 3.0  # mean of 1..5
    assert cvar([-7.0, 2.0, 9.0]) == -7.0  # at least one outcome
    assert cvar(values, tail=1.0) == 50.5
    with pytest.raises(ValueError, match="tail 0"):
        cvar(values, tail=0.0)
    with pytest.raises(ValueError, match="no outcomes"):
        cvar([])


def test_interquartile_mean_by_hand():
    assert interquartile_mean([1.0, 2.0, 3.0, 100.0]) == 2.5
    # Six values: half of the second and of the fifth, all of the third and fourth.
    assert interquartile_mean([0.0, 1.0, 2.0, 3.0, 4.0, 99.0]) == pytest.approx(
        (0.5 * 1 + 2 + 3 + 0.5 * 4) / 3
    )
    assert interquartile_mean([5.0]) == 5.0


def test_pairing_by_hand():
    correlation, reduction = pairing_gain([1.0, 2.0, 3.0], [2.0, 4.0, 6.0])
    assert correlation == pytest.approx(1.0)
    assert reduction == pytest.approx(1 - (2 / 3) / (2 / 3 + 8 / 3))
    assert math.isnan(pairing_gain([1.0, 1.0], [0.0, 2.0])[0])


def test_smallest_detectable_effect_is_2_8_standard_errors():
    assert smallest_detectable_effect(10.0) == pytest.approx(28.016, abs=1e-3)


@pytest.mark.parametrize("bad", [[], [[]], [1.0, float("nan")], np.zeros((2, 2, 2))])
def test_bad_tables_are_refused(bad):
    with pytest.raises(ValueError, match=r"expected|finite"):
        crossed_bootstrap_mean_difference(bad, rng())
