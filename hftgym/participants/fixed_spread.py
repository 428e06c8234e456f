"""A maker with a constant half-spread around its fair price: the simplest baseline."""

from __future__ import annotations

from pydantic import Field

from hftgym.core.jit import leaf
from hftgym.participants.base import participant
from hftgym.participants.fair_value import FILTER, fair_px
from hftgym.participants.maker_params import MakerParams, next_quote_ns
from hftgym.participants.quoting import quote_around


class Params(MakerParams):
    """Parameters of the maker."""

    half_spread_tick: float = Field(2.0, gt=0, description="distance of both quotes, ticks")


@leaf
def distances(half_spread_tick):
    """Return (bid, ask) distances from the fair price, ticks."""
    return half_spread_tick, half_spread_tick


@participant(Params, FILTER, own_orders=4, view_levels=1, sees_value=True)
def decide(view, own, params, memory, rng, out):
    """Quote both sides at the same distance."""
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
    bid, ask = distances(params.half_spread_tick)
    quote_around(view, own, out, fair, bid, ask, params.lots, params.limit_lot, params.tick_px)
    return out.count
