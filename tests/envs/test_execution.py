"""Execution: never too much, in time, and charged by what it cost against the arrival price."""

from __future__ import annotations

from typing import Any

import gymnasium
import numpy as np
import pytest

from hftgym.core.jit import kernel
from hftgym.envs.sweep import sweep_2m
from tests.envs.making import FEW

FEE_TICK = 0.3
SLOW = {"feed_ns": 5_000_000, "order_ns": 300_000_000, "response_ns": 400_000_000}


def make(**arguments: Any) -> Any:
    return gymnasium.make(
        "hftgym/Execution-v0", disable_env_checker=True, **(FEW | {"horizon_s": 30.0} | arguments)
    ).unwrapped


def account(env: Any) -> Any:
    return env.market["part"][env.setting.blueprint.learners[0]]["account"]


@pytest.mark.parametrize("latency", [None, SLOW])
@pytest.mark.parametrize("side", ["buy", "sell"])
@pytest.mark.parametrize("action", ["continuous", "discrete", "orders"])
def test_never_more_than_the_target(action: str, side: str, latency: Any) -> None:
    """With what is open counted, whatever is asked and however late the answers come."""
    env = make(action=action, side=side, latency=latency, target_lots=12, lots=4)
    env.action_space.seed(3)
    sign = 1 if side == "buy" else -1
    most = 0
    for seed in range(4):
        env.reset(seed=seed)
        over = False
        while not over:
            _, _, terminated, truncated, _ = env.step(env.action_space.sample())
            over = terminated or truncated
            own = account(env)
            open_lots = int(own["open_buy_lots"] if sign > 0 else own["open_sell_lots"])
            assert 0 <= sign * int(own["position"]) <= 12
            assert sign * int(own["position"]) + open_lots <= 12
            assert int(own["open_sell_lots"] if sign > 0 else own["open_buy_lots"]) == 0
            most = max(most, sign * int(own["position"]))
        assert terminated
    assert most == 12


@pytest.mark.parametrize("side", ["buy", "sell"])
def test_rewards_add_up_to_the_shortfall(side: str) -> None:
    env = make(side=side, target_lots=10, horizon_s=20.0)
    sign = 1 if side == "buy" else -1
    ended_early = 0
    for seed, share in ((1, 0.2), (2, -1.0), (3, 1.0)):
        env.reset(seed=seed)
        arrival = int(env.market["books"][0]["mid_2px"]) / 2
        rewards, sweep, over = 0.0, 0.0, False
        while not over:
            _, reward, over, _, info = env.step(np.array([0.0, share], np.float32))
            rewards += reward
            sweep += info["reward_terms"]["sweep"]
        own, episode = account(env), env.last_episode
        q, unit = int(own["position"]), env.setting.scenario.instrument.unit_value
        paid = -int(own["cash"]) / unit - q * arrival  # fees are in the cash
        assert rewards * env.half_spread_tick * 10 == pytest.approx(-paid + sweep, abs=1e-9)
        assert float(episode["shortfall"]) == pytest.approx((paid - sweep) / 10)
        assert float(episode["objective"]) == pytest.approx(-paid + sweep)
        assert int(episode["done_lots"]) == sign * q
        assert (sweep < 0.0) == (abs(q) < 10) or abs(q) == 10
        ended_early += abs(q) == 10 and int(episode["steps"]) < 40
    assert ended_early >= 1


def test_doing_nothing_pays_the_sweep_and_a_continuing_horizon_does_not() -> None:
    withdrawn = np.array([1.0, -1.0], np.float32)
    env = make(horizon_s=5.0)
    env.reset(seed=2)
    for _ in range(10):
        _, reward, terminated, _, info = env.step(withdrawn)
    assert terminated
    assert info["reward_terms"]["sweep"] < -20 * FEE_TICK
    assert int(env.last_episode["done_lots"]) == 0
    env = make(horizon_s=5.0, horizon="continuing")
    env.reset(seed=2)
    for _ in range(10):
        _, reward, terminated, truncated, info = env.step(withdrawn)
        assert reward == 0.0
    assert truncated
    assert not terminated


@kernel
def sweep_one(markets, tasks, side, lots, arrival_2px):
    """Sweep the book of market 0."""
    return sweep_2m(markets[0], tasks[0], side, lots, arrival_2px)


@pytest.mark.parametrize("side", [1, -1])
def test_a_sweep_walks_the_levels(side: int) -> None:
    """The levels of a view are the best five of the book: the sum over them, by hand."""
    env = make(latency={"feed_ns": 0, "order_ns": 0, "response_ns": 0})
    env.reset(seed=4)
    learner = env.setting.blueprint.learners[0]
    view = env.market["views"][int(env.market["part"][learner]["awaiting_view"])]
    name = "ask" if side > 0 else "bid"
    prices, lots = view[f"{name}_px"].tolist(), view[f"{name}_lots"].tolist()
    arrival_2px = int(env.market["books"][0]["mid_2px"])
    unit = env.setting.scenario.instrument.unit_value
    wanted = sum(lots[:3]) + 1  # into the fourth level
    cost = sum(
        n * side * (2 * px - arrival_2px) for px, n in zip(prices[:3], lots[:3], strict=True)
    )
    cost += side * (2 * prices[3] - arrival_2px)
    got = sweep_one(env._batch.markets, env.setting.task, side, wanted, arrival_2px)
    assert got == pytest.approx(cost * unit + 2 * wanted * FEE_TICK * unit)


def test_more_than_the_book_holds_is_bought_a_tick_beyond_it() -> None:
    env = make()
    env.reset(seed=4)
    markets, task = env._batch.markets, env.setting.task
    arrival_2px = int(env.market["books"][0]["mid_2px"])
    huge = [sweep_one(markets, task, 1, n, arrival_2px) for n in (100_000, 100_001, 100_002)]
    assert huge[2] - huge[1] == huge[1] - huge[0]  # each further lot costs the same
    assert huge[1] - huge[0] > sweep_one(markets, task, 1, 1, arrival_2px)


def test_patience_costs_less_than_a_sweep() -> None:
    """Paired over markets: a lot a second at the touch, against all at the end at once."""
    env = make(horizon_s=30.0, action="discrete", target_lots=20, snapshots=8)
    differences = []
    for seed in range(40):
        costs = []
        for policy in ("patient", "sweep"):
            env.reset(seed=seed)
            over, step = False, 0
            while not over:
                rest = policy == "patient" and step % 2 == 0
                _, _, over, _, _ = env.step(np.array([2 if policy == "patient" else 0, int(rest)]))
                step += 1
            costs.append(float(env.last_episode["shortfall"]))
        differences.append(costs[1] - costs[0])
    mean, error = np.mean(differences), np.std(differences) / np.sqrt(len(differences))
    assert mean > 3 * error
