"""Kyle 1985, "Continuous auctions and insider trading", the auction of one period (Theorem 1).

An insider knows the value v ~ N(p0, value_sd^2) and buys x = beta (v - p0); noise traders buy
u ~ N(0, noise_sd^2); the market maker sees x + u and sets p = p0 + lambda (x + u). In equilibrium
beta = noise_sd / value_sd and lambda = value_sd / (2 noise_sd). The insider earns half of value_sd
noise_sd on average, and the price leaves half of the variance of v. The participant ``kyle`` takes
beta from the same compiled function.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from hftgym.papers.table import Row
from hftgym.participants.kyle import coefficients

PAPER = "Kyle 1985"


@dataclass(frozen=True)
class Equilibrium:
    """The linear equilibrium of one auction.

    Attributes:
        impact: lambda, price for each unit of net demand.
        intensity: beta, units that the insider buys for each unit of mispricing.
        profit: expected profit of the insider.
        posterior_variance: variance of the value that the price leaves.
    """

    impact: float
    intensity: float
    profit: float
    posterior_variance: float


def equilibrium(value_sd: float, noise_sd: float) -> Equilibrium:
    """Return the equilibrium for these standard deviations of value and noise demand."""
    intensity, impact = coefficients(noise_sd, value_sd)
    return Equilibrium(
        impact=impact,
        intensity=intensity,
        profit=0.5 * value_sd * noise_sd,
        posterior_variance=0.5 * value_sd**2,
    )


@dataclass(frozen=True)
class Auctions:
    """What many auctions show; ``*_error`` are standard errors.

    Attributes:
        impact: slope of the value on net demand, which the market maker would estimate.
        impact_error: of the slope.
        profit: mean profit of the insider.
        profit_error: of the mean.
        posterior_variance: of value minus price.
    """

    impact: float
    impact_error: float
    profit: float
    profit_error: float
    posterior_variance: float


def simulate(value_sd: float, noise_sd: float, auctions: int, seed: int = 0) -> Auctions:
    """Hold independent auctions at the equilibrium with p0 = 0."""
    rng = np.random.default_rng(seed)
    play = equilibrium(value_sd, noise_sd)
    value = rng.normal(0.0, value_sd, auctions)
    bought = play.intensity * value
    demand = bought + rng.normal(0.0, noise_sd, auctions)
    wrong = value - play.impact * demand
    profit = bought * wrong
    slope = float(value @ demand / (demand @ demand))
    residual = value - slope * demand
    return Auctions(
        impact=slope,
        impact_error=math.sqrt(residual @ residual / auctions / (demand @ demand)),
        profit=float(profit.mean()),
        profit_error=float(profit.std() / math.sqrt(auctions)),
        posterior_variance=float(wrong.var()),
    )


def rows(auctions: int = 1_000_000) -> list[Row]:
    """Return the closed form at value_sd = 2, noise_sd = 0.5, and a Monte Carlo check of it."""
    play = equilibrium(2.0, 0.5)
    seen = simulate(2.0, 0.5, auctions)
    note = "four standard errors"
    return [
        Row(PAPER, "lambda", 2.0, play.impact, 1e-12),
        Row(PAPER, "beta", 0.25, play.intensity, 1e-12),
        Row(PAPER, "profit of the insider", 0.5, play.profit, 1e-12),
        Row(PAPER, "variance left", 2.0, play.posterior_variance, 1e-12),
        Row(PAPER, "lambda, by regression", 2.0, seen.impact, 4 * seen.impact_error, note),
        Row(PAPER, "profit, mean", 0.5, seen.profit, 4 * seen.profit_error, note),
        Row(
            PAPER,
            "variance left, sampled",
            2.0,
            seen.posterior_variance,
            4 * 2.0 * math.sqrt(2 / auctions),
            note,
        ),
    ]
