"""Glosten and Milgrom 1985, "Bid, ask and transaction prices in a specialist market".

The value is 1 with probability p and 0 otherwise. A trader is informed with probability mu and
trades in the direction of the value; the others buy or sell with equal chance. A competitive dealer
quotes ask = E[V | buy] and bid = E[V | sell], which Bayes' rule gives; the participant
``glosten_milgrom_maker`` does so through the same compiled function.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from hftgym.papers.table import Row
from hftgym.participants.glosten_milgrom_maker import belief

PAPER = "Glosten, Milgrom 1985"


def quotes(prior: float, informed: float) -> tuple[float, float]:
    """Return (bid, ask).

    Args:
        prior: probability that the value is 1.
        informed: probability that the next trader knows the value, below 1.
    """
    return float(belief(prior, informed, -1)), float(belief(prior, informed, 1))


def simulate(
    prior: float, informed: float, trades: int, paths: int, seed: int = 0
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.bool_]]:
    """Let traders come one after the other to a dealer who learns.

    The ask is what the dealer believes after a buy, the bid what it believes after a sale; so the
    price of a trade is the belief after it.

    Returns:
        Transaction prices, shape (paths, trades), and whether the value is 1, shape (paths,).
    """
    rng = np.random.default_rng(seed)
    good = rng.random(paths) < prior
    knows = rng.random((paths, trades)) < informed
    buys = np.where(knows, good[:, None], rng.random((paths, trades)) < 0.5)
    net_buys = np.cumsum(np.where(buys, 1, -1), axis=1)
    price = np.array([belief(prior, informed, net) for net in range(-trades, trades + 1)])
    return price[net_buys + trades], good


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
