"""Pairs: two prices that move together, bought and sold against each other when they part.

Opened at so many standard deviations of the spread, closed when it has come back (Gatev, Goetzmann
and Rouwenhorst 2006, "Pairs trading"). The pair is opened only while a test on a window of what was
observed says that the two move together (Engle and Granger 1987, "Co-integration and error
correction"). The hedge ratio is the slope of the regression in that window, and the spread its
residual; or lot against lot, and the spread the one that the task shows. The test needs statsmodels
(extra ``quant``). When to open and when to close is decided by the function of the participant of
this name.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, cast

import numpy as np
import numpy.typing as npt
from pydantic import Field, model_validator

from agents.directional import move_tick
from agents.policy import AgentParams, FloatArray, ScriptedPolicy
from hftgym.participants.pairs import leg_side
from hftgym.training.policy import ActionArray, ObsArray, TaskConstants, UInt64Array


class Params(AgentParams):
    """Parameters of `Pairs`."""

    hedge: Literal["regression", "one"] = "one"
    """The hedge ratio: of the window's regression, or lot against lot."""
    formation_s: float = Field(default=90.0, gt=0.0)
    """Window of the regression, and warm-up, seconds."""
    renew_s: float = Field(default=30.0, gt=0.0)
    """Time between two regressions, seconds."""
    p_value: float = Field(default=0.1, gt=0.0, le=1.0)
    """Largest p-value at which a pair is opened; 1: untested."""
    entry_score: float = Field(default=1.5, gt=0.0)
    """Opens beyond it, standard deviations of the spread."""
    exit_score: float = Field(default=0.0, ge=0.0)
    """Closes within it, standard deviations."""
    lots: int = Field(default=2, ge=1)
    """Lots of the second instrument; the first one hedges them."""

    @model_validator(mode="after")
    def _check_order(self) -> Params:
        if not self.exit_score < self.entry_score:
            raise ValueError("must be exit_score < entry_score")
        return self


@dataclass(frozen=True)
class Fit:
    """What a window of two mids says.

    Attributes:
        slope: Hedge ratio: ticks of the second for a tick of the first.
        mean: Mean of second - slope * first, ticks.
        sd: Its standard deviation, ticks.
        p_value: Of the hypothesis that they do not move together.
    """

    slope: float
    mean: float
    sd: float
    p_value: float


def cointegration(first: FloatArray, second: FloatArray) -> Fit:
    """Regress one mid on the other and test the residual (Engle and Granger 1987).

    Args:
        first: Mids of the first instrument, ticks, shape (times,).
        second: Of the second.
    """
    from statsmodels.tsa.stattools import coint

    slope, mean = np.polyfit(first, second, 1) if np.ptp(first) > 0.0 else (0.0, second.mean())
    rest = second - slope * first - mean
    sd = max(float(rest.std()), 1e-9)
    if sd == 1e-9 or np.ptp(first) == 0.0:  # nothing has moved, or both in one line
        return Fit(float(slope), float(mean), sd, 1.0)
    p_value = float(coint(second, first, maxlag=1, autolag=None)[1])
    return Fit(float(slope), float(mean), sd, p_value if np.isfinite(p_value) else 1.0)


@dataclass
class _Memory:
    """What is remembered of each market.

    Attributes:
        mids: Of both instruments since the start, ticks, shape (envs, decisions, 2).
        known: Decisions so far, shape (envs,).
        fits: Newest fit of each market; None before the first one.
        side: Of the leg in the first instrument, the second has the other: 1, 0, -1; shape (envs,).
    """

    mids: FloatArray
    known: npt.NDArray[np.int64]
    fits: list[Fit | None]
    side: npt.NDArray[np.int64]


class Pairs(ScriptedPolicy):
    """Trades the spread of a pair by its score; for ``hftgym/Pairs-v0`` (``continuous``)."""

    name = "pairs"
    role = "leg"
    params_type = Params

    def __init__(self, task: TaskConstants, params: Params | None = None) -> None:
        super().__init__(task, params)
        own = cast(Params, self.params)
        self._window = max(10, round(own.formation_s / task.step_s))
        self._renew = max(1, round(own.renew_s / task.step_s))
        self._decisions = round(task.horizon_s / task.step_s) + 1
        self._by_lot = own.hedge == "one"
        self._untested = Fit(1.0, 0.0, 1.0, 1.0) if self._by_lot and own.p_value == 1.0 else None

    def initial_state(self, market_seeds: UInt64Array) -> _Memory:
        """Return an empty memory of these markets."""
        n = len(market_seeds)
        mids = np.zeros((n, self._decisions, 2))
        return _Memory(mids, np.zeros(n, np.int64), [None] * n, np.zeros(n, np.int64))

    def predict(
        self,
        obs: ObsArray,
        state: Any = None,
        episode_start: npt.NDArray[np.bool_] | None = None,
        deterministic: bool = True,
    ) -> tuple[ActionArray, Any]:
        """Return positions as shares of the largest, shape (envs, 2), and the memory."""
        memory = self.initial_state(np.zeros(len(obs), np.uint64)) if state is None else state
        own = cast(Params, self.params)
        moves = np.column_stack([move_tick(self.task, obs, leg) for leg in ("first_", "second_")])
        shown = obs[:, self.task.obs_index["first_pair_spread"]].astype(np.float64)
        action = np.zeros((len(obs), 2), np.float32)
        for i in range(len(obs)):
            if memory.known[i] == self._decisions or (
                episode_start is not None and episode_start[i]
            ):
                memory.known[i], memory.side[i], memory.fits[i] = 0, 0, None
            k = memory.known[i]
            if k > 0:
                memory.mids[i, k] = memory.mids[i, k - 1] + moves[i]
            memory.known[i] = k + 1
            fit = self._fit(memory, i)
            if fit is not None:
                first, second = memory.mids[i, k]
                score = (second - fit.slope * first - fit.mean) / fit.sd
                memory.side[i] = leg_side(
                    int(memory.side[i]),
                    float(shown[i] if self._by_lot else score),
                    own.entry_score,
                    own.exit_score,
                    fit.p_value <= own.p_value,
                )
                lots = int(memory.side[i]) * own.lots
                hedge = lots if self._by_lot else round(fit.slope * lots)
                action[i] = np.clip(np.array([hedge, -lots]) / self.task.max_inventory_lot, -1, 1)
        return action, memory

    def _fit(self, memory: _Memory, i: int) -> Fit | None:
        """Return the newest fit of a market, made anew when it is time."""
        k = memory.known[i] - 1
        if self._untested is not None:
            return self._untested
        if k >= self._window and (k - self._window) % self._renew == 0:
            window = memory.mids[i, k - self._window : k + 1]
            memory.fits[i] = cointegration(window[:, 0], window[:, 1])
        return memory.fits[i]

    @classmethod
    def grid(cls, task: TaskConstants) -> list[AgentParams]:
        """Return 2 hedges times 3 p-values times 4 entries times 2 sizes."""
        return [
            Params(hedge=hedge, p_value=p, entry_score=entry, lots=lots)
            for hedge in ("regression", "one")
            for p in (0.05, 0.3, 1.0)
            for entry in (1.0, 1.5, 2.0, 2.5)
            for lots in (1, 4)
        ]
