"""The market maker of Avellaneda and Stoikov 2008, "High-frequency trading in a limit order book".

Reservation price r = s - q gamma sigma^2 (T - t) (eq. 29 of the paper) and total spread
gamma sigma^2 (T - t) + (2 / gamma) ln(1 + gamma / kappa) (eq. 30) around it.
"""

from __future__ import annotations

import math

from pydantic import Field

from hftgym.core.constants import SECOND_NS
from hftgym.core.jit import leaf
from hftgym.participants.base import participant
from hftgym.participants.fair_value import FILTER, fair_px
from hftgym.participants.maker_params import MakerParams, next_quote_ns
from hftgym.participants.quoting import quote_around


class Params(MakerParams):
    """Parameters of the maker."""

    gamma: float = Field(0.01, gt=0, description="risk aversion, 1 / tick")
    sigma: float = Field(0.7, gt=0, description="volatility, ticks per square root of a second")
    kappa: float = Field(0.5, gt=0, description="decay of the fill rate, 1 / tick")
    horizon_s: float = Field(60.0, gt=0, description="session length T, repeated, seconds")


@leaf
def distances(inventory_lot, time_left_s, gamma, sigma, kappa):
    """Return (bid, ask) distances from the mid, ticks."""
    risk = gamma * sigma * sigma * time_left_s
    half_spread = 0.5 * risk + math.log(1.0 + gamma / kappa) / gamma
    return half_spread + inventory_lot * risk, half_spread - inventory_lot * risk


@participant(Params, FILTER, own_orders=4, view_levels=1, sees_value=True)
def decide(view, own, params, memory, rng, out):
    """Quote by the formula; a new session begins every ``horizon_s``."""
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
    left_s = params.horizon_s - (view.delivered_ns / SECOND_NS) % params.horizon_s
    bid, ask = distances(own.position, left_s, params.gamma, params.sigma, params.kappa)
    quote_around(view, own, out, fair, bid, ask, params.lots, params.limit_lot, params.tick_px)
    return out.count
