"""A contrarian: trades against a mid that is far from its own moving average.

Prices that have a transitory part come back (Poterba and Summers 1988, "Mean reversion in stock
prices"). The rules are those for s-scores of Avellaneda and Lee 2010, "Statistical arbitrage in the
US equities market", section 4: with s = (mid - average) / standard deviation, buy to open at s <
-entry, sell to open at s > +entry, close at s > -exit and s < +exit. Beyond the stop a position is
given up, and nothing is opened before s has come back to the exit.

Average and variance are exponentially weighted by time, both before the newest mid.
"""

from __future__ import annotations

import math

from pydantic import Field, model_validator

from hftgym.core.constants import SECOND_NS
from hftgym.core.jit import leaf
from hftgym.core.records import record
from hftgym.participants.base import participant
from hftgym.participants.targeting import TakerParams, hold, kept, next_look_ns


class Params(TakerParams):
    """Parameters of the contrarian."""

    interval_s: float = Field(1.0, gt=0, description="mean seconds between looks")
    memory_s: float = Field(60.0, gt=0, description="memory of the average, and warm-up, seconds")
    entry_score: float = Field(1.25, gt=0, description="opens beyond it, standard deviations")
    exit_score: float = Field(0.5, ge=0, description="closes within it, standard deviations")
    stop_score: float = Field(4.0, gt=0, description="gives up beyond it, standard deviations")
    least_sd_tick: float = Field(0.5, gt=0, description="standard deviation is at least, ticks")
    lots: int = Field(2, ge=1, description="size of a position, lots")

    @model_validator(mode="after")
    def _check_order(self) -> Params:
        if not self.exit_score < self.entry_score < self.stop_score:
            raise ValueError("must be exit_score < entry_score < stop_score")
        return self


#: Time of the first and the last view, average and variance of the mid, and what is held.
MEMORY = record(
    [
        ("first_ns", "i8"),
        ("t_ns", "i8"),
        ("mean_px", "f8"),
        ("variance_px2", "f8"),
        ("side", "i8"),  # of the position: 1, 0, -1
        ("stopped", "i8"),  # waits for the score to come back
    ]
)


@leaf
def update(memory, mid_px, age_ns, memory_s):
    """Take a mid into average and variance (West 1979, with weights that decay in time)."""
    keep = kept(age_ns, memory_s)
    surprise = mid_px - memory.mean_px
    memory.mean_px += (1.0 - keep) * surprise
    memory.variance_px2 = keep * (memory.variance_px2 + (1.0 - keep) * surprise * surprise)


@leaf
def react(memory, score, entry_score, exit_score, stop_score):
    """Open, keep, close or give up: set ``memory.side`` by the rules."""
    away = abs(score)
    if memory.stopped != 0:
        if away < exit_score:
            memory.stopped = 0
    elif away > stop_score:
        memory.side = 0
        memory.stopped = 1
    elif memory.side == 0:
        if away > entry_score:
            memory.side = -1 if score > 0.0 else 1
    elif -memory.side * score < exit_score:
        memory.side = 0


@participant(Params, MEMORY, own_orders=1, view_levels=1)
def decide(view, own, params, memory, rng, out):
    """Score the mid, react, and learn from it."""
    out.next_wake_ns = next_look_ns(view.delivered_ns, params.interval_s, params.jitter, rng)
    if view.phase != 0:
        return 0
    mid_px = 0.5 * view.mid_2px
    now_ns = max(view.t_ns, 1)
    if memory.t_ns == 0:
        memory.first_ns = now_ns
        memory.mean_px = mid_px
    elif now_ns - memory.first_ns > params.memory_s * SECOND_NS:
        sd_px = max(math.sqrt(memory.variance_px2), params.least_sd_tick * params.tick_px)
        score = (mid_px - memory.mean_px) / sd_px
        react(memory, score, params.entry_score, params.exit_score, params.stop_score)
    if memory.t_ns != 0:
        update(memory, mid_px, now_ns - memory.t_ns, params.memory_s)
    memory.t_ns = now_ns
    hold(view, own, out, memory.side * params.lots, params.lots, params.at_market)
    return out.count
