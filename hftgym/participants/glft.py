"""The stationary quotes of Gueant, Lehalle and Fernandez-Tapia, closed-form approximation.

Gueant, Lehalle and Fernandez-Tapia 2013, "Dealing with the inventory risk":
delta_bid = ln(1 + gamma/kappa) / gamma + (2q + 1)/2 * sqrt(sigma^2 gamma / (2 kappa A)
(1 + gamma/kappa)^(1 + kappa/gamma)); delta_ask with -(2q - 1)/2.
"""

from __future__ import annotations

import math

from pydantic import Field

from hftgym.core.jit import leaf
from hftgym.participants.base import participant
from hftgym.participants.fair_value import FILTER, fair_px
from hftgym.participants.maker_params import MakerParams, next_quote_ns
from hftgym.participants.quoting import quote_around


class Params(MakerParams):
    """Parameters of the maker."""

    gamma: float = Field(0.05, gt=0, description="risk aversion, 1 / tick")
    sigma: float = Field(0.7, gt=0, description="volatility, ticks per square root of a second")
    kappa: float = Field(0.5, gt=0, description="decay of the fill rate, 1 / tick")
    arrival_rate: float = Field(0.5, gt=0, description="A: fills per second at distance 0")


@leaf
def coefficients(gamma, sigma, kappa, arrival_rate):
    """Return (distance at zero inventory, change for each lot) of the quotes, ticks."""
    ratio = 1.0 + gamma / kappa
    scale = sigma * sigma * gamma / (2.0 * kappa * arrival_rate)
    slope = math.sqrt(scale * ratio ** (1.0 + kappa / gamma))
    return math.log(ratio) / gamma + 0.5 * slope, slope


@leaf
def distances(inventory_lot, gamma, sigma, kappa, arrival_rate):
    """Return (bid, ask) distances from the mid, ticks."""
    base, slope = coefficients(gamma, sigma, kappa, arrival_rate)
    return base + inventory_lot * slope, base - inventory_lot * slope


@participant(Params, FILTER, own_orders=4, view_levels=1, sees_value=True)
def decide(view, own, params, memory, rng, out):
    """Quote by the formula around the filtered value."""
    out.next_wake_ns = next_quote_ns(view.delivered_ns, params.interval_s, params.jitter, rng)
    fair = fair_px(
        view,
        memory,
        rng,
        params.noise_tick,
        params.noise_s,
        params.gain,
        params.flow_tick_per_lot,
        params.flow_s,
        params.tick_px,
    )
    if memory.slope_tick == 0.0:
        memory.base_tick, memory.slope_tick = coefficients(
            params.gamma, params.sigma, params.kappa, params.arrival_rate
        )
    shift = own.position * memory.slope_tick
    bid = memory.base_tick + shift
    ask = memory.base_tick - shift
    quote_around(view, own, out, fair, bid, ask, params.lots, params.limit_lot, params.tick_px)
    return out.count
