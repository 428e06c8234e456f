"""Avellaneda and Stoikov 2008, "High-frequency trading in a limit order book", Tables 1 to 3.

The paper's own market (its section 3.3): the mid moves by +-sigma sqrt(dt) with equal chance; a
quote at distance delta is filled with probability A exp(-k delta) dt, one unit a side and step;
1,000 paths of 200 steps. The inventory strategy quotes what the participant ``avellaneda_stoikov``
quotes, through the same compiled function; the symmetric one quotes the time average of its spread
around the mid.

The printed numbers are those of Quantitative Finance 8 (3), pages 222 and 223 (the preprint of 2006
has others, and gamma = 0.5 in place of 1). Those of gamma = 0.1 were read in the paper, those of
0.01 and 1 in two texts that quote it independently of each other and agree in every digit.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from hftgym.core.jit import kernel
from hftgym.core.records import RNG
from hftgym.core.rng import enter, mix2, text_hash, uniform
from hftgym.papers.table import Row
from hftgym.participants.avellaneda_stoikov import distances

PAPER = "Avellaneda, Stoikov 2008"
START_MID = 100.0
HORIZON = 1.0
SIGMA = 2.0
STEP = 0.005
STEPS = 200
KAPPA = 1.5
ARRIVAL_RATE = 140.0

#: (gamma, strategy): average spread, profit, std of profit, final inventory, its std.
PRINTED: dict[tuple[float, str], tuple[float, float, float, float, float]] = {
    (0.1, "inventory"): (1.49, 65.0, 6.6, 0.08, 2.9),
    (0.1, "symmetric"): (1.49, 68.4, 12.7, 0.26, 8.4),
    (0.01, "inventory"): (1.35, 68.6, 8.7, 0.12, 5.1),
    (0.01, "symmetric"): (1.35, 68.8, 12.8, 0.09, 8.7),
    (1.0, "inventory"): (3.02, 31.4, 5.0, 0.02, 1.7),
    (1.0, "symmetric"): (3.02, 44.0, 11.0, 0.00, 5.1),
}
#: Four standard deviations, over runs of 1,000 paths at gamma = 0.1, of the mean profit, of its
#: std and of the std of the final inventory. Other gammas: in proportion to the printed stds.
TOLERANCE = {"inventory": (0.8, 0.6, 0.2), "symmetric": (1.8, 2.0, 0.7)}
SPREAD_TOLERANCE = 0.015
#: An independent simulation of 20,000 paths, gamma = 0.1: (strategy, exact fills): profit, its std.
REFERENCE = {
    ("inventory", False): (64.87, 6.50),
    ("symmetric", False): (68.25, 13.49),
    ("inventory", True): (57.18, 6.33),
    ("symmetric", True): (61.02, 13.06),
}
REFERENCE_TOLERANCE = {"inventory": (0.2, 0.2), "symmetric": (0.4, 0.6)}


@dataclass(frozen=True)
class Outcome:
    """What a strategy made of its paths.

    Attributes:
        spread: time average of ask minus bid.
        profit: cash and inventory at the last mid, shape (paths,).
        inventory: units held at the end, shape (paths,).
    """

    spread: float
    profit: npt.NDArray[np.float64]
    inventory: npt.NDArray[np.int64]


@kernel
def _play(streams, key, gamma, symmetric, exact, profit, inventory):
    """Play a path into each element of ``profit`` and ``inventory``; the average spread.

    Path i draws from decision i of the stream, so every strategy meets the same mids.
    """
    spread = 0.0
    for step in range(STEPS):
        bid, ask = distances(0, HORIZON - step * STEP, gamma, SIGMA, KAPPA)
        spread += (bid + ask) / STEPS
    rng = streams[0]
    rng.key = key
    jump = SIGMA * math.sqrt(STEP)
    for path in range(len(profit)):
        enter(rng, np.uint64(path))
        mid = START_MID
        cash = 0.0
        held = 0
        for step in range(STEPS):
            bid = ask = 0.5 * spread
            if not symmetric:
                bid, ask = distances(held, HORIZON - step * STEP, gamma, SIGMA, KAPPA)
            bid_chance = ARRIVAL_RATE * math.exp(-KAPPA * bid) * STEP
            ask_chance = ARRIVAL_RATE * math.exp(-KAPPA * ask) * STEP
            if exact:
                bid_chance = 1.0 - math.exp(-bid_chance)
                ask_chance = 1.0 - math.exp(-ask_chance)
            buys = uniform(rng) < bid_chance
            sells = uniform(rng) < ask_chance
            if buys:
                cash -= mid - bid
                held += 1
            if sells:
                cash += mid + ask
                held -= 1
            mid += jump if uniform(rng) < 0.5 else -jump
        profit[path] = cash + held * mid
        inventory[path] = held
    return spread


def simulate(
    gamma: float, strategy: str, paths: int = 1_000, *, seed: int = 0, exact: bool = False
) -> Outcome:
    """Play one strategy in the paper's market.

    Args:
        gamma: risk aversion.
        strategy: "inventory" or "symmetric".
        paths: how many.
        seed: paths of the same seed have the same mids and draws.
        exact: fill with the probability 1 - exp(-lambda dt) of at least one arrival in place of
            the paper's lambda dt. A dt is 0.7, so this is another market.
    """
    profit = np.zeros(paths)
    inventory = np.zeros(paths, np.int64)
    key = np.uint64(mix2(np.uint64(seed), np.uint64(text_hash(PAPER))))
    streams = np.zeros(1, RNG)
    spread = _play(streams, key, gamma, strategy == "symmetric", exact, profit, inventory)
    return Outcome(float(spread), profit, inventory)


def rows(paths: int = 1_000, reference_paths: int = 20_000, seed: int = 0) -> list[Row]:
    """Return the three printed tables, and a longer run beside an independent simulation."""
    found = []
    for (gamma, strategy), printed in PRINTED.items():
        outcome = simulate(gamma, strategy, paths, seed=seed)
        profit_tol, profit_sd_tol, held_sd_tol = TOLERANCE[strategy]
        spread, profit, profit_sd, held, held_sd = printed
        scale = profit_sd / PRINTED[0.1, strategy][2]
        held_scale = held_sd / PRINTED[0.1, strategy][4]
        for what, theirs, ours, tolerance in (
            ("spread", spread, outcome.spread, SPREAD_TOLERANCE),
            ("profit", profit, outcome.profit.mean(), profit_tol * scale),
            ("std(profit)", profit_sd, outcome.profit.std(), profit_sd_tol * scale),
            ("final q", held, outcome.inventory.mean(), 3.0 * held_sd / math.sqrt(paths)),
            ("std(final q)", held_sd, outcome.inventory.std(), held_sd_tol * held_scale),
        ):
            name = f"gamma {gamma:g}, {strategy}: {what}"
            found.append(Row(PAPER, name, theirs, float(ours), tolerance))
    for (strategy, exact), (profit, profit_sd) in REFERENCE.items():
        outcome = simulate(0.1, strategy, reference_paths, seed=seed, exact=exact)
        rule = "1 - exp(-lambda dt)" if exact else "lambda dt"
        note = f"independent simulation, 20,000 paths, fills with {rule}"
        profit_tol, profit_sd_tol = REFERENCE_TOLERANCE[strategy]
        for what, theirs, ours, tolerance in (
            ("profit", profit, outcome.profit.mean(), profit_tol),
            ("std(profit)", profit_sd, outcome.profit.std(), profit_sd_tol),
        ):
            name = f"gamma 0.1, {strategy}: {what}"
            found.append(Row(PAPER, name, theirs, float(ours), tolerance, note))
    return found
