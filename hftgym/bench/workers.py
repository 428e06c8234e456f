"""What a second worker of A3C gains: samples a second of one and of two.

Workers are processes; those of either crew wait while the other one plays. Rounds take turns, and
the gain is the median over neighbouring ones.
"""

from __future__ import annotations

import functools
import time
from collections.abc import Callable, Sequence
from statistics import median, quantiles
from typing import Any

from hftgym.names import load_attribute

WORKERS = (1, 2)


class _Crew:
    """Some workers that play and learn so many steps in each round."""

    def __init__(self, make_venv: Callable[[int], Any], params: Any, workers: int) -> None:
        def of_a3c(name: str) -> Any:
            return load_attribute(f"agents.a3c:{name}", "agent")

        make = functools.partial(make_venv, params.n_envs)
        venv = make()  # also compiles what the workers then load
        network = of_a3c("Worker")(venv, params, 0)
        venv.close()
        self._shared = of_a3c("Shared").of(network.vector(), 10**12)
        self._crew = of_a3c("Crew")(
            [make] * workers, params, list(range(workers)), {}, self._shared
        )

    def round(self, steps: int) -> float:
        """Play about so many steps; how many a second they were."""
        before, began = self._shared.steps.value, time.perf_counter()
        self._crew.run(before + steps, lambda figures: True)
        played: int = self._shared.steps.value - before
        return played / (time.perf_counter() - began)

    def close(self) -> None:
        """Let the workers leave."""
        self._crew.close()


def bench_workers(make_venv: Callable[[int], Any], rounds: int, steps: int) -> dict[str, Any]:
    """Measure crews of one and of two workers.

    Args:
        make_venv: Makes so many environments; must be picklable.
        rounds: Of each crew.
        steps: Of a round, of all workers together.

    Returns:
        Samples a second of either, the gain of the second worker and its quartiles.
    """
    params = load_attribute("agents.a3c:Params", "agent")()
    crews: list[_Crew] = []
    rates: list[Sequence[float]] = []
    try:
        for workers in WORKERS:
            crews.append(_Crew(make_venv, params, workers))
        for crew in crews:  # until all workers have started
            crew.round(steps)
        for _ in range(rounds):
            rates.append([crew.round(steps) for crew in crews])
    finally:
        for crew in crews:
            crew.close()
    gains = [two / one for one, two in rates]
    return {
        "environments_per_worker": params.n_envs,
        "samples_per_s": {
            str(workers): round(median(column))
            for workers, column in zip(WORKERS, zip(*rates, strict=True), strict=True)
        },
        "gain": round(median(gains), 2),
        "gain_quartiles": [round(q, 2) for q in quantiles(gains, n=4)[::2]],
    }
