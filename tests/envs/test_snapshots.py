"""Snapshots of environments: the same future again, here or elsewhere."""

from __future__ import annotations

import gymnasium
import numpy as np
import pytest

from hftgym.errors import UsageError
from tests.envs.making import FEW, actions, single, vector


@pytest.mark.parametrize("env_id", ["MarketMaking", "Execution", "Taking", "Trading"])
def test_the_future_again(env_id: str) -> None:
    def make():
        return gymnasium.make(
            f"hftgym/{env_id}-v0",
            disable_env_checker=True,
            observation="messages",
            target_lots=500,
            horizon_s=40.0,
            **FEW,
        ).unwrapped

    env, other = make(), make()
    env.reset(seed=3)
    env.action_space.seed(1)
    played = [env.action_space.sample() * 1 for _ in range(60)]
    for a in played[:4]:
        env.step(a)
    kept = env.snapshot()
    first = [env.step(a)[:4] for a in played[4:6]]
    other.reset(seed=8)
    for target in (env, other):
        target.restore(kept)
        for a, (obs, *rest) in zip(played[4:6], first, strict=True):
            again, *same = target.step(a)[:4]
            np.testing.assert_array_equal(again, obs)
            assert same == rest


def test_the_next_episodes_too() -> None:
    env = vector(3, horizon_s=5.0)
    env.reset(seed=1)
    played = actions(2, 45, 3)
    for a in played[:7]:
        env.step(a)
    kept = env.snapshot()
    first = [env.step(a)[:4] for a in played[7:]]
    env.restore(kept)
    for a, before in zip(played[7:], first, strict=True):
        for x, y in zip(env.step(a)[:4], before, strict=True):
            np.testing.assert_array_equal(x, y)


def test_a_snapshot_of_something_else_changes_nothing() -> None:
    env, other = single(), single(lots=2)
    for one in (env, other):
        one.reset(seed=1)
    before = env.market.tobytes()
    with pytest.raises(UsageError, match="another market, task or number"):
        env.restore(other.snapshot())
    with pytest.raises(UsageError, match="another market"):
        env.restore(b"")
    assert env.market.tobytes() == before


def test_the_exchange_keeps_the_learners_limits() -> None:
    env = single(limits={"position_lots": 1}, horizon_s=60.0, lots=3)
    env.reset(seed=1)
    for a in actions(1, 120)[:, 0]:
        env.step(a)
    assert int(env.last_episode["rejects"]) > 0
    assert int(env.last_episode["fills"]) == 0
    with pytest.raises(UsageError, match=r"limits\.position_lots"):
        single(limits={"position_lots": 0})


def test_one_past_has_many_futures() -> None:
    env = vector(2)
    env.reset(seed=1)
    played = actions(3, 12, 2)
    for action in played[:6]:
        env.step(action)
    kept = env.snapshot()

    def future(seeds: list[int] | None) -> list[np.ndarray]:
        seen = [env.restore(kept, seeds)]
        return seen + [env.step(action)[0] for action in played[6:]]

    as_it_was, first, again, other = (future(s) for s in (None, [1, 2], [1, 2], [1, 3]))
    np.testing.assert_array_equal(as_it_was[0], first[0])
    np.testing.assert_array_equal(np.stack(first), np.stack(again))
    assert not np.array_equal(np.stack(as_it_was), np.stack(first))
    np.testing.assert_array_equal(np.stack(first)[:, 0], np.stack(other)[:, 0])
    assert not np.array_equal(np.stack(first)[:, 1], np.stack(other)[:, 1])
    before = env.snapshot()
    with pytest.raises(UsageError, match="futures: 1 for 2 markets"):
        env.restore(kept, [1])
    goes_on = env.step(played[0])[0]
    env.restore(before)
    np.testing.assert_array_equal(env.step(played[0])[0], goes_on)
