"""How much of the next mid return the public observation foretells, out of sample.

Ordinary least squares on the observation of a learner that quotes nothing: trained on the first
half of the episodes, judged on the second. Everything is computed from the second moments of each
episode, so nothing but one matrix an episode is kept.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from hftgym.analytics.gate_play import Progress, UInt64Array
from hftgym.envs.layout import OBSERVATIONS
from hftgym.envs.market_making import MarketMakingVectorEnv

FloatArray = npt.NDArray[np.float64]
#: Steps between two samples: neighbours share most of their future.
_EVERY = 2
_WITHDRAW_BOTH = 1.0
#: Columns of a sample: 1, the observation, the return.
COLUMNS = OBSERVATIONS + 2


def second_moments(samples: npt.ArrayLike) -> FloatArray:
    """Return the sum over samples of the outer product of each row with itself.

    Args:
        samples: rows of (1, features, target), shape (..., samples, columns).

    Returns:
        Shape (..., columns, columns).
    """
    x = np.asarray(samples, np.float64)
    return np.asarray(np.swapaxes(x, -1, -2) @ x, np.float64)


def fit(moments: FloatArray) -> FloatArray:
    """Return least-squares coefficients of the last column on the others.

    Args:
        moments: second moments, shape (columns, columns); column 0 is constant 1.

    Returns:
        Coefficients, shape (columns - 1,); 0 for a feature that does not vary.
    """
    n = moments[0, 0]
    mean = moments[0] / n
    covariance = moments / n - np.outer(mean, mean)
    scale = np.sqrt(np.maximum(np.diag(covariance), 0.0))
    used = np.flatnonzero(scale[:-1] > 1e-9 * (1.0 + np.abs(mean[:-1])))
    beta = np.zeros(len(moments) - 1)
    if len(used):
        correlation = covariance[np.ix_(used, used)] / np.outer(scale[used], scale[used])
        target = covariance[used, -1] / scale[used]
        solved = np.linalg.lstsq(correlation, target, rcond=1e-8)[0]
        beta[used] = solved / scale[used]
    beta[0] = mean[-1] - beta[1:] @ mean[1:-1]
    return beta


def squared_errors(moments: FloatArray, train: FloatArray) -> FloatArray:
    """Return what the regression and the bare mean of the training half leave unexplained.

    Args:
        moments: second moments of the episodes to judge, shape (episodes, columns, columns).
        train: second moments of the training half, summed, shape (columns, columns).

    Returns:
        Sums of squared errors of the regression and of the mean, shape (episodes, 2).
    """
    regression = np.append(fit(train), -1.0)
    bare = np.zeros(len(regression))
    bare[0] = train[0, -1] / train[0, 0]
    bare[-1] = -1.0
    return np.column_stack([np.einsum("i,eij,j->e", w, moments, w) for w in (regression, bare)])


def episode_moments(
    venv: MarketMakingVectorEnv,
    seeds: UInt64Array,
    horizon_s: float,
    progress: Progress | None = None,
) -> FloatArray:
    """Watch markets idly and return the second moments of each.

    Args:
        venv: an environment that waits at the end of an episode, with continuous actions.
        seeds: market seeds, shape (episodes,).
        horizon_s: how far ahead the return looks.
        progress: called with the number of episodes that have just ended.

    Returns:
        Moments of (1, observation, mid return in ticks), shape (episodes, COLUMNS, COLUMNS).
    """
    setting = venv.setting
    ahead = round(horizon_s / (setting.step_ns / 1e9))
    steps = setting.steps
    tick_2px = 2.0 * setting.scenario.instrument.tick_px
    idle = np.full((venv.num_envs, 2), _WITHDRAW_BOTH, np.float32)
    out = np.zeros((len(seeds), COLUMNS, COLUMNS))
    observed = np.zeros((steps + 1, venv.num_envs, OBSERVATIONS), np.float32)
    mid_tick = np.zeros((steps + 1, venv.num_envs))
    for begin in range(0, len(seeds), venv.num_envs):
        used = min(venv.num_envs, len(seeds) - begin)
        lane_seeds = np.full(venv.num_envs, seeds[begin], np.uint64)
        lane_seeds[:used] = seeds[begin : begin + used]
        obs, _ = venv.reset(options={"market_seeds": lane_seeds})
        for step in range(steps + 1):
            observed[step] = obs
            mid_tick[step] = venv.markets["books"][:, 0]["mid_2px"] / tick_2px
            if step < steps:
                obs, _, _, _, _ = venv.step(idle)
        change = (mid_tick[ahead:] - mid_tick[:-ahead])[::_EVERY]
        samples = np.empty((used, len(change), COLUMNS))
        samples[:, :, 0] = 1.0
        samples[:, :, 1:-1] = observed[:-ahead:_EVERY, :used].swapaxes(0, 1)
        samples[:, :, -1] = change[:, :used].T
        out[begin : begin + used] = second_moments(samples)
        if progress is not None:
            progress(used)
    return out
