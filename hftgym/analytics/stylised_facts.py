"""Estimators of the stylised facts of markets: pure functions of arrays.

Each returns a plain number, or an ``Estimate`` where its sampling error has a formula of its own.
A sample too short for an estimator gives NaN, never an error: a quiet market has no facts.

References:
    Cont (2001), "Empirical properties of asset returns: stylized facts and statistical issues".
    Hill (1975), "A simple general approach to inference about the tail of a distribution".
    Robinson (1995), "Gaussian semiparametric estimation of long range dependence".
    Lillo and Farmer (2004), "The long memory of the efficient market".
    Lillo, Farmer and Mantegna (2003), "Master curve for price-impact function".
    Ye and Chen (2017), "Closed-form estimators for the gamma distribution".
    Large (2007), "Measuring the resiliency of an electronic limit order book".
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]

_Z95 = 1.959963984540054
#: Fewer values than these say nothing.
_FEWEST = 20


@dataclass(frozen=True)
class Estimate:
    """A figure with its 95 % interval.

    Attributes:
        value: the figure; NaN when it can not be estimated.
        low: lower end; NaN without one.
        high: upper end.
    """

    value: float
    low: float = math.nan
    high: float = math.nan


NOTHING = Estimate(math.nan)


def _with_error(value: float, standard_error: float) -> Estimate:
    return Estimate(value, value - _Z95 * standard_error, value + _Z95 * standard_error)


def moment_ratio(x: FloatArray, order: int) -> float:
    """Return the standardised central moment E[(x - m)^order] / sd^order."""
    if len(x) < _FEWEST:
        return math.nan
    centred = x - x.mean()
    variance = float(np.mean(centred**2))
    return float(np.mean(centred**order)) / variance ** (order / 2) if variance > 0 else math.nan


def excess_kurtosis(x: FloatArray) -> float:
    """Return E[(x - m)^4] / var^2 - 3: 0 for a normal sample, large for heavy tails."""
    return moment_ratio(x, 4) - 3.0


def skewness(x: FloatArray) -> float:
    """Return E[(x - m)^3] / sd^3: below 0 where falls are larger than rises."""
    return moment_ratio(x, 3)


def autocorrelation(x: FloatArray, lags: Sequence[int]) -> FloatArray:
    """Return the mean of (x_i - m)(x_{i+lag} - m) over var, for each lag, shape (lags,).

    NaN where a lag leaves fewer than two pairs, or x does not vary.
    """
    out = np.full(len(lags), np.nan)
    centred = x - x.mean() if len(x) else x
    variance = float(np.mean(centred**2)) if len(x) else 0.0
    if variance > 0.0:
        for j, lag in enumerate(lags):
            if len(x) - lag >= 2:
                out[j] = float(np.mean(centred[lag:] * centred[:-lag])) / variance
    return out


def correlation(x: FloatArray, y: FloatArray) -> float:
    """Return Pearson's correlation; NaN for few values or one that does not vary."""
    if len(x) < _FEWEST or x.std() == 0.0 or y.std() == 0.0:
        return math.nan
    return float(np.corrcoef(x, y)[0, 1])


def hill_index(x: FloatArray, share: float = 0.05) -> Estimate:
    """Return the tail index alpha of P(|x| > u) ~ u^-alpha (Hill 1975).

    1 / alpha is the mean of ln(x_i / x_{k+1}) over the k largest |x|; its standard error is
    alpha / sqrt(k) for independent values.

    Args:
        x: the sample.
        share: share of the sample that is the tail.
    """
    size = np.sort(np.abs(x))[::-1]
    k = int(share * len(size))
    if k < _FEWEST or size[k] <= 0.0:
        return NOTHING
    inverse = float(np.mean(np.log(size[:k] / size[k])))
    if inverse <= 0.0:
        return NOTHING
    return _with_error(1.0 / inverse, 1.0 / (inverse * math.sqrt(k)))


def hurst_exponent(x: FloatArray, bandwidth_power: float = 0.65) -> Estimate:
    """Return the Hurst exponent H = d + 1/2 by the local Whittle estimator (Robinson 1995).

    d minimises ln(mean of f_j^{2d} I_j) - 2 d mean(ln f_j) over the m lowest Fourier frequencies,
    I the periodogram, m = n^0.65; its standard error is 1 / (2 sqrt(m)). H is 1/2 without long
    memory; an autocorrelation that falls like lag^-gamma has H = 1 - gamma / 2.

    Args:
        x: the series.
        bandwidth_power: m as a power of the length.
    """
    n = len(x)
    m = int(n**bandwidth_power)
    if m < _FEWEST or x.std() == 0.0:
        return NOTHING
    spectrum = np.abs(np.fft.rfft(x - x.mean())[1 : m + 1]) ** 2
    if not spectrum.any():
        return NOTHING
    log_frequency = np.log(np.arange(1, m + 1) / n)
    spectrum /= spectrum.mean()

    def loss(d: float) -> float:
        return math.log(np.mean(np.exp(2 * d * log_frequency) * spectrum)) - 2 * d * float(
            log_frequency.mean()
        )

    d = _minimum(loss, -0.49, 0.99)
    return _with_error(d + 0.5, 0.5 / math.sqrt(m))


def _minimum(loss: Callable[[float], float], low: float, high: float) -> float:
    """Return where a function with one minimum has it, by golden section."""
    ratio = (math.sqrt(5.0) - 1.0) / 2.0
    while high - low > 1e-6:
        left, right = high - ratio * (high - low), low + ratio * (high - low)
        if loss(left) < loss(right):
            high = right
        else:
            low = left
    return (low + high) / 2.0


def decay_exponent(x: FloatArray, longest: int, bins: int = 12) -> float:
    """Return gamma of an autocorrelation that falls like lag^-gamma (Cont 2001, fact 8).

    The autocorrelations of lags 1 to ``longest`` are averaged in bins of equal width in ln(lag),
    and a line is fitted to their logarithms up to the first bin that is not positive.

    Args:
        x: the series.
        longest: longest lag.
        bins: how many.

    Returns:
        gamma; infinity if fewer than three bins are positive: no slow decay is there to see.
    """
    if len(x) < 4 * longest or x.std() == 0.0:
        return math.nan
    lags = np.arange(1, longest + 1)
    found = autocorrelation(x, lags.tolist())
    place = np.minimum((np.log(lags) / math.log(longest) * bins).astype(np.int64), bins - 1)
    count = np.bincount(place, minlength=bins)
    used = count > 0
    mean = np.bincount(place, found, bins)[used] / count[used]
    log_lag = np.bincount(place, np.log(lags), bins)[used] / count[used]
    not_positive = np.flatnonzero(mean <= 0.0)
    end = int(not_positive[0]) if len(not_positive) else len(mean)
    if end < 3:
        return math.inf
    return -float(np.polyfit(log_lag[:end], np.log(mean[:end]), 1)[0])


def variation(x: FloatArray, weights: FloatArray | None = None) -> float:
    """Return the coefficient of variation, sd / mean: 1 for exponential times."""
    if len(x) < _FEWEST:
        return math.nan
    mean = float(np.average(x, weights=weights))
    spread = float(np.average((x - mean) ** 2, weights=weights))
    return math.sqrt(spread) / mean if mean > 0.0 else math.nan


def weibull_shape(x: FloatArray) -> Estimate:
    """Return the shape of a Weibull distribution, by maximum likelihood: 1 for exponential times.

    The shape k solves sum(x^k ln x) / sum(x^k) - 1 / k = mean(ln x); its standard error is
    0.78 k / sqrt(n) for independent values.

    Args:
        x: positive values.
    """
    if len(x) < _FEWEST or x.min() <= 0.0 or x.min() == x.max():
        return NOTHING
    log_x = np.log(x) - math.log(x.max())  # powers stay in (0, 1]
    low, high = 1e-3, 1e3
    while high / low > 1.0 + 1e-9:
        k = math.sqrt(low * high)
        power = np.exp(k * log_x)
        if float(power @ log_x) / float(power.sum()) - 1.0 / k < float(log_x.mean()):
            low = k
        else:
            high = k
    return _with_error(k, 0.78 * k / math.sqrt(len(x)))


def gamma_shape(x: FloatArray, weights: FloatArray) -> float:
    """Return the shape of a gamma distribution (Ye and Chen 2017): 1 for an exponential one.

    Args:
        x: positive values.
        weights: of the values, for example how long each held.
    """
    if len(x) < _FEWEST:
        return math.nan
    log_x = np.log(x)
    mean = float(np.average(x, weights=weights))
    covariance = float(np.average(x * log_x, weights=weights)) - mean * float(
        np.average(log_x, weights=weights)
    )
    return mean / covariance if covariance > 0.0 else math.nan


@dataclass(frozen=True)
class ImpactCurve:
    """Mean response to a market order, by its size.

    Attributes:
        lots: mean size in each bin, shape (bins,).
        response: mean move of the mid in the order's direction, shape (bins,), in its unit.
        orders: orders in each bin, shape (bins,).
        exponent: delta of response ~ lots^delta; below 1 the curve is concave.
    """

    lots: FloatArray
    response: FloatArray
    orders: FloatArray
    exponent: Estimate


def impact_curve(lots: FloatArray, response: FloatArray, bins: int = 12) -> ImpactCurve:
    """Return the impact curve and its exponent in size (Lillo, Farmer and Mantegna 2003).

    Orders are sorted into bins of equal width in ln(size); a bin of few orders is left out. The
    exponent is the slope of ln(mean response) on ln(mean size), each bin weighted with its orders;
    a bin whose mean response is not positive has no logarithm and is left out of the fit. The
    standard error follows from those of the mean responses (delta method).

    Args:
        lots: size of each order.
        response: move of the mid in the direction of each order.
        bins: how many.
    """
    if len(lots) < _FEWEST:
        nothing = np.zeros(0)
        return ImpactCurve(nothing, nothing, nothing, NOTHING)
    edges = np.geomspace(lots.min(), lots.max(), bins + 1)
    place = np.searchsorted(edges[1:-1], lots, "right")
    orders = np.bincount(place).astype(np.float64)
    keep = orders >= _FEWEST
    divisor = np.maximum(orders, 1.0)
    mean_lots = np.bincount(place, lots) / divisor
    mean = np.bincount(place, response) / divisor
    error = np.sqrt(np.bincount(place, (response - mean[place]) ** 2)) / divisor
    curve = mean_lots[keep], mean[keep], orders[keep]
    return ImpactCurve(*curve, _log_slope(*curve, error[keep]))


def _log_slope(
    lots: FloatArray, response: FloatArray, orders: FloatArray, error: FloatArray
) -> Estimate:
    """Return the weighted slope of ln(response) on ln(lots); nothing with fewer than three bins."""
    used = response > 0.0
    if used.sum() < 3:
        return NOTHING
    weight = orders[used]
    x = np.log(lots[used])
    pull = weight * (x - np.average(x, weights=weight))
    slope = float(pull @ np.log(response[used]) / (pull @ x))
    return _with_error(
        slope, float(np.linalg.norm(pull * error[used] / response[used]) / (pull @ x))
    )


def recovered_share(before: FloatArray, shocked: FloatArray, later: FloatArray) -> float:
    """Return which share of the mean shock to a quantity is gone later (Large 2007).

    1 - mean(later - before) / mean(shocked - before): 0 right after the shock, 1 when all is as it
    was.

    Args:
        before: the quantity before each shock, shape (shocks,).
        shocked: right after it, shape (shocks,).
        later: some time later, shape (shocks,).
    """
    if len(before) < _FEWEST:
        return math.nan
    shock = float(np.mean(shocked - before))
    return 1.0 - float(np.mean(later - before)) / shock if shock != 0.0 else math.nan
