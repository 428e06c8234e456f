"""A maker whose liquidity flees: wider when the mid has moved, gone when it has moved far.

Makers as they behaved on 6 May 2010: willing to hold little, wider when the price runs, and gone
when it runs too far (Kirilenko, Kyle, Samadi, Tuzun 2017; Easley, Lopez de Prado, O'Hara 2011, for
liquidity that leaves when flow turns toxic). In quiet times it is a maker with a constant spread
that leans against its inventory.
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
    memory_s: float = Field(5.0, gt=0, description="a move is from the mean mid of so long, s")
    widen: float = Field(0.5, ge=0, description="ticks further out for each tick of a move")
    flee_tick: float = Field(12.0, gt=0, description="move after which it leaves, ticks")
    away_s: float = Field(10.0, gt=0, description="how long it stays away after that, seconds")


#: The filter of its fair price, the exponential mean of the mid, and until when it is away.
MEMORY = record(
    [
        *((name, FILTER.fields[name][0]) for name in FILTER.names),
        ("mean_px", "f8"),
        ("seen_ns", "i8"),
        ("away_until_ns", "i8"),
    ]
)


@participant(Params, MEMORY, own_orders=4, view_levels=1, sees_value=True)
def decide(view, own, params, memory, rng, out):
    """Quote, wider after a move; withdraw both sides after a large one."""
    now_ns = view.delivered_ns
    out.next_wake_ns = next_quote_ns(now_ns, params.interval_s, rng)
    fair = fair_px(
        view,
        memory,
        rng,
        params.noise_tick,
        params.noise_s,
        params.gain,
        params.flow_tick_per_lot,
        params.flow_s,
    )
    mid_px = 0.5 * view.mid_2px
    if memory.seen_ns == 0:
        memory.mean_px = mid_px
    age_s = (view.t_ns - memory.seen_ns) / SECOND_NS
    memory.mean_px += (1.0 - math.exp(-age_s / params.memory_s)) * (mid_px - memory.mean_px)
    memory.seen_ns = max(view.t_ns, 1)
    move_tick = abs(mid_px - memory.mean_px)
    if move_tick > params.flee_tick:
        memory.away_until_ns = now_ns + int(params.away_s * SECOND_NS)
    if now_ns < memory.away_until_ns:
        quote(own, out, -NO_PX, NO_PX, params.lots)
        return out.count
    distance = params.half_spread_tick + params.widen * move_tick
    shift = params.skew_tick_per_lot * own.position
    quote_around(own, out, fair, distance + shift, distance - shift, params.lots, params.limit_lot)
    return out.count
