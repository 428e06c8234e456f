"""Distances between two weighted samples: Kolmogorov-Smirnov and Wasserstein.

Both are computed from the two distribution functions F and G exactly. Kolmogorov-Smirnov is
sup |F - G|, from 0 to 1, and does not change when both samples are rescaled alike. Wasserstein-1 is
the integral of |F - G|, the mean distance by which mass must move, in the unit of the samples: give
samples without a unit (divided by their mean or standard deviation) where tick or lot differ.

Ticks, lots and counts lie on grids. Divided by two means that differ by a hundredth, two equal
distributions on a grid would be far apart in the sense of Kolmogorov and Smirnov: every step of the
one stands just beside a step of the other. ``off_grid`` spreads each value evenly over its cell
first.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Sample:
    """Values with weights.

    Attributes:
        values: shape (n,), finite.
        weights: at least 0, shape (n,); None: all equal.
    """

    values: FloatArray
    weights: FloatArray | None = None

    @property
    def mean(self) -> float:
        """Weighted mean; NaN without values."""
        if not len(self.values):
            return float("nan")
        return float(np.average(self.values, weights=self.weights))

    @property
    def standard_deviation(self) -> float:
        """Weighted standard deviation; NaN without values."""
        if not len(self.values):
            return float("nan")
        centred = self.values - self.mean
        return float(np.sqrt(np.average(centred**2, weights=self.weights)))

    @property
    def median(self) -> float:
        """Smallest value at which half of the weight is reached; NaN without values."""
        if not len(self.values):
            return float("nan")
        order = np.argsort(self.values, kind="stable")
        weights = np.ones(len(order)) if self.weights is None else self.weights[order]
        reached = np.cumsum(weights)
        return float(self.values[order][np.searchsorted(reached, reached[-1] / 2.0)])

    def off_grid(self, points: int = 8) -> Sample:
        """Return the sample with each value spread evenly over its cell of the grid.

        Args:
            points: so many equal points stand for a cell.

        Returns:
            The sample; itself if its values are not multiples of a half.
        """
        halves = np.rint(2.0 * self.values)
        if not len(halves) or not (halves == 2.0 * self.values).all():
            return self
        cell = float(np.gcd.reduce(halves.astype(np.int64))) / 2.0
        offsets = cell * ((np.arange(points) + 0.5) / points - 0.5)
        weights = np.ones(len(halves)) if self.weights is None else self.weights
        spread = (self.values[:, None] + offsets).ravel()
        return Sample(spread, np.repeat(weights / points, points))

    def over(self, unit: float) -> Sample:
        """Return the sample measured in this unit."""
        return Sample(self.values / unit, self.weights)


def _distributions(a: Sample, b: Sample) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return all values, rising, and both distribution functions there."""
    points = np.unique(np.concatenate((a.values, b.values)))
    functions = []
    for sample in (a, b):
        order = np.argsort(sample.values, kind="stable")
        weights = np.ones(len(order)) if sample.weights is None else sample.weights[order]
        total = np.concatenate(([0.0], np.cumsum(weights)))
        below = np.searchsorted(sample.values[order], points, "right")
        functions.append(total[below] / total[-1])
    return points, functions[0], functions[1]


def kolmogorov_smirnov(a: Sample, b: Sample) -> float:
    """Return the largest difference of the two distribution functions; NaN for an empty sample."""
    if not len(a.values) or not len(b.values):
        return float("nan")
    _, f, g = _distributions(a, b)
    return float(np.abs(f - g).max())


def wasserstein(a: Sample, b: Sample) -> float:
    """Return the area between the two distribution functions; NaN for an empty sample."""
    if not len(a.values) or not len(b.values):
        return float("nan")
    points, f, g = _distributions(a, b)
    return float(np.abs(f - g)[:-1] @ np.diff(points))
