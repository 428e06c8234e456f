"""The arrays of some markets with their learners, and the compiled calls on them.

Learner ``l`` of market ``i`` has row ``i * learners + l`` of everything that belongs to a learner.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
from numba import get_num_threads

from hftgym.core.entries import reseed_one
from hftgym.core.jit import entry_point
from hftgym.core.layout import zeros
from hftgym.envs.ahead import lines_ahead, looked_at
from hftgym.envs.draws import drawn_shares, numbers_as
from hftgym.envs.kernels import reset_marked, step_many, step_one, take_actions
from hftgym.envs.seeds import draw_market_seed, next_market_seed
from hftgym.envs.setting import Setting
from hftgym.envs.task import IO, RECENT_ROWS, STATE
from hftgym.errors import UsageError

#: Which step of a batch is looked at, to know what memory one writes to: the first is not like
#: those that follow.
_LOOK_AT = 4


def scalars_of(ios: np.ndarray) -> npt.NDArray[np.float64]:
    """Return reward, pnl, correction, liquidation, control and value offset, a view, (rows, 6)."""
    first = IO.fields["reward"][1]  # type: ignore[index]
    raw = ios.view(np.uint8).reshape(len(ios), IO.itemsize)
    return raw[:, first : first + 48].view(np.float64)


def terms_of(places: tuple[tuple[int, str], ...], numbers: Any) -> dict[str, Any]:
    """Return the terms of a reward by name from a row of ``scalars_of``, or from its columns.

    Args:
        places: place in the row and name of each term.
        numbers: the row as a list, or columns, shape (6, rows).
    """
    terms = {}
    for place, name in places:  # 0.6 us; to unpack the row and to zip it with names took 1.7
        terms[name] = numbers[place]
    return terms


@dataclass(frozen=True)
class BatchSnapshot:
    """Everything that the future of some markets depends on, beside the actions.

    Attributes:
        arrays: copies of the batch's arrays.
        setting: the setting that they belong to.
        extra: what the environment adds, for example the state of its generator.
    """

    arrays: tuple[np.ndarray, ...]
    setting: Setting
    extra: dict[str, Any]


class Batch:
    """Markets of one setting.

    Args:
        setting: checked tasks in a configured market.
        count: how many markets.

    Attributes:
        markets: the markets, live records, shape (count,).
        states: dtype ``STATE``, shape (count * learners,).
        ios: dtype ``IO``, shape (count * learners,).
        obs: observations, float32, shape (count * learners, width).
        final_obs: of episodes that the last step ended and replaced.
    """

    def __init__(self, setting: Setting, count: int) -> None:
        self.setting = setting
        self.count = count
        self.learners = len(setting.learners)
        rows = count * self.learners
        self.markets = zeros(count, setting.blueprint.record.dtype)
        self.states = np.zeros(rows, STATE)
        self.ios = np.zeros(rows, IO)
        self.obs = np.zeros((rows, setting.width), np.float32)
        self.final_obs = np.zeros_like(self.obs)
        self.recents = np.zeros(count if setting.keeps_messages else 1, RECENT_ROWS)
        self.logs = setting.logs(count)
        self._arrays = (self.markets, self.states, self.ios, self.obs, self.recents)
        self._world: Any = None
        self._start: Any = None
        self._backwards = True
        self._steps = 0

    def begin_with(self, i: int, first: int) -> None:
        """Let market ``i`` begin with a market seed at the next reset."""
        state = self.states[i * self.learners]
        state["episode"] = 0
        state["first_seed"] = first
        state["market_seed"] = first

    def begin_next(self, i: int) -> None:
        """Let market ``i`` begin with the market seed that follows at the next reset."""
        state = self.states[i * self.learners]
        state["episode"] += 1
        state["market_seed"] = next_market_seed(
            state["first_seed"], int(state["episode"]), self.setting.split
        )

    def draw_first(self, i: int, generator: np.random.Generator) -> None:
        """Let market ``i`` begin with a market seed of the split, drawn."""
        self.begin_with(i, draw_market_seed(generator, self.setting.split))

    @property
    def market_seeds(self) -> npt.NDArray[np.uint64]:
        """Market seeds of the current episodes, shape (count,); a view."""
        return self.states["market_seed"][:: self.learners]

    def reset(self, mask: npt.NDArray[np.bool_]) -> None:
        """Begin an episode in the markets of a mask, shape (count,)."""
        setting = self.setting
        if self._start is None:
            found = setting.snapshots
            table, ops = setting.blueprint.table, setting.blueprint.ops
            self._world = (setting.task, table, ops, self.logs)
            self._start = (
                found.markets,
                found.states,
                found.recents,
                setting.draws,
                *numbers_as(self.markets),
            )
        self.ios["reset"][:: self.learners] = mask
        reset_marked(self._arrays, self._world, self._start)

    def take(self, actions: npt.NDArray[np.float64]) -> bool:
        """Hand all learners their actions, shape (rows, components), contiguous.

        Returns:
            False when one is illegal; nothing has changed then.
        """
        taken: bool = self._take(self.setting.task, self.ios, actions)
        return taken

    def step_first(self) -> int:
        """Step market 0, its actions unchecked; the Outcome of its first learner."""
        outcome: int = self._step_one(self._arrays, self._world)
        return outcome

    def step_all(self) -> None:
        """Step every market on all threads; actions have been taken."""
        self._backwards = not self._backwards
        self._steps += 1
        looks = self._steps == _LOOK_AT and self.count > 1
        before = looked_at(self.markets).copy() if looks else None
        self._step_many(*self._step_arguments, self._backwards, get_num_threads())
        if before is not None:
            lines = lines_ahead(before, looked_at(self.markets))
            self._step_arguments = (*self._step_arguments[:-1], lines)

    @cached_property
    def _take(self) -> Callable[..., Any]:
        return entry_point(take_actions, self.setting.task, self.ios, np.zeros((1, 1)))

    @cached_property
    def _step_one(self) -> Callable[..., Any]:
        return entry_point(step_one, self._arrays, self._world)

    @cached_property
    def _step_many(self) -> Callable[..., Any]:
        return entry_point(step_many, *self._step_arguments, True, 1)

    @cached_property
    def _step_arguments(self) -> tuple[Any, ...]:
        lines = np.zeros(0, np.int64)  # to be asked for: none before a step has been looked at
        return self._arrays, self._world, self._start, self.final_obs, lines

    def parameters(self) -> npt.NDArray[np.float64]:
        """Return the parameters that were drawn, shape (count, parameters)."""
        wanted = (self.setting.arguments.randomise or {}).values()
        ends = np.array(list(wanted), np.float64).reshape(-1, 2)
        shares = drawn_shares(self.market_seeds, len(ends))
        return ends[:, 0] + shares * (ends[:, 1] - ends[:, 0])

    def snapshot(self, **extra: Any) -> BatchSnapshot:
        """Return a copy of everything; what has been handed out before is not part of it."""
        kept = (*self._arrays, self.final_obs)
        return BatchSnapshot(tuple(one.copy() for one in kept), self.setting, extra)

    def restore(self, snapshot: BatchSnapshot, futures: Sequence[int] | None = None) -> None:
        """Go back to a snapshot of this batch, or of another one with the same setting.

        Args:
            snapshot: where to go back to.
            futures: a seed for each market: from here on it draws from other random streams.

        Raises:
            UsageError: if it belongs to another market or task, or there is not one future for each
                market; nothing has changed then.
        """
        kept = (*self._arrays, self.final_obs)
        if not isinstance(snapshot, BatchSnapshot) or not self._fits(snapshot, kept):
            raise UsageError(
                "HG-U205", "restore: the snapshot is of another market, task or number of markets"
            )
        if futures is not None and len(futures) != len(self.markets):
            raise UsageError(
                "HG-U226",
                f"futures: {len(futures)} for {len(self.markets)} markets; must be one each",
            )
        for target, source in zip(kept, snapshot.arrays, strict=True):
            target[...] = source
        for i, seed in enumerate(() if futures is None else futures):
            reseed_one(self.markets, i, np.uint64(seed))

    def _fits(self, snapshot: BatchSnapshot, kept: tuple[np.ndarray, ...]) -> bool:
        mine, other = self.setting, snapshot.setting
        return (
            all(a.shape == b.shape for a, b in zip(kept, snapshot.arrays, strict=True))
            and mine.blueprint.record.tobytes() == other.blueprint.record.tobytes()
            and mine.blueprint.data_hash == other.blueprint.data_hash
            and mine.task.tobytes() == other.task.tobytes()
        )
