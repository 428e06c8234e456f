"""Directional takers: each does by hand what it is named after, and forgets between episodes."""

from __future__ import annotations

from typing import Any

import gymnasium
import numpy as np
import pytest

import hftgym  # noqa: F401  registers the environments
from agents.directional import DirectionalPolicy
from agents.imbalance_taker import ImbalanceTaker
from agents.mean_reversion import MeanReversion
from agents.momentum import Momentum
from agents.policy import Policy
from agents.signal_taker import SignalTaker
from hftgym.envs.layout import OBS_INDEX
from hftgym.training.rollout import Job, play
from hftgym.training.seeds import market_seeds
from tests.fake_market import FakeTask

TASK = FakeTask(
    role="taker",
    horizon_s=60.0,
    obs_index=OBS_INDEX | {"signal": len(OBS_INDEX)},
    signal_correlation=0.6,
    offset_sd_tick=2.0,
)
TAKERS = (SignalTaker, ImbalanceTaker, Momentum, MeanReversion)
UNIT = 2.0 * TASK.sigma_tick_per_sqrt_s * np.sqrt(0.5)  # ticks of an observed return of 1


def observe(**columns: Any) -> np.ndarray:
    """Observations of as many environments as there are values; all else is zero."""
    n = max(len(np.atleast_1d(v)) for v in columns.values())
    obs = np.zeros((n, len(TASK.obs_index)), np.float32)
    for name, value in columns.items():
        obs[:, TASK.obs_index[name]] = value
    return obs


def positions(policy: DirectionalPolicy, path: list[np.ndarray]) -> np.ndarray:
    """Positions in lots after each of some observations, shape (decisions, envs)."""
    state = policy.initial_state(np.zeros(len(path[0]), np.uint64))
    found = []
    for obs in path:
        action, state = policy.predict(obs, state)
        found.append(action[:, 0] * TASK.max_inventory_lot)
    return np.rint(found).astype(int)


def moves(ticks: list[float]) -> list[np.ndarray]:
    """Observations of one environment whose mid moves so."""
    return [observe(**{"return_0.5s": [move / UNIT]}) for move in ticks]


@pytest.mark.parametrize("kind", TAKERS)
def test_a_taker_has_the_face_of_a_policy(kind: Any) -> None:
    policy = kind(TASK)
    assert isinstance(policy, Policy)
    obs = observe(signal=[1.0, 2.0, 3.0])
    action, state = policy.predict(obs, policy.initial_state(market_seeds("test", 3)))
    assert action.shape == (3, 1) and action.dtype == np.float32 and (np.abs(action) <= 1).all()
    assert len(state) == 3
    grid = kind.grid(TASK)
    assert len(grid) == 50 and len({p.model_dump_json() for p in grid}) == 50


@pytest.mark.parametrize("kind", TAKERS)
def test_a_taker_forgets_when_an_episode_begins(kind: Any) -> None:
    policy = kind(TASK)
    rng = np.random.default_rng(0)
    path = [
        observe(**{"return_0.5s": rng.normal(size=2), "signal": rng.normal(size=2) * 3.0})
        for _ in range(200)
    ]
    path.append(observe(ofi_1s=[4.0, 4.0]))
    state = policy.initial_state(market_seeds("test", 2))
    for obs in path:
        _, state = policy.predict(obs, state)
    before = state.copy()
    action, again = policy.predict(path[0], state, np.array([True, False]))
    fresh, empty = policy.predict(path[0], policy.initial_state(market_seeds("test", 2)))
    assert (state == before).all(), "the state that was handed in is not touched"
    assert action[0] == fresh[0] and again[0] == empty[0]
    assert again[1] != empty[1]


def test_momentum_follows_a_trend_on_which_both_horizons_agree() -> None:
    policy = Momentum(TASK, {"short_s": 5.0, "long_s": 30.0, "trend_tick_per_lot": 2.0})
    up = positions(policy, moves([1.0] * 12))[:, 0]
    keep = np.exp(-0.5 / 5.0)
    trend = np.cumsum(keep ** np.arange(12))  # the short one is the smaller of the two
    held = 0
    for k, found in enumerate(up):
        ideal = min(trend[k] / 2.0, 10.0)
        held = int(ideal) if abs(ideal - held) >= 1.0 else held
        assert found == held
    assert (positions(policy, moves([-1.0] * 12))[:, 0] == -up).all()
    # Up for long, then down: the short trend turns first, and where they differ nothing is held.
    mixed = positions(policy, moves([1.0] * 30 + [-1.0] * 8))[:, 0]
    assert mixed[29] > 0 and mixed[-1] == 0


def test_mean_reversion_fades_a_jump_after_its_warm_up_and_closes_when_it_is_back() -> None:
    policy = MeanReversion(TASK, {"memory_s": 20.0, "lots": 3})
    quiet = [0.4, -0.4] * 25
    early = positions(policy, moves([*quiet[:10], 4.0]))[:, 0]
    assert (early == 0).all()
    path = positions(policy, moves([*quiet, 1.6, 0.0, -1.6, 0.0, 0.0]))[:, 0]
    assert (path[:50] == 0).all()
    assert path[50] == -3 and path[51] == -3  # sold what had risen
    assert path[-1] == 0
    assert (positions(policy, moves([*(-x for x in quiet), -1.6]))[:, 0][-1]) == 3


def test_imbalance_opens_beyond_the_costs_and_closes_in_time() -> None:
    policy = ImbalanceTaker(
        TASK, {"flow_weight": 1.0, "depth": 0.25, "queue_weight": 1.0, "hold_s": 1.0}
    )
    spread = 0.5  # half of it is 1 tick, so a trade costs 1.3
    # Flow 1 moves 1 / (2 * 0.25) = 2 ticks; queues move half of the spread times the imbalance.
    quiet = observe(spread=[spread], ofi_1s=[0.6])  # 1.2 ticks
    loud = observe(spread=[spread], ofi_1s=[0.6], imbalance_1=[0.2])  # 1.4
    down = observe(spread=[spread], ofi_1s=[-0.6], imbalance_1=[-0.2])
    found = positions(policy, [quiet, loud, quiet, quiet, down, loud])[:, 0]
    assert found.tolist() == [0, 1, 1, 0, -1, 1]


def test_the_signal_taker_makes_the_best_guess_of_several_signals() -> None:
    policy = SignalTaker(TASK, {"memory_s": 1e-9, "edge_tick": 0.0, "lots": 2})
    # One signal of s: the guess is rho sd s = 1.2 s ticks, and a trade costs 1 + 0.3.
    found = positions(policy, [observe(spread=[0.5] * 3, signal=[1.0, 1.1, -1.1])])[0]
    assert found.tolist() == [0, 2, -2]
    # Many signals of s: the noise is gone, and the guess is sd s / rho.
    patient = SignalTaker(TASK, {"memory_s": 1e9, "edge_tick": 0.0, "lots": 2})
    path = positions(patient, [observe(spread=[0.5], signal=[0.5])] * 40)[:, 0]
    assert path[0] == 0 and path[-1] == 2


def test_a_perfect_signal_earns_and_none_does_not() -> None:
    earned = {}
    for rho in (0.0, 1.0):
        venv: Any = gymnasium.make_vec(
            "hftgym/Taking-v0",
            num_envs=16,
            vectorization_mode="vector_entry_point",
            autoreset_mode="SameStep",
            action="continuous",
            signal_correlation=rho,
            snapshots=8,
        )
        policy = SignalTaker(venv.unwrapped.task_info, {"memory_s": 1.0, "lots": 1})
        episodes = play(venv, [Job(policy, market_seeds("tune", 16))])[0].episodes
        earned[rho] = (float(episodes["objective"].mean()), int(episodes["fills"].sum()))
        venv.close()
    assert earned[0.0] == (0.0, 0), "a signal that says nothing asks for no trade"
    assert earned[1.0][0] > 3.0
