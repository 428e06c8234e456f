"""Noise takers: market orders of random side and size at Poisson times (Glosten, Milgrom 1985).

With ``u_shape`` above 0 their rate has the U-shape of a trading day (Wood, McInish, Ord 1985;
Admati, Pfleiderer 1988): x being the share of the day that has passed,

    rate(x) = rate_per_s * (1 + u_shape * (3 * (2 * x - 1)^2 - 1) / 2),

1 + u_shape times the mean at the open and the close, 1 - u_shape / 2 times at midday; the mean over
a day stays ``rate_per_s``. Arrival times are exact: thinned from a Poisson process of the largest
rate (Lewis, Shedler 1979).
"""

from __future__ import annotations

from pydantic import Field

from hftgym.core.constants import BUY, NONE, SECOND_NS, SELL
from hftgym.core.jit import leaf
from hftgym.core.rng import exponential, geometric, uniform
from hftgym.participants.base import ParticipantParams, participant
from hftgym.participants.orders import free_slot, take


class Params(ParticipantParams):
    """Parameters of a crowd of noise takers."""

    rate_per_s: float = Field(0.6, gt=0, description="market orders per second, mean over a day")
    mean_lots: float = Field(1.5, ge=1, description="mean order size (geometric), lots")
    max_lots: int = Field(10, ge=1, description="largest order, lots")
    u_shape: float = Field(
        0.0, ge=0, le=2, description="rate at open and close above the mean, as a share of it"
    )
    day_s: float = Field(23_400.0, gt=0, description="length of a day from time 0, seconds")


@leaf
def u_profile(day_share, u_shape):
    """Return the rate over its mean when this share of the day has passed."""
    from_midday = 2.0 * day_share - 1.0
    return 1.0 + 0.5 * u_shape * (3.0 * from_midday * from_midday - 1.0)


@leaf
def _wait_ns(rng, params, now_ns):
    """Draw the time to the next order; without a U-shape that is one exponential variate."""
    if params.u_shape == 0.0:
        return exponential(rng, SECOND_NS / params.rate_per_s)
    largest = 1.0 + params.u_shape
    wait_ns = 0.0
    while True:
        wait_ns += exponential(rng, SECOND_NS / (params.rate_per_s * largest))
        days = (now_ns + wait_ns) / (params.day_s * SECOND_NS)
        if uniform(rng) * largest < u_profile(days % 1.0, params.u_shape):
            return wait_ns


@participant(Params, own_orders=8, view_levels=1)
def decide(view, own, params, memory, rng, out):
    """Send one market order, except on the first view, which only starts the clock."""
    started = rng.decision > 1
    out.next_wake_ns = view.delivered_ns + int(_wait_ns(rng, params, view.delivered_ns)) + 1
    side = BUY if uniform(rng) < 0.5 else SELL
    lots = min(geometric(rng, params.mean_lots), params.max_lots)
    slot = free_slot(own)
    if started and slot != NONE and view.phase == 0:
        take(out, slot, side, lots)
    return out.count
