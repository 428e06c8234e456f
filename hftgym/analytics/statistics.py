"""Statistics of paired evaluations: intervals, tails, corrections for several comparisons.

All functions are pure and take the random generator that they use.

References:
    Holm (1979), "A simple sequentially rejective multiple test procedure".
    Owen (2007), "The pigeonhole bootstrap", for resampling rows and columns of a crossed design.
    Politis and Romano (1992), "A circular block-resampling procedure for stationary data".
    Agarwal et al. (2021), "Deep RL at the edge of the statistical precipice", for the
    interquartile mean.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]

# 97.5 % and 80 % quantiles of the standard normal distribution.
Z_TWO_SIDED_95 = 1.959963984540054
Z_POWER_80 = 0.8416212335729143

_CHUNK = 512  # resamples at a time: bounds the memory of the weight matrices


@dataclass(frozen=True)
class Interval:
    """A mean with its bootstrap interval.

    Attributes:
        mean: Mean of the data, in their unit.
        low: Lower end of the interval.
        high: Upper end of the interval.
        standard_error: Standard deviation of the resampled means.
        p_value: Two-sided bootstrap p-value of "the mean is zero".
        confidence: Coverage that the interval claims.
        resamples: Number of resamples.
    """

    mean: float
    low: float
    high: float
    standard_error: float
    p_value: float
    confidence: float
    resamples: int


def _interval(mean: float, means: FloatArray, confidence: float) -> Interval:
    tail = (1.0 - confidence) / 2.0
    low, high = np.quantile(means, [tail, 1.0 - tail])
    n = len(means)
    below = (np.count_nonzero(means <= 0.0) + 1) / (n + 1)
    above = (np.count_nonzero(means >= 0.0) + 1) / (n + 1)
    return Interval(
        mean=mean,
        low=float(low),
        high=float(high),
        standard_error=float(means.std()),
        p_value=float(min(1.0, 2.0 * min(below, above))),
        confidence=confidence,
        resamples=n,
    )


def _counts(rng: np.random.Generator, resamples: int, n: int) -> FloatArray:
    """Return how often each of `n` items is drawn in each resample, shape (resamples, n)."""
    return rng.multinomial(n, np.full(n, 1.0 / n), size=resamples).astype(np.float64)


def crossed_bootstrap_mean_difference(
    differences: npt.ArrayLike,
    rng: np.random.Generator,
    *,
    resamples: int = 10_000,
    confidence: float = 0.95,
) -> Interval:
    """Return the mean of a crossed table of paired differences with its bootstrap interval.

    Rows (training seeds) and columns (markets) are resampled independently, with replacement. With
    one row only the markets are resampled: the interval then speaks of that learner alone. With few
    rows the spread between them is underestimated by (rows - 1) / rows, so show every row beside
    the interval.

    Args:
        differences: Differences, shape (seeds, markets) or (markets,).
        rng: Generator for the resampling.
        resamples: Number of resamples.
        confidence: Coverage, in (0, 1).

    Returns:
        The mean difference and its percentile interval.
    """
    table = np.atleast_2d(np.asarray(differences, np.float64))
    if table.ndim != 2 or table.size == 0:
        raise ValueError(
            f"differences of shape {table.shape}; expected (seeds, markets), not empty"
        )
    if not np.isfinite(table).all():
        raise ValueError("differences hold a value that is not finite")
    rows, columns = table.shape
    means = np.empty(resamples)
    for begin in range(0, resamples, _CHUNK):
        n = min(_CHUNK, resamples - begin)
        weighted = (_counts(rng, n, rows) / rows) @ table
        means[begin : begin + n] = np.einsum(
            "bm,bm->b", weighted, _counts(rng, n, columns) / columns
        )
    return _interval(float(table.mean()), means, confidence)


def block_bootstrap_mean(
    values: npt.ArrayLike,
    rng: np.random.Generator,
    *,
    block: int,
    resamples: int = 10_000,
    confidence: float = 0.95,
) -> Interval:
    """Return the mean of a series with a circular block bootstrap interval.

    Args:
        values: Series in order of time, shape (n,).
        rng: Generator for the resampling.
        block: Length of a block, in values; 1 is the ordinary bootstrap.
        resamples: Number of resamples.
        confidence: Coverage, in (0, 1).

    Returns:
        The mean and its percentile interval.
    """
    series = np.asarray(values, np.float64)
    if series.ndim != 1 or series.size == 0:
        raise ValueError(f"series of shape {series.shape}; expected (n,), not empty")
    if not np.isfinite(series).all():
        raise ValueError("the series holds a value that is not finite")
    n = series.size
    if not 1 <= block <= n:
        raise ValueError(f"block of {block} values; it must lie in 1..{n}")
    cumulative = np.concatenate(([0.0], np.cumsum(np.concatenate((series, series[: block - 1])))))
    block_sums = cumulative[block:] - cumulative[:-block]  # (n,), one for each start
    blocks = -(-n // block)
    means = np.empty(resamples)
    for begin in range(0, resamples, _CHUNK):
        m = min(_CHUNK, resamples - begin)
        starts = rng.integers(0, n, size=(m, blocks))
        means[begin : begin + m] = block_sums[starts].sum(axis=1) / (blocks * block)
    return _interval(float(series.mean()), means, confidence)


def holm(p_values: Sequence[float]) -> list[float]:
    """Return Holm's adjusted p-values, in the order given.

    Args:
        p_values: p-values of one family of comparisons, each in [0, 1].

    Returns:
        Adjusted p-values; reject those below the level of the family.
    """
    p = np.asarray(p_values, np.float64)
    if ((p < 0.0) | (p > 1.0) | ~np.isfinite(p)).any():
        raise ValueError(f"p-values {list(p_values)} are not all in [0, 1]")
    order = np.argsort(p, kind="stable")
    steps = (len(p) - np.arange(len(p))) * p[order]
    adjusted = np.empty_like(p)
    adjusted[order] = np.minimum(1.0, np.maximum.accumulate(steps)) if len(p) else steps
    return [float(x) for x in adjusted]


def value_at_risk(values: npt.ArrayLike, tail: float = 0.05) -> float:
    """Return the `tail` quantile of the outcomes (a loss is negative), in their unit.

    Args:
        values: Outcomes, any shape, not empty.
        tail: Probability of the tail, in (0, 1].

    Returns:
        The value such that a share `tail` of the outcomes lies at or below it (no interpolation).
    """
    ordered = np.sort(np.asarray(values, np.float64).ravel())
    return float(ordered[_tail_count(len(ordered), tail) - 1])


def cvar(values: npt.ArrayLike, tail: float = 0.05) -> float:
    """Return the mean of the worst share `tail` of the outcomes, in their unit.

    Args:
        values: Outcomes, any shape, not empty.
        tail: Probability of the tail, in (0, 1].

    Returns:
        Mean of the worst ``ceil(tail * n)`` outcomes.
    """
    ordered = np.sort(np.asarray(values, np.float64).ravel())
    return float(ordered[: _tail_count(len(ordered), tail)].mean())


def _tail_count(n: int, tail: float) -> int:
    if n == 0:
        raise ValueError("no outcomes: a tail of nothing is not defined")
    if not 0.0 < tail <= 1.0:
        raise ValueError(f"tail {tail} must lie in (0, 1]")
    return max(1, int(np.ceil(tail * n - 1e-9)))


def interquartile_mean(values: npt.ArrayLike) -> float:
    """Return the mean of the middle half of the values, in their unit.

    A quarter of the weight is cut at each end; a value on the border counts with the part of its
    weight that is inside. It hides tails: use it for scores across scenarios, never for P&L.
    """
    ordered = np.sort(np.asarray(values, np.float64).ravel())
    n = len(ordered)
    if n == 0:
        raise ValueError("no values: their interquartile mean is not defined")
    edges = np.arange(n + 1) / n
    weights = np.clip(np.minimum(edges[1:], 0.75) - np.maximum(edges[:-1], 0.25), 0.0, None)
    return float(np.average(ordered, weights=weights))


def pairing_gain(a: npt.ArrayLike, b: npt.ArrayLike) -> tuple[float, float]:
    """Return what playing the same markets gains.

    Args:
        a: Outcomes of one policy by market, shape (markets,).
        b: Outcomes of the other on the same markets, shape (markets,).

    Returns:
        Correlation of the outcomes, and 1 - var(a - b) / (var(a) + var(b)); each is NaN where a
        variance is zero.
    """
    x = np.asarray(a, np.float64)
    y = np.asarray(b, np.float64)
    vx, vy = x.var(), y.var()
    if vx == 0.0 or vy == 0.0:
        correlation = float("nan")
    else:
        correlation = float(((x - x.mean()) * (y - y.mean())).mean() / np.sqrt(vx * vy))
    total = vx + vy
    return correlation, float(1.0 - (x - y).var() / total) if total > 0.0 else float("nan")


def smallest_detectable_effect(standard_error: float) -> float:
    """Return the true difference found in 80 % of evaluations like this one (two-sided 5 %).

    Args:
        standard_error: Standard error of the mean difference.

    Returns:
        (z_0.975 + z_0.8) standard errors, in the same unit.
    """
    return (Z_TWO_SIDED_95 + Z_POWER_80) * standard_error
