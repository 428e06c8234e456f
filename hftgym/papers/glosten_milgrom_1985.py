"""Glosten and Milgrom 1985, "Bid, ask and transaction prices in a specialist market".

The value is 1 with probability p and 0 otherwise. A trader is informed with probability mu and
trades in the direction of the value; the others buy or sell with equal chance. A competitive dealer
quotes ask = E[V | buy] and bid = E[V | sell], which Bayes' rule gives.
"""

from __future__ import annotations

from typing import TypeVar

import numpy as np
import numpy.typing as npt

from hftgym.papers.table import Row

PAPER = "Glosten, Milgrom 1985"
Belief = TypeVar("Belief", float, npt.NDArray[np.float64])


def quotes(prior: Belief, informed: float) -> tuple[Belief, Belief]:
    """Return (bid, ask).

    Args:
        prior: probability that the value is 1; a float or an array.
        informed: probability that the next trader knows the value.
    """
    right = 0.5 * (1.0 + informed)  # chance of a trade in the direction of the value
    wrong = 0.5 * (1.0 - informed)
    bid = prior * wrong / (prior * wrong + (1.0 - prior) * right)
    ask = prior * right / (prior * right + (1.0 - prior) * wrong)
    return bid, ask


def simulate(
    prior: float, informed: float, trades: int, paths: int, seed: int = 0
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.bool_]]:
    """Let traders come one after the other to a dealer who learns.

    Returns:
        Transaction prices, shape (paths, trades), and whether the value is 1, shape (paths,).
    """
    rng = np.random.default_rng(seed)
    good = rng.random(paths) < prior
    belief = np.full(paths, prior)
    prices = np.empty((paths, trades))
    for k in range(trades):
        knows = rng.random(paths) < informed
        buys = np.where(knows, good, rng.random(paths) < 0.5)
        bid, ask = quotes(belief, informed)
        belief = np.where(buys, ask, bid)
        prices[:, k] = belief
    return prices, good


def rows() -> list[Row]:
    """Return the first quotes of three dealers."""
    found = []
    for prior, informed, bid, ask in (
        (0.5, 0.2, 0.4, 0.6),
        (0.5, 0.5, 0.25, 0.75),
        (0.3, 0.2, 0.222222, 0.391304),
    ):
        ours = quotes(prior, informed)
        name = f"prior {prior}, informed {informed}"
        found.append(Row(PAPER, f"{name}: bid", bid, ours[0], 0.5e-6))
        found.append(Row(PAPER, f"{name}: ask", ask, ours[1], 0.5e-6))
    return found
