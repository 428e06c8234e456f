"""Roll 1984, "A simple implicit measure of the effective bid-ask spread in an efficient market".

A trade is at the efficient price plus or minus half of the spread, with equal chance, so successive
price changes have the covariance -spread^2 / 4: spread = 2 sqrt(-cov(dp_t, dp_(t-1))).
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from hftgym.papers.table import Row

PAPER = "Roll 1984"


def implied_spread(price: npt.NDArray[np.float64]) -> float:
    """Return the spread that transaction prices imply; NaN when their changes do not reverse."""
    change = np.diff(price)
    covariance = float(np.cov(change[1:], change[:-1])[0, 1])
    return 2.0 * math.sqrt(-covariance) if covariance < 0.0 else math.nan


def standard_error(spread: float, sigma: float, trades: int) -> float:
    """Return the standard error of ``implied_spread`` over that many trades.

    As if changes were Gaussian: n var(cov) = g0^2 + 3 g1^2 for a moving average of order one with
    autocovariances g0 and g1 (Bartlett 1946); d spread = d cov / (spread / 2).
    """
    g1 = -0.25 * spread**2
    g0 = sigma**2 - 2.0 * g1
    return math.sqrt((g0**2 + 3.0 * g1**2) / trades) / (0.5 * spread)


def simulate(spread: float, sigma: float, trades: int, seed: int = 0) -> npt.NDArray[np.float64]:
    """Return transaction prices.

    Args:
        spread: between bid and ask.
        sigma: standard deviation of a change of the efficient price.
        trades: how many.
        seed: of the draws.
    """
    rng = np.random.default_rng(seed)
    efficient = np.cumsum(rng.normal(0.0, sigma, trades))
    side = 2.0 * rng.integers(0, 2, trades) - 1.0
    prices: npt.NDArray[np.float64] = efficient + 0.5 * spread * side
    return prices


def rows(trades: int = 1_000_000) -> list[Row]:
    """Return the estimate for spread 0.02, sigma 0.005."""
    error = standard_error(0.02, 0.005, trades)
    ours = implied_spread(simulate(0.02, 0.005, trades))
    return [
        Row(PAPER, "spread", 0.02, ours, 4 * error, "four standard errors"),
        Row(
            PAPER,
            "spread, beside another simulation",
            0.02003,
            ours,
            4 * math.sqrt(2) * error,
            "independent simulation of as many trades",
        ),
    ]
