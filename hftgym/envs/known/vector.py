"""Many environments of a known-answer task: one call steps them all."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import gymnasium
import numpy as np
from gymnasium.vector import AutoresetMode, VectorEnv
from gymnasium.vector.utils import batch_space

from hftgym.envs.known.answers import KnownAnswer
from hftgym.envs.known.process import (
    Batch,
    BoolArray,
    FloatArray,
    ObsArray,
    Process,
    action_space,
    checked_actions,
    observation_space,
    stream_key,
)
from hftgym.errors import UnknownArgumentError, UsageError


class KnownVectorEnv(VectorEnv[Any, Any, Any], KnownAnswer):
    """Base of the vector environments.

    Environment i equals the single environment with the same seed, number for number.

    Args:
        process: the task.
        num_envs: how many.
        autoreset_mode: ``SameStep``, ``NextStep`` or ``Disabled``, or the member.
        render_mode: None.

    Raises:
        UsageError: if an argument is not valid.
    """

    def __init__(
        self,
        process: Process,
        num_envs: int,
        autoreset_mode: str | AutoresetMode,
        render_mode: str | None,
    ) -> None:
        if render_mode is not None:
            raise UnknownArgumentError(
                "HG-U212", f"render_mode {render_mode!r}: a batch is not drawn"
            )
        if not isinstance(num_envs, (int, np.integer)) or num_envs < 1:
            raise UsageError("HG-U213", f"num_envs: {num_envs!r}; must be an integer of at least 1")
        try:
            mode = AutoresetMode(autoreset_mode)
        except ValueError:
            names = ", ".join(one.value for one in AutoresetMode)
            raise UsageError(
                "HG-U214", f"autoreset_mode {autoreset_mode!r} is unknown; there are {names}"
            ) from None
        self.process = process
        self.num_envs = int(num_envs)
        self.autoreset_mode = mode
        self.metadata = {"autoreset_mode": mode, "render_modes": []}
        self.render_mode = None
        self.single_observation_space = observation_space(process)
        self.single_action_space = action_space(process)
        self.observation_space = batch_space(self.single_observation_space, self.num_envs)
        self.action_space = batch_space(self.single_action_space, self.num_envs)
        self._batch = Batch.of(self.num_envs, len(process.parts))
        self._ended = np.zeros(self.num_envs, np.bool_)
        self._seeded = np.zeros(self.num_envs, np.bool_)

    def reset(
        self,
        *,
        seed: int | Sequence[int | None] | None = None,
        options: dict[str, Any] | None = None,
    ) -> tuple[ObsArray, dict[str, Any]]:
        """Begin episodes: of all environments, or of those in ``options["reset_mask"]``.

        Args:
            seed: an integer s means s, s + 1, ... for the environments; or one for each. Without
                one an environment goes on to the next episode of its stream.
            options: ``reset_mask``, bool of shape (num_envs,), leaves the others alone.

        Returns:
            Observations, shape (num_envs, 2), and empty infos.
        """
        unknown = set(options or {}) - {"reset_mask"}
        if unknown:
            raise UsageError(
                "HG-U215", f"reset option {sorted(unknown)[0]!r} is unknown; there is 'reset_mask'"
            )
        mask = self._mask((options or {}).get("reset_mask"))
        if isinstance(seed, (int, np.integer)):
            super().reset(seed=int(seed))
            seeds: list[int | None] = [int(seed) + i for i in range(self.num_envs)]
        else:
            seeds = [None] * self.num_envs if seed is None else list(seed)
        if len(seeds) != self.num_envs:
            raise ValueError(
                f"seed: a list of {len(seeds)} for {self.num_envs} environments; must be one each"
            )
        self._begin(mask, seeds)
        return self.process.observe(self._batch), {}

    def _mask(self, mask: Any) -> BoolArray:
        if mask is None:
            return np.ones(self.num_envs, np.bool_)
        if not isinstance(mask, np.ndarray) or mask.dtype != np.bool_:
            raise TypeError(f"options['reset_mask']: {mask!r}; must be a numpy array of bool")
        if mask.shape != (self.num_envs,) or not mask.any():
            raise ValueError(
                f"options['reset_mask']: shape {mask.shape}, {int(mask.sum())} set; must have "
                f"shape ({self.num_envs},) and name at least one environment"
            )
        return mask

    def _begin(self, mask: BoolArray, seeds: list[int | None]) -> None:
        batch = self._batch
        for i in np.flatnonzero(mask).tolist():
            seed = seeds[i]
            if seed is None and self._seeded[i]:
                batch.episode[i] += np.uint64(1)
                continue
            first = int(self.np_random.integers(1 << 62)) if seed is None else seed
            batch.key[i] = stream_key(first)
            batch.episode[i] = 0
        self._seeded |= mask
        self._ended &= ~mask
        batch.begin(mask, self.process.start)

    def _go_on(self, mask: BoolArray) -> None:
        """Begin the next episodes of environments whose last one is over."""
        self._batch.episode[mask] += np.uint64(1)
        self._batch.begin(mask, self.process.start)

    def step(
        self, actions: Any
    ) -> tuple[ObsArray, FloatArray, BoolArray, BoolArray, dict[str, Any]]:
        """Take one step in all environments.

        Args:
            actions: in [-1, 1], shape (num_envs, action_size).

        Returns:
            Observations, rewards, terminated, truncated and infos; all are the caller's own.

        Raises:
            UsageError: if an action is not legal; nothing has changed then.
            ResetNeeded: if an environment has no episode to step.
        """
        process, batch = self.process, self._batch
        wanted = checked_actions(actions, (self.num_envs, process.action_size))
        self._check_running()
        waiting = self._ended  # all false but in NEXT_STEP: there this call only begins them
        process.advance(batch, wanted, ~waiting)
        if waiting.any():
            self._go_on(waiting)
        reward = np.zeros(self.num_envs)
        for part in range(len(process.parts)):  # in the order in which the single one adds them
            reward += batch.terms[:, part]
        batch.total += reward
        over = batch.step == process.steps
        self._ended = over
        infos: dict[str, Any] = {"reward_terms": self._terms()}
        obs = process.observe(batch)
        if self.autoreset_mode == AutoresetMode.SAME_STEP and over.any():
            infos.update(self._final(obs, over))
            self._go_on(over)
            obs = process.observe(batch)
            self._ended = np.zeros(self.num_envs, np.bool_)
        never = np.zeros(self.num_envs, np.bool_)
        ends = (never, over.copy()) if process.continuing else (over.copy(), never)
        return obs, reward, *ends, infos

    def _check_running(self) -> None:
        """Raise unless every environment has an episode to step."""
        if not self._seeded.all():
            i = int(np.flatnonzero(~self._seeded)[0])
            raise gymnasium.error.ResetNeeded(f"environment {i}: call reset() before step()")
        if self.autoreset_mode == AutoresetMode.DISABLED and self._ended.any():
            i = int(np.flatnonzero(self._ended)[0])
            raise gymnasium.error.ResetNeeded(
                f"environment {i}: its episode is over; call reset(options={{'reset_mask': ...}})"
            )

    def _terms(self) -> dict[str, FloatArray]:
        return {name: self._batch.terms[:, i].copy() for i, name in enumerate(self.process.parts)}

    def _final(self, obs: ObsArray, over: BoolArray) -> dict[str, Any]:
        """Return the last observations and infos of the episodes that have just ended."""
        final_obs = np.full(self.num_envs, None, object)
        for i in np.flatnonzero(over).tolist():
            final_obs[i] = obs[i].copy()
        steps = np.where(over, self.process.steps, 0)
        episode = {
            "r": np.where(over, self._batch.total, 0.0),
            "l": steps,
            "t": steps * self.process.duration,
        }
        terms = {name: np.where(over, term, 0.0) for name, term in self._terms().items()}
        info = {"episode": _masked(episode, over), "reward_terms": _masked(terms, over)}
        return {
            "final_obs": final_obs,
            "_final_obs": over.copy(),
            "final_info": _masked(info, over),
            "_final_info": over.copy(),
        }

    def close_extras(self, **kwargs: Any) -> None:
        """Close: nothing is held open."""


def _masked(values: dict[str, Any], mask: BoolArray) -> dict[str, Any]:
    """Add to each entry the mask that says for which environments it is valid."""
    return values | {f"_{name}": mask.copy() for name in values}
