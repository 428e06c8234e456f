"""One case of a benchmark of environments: what is stepped, for how long, and what happened."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import Any

import numba
import numpy as np
import numpy.typing as npt

_COUNTERS = ("messages_done", "wakes_done", "captures_done")
_CHUNK = 64  # steps between two looks at the clock


@dataclass
class Case:
    """One thing to measure.

    Attributes:
        name: key of its figures.
        env: an environment, a batch of them, or a market with several learners; resets are part
            of the time.
        actions: what it is stepped with, in turn.
        policy: what the actions are, in words.
        environments: how many of them a step steps.
        threads: that numba may use; None when the case does not use numba.
        steps: of each round.
        seconds: of each round.
        counted: what happened in each round: ``_COUNTERS`` and the learners' messages.
    """

    name: str
    env: Any
    actions: Sequence[Any] | npt.NDArray[Any]
    policy: str
    environments: int = 1
    threads: int | None = None
    steps: list[int] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    counted: list[npt.NDArray[np.int64]] = field(default_factory=list)

    @property
    def setting(self) -> Any:
        """Setting of our environments; None for another's."""
        return getattr(self._inner, "setting", None)

    @property
    def _inner(self) -> Any:
        return getattr(self.env, "unwrapped", self.env)

    def count(self) -> npt.NDArray[np.int64]:
        """Return the counters of all markets, shape (4,); zeros for another's environment."""
        if self.setting is None:
            return np.zeros(4, np.int64)
        inner = self._inner
        markets = inner.markets if hasattr(inner, "markets") else inner.market
        learners = list(self.setting.blueprint.learners)
        sent = markets["part"][..., learners]["account"]["messages"]
        return np.array([*(np.sum(markets[name]) for name in _COUNTERS), np.sum(sent)], np.int64)

    def run(self, seconds: float, seed: int) -> None:
        """Step for this long, from a reset with this seed, and note what happened."""
        if self.threads is not None:
            numba.set_num_threads(self.threads)
        env, actions = self.env, self.actions
        # The market of an episode is gone when the next one begins: count before the last step.
        last = self._steps_of_an_episode() - 1
        counted = np.zeros(4, np.int64)
        made = 0
        start = time.perf_counter()
        over = False
        while not over:
            env.reset(seed=seed + made)
            before = self.count()
            played = 0
            while played < last and not over:
                until = min(played + _CHUNK, last)
                for k in range(played, until):
                    env.step(actions[k % len(actions)])
                played = until
                over = time.perf_counter() - start >= seconds
            made += played
            counted += self.count() - before
        self.seconds.append(time.perf_counter() - start)
        self.steps.append(made * self.environments)
        self.counted.append(counted)

    def forget(self) -> None:
        """Drop the rounds so far."""
        for rounds in (self.steps, self.seconds, self.counted):
            rounds.clear()

    def _steps_of_an_episode(self) -> int:
        return 1 << 30 if self.setting is None else int(self.setting.steps)

    def figures(self) -> dict[str, Any]:
        """Return the median and range of the rounds."""
        rates = [n / s for n, s in zip(self.steps, self.seconds, strict=True)]
        result: dict[str, Any] = {
            "steps_per_s": round(median(rates)),
            "steps_per_s_range": [round(min(rates)), round(max(rates))],
            "environments": self.environments,
            "policy": self.policy,
        }
        if self.setting is None:
            return result
        per_s = [c / s for c, s in zip(self.counted, self.seconds, strict=True)]
        messages, wakes, captures, _ = (round(float(x)) for x in np.median(per_s, axis=0))
        steps = sum(self.steps)
        total, _, _, own = (int(x) for x in np.sum(self.counted, axis=0))
        return result | {
            "threads": self.threads,
            "learners": len(self.setting.learners),
            "step_s": self.setting.step_ns / 1e9,
            "messages_per_s": messages,
            "wakes_per_s": wakes,
            "captures_per_s": captures,
            "background_messages_per_step": round((total - own) / steps, 3),
            "learner_messages_per_step": round(own / steps, 3),
        }
