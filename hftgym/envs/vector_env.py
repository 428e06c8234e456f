"""Many markets at once: the native vector form of the environments with one learner.

All markets live in one array and are stepped by one compiled call on all threads; no Python object
belongs to a single market.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar, Unpack

import gymnasium
import numpy as np
import numpy.typing as npt
from gymnasium.utils import EzPickle, seeding
from gymnasium.vector import AutoresetMode, VectorEnv
from gymnasium.vector.utils import batch_space

from hftgym.envs.arguments import (
    Keywords,
    check_known,
    market_arguments,
    task_arguments,
)
from hftgym.envs.batch import Batch, BatchSnapshot, scalars_of, terms_of
from hftgym.envs.errors import action_array, raise_fault, raise_illegal
from hftgym.envs.layout import box_of
from hftgym.envs.legs import joint_episodes, joint_fields, legs_of
from hftgym.envs.seeds import UInt64Array, as_market_seeds, seeds_of_windows
from hftgym.envs.setting import Setting
from hftgym.envs.task import Mode, Outcome, Role
from hftgym.envs.task_info import TaskInfo
from hftgym.errors import UsageError
from hftgym.scenario import Scenario

# Threads that wait by spinning keep others from the cores: on two cores with three busy processes a
# step of 256 markets took 7.6 ms instead of 1.7. A short spin, then sleep: 350,000 steps/s on two
# idle cores, against 295,000 without any. GNU OpenMP reads this when the first batch is stepped.
os.environ.setdefault("GOMP_SPINCOUNT", "10000")

# Plain integers: looking up a member of an enumeration costs a microsecond, ten times a step.
_TERMINATED = int(Outcome.TERMINATED)
_TRUNCATED = int(Outcome.TRUNCATED)
_FAULT = int(Outcome.FAULT)

BoolArray = npt.NDArray[np.bool_]
_MODES = {
    AutoresetMode.NEXT_STEP: Mode.NEXT_STEP,
    AutoresetMode.SAME_STEP: Mode.SAME_STEP,
    AutoresetMode.DISABLED: Mode.NONE,
}
_OPTIONS = ("market_seeds", "reset_mask")


class OrderBookVectorEnv(VectorEnv[Any, Any, Any], EzPickle):
    """A batch of environments with one learner each; the tasks are its subclasses.

    Environment i is a function of its own first market seed: it does not depend on ``num_envs`` or
    on the others, and equals the single environment with the same seed, number for number.

    Args:
        num_envs: how many markets.
        scenario: name, path or model of the market.
        autoreset_mode: ``SameStep``, ``NextStep`` or ``Disabled``, or the member.
        market_seeds: first market seed of each environment, shape (num_envs,).
        copy: False hands out views of internal buffers as observations, valid until the next call.
        render_mode: None.
        arguments: see ``hftgym.envs.arguments``.

    Raises:
        HftgymError: if an argument is not valid.
    """

    role: ClassVar[Role]

    def __init__(
        self,
        num_envs: int = 1,
        scenario: Scenario | str | Path = "default",
        *,
        autoreset_mode: str | AutoresetMode = AutoresetMode.SAME_STEP,
        market_seeds: Sequence[int] | UInt64Array | None = None,
        copy: bool = True,
        render_mode: str | None = None,
        **arguments: Unpack[Keywords],
    ) -> None:
        EzPickle.__init__(
            self,
            num_envs,
            scenario,
            autoreset_mode=autoreset_mode,
            market_seeds=market_seeds,
            copy=copy,
            **arguments,
        )
        check_known(arguments)
        if render_mode is not None:
            raise UsageError("HG-U064", f"render_mode {render_mode!r}: a batch is not drawn")
        if not isinstance(num_envs, (int, np.integer)) or num_envs < 1:
            raise UsageError("HG-U067", f"num_envs: {num_envs!r}; must be an integer of at least 1")
        try:
            mode = AutoresetMode(autoreset_mode)
        except ValueError:
            names = ", ".join(one.value for one in AutoresetMode)
            raise UsageError(
                "HG-U068", f"autoreset_mode {autoreset_mode!r} is unknown; there are {names}"
            ) from None
        self.num_envs = int(num_envs)
        self.autoreset_mode = mode
        self._same_step = mode == AutoresetMode.SAME_STEP
        self._disabled = mode == AutoresetMode.DISABLED
        self.metadata = {"autoreset_mode": mode, "render_modes": []}
        self.render_mode = None
        self.copy = copy
        learners = legs_of(self.role, task_arguments(arguments))
        market = market_arguments({**arguments, "scenario": scenario})
        self.setting = Setting(market, learners, _MODES[mode])
        one = self.setting.learners[0]
        self._legs = len(learners)
        self._form = one.form.joint(self._legs)
        self._places = tuple(enumerate(one.terms, 1))  # behind the reward
        self._masked = sum(one.form.choices) if one.form.discrete else 0
        self.single_observation_space = box_of(
            joint_fields([leg.fields for leg in self.setting.learners])
        )
        self.single_action_space = self._form.space()
        self.observation_space = batch_space(self.single_observation_space, self.num_envs)
        self.action_space = batch_space(self.single_action_space, self.num_envs)
        self._batch = Batch(self.setting, self.num_envs)
        self._ios = self._batch.ios
        self._outcomes = self._ios["outcome"][:: self._legs]
        self._scalars = scalars_of(self._ios)
        self._components = len(one.form.choices)
        self._ended = np.zeros(self.num_envs, np.bool_)
        self._fresh = np.ones(self.num_envs, np.bool_)  # never reset
        self._given = market_seeds
        if market_seeds is not None:
            self._given = as_market_seeds(market_seeds, (self.num_envs,), "market_seeds")

    @property
    def task_info(self) -> TaskInfo:
        """Public constants of the task."""
        return self.setting.task_info

    @property
    def half_spread_tick(self) -> float:
        """Distance at action 0, and unit of the reward, in ticks."""
        return self.setting.half_spread_tick

    @property
    def last_episodes(self) -> np.ndarray:
        """Figures of the last episode of each environment, dtype ``EPISODE``, shape (num_envs,).

        Valid where an episode has ended in the last step, and until the next one.
        """
        episodes = self._ios["episode"]
        return episodes if self._legs == 1 else joint_episodes(self._by_leg(episodes))

    @property
    def market_seeds(self) -> UInt64Array:
        """Market seeds of the current episodes, shape (num_envs,)."""
        return self._batch.market_seeds.copy()

    @property
    def markets(self) -> np.ndarray:
        """The markets, live records, shape (num_envs,): the truth, for studies and tests."""
        return self._batch.markets

    @property
    def parameters(self) -> npt.NDArray[np.float64]:
        """Parameters of the scenario that the current episodes have drawn.

        Shape (num_envs, parameters), in the order of ``randomise``.
        """
        return self._batch.parameters()

    @property
    def distinct_markets(self) -> int | None:
        """How many different markets there are; None when each market seed makes one."""
        return self.setting.distinct_markets

    @property
    def distinct_market_seeds(self) -> UInt64Array | None:
        """One market seed for each of the ``distinct_markets``; None when there is no limit."""
        count = self.setting.distinct_markets
        return None if count is None else seeds_of_windows(count, self.setting.split)

    def reset(
        self,
        *,
        seed: int | Sequence[int | None] | None = None,
        options: dict[str, Any] | None = None,
    ) -> tuple[npt.NDArray[np.float32], dict[str, Any]]:
        """Begin episodes: of all environments, or of those in ``options["reset_mask"]``.

        Args:
            seed: an integer s means s, s + 1, ... for the environments; or one for each. Draws the
                first market of an environment from the split's domain, as the single one does.
            options: ``market_seeds``, integers of shape (num_envs,), sets the markets exactly;
                ``reset_mask``, bool of shape (num_envs,), leaves the others alone.

        Returns:
            Observations, shape (num_envs, numbers), and infos.
        """
        options = options or {}
        unknown = set(options) - set(_OPTIONS)
        if unknown:
            raise UsageError(
                "HG-U065",
                f"reset option {sorted(unknown)[0]!r} is unknown; there are {', '.join(_OPTIONS)}",
            )
        mask = self._mask(options)
        seeds = self._seeds(seed)
        self._choose_markets(mask, seeds, options.get("market_seeds"))
        self._batch.reset(mask)
        self._ended[mask] = False
        self._fresh[mask] = False
        infos = {"market_seed": self.market_seeds, "_market_seed": mask.copy(), **self._seen()}
        return self._observations(), infos

    def _mask(self, options: dict[str, Any]) -> BoolArray:
        mask = options.get("reset_mask")
        if mask is None:
            return np.ones(self.num_envs, np.bool_)
        what = "options['reset_mask']"
        if not isinstance(mask, np.ndarray):
            raise TypeError(f"{what} must be a numpy array, not {type(mask).__name__}")
        if mask.dtype != np.bool_:
            raise TypeError(f"{what} must have dtype bool, not {mask.dtype}")
        if mask.shape != (self.num_envs,):
            raise ValueError(f"{what} must have shape ({self.num_envs},), not {mask.shape}")
        if not mask.any():
            raise ValueError(f"{what} must name at least one environment")
        return mask

    def _seeds(self, seed: int | Sequence[int | None] | None) -> list[int | None]:
        if seed is None:
            return [None] * self.num_envs
        if isinstance(seed, (int, np.integer)):
            self._np_random, self._np_random_seed = seeding.np_random(int(seed))
            return [int(seed) + i for i in range(self.num_envs)]
        if len(seed) != self.num_envs:
            raise ValueError(
                f"seed: a list of {len(seed)} for {self.num_envs} environments; must be one each"
            )
        return list(seed)

    def _choose_markets(self, mask: BoolArray, seeds: list[int | None], exact: Any | None) -> None:
        """Choose the market seeds of the episodes that begin in the environments of ``mask``."""
        batch = self._batch
        if exact is not None:
            exact = as_market_seeds(exact, (self.num_envs,), "market_seeds")
        for i in np.flatnonzero(mask).tolist():
            if exact is not None:
                batch.begin_with(i, int(exact[i]))
            elif seeds[i] is not None:
                batch.draw_first(i, seeding.np_random(seeds[i])[0])
            elif not self._fresh[i]:
                batch.begin_next(i)
            elif self._given is not None:
                batch.begin_with(i, int(self._given[i]))
            else:
                batch.draw_first(i, self.np_random)

    def step(
        self, actions: Any
    ) -> tuple[
        npt.NDArray[np.float32], npt.NDArray[np.float64], BoolArray, BoolArray, dict[str, Any]
    ]:
        """Act in every market, and let each run until its next decision.

        Args:
            actions: of the action space, shape (num_envs, components).

        Returns:
            Observations, rewards, terminated, truncated and infos; all but the observations under
            ``copy=False`` are the caller's own.

        Raises:
            UsageError: if an action is not legal; nothing has changed then.
            ResetNeeded: if an environment has no episode to step.
            InternalError: if a market stops with a fault.
        """
        self._check_running()
        actions = action_array(actions, (self.num_envs, *self._form.shape), self._form.discrete)
        rows = actions.astype(np.float64, order="C").reshape(-1, self._components)
        if not self._batch.take(rows):
            raise_illegal([(actions, self._form)])
        self._batch.step_all()
        # A step of 128 takes 13 us in Python; with a question about each outcome, and with actions
        # that numpy checks, it took 24.
        eventful = np.count_nonzero(self._outcomes) > 0
        terminated = np.zeros(self.num_envs, np.bool_)
        truncated = np.zeros(self.num_envs, np.bool_)
        if eventful:
            terminated |= self._outcomes == _TERMINATED
            truncated |= self._outcomes == _TRUNCATED
        self._ended = terminated | truncated
        numbers = self._numbers()
        terms = terms_of(self._places, numbers)
        infos: dict[str, Any] = {"reward_terms": terms, **self._seen()}
        if eventful and (self._outcomes == _FAULT).any():
            self._fresh[self._outcomes == _FAULT] = True
            raise_fault(self._batch.markets, self._batch.states, self._ios)
        if eventful and self._same_step and self._ended.any():
            infos.update(self._final(terms))
        return self._observations(), numbers[0], terminated, truncated, infos

    def _check_running(self) -> None:
        """Raise unless every environment has an episode to step."""
        if np.count_nonzero(self._fresh):
            i = int(np.flatnonzero(self._fresh)[0])
            raise gymnasium.error.ResetNeeded(f"environment {i}: call reset() before step()")
        if self._disabled and np.count_nonzero(self._ended):
            i = int(np.flatnonzero(self._ended)[0])
            raise gymnasium.error.ResetNeeded(
                f"environment {i}: its episode is over; call reset(options={{'reset_mask': ...}})"
            )

    def _observations(self) -> npt.NDArray[np.float32]:
        obs = self._batch.obs.reshape(self.num_envs, -1)  # one leg after the other
        return obs.copy() if self.copy else obs

    def _by_leg(self, values: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """Return values of all rows, shape (num_envs, legs, ...)."""
        return values.reshape(self.num_envs, self._legs, *values.shape[1:])

    def _numbers(self) -> npt.NDArray[np.float64]:
        """Return a copy of rewards and then their terms, summed over the legs, (6, num_envs)."""
        numbers = self._scalars.T.copy()
        if self._legs > 1:
            numbers = numbers.reshape(len(numbers), self.num_envs, self._legs).sum(axis=2)
        return numbers

    def action_masks(self) -> npt.NDArray[np.bool_]:
        """Return which choices make sense now, shape (num_envs, choices of all components).

        Raises:
            UsageError: if actions are continuous.
        """
        if not self._masked:
            raise UsageError("HG-U066", "action masks exist for discrete forms of action only")
        return self._flags().astype(np.bool_)

    def _flags(self) -> npt.NDArray[np.int8]:
        flags = self._by_leg(self._ios["mask"])[..., : self._masked]
        return flags.reshape(self.num_envs, -1).copy()

    def _seen(self) -> dict[str, Any]:
        """Return what is in every infos."""
        seen: dict[str, Any] = {}
        if self._masked:
            seen["action_mask"] = self._flags()
        if self.setting.learners[0].arguments.observe_value:
            offsets = self._ios["value_offset"].copy()
            seen["truth"] = {"value_offset": offsets if self._legs == 1 else self._by_leg(offsets)}
        return seen

    def _final(self, terms: dict[str, npt.NDArray[np.float64]]) -> dict[str, Any]:
        """Return the last observations and infos of the episodes that have just ended."""
        ended = self._ended
        final_obs = np.full(self.num_envs, None, object)
        last_obs = self._batch.final_obs.reshape(self.num_envs, -1)
        for i in np.flatnonzero(ended).tolist():
            final_obs[i] = last_obs[i].copy()
        records = self.last_episodes
        steps = np.where(ended, records["steps"], 0)
        episode = {
            "r": np.where(ended, records["reward"], 0.0),
            "l": steps,
            "t": steps * (self.setting.step_ns / 1e9),  # simulated seconds
        }
        last = {name: np.where(ended, term, 0.0) for name, term in terms.items()}
        info: dict[str, Any] = {
            "episode": _masked(episode, ended),
            "reward_terms": _masked(last, ended),
        }
        return {
            "final_obs": final_obs,
            "_final_obs": ended.copy(),
            "final_info": _masked(info, ended),
            "_final_info": ended.copy(),
        }

    def snapshot(self) -> BatchSnapshot:
        """Return a copy of everything that the future depends on, beside the actions."""
        return self._batch.snapshot(
            ended=self._ended.copy(),
            fresh=self._fresh.copy(),
            generator=self.np_random.bit_generator.state,
        )

    def restore(
        self, snapshot: BatchSnapshot, futures: Sequence[int] | None = None
    ) -> npt.NDArray[np.float32]:
        """Go back to a snapshot of this batch, or of another one with the same arguments.

        Args:
            snapshot: Where to go back to.
            futures: A seed for each environment: its market goes on with other random numbers, as
                another world with the same past. Without them it goes on as it did.

        Returns:
            The observations at the time of the snapshot.

        Raises:
            UsageError: if it belongs to another market or task, or there is not one future for each
                environment; nothing has changed then.
        """
        self._batch.restore(snapshot, futures)
        self._ended = snapshot.extra["ended"].copy()
        self._fresh = snapshot.extra["fresh"].copy()
        self.np_random.bit_generator.state = snapshot.extra["generator"]
        return self._observations()

    def close_extras(self, **kwargs: Any) -> None:
        """Close: nothing is held open."""


def _masked(values: dict[str, Any], mask: BoolArray) -> dict[str, Any]:
    """Add to each entry the mask that says for which environments it is valid."""
    return values | {f"_{name}": mask.copy() for name in values}
