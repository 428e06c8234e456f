"""Counted random numbers: distribution, independence of the batch."""

import math

import numpy as np
import pytest

from agents.noise import NoiseState, normals, uniforms


def test_normals_are_standard_and_independent():
    state = NoiseState.begin(np.arange(20_000))
    x = normals(state, 2)
    assert x.mean(axis=0) == pytest.approx([0, 0], abs=0.03)
    assert x.std(axis=0) == pytest.approx([1, 1], abs=0.03)
    assert np.corrcoef(x.T)[0, 1] == pytest.approx(0, abs=0.03)
    later = normals(state.advance(), 2)
    assert np.corrcoef(x[:, 0], later[:, 0])[0, 1] == pytest.approx(0, abs=0.03)


def test_uniforms_are_inside_the_unit_interval_and_even():
    u = uniforms(NoiseState.begin(np.arange(10_000)), 3)
    assert 0.0 < u.min() and u.max() < 1.0
    counts, _ = np.histogram(u, bins=20, range=(0, 1))
    chi2 = ((counts - u.size / 20) ** 2 / (u.size / 20)).sum()
    assert chi2 < 19 + 5 * math.sqrt(38)


def test_draws_do_not_depend_on_neighbours():
    seeds = np.array([5, 6, 2**63 + 1], np.uint64)
    together = uniforms(NoiseState.begin(seeds).advance(), 4)
    for i in range(3):
        alone = uniforms(NoiseState.begin(seeds[i : i + 1]).advance(), 4)
        assert (alone[0] == together[i]).all()
