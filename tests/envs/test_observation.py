"""The observation, counted again in plain numpy, and what it must not depend on."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from hftgym.core.constants import OwnState
from hftgym.core.records import VIEW
from hftgym.envs.layout import OBS_INDEX
from hftgym.envs.rendering.known import own_state
from hftgym.scenario import load_scenario
from tests.envs.making import actions, single
from tests.envs.probes import observe_one

VALUE = load_scenario("default").value
assert VALUE is not None
#: Diffusion and jumps of the value, ticks per square root of a second.
SIGMA = math.sqrt(VALUE.sigma_tick_per_sqrt_s**2 + VALUE.jump_per_s * VALUE.jump_sd_tick**2)


def view_of(env: Any) -> Any:
    learner = env.setting.blueprint.learners[0]
    return env.market["views"][int(env.market["part"][learner]["awaiting_view"])]


def expected(env: Any, views: list[np.ndarray], step: int, begin: float) -> dict[str, float]:
    """Count the observation from the views so far and the learner's own state."""
    view, own = views[-1], own_state(env.market, env.setting.blueprint.learners[0])
    now = int(env.market["now_ns"])
    mid = int(view["mid_2px"]) / 2
    h0 = env.half_spread_tick
    bid, ask = int(view["bid_px"][0]), int(view["ask_px"][0])
    bids, asks = view["bid_lots"].astype(float), view["ask_lots"].astype(float)
    want = {
        "inventory": int(own["position"]) / 10,
        "time_left": 1 - step / env.setting.steps,
        "spread": (ask - bid) / (2 * h0),
        "microprice_offset": ((bid * asks[0] + ask * bids[0]) / (bids[0] + asks[0]) - mid) / h0,
        "bid_at_limit": float(own["position"] >= 10),
        "ask_at_limit": float(own["position"] <= -10),
    }
    unit = env.setting.scenario.instrument.unit_value
    wealth = int(own["cash"]) + int(own["position"]) * mid * unit
    want["wealth"] = (wealth - begin) / unit / (10 * SIGMA * math.sqrt(env.setting.steps * 0.5))
    for k in (1, 2, 3):
        b, a = bids[:k].sum(), asks[:k].sum()
        want[f"imbalance_{k}"] = (b - a) / (b + a)
    scales = env.setting.scales
    for i, (name, steps) in enumerate((("1s", 2), ("10s", 20))):
        ofi = int(view["ofi"]) - int(views[-1 - steps]["ofi"])
        flow = int(view["signed_volume"]) - int(views[-1 - steps]["signed_volume"])
        want[f"ofi_{name}"] = ofi / scales.ofi_lots[i]
        want[f"signed_volume_{name}"] = flow / scales.flow_lots[i]
    for name, steps in (("0.5s", 1), ("2s", 4), ("10s", 20)):
        move = mid - int(views[-1 - steps]["mid_2px"]) / 2
        want[f"return_{name}"] = move / (2 * SIGMA * math.sqrt(steps * 0.5))
    mids = np.array([int(v["mid_2px"]) / 2 for v in views[-21:]])
    want["volatility_ratio"] = math.sqrt(np.mean(np.diff(mids) ** 2) / 0.5) / SIGMA
    for slot, side, name in ((0, 1, "bid"), (1, -1, "ask")):
        order = own["orders"][slot]
        fill_ns = int(own[f"last_{name}_fill_ns"])
        since = (now - fill_ns) / 1e9
        want[f"{name}_since_fill"] = since / (since + 30) if fill_ns else 1.0
        state = int(order["state"])
        resting = state != OwnState.FREE
        age = (now - int(order["sent_ns"])) / 1e9
        want[f"{name}_distance"] = side * (mid - int(order["px"])) / h0 if resting else 5.0
        want[f"{name}_live"] = float(resting)
        want[f"{name}_pending"] = float(resting and state != OwnState.LIVE)
        want[f"{name}_age"] = age / (age + 5) if resting else 0.0
        ahead, share = int(view["queue_ahead"][slot]), 1.0
        if resting and ahead >= 0:
            levels = dict(
                zip(view[f"{name}_px"].tolist(), view[f"{name}_lots"].tolist(), strict=True)
            )
            level = levels.get(int(order["px"]), 0)
            share = min(ahead / level, 1.0) if level else ahead / (ahead + int(order["lots"]))
        want[f"{name}_queue_share"] = share
    return {name: float(np.clip(value, -5.0, 5.0)) for name, value in want.items()}


def test_observation_counted_again() -> None:
    env = single(horizon_s=100.0, split="validation")
    views: list[np.ndarray] = []
    seen_fill = seen_queue = 0
    for seed in range(2):
        obs, _ = env.reset(seed=seed)
        views = [np.array(view_of(env), VIEW)]
        own = own_state(env.market, env.setting.blueprint.learners[0])
        unit = env.setting.scenario.instrument.unit_value
        begin = int(own["cash"]) + int(own["position"]) * int(views[0]["mid_2px"]) / 2 * unit
        for step, a in enumerate(actions(seed, 200, hold=9)[:, 0], start=1):
            obs, *_ = env.step(a)
            views.append(np.array(view_of(env), VIEW))
            if step >= 20:
                want = expected(env, views, step, begin)
                got = {name: float(obs[i]) for name, i in OBS_INDEX.items()}
                assert got == pytest.approx(want, abs=1e-6), step
                seen_fill += got["bid_since_fill"] < 1 or got["ask_since_fill"] < 1
                seen_queue += 0 < got["bid_queue_share"] < 1
    assert seen_fill > 20
    assert seen_queue > 20


def test_windows_reach_into_the_burn_in() -> None:
    env = single()
    obs, _ = env.reset(seed=3)
    assert int(env._batch.states[0]["known"]) == 21
    assert obs[OBS_INDEX["volatility_ratio"]] > 0.0


def test_the_truth_is_not_observed() -> None:
    """Everything but the delivered view and the own state is spoiled: the observation stays."""
    env = single()
    env.reset(seed=6)
    for a in actions(6, 50)[:, 0]:
        obs, *_ = env.step(a)
    market = env.market
    learner = env.setting.blueprint.learners[0]
    view = view_of(env)
    assert int(view["t_ns"]) == int(market["now_ns"]) - 5_000_000
    assert int(view["delivered_ns"]) == int(market["now_ns"])
    kept = int(market["part"][learner]["awaiting_view"])
    for i in range(len(market["views"])):
        if i != kept:
            market["views"][i]["mid_2px"] = -1
            market["views"][i]["bid_px"] = -1
            market["views"][i]["ofi"] = 1 << 40
    book = market["books"][0]
    for name in ("mid_2px", "last_px", "volume", "signed_volume", "ofi", "touch_bid_px"):
        book[name] = -12345
    book["touch_bid_lots"] = book["touch_ask_lots"] = 0
    book["sides"]["best"] = -77
    market["part"]["account"]["position"] = 999
    market["part"]["account"]["cash"] = 999
    market["orders"]["lots"] = 999
    market["orders"]["px"] = 999
    market["value"]["ring"] = np.nan
    market["seed"] = 0
    market["slots"]["order"] = -1
    batch = env._batch
    batch.obs[:] = 0.0
    observe_one(batch.markets, batch.states, env.setting.task, batch.recents, batch.obs)
    np.testing.assert_array_equal(batch.obs[0], obs)


def test_another_future_does_not_change_the_past() -> None:
    """Until its streams are exchanged, a market looks the same; afterwards it does not."""
    from hftgym.core.entries import reseed_one

    one, two = single(), single()
    one.reset(seed=9)
    two.reset(seed=9)
    played = actions(9, 60)[:, 0]
    for a in played[:30]:
        np.testing.assert_array_equal(one.step(a)[0], two.step(a)[0])
    reseed_one(two._batch.markets, 0, np.uint64(1))
    differs = [not np.array_equal(one.step(a)[0], two.step(a)[0]) for a in played[30:]]
    assert any(differs)


def test_scales_clip_less_than_one_in_a_thousand() -> None:
    from tests.envs.making import vector

    env = vector(64, horizon_s=100.0, snapshots=16)
    env.reset(seed=1)
    clipped = np.zeros(30)
    played = actions(2, 200, 64, hold=4)
    for a in played:
        obs, *_ = env.step(a)
        clipped += (np.abs(obs) >= 5.0).sum(axis=0)
    share = clipped / (200 * 64)
    without_order = [OBS_INDEX["bid_distance"], OBS_INDEX["ask_distance"]]  # 5 says: no order
    assert (np.delete(share, without_order) < 1e-3).all()


def test_masks_allow_what_makes_sense() -> None:
    env = single(action="discrete")
    _, info = env.reset(seed=1)
    assert info["action_mask"].shape == (12,)
    assert not info["action_mask"][1] and not info["action_mask"][7]  # nothing to keep yet
    assert env.action_masks().dtype == np.bool_
    for _ in range(3):
        *_, info = env.step(np.array([2, 4]))
    assert info["action_mask"][1] and info["action_mask"][7]
    view, own = view_of(env), own_state(env.market, env.setting.blueprint.learners[0])
    assert int(own["orders"][0]["px"]) <= int(view["ask_px"][0]) - 1
    wide = int(view["ask_px"][0]) - int(view["bid_px"][0]) >= 2
    assert bool(info["action_mask"][3]) == wide


def test_discrete_moves() -> None:
    """Each move puts the bid where it says, relative to the touch that was seen."""
    for move, behind in ((2, 0), (4, 1), (5, 2)):
        env = single(action="discrete")
        env.reset(seed=5)
        touch = int(view_of(env)["bid_px"][0])
        env.step(np.array([move, 0]))
        own = own_state(env.market, env.setting.blueprint.learners[0])
        order = own["orders"][0]
        if int(order["state"]) != OwnState.FREE:
            assert int(order["px"]) == touch - behind
        assert int(own["orders"][1]["state"]) == OwnState.FREE
    sent = int(env.market["part"][env.setting.blueprint.learners[0]]["account"]["messages"])
    env.step(np.array([1, 0]))
    account = env.market["part"][env.setting.blueprint.learners[0]]["account"]
    assert int(account["messages"]) == sent  # keep sends nothing
