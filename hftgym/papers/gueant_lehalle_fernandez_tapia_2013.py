"""Gueant, Lehalle and Fernandez-Tapia 2013, "Dealing with the inventory risk".

Theorem 1: with alpha = k gamma sigma^2 / 2 and eta = A (1 + gamma/k)^-(1 + k/gamma), the functions
v_q(t), |q| <= Q, solve v'_q = alpha q^2 v_q - eta (v_(q-1) + v_(q+1)), v_q(T) = 1, and the optimal
distances are delta_bid = ln(v_q / v_(q+1)) / k + ln(1 + gamma/k) / gamma, delta_ask with v_(q-1).
Far from T the v are the lowest eigenvector of the same tridiagonal matrix, for which the paper
gives a closed form; the participant ``glft`` quotes that closed form. The numbers beside ours were
computed independently from these formulas.

With a market impact xi: eta times exp(-k xi / 2), and xi / 2 more on both distances.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from hftgym.papers.table import Row
from hftgym.participants.glft import coefficients, distances

PAPER = "Gueant, Lehalle, Fernandez-Tapia 2013"


@dataclass(frozen=True)
class Market:
    """The parameters of the paper; the defaults are those of its figures.

    Attributes:
        sigma: volatility, ticks per square root of a second.
        arrival_rate: A, fills a second at distance 0.
        kappa: k, decay of the fill rate, 1 / tick.
        gamma: risk aversion, 1 / tick.
        limit: Q, most units held, long or short.
        impact_tick: xi, by which a fill moves the mid.
    """

    sigma: float = 0.3
    arrival_rate: float = 0.9
    kappa: float = 0.3
    gamma: float = 0.01
    limit: int = 30
    impact_tick: float = 0.0


def matrix(market: Market) -> npt.NDArray[np.float64]:
    """Return M of v' = M v, shape (2 Q + 1, 2 Q + 1), rows from -Q to Q."""
    m = market
    alpha = 0.5 * m.kappa * m.gamma * m.sigma**2
    eta = m.arrival_rate * (1.0 + m.gamma / m.kappa) ** -(1.0 + m.kappa / m.gamma)
    eta *= math.exp(-0.5 * m.kappa * m.impact_tick)
    q = np.arange(-m.limit, m.limit + 1)
    beside = np.ones(2 * m.limit)
    found: npt.NDArray[np.float64] = np.diag(alpha * q**2) - eta * (
        np.diag(beside, 1) + np.diag(beside, -1)
    )
    return found


def values(market: Market, time_left_s: float) -> npt.NDArray[np.float64]:
    """Return v at a time before the end up to a common factor, shape (2 Q + 1,).

    ``time_left_s`` may be infinite: the eigenvector of the lowest eigenvalue.
    """
    rate, vectors = np.linalg.eigh(matrix(market))
    if math.isinf(time_left_s):
        lowest: npt.NDArray[np.float64] = np.abs(vectors[:, 0])
        return lowest
    decay = np.exp(-(rate - rate[0]) * time_left_s)
    solved: npt.NDArray[np.float64] = vectors @ (decay * vectors.sum(axis=0))
    return solved


def exact_distances(
    market: Market, inventory: int, time_left_s: float = math.inf
) -> tuple[float, float]:
    """Return the optimal (bid, ask) distances from the mid, ticks; inf where the limit forbids."""
    m = market
    v = np.concatenate([[0.0], values(market, time_left_s), [0.0]])
    here = inventory + m.limit + 1
    base = math.log(1.0 + m.gamma / m.kappa) / m.gamma + 0.5 * m.impact_tick
    with np.errstate(divide="ignore"):
        bid = np.log(v[here] / v[here + 1]) / m.kappa + base
        ask = np.log(v[here] / v[here - 1]) / m.kappa + base
    return float(bid), float(ask)


def rows() -> list[Row]:
    """Return the quotes at the parameters of the paper's figures, T = 600 s and infinite."""
    market = Market()
    shape = (market.gamma, market.sigma, market.kappa, market.arrival_rate)
    at_zero, slope = coefficients(*shape)
    digits = 0.5e-5
    found = [
        Row(PAPER, "base ln(1 + gamma/k) / gamma", 3.27898, at_zero - 0.5 * slope, digits),
        Row(PAPER, "slope for each unit held", 0.06787, slope, digits),
    ]
    for inventory, exact, approximate in (
        (0, (3.3130, 3.3130), (3.3129, 3.3129)),
        (1, (3.3812, 3.2449), (3.3808, 3.2450)),
        (-1, (3.2449, 3.3812), (3.2450, 3.3808)),
    ):
        for name, quotes, printed in (
            ("T = 600", exact_distances(market, inventory, 600.0), exact),
            ("T infinite", exact_distances(market, inventory), exact),
            ("closed form", distances(inventory, *shape), approximate),
        ):
            for side, theirs, ours in zip(("bid", "ask"), printed, quotes, strict=True):
                what = f"q = {inventory}, {name}: {side} distance"
                found.append(Row(PAPER, what, theirs, ours, 0.5e-4, "last printed digit"))
    return found
