"""The known-answer environments keep what Gymnasium, Stable-Baselines3 and our own rules ask."""

from __future__ import annotations

import hashlib
import pickle
import subprocess
import sys
from typing import Any

import gymnasium
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env, data_equivalence
from gymnasium.utils.env_match import check_environments_match

import hftgym
from hftgym.envs.known import closed_forms
from hftgym.envs.known.almgren_chriss import AlmgrenChrissVectorEnv
from hftgym.envs.known.cartea_jaimungal import CarteaJaimungalEnv
from hftgym.errors import HftgymError

TASKS: list[tuple[str, dict[str, Any]]] = [
    ("AvellanedaStoikov", {}),
    ("CarteaJaimungal", {}),
    ("CarteaJaimungal", {"horizon": "continuing", "parameters": {"steps": 7}}),
    ("AlmgrenChriss", {"steps": 50}),
    ("AlmgrenChriss", {"price_noise": True}),
]
IDS = [f"{name}{sorted(arguments)}" for name, arguments in TASKS]


def single(name: str, **arguments: Any) -> Any:
    return gymnasium.make(f"hftgym/{name}-v0", disable_env_checker=True, **arguments).unwrapped


def vector(name: str, num_envs: int, **arguments: Any) -> Any:
    return gymnasium.make_vec(f"hftgym/{name}-v0", num_envs=num_envs, **arguments)


@pytest.mark.parametrize(("name", "arguments"), TASKS, ids=IDS)
def test_gymnasium_checker(name: str, arguments: dict[str, Any]) -> None:
    check_env(single(name, **arguments))


@pytest.mark.parametrize(("name", "arguments"), TASKS, ids=IDS)
def test_stable_baselines3_checker(name: str, arguments: dict[str, Any]) -> None:
    checker = pytest.importorskip("stable_baselines3.common.env_checker")
    checker.check_env(single(name, **arguments), warn=True, skip_render_check=True)


@pytest.mark.parametrize(("name", "arguments"), TASKS, ids=IDS)
def test_two_environments_match_for_ten_thousand_steps(
    name: str, arguments: dict[str, Any]
) -> None:
    check_environments_match(
        single(name, **arguments), single(name, **arguments), num_steps=10_000, seed=3
    )


def test_ten_thousand_steps_in_two_processes() -> None:
    code = (
        "import gymnasium, hftgym, hashlib, numpy as np\n"
        "env = gymnasium.make_vec('hftgym/CarteaJaimungal-v0', num_envs=4)\n"
        "digest = hashlib.blake2b(env.reset(seed=11)[0].tobytes())\n"
        "for n in range(10_000):\n"
        "    obs, reward, *_ = env.step(np.full((4, 2), (n % 21) / 10 - 1, np.float32))\n"
        "    digest.update(obs.tobytes() + reward.tobytes())\n"
        "print(digest.hexdigest())"
    )
    runs = {
        subprocess.run(
            [sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=True
        ).stdout
        for _ in range(2)
    }
    assert len(runs) == 1
    assert len(runs.pop().strip()) == 2 * hashlib.blake2b().digest_size


@pytest.mark.parametrize("mode", ["SameStep", "NextStep", "Disabled"])
@pytest.mark.parametrize(("name", "arguments"), TASKS, ids=IDS)
def test_sub_environment_equals_the_single_one(
    name: str, arguments: dict[str, Any], mode: str
) -> None:
    """Bit for bit, over several episodes, whatever the mode and the number of neighbours."""
    count = 5
    env = vector(name, count, autoreset_mode=mode, **arguments)
    alone = [single(name, **arguments) for _ in range(count)]
    obs, _ = env.reset(seed=40)
    expected = np.array([one.reset(seed=40 + i)[0] for i, one in enumerate(alone)])
    np.testing.assert_array_equal(obs, expected)
    generator = np.random.default_rng(1)
    ended = False
    for _ in range(450):
        actions = generator.uniform(-1, 1, env.action_space.shape).astype(np.float32)
        obs, reward, terminated, truncated, infos = env.step(actions)
        if mode == "NextStep" and ended:
            assert not reward.any()
            np.testing.assert_array_equal(obs, [one.reset()[0] for one in alone])
            ended = False
            continue
        steps = [one.step(a) for one, a in zip(alone, actions, strict=True)]
        np.testing.assert_array_equal(reward, [step[1] for step in steps])
        np.testing.assert_array_equal(terminated, [step[2] for step in steps])
        np.testing.assert_array_equal(truncated, [step[3] for step in steps])
        for part, values in infos["reward_terms"].items():
            assert values.tolist() == [step[4]["reward_terms"][part] for step in steps]
        last = np.array([step[0] for step in steps])
        ended = bool((terminated | truncated).any())
        if ended and mode == "SameStep":
            np.testing.assert_array_equal(np.stack(infos["final_obs"]), last)
            last = np.array([one.reset()[0] for one in alone])
        np.testing.assert_array_equal(obs, last)
        if ended and mode == "Disabled":
            mask = np.ones(count, np.bool_)
            obs, _ = env.reset(options={"reset_mask": mask})
            np.testing.assert_array_equal(obs, [one.reset()[0] for one in alone])


@pytest.mark.parametrize("name", ["AvellanedaStoikov", "CarteaJaimungal"])
def test_monte_carlo_agrees_with_dynamic_programming(name: str) -> None:
    env = vector(name, 20_000)
    task = env.process
    policies = [
        task.optimal_policy(),
        task.policy("one-sided", np.broadcast_to([0.6, 1.0], (1, 2 * task.max_inventory + 1, 2))),
    ]
    for policy in policies:
        returns = played(env, policy)
        error = returns.std() / np.sqrt(len(returns))
        assert abs(returns.mean() - env.value(policy)) < 4 * error
        assert error < 0.4  # else four of them would say little


def test_monte_carlo_of_an_execution_with_price_noise() -> None:
    env = vector("AlmgrenChriss", 20_000, price_noise=True)
    returns = played(env, env.optimal_policy())
    assert abs(returns.mean() - env.optimal_value()) < 4 * returns.std() / np.sqrt(len(returns))
    path = closed_forms.almgren_chriss(env.process)
    deviation = 0.95 * np.sqrt((path**2).sum()) / env.process.twap_cost
    assert returns.std() == pytest.approx(deviation, rel=0.03)


def test_without_noise_an_execution_earns_its_value() -> None:
    env = vector("AlmgrenChriss", 2, steps=50)
    np.testing.assert_allclose(played(env, env.optimal_policy()), env.optimal_value(), rtol=1e-6)


def test_a_model_of_stable_baselines3_gets_a_score() -> None:
    sb3 = pytest.importorskip("stable_baselines3")
    env = single("AlmgrenChriss", steps=50)
    model = sb3.PPO("MlpPolicy", env, n_steps=8, batch_size=8, seed=1, device="cpu")
    score = env.score(model)
    table = np.zeros((50, 1), np.float32)
    left = env.process.shares
    for n in range(50):
        seen = np.array([n / 50, left / env.process.shares], np.float32)
        table[n] = model.predict(seen, deterministic=True)[0]
        left *= 1.0 - 0.5 * (float(table[n, 0]) + 1.0)
    assert score == pytest.approx(env.score(table), rel=1e-9)
    assert score < 1.0


def played(env: Any, policy: Any) -> np.ndarray:
    """Return the sum of the rewards of one episode in each environment."""
    obs, _ = env.reset(seed=2)
    total = np.zeros(env.num_envs)
    for _ in range(env.process.steps):
        actions, _ = policy.predict(obs)
        obs, reward, terminated, _, infos = env.step(actions)
        total += reward
    assert terminated.all()
    np.testing.assert_array_equal(infos["final_info"]["episode"]["r"], total)
    return total


@pytest.mark.parametrize(("name", "arguments"), TASKS, ids=IDS)
def test_pickled_environments_are_made_anew(name: str, arguments: dict[str, Any]) -> None:
    env = pickle.loads(pickle.dumps(single(name, **arguments)))
    assert env.process == single(name, **arguments).process
    batch = pickle.loads(pickle.dumps(vector(name, 2, autoreset_mode="NextStep", **arguments)))
    assert batch.num_envs == 2


def test_the_ids_say_how_to_make_them_without_importing_anything_heavy() -> None:
    code = (
        "import sys, hftgym, gymnasium\n"
        "ids = ['AvellanedaStoikov', 'AlmgrenChriss', 'CarteaJaimungal']\n"
        "assert all(gymnasium.spec(f'hftgym/{i}-v0').vector_entry_point for i in ids)\n"
        "print(sorted({'numba', 'torch', 'pandas', 'hftgym.core'} & set(sys.modules)))"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "[]"
    assert hftgym.__version__


def test_reset_without_a_seed_goes_on_in_the_same_stream() -> None:
    actions = np.zeros(2, np.float32)
    rewards = []
    env = single("CarteaJaimungal")
    for seed in (5, None, 5, None):
        env.reset(seed=seed)
        rewards.append([env.step(actions)[1] for _ in range(50)])
    assert rewards[0] != rewards[1]
    assert data_equivalence(rewards[:2], rewards[2:], exact=True)


def test_inventory_never_passes_its_limit() -> None:
    env = vector("CarteaJaimungal", 50)
    obs, _ = env.reset(seed=0)
    greedy = np.tile(np.array([-1.0, 1.0], np.float32), (50, 1))
    highest = 0.0
    for _ in range(100):
        obs, *_ = env.step(greedy)
        highest = max(highest, float(obs[:, 1].max()))
    assert highest == 1.0


def test_render_says_the_state_in_one_line() -> None:
    env = single("CarteaJaimungal", render_mode="ansi")
    env.reset(seed=1)
    env.step(np.zeros(2, np.float32))
    assert env.render().startswith("CarteaJaimungal: t 0.005 of 1, q ")
    sale = single("AlmgrenChriss", render_mode="ansi")
    sale.reset(seed=1)
    sale.step(np.zeros(1, np.float32))
    assert sale.render() == "AlmgrenChriss: day 1 of 5, x 500,000"
    assert single("AlmgrenChriss").render() is None


@pytest.mark.parametrize(
    ("code", "arguments"),
    [
        ("HG-U212", {"render_mode": "human"}),
        ("HG-U216", {"horizon": "endless"}),
        ("HG-U217", {"parameters": {"gama": 1}}),
        ("HG-U217", {"parameters": {"continuing": True}}),
        ("HG-U218", {"parameters": {"sigma": -1.0}}),
        ("HG-U218", {"parameters": {"sigma": "much"}}),
        ("HG-U218", {"parameters": {"max_inventory": 2.5}}),
        ("HG-U218", {"parameters": {"steps": 0}}),
        ("HG-U218", {"parameters": {"quote_high": -1.0}}),
        ("HG-U218", {"parameters": {"quote_low": float("-inf")}}),
        ("HG-U218", {"parameters": {"quote_low": "near"}}),
        ("HG-U218", {"parameters": {"running": float("nan")}}),
        ("HG-U218", {"parameters": {"discount": 1.0}}),
    ],
)
def test_arguments_that_can_not_be(code: str, arguments: dict[str, Any]) -> None:
    with pytest.raises(HftgymError) as caught:
        CarteaJaimungalEnv(**arguments)
    assert caught.value.code == code
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("code", "arguments"),
    [
        ("HG-U213", {"num_envs": 0}),
        ("HG-U214", {"num_envs": 2, "autoreset_mode": "Sometimes"}),
        ("HG-U218", {"num_envs": 2, "parameters": {"eta": 1e-9}}),
    ],
)
def test_vector_arguments_that_can_not_be(code: str, arguments: dict[str, Any]) -> None:
    with pytest.raises(HftgymError) as caught:
        AlmgrenChrissVectorEnv(**arguments)
    assert caught.value.code == code


@pytest.mark.parametrize(
    ("code", "action"),
    [
        ("HG-U210", [0.0]),
        ("HG-U210", [True, False]),
        ("HG-U211", [0.0, 1.01]),
        ("HG-U211", [float("nan"), 0.0]),
    ],
)
def test_illegal_actions_change_nothing(code: str, action: list[float]) -> None:
    env, twin = single("CarteaJaimungal"), single("CarteaJaimungal")
    env.reset(seed=1)
    twin.reset(seed=1)
    with pytest.raises(HftgymError) as caught:
        env.step(np.array(action))
    assert caught.value.code == code
    legal = np.zeros(2, np.float32)
    assert data_equivalence(env.step(legal), twin.step(legal), exact=True)


def test_a_step_needs_an_episode() -> None:
    env = single("AlmgrenChriss")
    with pytest.raises(gymnasium.error.ResetNeeded):
        env.step(np.zeros(1, np.float32))
    env.reset(seed=1)
    for _ in range(5):
        env.step(np.zeros(1, np.float32))
    with pytest.raises(gymnasium.error.ResetNeeded):
        env.step(np.zeros(1, np.float32))
    with pytest.raises(HftgymError, match="reset option"):
        env.reset(options={"x": 1})
