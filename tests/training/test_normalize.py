"""The return normaliser against a direct computation."""

import numpy as np
import pytest

from hftgym.training.normalize import ReturnNormalizer


def test_moments_equal_those_of_all_returns_together():
    generator = np.random.default_rng(0)
    rewards = generator.normal(size=(50, 4)) * 3 + 1
    done = generator.random((50, 4)) < 0.1
    normalizer = ReturnNormalizer(4, gamma=0.9)
    returns, seen = np.zeros(4), []
    for r, d in zip(rewards, done, strict=True):
        scaled = normalizer(r, d)
        returns = returns * 0.9 + r
        seen.append(returns.copy())
        returns[d] = 0.0
        expected = np.clip(r / np.sqrt(np.concatenate(seen).var() + 1e-8), -10, 10)
        assert scaled == pytest.approx(expected)
    everything = np.concatenate(seen)
    assert normalizer.mean == pytest.approx(everything.mean())
    assert normalizer.variance == pytest.approx(everything.var())


def test_frozen_statistics_do_not_move_and_survive_saving():
    normalizer = ReturnNormalizer(3, gamma=0.5)
    for value in (1.0, 2.0, 4.0):
        normalizer(np.array([value, -value, 0.5]), np.zeros(3, bool))
    again = ReturnNormalizer.from_arrays(normalizer.arrays())
    assert again.frozen
    before = again.scale
    assert before == normalizer.scale
    out = again(np.array([1e9, -1e9, 0.0]), np.ones(3, bool))
    assert again.scale == before
    assert out.tolist() == [10.0, -10.0, 0.0]


def test_reset_forgets_returns_under_way_but_not_the_moments():
    normalizer = ReturnNormalizer(1, gamma=1.0)
    normalizer(np.array([5.0]), np.array([False]))
    normalizer.reset()
    normalizer(np.array([1.0]), np.array([False]))
    assert normalizer.mean == pytest.approx(3.0)  # returns 5 and 1, not 5 and 6
