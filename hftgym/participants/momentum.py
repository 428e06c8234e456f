"""A trend follower: buys what has risen, sells what has fallen.

Chartists extrapolate the mean of past returns (Chiarella and Iori 2002, "A simulation analysis of
the microstructure of double auction markets"); winners over months keep winning (Jegadeesh and
Titman 1993, "Returns to buying winners and selling losers"). Here the returns of the mid are summed
with weights exp(-age / horizon) over a short and a long horizon. Only a move on which both agree is
a trend, as large as the smaller of them, and the position is proportional to it.
"""

from __future__ import annotations

from pydantic import Field

from hftgym.core.jit import leaf
from hftgym.core.records import record
from hftgym.participants.base import participant
from hftgym.participants.targeting import TakerParams, hold, kept, next_look_ns


class Params(TakerParams):
    """Parameters of the trend follower."""

    interval_s: float = Field(1.0, gt=0, description="mean seconds between looks")
    short_s: float = Field(10.0, gt=0, description="short horizon of the trend, seconds")
    long_s: float = Field(60.0, gt=0, description="long horizon of the trend, seconds")
    trend_tick_per_lot: float = Field(2.0, gt=0, description="trend for each lot held, ticks")
    limit_lot: int = Field(5, ge=1, description="largest position, lots")
    order_lots: int = Field(1, ge=1, description="largest order, lots")


#: The last mid that it saw, when, and the weighted sums of returns.
MEMORY = record([("t_ns", "i8"), ("mid_2px", "i8"), ("short_px", "f8"), ("long_px", "f8")])


@leaf
def ideal_lot(short_px, long_px, px_per_lot, limit_lot):
    """Return the position that a trend asks for, lots and parts of them, within the limit."""
    trend_px = 0.0
    if short_px > 0.0 and long_px > 0.0:
        trend_px = min(short_px, long_px)
    elif short_px < 0.0 and long_px < 0.0:
        trend_px = max(short_px, long_px)
    return min(max(trend_px / px_per_lot, -float(limit_lot)), float(limit_lot))


@leaf
def target(ideal, position):
    """Return the position to trade to: the one held, unless it is a whole lot off.

    Without this band a trend that wavers about a threshold would pay the spread again and again.
    """
    return int(ideal) if abs(ideal - position) >= 1.0 else position


@participant(Params, MEMORY, own_orders=1, view_levels=1)
def decide(view, own, params, memory, rng, out):
    """Add the last return to both trends and trade towards their position."""
    out.next_wake_ns = next_look_ns(view.delivered_ns, params.interval_s, params.jitter, rng)
    if view.phase != 0:
        memory.t_ns = 0  # trends begin anew when trading does
        return 0
    if memory.t_ns == 0:
        memory.short_px = 0.0
        memory.long_px = 0.0
    else:
        move_px = 0.5 * (view.mid_2px - memory.mid_2px)
        age_ns = view.t_ns - memory.t_ns
        memory.short_px = memory.short_px * kept(age_ns, params.short_s) + move_px
        memory.long_px = memory.long_px * kept(age_ns, params.long_s) + move_px
    memory.t_ns = max(view.t_ns, 1)
    memory.mid_2px = view.mid_2px
    px_per_lot = params.trend_tick_per_lot * params.tick_px
    ideal = ideal_lot(memory.short_px, memory.long_px, px_per_lot, params.limit_lot)
    hold(view, own, out, target(ideal, own.position), params.order_lots, params.at_market)
    return out.count
