"""A baseline is the participant of its name: as either, it writes the same history of the market.

An environment is reset; a copy of its market goes on with the participant in the learner's place,
one quote a step, around the mid as a learner sees it.
"""

from __future__ import annotations

from typing import Any

import gymnasium
import numpy as np
import pytest

from agents.avellaneda_stoikov import AvellanedaStoikov
from agents.avellaneda_stoikov import Params as AvellanedaStoikovParams
from agents.cartea_jaimungal import CarteaJaimungal
from agents.cartea_jaimungal import Params as CarteaJaimungalParams
from agents.constant_spread import ConstantSpread
from agents.constant_spread import Params as ConstantSpreadParams
from agents.glft import GLFT
from agents.glft import Params as GLFTParams
from agents.inventory_skew import InventorySkew
from agents.inventory_skew import Params as InventorySkewParams
from hftgym.envs import market_v0
from hftgym.scenario import ParticipantSpec, Scenario, load_scenario
from hftgym.simulator import Simulator

STEP_S = 1.0
HORIZON_S = 60.0
#: No feed latency: the learner sees its first view at the end of the burn-in, a multiple of the
#: sessions that the participants of the two formulas with a horizon repeat.
AT_ONCE = {"feed_ns": 0, "order_ns": 200_000, "response_ns": 100_000}

#: By name of the participant: the baseline, its parameters, and those of the participant.
PAIRS: dict[str, tuple[Any, Any, dict[str, float]]] = {
    "fixed_spread": (
        ConstantSpread,
        ConstantSpreadParams(half_spread_tick=1.3),
        {"half_spread_tick": 1.3},
    ),
    "inventory_skew": (
        InventorySkew,
        InventorySkewParams(half_spread_tick=1.3, skew_tick_per_lot=0.17),
        {"half_spread_tick": 1.3, "skew_tick_per_lot": 0.17},
    ),
    "avellaneda_stoikov": (
        AvellanedaStoikov,
        AvellanedaStoikovParams(gamma=0.002, kappa=0.9),
        {"gamma": 0.002, "kappa": 0.9, "horizon_s": HORIZON_S},
    ),
    "glft": (
        GLFT,
        GLFTParams(gamma=0.05, kappa=0.8, arrival_per_s=0.5),
        {"gamma": 0.05, "kappa": 0.8, "arrival_rate": 0.5},
    ),
    "cartea_jaimungal": (
        CarteaJaimungal,
        CarteaJaimungalParams(phi=0.01, alpha=0.1, kappa=0.8, arrival_per_s=0.5),
        {"phi": 0.01, "alpha": 0.1, "kappa": 0.8, "arrival_rate": 0.5, "horizon_s": HORIZON_S},
    ),
}


@pytest.fixture(scope="module")
def scenario() -> Scenario:
    return load_scenario("default").model_copy(update={"burn_in_s": HORIZON_S})


def with_participant(scenario: Scenario, kind: str, params: dict[str, Any], market: Any) -> Any:
    """Return a simulator of a copy of a market, with a participant in the learner's place."""
    spec = ParticipantSpec(kind=kind, params=params, latency=AT_ONCE)
    members = [*scenario.participants, spec]
    simulator = Simulator(scenario.model_copy(update={"participants": members}), seed=0)
    p = int(simulator.markets[0]["participants"]) - 1
    maker = simulator.markets[0]["part"][p].copy()
    simulator.markets[0] = market
    part = simulator.markets[0]["part"][p]
    for field in ("decide", "external", "view_levels", "reads_data", "params"):
        part[field] = maker[field]
    part["memory"] = 0
    part["ready"] = 1  # what the learner was to decide on, the participant does
    return simulator


@pytest.mark.parametrize("kind", list(PAIRS))
def test_a_baseline_writes_the_history_of_the_participant(scenario: Scenario, kind: str) -> None:
    agent, own, theirs = PAIRS[kind]
    steps = round(HORIZON_S / STEP_S) - 1
    common: dict[str, Any] = {"latency": AT_ONCE, "lots": 2, "max_inventory_lot": 12}
    env = gymnasium.make(
        "hftgym/MarketMaking-v0",
        scenario=scenario,
        horizon_s=HORIZON_S,
        step_s=STEP_S,
        snapshots=1,
        **common,
    ).unwrapped
    obs, _ = env.reset(seed=11)
    assert env.market["now_ns"] == round(HORIZON_S * 1e9)
    policy = agent(env.task_info, own)
    params = theirs | {"interval_s": STEP_S, "jitter": 0.0, "lots": 2, "limit_lot": 12}
    if kind in ("avellaneda_stoikov", "glft"):
        params["sigma"] = env.task_info.sigma_tick_per_sqrt_s
    background = with_participant(scenario, kind, params, env.market)

    several = market_v0.parallel_env(
        scenario, {"maker_0": common}, max_cycles=steps + 1, step_s=STEP_S, snapshots=1
    )
    seen, _ = several.reset(seed=11)
    began = int(env.market["log_hash"])
    held = set()
    for _ in range(steps):
        action, _ = policy.predict(obs[np.newaxis])
        obs, *_ = env.step(action[0])
        action, _ = policy.predict(seen["maker_0"][np.newaxis])
        seen, *_ = several.step({"maker_0": action[0]})
        held.add(float(obs[0]))
    other = with_participant(scenario, kind, params | {"jitter": 1.0}, background.market())
    for simulator in (background, other):
        simulator.advance_until(int(env.market["now_ns"]))
    assert int(other.market()["log_hash"]) != int(env.market["log_hash"])
    assert int(env.market["log_hash"]) != began
    assert len(held) > 3, "it never traded"
    assert int(background.market()["log_hash"]) == int(env.market["log_hash"])
    assert int(several.market["log_hash"]) == int(env.market["log_hash"])
