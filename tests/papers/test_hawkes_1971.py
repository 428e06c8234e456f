"""The Hawkes process that trades: its moments, and the theorem of time change."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import kstest

from hftgym.papers.hawkes_1971 import (
    compensated_waits,
    count_covariance,
    events,
    mean_rates,
    rows,
    window_counts,
)
from hftgym.participants.hawkes_flow import BASE, BRANCHING, TYPES

BASE_2 = np.array([0.4, 0.1])
#: One excites the other far more than it is excited: a transposed table would not go unnoticed.
TABLE_2 = np.array([[0.3, 0.05], [0.6, 0.2]])


def test_published_moments() -> None:
    found = rows(windows=4_000)
    assert [row.printed for row in found] == [1.25, 6.25, 5.0, 25.0]
    assert [row for row in found if not row.ok] == []


@pytest.mark.parametrize(
    ("base", "table", "decay"),
    [
        (BASE_2, TABLE_2, 5.0),
        (np.array(BASE), np.reshape(BRANCHING, (TYPES, TYPES)), 8.0),  # as it trades by default
    ],
)
def test_moments_of_several_types(base: np.ndarray, table: np.ndarray, decay: float) -> None:
    windows, window_s = 4_000, 50.0
    counts = window_counts(base, table, decay, window_s, windows)
    rates, covariance = mean_rates(base, table), count_covariance(base, table)
    error = (covariance.diagonal() / (windows * window_s)) ** 0.5
    assert (np.abs(counts.mean(axis=0) / window_s - rates) < 4 * error).all()
    found = np.cov(counts.T) / window_s
    scale = np.sqrt(np.outer(covariance.diagonal(), covariance.diagonal()))
    assert (np.abs(found - covariance) / scale).max() < 4 * (2 / windows) ** 0.5 + 0.02


def test_compensated_waits_are_exponential() -> None:
    times_s, types = events(BASE_2, TABLE_2, 5.0, 40_000)
    assert (np.diff(times_s) > 0).all()
    for waits in compensated_waits(times_s, types, BASE_2, TABLE_2, 5.0):
        assert len(waits) > 10_000
        assert kstest(waits, "expon").pvalue > 1e-3
        assert abs(np.corrcoef(waits[:-1], waits[1:])[0, 1]) < 4 / len(waits) ** 0.5


def test_compensated_waits_notice_another_process() -> None:
    times_s, types = events(BASE_2, TABLE_2, 5.0, 40_000)
    for table, decay in ((TABLE_2.T, 5.0), (TABLE_2, 3.0)):
        waits = compensated_waits(times_s, types, BASE_2, table, decay)
        assert min(kstest(w, "expon").pvalue for w in waits) < 1e-6
