"""Maximum likelihood for multivariate Hawkes processes with exponential kernels.

    lambda_i(t) = base_i + sum over events of type j at s < t of n_ij * decay * exp(-decay (t - s))

The log likelihood of Ozaki (1979), for several types Ogata (1981), needs the sums of decayed past
events; one pass gives them, as each decays into the next. With one decay for all kernels they do
not depend on base and n, in which the likelihood is concave: those are found by the EM algorithm of
Veen and Schoenberg (2008), whose steps keep them positive and never lower the likelihood. The decay
is found by a search over its logarithm. A rate may have other parts besides, if their value at each
event and their integral are known (``fit_rate``).

The fit is judged by its residuals (Papangelou; Ogata 1988): the integrals of a type's fitted
intensity between its events are independent exponential variables of mean 1 if the model is true.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from hftgym.core.jit import kernel

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

EM_STEPS = 2_000
_SEARCH_STEPS = 60  # of EM, for each decay that is tried
_TOLERANCE = 1e-9  # gain in log likelihood per event


@kernel
def decayed_counts(t_s, kind, types, decay, out):
    """Fill in the decayed number of past events of each type, just before each event.

    Args:
        t_s: times in seconds, rising, shape (events,).
        kind: type of each event, shape (events,).
        types: how many there are.
        decay: per second.
        out: is filled, shape (events, types).
    """
    state = np.zeros(types)
    for k in range(len(t_s)):
        if k > 0:
            state *= math.exp(-decay * (t_s[k] - t_s[k - 1]))
        for j in range(types):
            out[k, j] = state[j]
        state[kind[k]] += 1.0


@dataclass(frozen=True)
class Events:
    """A point process that was watched from 0 to ``horizon_s``.

    Attributes:
        t_s: Times, strictly rising, shape (events,).
        kind: Type of each event, 0 to types - 1, shape (events,).
        types: Number of types.
        horizon_s: End of the watch.
    """

    t_s: FloatArray
    kind: IntArray
    types: int
    horizon_s: float


@dataclass(frozen=True)
class RateFit:
    """Rate of one type of event.

    Attributes:
        weights: Of the columns of its design, shape (columns,).
        standard_errors: From the observed information; NaN at the border 0, shape (columns,).
        log_likelihood: Of its events.
    """

    weights: FloatArray
    standard_errors: FloatArray
    log_likelihood: float


def fit_rate(design: FloatArray, exposure: FloatArray, steps: int = EM_STEPS) -> RateFit:
    """Maximise sum(log(design @ w)) - exposure @ w over w >= 0, by EM.

    Args:
        design: What a weight of 1 adds to the rate at each event, at least 0, shape (events,
            columns).
        exposure: Integral of the same over the watch, shape (columns,).
        steps: Most steps.
    """
    used = (exposure > 0) & (design.sum(axis=0) > 0) if len(design) else exposure < 0
    w = np.zeros(len(exposure))
    if not used.any():
        return RateFit(w, np.full(len(w), np.nan), 0.0)
    x, c = np.ascontiguousarray(design[:, used]), exposure[used]
    v = np.full(len(c), len(x) / c.sum())
    last = -math.inf
    for step in range(steps):
        rate = x @ v
        if step % 20 == 19:
            now = float(np.log(rate).sum() - c @ v)
            if now - last < _TOLERANCE * len(x):
                break
            last = now
        v *= (x.T @ (1.0 / rate)) / c
    rate = x @ v
    w[used] = v
    errors = np.full(len(w), np.nan)
    errors[used] = _standard_errors(x, rate, v, c)
    return RateFit(w, errors, float(np.log(rate).sum() - c @ v))


def _standard_errors(x: FloatArray, rate: FloatArray, v: FloatArray, c: FloatArray) -> FloatArray:
    inside = v * c > 1e-3  # explains a thousandth of an event or more
    scaled = x[:, inside] / rate[:, None]
    out = np.full(len(v), np.nan)
    information = scaled.T @ scaled
    variance = np.diag(np.linalg.pinv(information, hermitian=True))
    out[inside] = np.sqrt(np.maximum(variance, 0.0))
    return out


@dataclass(frozen=True)
class HawkesFit:
    """A fitted process.

    Attributes:
        base_per_s: Base rates, shape (types,).
        branching: n[i, j]: direct successors of type i of an event of type j, shape (types, types).
        decay_per_s: Decay of all kernels.
        base_se: Standard errors at the fitted decay; NaN at the border 0.
        branching_se: Likewise.
        log_likelihood: Of all events.
    """

    base_per_s: FloatArray
    branching: FloatArray
    decay_per_s: float
    base_se: FloatArray
    branching_se: FloatArray
    log_likelihood: float


class Designer:
    """Builds, for one decay, what the rates of the types are made of.

    Args:
        events: The process.
        decay: Per second.
    """

    def __init__(self, events: Events, decay: float) -> None:
        self.events = events
        self.decay = decay
        self.past = np.zeros((len(events.t_s), events.types))
        decayed_counts(events.t_s, events.kind, events.types, decay, self.past)
        left = 1.0 - np.exp(-decay * (events.horizon_s - events.t_s))
        #: Integral of each type's kernels of unit mass over the watch, shape (types,).
        self.mass = np.bincount(events.kind, left, events.types)

    def mass_before(self) -> FloatArray:
        """Return these integrals up to each event, shape (events, types)."""
        seen = np.zeros_like(self.past)
        seen[np.arange(len(seen)), self.events.kind] = 1.0
        return np.cumsum(seen, axis=0) - seen - self.past


def fit_hawkes(events: Events, decays: tuple[float, float] = (0.05, 1_000.0)) -> HawkesFit:
    """Fit base rates, branching and one decay.

    Args:
        events: The process.
        decays: Bounds of the decay, per second.
    """

    def profile(decay: float, steps: int) -> list[RateFit]:
        made = Designer(events, decay)
        fits = []
        for i in range(events.types):
            mine = events.kind == i
            design = np.column_stack((np.ones(int(mine.sum())), decay * made.past[mine]))
            fits.append(fit_rate(design, np.append(events.horizon_s, made.mass), steps))
        return fits

    decay = best_decay(lambda d: sum(f.log_likelihood for f in profile(d, _SEARCH_STEPS)), decays)
    fits = profile(decay, EM_STEPS)
    weights = np.array([fit.weights for fit in fits])
    errors = np.array([fit.standard_errors for fit in fits])
    return HawkesFit(
        base_per_s=weights[:, 0],
        branching=weights[:, 1:],
        decay_per_s=decay,
        base_se=errors[:, 0],
        branching_se=errors[:, 1:],
        log_likelihood=sum(fit.log_likelihood for fit in fits),
    )


def best_decay(
    log_likelihood: Callable[[float], float], bounds: tuple[float, float], points: int = 8
) -> float:
    """Return the decay with the largest likelihood: a grid, then golden section between neighbours.

    Args:
        log_likelihood: Of a decay.
        bounds: Smallest and largest decay.
        points: Of the grid, of equal steps in the logarithm.
    """
    grid = np.geomspace(*bounds, points)
    values = [log_likelihood(float(decay)) for decay in grid]
    best = int(np.argmax(values))
    low, high = (math.log(grid[min(max(best + k, 0), points - 1)]) for k in (-1, 1))
    ratio = (math.sqrt(5.0) - 1.0) / 2.0
    left, right = high - ratio * (high - low), low + ratio * (high - low)
    at_left, at_right = log_likelihood(math.exp(left)), log_likelihood(math.exp(right))
    while high - low > 0.02:  # two per cent of a decay change nothing
        if at_left > at_right:
            high, right, at_right = right, left, at_left
            left = high - ratio * (high - low)
            at_left = log_likelihood(math.exp(left))
        else:
            low, left, at_left = left, right, at_right
            right = low + ratio * (high - low)
            at_right = log_likelihood(math.exp(right))
    return math.exp((low + high) / 2.0)


@dataclass(frozen=True)
class Residuals:
    """Goodness of fit of one type.

    Attributes:
        events: Events of the type.
        mean: Mean residual; 1 for a good fit.
        ks: Kolmogorov-Smirnov distance of the residuals from an exponential of mean 1.
        p_value: Chance of a larger distance if the model were true (asymptotic).
    """

    events: int
    mean: float
    ks: float
    p_value: float


def residuals(compensator: FloatArray) -> Residuals:
    """Judge a type by its compensator.

    Args:
        compensator: Integral of the fitted intensity from 0 to each event of the type, shape
            (events,).
    """
    gaps = np.diff(compensator, prepend=0.0)
    n = len(gaps)
    if n == 0:
        return Residuals(0, math.nan, math.nan, math.nan)
    expected = 1.0 - np.exp(-np.sort(gaps))
    above = np.arange(1, n + 1) / n - expected
    ks = float(max(above.max(), (1.0 / n - above).max()))
    return Residuals(n, float(gaps.mean()), ks, kolmogorov_tail(math.sqrt(n) * ks))


def kolmogorov_tail(x: float) -> float:
    """Return P(K > x) of Kolmogorov's distribution."""
    if x < 0.2:
        return 1.0
    terms = (2.0 * (-1.0) ** (k - 1) * math.exp(-2.0 * (k * x) ** 2) for k in range(1, 101))
    return min(1.0, max(0.0, sum(terms)))


def apart(t_ns: IntArray, resolution_ns: int) -> FloatArray:
    """Spread events of one time stamp over the clock's resolution, in their order; in seconds.

    Events at one instant would let the decay grow without bound.

    Args:
        t_ns: Times, never falling, shape (events,).
        resolution_ns: What the clock can tell apart.
    """
    stamps, first, count = np.unique(t_ns, return_index=True, return_counts=True)
    room = np.minimum(np.diff(stamps, append=stamps[-1] + resolution_ns), resolution_ns)
    place = np.arange(len(t_ns)) - np.repeat(first, count)
    offset = place * np.repeat(room / count, count)
    return np.asarray((np.repeat(stamps - stamps[0], count) + offset) / 1e9, np.float64)


def clock_resolution_ns(t_ns: Sequence[int] | IntArray) -> int:
    """Return the largest step of which all differences of times are multiples."""
    return int(np.gcd.reduce(np.diff(np.asarray(t_ns, np.int64)))) or 1
