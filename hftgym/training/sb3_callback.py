"""Ties a Stable-Baselines3 learner to a session: scalars, checkpoints, progress, Ctrl-C."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy.typing as npt
from gymnasium import spaces
from stable_baselines3.common.callbacks import BaseCallback

from hftgym.training.passivity import withdraw_rate
from hftgym.training.sb3 import SB3VecEnv
from hftgym.training.session import TrainSession


class SessionCallback(BaseCallback):
    """Reports each rollout to the session and takes checkpoints.

    Args:
        session: The training run.
        venv: The learner's environments; their ended episodes are collected.
        policy: Returns the current policy, which has ``predict`` and ``files``.
    """

    def __init__(self, session: TrainSession, venv: SB3VecEnv, policy: Callable[[], Any]) -> None:
        super().__init__()
        self.session = session
        self.current_policy = policy
        self.last_checkpoint = 0
        self._ended: list[npt.NDArray[Any]] = []
        venv.on_episodes = self._ended.append
        self._choices = not isinstance(venv.action_space, spaces.Box)

    def _on_step(self) -> bool:
        self.session.progress.advance(self.training_env.num_envs)
        return not self.session.stop.requested

    def _on_rollout_start(self) -> None:
        # The update that followed the last rollout is done: these are the weights that count.
        due = self.last_checkpoint + self.session.checkpoint_steps
        if self.num_timesteps >= due and self.num_timesteps > 0:
            self._take_checkpoint()

    def _take_checkpoint(self) -> None:
        policy = self.current_policy()
        self.session.checkpoint(policy, self.num_timesteps, policy.files())
        self.last_checkpoint = self.num_timesteps

    def _on_rollout_end(self) -> None:
        buffer = self.model.rollout_buffer  # type: ignore[attr-defined]
        scalars = self.session.rollout_scalars(
            self._ended,
            withdraw_rate(buffer.actions, choices=self._choices),
            self.num_timesteps,
        )
        self._ended.clear()
        for tag, value in scalars.items():
            self.logger.record(tag, value)
