"""Tuning picks the best of the grid on tuning markets, with the same budget for all."""

import numpy as np
import pytest

from agents.constant_spread import ConstantSpread
from agents.do_nothing import DoNothing
from hftgym.training.rollout import Job, play
from hftgym.training.seeds import market_seeds, split_of
from hftgym.training.tune import thin, tune, tune_constant_spread
from tests.fake_market import FakeMarket


def test_the_best_of_the_grid_is_found():
    venv = FakeMarket(64)
    tuned = tune_constant_spread(venv, markets=48, trials=12)
    seeds = market_seeds("tune", 48)
    assert (split_of(venv.last_episodes["market_seed"]) == 1).all()
    grid = thin(ConstantSpread.grid(venv.task_info), 12)
    objectives = [
        play(venv, [Job(ConstantSpread(venv.task_info, p), seeds)])[0].episodes["objective"].mean()
        for p in grid
    ]
    assert tuned.objectives == pytest.approx(objectives)
    assert tuned.params == grid[int(np.argmax(objectives))].model_dump()
    assert tuned.objective_tick == pytest.approx(max(objectives))
    assert (tuned.trials, tuned.markets) == (12, 48)
    # Fills fall as exp(-d / h0): the spread that earns most is h0 = 2, inventory costs widen it.
    assert 1.5 < tuned.params["half_spread_tick"] < 4.0


def test_nothing_to_tune_costs_nothing():
    venv = FakeMarket(4)
    tuned = tune(DoNothing, venv, markets=8)
    assert tuned.trials == 0 and tuned.policy.name == "do-nothing"
    assert (venv.last_episodes["steps"] == 0).all()


def test_a_long_grid_is_thinned_evenly():
    assert thin(range(10), 4) == [0, 3, 6, 9]
    assert thin(range(3), 50) == [0, 1, 2]
    with pytest.raises(ValueError, match="at least 1"):
        thin([1], 0)
