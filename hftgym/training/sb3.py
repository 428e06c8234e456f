"""A Stable-Baselines3 `VecEnv` over a native vector environment that resets in the same step.

Stable-Baselines3 takes no Gymnasium vector environment. This adapter hands whole arrays through: a
step in which no episode ends runs no Python loop over the environments. When an episode ends, its
info holds ``terminal_observation`` and ``TimeLimit.truncated`` (set when the clock ended it and the
market did not), so that a value is bootstrapped exactly where it should be.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from itertools import repeat
from typing import Any

import gymnasium
import numpy as np
import numpy.typing as npt
from stable_baselines3.common.vec_env import VecEnv
from stable_baselines3.common.vec_env.base_vec_env import VecEnvIndices, VecEnvStepReturn

from hftgym.training.normalize import ReturnNormalizer
from hftgym.training.seeds import training_seeds
from hftgym.training.stagger import stagger

EpisodeHook = Callable[[npt.NDArray[Any]], None]


class SB3VecEnv(VecEnv):
    """Adapter to Stable-Baselines3.

    Args:
        venv: Gymnasium vector environment with autoreset in the same step.
        normalizer: Scales the rewards that the learner sees; raw rewards stay in ``episode``.
        on_episodes: Called with the records of the episodes that have just ended.
        stagger: Let the first episodes begin at different times (see `stagger`).
    """

    def __init__(
        self,
        venv: Any,
        normalizer: ReturnNormalizer | None = None,
        on_episodes: EpisodeHook | None = None,
        *,
        stagger: bool = False,
    ) -> None:
        mode = venv.metadata.get("autoreset_mode")
        if mode != gymnasium.vector.AutoresetMode.SAME_STEP:
            raise ValueError(f"autoreset mode {mode}; make the environment with 'SameStep'")
        self.venv = venv
        self.normalizer = normalizer
        self.on_episodes = on_episodes
        self.stagger = stagger
        self._actions: npt.NDArray[Any] | None = None
        super().__init__(venv.num_envs, venv.single_observation_space, venv.single_action_space)

    def seed(self, seed: int | None = None) -> Sequence[int | None]:
        """Set the seeds of the next reset: members of a list, not ``seed + i``.

        Args:
            seed: Training seed; None lets each environment draw its own.

        Returns:
            One seed for each environment.
        """
        self._seeds = list(repeat(None, self.num_envs)) if seed is None else []
        if seed is not None:
            self._seeds.extend(training_seeds(seed, self.num_envs))
        return self._seeds

    def reset(self) -> npt.NDArray[Any]:
        """Reset all environments; seeds and options count once.

        Returns:
            Observations, a copy, shape (envs, observations).
        """
        seeds = self._seeds if any(seed is not None for seed in self._seeds) else None
        obs, _ = self.venv.reset(seed=seeds, options=self._merged_options())
        self._reset_seeds()
        self._reset_options()
        self.reset_infos = self._empty_infos()
        self._actions = None
        if self.normalizer is not None:
            self.normalizer.reset()
        if self.stagger:
            obs = stagger(self.venv, obs, 0 if seeds is None or seeds[0] is None else seeds[0])
        return np.array(obs)

    def step_async(self, actions: npt.NDArray[Any]) -> None:
        """Take the actions of the next step, shape (envs, ...)."""
        self._actions = np.array(actions)

    def step_wait(self) -> VecEnvStepReturn:
        """Step all environments.

        Returns:
            Observations (of the next episode where one ended), rewards, dones and infos; all
            copies.
        """
        if self._actions is None:
            raise RuntimeError("step_wait without step_async: hand over actions first")
        obs, raw, terminated, truncated, infos = self.venv.step(self._actions)
        self._actions = None
        done = terminated | truncated
        rewards = np.array(raw, np.float64)
        if self.normalizer is not None:
            rewards = self.normalizer(rewards, done)
        listed = self._empty_infos()
        if done.any():
            self._describe_ended(listed, done, truncated & ~terminated, infos)
        return np.array(obs), rewards.astype(np.float32), np.array(done), listed

    def _describe_ended(
        self,
        listed: list[dict[str, Any]],
        done: npt.NDArray[np.bool_],
        cut: npt.NDArray[np.bool_],
        infos: dict[str, Any],
    ) -> None:
        """Fill the infos of the environments whose episode ended."""
        final, episode = infos["final_obs"], infos["final_info"].get("episode")
        for i in np.flatnonzero(done):
            listed[i]["terminal_observation"] = np.array(final[i])
            listed[i]["TimeLimit.truncated"] = bool(cut[i])
            if episode is not None:  # an environment that does not count it is no reason to fail
                listed[i]["episode"] = {"r": float(episode["r"][i]), "l": int(episode["l"][i])}
        inner = self.venv.unwrapped
        if self.on_episodes is not None and hasattr(inner, "last_episodes"):
            self.on_episodes(inner.last_episodes[done].copy())

    def _empty_infos(self) -> list[dict[str, Any]]:
        """Return one new dict for each environment (the loop runs in C)."""
        return list(map(dict, repeat((), self.num_envs)))

    def _merged_options(self) -> dict[str, Any] | None:
        """Return the options of the next reset; they must be the same for all environments."""
        first = self._options[0]
        if any(option is not first and option != first for option in self._options):
            raise ValueError("options differ between environments; a batch takes one set")
        return first or None

    def close(self) -> None:
        """Close the environments."""
        self.venv.close()

    def get_attr(self, attr_name: str, indices: VecEnvIndices = None) -> list[Any]:
        """Return an attribute of the batch, once for each index."""
        return self._for_each(self._find(attr_name), indices)

    def set_attr(self, attr_name: str, value: Any, indices: VecEnvIndices = None) -> None:
        """Set an attribute of the batch: of all environments or none."""
        self._check_all(indices, f"attribute {attr_name!r}")
        setattr(self.venv.unwrapped, attr_name, value)

    def env_method(
        self,
        method_name: str,
        *method_args: Any,
        indices: VecEnvIndices = None,
        **method_kwargs: Any,
    ) -> list[Any]:
        """Call a method of the batch once; its result stands for each index."""
        result = self._find(method_name)(*method_args, **method_kwargs)
        if method_name == "action_masks":  # which sb3-contrib asks of each environment
            return [result[i] for i in self._get_indices(indices)]
        return self._for_each(result, indices)

    def env_is_wrapped(
        self,
        wrapper_class: type[gymnasium.Wrapper[Any, Any, Any, Any]],
        indices: VecEnvIndices = None,
    ) -> list[bool]:
        """Return False for each index: the markets of a batch are not wrapped one by one."""
        return self._for_each(False, indices)

    def get_images(self) -> Sequence[npt.NDArray[Any] | None]:
        """Return no images: a batch is not drawn."""
        return self._for_each(None, None)

    def _find(self, name: str) -> Any:
        return getattr(self.venv.unwrapped, name)

    def _for_each(self, value: Any, indices: VecEnvIndices) -> list[Any]:
        chosen: Iterable[int] = self._get_indices(indices)
        return [value for _ in chosen]

    def _check_all(self, indices: VecEnvIndices, what: str) -> None:
        if sorted(set(self._get_indices(indices))) != list(range(self.num_envs)):
            raise ValueError(f"{what} belongs to the batch: set it for all environments")
