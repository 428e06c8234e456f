"""Several learners in one book: PettingZoo's own tests, and ours for what they do not look at."""

from __future__ import annotations

import warnings
from functools import partial
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from pettingzoo.test import (
    api_test,
    max_cycles_test,
    parallel_api_test,
    parallel_seed_test,
    render_test,
    seed_test,
    state_test,
)
from pettingzoo.test.save_obs_test import test_save_obs as save_obs

from hftgym.envs import market_v0
from hftgym.envs.market_batch import MarketBatch
from hftgym.errors import UsageError
from tests.envs.making import conservation, single

FEW: dict[str, Any] = {"snapshots": 3}
ALIKE = {"maker_0": {}, "maker_1": {}, "trader_0": {"action": "continuous"}}
MIXED = {
    "maker_0": {"latency": {"feed_ns": 1_000_000}},
    "maker_1": {"action": "discrete", "reward": "asymmetric", "observation": "levels"},
    "taker_0": {"latency": {"feed_ns": 40_000_000, "order_ns": 20_000_000}},
    "executor_0": {"side": "sell", "target_lots": 6, "lots": 3},
    "trader_0": {"limits": {"open_orders": 1}},
}


def make(agents: Any = None, **arguments: Any) -> market_v0.MarketEnv:
    return market_v0.parallel_env(agents=agents, **(FEW | arguments))


def sample(env: Any, rng: np.random.Generator) -> dict[str, Any]:
    """Return random actions of the agents that are there."""
    actions: dict[str, Any] = {}
    for name in env.agents:
        space = env.action_space(name)
        if hasattr(space, "nvec"):
            actions[name] = rng.integers(0, space.nvec)
        elif hasattr(space, "n"):
            actions[name] = rng.integers(0, space.n)
        else:
            actions[name] = rng.uniform(-1, 1, space.shape).astype(np.float32)
    return actions


@pytest.mark.parametrize("agents", [ALIKE, MIXED], ids=["alike", "mixed"])
def test_the_suites_of_pettingzoo(agents: Any, capsys: Any) -> None:
    parallel = partial(market_v0.parallel_env, agents=agents, max_cycles=60, **FEW)
    aec = partial(market_v0.env, agents=agents, max_cycles=60, **FEW)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        # Roles see different numbers, and that is what they are for.
        for text in (
            ".*different observation space sizes",
            ".*different shapes",
            ".*space for each agent probably should be",
        ):
            warnings.filterwarnings("ignore", message=text)
        parallel_api_test(parallel(), num_cycles=1_000)
        api_test(aec(), num_cycles=1_000, verbose_progress=False)
        seed_test(aec, num_cycles=500)
        parallel_seed_test(parallel, num_cycles=500)
        state_test(aec(), parallel(), num_cycles=10)
        save_obs(aec())
        render_test(aec)
    if agents is ALIKE:  # who ends early is no agent of a fixed number of cycles
        few = partial(market_v0.parallel_env, agents=agents, **FEW)
        many = partial(market_v0.env, agents=agents, **FEW)
        max_cycles_test(SimpleNamespace(parallel_env=few, env=many))
    assert "Passed" in capsys.readouterr().out


def test_the_same_seed_is_the_same_history() -> None:
    """10,000 steps, through the ends of episodes."""
    one, two = make(MIXED, max_cycles=200), make(MIXED, max_cycles=200)
    rng = [np.random.default_rng(1), np.random.default_rng(1)]
    histories: list[list[Any]] = [[], []]
    for env, history, own in zip((one, two), histories, rng, strict=True):
        for episode in range(50):
            env.reset(seed=5 if episode == 0 else None)
            while env.agents:
                obs, rewards, *_ = env.step(sample(env, own))
                history.append(
                    (tuple(rewards.values()), b"".join(o.tobytes() for o in obs.values()))
                )
    assert len(histories[0]) == 10_000
    assert histories[0] == histories[1]
    assert len({h[0] for h in histories[0]}) > 5_000


def test_one_learner_is_the_single_environment() -> None:
    """But for its name, which decides nothing where no stream of its own is drawn from."""
    env, alone = make({"maker_0": {}}, max_cycles=100), single(horizon_s=50.0)
    obs, _ = env.reset(seed=3)
    first, _ = alone.reset(seed=3)
    rng = np.random.default_rng(0)
    np.testing.assert_array_equal(obs["maker_0"], first)
    while env.agents:
        action = rng.uniform(-1, 1, 2).astype(np.float32)
        obs, rewards, over, *_ = env.step({"maker_0": action})
        first, reward, terminated, *_ = alone.step(action)
        np.testing.assert_array_equal(obs["maker_0"], first)
        assert (rewards["maker_0"], over["maker_0"]) == (reward, terminated)


def test_accounts_add_up_and_who_is_done_leaves() -> None:
    env = make(MIXED, max_cycles=120)
    rng = np.random.default_rng(4)
    left = 0
    for seed in range(4):
        env.reset(seed=seed)
        gone: set[str] = set()
        while env.agents:
            before = list(env.agents)
            obs, rewards, terminated, truncated, infos = env.step(sample(env, rng))
            for keys in (obs, rewards, terminated, truncated, infos):
                assert list(keys) == before
            assert conservation(env.market) == (0, 0)
            assert not gone & set(env.agents)
            gone |= set(before) - set(env.agents)
            if "executor_0" in gone and env.agents:
                p = env.setting.blueprint.learners[3]
                account = env.market["part"][p]["account"]
                assert int(account["position"]) == -6
        episode = env.last_episode("executor_0")
        assert int(env.last_episode("maker_0")["steps"]) == 120
        left += int(episode["steps"]) < 120
        assert env.state().shape == env.state_space.shape
    assert left > 0


def test_all_see_the_market_of_one_instant_as_late_as_their_feeds_are() -> None:
    env = make(MIXED)
    env.reset(seed=1)
    env.step(sample(env, np.random.default_rng(1)))
    market = env.market
    for j, late_ns in enumerate((1_000_000, 5_000_000, 40_000_000, 5_000_000, 5_000_000)):
        part = market["part"][env.setting.blueprint.learners[j]]
        view = market["views"][int(part["awaiting_view"])]
        assert int(view["delivered_ns"]) == int(market["now_ns"])
        assert int(view["delivered_ns"]) - int(view["t_ns"]) == late_ns


def test_who_comes_first_is_drawn() -> None:
    """Two makers with one latency send the same quote at one instant, into an empty level."""
    first = {"maker_0": 0, "maker_1": 0}
    for seed in range(40):
        env = make({"maker_0": {}, "maker_1": {}}, max_cycles=3)
        env.reset(seed=seed)
        for _ in range(2):
            env.step({name: np.array([-0.2, 1.0], np.float32) for name in env.agents})
        queue = {}
        for name, p in zip(first, env.setting.blueprint.learners, strict=True):
            view = env.market["views"][int(env.market["part"][p]["awaiting_view"])]
            queue[name] = int(view["queue_ahead"][0])
        if min(queue.values()) >= 0 and queue["maker_0"] != queue["maker_1"]:
            first[min(queue, key=lambda name: queue[name])] += 1
    assert min(first.values()) >= 8


def test_a_batch_is_many_single_markets() -> None:
    batch = MarketBatch(6, agents=MIXED, max_cycles=40, **FEW)
    envs = [make(MIXED, max_cycles=40) for _ in range(6)]
    batch.reset(seed=5)
    for i, env in enumerate(envs):
        env.reset(seed=5 + i)
    rng, ended = np.random.default_rng(0), 0
    for _ in range(100):
        actions = {}
        for name in batch.possible_agents:
            space = batch.action_spaces[name]
            shape = (6, *space.shape)
            high = getattr(space, "nvec", getattr(space, "n", None))
            actions[name] = (
                rng.uniform(-1, 1, shape).astype(np.float32)
                if high is None
                else rng.integers(0, np.broadcast_to(high, shape))
            )
        step = batch.step(actions)
        for i, env in enumerate(envs):
            acting = list(env.agents)
            obs, rewards, terminated, truncated, _ = env.step({a: actions[a][i] for a in acting})
            for name in batch.possible_agents:
                assert step.acted[name][i] == (name in acting)
                assert step.rewards[name][i] == rewards.get(name, 0.0)
                assert step.terminations[name][i] == terminated.get(name, False)
                assert step.truncations[name][i] == truncated.get(name, False)
            assert step.began[i] == (not env.agents)
            if step.began[i]:
                ended += 1
                for name in acting:
                    np.testing.assert_array_equal(step.final_observations[name][i], obs[name])
                obs, _ = env.reset()
            for name, seen in obs.items():
                np.testing.assert_array_equal(step.observations[name][i], seen)
    assert ended >= 12
    kept = batch.snapshot()
    first = batch.step(actions)
    batch.restore(kept)
    again = batch.step(actions)
    for name in batch.possible_agents:
        np.testing.assert_array_equal(first.observations[name], again.observations[name])


@pytest.mark.parametrize(
    ("agents", "text"),
    [
        ({}, "there is none"),
        ({"MM0": {}}, "'MM0'; a name must be as"),
        ({"broker_0": {}}, "role 'broker' is unknown"),
        ({"maker_0": {"latencies": {}}}, "unexpected keyword argument 'latencies'.*latency"),
        (
            {
                "maker_0": {},
                "maker_1": {"latency": {"feed_ns": {"median_ns": 9, "longest_ns": 99}}},
            },
            "must be a number",
        ),
    ],
)
def test_what_is_not_right_is_named(agents: Any, text: str) -> None:
    with pytest.raises(UsageError, match=text):
        make(agents)


def test_a_step_is_refused_whole() -> None:
    env = make(MIXED)
    env.reset(seed=2)
    good = sample(env, np.random.default_rng(0))
    before = env.market.tobytes()
    for bad in (
        {name: good[name] for name in list(good)[1:]},
        good | {"maker_0": np.array([0.0, np.nan])},
        good | {"taker_0": 3},
        good | {"maker_1": np.array([0.0, 1.0])},
    ):
        with pytest.raises(UsageError):
            env.step(bad)
        assert env.market.tobytes() == before
    env.step(good)
