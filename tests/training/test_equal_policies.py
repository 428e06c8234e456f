"""An A/A test of the whole evaluation: policies that are equal are called equal."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from agents.noise import NoiseState
from agents.random_policy import RandomPolicy
from hftgym.training.compare import compare
from hftgym.training.evaluate import Contender, evaluate_policies
from hftgym.training.seeds import market_seeds
from tests.fake_market import FakeMarket

EVALUATIONS, MARKETS = 100, 32


class Copy(RandomPolicy):
    """A random policy with draws of its own: equal to every other copy but for luck."""

    def __init__(self, task: Any, number: int) -> None:
        super().__init__(task)
        self.number = np.uint64(number)

    def initial_state(self, market_seeds: Any) -> NoiseState:
        return NoiseState.begin(market_seeds ^ (self.number << np.uint64(20)))


@pytest.mark.parametrize("seeds", [1, 4])
def test_intervals_of_equal_policies_hold_zero_in_about_95_of_100_evaluations(seeds: int) -> None:
    venv = FakeMarket(256, horizon_s=5.0)
    task, rng = venv.task_info, np.random.default_rng(3)
    held, small = 0, 0
    for k in range(EVALUATIONS):
        copies = [Copy(task, (seeds + 1) * k + i) for i in range(seeds + 1)]
        found = evaluate_policies(
            [Contender("a", copies[:-1], "learner"), Contender("b", copies[-1:])],
            venv,
            market_seeds("test", MARKETS, root=k),
        )
        paired = compare(found, rng, resamples=400).row("b").paired
        assert paired is not None
        held += paired.difference.low <= 0.0 <= paired.difference.high
        small += paired.p_holm < 0.05
    # Of 100 draws with 95 % each, 99.9 % lie above 87; the crossed bootstrap is a little wide.
    assert held >= 87 and small <= 13


def test_a_better_policy_is_not_called_equal() -> None:
    venv = FakeMarket(256, horizon_s=5.0)
    task = venv.task_info

    class Better(Copy):
        def predict(self, *arguments: Any, **keywords: Any) -> Any:
            action, state = super().predict(*arguments, **keywords)
            return np.clip(action, 0.0, 0.5), state  # a fill earns its distance: never too near

    found = evaluate_policies(
        [Contender("a", [Better(task, 0)], "learner"), Contender("b", [Copy(task, 1)])],
        venv,
        market_seeds("test", 512),
    )
    paired = compare(found, np.random.default_rng(0), resamples=400).row("b").paired
    assert paired is not None and paired.difference.low > 0.0 and paired.p_holm < 0.05
