"""Daniels et al. 2003: the mean spread of zero intelligence in our own book, and its scaling."""

from __future__ import annotations

import numpy as np
import pytest

from hftgym.core.jit import INTERPRETED
from hftgym.papers.santa_fe_2003 import SPREADS, mean_spread, rows, scenario
from hftgym.simulator import Simulator

pytestmark = pytest.mark.skipif(INTERPRETED, reason="millions of events: too slow without numba")


def test_one_factor_on_all_rates_changes_the_clock_alone() -> None:
    """Same seed, alpha, mu and delta times 4: the same events in the same order.

    Times are whole nanoseconds: each event's is exact to one, so the time of the n-th is to n, and
    the mean spread to about 1e-6 of itself.
    """
    logs, spreads = [], []
    for alpha in (1.0, 4.0):
        model = scenario(0.2, alpha=alpha)
        market = Simulator(model, seed=5, keep_log=True)
        market.advance(100.0 / alpha)
        logs.append(market.log())
        spreads.append(mean_spread(model, 200.0 / alpha, 5))
    n = min(map(len, logs))
    assert n > 20_000 and abs(len(logs[0]) - len(logs[1])) <= 2
    for name in ("kind", "side", "px", "lots", "maker_slot", "taker_slot"):
        np.testing.assert_array_equal(logs[0][name][:n], logs[1][name][:n])
    np.testing.assert_allclose(logs[0]["t_ns"][:n] / 4.0, logs[1]["t_ns"][:n], rtol=0, atol=n)
    assert spreads[0] == pytest.approx(spreads[1], rel=1e-5)


@pytest.mark.parametrize("eps", [0.04, 0.2])
def test_the_mean_spread_of_a_short_run(eps: float) -> None:
    """40,000 market orders, three seeds: within 0.015, three standard errors at eps = 0.2."""
    spread = np.mean([mean_spread(scenario(eps), 800.0, seed) for seed in (1, 2, 3)])
    assert 0.04 * spread == pytest.approx(SPREADS[eps, 0.04], abs=0.015)


@pytest.mark.slow
def test_the_mean_spread_at_each_granularity() -> None:
    """Three long seeds: within the error that the known values are stated with."""
    found = rows()
    assert len(found) == len(SPREADS)
    assert [row for row in found if not row.ok] == []
