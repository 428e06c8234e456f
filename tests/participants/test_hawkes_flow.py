"""The Hawkes flow in the book: rates, clustering, prices, patience, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest

from hftgym.core.constants import BUY, SELL, LogKind
from hftgym.papers.hawkes_1971 import count_covariance, mean_rates
from hftgym.participants.hawkes_flow import (
    BASE,
    BRANCHING,
    EVENTS,
    TYPES,
    Params,
    spectral_radius,
)
from tests.participants.markets import SECOND, group, simulate

#: The default table, but cancels excite nothing: the other types are a Hawkes process of their own.
TABLE = np.reshape(BRANCHING, (TYPES, TYPES)).copy()
TABLE[:, 8:] = 0.0
QUIET = tuple([0.0] * (TYPES * TYPES))


def test_rates_clusters_and_prices_are_those_of_the_process() -> None:
    seconds, window_s = 6_000, 20.0
    params = {"branching": TABLE.ravel().tolist(), "patience_per_s": 0.06, "deep_tick": 4.0}
    run = simulate(seconds, group("hawkes_flow", params=params))
    assert run.market()["part"][0]["account"]["rejects"] == 0
    log = run.log()
    rates = mean_rates(np.array(BASE), TABLE)
    covariance = count_covariance(np.array(BASE), TABLE)

    kinds: dict[str, list[int]] = {name: [] for name in (*EVENTS[:2], *EVENTS[4:8])}
    behind = []
    lots: dict[int, dict[int, int]] = {BUY: {}, SELL: {}}
    for row in log:
        kind, side, px = int(row["kind"]), int(row["side"]), int(row["px"])
        name = "buy" if side == BUY else "sell"
        resting = lots[-side if kind == LogKind.TRADE else side]
        if kind == LogKind.REST:
            deep = bool(resting) and side * px < max(side * p for p in resting)
            kinds[f"{'deep' if deep else 'touch'}_{name}"].append(int(row["t_ns"]))
            if deep:
                behind.append(max(side * p for p in resting) - side * px)
            resting[px] = resting.get(px, 0) + 1
        else:
            if kind == LogKind.TRADE:
                kinds[f"market_{name}"].append(int(row["t_ns"]))
            resting[px] -= 1
            if resting[px] == 0:
                del resting[px]

    joined = {  # an order inside a closed spread joins the touch
        "market_buy": [0],
        "market_sell": [1],
        "touch_buy": [2, 4],
        "touch_sell": [3, 5],
        "deep_buy": [6],
        "deep_sell": [7],
    }
    for name, types in joined.items():
        mean = rates[types].sum() * seconds
        error = (covariance[np.ix_(types, types)].sum() * seconds) ** 0.5
        assert abs(len(kinds[name]) - mean) < 4 * error, name
    assert np.mean(behind) == pytest.approx(4.0, abs=4 * (4.0 * 3.0 / len(behind)) ** 0.5)

    counts = np.histogram(
        np.array(kinds["market_buy"]) / SECOND, np.arange(0, seconds + 1, window_s)
    )
    fano = counts[0].var() / counts[0].mean()
    expected = covariance[0, 0] / rates[0]
    assert expected > 2
    assert fano == pytest.approx(expected, rel=4 * (2 / len(counts[0])) ** 0.5 + 0.03)


def test_orders_that_nobody_takes_wait_as_long_as_their_patience() -> None:
    """Orders come at 2 a second and live 5 seconds: 10 rest on average, as a Poisson number."""
    base = [0.0] * 6 + [1.0, 1.0, 0.0, 0.0]
    params = {"base_per_s": base, "branching": list(QUIET), "patience_per_s": 0.2}
    run = simulate(50, group("hawkes_flow", params=params))
    resting = []
    for _ in range(3_000):
        run.advance(2.0)
        resting.append(int(run.market()["order_live"]))
    # Numbers two seconds apart have a correlation of exp(-0.4): 5 for one that is independent.
    assert np.mean(resting) == pytest.approx(10.0, abs=4 * (10 * 5 / 3_000) ** 0.5)
    assert np.var(resting) == pytest.approx(10.0, abs=2.0)


def test_a_flow_without_rates_sleeps() -> None:
    params = {"base_per_s": [0.0] * TYPES}
    assert simulate(60, group("hawkes_flow", params=params)).market()["wakes_done"] == 1


def test_bids_and_asks_are_alike_by_default() -> None:
    mirror = [i ^ 1 for i in range(TYPES)]
    table = np.reshape(BRANCHING, (TYPES, TYPES))
    np.testing.assert_array_equal(table, table[np.ix_(mirror, mirror)])
    assert [BASE[i] for i in mirror] == list(BASE)
    assert spectral_radius(BRANCHING) < 0.9


def test_what_can_not_be_is_refused() -> None:
    explosive = np.eye(TYPES)
    explosive[0, 1], explosive[1, 0] = 0.1, 0.1
    with pytest.raises(ValueError, match=r"spectral radius 1\.1; must be below 1"):
        Params(branching=tuple(explosive.ravel()))
    with pytest.raises(ValueError, match="base_per_s: 9 numbers; there must be 10"):
        Params(base_per_s=(1.0,) * 9)
    with pytest.raises(ValueError, match=r"branching: -0\.1; must be finite and not negative"):
        Params(branching=(-0.1, *QUIET[1:]))
