"""What it costs to buy or sell what is left of an execution at once, against the arrival price."""

from __future__ import annotations

from hftgym.core.book import level_lots, next_key, side_index, visible_key
from hftgym.core.constants import NO_KEY
from hftgym.core.desks import book_of
from hftgym.core.jit import leaf


@leaf
def sweep_2m(m, task, side, lots, arrival_2px):
    """Return twice the cost of taking ``lots`` out of the visible book, in money units.

    Level by level at the prices that stand there, with the taker's fee. What the book can not
    fill is bought a tick beyond its last level (of an empty one: beyond half a usual spread).
    """
    b = book_of(m, task.learner)
    s = b.sides[side_index(-side)]
    cost_2px = 0
    left = lots
    last_2px = b.mid_2px + 2 * side * int(task.half_spread_tick * task.tick_px)
    key = visible_key(s, s.best)
    while left > 0 and key != NO_KEY:
        taken = min(left, level_lots(s, key))
        last_2px = 2 * s.side * key
        cost_2px += taken * side * (last_2px - arrival_2px)
        left -= taken
        key = visible_key(s, next_key(s, key))
    last_2px += 2 * side * task.tick_px
    cost_2px += left * side * (last_2px - arrival_2px)
    return cost_2px * task.unit_value + 2 * lots * task.taker_fee
