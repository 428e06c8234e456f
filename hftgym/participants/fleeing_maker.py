"""A maker whose liquidity flees: wider when flow is one-sided, gone when it is too one-sided.

Makers as they behaved on 6 May 2010: willing to hold little, and gone when the flow turned against
them (Kirilenko, Kyle, Samadi, Tuzun 2017, "The Flash Crash"; Easley, Lopez de Prado, O'Hara 2011,
"The microstructure of the flash crash", for makers that leave when flow is toxic). What they look
at is the net flow: lots bought less lots sold, forgotten over ``memory_s``. In quiet times this is
a maker with a constant spread that leans against its inventory.
"""

from __future__ import annotations

import math

from pydantic import Field

from hftgym.core.constants import NO_PX, SECOND_NS
from hftgym.core.records import record
from hftgym.participants.base import participant
from hftgym.participants.fair_value import FILTER, fair_px
from hftgym.participants.maker_params import MakerParams, next_quote_ns
from hftgym.participants.quoting import quote, quote_around


class Params(MakerParams):
    """Parameters of the maker."""

    half_spread_tick: float = Field(1.5, gt=0, description="distance in quiet times, ticks")
    skew_tick_per_lot: float = Field(0.2, ge=0, description="shift of both quotes, ticks per lot")
    memory_s: float = Field(10.0, gt=0, description="memory of the net flow, seconds")
    widen_tick_per_lot: float = Field(0.1, ge=0, description="further out for net flow, ticks")
    flee_lots: float = Field(20.0, gt=0, description="net flow at which it leaves, lots")
    away_s: float = Field(10.0, gt=0, description="how long it stays away after that, seconds")


#: The filter of its fair price, the net flow, and until when it is away.
MEMORY = record(
    [
        ("filter", FILTER),
        ("net_lots", "f8"),
        ("bought_lots", "i8"),
        ("seen_ns", "i8"),
        ("away_until_ns", "i8"),
    ]
)


@participant(Params, MEMORY, own_orders=4, view_levels=1, sees_value=True)
def decide(view, own, params, memory, rng, out):
    """Quote, wider when the flow is one-sided; withdraw both sides when it is too much so."""
    now_ns = view.delivered_ns
    out.next_wake_ns = next_quote_ns(now_ns, params.interval_s, params.jitter, rng)
    fair = fair_px(
        view,
        memory.filter,
        rng,
        params.noise_tick,
        params.noise_s,
        params.gain,
        params.flow_tick_per_lot,
        params.flow_s,
        params.tick_px,
    )
    memory.net_lots *= math.exp(-(view.t_ns - memory.seen_ns) / (params.memory_s * SECOND_NS))
    memory.net_lots += view.signed_volume - memory.bought_lots
    memory.bought_lots = view.signed_volume
    memory.seen_ns = view.t_ns
    one_sided = abs(memory.net_lots)
    if one_sided > params.flee_lots:
        memory.away_until_ns = now_ns + int(params.away_s * SECOND_NS)
    if now_ns < memory.away_until_ns:
        quote(own, out, -NO_PX, NO_PX, params.lots)
        return out.count
    distance = params.half_spread_tick + params.widen_tick_per_lot * one_sided
    shift = params.skew_tick_per_lot * own.position
    bid = distance + shift
    ask = distance - shift
    quote_around(view, own, out, fair, bid, ask, params.lots, params.limit_lot, params.tick_px)
    return out.count
