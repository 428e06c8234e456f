"""Known Hawkes processes are found again; the residuals tell a true model from a wrong one."""

from __future__ import annotations

import math

import numpy as np
import pytest

from hftgym.analytics.event_table import EventKind
from hftgym.calibration.hawkes import (
    CANCEL,
    DEEP,
    INSIDE,
    KINDS,
    MARKET,
    TOUCH,
    fit_hawkes_flow,
    flow_of,
)
from hftgym.calibration.hawkes_mle import (
    Designer,
    Events,
    apart,
    clock_resolution_ns,
    fit_hawkes,
    fit_rate,
    kolmogorov_tail,
    residuals,
)
from hftgym.errors import DataError
from hftgym.participants.hawkes_flow import Params, spectral_radius
from tests.calibration.recordings import Book, santa_fe_market

BASE = np.array([0.6, 0.3])
BRANCHING = np.array([[0.45, 0.05], [0.30, 0.20]])
DECAY = 3.0


def simulate(base: np.ndarray, branching: np.ndarray, decay: float, horizon_s: float) -> Events:
    """Draw a process from its clusters (Hawkes, Oakes 1974): every event has its own children."""
    rng = np.random.default_rng(5)
    times: list[float] = []
    kinds: list[int] = []
    for i, rate in enumerate(base):
        for t in rng.uniform(0.0, horizon_s, rng.poisson(rate * horizon_s)):
            times.append(float(t))
            kinds.append(i)
    parent = 0
    while parent < len(times):
        for i in range(len(base)):
            for wait in rng.exponential(1 / decay, rng.poisson(branching[i, kinds[parent]])):
                if times[parent] + wait < horizon_s:
                    times.append(times[parent] + float(wait))
                    kinds.append(i)
        parent += 1
    order = np.argsort(times)
    return Events(np.array(times)[order], np.array(kinds)[order], len(base), horizon_s)


@pytest.fixture(scope="module")
def process() -> Events:
    return simulate(BASE, BRANCHING, DECAY, 4_000.0)


def test_known_parameters_are_found_again(process: Events) -> None:
    fit = fit_hawkes(process)
    assert fit.decay_per_s == pytest.approx(DECAY, rel=0.1)
    assert (np.abs(fit.base_per_s - BASE) < 4 * fit.base_se).all()
    assert (np.abs(fit.branching - BRANCHING) < 4 * fit.branching_se).all()
    assert (fit.base_se < 0.15 * BASE).all()
    assert (fit.branching_se < 0.06).all()


def _residuals_of(process: Events, kind: int, base: float, row: np.ndarray) -> float:
    mine = process.kind == kind
    before = Designer(process, DECAY).mass_before()[mine]
    return residuals(base * process.t_s[mine] + before @ row).p_value


def test_residuals_tell_the_true_model_from_a_poisson_process(process: Events) -> None:
    rates = np.bincount(process.kind) / process.horizon_s
    for kind in range(2):
        assert _residuals_of(process, kind, BASE[kind], BRANCHING[kind]) > 0.01
        assert _residuals_of(process, kind, rates[kind], np.zeros(2)) < 1e-6


def test_the_compensator_at_the_end_is_the_number_of_events(process: Events) -> None:
    """At the maximum, base * T + successors * mass = events of the type, exactly."""
    fit = fit_hawkes(process)
    mass = Designer(process, fit.decay_per_s).mass
    expected = fit.base_per_s * process.horizon_s + fit.branching @ mass
    assert expected == pytest.approx(np.bincount(process.kind), rel=1e-6)


def test_the_recursion_is_the_double_sum() -> None:
    rng = np.random.default_rng(3)
    t_s = np.sort(rng.uniform(0, 10, 40))
    kind = rng.integers(0, 3, 40)
    made = Designer(Events(t_s, kind, 3, 12.0), 0.7)
    for k in range(40):
        for j in range(3):
            past = t_s[:k][kind[:k] == j]
            assert made.past[k, j] == pytest.approx(np.exp(-0.7 * (t_s[k] - past)).sum())
            mass = (1 - np.exp(-0.7 * (t_s[k] - past))).sum()
            assert made.mass_before()[k, j] == pytest.approx(mass)
    assert made.mass.sum() == pytest.approx((1 - np.exp(-0.7 * (12.0 - t_s))).sum())


def test_a_constant_rate_is_the_count_over_the_time() -> None:
    fit = fit_rate(np.ones((50, 1)), np.array([20.0]))
    assert fit.weights[0] == pytest.approx(2.5)
    assert fit.standard_errors[0] == pytest.approx(2.5 / math.sqrt(50))
    assert fit.log_likelihood == pytest.approx(50 * math.log(2.5) - 50)


def test_a_rate_without_events_is_zero() -> None:
    fit = fit_rate(np.zeros((0, 2)), np.array([20.0, 1.0]))
    assert fit.weights.tolist() == [0.0, 0.0]


@pytest.mark.parametrize(("x", "p"), [(0.0, 1.0), (1.3581, 0.05), (1.6276, 0.01), (9.0, 0.0)])
def test_the_tail_of_kolmogorov(x: float, p: float) -> None:
    """The critical values are those of Smirnov's (1948) table."""
    assert kolmogorov_tail(x) == pytest.approx(p, abs=2e-4)


def test_events_of_one_stamp_are_set_apart_in_order() -> None:
    t_ns = np.array([0, 5, 5, 5, 6, 20, 20])
    assert apart(t_ns, 10) * 1e9 == pytest.approx([0, 5, 5 + 1 / 3, 5 + 2 / 3, 6, 20, 25])
    assert clock_resolution_ns([0, 2_000_000, 5_000_000]) == 1_000_000
    assert clock_resolution_ns([7, 7]) == 1


def test_events_become_types() -> None:
    book = Book(2)
    second = 10**9
    for side, px in ((1, 95), (1, 93), (-1, 105), (-1, 107)):
        book.change(0, EventKind.ADD, side, px, 4)
    book.change(1 * second, EventKind.ADD, 1, 97, 2)  # inside
    book.change(2 * second, EventKind.ADD, -1, 105, 2)  # touch
    book.change(3 * second, EventKind.ADD, 1, 95, 2)  # deep, 2 ticks behind
    book.change(4 * second, EventKind.CANCEL, -1, 107, 4)
    book.change(5 * second, EventKind.TRADE, 1, 97, 2)  # a seller meets two levels
    book.change(5 * second, EventKind.TRADE, 1, 95, 1)
    book.change(6 * second, EventKind.TRADE, -1, 105, 1)
    flow = flow_of(book.table())
    buy, sell = 0, 1
    wanted = [
        (INSIDE, buy),
        (TOUCH, sell),
        (DEEP, buy),
        (CANCEL, sell),
        (MARKET, sell),
        (MARKET, buy),
    ]
    last = [2 * kind + side for kind, side in wanted]
    assert flow.events.kind[-6:].tolist() == last
    assert flow.events.t_s[-6:] == pytest.approx([1, 2, 3, 4, 5, 6])
    assert flow.deep_tick == 2.0
    with pytest.raises(DataError, match="no market orders"):
        flow_of(book.table().part(0, 7))


def test_a_flow_without_memory_has_no_successors() -> None:
    """Santa Fe flow: constant rates, cancellations per order. Excitation explains next to none."""
    table = santa_fe_market(0.4, 1.0, 0.25, band=8, lots=3, seconds=600, levels=5)
    fit = fit_hawkes_flow(table, tick=1)
    assert fit.patience_per_s == pytest.approx(0.25, rel=0.1)
    assert fit.base_per_s[MARKET] == pytest.approx(0.5, rel=0.15)
    gain = fit.log_likelihood - fit.poisson_log_likelihood
    assert gain < 0.05 * len(fit.flow.events.t_s)
    params = Params(**fit.params(units_per_lot=1))
    assert spectral_radius(params.branching) < 0.95 + 1e-9
    assert params.base_per_s[2 * CANCEL] == 0.0
    assert params.mean_lots == 3.0
    assert len(fit.goodness) == 2 * KINDS
