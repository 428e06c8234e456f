"""Trading towards a target position with immediate orders at the touch, one at a time."""

from __future__ import annotations

import math

from hftgym.core.constants import BUY, NO_PX, SECOND_NS, SELL, Flag
from hftgym.core.jit import leaf
from hftgym.core.rng import exponential
from hftgym.participants.orders import place

#: Order slot that is used.
SLOT = 0
_IOC = int(Flag.IOC)


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
def next_look_ns(now_ns, interval_s, rng):
    """Return when to look next: Poisson times with this mean interval."""
    return now_ns + int(exponential(rng, interval_s * SECOND_NS)) + 1


@leaf
def kept(age_ns, memory_s):
    """Return the weight that is left after ``age_ns`` of an exponential memory."""
    return math.exp(-age_ns / (memory_s * SECOND_NS))
