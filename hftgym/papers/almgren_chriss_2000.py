"""Almgren and Chriss 2000, "Optimal execution of portfolio transactions".

Linear impact: holdings x_j = X sinh(kappa (T - t_j)) / sinh(kappa T) with
2 (cosh(kappa tau) - 1) / tau^2 = lambda sigma^2 / eta~ and eta~ = eta - gamma tau / 2. The cost is
E = gamma X^2 / 2 + epsilon sum |n| + eta~ / tau sum n^2 in the mean and has the variance
V = sigma^2 tau sum x^2. The trajectory is that of the participant ``almgren_chriss``, through the
same compiled functions. The parameters are those of the paper's numerical example; the results are
not printed there in digits, so the numbers beside ours were computed independently.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from hftgym.papers.table import Row
from hftgym.participants.almgren_chriss import share_left, urgency

PAPER = "Almgren, Chriss 2000"


@dataclass(frozen=True)
class Trade:
    """A large sale and the market it meets; the defaults are those of the paper's example.

    Attributes:
        shares: X, shares to sell.
        days: T, days in which to sell them.
        intervals: N, equal trading intervals.
        sigma: volatility, dollars a share per square root of a day.
        epsilon: half spread and fee, dollars a share.
        gamma: permanent impact, dollars a share for each share.
        eta: temporary impact, dollars a share for each share a day.
    """

    shares: float = 1e6
    days: float = 5.0
    intervals: int = 5
    sigma: float = 0.95
    epsilon: float = 0.0625
    gamma: float = 2.5e-7
    eta: float = 2.5e-6

    @property
    def tau(self) -> float:
        """Length of an interval, days."""
        return self.days / self.intervals

    @property
    def eta_tilde(self) -> float:
        """Temporary impact less what the permanent one has paid, dollars days / share^2."""
        return self.eta - 0.5 * self.gamma * self.tau


def decay(trade: Trade, risk_aversion: float) -> float:
    """Return kappa, 1 / day: how fast the optimal holdings fall (0 without risk aversion)."""
    return float(urgency(trade.tau, risk_aversion, trade.sigma, trade.eta, trade.gamma))


def holdings(trade: Trade, risk_aversion: float) -> npt.NDArray[np.float64]:
    """Return the optimal holdings at the ends of the intervals, shares, shape (N + 1,)."""
    kappa = decay(trade, risk_aversion)
    left = trade.days - trade.tau * np.arange(trade.intervals + 1)
    return trade.shares * np.array([share_left(days, trade.days, kappa) for days in left])


def cost(trade: Trade, held: npt.NDArray[np.float64]) -> tuple[float, float]:
    """Return (expected cost, standard deviation of the cost), dollars.

    Args:
        trade: what is sold.
        held: holdings from X down to 0, shape (N + 1,).
    """
    sold = -np.diff(held)
    expected = 0.5 * trade.gamma * trade.shares**2 + trade.epsilon * np.abs(sold).sum()
    expected += trade.eta_tilde / trade.tau * (sold**2).sum()
    variance = trade.sigma**2 * trade.tau * (held[1:] ** 2).sum()
    return float(expected), math.sqrt(variance)


def rows() -> list[Row]:
    """Return trajectory, cost and risk for lambda = 1e-6, lambda = 0 and a sale at once.

    Deterministic: equal to a millionth, or to half of the last printed digit where that is more.
    """
    trade = Trade()
    found = [
        Row(PAPER, "lambda 1e-6: kappa, 1/day", 0.6071, decay(trade, 1e-6), 0.5e-4),
        Row(PAPER, "lambda 1e-6: 1/kappa, days", 1.647, 1.0 / decay(trade, 1e-6), 0.5e-3),
    ]
    at_once = np.array([trade.shares, *[0.0] * trade.intervals])
    for name, held, (expected, deviation), printed in (
        (
            "lambda 1e-6",
            holdings(trade, 1e-6),
            (911_227, 603_431),
            (541_956, 289_854, 147_897, 62_142, 0),
        ),
        (
            "lambda 0",
            holdings(trade, 0.0),
            (662_500, 1_040_673),
            (800_000, 600_000, 400_000, 200_000, 0),
        ),
        ("all at once", at_once, (2_562_500, 0), (0, 0, 0, 0, 0)),
    ):
        ours = cost(trade, held)
        pairs = [("E, $", expected, ours[0]), ("sqrt V, $", deviation, ours[1])]
        pairs += [
            (f"x_{j}, shares", theirs, float(held[j])) for j, theirs in enumerate(printed, start=1)
        ]
        found += [
            Row(PAPER, f"{name}: {what}", theirs, mine, max(1e-6 * theirs, 0.5))
            for what, theirs, mine in pairs
        ]
    return found
