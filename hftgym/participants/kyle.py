"""An insider who hides in the flow of noise traders (Kyle 1985).

"Continuous auctions and insider trading"; with information that keeps coming: Back and Pedersen
1998, "Long-lived information and intraday patterns". In one auction, value and noise trade are
normal with standard deviations s_v and s_u. In equilibrium the insider buys beta (v - p), beta =
s_u / s_v, and the price moves by lambda = s_v / (2 s_u) for each lot of the sum of both (theorem 1
of Kyle). In continuous trading over a session of T seconds the insider trades at the rate beta_t (v
- p) with beta_t = beta / (T - t), s_u being the standard deviation of the noise trade of the whole
session; price impact is constant, s_v / s_u, and what the market does not know falls to nothing at
T (theorem 3).

In a book, p is the quote that the insider must take, and the fee: inside the spread the value is
not worth trading on. Fractions of a lot are kept until they make a whole one. The signal is the
latent value, which moves on during the session; a new session begins when one is over.
"""

from __future__ import annotations

from pydantic import Field

from hftgym.core.constants import NO_PX, SECOND_NS
from hftgym.core.jit import leaf
from hftgym.core.records import record
from hftgym.participants.base import ParticipantParams, participant
from hftgym.participants.targeting import trade_to


class Params(ParticipantParams):
    """Parameters of the insider."""

    horizon_s: float = Field(300.0, gt=0, description="session T, repeated, seconds")
    interval_s: float = Field(0.5, gt=0, description="seconds between looks")
    noise_lot: float = Field(20.0, gt=0, description="s_u: sd of noise trade in a session, lots")
    value_sd_tick: float = Field(15.0, gt=0, description="s_v: sd of what it knows, ticks")
    fee_tick: float = Field(0.3, ge=0, description="taker fee, ticks per lot")
    limit_lot: int = Field(50, ge=1, description="largest position, lots")
    order_lots: int = Field(5, ge=1, description="largest order, lots")
    value_delay_ns: int = Field(0, ge=0, description="how late it sees the value, ns")


#: When it last looked, and the position that its intensity has added up to.
MEMORY = record([("t_ns", "i8"), ("wanted_lot", "f8")])


@leaf
def coefficients(noise_lot, value_sd_tick):
    """Return beta (lots per tick) and lambda (ticks per lot) of a single auction."""
    return noise_lot / value_sd_tick, value_sd_tick / (2.0 * noise_lot)


@leaf
def mispricing_tick(view, fee_tick, tick_px):
    """Return how far the value lies beyond the quote and fee on its side, ticks; 0 inside."""
    if view.ask_px[0] < NO_PX:
        above = (view.signal - view.ask_px[0]) / tick_px - fee_tick
        if above > 0.0:
            return above
    if view.bid_px[0] > -NO_PX:
        below = (view.bid_px[0] - view.signal) / tick_px - fee_tick
        if below > 0.0:
            return -below
    return 0.0


@participant(Params, MEMORY, own_orders=1, view_levels=1, sees_value=True)
def decide(view, own, params, memory, rng, out):
    """Trade in proportion to the mispricing, the faster the less time is left."""
    interval_ns = int(params.interval_s * SECOND_NS)
    out.next_wake_ns = view.delivered_ns + interval_ns
    if view.phase != 0:
        memory.t_ns = 0
        return 0
    if memory.t_ns != 0:
        age_s = (view.delivered_ns - memory.t_ns) / SECOND_NS
        left_s = params.horizon_s - (memory.t_ns / SECOND_NS) % params.horizon_s
        beta, _ = coefficients(params.noise_lot, params.value_sd_tick)
        # The intensity has no bound as the session ends: the last look closes the gap.
        share = min(age_s / left_s, 1.0)
        gap = mispricing_tick(view, params.fee_tick, params.tick_px)
        memory.wanted_lot += beta * share * gap
    memory.t_ns = max(view.delivered_ns, 1)
    limit = float(params.limit_lot)
    memory.wanted_lot = min(max(memory.wanted_lot, -limit), limit)
    trade_to(view, own, out, int(memory.wanted_lot), params.order_lots)
    return out.count
