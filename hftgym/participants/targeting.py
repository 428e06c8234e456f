"""Trading towards a target position: by orders at the touch, one at a time, or at the market."""

from __future__ import annotations

import math

from pydantic import Field

from hftgym.core.constants import BUY, NO_PX, SECOND_NS, SELL, Flag
from hftgym.core.jit import leaf
from hftgym.core.rng import exponential
from hftgym.participants.base import ParticipantParams
from hftgym.participants.orders import place, take_behind_quotes

#: Order slot that is used.
SLOT = 0
_IOC = int(Flag.IOC)


class TakerParams(ParticipantParams):
    """What takers with a target position share: how they trade, and when they look."""

    jitter: float = Field(1.0, ge=0, le=1, description="share of an interval that is random")
    at_market: bool = Field(False, description="all that is missing at once, at any price")


@leaf
def trade_to(view, own, out, target_lot, most_lots):
    """Send one immediate-or-cancel order towards a position, at the touch and no further.

    Nothing is sent while an order is on its way: the position is not known then. At most
    ``most_lots``, and not more than the touch shows.
    """
    if view.phase != 0 or own.live > 0:
        return
    missing = target_lot - own.position
    if missing > 0 and view.ask_px[0] < NO_PX:
        lots = min(missing, most_lots, view.ask_lots[0])
        place(out, SLOT, BUY, view.ask_px[0], lots, _IOC)
    elif missing < 0 and view.bid_px[0] > -NO_PX:
        lots = min(-missing, most_lots, view.bid_lots[0])
        place(out, SLOT, SELL, view.bid_px[0], lots, _IOC)


@leaf
def hold(view, own, out, target_lot, most_lots, at_market):
    """Trade towards a position at the touch, see ``trade_to``, or with a market order."""
    if at_market == 0:
        trade_to(view, own, out, target_lot, most_lots)
    elif view.phase == 0 and own.live == 0:
        missing = target_lot - own.position
        take_behind_quotes(own, out, BUY if missing > 0 else SELL, abs(missing))


@leaf
def next_look_ns(now_ns, interval_s, jitter, rng):
    """Return when to look next: a share ``jitter`` of this mean interval is exponential.

    With the usual jitter of 1 that makes Poisson times; with 0, always one interval.
    """
    if jitter == 0.0:
        return now_ns + int(interval_s * SECOND_NS + 0.5)
    random_ns = exponential(rng, interval_s * SECOND_NS)
    return now_ns + int((1.0 - jitter) * interval_s * SECOND_NS + jitter * random_ns) + 1


@leaf
def kept(age_ns, memory_s):
    """Return the weight that is left after ``age_ns`` of an exponential memory."""
    return math.exp(-age_ns / (memory_s * SECOND_NS))
