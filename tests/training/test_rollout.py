"""Episodes are functions of policy and market, however they are batched."""

import numpy as np
import pytest

from agents.do_nothing import DoNothing
from agents.random_policy import RandomPolicy
from hftgym.errors import InternalError
from hftgym.training.rollout import Job, play
from hftgym.training.seeds import market_seeds
from tests.fake_market import FakeMarket


def played(num_envs, names=("random", "nothing"), markets=7, **kwargs):
    venv = FakeMarket(num_envs, horizon_s=5.0)
    kinds = {"random": RandomPolicy, "nothing": DoNothing}
    seeds = market_seeds("test", markets)
    return play(venv, [Job(kinds[n](venv.task_info), seeds) for n in names], **kwargs)


@pytest.mark.parametrize("num_envs", [1, 3, 14, 20])
def test_lanes_do_not_matter(num_envs):
    reference = played(7)
    for a, b in zip(reference, played(num_envs), strict=True):
        assert (a.episodes == b.episodes).all()
    assert (reference[0].episodes["market_seed"] == market_seeds("test", 7)).all()
    assert (reference[0].episodes["fills"] > 0).any()
    assert (reference[1].episodes["fills"] == 0).all()


def test_company_does_not_matter():
    alone = played(4, names=("random",))[0]
    beside = played(4, names=("nothing", "random", "nothing"))[1]
    assert (alone.episodes == beside.episodes).all()


def test_blocks_add_up_to_the_objective():
    result = played(4, block_s=1.0)[0]
    assert result.blocks.shape == (7, 5)
    assert result.blocks.sum(axis=1) == pytest.approx(result.episodes["objective"])


def test_progress_counts_each_episode_once():
    counts = []
    played(4, progress=counts.append)
    assert sum(counts) == 14


def test_a_market_that_was_not_asked_for_is_noticed():
    class Stubborn(FakeMarket):
        def reset(self, *, seed=None, options=None):
            return super().reset(seed=seed, options=None)

    venv = Stubborn(2, horizon_s=2.0)
    with pytest.raises(InternalError, match="lane 0 played market"):
        play(venv, [Job(DoNothing(venv.task_info), market_seeds("test", 2))])


def test_the_stochastic_flag_reaches_the_policy():
    flags = []

    class Watcher(DoNothing):
        def predict(self, obs, state=None, episode_start=None, deterministic=True):
            flags.append((deterministic, bool(episode_start.all())))
            return super().predict(obs, state, episode_start, deterministic)

    venv = FakeMarket(2, horizon_s=1.0)
    play(venv, [Job(Watcher(venv.task_info), market_seeds("test", 2), deterministic=False)])
    assert flags == [(False, True), (False, False)]


def test_the_truth_reaches_only_those_who_ask():
    shown = []

    class Seer(DoNothing):
        needs_truth = True

        def observe_truth(self, truth):
            shown.append(truth["value_offset"].shape)

    venv = FakeMarket(5, horizon_s=0.5, observe_value=True)
    seeds = market_seeds("test", 2)
    play(venv, [Job(DoNothing(venv.task_info), seeds), Job(Seer(venv.task_info), seeds)])
    assert shown == [(2,)]
    assert np.isfinite(venv.last_episodes["objective"]).all()
