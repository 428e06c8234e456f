"""The Stable-Baselines3 adapter: what an ended episode says, copies, seeds, calls."""

import numpy as np
import pytest

pytest.importorskip("stable_baselines3")

from hftgym.training.normalize import ReturnNormalizer
from hftgym.training.sb3 import SB3VecEnv
from hftgym.training.seeds import training_seeds
from tests.fake_market import FakeMarket

ZERO = np.zeros((3, 2), np.float32)


def adapter(n=3, horizon="finite", **kwargs):
    return SB3VecEnv(FakeMarket(n, horizon_s=2.0, horizon=horizon), **kwargs)


def play_until_done(venv, n=3):
    for _ in range(10):
        obs, rewards, dones, infos = venv.step(np.zeros((n, 2), np.float32))
        if dones.any():
            return obs, rewards, dones, infos
    raise AssertionError("no episode ended")


@pytest.mark.parametrize(("horizon", "cut"), [("finite", False), ("continuing", True)])
def test_ended_episodes_say_how_they_ended(horizon, cut):
    venv = adapter(horizon=horizon)
    venv.reset()
    obs, _, dones, infos = play_until_done(venv)
    assert dones.all()
    for i, info in enumerate(infos):
        assert info["TimeLimit.truncated"] is cut
        assert info["terminal_observation"].shape == (30,)
        if not cut:
            assert info["terminal_observation"][1] == 0.0  # no time left; the next has all of it
            assert obs[i, 1] == 1.0
        assert info["episode"]["l"] == 4


def test_steps_without_an_end_have_empty_infos_that_are_not_shared():
    venv = adapter()
    venv.reset()
    _, _, dones, infos = venv.step(ZERO)
    assert not dones.any()
    assert infos == [{}, {}, {}]
    infos[0]["mine"] = 1
    assert infos[1] == {}
    assert venv.step(ZERO)[3] == [{}, {}, {}]


def test_the_episode_return_is_raw_while_the_learner_sees_scaled_rewards():
    raw = adapter()
    scaled = adapter(normalizer=ReturnNormalizer(3, gamma=0.9))
    sums = np.zeros((2, 3))
    for k, venv in enumerate((raw, scaled)):
        venv.seed(5)
        venv.reset()
        for _ in range(4):
            _, rewards, _, infos = venv.step(ZERO)
            sums[k] += rewards
        assert [info["episode"]["r"] for info in infos] == pytest.approx(sums[0].tolist(), rel=1e-5)
    assert not np.allclose(sums[0], sums[1])


def test_what_is_returned_belongs_to_the_caller():
    venv = adapter()
    venv.seed(1)
    first = venv.reset()
    kept = first.copy()
    results = [venv.step(ZERO) for _ in range(6)]
    frozen = [(o.copy(), r.copy(), d.copy()) for o, r, d, _ in results]
    venv.step(ZERO)
    assert (first == kept).all()
    for (o, r, d, _), (o2, r2, d2) in zip(results, frozen, strict=True):
        assert (o == o2).all() and (r == r2).all() and (d == d2).all()
    assert results[0][0] is not results[1][0]


def test_seeds_are_a_list_and_count_once():
    venv = adapter()
    assert venv.seed(4) == training_seeds(4, 3)
    venv.reset()
    first = venv.venv._seeds.copy()
    assert first.tolist() == training_seeds(4, 3)
    venv.reset()
    assert venv.venv._seeds.tolist() != first.tolist()


def test_options_reach_the_reset_once():
    venv = adapter()
    seeds = np.array([7, 8, 9], np.uint64)
    venv.set_options({"market_seeds": seeds})
    venv.reset()
    assert (venv.venv._seeds == seeds).all()
    venv.reset()
    assert (venv.venv._seeds != seeds).any()


def test_calls_reach_the_batch():
    venv = adapter()
    assert venv.get_attr("marker") == ["fake"] * 3
    assert venv.get_attr("marker", indices=1) == ["fake"]
    assert venv.env_method("count", 2, indices=[0, 2]) == [6, 6]
    venv.set_attr("marker", "new")
    assert venv.venv.marker == "new"
    with pytest.raises(ValueError, match="set it for all"):
        venv.set_attr("marker", "one", indices=0)
    assert venv.env_is_wrapped(object) == [False] * 3
    assert venv.has_attr("marker")
    assert not venv.has_attr("absent")
    with pytest.raises(RuntimeError, match="step_wait without step_async"):
        venv.step_wait()


def test_other_autoreset_modes_are_refused():
    env = FakeMarket(2)
    env.metadata = {"autoreset_mode": None}
    with pytest.raises(ValueError, match="SameStep"):
        SB3VecEnv(env)


def test_staggered_episodes_end_at_different_times_and_at_their_full_length():
    venv = SB3VecEnv(FakeMarket(200), stagger=True)  # 20 steps an episode
    venv.seed(3)
    obs = venv.reset()
    left = obs[:, 1] * 20
    assert set(np.rint(left).astype(int)) == set(range(1, 21))
    ended = []
    for step in range(1, 21):
        _, _, dones, infos = venv.step(np.zeros((200, 2), np.float32))
        assert (dones == (np.rint(left) == step)).all()
        ended.extend(info["episode"]["l"] for info in infos if info)
    assert ended == [20] * 200
    again = SB3VecEnv(FakeMarket(200), stagger=True)
    again.seed(3)
    assert (again.reset() == obs).all()


def test_ended_episodes_go_to_the_hook():
    seen = []
    venv = adapter(on_episodes=seen.append)
    venv.reset()
    play_until_done(venv)
    assert len(seen) == 1
    assert (seen[0]["steps"] == 4).all()
