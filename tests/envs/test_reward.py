"""Rewards, profit and loss: identities that hold to the last unit, and against another count."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from hftgym.core.constants import NEVER_NS, Status
from hftgym.core.entries import advance_one
from hftgym.envs.task import IO
from tests.envs.making import actions, conservation, single, vector
from tests.envs.probes import act_one

UNIT_VALUE = 10
PHI = 0.01


def play(env: Any, seed: int, steps: int) -> dict[str, np.ndarray]:
    """Play random quotes and keep rewards, their terms and the truth before and after each step."""
    rows: dict[str, list[float]] = {}
    for a in actions(seed, steps)[:, 0]:
        before = truth(env)
        _, reward, terminated, truncated, info = env.step(a)
        after = truth(env)
        row = {"reward": reward, "q": before[1], "gain": after[0] - before[0]}
        for name, value in (row | info["reward_terms"]).items():
            rows.setdefault(name, []).append(value)
        if terminated or truncated:
            break
    return {name: np.array(values) for name, values in rows.items()}


def truth(env: Any) -> tuple[int, int]:
    """Return (wealth in half money units, position) at the exchange."""
    market = env.market
    account = market["part"][env.setting.blueprint.learners[0]]["account"]
    mid = int(market["books"][0]["mid_2px"])
    position = int(account["position"])
    return 2 * int(account["cash"]) + position * mid * UNIT_VALUE, position


@pytest.mark.parametrize("horizon", ["finite", "continuing"])
@pytest.mark.parametrize("start", ["zero", "uniform"])
def test_rewards_add_up_to_the_objective(horizon: str, start: str) -> None:
    env = single(horizon=horizon, initial_inventory=start, horizon_s=120.0)
    for seed in range(3):
        env.reset(seed=seed)
        begin = truth(env)
        rows = play(env, seed, 240)
        episode = env.last_episode
        np.testing.assert_array_equal(rows["pnl"], rows["gain"] / (2 * UNIT_VALUE))
        np.testing.assert_allclose(
            rows["inventory_penalty"], -PHI * rows["q"] ** 2 * 0.5, rtol=1e-12
        )
        terms = rows["pnl"] + rows["inventory_penalty"] + rows["liquidation"]
        np.testing.assert_array_equal(rows["reward"], terms / env.half_spread_tick)
        objective = (truth(env)[0] - begin[0]) / (2 * UNIT_VALUE)
        objective += rows["inventory_penalty"].sum() + rows["liquidation"].sum()
        assert float(episode["objective"]) == pytest.approx(objective, abs=1e-9)
        assert rows["reward"].sum() * env.half_spread_tick == pytest.approx(objective, abs=1e-9)
        assert float(episode["reward"]) == pytest.approx(rows["reward"].sum(), abs=1e-9)
        assert (rows["liquidation"][:-1] == 0.0).all()
        q = abs(truth(env)[1])
        touch = env.market["books"][0]
        half_spread = (int(touch["touch_ask_px"]) - int(touch["touch_bid_px"])) / 2
        expected = -q * (half_spread + 0.3) if horizon == "finite" else 0.0
        assert rows["liquidation"][-1] == pytest.approx(expected, abs=1e-12)
        assert float(episode["inventory_mean_abs"]) == pytest.approx(np.abs(rows["q"]).mean())
        assert int(episode["inventory_end"]) == truth(env)[1]


def test_parts_of_profit_and_loss_add_up_exactly() -> None:
    env = vector(16, horizon_s=30.0, initial_inventory="uniform")
    env.reset(seed=3)
    for a in actions(9, 60, 16):
        *_, terminated, _, _ = env.step(a)
    assert terminated.all()
    e = env.last_episodes
    np.testing.assert_array_equal(e["pnl_spread"] + e["pnl_inventory"] + e["pnl_fees"], e["wealth"])
    expected = e["wealth"] - e["inventory_penalty"] - e["liquidation"]
    np.testing.assert_array_equal(expected, e["objective"])
    np.testing.assert_allclose(e["reward"] * env.half_spread_tick, e["objective"], atol=1e-9)
    assert e["fills"].sum() > 20
    assert (e["maker_lots"] + e["taker_lots"] >= e["fills"]).all()
    # in units of a twentieth of a tick everything is an integer
    for name in ("wealth", "pnl_spread", "pnl_inventory", "pnl_fees", "drawdown", "liquidation"):
        units = e[name] * 2 * UNIT_VALUE
        np.testing.assert_allclose(units, np.rint(units), atol=1e-6)


def test_attribution_counted_event_by_event() -> None:
    """Inventory: position times each change of the mid. Spread: each fill against the mid before.

    The market is run one event at a time and counted from outside; the environment's own figures
    come from the exchange's running sums.
    """
    env, watched = (single(horizon_s=60.0, initial_inventory="uniform") for _ in range(2))
    fills = 0
    for seed in range(2):
        env.reset(seed=seed)
        watched.reset(seed=seed)
        learner = env.setting.blueprint.learners[0]
        markets, io = watched._batch.markets, np.zeros(1, IO)
        account = markets[0]["part"][learner]["account"]
        book = markets[0]["books"][0]
        spread = inventory = 0
        for a in actions(seed, 120)[:, 0]:
            env.step(a)
            io[0]["action"][:2] = a
            act_one(markets, watched.setting.task, io)
            while True:
                mid, position = int(book["mid_2px"]), int(account["position"])
                gross = int(account["cash"]) + int(account["fees"])
                status = advance_one(
                    markets,
                    0,
                    watched.setting.blueprint.table,
                    watched.setting.blueprint.ops,
                    watched._batch.logs,
                    NEVER_NS,
                    1,
                )
                if status == Status.EXTERNAL:
                    break
                bought = int(account["position"]) - position
                paid = int(account["cash"]) + int(account["fees"]) - gross
                spread += 2 * paid + bought * mid * UNIT_VALUE
                inventory += int(account["position"]) * (int(book["mid_2px"]) - mid) * UNIT_VALUE
        assert int(markets[0]["now_ns"]) == int(env.market["now_ns"])
        episode = env.last_episode
        assert float(episode["pnl_spread"]) * 2 * UNIT_VALUE == pytest.approx(spread, abs=1e-6)
        assert float(episode["pnl_inventory"]) * 2 * UNIT_VALUE == pytest.approx(
            inventory, abs=1e-6
        )
        assert float(episode["pnl_fees"]) * UNIT_VALUE == pytest.approx(
            -int(account["fees"]), abs=1e-6
        )
        fills += int(episode["fills"])
    assert fills > 5


def test_accounts_add_up_to_zero() -> None:
    env = vector(8, initial_inventory="uniform", horizon_s=10.0)
    env.reset(seed=1)
    learner = env.setting.blueprint.learners[0]
    inventories = env.markets["part"]["account"]["position"][:, learner]
    assert len(set(inventories.tolist())) > 2
    assert np.abs(inventories).max() <= 5
    for a in actions(1, 25, 8):
        assert [conservation(m) for m in env.markets] == [(0, 0)] * 8
        env.step(a)


def test_doing_nothing_earns_nothing() -> None:
    env = single(horizon_s=60.0)
    env.reset(seed=4)
    for _ in range(120):
        _, reward, terminated, _, _ = env.step(np.ones(2, np.float32))
        assert reward == 0.0
    assert terminated
    episode = env.last_episode
    for name in ("objective", "wealth", "fills", "messages", "quoting_share", "inventory_penalty"):
        assert episode[name] == 0
    assert float(episode["spread_mean"]) > 0.5
    assert float(episode["depth_mean"]) >= 1.0
    assert int(episode["market_volume"]) > 10


def test_the_inventory_limit_withdraws_a_side() -> None:
    """A bid at the touch and no ask: inventory climbs to the limit and no further."""
    env = single(horizon_s=3000.0)
    env.reset(seed=4)
    most = 0
    for _ in range(6000):
        obs, *_, _ = env.step(np.array([-1.0, 1.0], np.float32))
        position = truth(env)[1]
        most = max(most, position)
        if obs[0] == 1.0:
            assert obs[27] == 1.0
    assert most == 10
