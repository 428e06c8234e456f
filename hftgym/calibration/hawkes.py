"""The Hawkes order flow fitted to a recording (parameters of ``hawkes_flow``).

Every event in the window of the recording becomes one of the participant's ten types: five kinds on
two sides. A market order is one event, however many orders it meets. The two sides are fitted as
one: what follows a buy on its own and on the other side is what follows a sell, mirrored, so each
kernel has twice the data and the market no drift. ``hawkes_mle`` has the likelihood.

Cancellations have no base rate but one per resting order (``patience_per_s``): a process that
cancels without looking at the book empties it or fills it without end. Orders behind the window can
not be seen to arrive. What the window gains net when deeper levels move into it is put down as deep
orders with a constant rate, so that as much joins the book as leaves it.

The participant improves the best price whatever the spread is, so its spread closes to a tick or
two. Where the recording's is wider, prices are put together to ticks as wide as its mean spread
(``coarse``): what improves the price within such a tick joins the touch.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from hftgym.analytics.event_table import BoolArray, EventKind, EventTable
from hftgym.calibration.coarse import coarsened, mean_spread_tick
from hftgym.calibration.exposure import BUY, Exposure, FloatArray, exposure
from hftgym.calibration.hawkes_mle import (
    EM_STEPS,
    Designer,
    Events,
    IntArray,
    RateFit,
    Residuals,
    apart,
    best_decay,
    clock_resolution_ns,
    fit_rate,
    residuals,
)
from hftgym.errors import DataError
from hftgym.participants.hawkes_flow import EVENTS, both_sides, spectral_radius

KIND_NAMES = ("market", "inside", "touch", "deep", "cancel")
KINDS = len(KIND_NAMES)
MARKET, INSIDE, TOUCH, DEEP, CANCEL = range(KINDS)
#: The participant refuses a radius of 1 and above; so near to it, its rates would take hours to be
#: what they are on average.
LARGEST_RADIUS = 0.95
_SEARCH_STEPS = 60
_DECAYS = (0.05, 1_000.0)
_LEAST_RESOLUTION_NS = 1_000
_SMALL = 1e-4  # successors; fewer are none


@dataclass(frozen=True)
class Flow:
    """The events of a recording as types of the process.

    Attributes:
        events: Times and types; type 2 k is kind k on the buy side, 2 k + 1 on the sell side.
        resting: Orders of mean size that rest in the window, of the side that a cancellation would
            concern: bids and asks, shape (events, 2).
        resting_s: Integral of the same up to each event, in order seconds, shape (events, 2).
        all_resting_s: Integral over the recording, both sides.
        mean_lots: Mean size of limit orders, in units of the recording.
        market_lots: Mean size of market orders, all their trades together.
        large_lots: Size that one limit order in a thousand exceeds.
        deep_tick: Mean distance of deep orders from the touch, or of what takes the touch's place.
        gain_per_s: Orders of mean size that move into the window, less those that leave it, per
            second and side.
    """

    events: Events
    resting: FloatArray
    resting_s: FloatArray
    all_resting_s: float
    mean_lots: float
    market_lots: float
    large_lots: float
    deep_tick: float
    gain_per_s: float


def flow_of(table: EventTable) -> Flow:
    """Sort the events of a recording into types.

    Args:
        table: The training part.

    Raises:
        DataError: If there are no market orders, limit orders or cancellations.
    """
    seen = exposure(table)
    kind = _kinds(table, seen)
    kept = kind >= 0
    cancels = kind == CANCEL
    limits = (kind >= INSIDE) & (kind <= DEEP)
    for what, mask in (
        ("market orders", kind == MARKET),
        ("limit orders", limits),
        ("cancellations", cancels),
    ):
        if not mask.any():
            raise DataError(
                "HG-D192",
                f"{table.name}: no {what} in the training part. Give a longer recording.",
            )
    is_sell = np.where(kind == MARKET, seen.side > 0, seen.side < 0)
    types = (2 * kind + is_sell)[kept].astype(np.int64)
    resolution = max(clock_resolution_ns(table.t_ns), _LEAST_RESOLUTION_NS)
    t_s = apart(table.t_ns[1:][kept], resolution)
    offset = float(table.t_ns[1:][kept][0] - table.t_ns[0]) / 1e9
    mean = float(seen.lots[limits].mean())
    before = slice(0, table.rows - 1)
    resting = (
        np.stack([table.bid_lots[before].sum(axis=1), table.ask_lots[before].sum(axis=1)], axis=1)
        / mean
    )
    joined = float(seen.lots[limits].sum())
    trades = seen.kind == EventKind.TRADE
    left = float(seen.lots[cancels].sum() + seen.lots[trades].sum())
    return Flow(
        events=Events(t_s + offset, types, 2 * KINDS, table.seconds),
        resting=resting[kept],
        resting_s=np.cumsum(resting * seen.held_s[:, None], axis=0)[kept],
        all_resting_s=float((resting * seen.held_s[:, None]).sum()),
        mean_lots=mean,
        market_lots=float(seen.lots[trades].sum()) / float((kind == MARKET).sum()),
        large_lots=float(np.quantile(seen.lots[limits], 0.999)),
        deep_tick=_deep_tick(table, seen, kind),
        gain_per_s=max(0.0, left - joined) / mean / table.seconds / 2.0,
    )


def _kinds(table: EventTable, seen: Exposure) -> IntArray:
    """Return the kind of each event behind the first, -1 where it has none."""
    spread = table.ask_px[:-1, 0] - table.bid_px[:-1, 0]
    adds = seen.seen & (seen.kind == EventKind.ADD)
    kind = np.full(len(seen.kind), -1, np.int64)
    kind[adds] = np.where(
        seen.distance_tick < spread, INSIDE, np.where(seen.distance_tick == spread, TOUCH, DEEP)
    )[adds]
    kind[seen.seen & (seen.kind == EventKind.CANCEL)] = CANCEL
    kind[_first_trades(table)[1:]] = MARKET
    return kind


def _first_trades(table: EventTable) -> BoolArray:
    """Return where a market order begins: trades of one time and side that follow each other."""
    rows = np.flatnonzero(table.kind == EventKind.TRADE)
    first = np.zeros(table.rows, np.bool_)
    new = (np.diff(table.t_ns[rows], prepend=-1) != 0) | (np.diff(table.side[rows], prepend=0) != 0)
    first[rows[new]] = True
    return first


def _deep_tick(table: EventTable, seen: Exposure, kind: IntArray) -> float:
    """Return how far from the touch deep orders arrive; without any, how far the next level is."""
    own_best = np.where(seen.side > 0, table.bid_px[:-1, 0], table.ask_px[:-1, 0])
    behind = (seen.side * (own_best - table.px[1:]))[kind == DEEP]
    if len(behind):
        return float(behind.mean())
    moves = np.concatenate(
        [
            sign * (px[:-1, 0] - px[1:, 0])[table.two_sided[1:] & table.two_sided[:-1]]
            for sign, px in ((BUY, table.bid_px), (-BUY, table.ask_px))
        ]
    )
    away = moves[moves > 0]
    return max(1.0, float(away.mean())) if len(away) else 1.0


@dataclass(frozen=True)
class HawkesFlowFit:
    """A fitted flow; kinds are those of ``KIND_NAMES``.

    Attributes:
        base_per_s: Base rates per second and side, shape (kinds,).
        same: Successors on the same side: [k, l] of kind k by an event of kind l.
        other: Successors on the other side.
        decay_per_s: Decay of all kernels.
        patience_per_s: Cancellations per second and resting order, beside excited ones.
        radius: Spectral radius as fitted.
        rates: Events per second and side that were observed, shape (kinds,).
        goodness: Residuals of each type, by ``hawkes_flow.EVENTS``.
        flow: What was fitted.
        log_likelihood: Of all events.
        poisson_log_likelihood: The same without any excitation.
        tick: Ticks of the recording in one of the model.
    """

    base_per_s: FloatArray
    same: FloatArray
    other: FloatArray
    decay_per_s: float
    patience_per_s: float
    radius: float
    rates: FloatArray
    goodness: tuple[Residuals, ...]
    flow: Flow
    log_likelihood: float
    poisson_log_likelihood: float
    tick: int

    @property
    def settle_s(self) -> float:
        """Ten lifetimes of an order, at most an hour."""
        return min(3_600.0, 10.0 / max(self.patience_per_s, 1e-9))

    @property
    def summary(self) -> str:
        """What was fitted, for the comment of a scenario."""
        worst = max(self.goodness, key=lambda found: found.ks)
        return (
            f"A tick of the model is {self.tick} of the recording. "
            f"Five kinds of events on two sides excite each other with one decay "
            f"({self.decay_per_s:.3g} per second); spectral radius {self.radius:.2g}. Residuals: "
            f"the worst type has a Kolmogorov-Smirnov distance of {worst.ks:.2f} from exponential."
        )

    def params(self, units_per_lot: int) -> dict[str, Any]:
        """Return the parameters of ``hawkes_flow``."""
        base, same, other = _stationary(self)
        rates, table = both_sides(tuple(base), _rows(same), _rows(other))
        return {
            "base_per_s": rates,
            "branching": table,
            "decay_per_s": self.decay_per_s,
            "patience_per_s": self.patience_per_s,
            "deep_tick": max(1.0, self.flow.deep_tick),
            "mean_lots": max(1.0, self.flow.mean_lots / units_per_lot),
            "market_lots": max(1.0, self.flow.market_lots / units_per_lot),
            "max_lots": max(1, round(self.flow.large_lots / units_per_lot)),
        }

    def table(self) -> dict[str, Any]:
        """Return the figures for people and for JSON."""
        rates = dict(zip(KIND_NAMES, self.rates.tolist(), strict=True))
        base = dict(zip(KIND_NAMES, self.base_per_s.tolist(), strict=True))
        found: dict[str, Any] = {
            "tick": self.tick,
            "decay_per_s": self.decay_per_s,
            "patience_per_s": self.patience_per_s,
            "spectral_radius": self.radius,
            "mean_lots": self.flow.mean_lots,
            "market_lots": self.flow.market_lots,
            "log_likelihood_gain_per_event": (self.log_likelihood - self.poisson_log_likelihood)
            / len(self.flow.events.t_s),
        }
        found |= {f"rate_{name}_per_s": rate for name, rate in rates.items()}
        found |= {f"base_{name}_per_s": rate for name, rate in base.items()}
        for name, residual in zip(EVENTS, self.goodness, strict=True):
            found[f"residual_ks_{name}"] = residual.ks
            found[f"residual_p_{name}"] = residual.p_value
        return found


def _rows(table: FloatArray) -> tuple[tuple[float, ...], ...]:
    return tuple(tuple(row) for row in np.where(table < _SMALL, 0.0, table).tolist())


def _stationary(fit: HawkesFlowFit) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Shrink the branching to ``LARGEST_RADIUS``; base rates take over what it no longer brings."""
    if fit.radius <= LARGEST_RADIUS:
        return fit.base_per_s, fit.same, fit.other
    shrink = LARGEST_RADIUS / fit.radius
    same, other = fit.same * shrink, fit.other * shrink
    base = np.maximum(fit.rates - (same + other) @ fit.rates, 0.0)
    base[CANCEL] = 0.0
    base[DEEP] = max(base[DEEP], fit.base_per_s[DEEP])
    return base, same, other


def fit_hawkes_flow(table: EventTable, tick: int | None = None) -> HawkesFlowFit:
    """Fit the flow to a recording.

    Args:
        table: The training part.
        tick: Ticks of the recording in one of the model; the mean spread if None.

    Raises:
        DataError: If a kind of event that every market has is absent.
    """
    spread = mean_spread_tick(table)
    coarse = tick or (1 if math.isnan(spread) else max(1, round(spread)))
    flow = flow_of(coarsened(table, coarse))

    def log_likelihood(decay: float) -> float:
        return sum(fit.log_likelihood for fit in _fit_kinds(flow, decay, _SEARCH_STEPS))

    decay = best_decay(log_likelihood, _DECAYS)
    fits = _fit_kinds(flow, decay, EM_STEPS)
    poisson = [fit_rate(d[:, :1], c[:1]) for d, c in _designs(flow, decay)]
    first = np.array([fit.weights[0] for fit in fits])
    same, other = (
        np.array([fit.weights[1 + side * KINDS :][:KINDS] for fit in fits]) for side in range(2)
    )
    base = np.where(np.arange(KINDS) == CANCEL, 0.0, first)
    counts = np.bincount(flow.events.kind // 2, minlength=KINDS)
    radius = spectral_radius(both_sides(tuple(base), _rows(same), _rows(other))[1])
    goodness = _goodness(flow, decay, first, same, other)
    base[DEEP] += flow.gain_per_s
    return HawkesFlowFit(
        base_per_s=base,
        same=same,
        other=other,
        decay_per_s=decay,
        patience_per_s=float(first[CANCEL]),
        radius=radius,
        rates=counts / 2.0 / table.seconds,
        goodness=goodness,
        flow=flow,
        log_likelihood=sum(fit.log_likelihood for fit in fits),
        poisson_log_likelihood=sum(fit.log_likelihood for fit in poisson),
        tick=coarse,
    )


def _fit_kinds(flow: Flow, decay: float, steps: int) -> list[RateFit]:
    return [fit_rate(design, c, steps) for design, c in _designs(flow, decay)]


def _designs(flow: Flow, decay: float) -> list[tuple[FloatArray, FloatArray]]:
    """Return design and exposure of each kind, both sides together.

    Columns: the base (for cancellations, the orders at rest), successors of each kind on the same
    side, and on the other one.
    """
    made = Designer(flow.events, decay)
    mass = made.mass.reshape(KINDS, 2).sum(axis=1)
    found = []
    for kind in range(KINDS):
        rows = []
        for side in range(2):
            mine = flow.events.kind == 2 * kind + side
            first = flow.resting[mine, side] if kind == CANCEL else np.ones(int(mine.sum()))
            past = decay * made.past[mine]
            rows.append(np.column_stack((first, past[:, side::2], past[:, 1 - side :: 2])))
        whole = flow.all_resting_s if kind == CANCEL else 2.0 * flow.events.horizon_s
        found.append((np.concatenate(rows), np.concatenate(([whole], mass, mass))))
    return found


def _goodness(
    flow: Flow, decay: float, first: FloatArray, same: FloatArray, other: FloatArray
) -> tuple[Residuals, ...]:
    """Judge each type by its residuals."""
    before = Designer(flow.events, decay).mass_before()
    found = []
    for kind in range(KINDS):
        for side in range(2):
            mine = flow.events.kind == 2 * kind + side
            base = flow.resting_s[mine, side] if kind == CANCEL else flow.events.t_s[mine]
            past = before[mine]
            excited = past[:, side::2] @ same[kind] + past[:, 1 - side :: 2] @ other[kind]
            found.append(residuals(first[kind] * base + excited))
    return tuple(found)
