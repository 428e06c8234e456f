"""Arguments of the environments: those of the market, and those of each learner in it."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypedDict

from hftgym.envs.task import Role
from hftgym.errors import UnknownArgumentError
from hftgym.latency import Latency
from hftgym.limits import Limits
from hftgym.names import nearest
from hftgym.scenario import Scenario


@dataclass(frozen=True)
class MarketArguments:
    """Arguments of a market.

    Attributes:
        scenario: name, path or model of the market.
        split: ``train``, ``tune``, ``validation`` or ``test``: which markets.
        horizon_s: length of an episode, seconds; a multiple of ``step_s``.
        step_s: time between decisions, seconds, at least 0.02.
        data: LOBSTER message file, for a scenario that plays a tape.
        snapshots: burnt-in markets; 64 for training and 32 otherwise when not given.
        randomise: two ends by parameter of the scenario, drawn anew at each reset
            (``hftgym.envs.draws``).
    """

    scenario: Scenario | str | Path = "default"
    split: str = "train"
    horizon_s: float = 300.0
    step_s: float = 0.5
    data: str | Path | None = None
    snapshots: int | None = None
    randomise: Mapping[str, Sequence[float]] | None = None


@dataclass(frozen=True)
class TaskArguments:
    """Arguments of one learner.

    Attributes:
        action: form of the action (``hftgym.envs.forms.ACTION_FORMS``); the role's first one when
            not given.
        reward: form of the reward (``REWARD_FORMS``); the role's first one when not given.
        observation: ``summary``, ``levels`` (and the best levels of the book) or ``messages`` (and
            the newest public messages).
        levels: levels of each side that ``levels`` adds, 1 to 5.
        messages: messages that ``messages`` adds, 1 to 128, newest first.
        horizon: ``finite`` (terminated, liquidated, the time left observed) or ``continuing``
            (truncated).
        initial_inventory: ``zero`` or ``uniform``: within half of the limit.
        control_variate: take out of the reward what the position gained by moves of the latent
            value (``hftgym.envs.reward``): the same best policy, less noise. For training; the
            objective stays. Only where the value is a martingale.
        observe_value: put the latent value into ``info["truth"]`` (for a ceiling, never for a fair
            comparison).
        half_spread_tick: distance at action 0 and unit of the reward, ticks; the scenario's when
            not given (a tape without one: its median half-spread while training).
        lots: size of each order; where sizes are chosen: the largest (5) or the unit (1).
        max_inventory_lot: largest absolute inventory.
        latency: ``feed_ns``, ``order_ns`` and ``response_ns``, each a number of nanoseconds, a
            lognormal distribution or a recording (``hftgym.latency``); 5 ms each when not given.
        limits: what the exchange lets the learner do, by name (``hftgym.limits.Limits``).
        phi: inventory penalty of the reward, ticks per squared lot and second; 0.01 when not given
            (an execution: 0). The objective keeps 0.01.
        damping: share of inventory gains that the asymmetric reward takes off.
        risk_aversion: gamma of the CARA utility, per tick.
        terminal_tick: alpha of the Cartea-Jaimungal reward, ticks per squared lot.
        target_lots: lots of an execution.
        side: ``buy`` or ``sell``, of an execution.
        signal_correlation: of a taker's signal with the latent value minus the mid, 0 to 1.
    """

    action: str | None = None
    reward: str | None = None
    observation: str = "summary"
    levels: int = 5
    messages: int = 32
    horizon: str = "finite"
    initial_inventory: str = "zero"
    control_variate: bool = False
    observe_value: bool = False
    half_spread_tick: float | None = None
    lots: int | None = None
    max_inventory_lot: int = 10
    latency: Latency | Mapping[str, Any] | None = None
    limits: Limits | Mapping[str, Any] | None = None
    phi: float | None = None
    damping: float = 0.6
    risk_aversion: float = 0.01
    terminal_tick: float = 0.5
    target_lots: int = 20
    side: str = "buy"
    signal_correlation: float = 0.3


@dataclass(frozen=True)
class LearnerArguments:
    """One learner of a market.

    Attributes:
        role: what it is there for.
        task: its arguments.
        name: decides its random streams and its ties.
        second: it trades the second instrument of the market.
        firm: whose desk it is; None: a firm of its own.
    """

    role: Role
    task: TaskArguments
    name: str = "learner#0"
    second: bool = False
    firm: str | None = None


class Keywords(TypedDict, total=False):
    """Arguments of an environment with one learner: both tables above, but for the scenario."""

    split: str
    horizon_s: float
    step_s: float
    data: str | Path | None
    snapshots: int | None
    randomise: Mapping[str, Sequence[float]] | None
    action: str | None
    reward: str | None
    observation: str
    levels: int
    messages: int
    horizon: str
    initial_inventory: str
    control_variate: bool
    observe_value: bool
    half_spread_tick: float | None
    lots: int | None
    max_inventory_lot: int
    latency: Latency | Mapping[str, Any] | None
    limits: Limits | Mapping[str, Any] | None
    phi: float | None
    damping: float
    risk_aversion: float
    terminal_tick: float
    target_lots: int
    side: str
    signal_correlation: float


_MARKET = tuple(one.name for one in dataclasses.fields(MarketArguments))
_TASK = tuple(one.name for one in dataclasses.fields(TaskArguments))


def market_arguments(keywords: Mapping[str, Any]) -> MarketArguments:
    """Return the market's part of keyword arguments."""
    return MarketArguments(**{name: keywords[name] for name in _MARKET if name in keywords})


def task_arguments(keywords: Mapping[str, Any]) -> TaskArguments:
    """Return the learner's part of keyword arguments."""
    return TaskArguments(**{name: keywords[name] for name in _TASK if name in keywords})


def check_known(keywords: Mapping[str, Any], known: Sequence[str] = _MARKET + _TASK) -> None:
    """Raise on an argument that there is not.

    Raises:
        UnknownArgumentError: it names the argument and the nearest one.
    """
    for name in keywords:
        if name not in known:
            hint = nearest(name, known) or f"; there are {', '.join(known)}"
            raise UnknownArgumentError(f"unexpected keyword argument {name!r}{hint}")
