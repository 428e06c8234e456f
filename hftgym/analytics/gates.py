"""``hftgym gates``: is a market fit to train on? Every gate with its figure and its band.

``docs/market.md`` says what each gate is for.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from hftgym.analytics.gate_play import Task
from hftgym.analytics.gate_report import GateReport, GateRow, Verdict
from hftgym.analytics.gates_market import market_figures, market_gates
from hftgym.analytics.gates_policies import episodes_to_play, play_all, policy_gates
from hftgym.analytics.progress import Phase, Silent
from hftgym.analytics.quality import measure
from hftgym.core.rng import text_hash
from hftgym.errors import UsageError
from hftgym.scenario import Scenario, load_scenario

__all__ = ["GateReport", "GateRow", "Verdict", "run_gates"]

EPISODES = 1_000
SECONDS = 300


def run_gates(
    scenario: Scenario | str | Path,
    episodes: int = EPISODES,
    *,
    seconds: int = SECONDS,
    seed: int = 0,
    phase: Phase = Silent,
) -> GateReport:
    """Measure a market and judge it; gates that it is meant to break do not count against it.

    The same arguments give the same report, on any number of threads.

    Args:
        scenario: a scenario without a tape, its name, or the path of its YAML.
        episodes: markets for each figure, at least 2.
        seconds: length of an episode after the burn-in; longer than the 60 s of the longest return.
        seed: root of all random numbers.
        phase: opens a progress bar.

    Raises:
        UsageError: if the scenario replays history, or a number is out of range.
    """
    if not isinstance(scenario, Scenario):
        scenario = load_scenario(scenario)
    if episodes < 2 or seconds <= 60 or seed < 0:
        raise UsageError(
            "HG-U092",
            f"{episodes} episodes of {seconds} s, seed {seed}; there must be at least 2 episodes "
            "of more than 60 s, and a seed of at least 0",
        )
    name = scenario.name
    with phase(f"{name}: market alone", episodes, "episodes") as bar:
        found = measure(scenario, episodes, seconds=seconds, seed=seed, progress=bar.advance)
    total = episodes_to_play(episodes, scenario.value is not None)
    with phase(f"{name}: simple policies", total, "episodes") as bar:
        played = play_all(Task(scenario, seconds, seed), episodes, bar.advance)
    rng = np.random.default_rng([seed, text_hash("gates bootstrap")])
    rows = [*market_gates(found, rng), *policy_gates(played, rng), *market_figures(found)]
    breaks = scenario.breaks_gates
    rows = [row.meant_to_break(breaks[row.key]) if row.key in breaks else row for row in rows]
    return GateReport(name, scenario.config_hash, episodes, seconds, seed, tuple(rows))
