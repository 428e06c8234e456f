"""Where tables of events come from: simulated markets, LOBSTER days, Bitstamp recordings."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np

from hftgym.analytics.event_table import MAX_LEVELS, EventKind, EventTable, IntArray
from hftgym.analytics.visible_levels import fill_levels
from hftgym.core.constants import SECOND_NS, Phase
from hftgym.data.bitstamp import is_bitstamp, read_bitstamp
from hftgym.data.bitstamp_events import events_of_bitstamp
from hftgym.data.lobster import LobsterDay, read_lobster
from hftgym.data.lobster_files import message_file, orderbook_file
from hftgym.data.lobster_format import FIELDS_A_LEVEL, LobsterKind
from hftgym.errors import DataError, InternalError, UsageError
from hftgym.feed import FeedKind, public_feed
from hftgym.scenario import Scenario
from hftgym.simulator import Simulator

CENT = 100  # in 1e-4 dollars

_LOBSTER_KINDS = {
    LobsterKind.ADD: EventKind.ADD,
    LobsterKind.CANCEL: EventKind.CANCEL,
    LobsterKind.DELETE: EventKind.CANCEL,
    LobsterKind.EXECUTE: EventKind.TRADE,
    LobsterKind.HIDDEN: EventKind.HIDDEN_TRADE,
}


def read_events(path: Path) -> EventTable:
    """Read real data.

    Args:
        path: a LOBSTER message file whose order book file lies beside it, a folder that holds one
            such pair, or a Bitstamp log.

    Raises:
        NoInputError: if it is not there.
        DataError: if it breaks a rule of its format.
    """
    if is_bitstamp(path):
        return events_of_bitstamp(read_bitstamp(path), path.name)
    message = message_file(path)
    return events_of_lobster(read_lobster(message, orderbook_file(message)), message.name)


def events_of_lobster(day: LobsterDay, name: str = "LOBSTER", tick: int = CENT) -> EventTable:
    """Convert a LOBSTER day, or a part of one.

    The side of an execution is turned round: LOBSTER names the resting order's. Auction prints and
    status messages are left out.

    Args:
        day: the day.
        name: of the table.
        tick: tick size in 1e-4 dollars.

    Raises:
        DataError: if a visible price is off the tick.
    """
    keep = day.kind <= LobsterKind.HIDDEN
    kinds = np.zeros(max(LobsterKind) + 1, np.int8)
    for theirs, ours in _LOBSTER_KINDS.items():
        kinds[theirs] = ours
    kind, price = kinds[day.kind[keep]], day.price[keep]
    book = day.book[keep].reshape(len(kind), day.levels, FIELDS_A_LEVEL)[:, :MAX_LEVELS]
    off = (kind != EventKind.HIDDEN_TRADE) & (price % tick != 0)
    off |= ((book[..., ::2] % tick != 0) & (book[..., 1::2] > 0)).any(axis=(1, 2))
    if off.any():
        raise DataError(
            "HG-D173",
            f"{day.message_place(int(np.flatnonzero(keep)[np.argmax(off)]))}: a visible price is "
            f"not a multiple of the tick {tick} (1e-4 dollars). Take a smaller tick.",
        )
    ask_lots, bid_lots = book[..., 1], book[..., 3]
    return EventTable(
        name=name,
        t_ns=day.t_ns[keep],
        kind=kind,
        side=np.where(kind >= EventKind.TRADE, -day.side[keep], day.side[keep]),
        px=np.rint(price / tick).astype(np.int64),
        lots=day.lots[keep],
        bid_px=np.where(bid_lots > 0, book[..., 2] // tick, 0),
        bid_lots=bid_lots,
        ask_px=np.where(ask_lots > 0, book[..., 0] // tick, 0),
        ask_lots=ask_lots,
    )


def events_of_log(
    log: np.ndarray,
    *,
    name: str = "simulation",
    tick_px: int = 1,
    start_phase: Phase = Phase.CONTINUOUS,
    after_ns: int = -1,
    levels: int = MAX_LEVELS,
) -> EventTable:
    """Convert the event log of a simulated market.

    The table holds what the public feed tells: nothing in it names an owner or shows a hidden order
    before it trades.

    Args:
        log: rows from the opening on, dtype ``LOG_ROW``.
        name: of the table.
        tick_px: tick size in price units.
        start_phase: phase at the opening.
        after_ns: events up to this time build the book and have no rows: the burn-in.
        levels: levels a side.
    """
    feed = public_feed(log)
    shown = {FeedKind.ADD: 1, FeedKind.REMOVE: -1, FeedKind.TRADE: -1}
    sign = np.zeros(max(FeedKind) + 1, np.int64)
    for kind, direction in shown.items():
        sign[kind] = direction
    change = sign[feed["kind"]] * feed["lots"] * (feed["hidden"] == 0)
    of_trade = feed["kind"] == FeedKind.TRADE
    side = np.where(of_trade, -feed["side"], feed["side"])  # of the volume
    prices, rank = np.unique(feed["px"], return_inverse=True)
    px = np.zeros((len(feed), 2, levels), np.int64)
    lots = np.zeros((len(feed), 2, levels), np.int64)
    rank = rank.astype(np.int64)
    bad = fill_levels((side < 0).astype(np.int64), rank, change, prices, px, lots)
    if bad < len(feed):
        raise InternalError(
            "HG-X170", f"{name}: row {bad} of the public feed takes more than its level holds"
        )
    kinds = np.zeros(max(FeedKind) + 1, np.int8)
    kinds[FeedKind.ADD], kinds[FeedKind.REMOVE] = EventKind.ADD, EventKind.CANCEL
    kinds[FeedKind.TRADE] = EventKind.TRADE
    kind = kinds[feed["kind"]]
    kind[of_trade & (feed["hidden"] > 0)] = EventKind.HIDDEN_TRADE
    open_ = _phases(feed, start_phase) == Phase.CONTINUOUS
    keep = (kind > 0) & open_ & (feed["t_ns"] > after_ns)
    return EventTable(
        name=name,
        t_ns=feed["t_ns"][keep],
        kind=kind[keep],
        side=feed["side"][keep],
        px=feed["px"][keep] // tick_px,
        lots=feed["lots"][keep],
        bid_px=px[keep, 0] // tick_px,
        bid_lots=lots[keep, 0],
        ask_px=px[keep, 1] // tick_px,
        ask_lots=lots[keep, 1],
    )


def _phases(feed: np.ndarray, start_phase: Phase) -> IntArray:
    """Return the phase in which each row of a feed stands."""
    begins = feed["kind"] == FeedKind.PHASE
    last = np.maximum.accumulate(np.where(begins, np.arange(len(feed)), -1))
    return np.where(last >= 0, feed["lots"][np.maximum(last, 0)], start_phase)


def simulate_events(
    scenario: Scenario,
    *,
    seconds: float,
    seed: int = 0,
    markets: int = 1,
    progress: Callable[[int], None] | None = None,
) -> list[EventTable]:
    """Simulate markets of a scenario without learners and return their events after the burn-in.

    Of a market of two instruments these are the events of the first.

    Args:
        scenario: a market without a tape.
        seconds: length of each table.
        seed: seed of market 0; market i has seed + i.
        markets: how many.
        progress: called with the number of simulated seconds that have just passed, all markets
            together.

    Raises:
        UsageError: if the scenario replays history.
        InternalError: if a market stops with a fault.
    """
    if scenario.tape is not None:
        raise UsageError(
            "HG-U170",
            f"scenario {scenario.name!r} replays history, so its events are not simulated; measure "
            "a scenario without a tape, and name the recording with --against",
        )
    burn_in_ns = round(scenario.burn_in_s * SECOND_NS)
    tables = []
    for i in range(markets):
        simulator = Simulator(scenario, seed + i, keep_log=True)
        simulator.advance_until(burn_in_ns)
        done = 0
        for stop in np.linspace(0, seconds, 21)[1:]:
            simulator.advance_until(burn_in_ns + round(float(stop) * SECOND_NS))
            if progress is not None:
                progress(int(stop) - done)
                done = int(stop)
        tables.append(
            events_of_log(
                simulator.blueprint.rows_of(simulator.log(), 0),
                name=scenario.name if markets == 1 else f"{scenario.name}, seed {seed + i}",
                tick_px=scenario.instrument.tick_px,
                start_phase=Phase[scenario.start_phase.upper()],
                after_ns=burn_in_ns,
            )
        )
    return tables
