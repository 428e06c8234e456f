"""What an environment is made of: arguments, checked once, become records and tables.

The single and the vector environment share this; they differ in who calls which kernel.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import ValidationError

from hftgym.core.constants import SECOND_NS
from hftgym.envs.history import (
    half_spread_of,
    load_tape,
    sigma_of,
    starts_on,
    tape_files,
    windows_that_fit,
)
from hftgym.envs.seeds import SPLITS, split_tag
from hftgym.envs.snapshots import Scales, Snapshots, measure, number_of_snapshots, snapshots
from hftgym.envs.task import (
    LONGEST_WINDOW_S,
    RING,
    SHORTEST_STEP_S,
    TASK,
    WINDOWS_S,
    Mode,
    TaskInfo,
)
from hftgym.errors import UsageError
from hftgym.latency import Latency, longest_ns
from hftgym.market import Blueprint, Learner, blueprint
from hftgym.names import nearest
from hftgym.scenario import Scenario, load_scenario

MAX_INVENTORY_LOT = 10
PHI_TICK = 0.01  # per lot squared and second
DISTANCE_BASE = 4.0
WITHDRAW = 0.98
LARGEST_START_LOT = 5
_AGE_S = 5.0
_FILL_S = 30.0
USUAL_HALF_SPREAD_TICK = 2.0


@dataclass(frozen=True)
class Arguments:
    """Arguments of an environment; ``hftgym.envs.market_making.MarketMakingEnv`` explains them."""

    scenario: Scenario | str | Path = "default"
    split: str = "train"
    horizon_s: float = 300.0
    step_s: float = 0.5
    horizon: str = "finite"
    action: str = "continuous"
    data: str | Path | None = None
    initial_inventory: str = "zero"
    observe_value: bool = False
    half_spread_tick: float | None = None
    lots: int = 1
    snapshots: int | None = None
    latency: Latency | Mapping[str, Any] | None = None


def _choice(name: str, value: str, choices: tuple[str, ...]) -> int:
    if value not in choices:
        hint = nearest(str(value), choices) or f"; there are {', '.join(choices)}"
        raise UsageError("HG-U055", f"{name} {str(value)[:40]!r} is unknown{hint}")
    return choices.index(value)


def _number(name: str, value: Any, low: float, high: float) -> float:
    try:
        number = float(value)
    except (TypeError, ValueError):
        number = math.nan
    if not low <= number <= high:
        raise UsageError("HG-U056", f"{name}: {value!r}; must be a number in [{low:g}, {high:g}]")
    return number


def _latency(wanted: Latency | Mapping[str, Any]) -> Latency:
    """Check the latencies of a learner; unnamed channels keep 5 ms."""
    if isinstance(wanted, Latency):
        return wanted
    usual = Learner().latency.model_dump()
    try:
        return Latency.model_validate(usual | dict(wanted))
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, ("latency", *first["loc"])))
        raise UsageError("HG-U069", f"{where}: {first['msg']}") from None


class Setting:
    """A checked task in a configured market.

    Args:
        arguments: what was asked for.
        mode: what follows on the end of an episode.

    Attributes:
        scenario: the market.
        blueprint: the market with its learner, not opened yet.
        finite: episodes end by themselves.
        discrete: actions are discrete.

    Raises:
        HftgymError: if an argument is not valid; the text names it, its value and the limit.
    """

    def __init__(self, arguments: Arguments, mode: Mode = Mode.NONE) -> None:
        a = self.arguments = arguments
        self.mode = mode
        self.split = split_tag(a.split)
        self.finite = _choice("horizon", a.horizon, ("continuing", "finite")) == 1
        self.discrete = _choice("action", a.action, ("continuous", "discrete")) == 1
        uniform = _choice("initial_inventory", a.initial_inventory, ("zero", "uniform")) == 1
        self.uniform = LARGEST_START_LOT if uniform else 0
        self.step_ns = round(_number("step_s", a.step_s, SHORTEST_STEP_S, 3600.0) * SECOND_NS)
        self.horizon_ns = round(_number("horizon_s", a.horizon_s, 0.0, 86_400.0) * SECOND_NS)
        self.steps = self.horizon_ns // self.step_ns
        if self.steps < 1 or self.steps * self.step_ns != self.horizon_ns:
            raise UsageError(
                "HG-U057",
                f"horizon_s: {a.horizon_s!r}; must be a positive multiple of step_s {a.step_s!r}",
            )
        self.lots = int(_number("lots", a.lots, 1, MAX_INVENTORY_LOT))
        if a.snapshots is not None:
            _number("snapshots", a.snapshots, 1, 65_536)
        self.scenario = (
            a.scenario if isinstance(a.scenario, Scenario) else load_scenario(a.scenario)
        )
        if a.observe_value and self.scenario.value is None:
            raise UsageError(
                "HG-U058",
                f"observe_value: scenario {self.scenario.name!r} has no latent value to observe",
            )
        files = tape_files(self.scenario, a.data)
        self.tape = None if files is None else load_tape(self.scenario, *files)
        self.half_spread_tick = _number(
            "half_spread_tick", self._wanted_half_spread(), 0.25, 10_000.0
        )
        learner = Learner() if a.latency is None else Learner(latency=_latency(a.latency))
        self.blueprint: Blueprint = blueprint(
            self.scenario, [learner], None if self.tape is None else self.tape.ops.copy()
        )  # a copy: kernels are compiled for writable operations, with a tape or without
        longest = longest_ns(learner.latency.feed_ns, "feed_ns")
        if self.step_ns < longest:
            raise UsageError(
                "HG-U059",
                f"step_s: {a.step_s!r} is shorter than the feed's latency, which can be {longest} "
                "ns; make the step longer or lower latency.feed_ns (longest_ns of a lognormal one)",
            )
        if uniform and len(self.blueprint.names) < 2:
            raise UsageError(
                "HG-U060", "initial_inventory 'uniform' needs another participant to take it from"
            )

    def _wanted_half_spread(self) -> float:
        for wanted in (self.arguments.half_spread_tick, self.scenario.half_spread_tick):
            if wanted is not None:
                return wanted
        if self.tape is not None:
            return half_spread_of(self.scenario, self.tape)
        return USUAL_HALF_SPREAD_TICK

    @property
    def counterparty(self) -> int:
        """Whose account an initial inventory comes from: history's, else the first participant's.

        What a participant does follows from what it knows, not from its account: nothing else
        changes.
        """
        names = self.blueprint.names
        return names.index("tape#0") if "tape#0" in names else 0

    @property
    def window_steps(self) -> np.ndarray:
        """Steps of each observation window, shape (4,)."""
        return np.array([math.ceil(w * SECOND_NS / self.step_ns) for w in WINDOWS_S], np.int64)

    @cached_property
    def _bare_task(self) -> np.ndarray:
        """The task without measured scales, shape (1,)."""
        instrument = self.scenario.instrument
        task = np.zeros(1, TASK)
        values = {
            "learner": self.blueprint.learners[0],
            "counterparty": self.counterparty,
            "mode": int(self.mode),
            "split": self.split,
            "finite": int(self.finite),
            "discrete": int(self.discrete),
            "uniform": self.uniform,
            "observe_value": int(self.arguments.observe_value),
            "steps": self.steps,
            "step_ns": self.step_ns,
            "lots": self.lots,
            "limit_lot": MAX_INVENTORY_LOT,
            "tick_px": instrument.tick_px,
            "unit_value": instrument.unit_value,
            "taker_fee": instrument.taker_fee,
            "ring": min(math.ceil(LONGEST_WINDOW_S * SECOND_NS / self.step_ns) + 1, RING),
            "window_steps": self.window_steps,
            "half_spread_tick": self.half_spread_tick,
            "distance_base": DISTANCE_BASE,
            "withdraw": WITHDRAW,
            "phi_step": PHI_TICK * self.step_ns / SECOND_NS,
            "step_s": self.step_ns / SECOND_NS,
            "money2_per_tick": 2.0 * instrument.unit_value * instrument.tick_px,
            "age_s": _AGE_S,
            "fill_s": _FILL_S,
        }
        for name, value in values.items():
            task[name] = value
        return task

    def _number_of_snapshots(self, tag: int) -> int:
        count = number_of_snapshots(self.blueprint, tag, self.arguments.snapshots)
        if self.tape is None or SPLITS[tag] in ("train", "tune"):
            return count
        # Windows that are judged do not overlap: their blocks of time are resampled.
        room = windows_that_fit(self.scenario, self.tape, tag, self.horizon_ns, self.step_ns)
        return max(1, min(count, room))

    def _snapshots_of(self, split: str) -> Snapshots:
        tag = split_tag(split)
        count = self._number_of_snapshots(tag)
        if self.tape is None:
            return snapshots(self.blueprint, self._bare_task, tag, count)
        starts = starts_on(self.scenario, self.tape, tag, self.horizon_ns, self.step_ns, count)
        return snapshots(self.blueprint, self._bare_task, tag, count, starts, self.tape.data_hash)

    @cached_property
    def snapshots(self) -> Snapshots:
        """Where episodes begin."""
        return self._snapshots_of(self.arguments.split)

    @cached_property
    def scales(self) -> Scales:
        """Scales of the observation: measured on the training split, whatever split this is."""
        train = self._snapshots_of("train")
        tick_px = self.scenario.instrument.tick_px
        return measure(train, self.window_steps, self.step_ns / SECOND_NS, tick_px)

    @property
    def sigma_tick(self) -> float:
        """Volatility in ticks per square root of a second: of the value, else measured."""
        value = self.scenario.value
        if value is not None:
            return max(
                math.hypot(value.sigma_tick_per_sqrt_s, value.jump_per_s**0.5 * value.jump_sd_tick),
                1e-3,
            )
        if self.tape is not None:
            return sigma_of(self.scenario, self.tape)
        return self.scales.sigma_tick

    @cached_property
    def task(self) -> np.ndarray:
        """The task that the kernels read, dtype ``TASK``, shape (1,)."""
        task = self._bare_task.copy()
        task["sigma_tick"] = self.sigma_tick
        task["ofi_scale"] = self.scales.ofi_lots
        task["flow_scale"] = self.scales.flow_lots
        return task

    @cached_property
    def task_info(self) -> TaskInfo:
        """Public constants of the task."""
        instrument = self.scenario.instrument
        per_tick = instrument.unit_value * instrument.tick_px
        return TaskInfo(
            half_spread_tick=self.half_spread_tick,
            max_inventory_lot=MAX_INVENTORY_LOT,
            horizon_s=self.horizon_ns / SECOND_NS,
            step_s=self.step_ns / SECOND_NS,
            sigma_tick_per_sqrt_s=self.sigma_tick,
            phi=PHI_TICK,
            taker_fee_tick=instrument.taker_fee / per_tick,
            maker_fee_tick=instrument.maker_fee / per_tick,
            action=self.arguments.action,
            horizon=self.arguments.horizon,
        )

    @property
    def distinct_markets(self) -> int | None:
        """How many different markets there are; None when each market seed makes one.

        On a tape without other participants only the window differs.
        """
        if self.tape is None or self.scenario.participants:
            return None
        return self._number_of_snapshots(self.split)
