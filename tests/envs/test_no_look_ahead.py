"""No look-ahead: what could not be known yet may be anything, and the observation stays.

What a learner knows at a decision left the exchange before: its view one feed latency ago, its
responses one response latency ago. So the market is run to that moment, given another future (all
random streams and the path of the value are exchanged), and run on to the decision. Observation and
mask must be the same to the bit. Five planted leaks, each a number that a careless environment
might show, must be caught by the same comparison.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import gymnasium
import numpy as np
import pytest

from hftgym.core.constants import NEVER_NS, Status
from hftgym.core.entries import advance_one, reseed_one
from hftgym.core.jit import kernel
from hftgym.envs.observe import observe, remember, write_mask
from hftgym.envs.recent import take_messages
from hftgym.envs.task import IO
from tests.envs.making import FEW
from tests.envs.probes import act_one

MS = 1_000_000
Task = tuple[str, dict[str, Any], tuple[int, int, int]]
TASKS: list[Task] = [
    # arguments, and feed, order and response latency in ms
    ("MarketMaking", {}, (5, 5, 5)),
    ("MarketMaking", {"action": "discrete", "observation": "levels"}, (100, 1, 30)),
    ("MarketMaking", {"observation": "messages"}, (40, 5, 200)),
    ("Execution", {"target_lots": 400}, (20, 20, 20)),
    ("Trading", {"observation": "messages"}, (200, 50, 200)),
]
SLOW = ("MarketMaking", {"observation": "messages"}, (400, 1, 400))  # much happens unseen
CHANGES = 500

Seen = Callable[[Any, Any], Any]


@kernel
def look(markets, states, tasks, recents, logs, obs, ios):
    """Take in what has been delivered to the learner of market 0, and write what it observes."""
    m = markets[0]
    s = states[0]
    task = tasks[0]
    if logs[0].capacity > 0:
        take_messages(m, logs[0], recents[0])
    s.step += 1
    remember(s, m.views[m.part[task.learner].awaiting_view], task.ring)
    observe(m, s, task, recents[0], obs[0])
    if task.choices[0] != 0:
        write_mask(m, task, ios[0])


def run(env: Any, until_ns: int) -> int:
    """Run the market up to a time, or to the learner's decision."""
    batch, blueprint = env._batch, env.setting.blueprint
    status = Status.LOG_FULL
    while status == Status.LOG_FULL:
        status = Status(
            advance_one(batch.markets, 0, blueprint.table, blueprint.ops, batch.logs, until_ns, -1)
        )
    return int(status)


def decide(env: Any, action: Any, known_ns: int, seed: int | None) -> Any:
    """Act, run to the next decision with another future from ``known_ns`` before it, and look."""
    batch = env._batch
    io = np.zeros(1, IO)
    io[0]["action"][: np.size(action)] = action
    act_one(batch.markets, env.setting.task, io)
    decision_ns = int(batch.markets[0]["now_ns"]) + env.setting.step_ns
    assert run(env, decision_ns - known_ns) == Status.UNTIL
    if seed is not None:
        reseed_one(batch.markets, 0, np.uint64(seed))
    assert run(env, NEVER_NS) == Status.EXTERNAL
    assert int(batch.markets[0]["now_ns"]) == decision_ns
    look(
        batch.markets,
        batch.states,
        env.setting.task,
        batch.recents,
        batch.logs,
        batch.obs,
        batch.ios,
    )
    return batch


def compare(task: Task, changes: int, leak: Seen | None) -> int:
    """Return in how many of so many changes of the future something seen has changed."""
    name, arguments, (feed, order, response) = task
    latency = {"feed_ns": feed * MS, "order_ns": order * MS, "response_ns": response * MS}
    env, other = (
        gymnasium.make(
            f"hftgym/{name}-v0",
            disable_env_checker=True,
            latency=latency,
            horizon_s=600.0,
            **(FEW | arguments),
        ).unwrapped
        for _ in range(2)
    )
    known_ns = min(feed, response) * MS
    rng = np.random.default_rng(0)
    different = 0

    def sample() -> Any:
        action = env.action_space.sample()
        if name == "Execution":
            action[1] = -1.0  # quotes only: the target is never done
        return action

    for change in range(changes):
        if change % 100 == 0:
            env.reset(seed=change)
            env.action_space.seed(change)
            other.reset(seed=0)
        for _ in range(int(rng.integers(0, 4))):
            env.step(sample())
        other.restore(env.snapshot())
        action = sample()
        before = decide(env, action, known_ns, None)
        after = decide(other, action, known_ns, change + 1)
        same = np.array_equal(before.obs, after.obs)
        same = same and np.array_equal(before.ios["mask"], after.ios["mask"])
        if leak is not None:
            same = same and leak(env, before) == leak(other, after)
        different += not same
    return different


def learner_of(env: Any) -> Any:
    return env.market["part"][env.setting.blueprint.learners[0]]


def true_mid(env: Any, batch: Any) -> Any:
    """The mid now, not that of the view."""
    return int(env.market["books"][0]["mid_2px"])


def true_position(env: Any, batch: Any) -> Any:
    """A fill that the exchange has not told of yet."""
    account = learner_of(env)["account"]
    return int(account["position"]), int(account["open_buy_lots"])


def latent_value(env: Any, batch: Any) -> Any:
    """The value that informed traders see."""
    return env.market["value"]["ring"].tobytes()


def newest_message(env: Any, batch: Any) -> Any:
    """A public message that left the exchange after the view."""
    recent = batch.recents[0]
    return recent["rows"][(int(recent["head"]) - 1) % len(recent["rows"])].tobytes()


def queue_now(env: Any, batch: Any) -> Any:
    """Lots at the best prices now, in front of the own orders."""
    book = env.market["books"][0]
    return int(book["touch_bid_lots"]), int(book["touch_ask_lots"]), int(book["volume"])


@pytest.mark.parametrize("task", TASKS, ids=lambda task: task[0])
def test_another_future_is_not_seen(task: Task) -> None:
    assert compare(task, CHANGES // len(TASKS), None) == 0


@pytest.mark.slow
@pytest.mark.parametrize("task", TASKS, ids=lambda task: task[0])
def test_ten_thousand_other_futures_are_not_seen(task: Task) -> None:
    assert compare(task, 10_000 // len(TASKS), None) == 0


@pytest.mark.parametrize("leak", [true_mid, true_position, latent_value, newest_message, queue_now])
def test_a_planted_leak_is_caught(leak: Seen) -> None:
    assert compare(SLOW, 100, leak) > 0
