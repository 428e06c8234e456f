"""The Santa Fe model fitted to a recording (parameters of Daniels et al. 2003).

The five parameters are measured as Farmer, Patelli and Zovko (2005, section 3) measure them, but
over clock time and over what the recording shows (``exposure``): sigma is the mean size of limit
orders; mu is the volume of market orders, alpha the volume of limit orders per tick and side, delta
the cancelled volume over the volume that rests, each in units of sigma and per second. These are
the maximum likelihood estimates of constant rates; their standard errors count events as
independent, which real events are not.

The model has one alpha for all distances. It is averaged over those at which ``BAND_SHARE`` of the
visible limit orders arrive; the market made of it has a band as wide, or wider where the model's
own price scale asks for it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from hftgym.analytics.event_table import EventKind, EventTable
from hftgym.calibration.exposure import FloatArray, exposure
from hftgym.errors import DataError

#: Share of the visible limit orders that arrive within the band.
BAND_SHARE = 0.99
#: Band in price scales mu / 2 alpha: wider ones leave the spread as it is.
BAND_SCALES = 10
#: Orders that the participant may have at rest; half of them, so that chance rarely reaches it.
MAX_ORDERS = 120


@dataclass(frozen=True)
class SantaFeFit:
    """Rates per second in units of ``sigma_lots``.

    Attributes:
        limit_rate: alpha, limit orders per tick and side.
        market_rate: mu, market orders of both sides together.
        cancel_rate: delta, per resting order.
        sigma_lots: Mean size of a limit order, in lots of the recording.
        band_tick: Width of the band of limit orders, from the opposite best, in ticks.
        limit_rate_se: Standard error of alpha.
        market_rate_se: Standard error of mu.
        cancel_rate_se: Standard error of delta.
        limits: Limit orders counted.
        markets: Trades counted.
        cancels: Cancellations counted.
    """

    limit_rate: float
    market_rate: float
    cancel_rate: float
    sigma_lots: float
    band_tick: int
    limit_rate_se: float
    market_rate_se: float
    cancel_rate_se: float
    limits: int
    markets: int
    cancels: int
    tick: ClassVar[int] = 1

    @property
    def price_scale_tick(self) -> float:
        """p_c = mu / 2 alpha: the characteristic price interval, in ticks."""
        return self.market_rate / (2 * self.limit_rate)

    @property
    def granularity(self) -> float:
        """Epsilon = 2 delta sigma / mu, the order size that does not depend on units."""
        return 2 * self.cancel_rate / self.market_rate

    @property
    def orders_at_rest(self) -> float:
        """Orders that rest on average far from the touch, both sides of the band."""
        return 2 * self.limit_rate * self.band_tick / self.cancel_rate

    @property
    def settle_s(self) -> float:
        """Ten lifetimes of an order."""
        return 10.0 / self.cancel_rate

    @property
    def summary(self) -> str:
        """What was fitted, for the comment of a scenario."""
        return (
            "Rates per second in orders of the mean size: alpha a tick and side (limit_rate), mu "
            "(market_rate), delta an order (cancel_rate). Their scales: mu / 2 alpha = "
            f"{self.price_scale_tick:.2g} ticks, 2 delta / mu = {self.granularity:.2g}."
        )

    def params(self, units_per_lot: int) -> dict[str, Any]:
        """Return the parameters of ``zero_intelligence``."""
        return {
            "limit_rate": self.limit_rate,
            "market_rate": self.market_rate,
            "cancel_rate": self.cancel_rate,
            "band_tick": self.band_tick,
            "lots": max(1, round(self.sigma_lots / units_per_lot)),
            "max_orders": MAX_ORDERS,
        }

    def table(self) -> dict[str, Any]:
        """Return the figures for people and for JSON."""
        scales = {"price_scale_tick": self.price_scale_tick, "epsilon": self.granularity}
        return {**vars(self), **scales}


def fit_santa_fe(table: EventTable) -> SantaFeFit:
    """Measure the parameters of the model.

    Args:
        table: The training part of a recording.

    Raises:
        DataError: If limit orders, market orders or cancellations are absent.
    """
    seen = exposure(table)
    limits = seen.seen & (seen.kind == EventKind.ADD)
    cancels = seen.seen & (seen.kind == EventKind.CANCEL)
    markets = seen.kind == EventKind.TRADE
    watched_s = float(seen.held_s.sum())
    resting = float((seen.visible_lots * seen.held_s).sum())
    for what, mask in (("limit", limits), ("market", markets), ("cancelled", cancels)):
        if not mask.any():
            raise DataError(
                "HG-D191",
                f"{table.name}: no {what} orders in the training part; a Santa Fe market needs "
                "limit orders, market orders and cancellations. Give a longer recording.",
            )
    near = int(np.quantile(seen.distance_tick[limits], BAND_SHARE, method="higher"))
    held_s = float(seen.held_by_distance(near)[1:].sum())
    in_band = limits & (seen.distance_tick <= near)
    sigma = float(seen.lots[in_band].mean())
    alpha = float(in_band.sum()) / held_s  # times sigma: their volume
    mu = float(seen.lots[markets].sum()) / sigma / watched_s
    delta = float(seen.lots[cancels].sum()) / resting
    return SantaFeFit(
        limit_rate=alpha,
        market_rate=mu,
        cancel_rate=delta,
        sigma_lots=sigma,
        band_tick=_band(near, alpha, mu, delta),
        limit_rate_se=alpha / math.sqrt(float(in_band.sum())),
        market_rate_se=mu * _relative_error(seen.lots[markets]),
        cancel_rate_se=delta * _relative_error(seen.lots[cancels]),
        limits=int(in_band.sum()),
        markets=int(markets.sum()),
        cancels=int(cancels.sum()),
    )


def _band(near_tick: int, limit_rate: float, market_rate: float, cancel_rate: float) -> int:
    """Return a band for the simulation, whose resting orders fit into the participant's slots."""
    wanted = max(near_tick, math.ceil(BAND_SCALES * market_rate / (2 * limit_rate)))
    most = int(MAX_ORDERS / 2 * cancel_rate / (2 * limit_rate))
    return max(1, min(wanted, most))


def _relative_error(lots: Any) -> float:
    """Return the relative standard error of a compound Poisson sum."""
    sizes = np.asarray(lots, np.float64)
    return math.sqrt(float((sizes**2).sum())) / float(sizes.sum())


def arrival_profile(table: EventTable, longest_tick: int) -> FloatArray:
    """Return limit orders per second, tick and side at each distance, shape (longest_tick + 1,)."""
    seen = exposure(table)
    held = seen.held_by_distance(longest_tick)
    limits = seen.seen & (seen.kind == EventKind.ADD) & (seen.distance_tick <= longest_tick)
    counts = np.bincount(seen.distance_tick[limits], minlength=longest_tick + 1)
    return np.divide(counts, held, out=np.zeros(longest_tick + 1), where=held > 0)
