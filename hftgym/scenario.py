"""Scenarios: one YAML file describes one market; here it becomes a frozen, checked model.

A scenario names an instrument, the latent value of the asset, who trades, and how long the market
runs before anybody watches. Prices are int64 in the instrument's price unit, sizes int64 lots,
times seconds or nanoseconds as the field's name says, money int64 units of which
`Instrument.unit_value` make one price unit times one lot.

A key that the design knows and the program does not yet is refused with these words.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

from pydantic import BaseModel, Field, ValidationInfo, field_validator
from pydantic import model_validator as check_whole

from hftgym.core.constants import PHASE_PLAN, VALUE_SHOCKS, Phase
from hftgym.core.phase_steps import may_follow
from hftgym.errors import UsageError
from hftgym.instrument import Instrument
from hftgym.latency import Latency as Latency
from hftgym.latency import LatencyNs
from hftgym.limits import Limits
from hftgym.names import check_name, nearest
from hftgym.yaml_model import Override, StrictModel, load_yaml_model

_SUFFIXES = {".yaml", ".yml"}


#: What ``hftgym gates`` judges (``docs/market.md``), and a scenario may say that it breaks.
GATES = (
    "spread_median",
    "impact_1s",
    "variance_ratio",
    "join",
    "improve",
    "best_constant",
    "oracle_share",
    "r2_10s",
)


class Shock(StrictModel):
    """Scheduled news: everybody knows when, nobody knows which way."""

    at_s: Annotated[float, Field(ge=0, le=31_536_000)]
    """When the value jumps, in seconds from the start of the market, burn-in included."""
    size_tick: Annotated[float, Field(gt=0, le=1e6)]
    """Size of the jump, in ticks; up or down by the market's seed, so that its mean is zero."""


class Value(StrictModel):
    """The latent value of the asset: a martingale of Brownian steps and compensated jumps."""

    sigma_tick_per_sqrt_s: Annotated[float, Field(ge=0, le=1e4)] = 0.7
    """Volatility of the Brownian part, in ticks per square root of a second."""
    jump_per_s: Annotated[float, Field(ge=0, le=1e3)] = 1 / 60
    """Mean number of jumps a second."""
    jump_sd_tick: Annotated[float, Field(ge=0, le=1e5)] = 4.0
    """Standard deviation of a jump, in ticks."""
    grid_ns: Annotated[int, Field(ge=1_000, le=60_000_000_000)] = 50_000_000
    """Time between two steps of the value, in nanoseconds."""
    mean_reversion_per_s: Annotated[float, Field(ge=0, le=1e3)] = 0.0
    """Pull back to the start, per second; 0 keeps the value a martingale."""
    trend_tick_per_s: Annotated[float, Field(ge=0, le=1e4)] = 0.0
    """Drift, up or down by the market's seed, in ticks a second; 0 keeps it a martingale."""
    trend_flip_per_s: Annotated[float, Field(ge=0, le=1e3)] = 0.0
    """Mean number of times a second that the drift changes its sign."""
    shocks: Annotated[tuple[Shock, ...], Field(max_length=VALUE_SHOCKS)] = ()
    """Scheduled jumps."""

    @field_validator("shocks", mode="before")
    @classmethod
    def _as_tuple(cls, value: Any) -> Any:
        return tuple(value) if isinstance(value, list) else value


class ParticipantSpec(StrictModel):
    """A group of equal participants."""

    not_implemented: ClassVar[frozenset[str]] = frozenset(
        "mode allow_short borrow_limit currency cash positions".split()
    )

    kind: Annotated[str, Field(min_length=1, max_length=200)]
    """A built-in kind, or ``module:attribute`` of a participant of your own."""
    count: Annotated[int, Field(ge=1, le=100_000)] = 1
    """How many there are."""
    name: str | None = None
    """Name of the group; the kind when absent."""
    latency: Latency = Field(default_factory=Latency)
    """Latencies of each of them."""
    instrument: str | None = None
    """Identifier of the instrument that each of them trades; absent: the first one."""
    firm: str | None = None
    """Firm of all of them, for self-trade prevention; absent: each is a firm of its own."""
    limits: Limits = Field(default_factory=Limits)
    """What the exchange lets each of them do."""
    cancel_on_disconnect: bool = False
    """Whether the orders of one end when it disconnects."""
    lmm_percent: Annotated[int, Field(ge=0, le=100)] = 0
    """Share of an aggressor that each of them gets by agreement (pro-rata)."""
    params: dict[str, Any] = Field(default_factory=dict, validate_default=True)
    """Parameters of the kind; what is left out gets the kind's default."""

    @field_validator("kind")
    @classmethod
    def _known_kind(cls, kind: str) -> str:
        _params_model(kind)
        return kind

    @field_validator("name")
    @classmethod
    def _plain_name(cls, name: str | None) -> str | None:
        return None if name is None else check_name(name, "name of a participant")

    @field_validator("firm")
    @classmethod
    def _plain_firm(cls, firm: str | None) -> str | None:
        return None if firm is None else check_name(firm, "name of a firm")

    @field_validator("params")
    @classmethod
    def _complete_params(cls, params: dict[str, Any], info: ValidationInfo) -> dict[str, Any]:
        if "kind" not in info.data:
            return params  # the kind itself is wrong and has been reported
        model = _params_model(info.data["kind"])
        try:
            text = json.dumps(params)
        except TypeError as error:
            raise ValueError(f"must be plain data: {error}") from None
        checked = model.model_validate_json(text, strict=True, extra="forbid")
        return checked.model_dump(mode="json")

    @classmethod
    def nested_model(cls, field: str, data: Mapping[str, Any]) -> type[BaseModel] | None:
        """Return the model of a field; that of ``params`` depends on the kind."""
        return (
            _params_model(data["kind"]) if field == "params" else super().nested_model(field, data)
        )

    @property
    def group(self) -> str:
        """The name of the group: the given one, else the kind (the attribute of your own)."""
        return self.name or self.kind.rpartition(":")[2]


def _params_model(kind: str) -> type[BaseModel]:
    """Return the parameter model of a kind; raise what a validator may raise."""
    # Imported here: participants are compiled functions, and reading a scenario needs no compiler.
    from hftgym.participants.base import resolve

    return resolve(kind).Params


class TapeSpec(StrictModel):
    """History that plays in the live book: a LOBSTER pair and how its time is split."""

    message: str | None = None
    """Path of the message file; absent when it is given on the command line."""
    orderbook: str | None = None
    """Path of the order book file; absent when it is given on the command line."""
    resilience_ns: LatencyNs = 0
    """How long a historical order stays whose fill an agent took, in nanoseconds."""
    train_share: Annotated[float, Field(gt=0, lt=1)] = 0.70
    """Share of the time, from the start, that trains."""
    test_share: Annotated[float, Field(gt=0, lt=1)] = 0.25
    """Share of the time, at the end, that evaluates; what lies between is a gap."""

    @check_whole(mode="after")
    def _check_shares(self) -> TapeSpec:
        if self.train_share + self.test_share >= 1:
            raise ValueError("train_share + test_share must be below 1, so that a gap is left")
        if (self.message is None) != (self.orderbook is None):
            raise ValueError("message and orderbook must be given together")
        return self


PhaseName = Literal[
    "pre_open",
    "opening_auction",
    "continuous",
    "volatility_auction",
    "halt",
    "closing_auction",
    "closed",
]


class PhaseStep(StrictModel):
    """A planned change of the trading phase."""

    at_s: Annotated[float, Field(ge=0, le=31_536_000)]
    """When, in seconds from the start of the market, burn-in included."""
    phase: PhaseName
    """What begins then."""


class SecondInstrument(StrictModel):
    """Another instrument in the same market, and how its value goes with the first one's.

    Its latent value is the first one's plus a spread: an Ornstein-Uhlenbeck process around the
    difference of the two start prices, where it begins.
    """

    instrument: Instrument
    """What is traded."""
    spread_half_life_s: Annotated[float, Field(gt=0, le=86_400)] = 30.0
    """Time in which half of a deviation of the spread is gone, in seconds."""
    spread_sd_tick: Annotated[float, Field(ge=0, le=1e5)] = 3.0
    """Stationary standard deviation of the spread, in ticks of this instrument."""
    start_phase: PhaseName = "continuous"
    """Trading phase at the start."""
    calendar: Annotated[tuple[PhaseStep, ...], Field(max_length=PHASE_PLAN)] = ()
    """Planned changes of its phase, in order of time."""

    @field_validator("calendar", mode="before")
    @classmethod
    def _as_tuple(cls, value: Any) -> Any:
        return tuple(value) if isinstance(value, list) else value


class Scenario(StrictModel):
    """One market: what is traded, who trades, and how it starts."""

    not_implemented: ClassVar[frozenset[str]] = frozenset(
        "accounts auctions halts currencies firms risk".split()
    )

    name: str
    """Name of the scenario; the file's name without ``.yaml``."""
    description: Annotated[str, Field(min_length=1, max_length=200)]
    """One line for the list of scenarios."""
    market_class: Literal["small", "medium", "large", "huge", "pair"] = "small"
    """How many orders, levels, participants and events the market can hold."""
    instrument: Instrument = Field(default_factory=Instrument)
    """What is traded."""
    second: SecondInstrument | None = None
    """Another instrument with a book of its own; needs ``market_class: pair``."""
    value: Value | None = None
    """The latent value; absent when nobody in the market knows one."""
    participants: tuple[ParticipantSpec, ...] = ()
    """Who trades, apart from learners."""
    start_phase: PhaseName = "continuous"
    """Trading phase at the start."""
    calendar: Annotated[tuple[PhaseStep, ...], Field(max_length=PHASE_PLAN)] = ()
    """Planned changes of the phase, in order of time."""
    burn_in_s: Annotated[float, Field(ge=0, le=86_400)] = 60.0
    """Seconds that the market runs before anybody watches."""
    half_spread_tick: Annotated[float, Field(ge=0.25, le=10_000)] | None = None
    """Best constant half-spread of a market maker, tuned on tuning markets, in ticks."""
    tape: TapeSpec | None = None
    """History that plays in the live book; absent for a synthetic market."""
    breaks_gates: dict[str, str] = Field(default_factory=dict)
    """Gates of ``hftgym gates`` that this market is meant to break, each with the reason."""

    @field_validator("name")
    @classmethod
    def _plain_name(cls, name: str) -> str:
        return check_name(name, "name of a scenario")

    @field_validator("participants", "calendar", mode="before")
    @classmethod
    def _as_tuple(cls, value: Any) -> Any:
        return tuple(value) if isinstance(value, list) else value

    @field_validator("breaks_gates")
    @classmethod
    def _known_gates(cls, breaks: dict[str, str]) -> dict[str, str]:
        for gate, why in breaks.items():
            if gate not in GATES:
                hint = nearest(gate, GATES) or f"; there are {', '.join(GATES)}"
                raise ValueError(f"{gate[:80]!r} is no gate{hint}")
            if not why.strip() or not why.isprintable() or len(why) > 200:
                raise ValueError(f"{gate}: say in one line of at most 200 characters why")
        return breaks

    @field_validator("description")
    @classmethod
    def _single_line(cls, description: str) -> str:
        if not description.isprintable():
            raise ValueError("must be one line of printable text")
        return description

    @check_whole(mode="after")
    def _check_groups(self) -> Scenario:
        first: dict[str, ParticipantSpec] = {}
        for spec in self.participants:
            other = first.get(spec.group)
            if other is None:
                first[spec.group] = spec
            elif other.kind != spec.kind or other.name is not None or spec.name is not None:
                raise ValueError(
                    f"two groups of participants are called {spec.group!r}; give one of them "
                    "another name: a name decides a participant's random stream"
                )
        return self

    @check_whole(mode="after")
    def _check_calendar(self) -> Scenario:
        _check_steps("calendar", self.start_phase, self.calendar)
        if self.second is not None:
            _check_steps("second.calendar", self.second.start_phase, self.second.calendar)
            steps = len(self.calendar) + len(self.second.calendar)
            if steps > PHASE_PLAN:
                raise ValueError(f"the calendars have {steps} steps; at most {PHASE_PLAN} together")
        return self

    @check_whole(mode="after")
    def _check_instruments(self) -> Scenario:
        if (self.second is not None) != (self.market_class == "pair"):
            raise ValueError(
                f"market_class {self.market_class!r}: 'pair' is for two instruments and they need "
                "it; give market_class: pair and second: together, or neither"
            )
        ids = self.instrument_ids
        if len(set(ids)) < len(ids):
            raise ValueError(f"both instruments have the id {ids[0]!r}; give second.instrument.id")
        if self.second is not None and self.second.instrument.quote != self.instrument.quote:
            raise ValueError(
                f"second.instrument.quote {self.second.instrument.quote!r}: cash is counted "
                f"together, so it must be {self.instrument.quote!r} too"
            )
        for spec in self.participants:
            if spec.instrument is not None and spec.instrument not in ids:
                raise ValueError(
                    f"instrument {spec.instrument[:80]!r} of {spec.group} is not traded here; "
                    f"there are {', '.join(ids)}"
                )
        return self

    @property
    def instruments(self) -> tuple[Instrument, ...]:
        """What is traded, by the index of its book."""
        return (
            (self.instrument,) if self.second is None else (self.instrument, self.second.instrument)
        )

    @property
    def instrument_ids(self) -> tuple[str, ...]:
        """Identifiers of the instruments, by the index of their book."""
        return tuple(instrument.id for instrument in self.instruments)

    @property
    def participant_names(self) -> tuple[str, ...]:
        """``group#index`` of each participant, in order; it decides the random stream."""
        next_index: dict[str, int] = {}
        names = []
        for spec in self.participants:
            first = next_index.get(spec.group, 0)
            names += [f"{spec.group}#{index}" for index in range(first, first + spec.count)]
            next_index[spec.group] = first + spec.count
        return tuple(names)

    @property
    def config_hash(self) -> str:
        """SHA-256 of the whole scenario, defaults included, as hexadecimal text."""
        return config_hash(self)


def _check_steps(where: str, start: str, calendar: tuple[PhaseStep, ...]) -> None:
    phase, at_s = start, 0.0
    for step in calendar:
        if step.at_s < at_s:
            raise ValueError(f"{where}: {step.at_s} s stands behind {at_s} s; sort it by time")
        if not may_follow(Phase[phase.upper()], Phase[step.phase.upper()]):
            raise ValueError(f"{where}: {step.phase} at {step.at_s} s can not follow {phase}")
        phase, at_s = step.phase, step.at_s


def config_hash(model: BaseModel) -> str:
    """Return the SHA-256 of a model's canonical JSON, defaults included, as hexadecimal text."""
    text = json.dumps(
        model.model_dump(mode="json"), sort_keys=True, separators=(",", ":"), allow_nan=False
    )
    return hashlib.sha256(text.encode()).hexdigest()


def scenario_folder() -> Path:
    """Return the folder of the bundled scenarios: the clone's own, else the package's."""
    package = Path(__file__).resolve().parent
    clone = package.parent
    if (clone / "pyproject.toml").is_file() and (clone / "scenarios").is_dir():
        return clone / "scenarios"
    return package / "_scenarios"


def list_scenarios() -> list[str]:
    """Return the names of the bundled scenarios, sorted."""
    return sorted(path.stem for path in scenario_folder().glob("*.yaml"))


def load_scenario(name_or_path: str | Path, overrides: Sequence[Override] = ()) -> Scenario:
    """Load a bundled scenario by name, or any scenario file by path.

    Args:
        name_or_path: A name from `list_scenarios`, or a path that ends in ``.yaml``.
        overrides: Values that replace those of the file.

    Raises:
        UsageError: There is no scenario of this name.
        NoInputError: The file is not there.
        ConfigError: The file is not valid.
    """
    path = Path(name_or_path)
    if path.suffix not in _SUFFIXES:
        name = str(name_or_path)
        known = list_scenarios()
        if name not in known:
            hint = nearest(name, known) or f"; there are {', '.join(known) or 'none'}"
            raise UsageError(
                "HG-U007",
                f"unknown scenario {name[:80]!r}{hint} (or name a file that ends in .yaml)",
            )
        path = scenario_folder() / f"{name}.yaml"
    return load_yaml_model(path, Scenario, overrides)
