"""Leaves that the order flows share: where a side begins, and which of their orders is meant."""

from __future__ import annotations

from hftgym.core.constants import BUY, NO_PX, NONE, OwnState
from hftgym.core.jit import leaf

_FREE = int(OwnState.FREE)


@leaf
def opposite_px(view, side, tick_px):
    """Return the price from which distances of one side count: the opposite best.

    While the opposite side is empty, the first tick beyond the last known mid stands in for it.
    """
    if side == BUY:
        if view.ask_px[0] < NO_PX:
            return view.ask_px[0]
        return (view.mid_2px // (2 * tick_px) + 1) * tick_px
    if view.bid_px[0] > -NO_PX:
        return view.bid_px[0]
    return -((-view.mid_2px) // (2 * tick_px) + 1) * tick_px


@leaf
def has_opposite(view, side):
    """Return whether a market order of this side would find somebody."""
    return view.ask_px[0] < NO_PX if side == BUY else view.bid_px[0] > -NO_PX


@leaf
def nth_order(own, n):
    """Return the slot of the n-th order in use (from 0), or NONE when there are fewer."""
    for slot in range(own.capacity):
        if own.orders[slot].state != _FREE:
            if n == 0:
                return slot
            n -= 1
    return NONE
