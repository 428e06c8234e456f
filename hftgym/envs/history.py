"""Where episodes begin on a tape, and which part of the time each split may use.

The first ``train_share`` of the tape trains (its last 15 % are kept for validation), the last
``test_share`` tests, what lies between is a gap. Tuning uses the training part, at other starts.
An episode ends inside of its part; the lead-in before it only fills the windows of the observation.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

import numpy as np
import numpy.typing as npt

from hftgym.core.constants import NO_PX, SECOND_NS, TapeFlag, TapeKind
from hftgym.core.records import MARKET_CLASSES
from hftgym.data.lobster import read_lobster
from hftgym.data.tape import Tape, compile_tape
from hftgym.data.tape_seed import seeds_at
from hftgym.envs.seeds import SPLITS
from hftgym.errors import ConfigError, NoInputError, UsageError
from hftgym.scenario import Scenario

VALIDATION_SHARE = 0.15  # of the training part, at its end
_LOBSTER_UNIT = Decimal("0.0001")  # dollars


@dataclass(frozen=True)
class Start:
    """One place on a tape where a market may begin.

    Attributes:
        first_ns: when the market opens, nanoseconds after midnight.
        cursor: operation of the tape that is played first.
        mid_px: history's mid then, price units.
        halted: trading is halted then.
        seed_ops: operations that build the book of that moment.
    """

    first_ns: int
    cursor: int
    mid_px: int
    halted: bool
    seed_ops: np.ndarray


def lead_in(start: Start) -> np.ndarray:
    """Return the operations that build the book, at the time of the opening."""
    ops = start.seed_ops.copy()
    ops["t_ns"] = start.first_ns
    return ops


def tape_files(scenario: Scenario, data: str | Path | None) -> tuple[Path, Path] | None:
    """Return the message and order book files of a scenario; None without a tape.

    Args:
        scenario: the market.
        data: the message file; the other one's name has ``orderbook`` in place of ``message``.

    Raises:
        UsageError: if data is given and not wanted, or the other way round.
    """
    spec = scenario.tape
    if spec is None:
        if data is not None:
            raise UsageError(
                "HG-U052",
                f"data: {str(data)!r} was given, but scenario {scenario.name!r} plays no tape; "
                "leave data out or take a scenario with `tape:`",
            )
        return None
    if data is None:
        if spec.message is None or spec.orderbook is None:
            raise UsageError(
                "HG-U053",
                f"scenario {scenario.name!r} plays a tape: give data, the path of a LOBSTER "
                "message file",
            )
        return Path(spec.message), Path(spec.orderbook)
    message = Path(data)
    if "message" not in message.name:
        raise UsageError(
            "HG-U054",
            f"data: {message.name!r} must be the message file, with 'message' in its name; the "
            "order book file is the same with 'orderbook'",
        )
    head, _, tail = message.name.rpartition("message")
    return message, message.with_name(f"{head}orderbook{tail}")


_compiled: dict[tuple[object, ...], Tape] = {}


def load_tape(scenario: Scenario, message: Path, orderbook: Path) -> Tape:
    """Return the compiled tape of a scenario, from memory when its files have not changed.

    Raises:
        NoInputError: if a file is not there.
        DataError: if a file is not valid.
        ConfigError: if the market class is too small for the tape.
    """
    tick = int(Decimal(scenario.instrument.price_unit) / _LOBSTER_UNIT)
    for path in (message, orderbook):
        if not path.is_file():
            raise NoInputError("HG-N050", f"there is no file '{path}'; name a LOBSTER pair")
    stamps = [
        (str(p.resolve()), p.stat().st_mtime_ns, p.stat().st_size) for p in (message, orderbook)
    ]
    key = (*stamps, tick)
    if key not in _compiled:
        _compiled.clear()
        _compiled[key] = compile_tape(read_lobster(message, orderbook), max(tick, 1))
    tape = _compiled[key]
    room = MARKET_CLASSES[scenario.market_class].tape_orders
    if tape.max_ordinals > room:
        raise ConfigError(
            "HG-C050",
            f"scenario {scenario.name!r}: the tape has {tape.max_ordinals} live orders, "
            f"market_class {scenario.market_class!r} has room for {room}; take a larger one",
        )
    return tape


def part_of(scenario: Scenario, tape: Tape, split: int) -> tuple[int, int]:
    """Return begin and end of the time that a split may use, nanoseconds after midnight."""
    spec = scenario.tape
    assert spec is not None
    begin, end = tape.first_t_ns, tape.last_t_ns
    whole = end - begin
    train_end = begin + int(whole * spec.train_share)
    validation = train_end - int((train_end - begin) * VALIDATION_SHARE)
    name = SPLITS[split]
    if name == "test":
        return end - int(whole * spec.test_share), end
    if name == "validation":
        return validation, train_end
    return begin, validation


def _first_and_last(
    scenario: Scenario, tape: Tape, split: int, horizon_ns: int, step_ns: int
) -> tuple[int, int]:
    """Return when the first and the last episode of a split may begin, ns."""
    begin, end = part_of(scenario, tape, split)
    lead_ns = int(np.ceil(scenario.burn_in_s * SECOND_NS))
    slack_ns = SECOND_NS + step_ns  # the first decision comes a step and a latency later
    return max(begin, tape.first_t_ns + lead_ns), end - horizon_ns - slack_ns


def windows_that_fit(
    scenario: Scenario, tape: Tape, split: int, horizon_ns: int, step_ns: int
) -> int:
    """Return how many episodes of a split fit behind one another without overlap."""
    first, last = _first_and_last(scenario, tape, split, horizon_ns, step_ns)
    return int((last - first) // (horizon_ns + SECOND_NS + step_ns)) + 1 if last >= first else 0


def starts_on(
    scenario: Scenario, tape: Tape, split: int, horizon_ns: int, step_ns: int, count: int
) -> tuple[Start, ...]:
    """Return where the markets of a split open, evenly spread over its part of the tape.

    The market opens ``burn_in_s`` before the episode.

    Raises:
        ConfigError: if the part is shorter than an episode and its lead-in.
    """
    lead_ns = int(np.ceil(scenario.burn_in_s * SECOND_NS))
    first, last = _first_and_last(scenario, tape, split, horizon_ns, step_ns)
    if last < first:
        longest = (last - first + horizon_ns) / SECOND_NS
        raise ConfigError(
            "HG-C051",
            f"scenario {scenario.name!r}: the {SPLITS[split]} part of the tape has room for "
            f"episodes of {max(longest, 0):.1f} s, not {horizon_ns / SECOND_NS:g} s; shorten "
            "horizon_s or burn_in_s",
        )
    # Tuning and training share a part: the one starts half a spacing after the other.
    shift = 0.5 if SPLITS[split] == "tune" else 0.0
    gaps = max(count - 1 if shift == 0.0 else count, 1)
    places = first + (np.arange(count) + shift) / gaps * (last - first)
    times = places.astype(np.int64) - lead_ns
    row_end = (tape.ops["flags"] & TapeFlag.ROW_END) > 0
    rows = np.searchsorted(tape.ops["t_ns"][row_end], times, side="right") - 1
    seeds = seeds_at(tape, rows.tolist())
    return tuple(
        _start(tape, int(t), int(row), seed)
        for t, row, seed in zip(times, rows, seeds, strict=True)
    )


def _start(tape: Tape, first_ns: int, row: int, seed: np.ndarray) -> Start:
    cursor = tape.first_op(row + 1)
    phases = np.flatnonzero(
        (tape.ops["kind"][:cursor] == TapeKind.PHASE) & (tape.ops["lots"][:cursor] != 0)
    )
    halted = bool(len(phases)) and int(tape.ops["lots"][phases[-1]]) < 0
    bid_px, ask_px = int(tape.book[row, 0, 0]), int(tape.book[row, 0, 2])
    sides = [px for px in (bid_px, ask_px) if abs(px) != NO_PX]
    mid_px = sum(sides) // len(sides) if sides else 1
    return Start(first_ns, cursor, mid_px, halted, seed)


def _touch_on_grid(scenario: Scenario, tape: Tape, window_s: float) -> npt.NDArray[np.int64]:
    """Return bid and ask px of the training part, each ``window_s``, where both are known."""
    begin, end = part_of(scenario, tape, SPLITS.index("train"))
    row_end = (tape.ops["flags"] & TapeFlag.ROW_END) > 0
    grid = np.arange(begin, end, int(window_s * SECOND_NS))
    rows = np.searchsorted(tape.ops["t_ns"][row_end], grid, side="right") - 1
    touch = tape.book[rows, 0][:, [0, 2]]
    known: npt.NDArray[np.int64] = touch[(np.abs(touch) != NO_PX).all(axis=1)]
    return known


def half_spread_of(scenario: Scenario, tape: Tape) -> float:
    """Return the median half-spread of the training part, ticks."""
    touch = _touch_on_grid(scenario, tape, 1.0)
    if len(touch) == 0:
        return 1.0
    return float(np.median(touch[:, 1] - touch[:, 0])) / (2.0 * scenario.instrument.tick_px)


def sigma_of(scenario: Scenario, tape: Tape, window_s: float = 10.0) -> float:
    """Return the volatility of the mid in the training part, ticks per square root of a second."""
    touch = _touch_on_grid(scenario, tape, window_s)
    mid = touch.sum(axis=1) / (2.0 * scenario.instrument.tick_px)
    if len(mid) < 2:
        return 1.0
    variance = float(np.mean(np.diff(mid) ** 2)) / window_s
    return max(math.sqrt(variance), 1e-3)
