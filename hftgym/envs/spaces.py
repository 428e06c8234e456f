"""Spaces of the market-making task."""

from __future__ import annotations

import numpy as np
from gymnasium import spaces

from hftgym.envs.task import DISCRETE_ACTIONS, OBSERVATION


def observation_space() -> spaces.Box:
    """Return the box of the observation, float32, shape (29,)."""
    return spaces.Box(
        np.array([one.low for one in OBSERVATION], np.float32),
        np.array([one.high for one in OBSERVATION], np.float32),
        dtype=np.float32,
    )


def action_space(discrete: bool) -> spaces.Box | spaces.MultiDiscrete:
    """Return the space of an action: for bid and ask."""
    if discrete:
        return spaces.MultiDiscrete([len(DISCRETE_ACTIONS)] * 2)
    return spaces.Box(-1.0, 1.0, (2,), np.float32)
