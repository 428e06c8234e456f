"""What the latent value is worth to a taker: the ceiling of ``hftgym/Taking-v0``.

The policy trades one way while the signal is beyond ``enter``, and gives its position back when the
signal no longer reaches ``leave``. At correlation 1 the signal is the value itself; the two
thresholds are tuned on the tuning markets and judged on others.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from hftgym.envs.layout import OBS_INDEX, OBSERVATIONS
from hftgym.envs.taking import TakingVectorEnv

ENTER = (2.0, 2.5, 3.0)
LEAVE = (-1.5, -0.5, 0.5)
_SIGNAL = OBSERVATIONS  # the first column beyond the summary
_SELL, _WAIT, _BUY = 0, 1, 2


@dataclass(frozen=True)
class OracleValue:
    """The value of a threshold policy.

    Attributes:
        mean: mean objective of an episode, ticks times lots.
        error: its standard error.
        enter: beyond this signal it trades.
        leave: below this signal it gives its position back.
    """

    mean: float
    error: float
    enter: float
    leave: float


def threshold_actions(
    obs: npt.NDArray[np.float32], enter: float, leave: float
) -> npt.NDArray[np.int64]:
    """Return the actions of a threshold policy, shape (envs,)."""
    signal, position = obs[:, _SIGNAL], obs[:, OBS_INDEX["inventory"]]
    actions = np.full(len(obs), _WAIT)
    actions[signal > enter] = _BUY
    actions[signal < -enter] = _SELL
    actions[(position > 0.0) & (signal < leave)] = _SELL
    actions[(position < 0.0) & (signal > -leave)] = _BUY
    return actions


def oracle_value(
    episodes: int = 256,
    signal_correlation: float = 1.0,
    split: str = "test",
    seed: int = 0,
    **arguments: Any,
) -> OracleValue:
    """Return what the best pair of thresholds of a grid earns.

    Args:
        episodes: how many markets, to tune on and to judge on.
        signal_correlation: 1 for the oracle; less shows what a worse signal is worth.
        split: where it is judged; the thresholds are chosen on ``tune``.
        seed: of the markets.
        arguments: of the environment, but for the form of action.
    """

    def earned(where: str, enter: float, leave: float) -> npt.NDArray[np.float64]:
        env = TakingVectorEnv(
            episodes, signal_correlation=signal_correlation, split=where, **arguments
        )
        obs, _ = env.reset(seed=seed)
        for _ in range(env.setting.steps):
            obs, *_ = env.step(threshold_actions(obs, enter, leave))
        objective: npt.NDArray[np.float64] = env.last_episodes["objective"].copy()
        return objective

    pairs = [(enter, leave) for enter in ENTER for leave in LEAVE]
    best = max(pairs, key=lambda pair: float(earned("tune", *pair).mean()))
    found = earned(split, *best)
    return OracleValue(float(found.mean()), float(found.std() / np.sqrt(episodes)), *best)
