"""What is refused: one line that names the value and the limit, and nothing has changed."""

from __future__ import annotations

from typing import Any

import gymnasium
import numpy as np
import pytest

from hftgym.core.constants import Fault
from hftgym.core.entries import state_hash_one
from hftgym.envs.errors import raise_illegal
from hftgym.envs.market_batch import MarketBatch
from hftgym.errors import ConfigError, HftgymError, InternalError, UsageError
from hftgym.scenario import load_scenario
from tests.envs.making import ENV_ID, single, vector

BAD_ACTIONS = [
    (np.array([np.nan, 0.0], np.float32), r"action\[0\]: nan; must be in \[-1, 1\]"),
    (np.array([0.0, 1.01], np.float32), r"action\[1\]: 1\.0.*; must be in \[-1, 1\]"),
    (np.array([-np.inf, 0.0]), r"action\[0\]: -inf"),
    (np.zeros(3, np.float32), r"shape \(3,\); must be \(2,\)"),
    (np.zeros((1, 2), np.float32), r"shape \(1, 2\); must be \(2,\)"),
    (0.5, r"shape \(\); must be"),
    (np.zeros(2, np.complex64), "dtype complex64; must be real numbers"),
    (np.zeros(2, bool), "dtype bool; must be real numbers"),
    (["a", "b"], "must be real numbers"),
    (None, "must be real numbers"),
    (np.array([np.iinfo(np.int64).max, 0]), r"action\[0\]: 9"),
    (np.array([np.iinfo(np.int8).min, 0], np.int8), r"action\[0\]: -128.0; must be in \[-1, 1\]"),
]


@pytest.mark.parametrize(("action", "message"), BAD_ACTIONS)
def test_bad_action_changes_nothing(action: Any, message: str) -> None:
    env = single()
    env.reset(seed=1)
    env.step(np.zeros(2, np.float32))
    before, states = state_hash_one(env._batch.markets, 0), env._batch.states.copy()
    with pytest.raises(UsageError, match=message) as caught:
        env.step(action)
    assert "\n" not in str(caught.value)
    assert state_hash_one(env._batch.markets, 0) == before
    assert env._batch.states.tobytes() == states.tobytes()
    env.step(np.full(2, 1.0 + 1e-7))  # rounding is forgiven


def test_the_lowest_integer_of_a_type_is_refused_in_a_batch() -> None:
    venv = vector(2)
    venv.reset(seed=1)
    actions = np.array([[0, 0], [0, np.iinfo(np.int8).min]], np.int8)
    with pytest.raises(UsageError, match=r"action\[1, 1\]: -128.0; must be in"):
        venv.step(actions)


@pytest.mark.parametrize(
    ("action", "message"),
    [
        (np.array([0, 6]), r"action\[1\]: 6; must be 0 to 5"),
        (np.array([-1, 0]), r"action\[0\]: -1; must be 0 to 5"),
        (np.array([0.0, 1.0]), "dtype float64; must be integers"),
        (np.array([np.iinfo(np.int64).max, 0]), r"action\[0\]: 9"),
    ],
)
def test_bad_discrete_action(action: Any, message: str) -> None:
    env = single(action="discrete")
    env.reset(seed=1)
    with pytest.raises(UsageError, match=message):
        env.step(action)
    venv = vector(2, action="discrete")
    venv.reset(seed=1)
    with pytest.raises(UsageError, match="action"):
        venv.step(np.stack([np.zeros_like(action), action]))


@pytest.mark.parametrize(
    ("place", "value", "message"),
    [
        ((1, 0), np.nan, r"action\[1, 0\]: nan"),
        ((2, 1), -1.5, r"action\[2, 1\]: -1.5; must be in \[-1, 1\]"),
    ],
)
def test_one_bad_action_of_a_batch_changes_no_environment(
    place: tuple[int, int], value: float, message: str
) -> None:
    env = vector(3)
    env.reset(seed=1)
    before = [state_hash_one(env.markets, i) for i in range(3)]
    actions = np.zeros((3, 2), np.float32)
    actions[place] = value
    with pytest.raises(UsageError, match=message):
        env.step(actions)
    with pytest.raises(UsageError, match=r"shape \(2, 2\); must be \(3, 2\)"):
        env.step(actions[:2])
    assert [state_hash_one(env.markets, i) for i in range(3)] == before


def test_of_several_agents_the_one_with_a_bad_action_is_found() -> None:
    agents = {"maker_0": {}, "maker_1": {"action": "discrete"}}
    batch = MarketBatch(3, agents=agents)
    batch.reset(seed=1)
    before = state_hash_one(batch.markets, 1)
    good = {"maker_0": np.zeros((3, 2)), "maker_1": np.zeros((3, 2), np.int64)}
    choice = np.array([[0, 0], [0, 99], [0, 0]])
    with pytest.raises(UsageError, match=r"action\[1, 1\]: 99; must be 0 to 5"):
        batch.step(good | {"maker_1": choice})
    with pytest.raises(UsageError, match=r"action\[2, 0\]: nan; must be in"):
        batch.step(good | {"maker_0": np.array([[0.0, 0.0], [0.0, 0.0], [np.nan, 0.0]])})
    assert state_hash_one(batch.markets, 1) == before
    batch.step(good)


def test_a_refusal_without_a_bad_value_is_a_fault_of_ours() -> None:
    form = single()._form
    with pytest.raises(UsageError, match=r"action\[0\]: 2\.0"):
        raise_illegal([(np.zeros(2), form), (np.array([2.0, 0.0]), form)])
    with pytest.raises(InternalError, match="actions that lie in their spaces were refused"):
        raise_illegal([(np.zeros(2), form)])


def test_steps_out_of_order() -> None:
    env = single(horizon_s=0.5)
    with pytest.raises(gymnasium.error.ResetNeeded, match="call reset"):
        env.step(np.zeros(2, np.float32))
    env.reset(seed=1)
    env.step(np.zeros(2, np.float32))
    with pytest.raises(gymnasium.error.ResetNeeded, match="after the last"):
        env.step(np.zeros(2, np.float32))
    env.reset()
    env.step(np.zeros(2, np.float32))
    with pytest.raises(gymnasium.error.ResetNeeded, match="environment 0: call reset"):
        vector(2).step(np.zeros((2, 2), np.float32))
    with pytest.raises(gymnasium.error.ResetNeeded):
        gymnasium.make(ENV_ID, snapshots=3).step(np.zeros(2, np.float32))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"scenario": "defualt"}, "unknown scenario 'defualt'; did you mean 'default'"),
        ({"split": "tset"}, "split 'tset' is unknown; did you mean 'test'"),
        ({"horizon": "endless"}, "horizon 'endless' is unknown"),
        ({"action": "contnuous"}, "did you mean 'continuous'"),
        ({"initial_inventory": "ones"}, "initial_inventory 'ones' is unknown"),
        ({"horizon_s": 300.2}, "horizon_s: 300.2; must be a positive multiple of step_s 0.5"),
        ({"horizon_s": 0.0}, "must be a positive multiple"),
        ({"horizon_s": float("nan")}, "horizon_s: nan"),
        ({"step_s": 0.001}, r"step_s: 0.001; must be a number in \[0.02, 3600\]"),
        ({"step_s": "fast"}, "step_s: 'fast'"),
        ({"half_spread_tick": -1}, "half_spread_tick: -1"),
        ({"lots": 11}, r"lots: 11; must be a number in \[1, 10\]"),
        ({"snapshots": 0}, "snapshots: 0"),
        ({"data": "x.csv"}, "plays no tape"),
    ],
)
def test_bad_argument(arguments: dict[str, Any], message: str) -> None:
    for make in (single, lambda **kw: vector(1, **kw)):
        with pytest.raises(HftgymError, match=message) as caught:
            make(**arguments)
        assert isinstance(caught.value, ValueError)


def test_bad_arguments_of_the_vector_form() -> None:
    with pytest.raises(UsageError, match="num_envs: 0"):
        vector(0)
    with pytest.raises(UsageError, match="autoreset_mode 'Sometimes' is unknown; there are"):
        vector(1, autoreset_mode="Sometimes")
    with pytest.raises(UsageError, match=r"market_seeds: .* must be integers of shape \(2,\)"):
        vector(2, market_seeds=[1, 2, 3])
    with pytest.raises(UsageError, match="render_mode 'ansi'"):
        vector(2, render_mode="ansi")
    with pytest.raises(UsageError, match="render_mode 'film' is unknown; there are ansi"):
        single().__class__(render_mode="film")


def test_bad_resets() -> None:
    env = single()
    with pytest.raises(UsageError, match="reset option 'market_sed' is unknown"):
        env.reset(options={"market_sed": 1})
    with pytest.raises(UsageError, match="market_seed: float64"):
        env.reset(options={"market_seed": 1.5})
    with pytest.raises(UsageError, match="action masks"):
        env.action_masks()
    venv = vector(3)
    with pytest.raises(ValueError, match="a list of 2 for 3 environments"):
        venv.reset(seed=[1, 2])
    with pytest.raises(UsageError, match="reset option 'mask' is unknown"):
        venv.reset(options={"mask": None})
    for mask, error, message in (
        ([True, False, False], TypeError, "must be a numpy array, not list"),
        (np.ones(3, int), TypeError, "must have dtype bool"),
        (np.ones(2, bool), ValueError, r"must have shape \(3,\)"),
        (np.zeros(3, bool), ValueError, "at least one"),
    ):
        with pytest.raises(error, match=message):
            venv.reset(options={"reset_mask": mask})


def test_scenario_without_value_or_others() -> None:
    scenario = load_scenario("default").model_copy(update={"value": None})
    with pytest.raises(UsageError, match="has no latent value to observe"):
        single(scenario=scenario, observe_value=True)
    alone = scenario.model_copy(update={"participants": ()})
    with pytest.raises(UsageError, match="needs another participant"):
        single(scenario=alone, initial_inventory="uniform")
    crowd = load_scenario("default").participants[0].model_copy(update={"count": 17})
    with pytest.raises(ConfigError, match="choose a larger market_class"):
        single(scenario=scenario.model_copy(update={"participants": (crowd,)}))


def test_a_fault_names_environment_and_market() -> None:
    env = vector(3)
    env.reset(options={"market_seeds": np.array([5, 6, 7])})
    env.markets[1]["fault"] = Fault.VIEW_POOL
    with pytest.raises(InternalError, match=r"environment 1, market seed 6, step 0: .*VIEW_POOL"):
        env.step(np.zeros((3, 2), np.float32))
    with pytest.raises(gymnasium.error.ResetNeeded, match="environment 1"):
        env.step(np.zeros((3, 2), np.float32))
    env.reset(options={"reset_mask": np.array([False, True, False])})
    env.step(np.zeros((3, 2), np.float32))
    one = single()
    one.reset(options={"market_seed": 8})
    one.market["fault"] = Fault.REPORT_POOL
    with pytest.raises(InternalError, match="environment 0, market seed 8"):
        one.step(np.zeros(2, np.float32))
    with pytest.raises(gymnasium.error.ResetNeeded):
        one.step(np.zeros(2, np.float32))
