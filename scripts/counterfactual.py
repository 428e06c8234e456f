"""The same day without my order: what a large order moves and what it costs.

Runs each market twice, from the same moment on with the same random numbers: with a large order
worked in slices, and without it. Prints the mean difference of the mids and the cost of the order.

Example: python -m scripts.counterfactual default --markets 64 --slices 10 --lots 2
"""

from __future__ import annotations

import argparse

import numpy as np

from hftgym.scenario import load_scenario
from hftgym.simulation.counterfactual import Counterfactual, SlicedOrder, counterfactual

TIMES_S = (0.0, 1.0, 5.0, 10.0, 20.0, 30.0, 45.0, 60.0, 90.0, 120.0, 180.0)


def show(found: list[Counterfactual], side: int) -> None:
    """Print both tables."""
    impact = side * np.array([one.mid_with - one.mid_without for one in found])
    print(f"{'after':>8} {'mid without':>12} {'mid with':>10} {'difference in its direction':>28}")
    for k, t_s in enumerate(found[0].t_s):
        without = np.mean([one.mid_without[k] for one in found])
        with_it = np.mean([one.mid_with[k] for one in found])
        print(f"{t_s:>6g} s {without:>12.2f} {with_it:>10.2f} {mean(impact[:, k]):>28}")
    print("\ncost of the order, ticks a lot")
    for name, title in (
        ("paid_decision", "above the mid at the decision"),
        ("paid_without", "above the mid without the order"),
        ("fees", "fees"),
    ):
        print(f"  {title:<34} {mean(np.array([getattr(one, name) for one in found])):>16}")
    print(f"{len(found)} markets, {np.mean([one.lots for one in found]):.1f} lots in each; ticks")


def mean(values: np.ndarray) -> str:
    """Return the mean, and its standard error when there are several."""
    if len(values) == 1:
        return f"{values[0]:.2f}"
    return f"{values.mean():.2f} +- {values.std(ddof=1) / np.sqrt(len(values)):.2f}"


def main() -> None:
    """Parse, run, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("scenario", nargs="?", default="default", help="name or .yaml file")
    parser.add_argument("--seed", type=int, default=0, help="of the first market")
    parser.add_argument("--markets", type=int, default=64, help="how many seeds")
    parser.add_argument("--side", type=int, choices=(1, -1), default=1, help="1 buys, -1 sells")
    parser.add_argument("--slices", type=int, default=10, help="market orders")
    parser.add_argument("--lots", type=int, default=2, help="size of each")
    parser.add_argument("--every", type=float, default=5.0, help="seconds between them")
    arguments = parser.parse_args()
    order = SlicedOrder(arguments.side, arguments.slices, arguments.lots, arguments.every)
    scenario = load_scenario(arguments.scenario)
    seeds = range(arguments.seed, arguments.seed + arguments.markets)
    show([counterfactual(scenario, s, order, np.array(TIMES_S)) for s in seeds], arguments.side)


if __name__ == "__main__":
    main()
