"""One environment of a known-answer task: a batch of one."""

from __future__ import annotations

from typing import Any

import gymnasium
import numpy as np
import numpy.typing as npt
from gymnasium import spaces

from hftgym.envs.known.answers import KnownAnswer
from hftgym.envs.known.process import (
    Batch,
    Process,
    action_space,
    checked_actions,
    observation_space,
    stream_key,
)
from hftgym.errors import UnknownArgumentError, UsageError


class KnownEnv(gymnasium.Env[npt.NDArray[np.float32], Any], KnownAnswer):
    """Base of the single environments.

    Args:
        process: the task.
        render_mode: ``ansi`` or None.

    Raises:
        UsageError: if the render mode is unknown.
    """

    metadata: dict[str, Any] = {"render_modes": ["ansi"], "render_fps": 10}  # noqa: RUF012

    def __init__(self, process: Process, render_mode: str | None = None) -> None:
        if render_mode not in (None, "ansi"):
            raise UnknownArgumentError(
                "HG-U212", f"render_mode {render_mode!r} is unknown; there is 'ansi'"
            )
        self.render_mode = render_mode
        self.process = process
        self.observation_space: spaces.Space[Any] = observation_space(process)
        self.action_space = action_space(process)
        self._batch = Batch.of(1, len(process.parts))
        self._active = np.ones(1, np.bool_)
        self._seeded = False
        self._running = False

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[npt.NDArray[np.float32], dict[str, Any]]:
        """Begin an episode.

        Args:
            seed: of the random stream; without one the next episode of the same stream.
            options: none are known.

        Returns:
            Observation, shape (2,), and an empty info.
        """
        super().reset(seed=seed)
        if options:
            raise UsageError("HG-U215", f"reset option {sorted(options)[0]!r}: there are none")
        batch = self._batch
        if seed is not None or not self._seeded:
            first = int(self.np_random.integers(1 << 62)) if seed is None else seed
            batch.key[0] = stream_key(first)
            batch.episode[0] = 0
            self._seeded = True
        else:
            batch.episode[0] += np.uint64(1)
        batch.begin(self._active, self.process.start)
        self._running = True
        return self.process.observe(batch)[0], {}

    def step(
        self, action: Any
    ) -> tuple[npt.NDArray[np.float32], float, bool, bool, dict[str, Any]]:
        """Take one step.

        Args:
            action: in [-1, 1], shape (action_size,).

        Returns:
            Observation, reward, terminated, truncated and info with ``reward_terms``.

        Raises:
            UsageError: if the action is not legal; nothing has changed then.
            ResetNeeded: if there is no episode to step.
        """
        process, batch = self.process, self._batch
        if not self._running:
            raise gymnasium.error.ResetNeeded(
                "no episode is running: call reset() before the first step and after the last"
            )
        actions = checked_actions(action, (process.action_size,))[None]
        process.advance(batch, actions, self._active)
        terms = batch.terms[0].tolist()
        over = bool(batch.step[0] == process.steps)
        self._running = not over
        info = {"reward_terms": dict(zip(process.parts, terms, strict=True))}
        obs = process.observe(batch)[0]
        reward = float(sum(terms))
        return obs, reward, over and not process.continuing, over and process.continuing, info

    def render(self) -> str | None:
        """Return the state in one line; None without a render mode."""
        if self.render_mode is None:
            return None
        line: str = self.process.describe(self._batch)
        return line
