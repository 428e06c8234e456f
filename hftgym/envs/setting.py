"""What an environment is made of: arguments, checked once, become records and tables.

The single, the vector and the PettingZoo environments share this; they differ in who calls which
kernel.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from typing import Any

import numpy as np
from pydantic import ValidationError

from hftgym.core.constants import SECOND_NS, VIEW_LEVELS
from hftgym.core.records import LOG
from hftgym.envs.arguments import LearnerArguments, MarketArguments
from hftgym.envs.draws import draws_of
from hftgym.envs.forms import ACTION_FORMS, CONTROL_TERM, REWARD_FORMS, TERMS, Form
from hftgym.envs.history import (
    half_spread_of,
    load_tape,
    sigma_of,
    starts_on,
    tape_files,
    windows_that_fit,
)
from hftgym.envs.layout import (
    OBSERVATIONS,
    ROLE_FIELDS,
    SLOT_FIELDS,
    ObsField,
    layout,
)
from hftgym.envs.legs import joint_fields
from hftgym.envs.seeds import SPLITS, split_tag
from hftgym.envs.snapshots import Scales, Snapshots, measure, number_of_snapshots, snapshots
from hftgym.envs.task import (
    COMPONENTS,
    COUNTED,
    IN_REWARD,
    LONGEST_WINDOW_S,
    MOST_MESSAGES,
    RING,
    SHORTEST_STEP_S,
    SLOTS,
    TASK,
    WINDOWS_S,
    ActionForm,
    Mode,
    RewardForm,
    Role,
    View,
)
from hftgym.envs.task_info import TaskInfo
from hftgym.errors import UsageError
from hftgym.instrument import Instrument
from hftgym.latency import Latency, longest_ns
from hftgym.limits import Limits
from hftgym.market import Blueprint, Learner, blueprint
from hftgym.names import nearest
from hftgym.scenario import Scenario, load_scenario

PHI_TICK = 0.01  # per lot squared and second
DISTANCE_BASE = 4.0
WITHDRAW = 0.98
_AGE_S = 5.0
_FILL_S = 30.0
USUAL_HALF_SPREAD_TICK = 2.0
LARGEST_SIZE = 5  # lots, where the action chooses a size
#: Rows of a log buffer in use where messages are observed: more than a burst of one step brings
#: costs a pause of the loop, not a row.
LOG_CAPACITY = 2_048


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


def _whole(name: str, value: Any, low: int, high: int) -> int:
    """Return an integer argument."""
    number = _number(name, value, low, high)
    if number != int(number):
        raise UsageError("HG-U056", f"{name}: {value!r}; must be an integer in [{low}, {high}]")
    return int(number)


def _model(kind: Any, name: str, code: str, wanted: Any, usual: Mapping[str, Any]) -> Any:
    """Check latencies or limits of a learner; what is not named keeps its usual value."""
    if isinstance(wanted, kind):
        return wanted
    try:
        return kind.model_validate({**usual, **dict(wanted or {})})
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, (name, *first["loc"])))
        raise UsageError(code, f"{where}: {first['msg']}") from None


class LearnerSetting:
    """The checked choices of one learner.

    Args:
        arguments: what was asked for.

    Attributes:
        form: its form of action.
        fields: its observation, number by number.
        finite: its episodes end by themselves.
        control: its reward has a control variate.
        terms: names of what adds up to its reward.
        learner: it as the market knows it.

    Raises:
        HftgymError: if an argument is not valid; the text names it, its value and the limit.
    """

    def __init__(self, arguments: LearnerArguments) -> None:
        role, a = arguments.role, arguments.task
        self.role, self.arguments, self.name = role, a, arguments.name
        forms, rewards = ACTION_FORMS[role], REWARD_FORMS[role]
        action = next(iter(forms)) if a.action is None else a.action
        reward = next(iter(rewards)) if a.reward is None else a.reward
        self.action = tuple(forms)[_choice("action", action, tuple(forms))]
        self.form: Form = forms[self.action]
        self.reward_form: RewardForm = tuple(rewards.values())[
            _choice("reward", reward, tuple(rewards))
        ]
        views = ("summary", "levels", "messages")
        self.view = View(_choice("observation", a.observation, views))
        rows = 0
        if self.view == View.LEVELS:
            rows = _whole("levels", a.levels, 1, VIEW_LEVELS)
        elif self.view == View.MESSAGES:
            rows = _whole("messages", a.messages, 1, MOST_MESSAGES)
        self.rows = rows
        self.has_slots = self.form.code == ActionForm.ORDERS
        self.fields: tuple[ObsField, ...] = layout(
            role,
            orders=self.has_slots,
            levels=rows if self.view == View.LEVELS else 0,
            messages=rows if self.view == View.MESSAGES else 0,
        )
        self.finite = _choice("horizon", a.horizon, ("continuing", "finite")) == 1
        self.target_lots = 0
        self.limit_lot = _whole("max_inventory_lot", a.max_inventory_lot, 1, 10_000)
        if role == Role.EXECUTOR:
            target = _whole("target_lots", a.target_lots, 1, 10_000)
            self.limit_lot = target
            self.target_lots = -target if _choice("side", a.side, ("buy", "sell")) else target
        uniform = _choice("initial_inventory", a.initial_inventory, ("zero", "uniform")) == 1
        if uniform and role == Role.EXECUTOR:
            raise UsageError("HG-U077", "initial_inventory 'uniform': an execution begins at zero")
        self.uniform = self.limit_lot // 2 if uniform else 0
        usual = LARGEST_SIZE if self.form.code == ActionForm.SIZED else 1
        self.lots = _whole("lots", usual if a.lots is None else a.lots, 1, self.limit_lot)
        usual_phi = 0.0 if role == Role.EXECUTOR else PHI_TICK
        self.phi = _number("phi", usual_phi if a.phi is None else a.phi, 0.0, 1e3)
        self.damping = _number("damping", a.damping, 0.0, 1.0)
        self.risk_aversion = _number("risk_aversion", a.risk_aversion, 1e-6, 10.0)
        self.terminal_tick = _number("terminal_tick", a.terminal_tick, 0.0, 1e3)
        self.control = bool(a.control_variate)
        self.terms = TERMS[self.reward_form] + ((CONTROL_TERM,) if self.control else ())
        self.correlation = 0.0
        if role == Role.TAKER:
            self.correlation = _number("signal_correlation", a.signal_correlation, 0.0, 1.0)
        usual_latency = Learner().latency.model_dump()
        self.second = arguments.second
        self.learner = Learner(
            arguments.name,
            _model(Latency, "latency", "HG-U069", a.latency, usual_latency),
            _model(Limits, "limits", "HG-U078", a.limits, {}),
            firm=arguments.firm,
        )

    def columns(self) -> dict[str, int]:
        """Return where the parts of the observation beyond the summary begin."""
        slots = OBSERVATIONS + len(ROLE_FIELDS[self.role])
        return {
            "extras_at": OBSERVATIONS,
            "slots_at": slots if self.has_slots else 0,
            "rows_at": slots + (SLOTS * SLOT_FIELDS if self.has_slots else 0),
            "rows": self.rows,
        }


class Setting:
    """Checked tasks in a configured market.

    Args:
        market: arguments of the market.
        learners: its learners, in the order of their rows.
        mode: what follows on the end of an episode.

    Attributes:
        scenario: the market.
        learners: the checked choices of each learner.
        blueprint: the market with its learners, not opened yet.
        half_spreads_tick: distance at action 0, and unit of the reward, of each learner.
        parameters: names of the parameters that are drawn at each reset.
        width: numbers of the longest observation.

    Raises:
        HftgymError: if an argument is not valid; the text names it, its value and the limit.
    """

    def __init__(
        self,
        market: MarketArguments,
        learners: Sequence[LearnerArguments],
        mode: Mode = Mode.NONE,
    ) -> None:
        a = self.arguments = market
        self.mode = mode
        self.split = split_tag(a.split)
        self.step_ns = round(_number("step_s", a.step_s, SHORTEST_STEP_S, 3600.0) * SECOND_NS)
        self.horizon_ns = round(_number("horizon_s", a.horizon_s, 0.0, 86_400.0) * SECOND_NS)
        self.steps = self.horizon_ns // self.step_ns
        if self.steps < 1 or self.steps * self.step_ns != self.horizon_ns:
            raise UsageError(
                "HG-U057",
                f"horizon_s: {a.horizon_s!r}; must be a positive multiple of step_s {a.step_s!r}",
            )
        if a.snapshots is not None:
            _number("snapshots", a.snapshots, 1, 65_536)
        self.learners = tuple(LearnerSetting(one) for one in learners)
        self.width = max(len(one.fields) for one in self.learners)
        self.keeps_messages = any(one.view == View.MESSAGES for one in self.learners)
        self.scenario = (
            a.scenario if isinstance(a.scenario, Scenario) else load_scenario(a.scenario)
        )
        files = tape_files(self.scenario, a.data)
        self.tape = None if files is None else load_tape(self.scenario, *files)
        for one in self.learners:
            self._check_learner(one)
        if any(one.second for one in self.learners) and self.scenario.second is None:
            raise UsageError(
                "HG-U083",
                f"scenario {self.scenario.name!r} has one instrument; this task needs a second: "
                "take 'pairs' or one with `second:`",
            )
        self.half_spreads_tick = tuple(
            _number("half_spread_tick", self._wanted_half_spread(one), 0.25, 10_000.0)
            for one in self.learners
        )
        ops = None if self.tape is None else self.tape.ops.copy()
        known = [
            replace(one.learner, instrument=self._instrument(one).id) if one.second else one.learner
            for one in self.learners
        ]
        # A copy: kernels are compiled for writable operations, with a tape or without.
        self.blueprint: Blueprint = blueprint(self.scenario, known, ops)
        self.parameters: tuple[str, ...] = tuple(a.randomise or ())
        self.draws = draws_of(self.scenario, known, ops, a.randomise or {})
        if any(one.uniform for one in self.learners) and len(self.blueprint.names) == len(known):
            raise UsageError(
                "HG-U060", "initial_inventory 'uniform' needs another participant to take it from"
            )

    def _instrument(self, one: LearnerSetting) -> Instrument:
        return self.scenario.instruments[int(one.second)]

    @property
    def _has_martingale(self) -> bool:
        """Whether there is a latent value whose moves have mean zero, whatever is known."""
        value, alone = self.scenario.value, self.scenario.second is None
        drawn = self.arguments.randomise or {}
        return (
            value is not None
            and alone
            and "value.mean_reversion_per_s" not in drawn
            and "value.trend_tick_per_s" not in drawn
            and value.mean_reversion_per_s == 0.0
            and value.trend_tick_per_s == 0.0
        )

    def _check_learner(self, one: LearnerSetting) -> None:
        if one.control and not self._has_martingale:
            raise UsageError(
                "HG-U221",
                f"control_variate: scenario {self.scenario.name!r} has no latent value that is a "
                "martingale, so leaving its moves out would change what is best",
            )
        if self.scenario.value is None and (one.arguments.observe_value or one.correlation > 0.0):
            what = "observe_value" if one.arguments.observe_value else "signal_correlation"
            raise UsageError(
                "HG-U058",
                f"{what}: scenario {self.scenario.name!r} has no latent value to observe",
            )
        feed = one.learner.latency.feed_ns
        longest = longest_ns(feed, "feed_ns")
        if self.step_ns < longest:
            raise UsageError(
                "HG-U059",
                f"step_s: {self.arguments.step_s!r} is shorter than the feed's latency, which can "
                f"be {longest} ns; make the step longer or lower latency.feed_ns (longest_ns of a "
                "lognormal one)",
            )
        if len(self.learners) > 1 and not isinstance(feed, int):
            raise UsageError(
                "HG-U079",
                f"{one.name}: latency.feed_ns must be a number of nanoseconds where several "
                "learners decide at one instant; let order_ns or response_ns vary instead",
            )

    @property
    def half_spread_tick(self) -> float:
        """That of the first learner."""
        return self.half_spreads_tick[0]

    def _wanted_half_spread(self, one: LearnerSetting) -> float:
        for wanted in (one.arguments.half_spread_tick, self.scenario.half_spread_tick):
            if wanted is not None:
                return wanted
        if self.tape is not None:
            return half_spread_of(self.scenario, self.tape)
        return USUAL_HALF_SPREAD_TICK

    def logs(self, markets: int) -> np.ndarray:
        """Return the log buffers of some markets: one that takes nothing, or one for each."""
        if not self.keeps_messages:
            return np.zeros(1, LOG)
        logs = np.zeros(markets, LOG)  # of each, only the rows in use become memory
        logs["capacity"] = LOG_CAPACITY
        return logs

    def _counterparty(self, one: LearnerSetting) -> int:
        """Return whose account an initial inventory comes from: history's, else the first one's.

        Of the participants that trade the same instrument. What a participant does follows from
        what it knows, not from its account: nothing else changes.
        """
        names = self.blueprint.names
        if "tape#0" in names:
            return names.index("tape#0")
        books = self.blueprint.record[0]["part"]["book"][: len(names)]
        return int(np.flatnonzero(books == int(one.second))[0])

    @property
    def window_steps(self) -> np.ndarray:
        """Steps of each observation window, shape (4,)."""
        return np.array([math.ceil(w * SECOND_NS / self.step_ns) for w in WINDOWS_S], np.int64)

    @cached_property
    def _bare_task(self) -> np.ndarray:
        """The tasks without measured scales, shape (learners,)."""
        tasks = np.zeros(len(self.learners), TASK)
        for j, one in enumerate(self.learners):
            for name, value in self._bare_values(j, one).items():
                tasks[j][name] = value
        return tasks

    def _bare_values(self, j: int, one: LearnerSetting) -> dict[str, Any]:
        instrument = self._instrument(one)
        h0 = self.half_spreads_tick[j]
        step_s = self.step_ns / SECOND_NS
        choices = one.form.choices
        return {
            "learner": self.blueprint.learners[j],
            "counterparty": self._counterparty(one),
            "mode": int(self.mode),
            "split": self.split,
            "role": int(one.role),
            "action_form": int(one.form.code),
            "reward_form": int(one.reward_form),
            "sees": int(one.view),
            "finite": int(one.finite),
            "components": len(choices),
            "choices": choices + (0,) * (COMPONENTS - len(choices)),
            **one.columns(),
            "uniform": one.uniform,
            "observe_value": int(one.arguments.observe_value),
            "control": IN_REWARD if one.control else COUNTED if self._has_martingale else 0,
            "steps": self.steps,
            "step_ns": self.step_ns,
            "lots": one.lots,
            "limit_lot": one.limit_lot,
            "target_lots": one.target_lots,
            "tick_px": instrument.tick_px,
            "unit_value": instrument.unit_value,
            "taker_fee": instrument.taker_fee,
            "ring": min(math.ceil(LONGEST_WINDOW_S * SECOND_NS / self.step_ns) + 1, RING),
            "window_steps": self.window_steps,
            "half_spread_tick": h0,
            "reward_unit": h0 * max(abs(one.target_lots), 1),
            "distance_base": DISTANCE_BASE,
            "withdraw": WITHDRAW,
            "phi_step": PHI_TICK * self.step_ns / SECOND_NS,
            "reward_phi_step": one.phi * self.step_ns / SECOND_NS,
            "damping": one.damping,
            "risk_aversion": one.risk_aversion,
            "terminal_tick": one.terminal_tick,
            "step_s": step_s,
            "money2_per_tick": 2.0 * instrument.unit_value * instrument.tick_px,
            "age_s": _AGE_S,
            "fill_s": _FILL_S,
            "signal_correlation": one.correlation,
            **self._spread_values(one),
        }

    def _spread_values(self, one: LearnerSetting) -> dict[str, Any]:
        """Return the usual difference of the other leg's price to this one's, and its spread."""
        second = self.scenario.second
        if second is None:
            return {}
        own, other = self.scenario.instruments[:: -1 if one.second else 1]
        sd_px = second.spread_sd_tick * second.instrument.tick_px
        return {
            "spread_2px": 2 * (other.start_px - own.start_px),
            "spread_sd_tick": max(sd_px / own.tick_px, 1e-3),
        }

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
            return snapshots(self.blueprint, self._bare_task, tag, count, self.logs(1))
        starts = starts_on(self.scenario, self.tape, tag, self.horizon_ns, self.step_ns, count)
        return snapshots(
            self.blueprint, self._bare_task, tag, count, self.logs(1), starts, self.tape.data_hash
        )

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
        """The tasks that the kernels read, dtype ``TASK``, shape (learners,)."""
        task = self._bare_task.copy()
        task["sigma_tick"] = self.sigma_tick
        horizon_s = self.horizon_ns / SECOND_NS
        task["wealth_scale"] = task["limit_lot"] * self.sigma_tick * math.sqrt(horizon_s)
        task["ofi_scale"] = self.scales.ofi_lots
        task["flow_scale"] = self.scales.flow_lots
        task["offset_sd_tick"] = self.scales.offset_sd_tick
        return task

    def info_of(self, j: int) -> TaskInfo:
        """Return the public constants of a learner's task."""
        one = self.learners[j]
        instrument = self._instrument(one)
        per_tick = instrument.unit_value * instrument.tick_px
        return TaskInfo(
            half_spread_tick=self.half_spreads_tick[j],
            max_inventory_lot=one.limit_lot,
            horizon_s=self.horizon_ns / SECOND_NS,
            step_s=self.step_ns / SECOND_NS,
            sigma_tick_per_sqrt_s=self.sigma_tick,
            phi=PHI_TICK,
            taker_fee_tick=instrument.taker_fee / per_tick,
            maker_fee_tick=instrument.maker_fee / per_tick,
            action=one.action,
            horizon="finite" if one.finite else "continuing",
            obs_index={field.name: i for i, field in enumerate(one.fields)},
            role=one.role.name.lower(),
            target_lots=one.target_lots,
            signal_correlation=one.correlation,
            offset_sd_tick=float(self.task[j]["offset_sd_tick"]),
        )

    @cached_property
    def task_info(self) -> TaskInfo:
        """Public constants of the first learner's task; of two legs, with the columns of both."""
        info = self.info_of(0)
        if self.learners[0].role != Role.LEG:
            return info
        fields = joint_fields([leg.fields for leg in self.learners])
        return replace(info, obs_index={field.name: i for i, field in enumerate(fields)})

    @property
    def distinct_markets(self) -> int | None:
        """How many different markets there are; None when each market seed makes one.

        On a tape without other participants only the window differs.
        """
        if self.tape is None or self.scenario.participants:
            return None
        return self._number_of_snapshots(self.split)
