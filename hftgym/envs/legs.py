"""One agent with a desk in each of two instruments: its legs, seen and counted as one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from hftgym.envs.arguments import LearnerArguments, TaskArguments
from hftgym.envs.layout import ObsField
from hftgym.envs.task import EPISODE, Role

NAMES = ("first", "second")
#: Figures of an episode that are not sums over the legs.
_MEANS = ("spread_mean", "depth_mean", "quoting_share", "tape_gap_mean", "tape_agree")
_SAME = ("market_seed", "steps")


def legs_of(role: Role, task: TaskArguments) -> tuple[LearnerArguments, ...]:
    """Return the learners that an agent of a role is in the market."""
    if role != Role.LEG:
        return (LearnerArguments(role, task),)
    firm = "learner"
    return (
        LearnerArguments(role, task, firm=firm),
        LearnerArguments(role, task, "learner#1", second=True, firm=firm),
    )


def joint_fields(legs: Sequence[tuple[ObsField, ...]]) -> tuple[ObsField, ...]:
    """Return the fields of a joint observation; with two legs their names say whose they are."""
    if len(legs) == 1:
        return legs[0]
    return tuple(
        replace(field, name=f"{name}_{field.name}")
        for name, fields in zip(NAMES, legs, strict=True)
        for field in fields
    )


def joint_episodes(episodes: np.ndarray) -> np.ndarray:
    """Return the figures of both legs together.

    Money, lots and counts are sums; the drawdown is the sum of the legs' own, so an upper bound;
    spread, depth and the share of time with orders are means.

    Args:
        episodes: dtype ``EPISODE``, shape (envs, legs).

    Returns:
        Shape (envs,).
    """
    joint = np.zeros(len(episodes), EPISODE)
    for name in EPISODE.names or ():
        if name in _SAME:
            joint[name] = episodes[name][:, 0]
        elif name in _MEANS:
            joint[name] = episodes[name].mean(axis=1)
        else:
            joint[name] = episodes[name].sum(axis=1)
    return joint
