"""Parameters that all makers share: size, limit, rhythm and what they know of the value."""

from __future__ import annotations

from pydantic import Field

from hftgym.core.constants import SECOND_NS
from hftgym.core.jit import leaf
from hftgym.core.rng import uniform
from hftgym.participants.base import ParticipantParams


class MakerParams(ParticipantParams):
    """Common part of every maker's ``Params``."""

    lots: int = Field(1, ge=1, description="size of each quote, lots")
    limit_lot: int = Field(20, ge=1, description="largest inventory, lots")
    interval_s: float = Field(0.5, gt=0, description="mean seconds between requotes")
    jitter: float = Field(1.0, ge=0, le=1, description="width of their spread, intervals")
    value_delay_ns: int = Field(-1, description="how late it sees the value, ns; negative: never")
    noise_tick: float = Field(1.0, ge=0, description="sd of its error about the value, ticks")
    noise_s: float = Field(20.0, gt=0, description="memory of that error, seconds")
    gain: float = Field(0.5, gt=0, le=1, description="share of a surprise that it believes at once")
    flow_tick_per_lot: float = Field(0.0, ge=0, description="shift for each lot bought, ticks")
    flow_s: float = Field(10.0, gt=0, description="memory of that shift, seconds")


@leaf
def next_quote_ns(now_ns, interval_s, jitter, rng):
    """Return when to quote next: uniform within ``jitter`` intervals around one interval from now.

    With the usual jitter of 1 that is half to one and a half intervals; with 0, always one.
    """
    if jitter == 0.0:
        return now_ns + int(interval_s * SECOND_NS + 0.5)
    share = 1.0 - 0.5 * jitter + jitter * uniform(rng)
    return now_ns + int(share * interval_s * SECOND_NS)
