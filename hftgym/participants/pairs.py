"""A pairs trader's desk at one of two instruments: holds its leg of the spread between them.

A pair is opened when its prices have parted by so many standard deviations of their spread, and
closed when they have met again (Gatev, Goetzmann and Rouwenhorst 2006, "Pairs trading", section
2.1), lot against lot. Two desks make a trader, one at each instrument; each holds the cheaper one's
or the dearer one's side of its own book. With the same parameters, latencies and no ``jitter`` both
look at the same instants, see the same two mids and want opposite positions.

Mean and standard deviation of the spread are parameters; the baseline of this name in ``agents/``
can measure them instead, and test whether the two move together.
"""

from __future__ import annotations

from pydantic import Field, model_validator

from hftgym.core.jit import leaf
from hftgym.core.records import record
from hftgym.participants.base import participant
from hftgym.participants.targeting import TakerParams, hold, next_look_ns


class Params(TakerParams):
    """Parameters of a desk."""

    interval_s: float = Field(1.0, gt=0, description="mean seconds between looks")
    jitter: float = Field(0.0, ge=0, le=1, description="share of an interval that is random")
    mean_tick: float = Field(0.0, description="mean of the other mid less the own one, ticks")
    sd_tick: float = Field(8.0, gt=0, description="standard deviation of that, ticks")
    entry_score: float = Field(1.5, gt=0, description="opens beyond it, standard deviations")
    exit_score: float = Field(0.0, ge=0, description="closes within it, standard deviations")
    lots: int = Field(2, ge=1, description="size of a leg, lots")

    @model_validator(mode="after")
    def _check_order(self) -> Params:
        if not self.exit_score < self.entry_score:
            raise ValueError("must be exit_score < entry_score")
        return self


#: The side of the own leg that is wanted: 1, 0, -1.
MEMORY = record([("side", "i8")])


@leaf
def leg_side(side, score, entry_score, exit_score, may_open):
    """Return the side of a leg: opened when the other price is far off, closed when it is back.

    Args:
        side: of the leg that is held: 1, 0 or -1.
        score: (other price - own price - mean) / standard deviation: above 0 the own one is cheap.
        entry_score: opens beyond it.
        exit_score: closes within it, and on the other side of the mean.
        may_open: whether a new pair may be opened.
    """
    if side != 0 and side * score <= exit_score:
        side = 0
    if side == 0 and may_open and abs(score) > entry_score:
        side = 1 if score > 0.0 else -1
    return side


@participant(Params, MEMORY, own_orders=1, view_levels=1, sees_other=True)
def decide(view, own, params, memory, rng, out):
    """Compare both mids and trade towards this leg's position."""
    out.next_wake_ns = next_look_ns(view.delivered_ns, params.interval_s, params.jitter, rng)
    if view.phase != 0:
        return 0
    apart_tick = (view.other_mid_2px - view.mid_2px) / (2.0 * params.tick_px)
    score = (apart_tick - params.mean_tick) / params.sd_tick
    memory.side = leg_side(memory.side, score, params.entry_score, params.exit_score, True)
    hold(view, own, out, memory.side * params.lots, params.lots, params.at_market)
    return out.count
