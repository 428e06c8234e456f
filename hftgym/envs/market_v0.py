"""``hftgym.envs.market_v0``: any number of learners in one book, for PettingZoo.

``parallel_env(...)`` is the market itself, where all decide at one instant; ``env(...)`` the same
in PettingZoo's turn-taking form. ``hftgym.envs.market_batch`` steps many such markets at once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
import numpy.typing as npt
from gymnasium.utils import seeding
from pettingzoo import AECEnv, ParallelEnv
from pettingzoo.utils import parallel_to_aec

from hftgym.envs.arguments import MarketArguments
from hftgym.envs.batch import Batch, BatchSnapshot, scalars_of, terms_of
from hftgym.envs.errors import action_array, raise_fault, raise_illegal
from hftgym.envs.layout import box_of
from hftgym.envs.rendering import (
    RENDER_MODES,
    Canvas,
    check_render_mode,
    make_canvas,
    real_time_fps,
)
from hftgym.envs.seeds import as_market_seeds
from hftgym.envs.setting import Setting
from hftgym.envs.several import USUAL_AGENTS, learners_of
from hftgym.envs.task import Outcome
from hftgym.envs.task_info import TaskInfo
from hftgym.errors import UsageError
from hftgym.scenario import Scenario

_TERMINATED = int(Outcome.TERMINATED)
_TRUNCATED = int(Outcome.TRUNCATED)
_FAULT = int(Outcome.FAULT)
_BAD_ACTION = int(Outcome.BAD_ACTION)

Observations = dict[str, npt.NDArray[np.float32]]
Infos = dict[str, dict[str, Any]]


class MarketEnv(ParallelEnv[str, npt.NDArray[np.float32], Any]):  # type: ignore[misc] # untyped
    """Makers, takers, executors and traders that learn in one order book.

    Every agent has the task of its role (``MarketMakingEnv``, ``TakingEnv``, ``ExecutionEnv``,
    ``TradingEnv``) with form of action, observation, reward, latency and limits of its own, beside
    the scripted participants of the scenario. All decide at one instant, every ``step_s``; whose
    message comes first when two reach the exchange together is settled by a seeded draw, never by
    the order of the agents. An agent whose episode ends early (an executor that is done) cancels
    what it has in the book and leaves; the market goes on for the others.

    Args:
        scenario: name, path or model of the market.
        agents: arguments of each agent by name (``hftgym.envs.arguments.TaskArguments``); names
            are as ``maker_0``, and the letters are the role unless ``role`` says another one. One
            maker, one taker and one executor when not given.
        split: ``train``, ``tune``, ``validation`` or ``test``: which markets.
        max_cycles: decisions in an episode.
        step_s: time between decisions, seconds, at least 0.02.
        data: LOBSTER message file, for a scenario that plays a tape.
        snapshots: burnt-in markets.
        randomise: two ends by parameter of the scenario, drawn anew at each reset.
        watch: the agent whose view is rendered; the first one when not given.
        render_mode: ``ansi``, ``rgb_array``, ``human`` or None.

    Raises:
        HftgymError: if an argument is not valid.
    """

    metadata: dict[str, Any] = {  # noqa: RUF012 - as PettingZoo declares it
        "name": "market_v0",
        "render_modes": list(RENDER_MODES),
        "render_fps": 2,
        "is_parallelizable": True,
    }

    def __init__(
        self,
        scenario: Scenario | str | Path = "default",
        agents: Mapping[str, Mapping[str, Any]] | None = None,
        *,
        split: str = "train",
        max_cycles: int = 600,
        step_s: float = 0.5,
        data: str | Path | None = None,
        snapshots: int | None = None,
        randomise: Mapping[str, Sequence[float]] | None = None,
        watch: str | None = None,
        render_mode: str | None = None,
    ) -> None:
        check_render_mode(render_mode)
        self.render_mode = render_mode
        self._learners = learners_of(USUAL_AGENTS if agents is None else agents)
        self._arguments = partial(
            MarketArguments,
            scenario=scenario,
            split=split,
            step_s=step_s,
            data=data,
            snapshots=snapshots,
            randomise=randomise,
        )
        self.possible_agents = [one.name for one in self._learners]
        self._rows_by_name = {name: j for j, name in enumerate(self.possible_agents)}
        self._watched = 0 if watch is None else self._index(watch)
        self.agents: list[str] = []
        self._make(max_cycles)
        ones = self.setting.learners
        self._forms = [one.form for one in ones]
        self._shapes = [form.shape for form in self._forms]
        self._discrete = [form.discrete for form in self._forms]
        self._places = [tuple(enumerate(one.terms, 1)) for one in ones]  # behind the reward
        self._tells = [one.form.discrete or one.arguments.observe_value for one in ones]
        boxes = [box_of(one.fields) for one in ones]
        self.observation_spaces = dict(zip(self.possible_agents, boxes, strict=True))
        self.action_spaces = {one.name: one.form.space() for one in ones}
        self.state_space = gymnasium.spaces.Box(
            np.concatenate([box.low for box in boxes]),
            np.concatenate([box.high for box in boxes]),
            dtype=np.float32,
        )
        self.metadata = self.metadata | {"render_fps": real_time_fps(step_s)}
        self._canvas: Canvas | None = None
        self._generator: np.random.Generator | None = None
        self._began = False

    def _index(self, name: str) -> int:
        if name not in self._rows_by_name:
            raise UsageError(
                "HG-U209",
                f"agent {name!r} is unknown; there are {', '.join(self.possible_agents)}",
            )
        return self._rows_by_name[name]

    def _make(self, max_cycles: int) -> None:
        arguments = self._arguments()
        horizon_s = round(max_cycles * arguments.step_s, 9)
        self.setting = Setting(self._arguments(horizon_s=horizon_s), self._learners)
        self._batch = Batch(self.setting, 1)
        self._max_cycles = int(max_cycles)
        self.agents = []
        # Views, made once: looking a field up costs as much as a tenth of a step.
        batch, ones = self._batch, self.setting.learners
        self._actions = [
            row[: len(one.form.choices)] for row, one in zip(batch.ios["action"], ones, strict=True)
        ]
        self._masks = batch.ios["mask"]
        self._rows = [row[: len(one.fields)] for row, one in zip(batch.obs, ones, strict=True)]
        self._outcomes = batch.ios["outcome"]
        self._scalars = scalars_of(batch.ios)

    @property
    def max_cycles(self) -> int:
        """Decisions in an episode. Setting it ends the episode that runs."""
        return self._max_cycles

    @max_cycles.setter
    def max_cycles(self, value: int) -> None:
        if value != self._max_cycles:
            self._make(value)

    def observation_space(self, agent: str) -> gymnasium.spaces.Space[Any]:
        """Return the space of an agent's observations."""
        return self.observation_spaces[agent]

    def action_space(self, agent: str) -> gymnasium.spaces.Space[Any]:
        """Return the space of an agent's actions."""
        return self.action_spaces[agent]

    def task_info(self, agent: str) -> TaskInfo:
        """Return the public constants of an agent's task."""
        return self.setting.info_of(self._index(agent))

    @property
    def market_seed(self) -> int:
        """Market seed of the current episode."""
        return int(self._batch.market_seeds[0])

    @property
    def market(self) -> Any:
        """The market, a live record: the truth, for studies and tests."""
        return self._batch.markets[0]

    def last_episode(self, agent: str) -> np.ndarray:
        """Return the figures of an agent's last episode, dtype ``EPISODE``, shape ()."""
        return self._batch.ios["episode"][self._index(agent)].copy()  # type: ignore[no-any-return]

    def reset(
        self, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Observations, Infos]:
        """Begin an episode with all agents.

        Args:
            seed: draws the first market from the split's domain; later resets without a seed walk
                through markets that are a function of the first.
            options: ``{"market_seed": int}`` sets the market exactly; others are ignored, as
                PettingZoo asks.

        Returns:
            Observations and infos by agent.
        """
        exact = (options or {}).get("market_seed")
        if seed is not None or self._generator is None:
            self._generator = seeding.np_random(seed)[0]
        if exact is not None:
            self._batch.begin_with(0, int(as_market_seeds(exact, (), "market_seed")))
        elif seed is not None or not self._began:
            self._batch.draw_first(0, self._generator)
        else:
            self._batch.begin_next(0)
        self._began = True
        self._batch.reset(np.ones(1, np.bool_))
        self.agents = self.possible_agents[:]
        if self.render_mode is not None:
            if self._canvas is None:
                self._canvas = make_canvas(self.render_mode, self.metadata["render_fps"])
            self._canvas.begin(*self._shown())
        infos = {
            name: dict.fromkeys(self.setting.learners[j].terms, 0.0) | self._seen(j)
            for j, name in enumerate(self.agents)
        }
        return {name: self._obs(j) for j, name in enumerate(self.agents)}, infos

    def step(
        self, actions: Mapping[str, Any]
    ) -> tuple[Observations, dict[str, float], dict[str, bool], dict[str, bool], Infos]:
        """Let all agents act, and the market run until the next decision.

        Args:
            actions: of each agent that is still there.

        Returns:
            Observations, rewards, terminations, truncations and infos of the agents that acted.

        Raises:
            UsageError: if an action is missing or not legal; nothing has changed then.
            ResetNeeded: if there is no episode to step.
            InternalError: if the market stops with a fault.
        """
        acting = self.agents
        if not acting:
            raise gymnasium.error.ResetNeeded(
                "no episode is running: call reset() before the first step and after the last"
            )
        rows = [self._rows_by_name[name] for name in acting]
        for name, j in zip(acting, rows, strict=True):
            if name not in actions:
                raise UsageError("HG-U062", f"actions: {name!r} is missing; nothing was changed")
            self._actions[j][:] = action_array(actions[name], self._shapes[j], self._discrete[j])
        batch = self._batch
        if batch.step_first() == _BAD_ACTION:
            forms = [self._forms[j] for j in rows]
            sent = (self._actions[j].reshape(self._forms[j].shape) for j in rows)
            raise_illegal(zip(sent, forms, strict=True))
        outcomes = self._outcomes.tolist()
        if outcomes[rows[0]] == _FAULT:
            self.agents = []
            raise_fault(batch.markets, batch.states, batch.ios)
        if self._canvas is not None and self._watched in rows:
            self._canvas.note(*self._shown())
        scalars = self._scalars.tolist()
        observations, rewards, terminations, truncations, infos = {}, {}, {}, {}, {}
        self.agents = []
        for name, j in zip(acting, rows, strict=True):
            outcome = outcomes[j]
            observations[name] = self._obs(j)
            rewards[name] = scalars[j][0]
            terminations[name] = outcome == _TERMINATED
            truncations[name] = outcome == _TRUNCATED
            infos[name] = terms_of(self._places[j], scalars[j])
            if self._tells[j]:
                infos[name] |= self._seen(j)
            if outcome not in (_TERMINATED, _TRUNCATED):
                self.agents.append(name)
        return observations, rewards, terminations, truncations, infos

    def _obs(self, j: int) -> npt.NDArray[np.float32]:
        obs: npt.NDArray[np.float32] = self._rows[j].copy()
        return obs

    def _seen(self, j: int) -> dict[str, Any]:
        """Return what is in every info of an agent."""
        seen: dict[str, Any] = {}
        if self._discrete[j]:
            form = self._forms[j]
            flags = self._masks[j, : sum(form.choices)].copy()
            if form.shape:  # as ``sample`` of the space takes it
                seen["action_mask"] = tuple(np.split(flags, np.cumsum(form.choices)[:-1]))
            else:
                seen["action_mask"] = flags
        if self.setting.learners[j].arguments.observe_value:
            seen["truth"] = {"value_offset": float(self._scalars[j, 5])}
        return seen

    def state(self) -> npt.NDArray[np.float32]:
        """Return what all agents see together, in the order of ``possible_agents``.

        Of an agent that has left, what it saw last.
        """
        return np.concatenate([self._obs(j) for j in range(len(self._rows))])

    def snapshot(self) -> BatchSnapshot:
        """Return a copy of everything that the future depends on, beside the actions."""
        return self._batch.snapshot(agents=self.agents[:], began=self._began)

    def restore(self, snapshot: BatchSnapshot) -> Observations:
        """Go back to a snapshot of this market, or of another one with the same arguments.

        Returns:
            The observations of the agents that are there.

        Raises:
            UsageError: if it belongs to another market or task; nothing has changed then.
        """
        self._batch.restore(snapshot)
        self.agents = snapshot.extra["agents"][:]
        self._began = snapshot.extra["began"]
        return {name: self._obs(self._rows_by_name[name]) for name in self.agents}

    def _shown(self) -> tuple[Any, Any, Any, Any]:
        batch, j = self._batch, self._watched
        return batch.markets[0], batch.states[j], self.setting.task[j], batch.ios[j]

    def render(self) -> Any:
        """Return what the watched agent sees: text, a picture, or None when it is shown already."""
        if self.render_mode is None:
            return None
        if self._canvas is None:
            raise gymnasium.error.ResetNeeded("call reset() before render()")
        return self._canvas.draw()

    def close(self) -> None:
        """End what is shown."""
        if self._canvas is not None:
            self._canvas.close()


def parallel_env(*args: Any, **kwargs: Any) -> MarketEnv:
    """Return a market in which all agents decide at once; arguments as of ``MarketEnv``."""
    return MarketEnv(*args, **kwargs)


def env(*args: Any, **kwargs: Any) -> AECEnv[str, Any, Any]:
    """Return the same market in PettingZoo's turn-taking form.

    The agents still decide at one instant: the market moves when the last of them has acted.
    """
    return parallel_to_aec(parallel_env(*args, **kwargs))


raw_env = env
