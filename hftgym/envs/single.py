"""One market, one learner: the Gymnasium environment that every order book task shares."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar, Unpack

import gymnasium
import numpy as np
import numpy.typing as npt
from gymnasium import spaces
from gymnasium.utils import EzPickle

from hftgym.envs.arguments import (
    Keywords,
    check_known,
    market_arguments,
    task_arguments,
)
from hftgym.envs.batch import Batch, BatchSnapshot, scalars_of, terms_of
from hftgym.envs.errors import action_array, raise_fault, raise_illegal
from hftgym.envs.layout import ObsField, box_of
from hftgym.envs.legs import joint_episodes, joint_fields, legs_of
from hftgym.envs.rendering import (
    RENDER_MODES,
    Canvas,
    check_render_mode,
    make_canvas,
    real_time_fps,
)
from hftgym.envs.seeds import as_market_seeds
from hftgym.envs.setting import Setting
from hftgym.envs.task import Outcome, Role
from hftgym.envs.task_info import TaskInfo
from hftgym.errors import UsageError
from hftgym.scenario import Scenario

_TERMINATED = int(Outcome.TERMINATED)
_TRUNCATED = int(Outcome.TRUNCATED)

Observation = npt.NDArray[np.float32]


class OrderBookEnv(gymnasium.Env[Observation, Any], EzPickle):
    """A learner in a live order book; the tasks are its subclasses.

    Args:
        scenario: name, path or model of the market.
        render_mode: ``ansi``, ``rgb_array``, ``human`` or None (``hftgym.envs.rendering``).
        arguments: see ``hftgym.envs.arguments``.

    Raises:
        HftgymError: if an argument is not valid.
    """

    role: ClassVar[Role]
    metadata: dict[str, Any] = {  # noqa: RUF012 - as Gymnasium declares it
        "render_modes": list(RENDER_MODES),
        "render_fps": 2,  # of the usual step; each environment has its own: real time
    }

    def __init__(
        self,
        scenario: Scenario | str | Path = "default",
        *,
        render_mode: str | None = None,
        **arguments: Unpack[Keywords],
    ) -> None:
        EzPickle.__init__(self, scenario, render_mode=render_mode, **arguments)
        check_known(arguments)
        check_render_mode(render_mode)
        self.render_mode = render_mode
        learners = legs_of(self.role, task_arguments(arguments))
        self.setting = Setting(market_arguments({**arguments, "scenario": scenario}), learners)
        self.metadata = self.metadata | {"render_fps": real_time_fps(self.setting.step_ns / 1e9)}
        self._canvas: Canvas | None = None
        one = self.setting.learners[0]
        self._legs = len(learners)
        self._form = one.form.joint(self._legs)
        self._shape, self._discrete = self._form.shape, self._form.discrete
        self._places = tuple(enumerate(one.terms, 1))  # behind the reward
        self._observe_value = one.arguments.observe_value
        self._masked = sum(one.form.choices) if one.form.discrete else 0
        self.observation_space: spaces.Space[Any] = box_of(self.observation_fields)
        self.action_space = self._form.space()
        self._batch = Batch(self.setting, 1)
        self._began = False
        self._running = False
        self._action = self._batch.ios["action"][:, : len(one.form.choices)]
        self._obs = self._batch.obs.reshape(-1)  # a view: one leg after the other
        self._scalars = scalars_of(self._batch.ios)
        self._only = self._action[0], self._scalars[0]  # views of the only leg's

    @property
    def task_info(self) -> TaskInfo:
        """Public constants of the task."""
        return self.setting.task_info

    @property
    def observation_fields(self) -> tuple[ObsField, ...]:
        """Name, unit and range of each number of the observation."""
        return joint_fields([one.fields for one in self.setting.learners])

    @property
    def half_spread_tick(self) -> float:
        """Distance at action 0, and unit of the reward, in ticks."""
        return self.setting.half_spread_tick

    @property
    def market_seed(self) -> int:
        """Market seed of the current episode."""
        return int(self._batch.states[0]["market_seed"])

    @property
    def market(self) -> Any:
        """The market, a live record: the truth, for studies and tests."""
        return self._batch.markets[0]

    @property
    def parameters(self) -> dict[str, float]:
        """Parameters of the scenario that this episode has drawn, by the names in ``randomise``."""
        drawn = self._batch.parameters()[0].tolist()
        return dict(zip(self.setting.parameters, drawn, strict=True))

    @property
    def last_episode(self) -> np.ndarray:
        """Figures of the last episode that ended, dtype ``EPISODE``, shape ()."""
        episodes = self._batch.ios["episode"]
        joint: np.ndarray = joint_episodes(episodes[np.newaxis]) if self._legs > 1 else episodes
        return joint[0].copy()  # type: ignore[no-any-return]

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Observation, dict[str, Any]]:
        """Begin an episode.

        Args:
            seed: draws the first market of the environment from the split's domain.
            options: ``{"market_seed": int}`` sets it exactly.

        Returns:
            Observation, and info with ``market_seed``; with ``parameters`` where some are drawn.
        """
        super().reset(seed=seed)
        unknown = set(options or {}) - {"market_seed"}
        if unknown:
            raise UsageError(
                "HG-U065", f"reset option {sorted(unknown)[0]!r} is unknown; there is 'market_seed'"
            )
        exact = (options or {}).get("market_seed")
        if exact is not None:
            self._batch.begin_with(0, int(as_market_seeds(exact, (), "market_seed")))
        elif seed is not None or not self._began:
            self._batch.draw_first(0, self.np_random)
        else:
            self._batch.begin_next(0)
        self._began = True
        self._batch.reset(np.ones(1, np.bool_))
        self._running = True
        if self.render_mode is not None:
            if self._canvas is None:
                self._canvas = make_canvas(self.render_mode, self.metadata["render_fps"])
            self._canvas.begin(*self._shown())
        info = {"market_seed": self.market_seed, **self._seen()}
        if self.setting.parameters:
            info["parameters"] = self.parameters
        return self._obs.copy(), info

    def step(self, action: Any) -> tuple[Observation, float, bool, bool, dict[str, Any]]:
        """Act, and let the market run until the next decision.

        Args:
            action: of the action space.

        Returns:
            Observation, reward, terminated, truncated and info.

        Raises:
            UsageError: if the action is not legal; nothing has changed then.
            ResetNeeded: if there is no episode to step.
            InternalError: if the market stops with a fault.
        """
        if not self._running:
            raise gymnasium.error.ResetNeeded(
                "no episode is running: call reset() before the first step and after the last"
            )
        checked = action_array(action, self._shape, self._discrete)
        # Written out for one leg, and views made once: 7.2 us a step with one message, 6.8 with it.
        components, scalars = self._only
        if self._legs == 1:
            components[:] = checked
        else:
            self._action[:] = checked.reshape(self._action.shape)
        outcome = self._batch.step_first()
        if outcome:
            self._end(outcome)
        if self._canvas is not None:
            self._canvas.note(*self._shown())
        if self._legs > 1:
            scalars = self._scalars.sum(axis=0)
        numbers = scalars.tolist()
        info: dict[str, Any] = {"reward_terms": terms_of(self._places, numbers)}
        if self._masked or self._observe_value:
            info |= self._seen()
        return (
            self._obs.copy(),
            numbers[0],
            outcome == _TERMINATED,
            outcome == _TRUNCATED,
            info,
        )

    def _end(self, outcome: int) -> None:
        """Note the end of an episode, or raise what went wrong."""
        if outcome == Outcome.BAD_ACTION:
            action = self._action.copy().reshape(self._shape)
            raise_illegal([(action, self._form)])
        self._running = False
        if outcome == Outcome.FAULT:
            raise_fault(self._batch.markets, self._batch.states, self._batch.ios)

    def _seen(self) -> dict[str, Any]:
        """Return what is in every info."""
        seen: dict[str, Any] = {}
        if self._masked:
            seen["action_mask"] = self._flags().copy()
        if self._observe_value:
            offsets = self._scalars[:, 5]
            seen["truth"] = {
                "value_offset": float(offsets[0]) if self._legs == 1 else offsets.copy()
            }
        return seen

    def _flags(self) -> npt.NDArray[np.int8]:
        """Return the flags of the mask, one leg after the other."""
        mask: npt.NDArray[np.int8] = self._batch.ios["mask"][:, : self._masked]
        return mask[0] if self._legs == 1 else mask.reshape(-1)

    def action_masks(self) -> npt.NDArray[np.bool_]:
        """Return which choices make sense now, one component after the other.

        Raises:
            UsageError: if actions are continuous.
        """
        if not self._masked:
            raise UsageError("HG-U066", "action masks exist for discrete forms of action only")
        return np.array(self._flags(), np.bool_)

    def snapshot(self) -> BatchSnapshot:
        """Return a copy of everything that the future depends on, beside the actions."""
        return self._batch.snapshot(
            began=self._began,
            running=self._running,
            generator=self.np_random.bit_generator.state,
        )

    def restore(self, snapshot: BatchSnapshot) -> Observation:
        """Go back to a snapshot of this environment, or of another one with the same arguments.

        Returns:
            The observation at the time of the snapshot.

        Raises:
            UsageError: if it belongs to another market or task; nothing has changed then.
        """
        self._batch.restore(snapshot)
        self._began = snapshot.extra["began"]
        self._running = snapshot.extra["running"]
        self.np_random.bit_generator.state = snapshot.extra["generator"]
        obs: Observation = self._obs.copy()
        return obs

    def render(self) -> Any:
        """Return what the learner sees: text, a picture, or None when it is shown already.

        Returns:
            ``ansi``: the order book as text. ``rgb_array``: the last minutes as a picture, uint8,
            shape (560, 800, 3). ``human`` and without a render mode: None.
        """
        if self.render_mode is None:
            return None
        if self._canvas is None:
            raise gymnasium.error.ResetNeeded("call reset() before render()")
        return self._canvas.draw()

    def _shown(self) -> tuple[Any, Any, Any, Any]:
        batch = self._batch
        return batch.markets[0], batch.states[0], self.setting.task[0], batch.ios[0]

    def close(self) -> None:
        """End what is shown."""
        if self._canvas is not None:
            self._canvas.close()
