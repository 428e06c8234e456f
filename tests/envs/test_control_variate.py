"""The control variate: takes noise out of a reward, and nothing else."""

from __future__ import annotations

from typing import Any

import gymnasium
import numpy as np
import pytest

import hftgym  # noqa: F401  registers the environments
from hftgym.envs.forms import CONTROL_TERM
from hftgym.errors import UsageError

MARKETS = 64
ROLES = {
    "maker": ("hftgym/MarketMaking-v0", {}),
    "executor": ("hftgym/Execution-v0", {"target_lots": 20}),
    "seller": ("hftgym/Execution-v0", {"target_lots": 20, "side": "sell"}),
    "taker": ("hftgym/Taking-v0", {"action": "continuous"}),
}


def play(role: str, control: bool, **arguments: Any) -> dict[str, np.ndarray]:
    """Rewards, terms, positions and values of one episode in each market, (steps, MARKETS)."""
    env_id, own = ROLES[role]
    arguments = {"horizon_s": 30.0, "snapshots": 8, "observe_value": True} | own | arguments
    venv: Any = gymnasium.make_vec(
        env_id,
        num_envs=MARKETS,
        vectorization_mode="vector_entry_point",
        autoreset_mode="Disabled",
        control_variate=control,
        **arguments,
    )
    inner = venv.unwrapped
    unit = inner.task_info.half_spread_tick * max(abs(inner.task_info.target_lots), 1)
    obs, _ = venv.reset(seed=5)
    kept: dict[str, list[Any]] = {"reward": [], "control": [], "objective": [], "obs": [obs]}
    rng = np.random.default_rng(1)
    shape = (MARKETS, *venv.single_action_space.shape)
    over = np.zeros(MARKETS, np.bool_)
    objective, counted = np.zeros(MARKETS), np.zeros(MARKETS)
    while not over.all():
        action = rng.uniform(-0.4, 0.4, shape).astype(np.float32)
        if role in ("executor", "seller"):
            action[:, 1] = np.where(rng.random(MARKETS) < 0.05, 0.3, -1.0)  # seldom at the market
        obs, reward, terminated, truncated, info = venv.step(action)
        terms = info["reward_terms"]
        assert sum(terms.values()) == pytest.approx(reward * unit, abs=1e-6)
        kept["reward"].append(np.where(over, 0.0, reward * unit))
        kept["control"].append(np.where(over, 0.0, terms.get(CONTROL_TERM, np.zeros(MARKETS))))
        kept["obs"].append(obs)
        ended = (terminated | truncated) & ~over
        objective[ended] = inner.last_episodes["objective"][ended]
        counted[ended] = inner.last_episodes["control"][ended]
        over |= ended
        if over.any() and not over.all():
            venv.reset(options={"reset_mask": over})
    venv.close()
    found = {name: np.array(values) for name, values in kept.items()}
    found["objective"], found["counted"] = objective, counted
    return found


@pytest.mark.parametrize("role", ROLES)
def test_it_adds_one_term_and_leaves_everything_else(role: str) -> None:
    plain, controlled = play(role, False), play(role, True)
    np.testing.assert_array_equal(plain["objective"], controlled["objective"])
    np.testing.assert_array_equal(plain["obs"], controlled["obs"])
    assert (plain["control"] == 0.0).all() and (controlled["control"] != 0.0).any()
    np.testing.assert_allclose(
        controlled["reward"] - controlled["control"], plain["reward"], atol=1e-6
    )


@pytest.mark.parametrize("role", ROLES)
def test_it_is_counted_without_being_in_the_reward(role: str) -> None:
    plain, controlled = play(role, False), play(role, True)
    np.testing.assert_array_equal(plain["counted"], controlled["counted"])
    np.testing.assert_allclose(
        controlled["control"].sum(axis=0), controlled["counted"], rtol=1e-9, atol=1e-6
    )


@pytest.mark.parametrize("role", ROLES)
def test_its_mean_is_zero_and_it_takes_most_of_the_noise_away(role: str) -> None:
    found = play(role, True, initial_inventory="uniform" if role == "maker" else "zero")
    control = found["control"].sum(axis=0)
    error = control.std() / np.sqrt(MARKETS)
    assert abs(control.mean()) < 4.0 * error
    reward = found["reward"].sum(axis=0)
    if role != "taker":  # whose random positions cost more than they move
        assert reward.std() < 0.7 * (reward - control).std()


def test_where_the_value_is_no_martingale_nothing_is_counted() -> None:
    found = play("maker", False, scenario="mean_reverting")
    assert (found["counted"] == 0.0).all()


def test_by_hand_for_a_position_that_is_held() -> None:
    env: Any = gymnasium.make(
        "hftgym/Taking-v0",
        action="continuous",
        observe_value=True,
        control_variate=True,
        horizon_s=10.0,
        snapshots=1,
    )
    inner = env.unwrapped
    _, info = env.reset(seed=2)
    assert int(inner._batch.setting.task[0]["tick_px"]) == 1

    def value(info: Any) -> float:
        return float(info["truth"]["value_offset"]) + _seen_mid(inner._batch.markets[0], inner)

    before, held = value(info), 0
    for _ in range(10):
        _, _, _, _, info = env.step(np.array([0.5], np.float32))
        now = value(info)
        expected = -held * (now - before)
        assert info["reward_terms"][CONTROL_TERM] == pytest.approx(expected, abs=1e-6)
        before = now
        part = inner._batch.markets[0]["part"][int(inner._batch.setting.task[0]["learner"])]
        held = int(part["account"]["position"])
    assert held != 0
    env.close()


def _seen_mid(m: Any, inner: Any) -> float:
    part = m["part"][int(inner._batch.setting.task[0]["learner"])]
    return float(m["views"][int(part["awaiting_view"])]["mid_2px"]) / 2.0


def test_an_execution_is_marked_as_the_price_moves() -> None:
    """With nothing done, each step's reward is what the mid moved beyond the value, lot by lot."""
    env: Any = gymnasium.make(
        "hftgym/Execution-v0",
        target_lots=10,
        control_variate=True,
        observe_value=True,
        horizon_s=10.0,
        snapshots=1,
    )
    inner = env.unwrapped
    h0 = inner.task_info.half_spread_tick
    env.reset(seed=4)

    def truth() -> tuple[float, float]:
        m = inner._batch.markets[0]
        return float(m["books"][0]["mid_2px"]) / 2.0, float(inner._batch.states[0]["value_px"])

    mid, value = truth()
    rewards = []
    for _ in range(19):
        _, reward, *_ = env.step(np.array([1.0, -1.0], np.float32))
        mid_now, value_now = truth()
        expected = -10 * ((mid_now - mid) - (value_now - value))
        assert reward * h0 * 10 == pytest.approx(expected, abs=1e-6)
        mid, value = mid_now, value_now
        rewards.append(reward)
    _, last, terminated, *_ = env.step(np.array([1.0, -1.0], np.float32))
    assert terminated
    assert last < min(rewards), "the sweep costs more than a step"
    env.close()


@pytest.mark.parametrize("scenario", ["mean_reverting", "trending", "santa_fe"])
def test_where_the_value_is_no_martingale_it_is_refused(scenario: str) -> None:
    with pytest.raises(UsageError, match="control_variate"):
        gymnasium.make("hftgym/MarketMaking-v0", scenario=scenario, control_variate=True)
