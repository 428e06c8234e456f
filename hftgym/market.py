"""From a scenario to records: one configured market, its table of strategies, its tape.

Everything is checked here once; what comes out is plain bytes and a table, ready for the kernels.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from hftgym.core.constants import (
    NONE,
    VALUE_RING,
    BandAction,
    Fault,
    FeeUnit,
    LatencyKind,
    Limit,
    Matching,
    Phase,
    StopOn,
    Stp,
)
from hftgym.core.entries import open_one
from hftgym.core.jit import announce_compilation
from hftgym.core.layout import zeros
from hftgym.core.records import (
    MARKET,
    MARKET_CLASSES,
    OWN_HEADER_BYTES,
    TAPE_OP,
    MarketClass,
    own_bytes,
)
from hftgym.core.rng import text_hash
from hftgym.errors import ConfigError, InternalError
from hftgym.instrument import Instrument
from hftgym.latency import COLUMNS, Delay, Latency, Lognormal, read_recording
from hftgym.limits import Limits
from hftgym.participants.base import Numbers, Participant, build_table, resolve, write_params
from hftgym.scenario import ParticipantSpec, Scenario

#: Where a fault comes from, and the way out.
_FAULTS = {
    Fault.ORDER_POOL: "no room for another order",
    Fault.MESSAGE_POOL: "no room for another message in flight",
    Fault.REPORT_POOL: "no room for another private report",
    Fault.VIEW_POOL: "no room for another view",
    Fault.FAR_POOL: "no room for another far price level",
    Fault.BAD_OUT: "a participant sent too many messages or named a slot that it does not have",
    Fault.OVERFLOW: "an account passed 2^62 money units",
    Fault.TAPE_ORDINALS: "the tape has more live orders than this market class holds",
    Fault.LOG: "the event log is full",
}


@dataclass(frozen=True)
class Learner:
    """An outside decision maker in a market.

    Attributes:
        name: decides its random stream and its ties.
        latency: its three channels.
        limits: what the exchange lets it do.
        instrument: identifier of what it trades; None: the first instrument.
        firm: its firm, for self-trade prevention; None: it is one by its own name.
        sees_value: its views carry the latent value (for a ceiling, never for a fair comparison).
    """

    name: str = "learner#0"
    latency: Latency = Latency(feed_ns=5_000_000, order_ns=5_000_000, response_ns=5_000_000)
    limits: Limits = field(default_factory=Limits)
    sees_value: bool = False
    instrument: str | None = None
    firm: str | None = None


@dataclass(frozen=True)
class Blueprint:
    """A configured market that has not been opened yet.

    Attributes:
        scenario: what it was made of.
        record: the market, shape (1,).
        table: addresses of the strategies.
        ops: operations of the tape, shape (operations,); empty without one.
        names: of the participants, by index.
        kinds: of the participants, by index; "learner" for learners.
        learners: indices of the learners.
        data_hash: SHA-256 of what does not stand in the scenario itself: history, recordings.
    """

    scenario: Scenario
    record: np.ndarray
    table: Any
    ops: np.ndarray
    names: tuple[str, ...]
    kinds: tuple[str, ...]
    learners: tuple[int, ...]
    data_hash: str

    @property
    def books(self) -> np.ndarray:
        """Index of the book of each participant, shape (participants,), int32."""
        books: np.ndarray = self.record[0]["part"]["book"][: len(self.names)]
        return books

    def rows_of(self, log: np.ndarray, book: int) -> np.ndarray:
        """Return the rows of an event log that are about one book, dtype ``LOG_ROW``.

        The book of a row is that of its maker or taker; a row with neither says it in ``marks``.
        """
        who = np.where(log["maker"] >= 0, log["maker"], log["taker"])
        of_row = np.where(who >= 0, self.books[who], log["marks"])
        rows: np.ndarray = log[of_row == book]
        return rows

    def open(self, seed: int, start_ns: int = 0) -> np.ndarray:
        """Return a market at its opening, shape (1,), with this seed."""
        market = zeros(1, self.record.dtype)
        market[:] = self.record
        market[0]["now_ns"] = start_ns
        market[0]["plan"]["t_ns"] += start_ns
        value = market[0]["value"]
        if value["active"]:
            value["shock_k"] += start_ns // value["grid_ns"]
        open_one(market, 0, np.uint64(seed & 0xFFFFFFFFFFFFFFFF))
        return market


def check_fault(market: Any) -> None:
    """Raise what stopped a market.

    Args:
        market: a market record.

    Raises:
        InternalError: if it has a fault; the text says which and when.
    """
    code = int(market["fault"])
    if code:
        raise InternalError(
            "HG-X001",
            f"market stopped at {int(market['now_ns'])} ns: {_FAULTS[Fault(code)]} "
            f"({Fault(code).name}); use a larger market_class or fewer orders",
        )


def blueprint(
    scenario: Scenario, learners: Sequence[Learner] = (), ops: np.ndarray | None = None
) -> Blueprint:
    """Configure a market.

    Args:
        scenario: who trades what.
        learners: outside decision makers, added behind the scenario's participants.
        ops: operations of a compiled tape (``TAPE_OP``); adds history as a participant.

    Raises:
        ConfigError: if the market class is too small for the participants, or one of them could
            never trade.
    """
    announce_compilation()
    size = MARKET_CLASSES[scenario.market_class]
    specs = [(s, resolve(s.kind)) for s in scenario.participants for _ in range(s.count)]
    names = list(scenario.participant_names)
    kinds = [spec.kind for spec, _ in specs]
    if ops is not None:
        specs.append((ParticipantSpec(kind="tape"), resolve("tape")))
        names.append("tape#0")
        kinds.append("tape")
    external = resolve("external")
    for learner in learners:
        if learner.instrument is not None and learner.instrument not in scenario.instrument_ids:
            raise ConfigError(
                "HG-C060",
                f"scenario {scenario.name!r}: instrument {learner.instrument!r} of {learner.name} "
                f"is not traded here; there are {', '.join(scenario.instrument_ids)}",
            )
        spec = ParticipantSpec(
            kind="external",
            latency=learner.latency,
            limits=learner.limits,
            instrument=learner.instrument,
            firm=learner.firm,
        )
        specs.append((spec, external))
        names.append(learner.name)
        kinds.append("learner")
    strategies = list(dict.fromkeys(strategy for _, strategy in specs))
    _check_size(scenario, size, specs)

    record = zeros(1, MARKET[scenario.market_class])
    m = record[0]
    m["participants"] = len(specs)
    for book, instrument in enumerate(scenario.instruments):
        _write_instrument(m["books"][book]["instrument"], instrument)
    _write_calendars(m, scenario)
    _write_value(m, scenario)
    _write_spread(m, scenario)
    numbers = Numbers()
    first_slot = offset = 0
    for p, (spec, strategy) in enumerate(specs):
        part = m["part"][p]
        row = strategies.index(strategy)
        book = scenario.instrument_ids.index(spec.instrument) if spec.instrument else 0
        part["book"] = book
        tick_px = scenario.instruments[book].tick_px
        _write_participant(part, spec, strategy, names[p], row, tick_px, numbers)
        _check_other(scenario, strategy, names[p])
        _check_delay(scenario, int(part["signal_delay_ns"]), names[p])
        _check_limits(scenario, book, spec.limits, names[p])
        part["own_first"] = first_slot
        part["own_offset"] = offset
        header = m["own"][offset : offset + OWN_HEADER_BYTES]
        header[-4:].view(np.int32)[0] = strategy.own_orders  # own.capacity ends the header
        first_slot += strategy.own_orders
        offset += own_bytes(strategy.own_orders)
    for learner, p in zip(learners, range(len(specs) - len(learners), len(specs)), strict=True):
        m["part"][p]["background"] = 0
        m["part"][p]["signal_delay_ns"] = 0 if learner.sees_value else NONE
    m["kill_watch"] = np.count_nonzero(m["part"]["account"]["limits"] & Limit.LOSS)
    tape = m["tape"]
    tape["owner"] = NONE
    if ops is not None:
        tape["owner"] = names.index("tape#0")
        tape["end"] = len(ops)
        tape["resilience_ns"] = scenario.tape.resilience_ns if scenario.tape else 0
        m["part"][int(tape["owner"])]["decide"] = NONE
    ops = np.zeros(0, TAPE_OP) if ops is None else ops
    return Blueprint(
        scenario,
        record,
        build_table(strategies, numbers),
        ops,
        tuple(names),
        tuple(kinds),
        tuple(range(len(specs) - len(learners), len(specs))),
        _data_hash(ops, numbers),
    )


def _data_hash(ops: np.ndarray, numbers: Numbers) -> str:
    """Return the SHA-256 of history and numbers; of their fields: what lies between is anything."""
    digest = hashlib.sha256(numbers.to_bytes())
    for name in ops.dtype.names or ():
        digest.update(ops[name].tobytes())
    return digest.hexdigest()


def _check_size(scenario: Scenario, size: MarketClass, specs: list[Any]) -> None:
    slots = sum(strategy.own_orders for _, strategy in specs)
    for what, need, have in (
        ("participants", len(specs), size.participants),
        ("order slots of its participants", slots, size.own_orders),
    ):
        if need > have:
            raise ConfigError(
                "HG-C030",
                f"scenario {scenario.name!r}: {need} {what}, but market_class {size.name!r} has "
                f"room for {have}; choose a larger market_class",
            )


def _check_other(scenario: Scenario, strategy: Participant, name: str) -> None:
    """Demand a second instrument for who trades on its price."""
    if strategy.sees_other and scenario.second is None:
        raise ConfigError(
            "HG-C074",
            f"scenario {scenario.name!r}: {name} trades on the price of another instrument, but "
            "there is only one; add 'second:', or leave this participant out",
        )


def _check_delay(scenario: Scenario, delay_ns: int, name: str) -> None:
    """Demand that the value is remembered for as long as a participant is late."""
    if scenario.value is None:
        return
    longest_ns = (VALUE_RING - 1) * scenario.value.grid_ns
    if delay_ns > longest_ns:
        raise ConfigError(
            "HG-C031",
            f"scenario {scenario.name!r}: {name} sees the value {delay_ns} ns late, but the last "
            f"{VALUE_RING} steps of {scenario.value.grid_ns} ns are kept: at most {longest_ns} ns; "
            "lower value_delay_ns or raise value.grid_ns",
        )


def _check_limits(scenario: Scenario, book: int, limits: Limits, name: str) -> None:
    """Demand that one lot at the first price is within a participant's limit."""
    instrument = scenario.instruments[book]
    lot = instrument.start_px * instrument.unit_value
    if limits.notional is not None and limits.notional < lot:
        raise ConfigError(
            "HG-C032",
            f"scenario {scenario.name!r}: limits.notional {limits.notional} of {name} is less than "
            f"one lot at start_px, {lot} money units: all orders would be refused; raise it",
        )


def _write_instrument(target: Any, source: Instrument) -> None:
    for name in (
        "px_min px_max max_lots tick_px unit_value maker_fee taker_fee auction_fee start_px "
        "top_max_lots fifo_percent min_alloc_lots static_band_px dynamic_band_px collar_bps"
    ).split():
        target[name] = getattr(source, name)
    for name, kind in (
        ("fee_unit", FeeUnit),
        ("matching", Matching),
        ("stop_on", StopOn),
        ("band_action", BandAction),
    ):
        target[name] = kind[getattr(source, name).upper()]
    target["stp"] = Stp[source.self_trade.upper()]
    target["call_ns"] = round(source.call_s * 1e9)
    target["halt_ns"] = round(source.halt_s * 1e9)
    target["fee_tier_count"] = len(source.fee_tiers)
    for row, tier in zip(target["fee_tiers"], source.fee_tiers, strict=False):
        row["min_lots"], row["maker_fee"] = tier.min_lots, tier.maker_fee
        row["taker_fee"] = tier.taker_fee


def _write_calendars(m: Any, scenario: Scenario) -> None:
    """Write the phase of each book at the start, and all planned changes by time."""
    plans = [(scenario.start_phase, scenario.calendar)]
    if scenario.second is not None:
        plans.append((scenario.second.start_phase, scenario.second.calendar))
    steps = []
    for book, (start, calendar) in enumerate(plans):
        m["books"][book]["instrument"]["phase"] = Phase[start.upper()]
        steps += [(round(step.at_s * 1e9), book, Phase[step.phase.upper()]) for step in calendar]
    steps.sort(key=lambda step: step[:2])  # stable: steps of a book keep their order
    m["plan_count"] = len(steps)
    for row, (t_ns, book, phase) in zip(m["plan"], steps, strict=False):
        row["t_ns"], row["book"], row["phase"] = t_ns, book, phase


def _write_value(m: Any, scenario: Scenario) -> None:
    target, source = m["value"], scenario.value
    if source is None:
        return
    tick = scenario.instrument.tick_px
    grid_s = source.grid_ns / 1e9
    target["active"] = 1
    target["grid_ns"] = source.grid_ns
    target["sigma_grid"] = source.sigma_tick_per_sqrt_s * tick * grid_s**0.5
    target["jump_probability"] = source.jump_per_s * grid_s
    target["jump_sd"] = source.jump_sd_tick * tick
    target["pull"] = source.mean_reversion_per_s * grid_s
    target["anchor"] = scenario.instrument.start_px
    target["trend"] = source.trend_tick_per_s * tick * grid_s
    target["flip_probability"] = source.trend_flip_per_s * grid_s
    target["shock_count"] = len(source.shocks)
    for i, shock in enumerate(source.shocks):
        target["shock_k"][i] = -(-round(shock.at_s * 1e9) // source.grid_ns)  # none comes early
        target["shock_px"][i] = shock.size_tick * tick
    target["ring"] = scenario.instrument.start_px


def _write_spread(m: Any, scenario: Scenario) -> None:
    """Write what the second instrument's value has on top: an exact Ornstein-Uhlenbeck step.

    Uhlenbeck and Ornstein 1930: over a step x goes to a + (x - a) * phi + sd * sqrt(1 - phi^2) * z
    with phi = 2^(-step / half-life).
    """
    target, second, value = m["spread"], scenario.second, scenario.value
    if second is None or value is None:
        return
    phi = 0.5 ** (value.grid_ns / 1e9 / second.spread_half_life_s)
    sd_px = second.spread_sd_tick * second.instrument.tick_px
    target["active"] = 1
    target["grid_ns"] = value.grid_ns
    target["pull"] = 1.0 - phi
    target["sigma_grid"] = sd_px * (1.0 - phi * phi) ** 0.5
    target["anchor"] = second.instrument.start_px - scenario.instrument.start_px
    target["ring"] = target["anchor"]


def _write_participant(
    part: Any,
    spec: ParticipantSpec,
    strategy: Participant,
    name: str,
    row: int,
    tick_px: int,
    numbers: Numbers,
) -> None:
    part["name_hash"] = text_hash(name)
    for channel in COLUMNS:
        _write_latency(part, channel, getattr(spec.latency, channel), numbers)
    part["own_capacity"] = strategy.own_orders
    part["decide"] = row
    part["external"] = int(strategy.is_external)
    part["queue_view"] = int(strategy.sees_queue)
    part["view_levels"] = strategy.view_levels
    part["background"] = 1
    account = part["account"]
    account["firm"] = row_of_firm(spec.firm or name)
    account["lmm_percent"] = spec.lmm_percent
    account["cancel_on_disconnect"] = spec.cancel_on_disconnect
    _write_limits(account, spec.limits)
    params = strategy.Params.model_validate(spec.params)
    delay_ns = getattr(params, "value_delay_ns", NONE) if strategy.sees_value else NONE
    part["signal_delay_ns"] = delay_ns
    part["reads_data"] = int(strategy.reads_data)
    write_params(strategy, params, tick_px, part["params"], numbers)


def _write_latency(part: Any, channel: Any, delay: Delay, numbers: Numbers) -> None:
    """Write the latency of one channel: its constant part, and what comes on top."""
    if isinstance(delay, int):
        part[channel] = delay
        return
    row = part[channel.removesuffix("_ns")]
    kind = channel.replace("_ns", "_kind")
    if isinstance(delay, Lognormal):
        part[channel] = delay.floor_ns
        part[kind] = LatencyKind.LOGNORMAL
        row["scale_ns"] = delay.median_ns - delay.floor_ns
        row["sigma"] = delay.sigma
        row["most_ns"] = delay.longest_ns - delay.floor_ns
        return
    recording = read_recording(delay, channel)
    by_time = delay.replay == "time"
    part[kind] = LatencyKind.RECORDED if by_time else LatencyKind.DRAWN
    row["first"] = numbers.add((recording if by_time else recording[:, 1]).ravel().tolist())
    row["count"] = len(recording)


def _write_limits(account: Any, limits: Limits) -> None:
    interval_ns = limits.rate_interval_ns
    for limit, name, value in (
        (Limit.POSITION, "position_limit", limits.position_lots),
        (Limit.OPEN_ORDERS, "open_orders_limit", limits.open_orders),
        (Limit.NOTIONAL, "notional_limit", limits.notional),
        (Limit.ORDER_RATE, "rate_interval_ns", interval_ns),
        # Accounts begin with nothing: what is lost is what is owed.
        (Limit.LOSS, "kill_equity", None if limits.loss is None else -limits.loss),
    ):
        if value is not None:
            account["limits"] |= limit
            account[name] = value
    account["rate_slack_ns"] = (limits.burst - 1) * (interval_ns or 0)
    account["kill_flatten"] = limits.flatten


def row_of_firm(name: str) -> int:
    """Return the number of a firm; a participant that names none is one by its own name."""
    return text_hash("firm " + name) & 0x7FFFFFFF
