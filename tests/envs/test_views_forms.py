"""What is observed beside the summary: levels of the view, and recent public messages."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from hftgym.core.constants import NEVER_NS
from hftgym.core.entries import advance_one
from hftgym.core.records import LOG, LOG_ROWS
from hftgym.envs.layout import LEVEL_FIELDS, MESSAGE_FIELDS, OBSERVATIONS
from hftgym.envs.task import IO
from hftgym.feed import FeedKind, public_feed
from tests.envs.making import actions, single
from tests.envs.probes import act_one


def view_of(env: Any) -> Any:
    learner = env.setting.blueprint.learners[0]
    return env.market["views"][int(env.market["part"][learner]["awaiting_view"])]


def test_levels_are_those_of_the_delivered_view() -> None:
    env = single(observation="levels", levels=4, horizon_s=60.0)
    obs, _ = env.reset(seed=3)
    h0 = env.half_spread_tick
    for a in actions(3, 100)[:, 0]:
        rows = obs[OBSERVATIONS:].reshape(4, LEVEL_FIELDS)
        view = view_of(env)
        mid = int(view["mid_2px"]) / 2
        for k in range(4):
            for j, (side, sign) in enumerate((("bid", 1), ("ask", -1))):
                px, lots = int(view[f"{side}_px"][k]), int(view[f"{side}_lots"][k])
                distance = np.clip(sign * (mid - px) / h0, -5, 5) if lots else 5.0
                assert rows[k, 2 * j] == pytest.approx(distance, abs=1e-5)
                assert rows[k, 2 * j + 1] == pytest.approx(lots / (lots + 10), abs=1e-6)
        obs, *_ = env.step(a)


@pytest.mark.parametrize("capacity", [2_048, 1_000])
def test_messages_are_the_public_feed_up_to_the_view(capacity: int) -> None:
    """The same market is run beside with a whole log; what is published by then, newest first.

    A small log makes the loop pause again and again: no row is lost.
    """
    shown = 48
    env = single(observation="messages", messages=shown, horizon_s=100.0)
    plain = single(horizon_s=100.0)
    env._batch.logs["capacity"] = capacity
    env.reset(seed=7)
    plain.reset(seed=7)
    log = np.zeros(1, LOG)
    log[0]["capacity"] = LOG_ROWS
    markets, io = plain._batch.markets, np.zeros(1, IO)
    h0 = env.half_spread_tick
    rows = np.zeros(0, log["rows"].dtype)
    compared = 0
    for step, a in enumerate(actions(7, 200)[:, 0]):
        obs, *_ = env.step(a)
        io[0]["action"][:2] = a
        act_one(markets, plain.setting.task, io)
        blueprint = plain.setting.blueprint
        advance_one(markets, 0, blueprint.table, blueprint.ops, log, NEVER_NS, -1)
        used = int(markets[0]["log_used"])
        rows = np.concatenate([rows, log["rows"][0][:used]])
        markets[0]["log_used"] = 0
        view = view_of(env)
        feed = public_feed(rows)
        feed = feed[np.isin(feed["kind"], (FeedKind.ADD, FeedKind.REMOVE, FeedKind.TRADE))]
        feed = feed[feed["t_ns"] <= int(view["t_ns"])][::-1][:shown]
        if step < 20 or len(feed) < shown:
            continue
        seen = obs[OBSERVATIONS:].reshape(shown, MESSAGE_FIELDS)
        age = (int(view["t_ns"]) - feed["t_ns"]) / 1e9
        np.testing.assert_allclose(seen[:, 0], age / (age + 1), atol=1e-6)
        distance = np.clip((feed["px"] - int(view["mid_2px"]) / 2) / h0, -5, 5)
        np.testing.assert_allclose(seen[:, 1], distance, atol=1e-5)
        np.testing.assert_allclose(seen[:, 2], feed["lots"] / (feed["lots"] + 5), atol=1e-6)
        np.testing.assert_array_equal(seen[:, 3], feed["side"])
        change = (feed["kind"] == FeedKind.ADD) * 1 - (feed["kind"] == FeedKind.REMOVE) * 1
        np.testing.assert_array_equal(seen[:, 4], change)
        np.testing.assert_array_equal(seen[:, 5], feed["kind"] == FeedKind.TRADE)
        compared += 1
    assert compared > 150


def test_messages_change_nothing_but_the_observation() -> None:
    env, plain = single(observation="messages", horizon_s=30.0), single(horizon_s=30.0)
    first, other = env.reset(seed=1)[0], plain.reset(seed=1)[0]
    assert (first[OBSERVATIONS:].reshape(-1, MESSAGE_FIELDS)[:, 0] < 1.0).all()  # from the burn-in
    for a in actions(1, 60)[:, 0]:
        np.testing.assert_array_equal(first[:OBSERVATIONS], other)
        (first, reward, *_), (other, same, *_) = env.step(a), plain.step(a)
        assert reward == same
