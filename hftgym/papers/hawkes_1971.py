"""Hawkes 1971: moments of self-exciting point processes with exponential kernels.

With the table n of mean numbers of direct successors and base rates mu, a stationary process has
the mean rates L = (1 - n)^-1 mu, and counts in long windows have the covariances
(1 - n)^-1 diag(L) (1 - n)^-T per unit of time; so for one type the ratio of variance to mean of
counts (the Fano factor) tends to 1 / (1 - n)^2. The process is simulated with the very leaves that
``hftgym.participants.hawkes_flow`` trades with.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from hftgym.core.jit import kernel, leaf
from hftgym.core.records import RNG
from hftgym.core.rng import enter, next_decision, uniform
from hftgym.papers.table import Row
from hftgym.participants.hawkes_flow import choose, excite, fade, wait_s

PAPER = "Hawkes 1971"
Floats = npt.NDArray[np.float64]


# ------------------------------------------------------------------ exact
def mean_rates(base: Floats, branching: Floats) -> Floats:
    """Return the mean rates of a stationary process.

    Args:
        base: base rates, per second, shape (types,).
        branching: direct successors [i, j] of type i by an event of type j.
    """
    rates = np.linalg.solve(np.eye(len(base)) - branching, base)
    return rates.astype(np.float64)


def count_covariance(base: Floats, branching: Floats) -> Floats:
    """Return the covariances of counts in long windows, per second, shape (types, types)."""
    inverse = np.linalg.inv(np.eye(len(base)) - branching)
    covariance: Floats = inverse @ np.diag(inverse @ base) @ inverse.T
    return covariance


def compensated_waits(
    times_s: Floats, types: npt.NDArray[np.int64], base: Floats, branching: Floats, decay: float
) -> list[Floats]:
    """Return, for each type, the integral of its intensity between two of its events.

    By the theorem of time change (Papangelou 1972; Ogata 1988) these are independent exponential
    variates with mean 1, if and only if the events follow this process.
    """
    size = len(base)
    waits: list[list[float]] = [[] for _ in range(size)]
    passed = np.zeros(size)
    excitation = np.zeros(size)
    last_s = 0.0
    for t_s, event in zip(times_s.tolist(), types.tolist(), strict=True):
        step = t_s - last_s
        kept = math.exp(-decay * step)
        passed += base * step + excitation * ((1.0 - kept) / decay)
        excitation *= kept
        waits[event].append(passed[event])
        passed[event] = 0.0
        excitation += decay * branching[:, event]
        last_s = t_s
    return [np.array(w) for w in waits]


# ------------------------------------------------------------------ simulated
@leaf
def _next(rng, base, branching, decay, total, excitation, excess):
    """Return the wait for the next event and its type; let it excite."""
    next_decision(rng)
    seconds = wait_s(rng, total, excess, decay)
    excess = fade(excitation, decay, seconds)
    event = choose(uniform(rng) * (total + excess), excitation, base, 0)
    event = max(event, 0)  # rounding at the very end of the range
    excite(excitation, branching, 0, decay, event)
    return seconds, event, excess + _column(branching, len(excitation), decay, event)


@leaf
def _column(branching, size, decay, event):
    """Return what one event adds to the intensity of all types."""
    added = 0.0
    for i in range(size):
        added += decay * branching[size * i + event]
    return added


@kernel
def _count(streams, key, base, branching, decay, warm_s, window_s, counts):
    """Fill ``counts``, shape (windows, types), after ``warm_s`` seconds."""
    rng = streams[0]
    rng.key = key
    enter(rng, np.uint64(0))
    excitation = np.zeros(len(base))
    total = base.sum()
    excess = 0.0
    now_s = -warm_s
    end_s = len(counts) * window_s
    while True:
        seconds, event, excess = _next(rng, base, branching, decay, total, excitation, excess)
        now_s += seconds
        if now_s >= end_s:
            return
        if now_s >= 0.0:
            counts[int(now_s / window_s), event] += 1


@kernel
def _play(streams, key, base, branching, decay, times_s, types):
    """Fill the times and types of the first events of a process that begins at rest."""
    rng = streams[0]
    rng.key = key
    enter(rng, np.uint64(0))
    excitation = np.zeros(len(base))
    total = base.sum()
    excess = 0.0
    now_s = 0.0
    for k in range(len(times_s)):
        seconds, event, excess = _next(rng, base, branching, decay, total, excitation, excess)
        now_s += seconds
        times_s[k] = now_s
        types[k] = event


def window_counts(
    base: Floats,
    branching: Floats,
    decay: float,
    window_s: float,
    windows: int,
    seed: int = 0,
) -> npt.NDArray[np.int64]:
    """Return counts of a stationary process, shape (windows, types)."""
    counts = np.zeros((windows, len(base)), np.int64)
    key, table = np.uint64(seed), np.ascontiguousarray(branching).ravel()
    _count(np.zeros(1, RNG), key, base, table, decay, 10 * window_s, window_s, counts)
    return counts


def events(
    base: Floats, branching: Floats, decay: float, count: int, seed: int = 0
) -> tuple[Floats, npt.NDArray[np.int64]]:
    """Return times in seconds and types of the first events of a process that begins at rest."""
    times_s, types = np.zeros(count), np.zeros(count, np.int64)
    table = np.ascontiguousarray(branching).ravel()
    _play(np.zeros(1, RNG), np.uint64(seed), base, table, decay, times_s, types)
    return times_s, types


def rows(windows: int = 20_000) -> list[Row]:
    """Return mean rate and Fano factor of two processes, in ``windows`` windows of 100 s."""
    found = []
    window_s, decay = 100.0, 10.0
    for mu, n, rate, fano in ((0.5, 0.6, 1.25, 6.25), (1.0, 0.8, 5.0, 25.0)):
        counts = window_counts(np.array([mu]), np.array([[n]]), decay, window_s, windows)[:, 0]
        what = f"mu {mu}, n {n}"
        note = f"{windows} windows of {window_s:g} s, 4 standard errors"
        seconds = windows * window_s
        error = 4.0 * (fano * rate / seconds) ** 0.5
        ours = float(counts.mean()) / window_s
        found.append(Row(PAPER, f"{what}: mean rate mu / (1 - n)", rate, ours, error, note))
        # Counts of long windows are near normal; their variance is short of its limit by what the
        # correlation time 1 / (decay (1 - n)) takes of a window.
        error = fano * (4.0 * (2.0 / windows) ** 0.5 + 1.0 / (decay * (1.0 - n) * window_s))
        ours = float(counts.var(ddof=1) / counts.mean())
        found.append(Row(PAPER, f"{what}: Fano factor 1 / (1 - n)^2", fano, ours, error, note))
    return found
