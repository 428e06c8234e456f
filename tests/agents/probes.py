"""Andy Jones' five probe environments (2021, "Debugging RL, without the agonizing pain").

Each isolates one thing that a learner has to get right, so that a failure names its place:

1. one action, one step, reward 1: the value is learned;
2. the reward is what is observed: the value depends on the observation;
3. two steps, reward at the end: the value is discounted back;
4. one step, the action decides: the policy follows the advantage;
5. one step, action and observation decide: the policy follows both.

Each takes two discrete actions (``continuous=False``), or one number in [-1, 1] whose sign counts.
"""

from __future__ import annotations

from typing import Any

import gymnasium
import numpy as np

PROBES = (1, 2, 3, 4, 5)


class Probe(gymnasium.Env[np.ndarray, Any]):
    """One probe; episodes end by ``terminated``.

    Args:
        kind: Which of the five.
        continuous: Whether the action is a number instead of a choice.
    """

    observation_space = gymnasium.spaces.Box(-1.0, 1.0, (1,), np.float32)

    def __init__(self, kind: int, continuous: bool = False) -> None:
        self.kind = kind
        self.action_space: Any = gymnasium.spaces.Discrete(2)
        if continuous:
            self.action_space = gymnasium.spaces.Box(-1.0, 1.0, (1,), np.float32)
        self.continuous = continuous
        self.now = 0.0
        self.steps = 0

    def reset(self, *, seed: int | None = None, options: Any = None) -> tuple[np.ndarray, Any]:
        super().reset(seed=seed)
        self.steps = 0
        self.now = 0.0
        if self.kind in (2, 5):
            self.now = float(self.np_random.choice((-1.0, 1.0)))
        return np.array([self.now], np.float32), {}

    def step(self, action: Any) -> tuple[np.ndarray, float, bool, bool, Any]:
        self.steps += 1
        up = float(np.ravel(action)[0]) > 0.0
        signed = 1.0 if up else -1.0
        done = self.kind != 3 or self.steps == 2
        reward = {
            1: 1.0,
            2: self.now,
            3: 1.0 if done else 0.0,
            4: signed,
            5: signed * self.now,
        }[self.kind]
        if self.kind == 3:
            self.now = 1.0
        return np.array([self.now], np.float32), reward, done, False, {}


def probes(kind: int, num_envs: int, continuous: bool = False) -> gymnasium.vector.SyncVectorEnv:
    """Return several of one probe that reset in the same step."""
    return gymnasium.vector.SyncVectorEnv(
        [lambda: Probe(kind, continuous)] * num_envs,
        autoreset_mode=gymnasium.vector.AutoresetMode.SAME_STEP,
    )
