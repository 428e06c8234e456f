"""Each form of reward by its own identity, counted from outside over whole episodes."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from tests.envs.making import actions, single

PHI, DT = 0.01, 0.5
DAMPING, GAMMA, ALPHA = 0.6, 0.01, 0.5


class Count:
    """The truth about the learner at each decision, in ticks times lots."""

    def __init__(self, env: Any) -> None:
        self.env = env
        self.rows = [self._now()]

    def _now(self) -> tuple[float, float, float, float]:
        market, learner = self.env.market, self.env.setting.blueprint.learners[0]
        account = market["part"][learner]["account"]
        unit = 2.0 * self.env.setting.scenario.instrument.unit_value
        mid = int(market["books"][0]["mid_2px"])
        q = int(account["position"])
        wealth = (2 * int(account["cash"]) + q * mid * unit / 2) / unit
        return wealth, q, int(account["edge_2px"]) / 2, 2 * int(account["fees"]) / unit

    def note(self) -> None:
        self.rows.append(self._now())

    def column(self, i: int) -> np.ndarray:
        return np.array([row[i] for row in self.rows], np.float64)


def played(reward: str, seed: int, horizon: str) -> tuple[Any, Count, np.ndarray, float]:
    """Play an episode; the environment, the truth, rewards times h0, and the liquidation."""
    env = single(reward=reward, horizon=horizon, horizon_s=60.0, initial_inventory="uniform")
    env.reset(seed=seed)
    count, rewards = Count(env), []
    for a in actions(seed, 120)[:, 0]:
        _, reward_now, terminated, truncated, info = env.step(a)
        count.note()
        rewards.append(reward_now * env.half_spread_tick)
        assert sum(info["reward_terms"].values()) == pytest.approx(rewards[-1], abs=1e-9)
    assert terminated == (horizon == "finite")
    assert truncated != terminated
    return env, count, np.array(rewards), info["reward_terms"]["liquidation"]


@pytest.mark.parametrize("horizon", ["finite", "continuing"])
@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.parametrize("form", ["pnl", "inventory", "asymmetric", "cara", "cartea_jaimungal"])
def test_an_episode_adds_up_to_what_its_form_says(form: str, seed: int, horizon: str) -> None:
    _, count, rewards, end = played(form, seed, horizon)
    wealth, q, spread, fees = (count.column(i) for i in range(4))
    gained = wealth[-1] - wealth[0]
    held = np.diff(wealth) - np.diff(spread) + np.diff(fees)
    expected = {
        "pnl": gained + end,
        "inventory": gained - PHI * DT * (q[:-1] ** 2).sum() + end,
        "asymmetric": gained - DAMPING * np.maximum(held, 0.0).sum() + end,
        "cara": (1.0 - math.exp(-GAMMA * (gained + end))) / GAMMA,
        "cartea_jaimungal": gained - PHI * DT * (q[1:] ** 2).sum() + end,
    }[form]
    assert rewards.sum() == pytest.approx(expected, abs=1e-8)
    if form == "cartea_jaimungal":
        assert end == pytest.approx(-ALPHA * q[-1] ** 2 if horizon == "finite" else 0.0)
    assert np.abs(q).max() > 0
    assert np.abs(held).sum() > 0


def test_the_objective_is_the_same_for_every_form() -> None:
    forms = ("pnl", "inventory", "asymmetric", "cara", "cartea_jaimungal")
    objectives = {float(played(form, 3, "finite")[0].last_episode["objective"]) for form in forms}
    assert len(objectives) == 1


def test_utility_is_nearly_profit_for_a_small_risk_aversion() -> None:
    env = single(reward="cara", risk_aversion=1e-6, horizon_s=20.0)
    other = single(reward="pnl", horizon_s=20.0)
    env.reset(seed=5)
    other.reset(seed=5)
    for a in actions(5, 40)[:, 0]:
        assert env.step(a)[1] == pytest.approx(other.step(a)[1], abs=1e-2)
