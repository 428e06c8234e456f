"""Ties a Stable-Baselines3 learner to a session: scalars, checkpoints, progress, Ctrl-C."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
from stable_baselines3.common.callbacks import BaseCallback

from hftgym.training.metrics import episode_scalars
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
        objective = self.session.checkpoint(policy, self.num_timesteps, policy.files())
        self.last_checkpoint = self.num_timesteps
        self.session.progress.advance(0, f"validation J {objective:+.1f} ticks")

    def _on_rollout_end(self) -> None:
        buffer = self.model.rollout_buffer  # type: ignore[attr-defined]
        withdrawn = withdraw_rate(buffer.actions)
        fills = quoting = None
        if self._ended:
            episodes = np.concatenate(self._ended)
            self._ended.clear()
            fills = float(episodes["fills"].mean())
            quoting = float(episodes["quoting_share"].mean())
            for tag, value in episode_scalars(episodes).items():
                self.logger.record(tag, value)
        alarm = self.session.passivity.update(
            withdraw_rate=withdrawn, fills=fills, quoting_share=quoting, step=self.num_timesteps
        )
        self.logger.record("risk/withdraw_rate", withdrawn)
        self.logger.record("risk/passive", float(alarm))
