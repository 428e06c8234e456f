"""Episodes that begin at different times, so that a short rollout holds all parts of one."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt


def stagger(venv: Any, obs: npt.NDArray[Any], seed: int) -> npt.NDArray[Any]:
    """Let each environment begin anew at its own time within one episode.

    Episodes of one length that begin together would fill a rollout shorter than an episode with one
    part of it only. The steps before are played with action zero and forgotten.
    """
    steps = episode_steps(venv)
    if steps < 2:
        return obs
    begins = np.random.default_rng(seed).integers(0, steps, venv.num_envs)
    actions = np.zeros((venv.num_envs, *venv.single_action_space.shape), np.float32)
    for now in range(steps):
        if (begins == now).any():
            obs, _ = venv.reset(options={"reset_mask": begins == now})
        if now < steps - 1:
            obs = venv.step(actions.astype(venv.single_action_space.dtype))[0]
    return obs


def episode_steps(venv: Any) -> int:
    """Return the decisions of an episode of fixed length; 0 where that is not known."""
    inner = venv.unwrapped
    if hasattr(inner, "task_info"):
        return round(float(inner.task_info.horizon_s) / float(inner.task_info.step_s))
    return int(inner.process.steps) if hasattr(inner, "process") else 0
