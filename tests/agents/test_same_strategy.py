"""A baseline is the participant of its name: as either, it writes the same history of the market.

An environment is reset; a copy of its market goes on with the participant in the learner's place,
one decision a step, on what a learner sees.
"""

from __future__ import annotations

import math
from typing import Any

import gymnasium
import numpy as np
import pytest

from agents.almgren_chriss import AlmgrenChriss
from agents.almgren_chriss import Params as AlmgrenChrissParams
from agents.avellaneda_stoikov import AvellanedaStoikov
from agents.avellaneda_stoikov import Params as AvellanedaStoikovParams
from agents.cartea_jaimungal import CarteaJaimungal
from agents.cartea_jaimungal import Params as CarteaJaimungalParams
from agents.constant_spread import ConstantSpread
from agents.constant_spread import Params as ConstantSpreadParams
from agents.glft import GLFT
from agents.glft import Params as GLFTParams
from agents.imbalance_taker import ImbalanceTaker
from agents.imbalance_taker import Params as ImbalanceTakerParams
from agents.inventory_skew import InventorySkew
from agents.inventory_skew import Params as InventorySkewParams
from agents.mean_reversion import MeanReversion
from agents.mean_reversion import Params as MeanReversionParams
from agents.momentum import Momentum
from agents.momentum import Params as MomentumParams
from agents.pairs import Pairs
from agents.pairs import Params as PairsParams
from agents.pov import POV
from agents.pov import Params as POVParams
from agents.scheduled import ScheduleParams
from agents.twap import TWAP
from agents.vwap import VWAP
from agents.vwap import Params as VWAPParams
from hftgym.envs import market_v0
from hftgym.scenario import ParticipantSpec, Scenario, load_scenario
from hftgym.simulator import Simulator

STEP_S = 1.0
HORIZON_S = 60.0
#: No feed latency: the learner sees its first view at the end of the burn-in, a multiple of the
#: sessions that the participants of the two formulas with a horizon repeat.
AT_ONCE = {"feed_ns": 0, "order_ns": 200_000, "response_ns": 100_000}

#: By role: the environment and its arguments, those of the participant, and a change of them.
ROLES: dict[str, tuple[str, dict[str, Any], dict[str, Any], dict[str, Any]]] = {
    "maker": (
        "hftgym/MarketMaking-v0",
        {"lots": 2, "max_inventory_lot": 12},
        {"interval_s": STEP_S, "jitter": 0.0, "lots": 2, "limit_lot": 12},
        {"jitter": 1.0},
    ),
    "taker": (
        "hftgym/Taking-v0",
        {"action": "continuous", "max_inventory_lot": 12},
        {"interval_s": STEP_S, "jitter": 0.0, "at_market": True},
        {"at_market": False},
    ),
    "executor": (
        "hftgym/Execution-v0",
        {"target_lots": 100, "lots": 1},
        {
            "parent_lots": 100,
            "horizon_s": HORIZON_S,
            "slices": round(HORIZON_S / STEP_S),
            "look_s": STEP_S,
        },
        {"wait_lots": 2},
    ),
}

#: By name of the participant: role, baseline, its parameters, and those of the participant.
PAIRS: dict[str, tuple[str, Any, Any, dict[str, float]]] = {
    "fixed_spread": (
        "maker",
        ConstantSpread,
        ConstantSpreadParams(half_spread_tick=1.3),
        {"half_spread_tick": 1.3},
    ),
    "inventory_skew": (
        "maker",
        InventorySkew,
        InventorySkewParams(half_spread_tick=1.3, skew_tick_per_lot=0.17),
        {"half_spread_tick": 1.3, "skew_tick_per_lot": 0.17},
    ),
    "avellaneda_stoikov": (
        "maker",
        AvellanedaStoikov,
        AvellanedaStoikovParams(gamma=0.002, kappa=0.9),
        {"gamma": 0.002, "kappa": 0.9, "horizon_s": HORIZON_S},
    ),
    "glft": (
        "maker",
        GLFT,
        GLFTParams(gamma=0.05, kappa=0.8, arrival_per_s=0.5),
        {"gamma": 0.05, "kappa": 0.8, "arrival_rate": 0.5},
    ),
    "cartea_jaimungal": (
        "maker",
        CarteaJaimungal,
        CarteaJaimungalParams(phi=0.01, alpha=0.1, kappa=0.8, arrival_per_s=0.5),
        {"phi": 0.01, "alpha": 0.1, "kappa": 0.8, "arrival_rate": 0.5, "horizon_s": HORIZON_S},
    ),
    "imbalance_taker": (
        "taker",
        ImbalanceTaker,
        ImbalanceTakerParams(flow_weight=2.0, edge_tick=-0.2, hold_s=3.0, lots=2),
        # All of the last flow and nothing before it, as the window of a step shows it.
        {"flow_weight": 2.0, "edge_tick": 0.0, "hold_s": 3.0, "lots": 2, "window_s": 1e-6},
    ),
    "momentum": (
        "taker",
        Momentum,
        MomentumParams(short_s=4.0, long_s=15.0, trend_tick_per_lot=0.5),
        {"short_s": 4.0, "long_s": 15.0, "trend_tick_per_lot": 0.5, "limit_lot": 12},
    ),
    "mean_reversion": (
        "taker",
        MeanReversion,
        MeanReversionParams(memory_s=8.0, lots=2),
        {"memory_s": 8.0, "lots": 2},
    ),
    "twap": ("executor", TWAP, ScheduleParams(lag_lots=2.0), {"lag_lots": 2.0}),
    "vwap": (
        "executor",
        VWAP,
        VWAPParams(u_shape=0.7, lag_lots=2.0),
        {"u_shape": 0.7, "lag_lots": 2.0},
    ),
    "pov": (
        "executor",
        POV,
        POVParams(participation=0.3, lag_lots=1.0),
        {"participation": 0.3, "lag_lots": 1.0},
    ),
    "almgren_chriss": (
        "executor",
        AlmgrenChriss,
        AlmgrenChrissParams(urgency=1.5, lag_lots=2.0),
        {"lag_lots": 2.0},
    ),
}


@pytest.fixture(scope="module")
def scenario() -> Scenario:
    return load_scenario("default").model_copy(update={"burn_in_s": HORIZON_S})


def with_participants(scenario: Scenario, specs: list[ParticipantSpec], market: Any) -> Any:
    """Return a simulator of a copy of a market, with participants in the learners' places."""
    members = [*scenario.participants, *specs]
    simulator = Simulator(scenario.model_copy(update={"participants": members}), seed=0)
    end = int(simulator.markets[0]["participants"])
    newcomers = simulator.markets[0]["part"][end - len(specs) : end].copy()
    simulator.markets[0] = market
    for part, newcomer in zip(
        simulator.markets[0]["part"][end - len(specs) : end], newcomers, strict=True
    ):
        for field in ("decide", "external", "view_levels", "reads_data", "params"):
            part[field] = newcomer[field]
        part["memory"] = 0
        part["ready"] = 1  # what the learner was to decide on, the participant does
    return simulator


def with_participant(scenario: Scenario, kind: str, params: dict[str, Any], market: Any) -> Any:
    """Return a simulator of a copy of a market, with a participant in the learner's place."""
    spec = ParticipantSpec(kind=kind, params=params, latency=AT_ONCE)
    return with_participants(scenario, [spec], market)


def as_observed(kind: str, own: Any, task: Any, env: Any) -> dict[str, Any]:
    """Return what a participant is told of the market and an observer is not, or in other units."""
    if kind in ("avellaneda_stoikov", "glft"):
        return {"sigma": task.sigma_tick_per_sqrt_s}
    if kind == "imbalance_taker":
        depth_lot = own.depth * float(env.setting.task[0]["ofi_scale"][0])
        return {"depth_lot": depth_lot, "fee_tick": task.taker_fee_tick + own.edge_tick}
    if kind == "almgren_chriss":  # that urgency by its other parameters
        tau_s, kappa = STEP_S, own.urgency / HORIZON_S
        risk = 2.0 * (math.cosh(kappa * tau_s) - 1.0) / tau_s**2
        return {"risk_aversion": risk, "sigma": 1.0, "eta": 1.0, "gamma": 0.0}
    return {}


@pytest.mark.parametrize("kind", list(PAIRS))
def test_a_baseline_writes_the_history_of_the_participant(scenario: Scenario, kind: str) -> None:
    role, agent, own, theirs = PAIRS[kind]
    env_id, arguments, common, changed = ROLES[role]
    steps = round(HORIZON_S / STEP_S) - 1
    arguments = arguments | {"latency": AT_ONCE}
    env: Any = gymnasium.make(
        env_id, scenario=scenario, horizon_s=HORIZON_S, step_s=STEP_S, snapshots=1, **arguments
    ).unwrapped
    obs, _ = env.reset(seed=11)
    assert env.market["now_ns"] == round(HORIZON_S * 1e9)
    task = env.task_info
    policy = agent(task, own)
    params = common | theirs | as_observed(kind, own, task, env)
    if role == "executor":
        params["distance_tick"] = own.distance_h0 * task.half_spread_tick
    background = with_participant(scenario, kind, params, env.market)

    name = f"{role}_0"
    several = market_v0.parallel_env(
        scenario, {name: arguments}, max_cycles=steps + 1, step_s=STEP_S, snapshots=1
    )
    seen, _ = several.reset(seed=11)
    began = int(env.market["log_hash"])
    held = set()
    memory, other_memory = None, None
    for _ in range(steps):
        action, memory = policy.predict(obs[np.newaxis], memory)
        obs, *_ = env.step(action[0])
        action, other_memory = policy.predict(seen[name][np.newaxis], other_memory)
        seen, *_ = several.step({name: action[0]})
        held.add(float(obs[0]))
    other = with_participant(scenario, kind, params | changed, background.market())
    for simulator in (background, other):
        simulator.advance_until(int(env.market["now_ns"]))
    assert int(other.market()["log_hash"]) != int(env.market["log_hash"])
    assert int(env.market["log_hash"]) != began
    assert len(held) > 2, "it never traded"
    assert int(background.market()["log_hash"]) == int(env.market["log_hash"])
    assert int(several.market["log_hash"]) == int(env.market["log_hash"])


def test_two_desks_of_pairs_write_the_history_of_the_baseline() -> None:
    scenario = load_scenario("pairs")
    steps = 239
    env: Any = gymnasium.make(
        "hftgym/Pairs-v0", horizon_s=240.0, step_s=STEP_S, snapshots=1, latency=AT_ONCE
    ).unwrapped
    obs, _ = env.reset(seed=11)
    policy = Pairs(env.task_info, PairsParams(p_value=1.0, entry_score=0.7, exit_score=0.2, lots=3))
    market = env.market.copy()
    params = {"entry_score": 0.7, "exit_score": 0.2, "lots": 3, "at_market": True}

    def desks(**changed: Any) -> Any:
        specs = [
            ParticipantSpec(
                kind="pairs",
                name=f"pairs_{instrument}",
                instrument=instrument,
                params=params | changed,
                latency=AT_ONCE,
            )
            for instrument in scenario.instrument_ids
        ]
        return with_participants(scenario, specs, market)

    background, other = desks(), desks(mean_tick=1.0)
    held, memory = set(), None
    for _ in range(steps):
        action, memory = policy.predict(obs[np.newaxis], memory)
        obs, *_ = env.step(action[0])
        held.add(tuple(np.sign(action[0])))
    assert held == {(-1.0, 1.0), (0.0, 0.0), (1.0, -1.0)}
    for simulator in (background, other):
        simulator.advance_until(int(env.market["now_ns"]))
    assert int(background.market()["log_hash"]) == int(env.market["log_hash"])
    assert int(other.market()["log_hash"]) != int(env.market["log_hash"])
