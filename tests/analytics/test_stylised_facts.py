"""Estimators of stylised facts on series whose answer is known. Tolerances: 4 standard errors."""

from __future__ import annotations

import math

import numpy as np
import pytest

from hftgym.analytics import stylised_facts as f


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def long_memory(d: float, n: int, seed: int = 0) -> np.ndarray:
    """Return (1 - B)^-d noise: weights k^(d-1) / Gamma(d), by their recursion."""
    k = np.arange(1, n)
    weights = np.concatenate(([1.0], np.cumprod((k - 1 + d) / k)))
    noise = rng(seed).standard_normal(2 * n)
    spectrum = np.fft.rfft(noise, 4 * n) * np.fft.rfft(weights, 4 * n)
    return np.asarray(np.fft.irfft(spectrum)[n : 2 * n])


def test_the_autocorrelation_of_an_ar1_falls_geometrically() -> None:
    n, phi = 50_000, 0.6
    x = rng().standard_normal(n)
    for i in range(1, n):
        x[i] += phi * x[i - 1]
    np.testing.assert_allclose(
        f.autocorrelation(x, [1, 2, 5]), [phi, phi**2, phi**5], atol=4 * 1.5 / math.sqrt(n)
    )


def test_short_or_constant_series_say_nothing() -> None:
    assert np.isnan(f.autocorrelation(np.ones(50), [1])).all()
    assert np.isnan(f.autocorrelation(np.arange(3.0), [2, 5])).all()
    assert math.isnan(f.excess_kurtosis(np.arange(5.0)))
    assert math.isnan(f.hill_index(np.zeros(1_000)).value)
    assert math.isnan(f.hurst_exponent(np.ones(1_000)).value)
    assert math.isnan(f.correlation(np.ones(100), np.arange(100.0)))
    assert math.isnan(f.weibull_shape(np.zeros(100)).value)
    assert math.isnan(f.impact_curve(np.ones(5), np.ones(5)).exponent.value)
    assert math.isnan(f.variation(np.ones(3)))


def test_kurtosis_and_skewness_of_known_distributions() -> None:
    n = 200_000
    assert f.excess_kurtosis(rng().standard_normal(n)) == pytest.approx(0, abs=4 * (24 / n) ** 0.5)
    assert f.excess_kurtosis(rng().laplace(size=n)) == pytest.approx(3.0, abs=0.25)
    assert f.skewness(rng().exponential(size=n)) == pytest.approx(2.0, abs=0.15)
    assert f.skewness(-rng().exponential(size=n)) == pytest.approx(-2.0, abs=0.15)


def test_the_hill_index_of_a_pareto_sample_and_of_students_t() -> None:
    n = 100_000
    for alpha in (2.0, 3.5):
        found = f.hill_index(rng().pareto(alpha, n) + 1.0)
        error = alpha / math.sqrt(0.05 * n)
        assert found.value == pytest.approx(alpha, abs=4 * error)
        assert (found.high - found.low) / 2 == pytest.approx(1.96 * error, rel=0.1)
    # Student's t with 3 degrees of freedom: index 3 far in the tail, biased down before it.
    t = rng().standard_t(3, n)
    assert f.hill_index(t, share=0.005).value == pytest.approx(3.0, abs=4 * 3 / math.sqrt(500))
    assert f.hill_index(rng().standard_normal(n)).value > 4.5


@pytest.mark.parametrize("d", [0.0, 0.2, 0.4])
def test_the_hurst_exponent_of_fractional_noise(d: float) -> None:
    found = f.hurst_exponent(long_memory(d, 1 << 14))
    assert found.value == pytest.approx(0.5 + d, abs=4 * 0.5 / math.sqrt((1 << 14) ** 0.65))
    assert found.low < 0.5 + d < found.high


def test_signs_of_fractional_noise_remember_and_signs_of_coins_do_not() -> None:
    """The sign of a Gaussian series with acf lag^-gamma has an acf of (2/pi) of it: same gamma."""
    gamma = 0.4
    signs = np.sign(long_memory((1 - gamma) / 2, 1 << 16))
    assert f.decay_exponent(signs, 100) == pytest.approx(gamma, abs=0.12)
    assert f.hurst_exponent(signs).value == pytest.approx(1 - gamma / 2, abs=0.07)
    coins = np.sign(rng(1).standard_normal(1 << 14))
    assert f.hurst_exponent(coins).value == pytest.approx(0.5, abs=4 * 0.5 / math.sqrt(550))
    assert f.decay_exponent(coins, 100) > 1.5


def test_a_decay_that_is_not_there_is_infinite() -> None:
    alternating = np.tile([1.0, -1.0], 500)
    assert f.decay_exponent(alternating, 50) == math.inf
    assert math.isnan(f.decay_exponent(alternating[:100], 50))


def test_volatility_clusters_in_a_garch_series_and_not_in_its_noise() -> None:
    n, a, b = 20_000, 0.1, 0.88
    noise = rng().standard_normal(n)
    returns, variance = np.zeros(n), 1.0
    for i in range(n):
        returns[i] = math.sqrt(variance) * noise[i]
        variance = 0.02 + a * returns[i] ** 2 + b * variance
    size, plain = np.abs(returns), np.abs(noise)
    assert f.autocorrelation(size, [1, 10]).min() > 0.08
    assert np.abs(f.autocorrelation(returns, [1, 10])).max() < 0.05
    assert np.abs(f.autocorrelation(plain, [1, 10])).max() < 4 / math.sqrt(n)
    assert f.excess_kurtosis(returns) > 0.3


@pytest.mark.parametrize("shape", [0.4, 1.0, 2.0])
def test_the_shape_of_weibull_times(shape: float) -> None:
    n = 20_000
    found = f.weibull_shape(3e-5 * rng().weibull(shape, n))
    assert found.value == pytest.approx(shape, abs=4 * 0.78 * shape / math.sqrt(n))
    assert found.low < found.value < found.high


def test_variation_is_one_for_exponential_times_and_follows_weights() -> None:
    assert f.variation(rng().exponential(5.0, 50_000)) == pytest.approx(1.0, abs=0.03)
    x = np.tile([1.0, 3.0], 20)
    assert f.variation(x) == pytest.approx(0.5)
    assert f.variation(x, np.tile([1.0, 0.0], 20)) == 0.0


@pytest.mark.parametrize("shape", [0.7, 2.5])
def test_the_shape_of_a_gamma_sample(shape: float) -> None:
    x = rng().gamma(shape, 40.0, 40_000)
    assert f.gamma_shape(x, np.ones(len(x))) == pytest.approx(shape, rel=0.05)
    mixed = np.concatenate((x, np.full(1_000, 1e6)))
    weights = np.concatenate((np.ones(len(x)), np.zeros(1_000)))
    assert f.gamma_shape(mixed, weights) == pytest.approx(shape, rel=0.05)


@pytest.mark.parametrize("delta", [0.5, 1.0])
def test_a_planted_impact_exponent_is_found(delta: float) -> None:
    random = rng()
    lots = np.ceil(random.pareto(1.5, 20_000) * 20).clip(1, 2_000)
    response = 0.3 * lots**delta + random.normal(0.0, 2.0, len(lots))
    curve = f.impact_curve(lots, response)
    assert curve.exponent.low < delta < curve.exponent.high
    assert curve.exponent.value == pytest.approx(delta, abs=0.08)
    assert (np.diff(curve.lots) > 0).all()
    assert curve.orders.min() >= 20


def test_no_impact_has_no_exponent() -> None:
    lots = rng().integers(1, 100, 500).astype(float)
    assert math.isnan(f.impact_curve(lots, -np.ones(500)).exponent.value)


def test_the_share_of_a_shock_that_is_gone() -> None:
    before, shocked = np.full(30, 2.0), np.full(30, 6.0)
    assert f.recovered_share(before, shocked, shocked) == 0.0
    assert f.recovered_share(before, shocked, np.full(30, 3.0)) == 0.75
    assert f.recovered_share(before, shocked, before) == 1.0
    assert math.isnan(f.recovered_share(before, before, shocked))
