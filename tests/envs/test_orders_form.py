"""The order-level form: verbs do what they say, the mask knows which can, limits hold."""

from __future__ import annotations

from typing import Any

import gymnasium
import numpy as np
import pytest

from hftgym.core.constants import OwnState
from hftgym.envs.forms import PRICES_TICK, VERBS
from hftgym.envs.rendering.known import own_state
from tests.envs.making import FEW

WAIT, LIMIT, MARKET, AMEND, CANCEL = range(len(VERBS))
BEHIND_2 = PRICES_TICK.index(2)
BEHIND_4 = PRICES_TICK.index(4)


def make(**arguments: Any) -> Any:
    env = gymnasium.make(
        "hftgym/Trading-v0", disable_env_checker=True, **(FEW | {"horizon_s": 60.0} | arguments)
    ).unwrapped
    env.reset(seed=2)
    return env


def own(env: Any) -> Any:
    return own_state(env.market, env.setting.blueprint.learners[0])


def send(env: Any, verb: int, slot: int = 0, side: int = 0, price: int = BEHIND_2, size: int = 0):
    return env.step(np.array([verb, slot, side, price, size]))


def test_place_amend_cancel() -> None:
    env = make()
    view = env.market["views"][
        int(env.market["part"][env.setting.blueprint.learners[0]]["awaiting_view"])
    ]
    bid_px = int(view["bid_px"][0])
    send(env, LIMIT, slot=2, size=1)
    order = own(env)["orders"][2]
    assert (int(order["state"]), int(order["px"])) == (OwnState.LIVE, bid_px - 2)
    assert (int(order["lots"]), int(order["side"])) == (2, 1)
    send(env, AMEND, slot=2, side=1, price=BEHIND_4, size=0)  # an amended order keeps its side
    order = own(env)["orders"][2]
    assert (int(order["lots"]), int(order["side"])) == (1, 1)
    obs, *_ = send(env, WAIT)
    names = [one.name for one in env.observation_fields]
    assert obs[names.index("order_2_side")] == 1.0
    assert obs[names.index("order_2_pending")] == 0.0
    assert obs[names.index("order_1_side")] == 0.0
    send(env, CANCEL, slot=2)
    assert int(own(env)["orders"][2]["state"]) == OwnState.FREE


def test_a_smaller_amend_keeps_the_place_and_a_larger_one_loses_it() -> None:
    env = make(lots=1)
    learner = env.setting.blueprint.learners[0]
    send(env, LIMIT, slot=0, price=BEHIND_4, size=2)
    send(env, WAIT)
    index = int(env.market["slots"]["order"][int(env.market["part"][learner]["own_first"])])
    order = env.market["orders"][index]
    assert int(order["lots"]) == 5
    own_px = int(own(env)["orders"][0]["px"])

    def touch() -> int:
        view = env.market["views"][int(env.market["part"][learner]["awaiting_view"])]
        return int(view["bid_px"][0])

    behind = touch() - own_px  # the price that keeps the order where it is
    if not 0 <= behind <= 6:
        pytest.skip("the touch has moved away in this market")
    before = int(order["prev"])
    send(env, AMEND, slot=0, price=PRICES_TICK.index(behind), size=1)
    assert int(own(env)["orders"][0]["lots"]) == 2
    assert int(order["prev"]) in (before, -1)  # whoever was behind is not before it now


def test_market_orders_take() -> None:
    env = make()
    for _ in range(3):
        send(env, MARKET, side=0, size=1)
    send(env, WAIT)
    assert int(own(env)["position"]) == 6
    send(env, MARKET, side=1, size=2)
    send(env, WAIT)
    assert int(own(env)["position"]) == 1


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_the_mask_says_which_verbs_send_something(seed: int) -> None:
    env = make(max_inventory_lot=4)
    env.action_space.seed(seed)
    account = env.market["part"][env.setting.blueprint.learners[0]]["account"]
    sent = {True: 0, False: 0}
    mask = env.action_masks()
    for _ in range(110):
        action = env.action_space.sample()
        before = int(account["messages"])
        _, _, over, _, info = env.step(action)
        arrived = int(account["messages"]) > before
        if not mask[action[0]] or action[0] == WAIT:
            assert not arrived, action
        sent[arrived] += 1
        assert abs(int(account["position"])) <= 4
        assert int(account["position"]) + int(account["open_buy_lots"]) <= 4
        assert int(account["position"]) - int(account["open_sell_lots"]) >= -4
        mask = info["action_mask"].astype(bool)
        assert mask.shape == (24,)
        for first, count in ((0, 5), (5, 4), (9, 2), (11, 10), (21, 3)):
            assert mask[first : first + count].any()
        if over:
            break
    assert min(sent.values()) > 10
