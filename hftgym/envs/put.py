"""Writing one number of an observation, and reading a level of a view."""

from __future__ import annotations

from hftgym.core.constants import BUY, VIEW_LEVELS
from hftgym.core.jit import leaf
from hftgym.envs.task import CLIP


@leaf
def put(o, index, x):
    """Write a number, clipped."""
    o[index] = min(max(x, -CLIP), CLIP)


@leaf
def level_lots_seen(view, side, px):
    """Return the lots that a view shows at a price; 0 when it does not show the level."""
    for i in range(VIEW_LEVELS):
        if side == BUY:
            if view.bid_px[i] == px:
                return view.bid_lots[i]
        elif view.ask_px[i] == px:
            return view.ask_lots[i]
    return 0
