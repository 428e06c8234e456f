"""Many markets with several learners each, stepped at once: the batch face of ``market_v0``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import gymnasium
import numpy as np
import numpy.typing as npt
from gymnasium.utils import seeding

from hftgym.envs.arguments import MarketArguments
from hftgym.envs.batch import Batch, BatchSnapshot
from hftgym.envs.errors import action_array, raise_fault, raise_illegal
from hftgym.envs.layout import box_of
from hftgym.envs.seeds import UInt64Array, as_market_seeds
from hftgym.envs.setting import Setting
from hftgym.envs.several import USUAL_AGENTS, learners_of
from hftgym.envs.task import COMPONENTS, Mode, Outcome
from hftgym.envs.task_info import TaskInfo
from hftgym.errors import UsageError
from hftgym.scenario import Scenario

# Plain integers: looking up a member of an enumeration takes longer than to compare with it.
_TERMINATED = int(Outcome.TERMINATED)
_TRUNCATED = int(Outcome.TRUNCATED)
_FAULT = int(Outcome.FAULT)

Arrays = dict[str, npt.NDArray[Any]]


class BatchStep(NamedTuple):
    """What a step of a batch came to; everything by agent, one row a market.

    Attributes:
        observations: float32, shape (markets, numbers); of the next episode where one began.
        rewards: float64, shape (markets,); 0 where the agent had left.
        terminations: bool, shape (markets,).
        truncations: bool, shape (markets,).
        acted: bool, shape (markets,): the agent was there, its numbers count.
        began: bool, shape (markets,), the same for all agents: the market's episode is over and
            the next one has begun.
        final_observations: as ``observations``, valid where ``began``: the last ones of the
            episode that is over. The same arrays where nothing began.
    """

    observations: Arrays
    rewards: Arrays
    terminations: Arrays
    truncations: Arrays
    acted: Arrays
    began: npt.NDArray[np.bool_]
    final_observations: Arrays


class MarketBatch:
    """A batch of ``market_v0`` markets with the same agents, on all threads.

    Market i is a function of its own first market seed, and equals the single market with that
    seed, number for number. A market begins anew in the step in which the last of its agents ends.

    Args:
        num_markets: how many markets.
        scenario: name, path or model of the market.
        agents: arguments of each agent by name, as of ``market_v0.parallel_env``.
        split: ``train``, ``tune``, ``validation`` or ``test``: which markets.
        max_cycles: decisions in an episode.
        step_s: time between decisions, seconds.
        data: LOBSTER message file, for a scenario that plays a tape.
        snapshots: burnt-in markets.
        randomise: two ends by parameter of the scenario, drawn anew at each reset.

    Attributes:
        possible_agents: the agents' names.
        observation_spaces: of one market, by agent.
        action_spaces: of one market, by agent.

    Raises:
        HftgymError: if an argument is not valid.
    """

    def __init__(
        self,
        num_markets: int,
        scenario: Scenario | str | Path = "default",
        agents: Mapping[str, Mapping[str, Any]] | None = None,
        *,
        split: str = "train",
        max_cycles: int = 600,
        step_s: float = 0.5,
        data: str | Path | None = None,
        snapshots: int | None = None,
        randomise: Mapping[str, Sequence[float]] | None = None,
    ) -> None:
        if not isinstance(num_markets, (int, np.integer)) or num_markets < 1:
            raise UsageError(
                "HG-U067", f"num_markets: {num_markets!r}; must be an integer of at least 1"
            )
        self.num_markets = int(num_markets)
        horizon_s = round(max_cycles * step_s, 9)
        arguments = MarketArguments(scenario, split, horizon_s, step_s, data, snapshots, randomise)
        learners = learners_of(USUAL_AGENTS if agents is None else agents)
        self.setting = Setting(arguments, learners, Mode.SAME_STEP)
        ones = self.setting.learners
        self.possible_agents = [one.name for one in ones]
        self.observation_spaces = {one.name: box_of(one.fields) for one in ones}
        self.action_spaces = {one.name: one.form.space() for one in ones}
        self._batch = Batch(self.setting, self.num_markets)
        self._shape = (self.num_markets, len(ones))
        self._widths = [len(one.fields) for one in ones]
        self._forms = [one.form for one in ones]
        # For all agents at once: with ten makers and ten executors a step takes 139 us in Python.
        # With actions that numpy checks and a question about each outcome it took 282.
        self._actions = np.zeros((*self._shape, COMPONENTS))
        self._shapes = [(self.num_markets, *form.shape) for form in self._forms]
        self._present = np.zeros(self._shape, np.bool_)
        self._generator: np.random.Generator | None = None

    def task_info(self, agent: str) -> TaskInfo:
        """Return the public constants of an agent's task."""
        return self.setting.info_of(self.possible_agents.index(agent))

    @property
    def markets(self) -> np.ndarray:
        """The markets, live records, shape (num_markets,): the truth, for studies and tests."""
        return self._batch.markets

    @property
    def market_seeds(self) -> UInt64Array:
        """Market seeds of the current episodes, shape (num_markets,)."""
        return self._batch.market_seeds.copy()

    def last_episodes(self, agent: str) -> np.ndarray:
        """Return the figures of an agent's last episodes, dtype ``EPISODE``, shape (markets,)."""
        return self._by_agent("episode")[:, self.possible_agents.index(agent)]

    def reset(
        self,
        *,
        seed: int | Sequence[int] | None = None,
        market_seeds: Sequence[int] | UInt64Array | None = None,
    ) -> Arrays:
        """Begin episodes in all markets.

        Args:
            seed: an integer s means s, s + 1, ... for the markets; or one for each.
            market_seeds: sets the markets exactly, shape (num_markets,).

        Returns:
            Observations by agent.
        """
        if market_seeds is not None:
            exact = as_market_seeds(market_seeds, (self.num_markets,), "market_seeds")
            for i in range(self.num_markets):
                self._batch.begin_with(i, int(exact[i]))
        elif seed is not None:
            seeds = [seed + i for i in range(self.num_markets)] if isinstance(seed, int) else seed
            if len(seeds) != self.num_markets:
                raise ValueError(
                    f"seed: a list of {len(seeds)} for {self.num_markets} markets; one each"
                )
            for i, one in enumerate(seeds):
                self._batch.draw_first(i, seeding.np_random(one)[0])
        elif not self._present.any():
            if self._generator is None:
                self._generator = seeding.np_random(None)[0]
            for i in range(self.num_markets):
                self._batch.draw_first(i, self._generator)
        else:
            for i in range(self.num_markets):
                self._batch.begin_next(i)
        self._batch.reset(np.ones(self.num_markets, np.bool_))
        self._present[:] = True
        return self._split(self._batch.obs)

    def step(self, actions: Mapping[str, Any]) -> BatchStep:
        """Act in every market, and let each run until its next decision.

        Args:
            actions: by agent, one row a market; those of agents that have left are not used.

        Raises:
            UsageError: if an action is missing or not legal; nothing has changed then.
            ResetNeeded: before the first reset.
            InternalError: if a market stops with a fault.
        """
        if not self._present.any():
            raise gymnasium.error.ResetNeeded("call reset() before step()")
        for j, name in enumerate(self.possible_agents):
            if name not in actions:
                raise UsageError("HG-U062", f"actions: {name!r} is missing")
            form = self._forms[j]
            array = action_array(actions[name], self._shapes[j], form.discrete)
            columns = array.reshape(self.num_markets, -1)
            self._actions[:, j, : columns.shape[1]] = columns
        batch = self._batch
        if not batch.take(self._actions.reshape(-1, COMPONENTS)):
            sent = (np.asarray(actions[name]) for name in self.possible_agents)
            raise_illegal(zip(sent, self._forms, strict=True))
        acted = self._present.copy()
        batch.step_all()
        terminated = np.zeros(self._shape, np.bool_)
        truncated = np.zeros(self._shape, np.bool_)
        began = np.zeros(self.num_markets, np.bool_)
        outcome = self._by_agent("outcome")
        if np.count_nonzero(outcome):
            if (outcome == _FAULT).any():
                raise_fault(batch.markets, batch.states, batch.ios)
            terminated |= acted & (outcome == _TERMINATED)
            truncated |= acted & (outcome == _TRUNCATED)
            present = acted & ~terminated & ~truncated
            began |= ~present.any(axis=1)
            present[began] = True
            self._present = present
        rewards = np.where(acted, self._by_agent("reward"), 0.0)
        observations = self._split(batch.obs)
        return BatchStep(
            observations,
            self._named(rewards),
            self._named(terminated),
            self._named(truncated),
            self._named(acted),
            began,
            self._split(batch.final_obs) if began.any() else observations,
        )

    def action_masks(self) -> Arrays:
        """Return the flat masks of the agents whose actions are discrete, shape (markets, n)."""
        masks = self._by_agent("mask")
        return {
            one.name: masks[:, j, : sum(one.form.choices)].astype(np.bool_)
            for j, one in enumerate(self.setting.learners)
            if one.form.discrete
        }

    def snapshot(self) -> BatchSnapshot:
        """Return a copy of everything that the future depends on, beside the actions."""
        return self._batch.snapshot(present=self._present.copy())

    def restore(self, snapshot: BatchSnapshot) -> Arrays:
        """Go back to a snapshot of this batch; the observations then.

        Raises:
            UsageError: if it belongs to another market or task; nothing has changed then.
        """
        self._batch.restore(snapshot)
        self._present = snapshot.extra["present"].copy()
        return self._split(self._batch.obs)

    def _by_agent(self, field: str) -> np.ndarray:
        values = self._batch.ios[field]
        return values.reshape(*self._shape, *values.shape[1:])

    def _named(self, values: np.ndarray) -> Arrays:
        return dict(zip(self.possible_agents, values.T, strict=True))

    def _split(self, obs: np.ndarray) -> Arrays:
        by_agent = obs.reshape(*self._shape, -1).transpose(1, 0, 2).copy()
        return {
            name: rows[:, :width]
            for name, rows, width in zip(self.possible_agents, by_agent, self._widths, strict=True)
        }
