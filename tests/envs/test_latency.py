"""A learner's own latencies: constant, lognormal or recorded, on each channel."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hftgym.errors import UsageError
from hftgym.latency import Latency, Lognormal
from tests.envs.making import actions, single, vector

MS = 1_000_000
VARYING: dict[str, Any] = {
    "feed_ns": {"median_ns": 20 * MS, "sigma": 0.5, "longest_ns": 400 * MS},
    "order_ns": {"median_ns": 10 * MS, "sigma": 1.0, "floor_ns": MS},
}


def learner_of(env: Any) -> Any:
    return env.market["part"][env.setting.blueprint.learners[0]]


def test_decisions_keep_their_rhythm_while_the_feed_varies() -> None:
    env = single(horizon_s=10.0, latency=VARYING)
    env.reset(seed=3)
    ages, last = [], 0
    for action in actions(1, 20)[:, 0]:
        now = int(env.market["now_ns"])
        assert last in (0, now - 500 * MS)
        last = now
        learner = learner_of(env)
        view = env.market["views"][int(learner["awaiting_view"])]
        ages.append(int(view["delivered_ns"]) - int(view["t_ns"]))
        env.step(action)
    assert len(set(ages)) == len(ages)
    assert 5 * MS < np.median(ages) < 80 * MS
    assert int(learner_of(env)["orders_sent"]) > 10


def test_a_slower_learner_knows_less_and_acts_later() -> None:
    """The first quote rests after feed and order latency, and not before."""
    for order_ns in (5 * MS, 300 * MS):
        env = single(horizon_s=5.0, latency={"order_ns": order_ns})
        env.reset(seed=3)
        sent = int(env.market["now_ns"])
        env.step(np.zeros(2, np.float32))
        assert int(learner_of(env)["last_arrival_ns"]) == sent + order_ns
        assert int(learner_of(env)["feed_ns"]) == 5 * MS  # channels that are not named keep 5 ms


def test_one_of_many_is_the_single_environment_whatever_the_latency() -> None:
    one, many = single(horizon_s=5.0, latency=VARYING), vector(3, horizon_s=5.0, latency=VARYING)
    obs, _ = one.reset(seed=12)
    all_obs, _ = many.reset(seed=10)
    np.testing.assert_array_equal(all_obs[2], obs)
    for row in actions(5, 9, 3):
        obs, reward, *_ = one.step(row[2])
        all_obs, rewards, *_ = many.step(row)
        np.testing.assert_array_equal(all_obs[2], obs)
        assert rewards[2] == pytest.approx(reward, abs=0)


def test_latencies_may_come_as_a_model_or_from_a_recording(tmp_path: Path) -> None:
    file = tmp_path / "mine.csv"
    file.write_text("latency_ns\n7000000\n")
    model = Latency(feed_ns=Lognormal(median_ns=MS, longest_ns=2 * MS), order_ns=7 * MS)
    for latency in (model, {"order_ns": {"file": str(file)}}):
        env = single(horizon_s=2.0, latency=latency)
        env.reset(seed=1)
        sent = int(env.market["now_ns"])
        env.step(np.zeros(2, np.float32))
        assert int(learner_of(env)["last_arrival_ns"]) == sent + 7 * MS


@pytest.mark.parametrize(
    ("latency", "text"),
    [
        ({"feed_ns": 600 * MS}, "step_s: 0.5 is shorter than the feed's latency, which can be 6"),
        ({"feed_ns": {"median_ns": MS}}, "which can be 3600000000000 ns"),
        ({"order_ns": -3}, "latency.order_ns: Value error, must be 0 to"),
        ({"orders_ns": 3}, "latency.orders_ns: Extra inputs are not permitted"),
    ],
)
def test_a_wrong_latency_is_refused(latency: dict[str, Any], text: str) -> None:
    with pytest.raises(UsageError, match=text):
        single(latency=latency)
