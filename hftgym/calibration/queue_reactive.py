"""The queue-reactive flow fitted to a recording (parameters of ``queue_reactive``).

Huang, Lehalle and Rosenbaum (2015, section 2.4): a queue's rates of limit orders, cancellations and
market orders are, for each distance from the reference price and each size, the number of events
over the time spent in that state. This is the maximum likelihood estimate of a birth and death
process. Both sides are counted as one. The reference price lies between two ticks: it is the mid if
the spread is odd, else the neighbour of the mid that is nearer to the last reference.

Sizes are measured in mean limit orders, rounded up, and an event counts with its size in the same
unit: an order of three means is three. The model is made for stocks whose spread is one tick. Where
it is wider, prices are put together to ticks as wide as the mean spread, bids rounded down and asks
up, so that nothing crosses. A file of one level shows one price of each coarse queue: the rest of
it, and the queues behind, are not known; the rates of the nearest known queue stand in for them.

``theta`` is the share of the moves of the mid towards an empty first queue that the reference
follows. ``theta_reset`` can not be counted, and keeps the participant's value.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from hftgym.analytics.event_table import EventKind, EventTable
from hftgym.calibration.coarse import coarse_px, mean_spread_tick
from hftgym.calibration.exposure import FloatArray
from hftgym.errors import DataError
from hftgym.participants.queue_reactive import REACH, Params

IntArray = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]

#: Sizes with a column of their own; the last one stands for all beyond.
SIZES = 13
LIMIT, CANCEL, MARKET = range(3)
#: A state that was watched for less time than this is filled in from its neighbours.
LEAST_S = 20.0
#: In the last column limit orders come at this share of what leaves, at most.
LAST_SHARE = 0.9


@dataclass(frozen=True)
class Queues:
    """Each event beside the coarse queues just before it.

    Attributes:
        held_s: How long they had stood, shape (events,).
        size: Orders in each queue, shape (events, 2, REACH), bids first.
        known: Whether the queue can be seen, shape (events, 2, REACH).
        best: Distance of the best queue of each side, from 0; ``REACH`` when it is further away,
            shape (events, 2).
        side: 0 bids, 1 asks: where the event happens, shape (events,).
        distance: Distance of its queue, from 0; may be negative or beyond, shape (events,).
        what: ``LIMIT``, ``CANCEL``, ``MARKET`` or -1, shape (events,).
        weight: Its size in mean limit orders, shape (events,).
    """

    held_s: FloatArray
    size: IntArray
    known: BoolArray
    best: IntArray
    side: IntArray
    distance: IntArray
    what: IntArray
    weight: FloatArray


@dataclass(frozen=True)
class QueueReactiveFit:
    """Fitted tables; rows are distances, columns sizes 0 to ``SIZES`` - 1.

    Attributes:
        rate: Events per second as counted, NaN where the state was hardly seen, shape (3, REACH,
            SIZES): limit orders, cancellations, market orders.
        events: Weighted events in each state, same shape.
        seconds: Time in each state (for market orders: while the queue was the best), same shape.
        theta: Share of the moves of the mid that the reference follows.
        tick: Ticks of the recording in one of the model.
        mean_lots: Mean limit order, in units of the recording.
        spread: Mean spread in ticks of the recording.
    """

    rate: FloatArray
    events: FloatArray
    seconds: FloatArray
    theta: float
    tick: int
    mean_lots: float
    spread: float

    @property
    def settle_s(self) -> float:
        """The queues open drawn from their invariant distribution; a minute is enough."""
        return 60.0

    @property
    def summary(self) -> str:
        """What was fitted, for the comment of a scenario."""
        shown = int(np.isfinite(self.rate[LIMIT]).any(axis=1).sum())
        return (
            f"A tick of the model is {self.tick} of the recording. Rates are counts over time by "
            f"distance (rows; {shown} of {REACH} could be seen) and queue size (columns, in mean "
            "orders)."
        )

    def params(self, units_per_lot: int) -> dict[str, Any]:
        """Return the parameters of ``queue_reactive``."""
        limit, cancel, market = completed(self.rate)
        return {
            "limit_per_s": tuple(limit.ravel().tolist()),
            "cancel_per_s": tuple(cancel.ravel().tolist()),
            "market_per_s": tuple(market.ravel().tolist()),
            "lots": max(1, round(self.mean_lots / units_per_lot)),
            "theta": self.theta,
            "theta_reset": float(Params().theta_reset),
        }

    def table(self) -> dict[str, Any]:
        """Return the figures for people and for JSON."""
        found: dict[str, Any] = {
            "tick": self.tick,
            "mean_lots": self.mean_lots,
            "mean_spread": self.spread,
            "theta": self.theta,
        }
        for k, name in enumerate(("limit", "cancel", "market")):
            for row in range(REACH):
                rates = [None if np.isnan(r) else float(f"{r:.3g}") for r in self.rate[k, row]]
                found[f"{name}_per_s_{row + 1}"] = rates
        return found


def fit_queue_reactive(table: EventTable, tick: int | None = None) -> QueueReactiveFit:
    """Count events and time by distance and size.

    Args:
        table: The training part.
        tick: Ticks of the recording in one of the model; the mean spread if None.

    Raises:
        DataError: If there are no limit orders, or no time with both sides quoted.
    """
    spread = mean_spread_tick(table)
    if math.isnan(spread) or not (table.kind == EventKind.ADD).any():
        raise DataError(
            "HG-D193",
            f"{table.name}: no limit orders, or never both sides quoted, in the training part. "
            "Give a longer recording.",
        )
    coarse = max(1, round(spread)) if tick is None else tick
    mean_lots = _mean_visible_lots(table)
    queues, theta = queues_of(table, coarse, mean_lots)
    events, seconds = count(queues)
    rate = np.divide(events, seconds, out=np.full(events.shape, np.nan), where=seconds >= LEAST_S)
    return QueueReactiveFit(
        rate=rate,
        events=events,
        seconds=seconds,
        theta=theta,
        tick=coarse,
        mean_lots=mean_lots,
        spread=spread,
    )


def _mean_visible_lots(table: EventTable) -> float:
    """Return the mean size of the limit orders within the window, joined levels included."""
    adds = table.kind == EventKind.ADD
    rows = np.arange(table.rows)
    last_bid, last_ask = (
        np.maximum((lots > 0).sum(axis=1) - 1, 0) for lots in (table.bid_lots, table.ask_lots)
    )
    worst = np.where(table.side > 0, table.bid_px[rows, last_bid], table.ask_px[rows, last_ask])
    seen = adds & (table.side * (table.px - worst) >= 0)
    return float(table.lots[seen if seen.any() else adds].mean())


def reference(bid: IntArray, ask: IntArray) -> IntArray:
    """Return the first ask queue of each book: the reference price is half a tick below it.

    Args:
        bid: Best bids in coarse ticks, shape (rows,).
        ask: Best asks, above them, shape (rows,).
    """
    odd = (ask - bid) % 2 == 1
    out = np.where(odd, (ask + bid + 1) // 2, (ask + bid) // 2)
    last = int(out[0]) if len(out) else 0
    for k in np.flatnonzero(~odd).tolist():
        last = int(out[k - 1]) if k > 0 else last
        if last > out[k]:
            out[k] += 1  # the mid is a tick: of its two neighbours the one nearer to the last
    return np.asarray(out, np.int64)


def queues_of(table: EventTable, tick: int, mean_lots: float) -> tuple[Queues, float]:
    """Return the queues before each event but the first, and theta.

    Args:
        table: Events.
        tick: Ticks of the recording in one of the model.
        mean_lots: Mean limit order.
    """
    both = table.two_sided
    levels = (coarse_px(table.bid_px, tick, 1), coarse_px(table.ask_px, tick, -1))
    # While a side is empty the last reference stays; such time counts nothing.
    filled = np.maximum.accumulate(np.where(both, np.arange(table.rows), 0))
    bid, ask = levels[0][filled, 0], levels[1][filled, 0]
    ref = reference(bid, np.maximum(ask, bid + 1))
    before = slice(0, table.rows - 1)
    size = np.zeros((table.rows - 1, 2, REACH), np.int64)
    known = np.zeros((table.rows - 1, 2, REACH), np.bool_)
    best = np.zeros((table.rows - 1, 2), np.int64)
    for s, lots in enumerate((table.bid_lots[before], table.ask_lots[before])):
        px = levels[s][before]
        distance = (ref[before, None] - 1 - px) if s == 0 else (px - ref[before, None])
        used = lots > 0
        for i in range(REACH):
            volume = np.where(used & (distance == i), lots, 0).sum(axis=1)
            size[:, s, i] = np.ceil(volume / mean_lots - 1e-9)
        last = np.maximum(used.sum(axis=1) - 1, 0)
        reach = np.take_along_axis(distance, last[:, None], axis=1)[:, 0]
        whole = used.sum(axis=1) < table.levels
        inner = reach + (1 if table.levels == 1 else 0)  # of one level, what is shown must do
        known[:, s] = whole[:, None] | (np.arange(REACH) < inner[:, None])
        best[:, s] = np.clip(np.where(used[:, 0], distance[:, 0], REACH), 0, REACH)
    kind = table.kind[1:]
    what = np.full(len(kind), -1, np.int64)
    for event, name in (
        (EventKind.ADD, LIMIT),
        (EventKind.CANCEL, CANCEL),
        (EventKind.TRADE, MARKET),
    ):
        what[kind == event] = name
    book_side = np.where(kind == EventKind.TRADE, -table.side[1:], table.side[1:])
    side = (book_side < 0).astype(np.int64)
    bid_px, ask_px = (coarse_px(table.px[1:], tick, s) for s in (1, -1))
    distance = np.where(side == 0, ref[before] - 1 - bid_px, ask_px - ref[before])
    queues = Queues(
        held_s=np.where(both[before], np.diff(table.t_ns) / 1e9, 0.0),
        size=size,
        known=known,
        best=best,
        side=side,
        distance=np.asarray(distance, np.int64),
        what=what,
        weight=table.lots[1:] / mean_lots,
    )
    return queues, _theta(ref, bid + ask, best)


def _theta(ref: IntArray, mid2: IntArray, best: IntArray) -> float:
    """Return how often the reference follows a mid that moves towards an empty first queue."""
    moved = np.sign(np.diff(mid2))
    empty = best > 0  # the first queue of a side, before the move
    towards_empty = ((moved > 0) & empty[:, 1]) | ((moved < 0) & empty[:, 0])
    if not towards_empty.any():
        return 0.0
    return float((np.diff(ref)[towards_empty] != 0).mean())


def count(queues: Queues) -> tuple[FloatArray, FloatArray]:
    """Return weighted events and seconds in each state, shape (3, REACH, SIZES)."""
    events = np.zeros((3, REACH, SIZES))
    seconds = np.zeros((3, REACH, SIZES))
    size = np.minimum(queues.size, SIZES - 1)
    for s in range(2):
        for i in range(REACH):
            known = queues.known[:, s, i]
            held = np.where(known, queues.held_s, 0.0)
            is_best = known & (queues.best[:, s] == i)
            seconds[:MARKET, i] += np.bincount(size[:, s, i], held, SIZES)
            seconds[MARKET, i] += np.bincount(size[:, s, i], np.where(is_best, held, 0.0), SIZES)
            here = known & (queues.side == s) & (queues.distance == i) & (queues.held_s >= 0)
            for what in (LIMIT, CANCEL, MARKET):
                mask = here & (queues.what == what)
                if what == MARKET:
                    mask &= is_best
                events[what, i] += np.bincount(size[mask, s, i], queues.weight[mask], SIZES)
    return events, seconds


def completed(rate: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Fill in states that were hardly seen, and let no queue grow for ever.

    A missing rate is interpolated between sizes, and taken from the queue in front where no size
    was seen. An empty queue has neither cancellations nor market orders.

    Args:
        rate: Events per second, NaN where not seen, shape (3, REACH, SIZES).

    Returns:
        Limit orders, cancellations and market orders, shape (REACH, SIZES) each.
    """
    full = rate.copy()
    full[CANCEL, :, 0] = full[MARKET, :, 0] = 0.0
    sizes = np.arange(SIZES)
    for what in (LIMIT, CANCEL, MARKET):
        for i in range(REACH):
            row = full[what, i]
            seen = np.isfinite(row) & ((sizes > 0) | (what == LIMIT))
            if seen.any():
                start = np.isfinite(row)
                full[what, i] = np.interp(sizes, sizes[start], row[start])
            elif i > 0:
                full[what, i] = full[what, i - 1]
            else:
                full[what, i] = 0.0
    for i in range(REACH):
        leaves = full[CANCEL, i, -1] + (full[MARKET, i, -1] if i == 0 else 0.0)
        full[LIMIT, i, -1] = min(full[LIMIT, i, -1], LAST_SHARE * leaves)
    return full[LIMIT], full[CANCEL], full[MARKET]
