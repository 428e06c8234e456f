"""Distances between two weighted samples: Kolmogorov-Smirnov and Wasserstein.

Both are computed from the two distribution functions F and G exactly. Kolmogorov-Smirnov is
sup |F - G|, from 0 to 1, and does not change when both samples are rescaled alike. Wasserstein-1 is
the integral of |F - G|, the mean distance by which mass must move, in the unit of the samples: give
samples without a unit (divided by their mean or standard deviation) where tick or lot differ.
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
