"""Noise takers over a day: the U-shape of their rate, and its mean."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import kstest

from hftgym.core.constants import BUY, SELL
from hftgym.core.records import RNG
from hftgym.core.rng import enter, exponential, geometric, mix2, text_hash, uniform
from hftgym.participants.noise_taker import Params, u_profile
from tests.participants.markets import SECOND, group, simulate

DAY_S = 4_000.0


def arrivals_s(u_shape: float, days: int = 5) -> np.ndarray:
    """Times of all orders; nobody else trades, so each is cancelled at once."""
    params = {"rate_per_s": 2.0, "u_shape": u_shape, "day_s": DAY_S}
    log = simulate(days * DAY_S, group("noise_taker", params=params)).log()
    return np.asarray(log["t_ns"] / SECOND)


@pytest.mark.parametrize("u_shape", [0.6, 2.0])
def test_the_rate_over_a_day_has_the_u_shape_and_keeps_its_mean(u_shape: float) -> None:
    times = arrivals_s(u_shape)
    mean = 5 * DAY_S * 2.0
    assert abs(len(times) - mean) < 4 * mean**0.5
    # The integral of the profile is the distribution of times within a day.
    x = times % DAY_S / DAY_S
    found = kstest(x, lambda s: s + u_shape * (s - 3 * s**2 + 2 * s**3))
    assert found.pvalue > 1e-4
    expected = 0.02 * mean * u_profile(0.01, u_shape)
    assert abs((x < 0.02).sum() - expected) < 4 * expected**0.5


def test_the_time_change_of_the_rate_is_a_poisson_process() -> None:
    """Compensated waits are exponential with mean 1: the thinning is exact."""
    u_shape = 1.5
    days = arrivals_s(u_shape) / DAY_S
    x = days % 1.0
    passed = days + u_shape * (x - 3 * x**2 + 2 * x**3)
    waits = np.diff(passed * DAY_S * 2.0)
    assert kstest(waits, "expon").pvalue > 1e-3


def test_the_profile() -> None:
    assert u_profile(0.0, 0.8) == pytest.approx(1.8)
    assert u_profile(1.0, 0.8) == pytest.approx(1.8)
    assert u_profile(0.5, 0.8) == pytest.approx(0.6)
    x = (np.arange(1_000) + 0.5) / 1_000
    assert np.mean([u_profile(float(s), 0.8) for s in x]) == pytest.approx(1.0, abs=1e-6)
    with pytest.raises(ValueError, match="u_shape"):
        Params(u_shape=2.1)


def test_without_a_u_shape_an_order_takes_three_draws_in_this_order() -> None:
    """Wait, side, size: so runs of markets with noise takers stay what they were."""
    log = simulate(100, group("noise_taker", params={"rate_per_s": 2.0, "mean_lots": 3.0})).log()
    rng = np.zeros(1, RNG)[0]
    rng.key = mix2(np.uint64(1), np.uint64(text_hash("noise_taker#0")))
    t_ns, found = 0, []
    for decision in range(1, len(log) + 2):
        enter(rng, np.uint64(decision))
        wait_ns = int(exponential(rng, SECOND / 2.0)) + 1
        side = BUY if uniform(rng) < 0.5 else SELL
        found.append((t_ns, side, min(geometric(rng, 3.0), 10)))
        t_ns += wait_ns
    assert len(log) > 150
    assert found[1:] == [(int(r["t_ns"]), int(r["side"]), int(r["lots"])) for r in log]
