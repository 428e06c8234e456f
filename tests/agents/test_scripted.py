"""Scripted agents: distances to actions and back, and the behaviour each is named after."""

import numpy as np
import pytest
from pydantic import ValidationError

from agents.avellaneda_stoikov import AvellanedaStoikov
from agents.avellaneda_stoikov import Params as AvellanedaStoikovParams
from agents.cartea_jaimungal import CarteaJaimungal
from agents.cartea_jaimungal import Params as CarteaParams
from agents.constant_spread import ConstantSpread
from agents.constant_spread import Params as ConstantParams
from agents.do_nothing import DoNothing
from agents.glft import GLFT
from agents.inventory_skew import InventorySkew
from agents.inventory_skew import Params as SkewParams
from agents.oracle import Oracle
from agents.policy import Policy, distances_to_actions
from agents.random_policy import RandomPolicy
from hftgym.training.seeds import market_seeds
from tests.fake_market import FakeTask

TASK = FakeTask()
TUNED = (ConstantSpread, InventorySkew, AvellanedaStoikov, GLFT, CarteaJaimungal, Oracle)
ALL = (DoNothing, RandomPolicy, *TUNED)


def observe(inventory_lot, time_left=1.0):
    obs = np.zeros((len(inventory_lot), 30), np.float32)
    obs[:, 0] = np.asarray(inventory_lot) / TASK.max_inventory_lot
    obs[:, 1] = time_left
    return obs


def distances(policy, obs):
    """Distances that the policy's actions stand for."""
    actions, _ = policy.predict(obs)
    return TASK.half_spread_tick * 4.0 ** actions.astype(np.float64)


def test_actions_invert_the_distance_formula():
    wanted = np.array([[0.5, 1.0], [2.0, 3.7], [7.5, 0.9]])
    actions = distances_to_actions(wanted, 2.0)
    assert actions.dtype == np.float32
    assert 2.0 * 4.0 ** actions.astype(np.float64) == pytest.approx(wanted, rel=1e-6)


def test_distances_out_of_reach_become_the_nearest_or_withdraw():
    actions = distances_to_actions([[-3.0, 0.1], [np.inf, 8.0], [7.7, 7.5]], 2.0)
    assert actions[0].tolist() == [-1.0, -1.0]
    assert actions[1].tolist() == [1.0, 1.0]
    assert (actions[2] < 0.98).all()


@pytest.mark.parametrize("kind", ALL)
def test_every_agent_has_the_face_of_a_policy(kind):
    policy = kind(TASK)
    assert isinstance(policy, Policy)
    if policy.needs_truth:
        policy.observe_truth({"value_offset": np.zeros(3)})
    obs = observe([0, 3, -10])
    before = obs.copy()
    state = policy.initial_state(market_seeds("test", 3))
    actions, _ = policy.predict(obs, state, np.ones(3, bool))
    assert actions.shape == (3, 2) and actions.dtype == np.float32
    assert (np.abs(actions) <= 1).all()
    assert (obs == before).all()


@pytest.mark.parametrize("kind", TUNED)
def test_grids_keep_the_common_budget_and_hold_no_repeats(kind):
    grid = kind.grid(TASK)
    assert len(grid) == 50
    assert len({params.model_dump_json() for params in grid}) == 50
    assert all(isinstance(params, kind.params_type) for params in grid)


def test_do_nothing_withdraws():
    assert (DoNothing(TASK).predict(observe([0, 5]))[0] >= 0.98).all()


def test_constant_spread_ignores_everything():
    policy = ConstantSpread(TASK, ConstantParams(half_spread_tick=3.0))
    assert distances(policy, observe([-9, 0, 9], 0.2)) == pytest.approx(3.0, rel=1e-6)
    assert distances(ConstantSpread(TASK), observe([1])) == pytest.approx(2.0)


def test_inventory_skew_by_hand():
    policy = InventorySkew(TASK, SkewParams(half_spread_tick=2.0, skew_tick_per_lot=0.2))
    found = distances(policy, observe([-5, 0, 4]))
    assert found == pytest.approx(np.array([[1.0, 3.0], [2.0, 2.0], [2.8, 1.2]]), rel=1e-6)


def test_avellaneda_stoikov_by_hand():
    gamma, kappa = 0.05, 0.5
    policy = AvellanedaStoikov(TASK, AvellanedaStoikovParams(gamma=gamma, kappa=kappa))
    half = np.log(1 + gamma / kappa) / gamma
    # Time left 10 s at 1 tick per sqrt(s): risk 0.5 tick a lot.
    found = distances(policy, observe([0, 2], 1.0))
    expected = [[half + 0.25, half + 0.25], [half + 0.25 + 1.0, half + 0.25 - 1.0]]
    assert found == pytest.approx(np.array(expected), rel=1e-6)
    # At the end of the session the inventory no longer matters.
    assert distances(policy, observe([7], 0.0)) == pytest.approx(half, rel=1e-6)


def test_a_constant_time_left_ignores_the_clock():
    params = AvellanedaStoikovParams(gamma=0.05, kappa=0.5, constant_time_left_s=10.0)
    policy = AvellanedaStoikov(TASK, params)
    reference = AvellanedaStoikov(TASK, AvellanedaStoikovParams(gamma=0.05, kappa=0.5))
    assert distances(policy, observe([2], 0.1)) == pytest.approx(
        distances(reference, observe([2], 1.0))
    )


def test_glft_leans_against_the_inventory_and_is_symmetric():
    policy = GLFT(TASK)
    found = distances(policy, observe([-3, 0, 3]))
    assert found[1, 0] == pytest.approx(found[1, 1])
    assert found[2, 0] > found[1, 0] > found[0, 0]
    assert found[0] == pytest.approx(found[2][::-1])


def test_cartea_jaimungal_by_hand():
    # Far from the end, and with a penalty at the end alone: near it, distances follow from alpha.
    params = CarteaParams(phi=0.01, alpha=0.2, kappa=0.5, arrival_per_s=0.5)
    found = distances(CarteaJaimungal(TASK, params), observe([0, 2], 0.0))
    # h(T, q) = -alpha q^2: from 0 either side costs 0.2; from 2 a lot more costs 5 alpha.
    expected = [[2.0 + 0.2, 2.0 + 0.2], [2.0 + 1.0, 2.0 - 0.6]]
    assert found == pytest.approx(np.array(expected), rel=1e-6)


def test_cartea_jaimungal_leans_against_the_inventory_and_is_symmetric():
    found = distances(CarteaJaimungal(TASK), observe([-3, 0, 3], 1.0))
    assert found[1, 0] == pytest.approx(found[1, 1])
    assert found[2, 0] > found[1, 0] > found[0, 0]
    assert found[0] == pytest.approx(found[2][::-1])


@pytest.mark.parametrize(
    ("role", "idle"), [("maker", [1, 1]), ("executor", [1, -1]), ("taker", [0]), ("leg", [0, 0])]
)
def test_do_nothing_does_nothing_in_any_role(role, idle):
    task = FakeTask(role=role)
    assert DoNothing(task).predict(observe([0, 5]))[0].tolist() == [idle, idle]
    assert RandomPolicy(task).predict(observe([0, 5]))[0].shape == (2, len(idle))


def test_the_oracle_quotes_around_the_value():
    policy = Oracle(TASK, {"half_spread_tick": 2.0, "skew_tick_per_lot": 0.0})
    policy.observe_truth({"value_offset": np.array([0.0, 1.0, -1.0, 9.0])})
    actions, _ = policy.predict(observe([0, 0, 0, 0]))
    found = 2.0 * 4.0 ** actions.astype(np.float64)
    # A value above the mid: the bid moves closer, the ask away from it.
    assert found[:3] == pytest.approx(np.array([[2.0, 2.0], [1.0, 3.0], [3.0, 1.0]]), rel=1e-6)
    assert actions[3].tolist() == [-1.0, 1.0]


def test_the_oracle_says_when_it_is_blind():
    with pytest.raises(RuntimeError, match="observe_value=True"):
        Oracle(TASK).predict(observe([0]))


def test_random_actions_depend_on_market_and_step_alone():
    policy = RandomPolicy(TASK)
    seeds = market_seeds("test", 400)
    obs = observe(np.zeros(400))
    state = policy.initial_state(seeds)
    first, state = policy.predict(obs, state)
    second, _ = policy.predict(obs, state)
    alone, _ = policy.predict(obs[7:9], policy.initial_state(seeds[7:9]))
    assert (alone == first[7:9]).all()
    assert (first != second).any()
    assert first.mean() == pytest.approx(0.0, abs=0.06)
    assert first.std() == pytest.approx(1 / np.sqrt(3), abs=0.03)


@pytest.mark.parametrize(
    "bad", [{"half_spread_tick": -1.0}, {"half": 1.0}, {"half_spread_tick": 0}]
)
def test_bad_parameters_are_refused(bad):
    with pytest.raises(ValidationError):
        ConstantSpread(TASK, bad)
