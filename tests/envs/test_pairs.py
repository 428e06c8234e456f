"""Pairs: two books, one agent; money and lots of both, and a spread that is worth trading."""

from __future__ import annotations

from typing import Any

import gymnasium
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env

from hftgym.errors import UsageError
from tests.envs.making import FEW


def make(**arguments: Any) -> Any:
    return gymnasium.make(
        "hftgym/Pairs-v0", disable_env_checker=True, **(FEW | {"horizon_s": 60.0} | arguments)
    ).unwrapped


def batch(count: int, **arguments: Any) -> Any:
    return gymnasium.make_vec(
        "hftgym/Pairs-v0", count, vectorization_mode="vector_entry_point", **(FEW | arguments)
    ).unwrapped


@pytest.mark.parametrize("action", ["continuous", "discrete"])
def test_rewards_are_those_of_both_books(action: str) -> None:
    env = make(action=action)
    env.reset(seed=3)
    env.action_space.seed(3)
    market, learners = env.market, env.setting.blueprint.learners
    unit = 2.0 * env.setting.scenario.instrument.unit_value

    def wealth() -> float:
        total = 0
        for p in learners:
            account = market["part"][p]["account"]
            mid_2px = int(market["books"][int(market["part"][p]["book"])]["mid_2px"])
            total += 2 * int(account["cash"]) + int(account["position"]) * mid_2px * int(unit) // 2
        return total / unit

    begin, rewards, over = wealth(), 0.0, False
    while not over:
        obs, reward, over, _, info = env.step(env.action_space.sample())
        rewards += reward * env.half_spread_tick
        assert env.observation_space.contains(obs)
        accounts = market["part"][: int(market["participants"])]["account"]
        books = market["part"][: int(market["participants"])]["book"]
        for book in (0, 1):
            assert accounts["position"][books == book].sum() == 0
        assert int(accounts["cash"].sum()) + int(market["fee_account"]) == 0
    end = info["reward_terms"]["liquidation"]
    assert rewards == pytest.approx(wealth() - begin + end, abs=1e-6)
    episode = env.last_episode
    assert float(episode["wealth"]) == pytest.approx(wealth() - begin)
    assert int(episode["steps"]) == 120
    if action == "discrete":
        assert info["action_mask"].shape == (6,)


def test_the_observed_spread_is_that_of_the_views() -> None:
    env = make()
    obs, _ = env.reset(seed=1)
    names = [field.name for field in env.observation_fields]
    sd_tick = env.setting.scenario.second.spread_sd_tick
    for _ in range(100):
        mids = []
        for p in env.setting.blueprint.learners:
            view = env.market["views"][int(env.market["part"][p]["awaiting_view"])]
            mids.append(int(view["mid_2px"]) / 2)
        spread = np.clip((mids[1] - mids[0]) / sd_tick, -5, 5)
        assert obs[names.index("first_pair_spread")] == pytest.approx(spread, abs=1e-6)
        assert obs[names.index("second_pair_spread")] == pytest.approx(-spread, abs=1e-6)
        obs, *_ = env.step(np.zeros(2, np.float32))


def test_one_of_many_is_the_single_one() -> None:
    many, one = batch(3, horizon_s=10.0), make(horizon_s=10.0)
    obs, _ = many.reset(seed=5)
    first, _ = one.reset(seed=6)
    np.testing.assert_array_equal(obs[1], first)
    rng = np.random.default_rng(0)
    for _ in range(50):
        actions = rng.uniform(-1, 1, (3, 2)).astype(np.float32)
        obs, rewards, terminated, _, infos = many.step(actions)
        first, reward, over, _, info = one.step(actions[1])
        assert (reward, over) == (rewards[1], terminated[1])
        assert info["reward_terms"]["pnl"] == infos["reward_terms"]["pnl"][1]
        if over:
            np.testing.assert_array_equal(infos["final_obs"][1], first)
            assert one.last_episode.tobytes() == many.last_episodes[1].tobytes()
            first, _ = one.reset()
        np.testing.assert_array_equal(obs[1], first)


def earned(enter: float, leave: float) -> np.ndarray:
    """Return what a z-score strategy earns, one lot a leg: short the dear one, long the cheap."""
    env = batch(96, horizon_s=120.0, max_inventory_lot=1, split="validation", snapshots=8)
    obs, _ = env.reset(seed=1)
    held = np.zeros(96)
    for _ in range(240):
        z = obs[:, 30]
        held = np.where(np.abs(z) > enter, np.sign(z), held)
        held = np.where(held * z < leave, 0.0, held)
        obs, *_ = env.step(np.stack([held, -held], axis=1).astype(np.float32))
    objective: np.ndarray = env.last_episodes["objective"].copy()
    return objective


def test_the_spread_is_worth_trading_and_random_trades_are_not() -> None:
    wins = earned(1.5, -0.5)
    assert wins.mean() > 3 * wins.std() / np.sqrt(len(wins))
    loses = earned(0.1, 0.0)  # at every crossing: the costs eat it
    assert loses.mean() < wins.mean() / 2


def test_the_suite_and_what_is_refused() -> None:
    check_env(make(horizon_s=5.0))
    with pytest.raises(UsageError, match="scenario 'default' has one instrument"):
        make(scenario="default")
    with pytest.raises(UsageError, match="action"):
        make(action="orders")
