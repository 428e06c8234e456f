"""Sleeping stops: they lie in two sides of their own, by trigger, the next to wake first."""

from __future__ import annotations

from hftgym.core.book import level_head, make_room, rest, side_index, visible_key
from hftgym.core.constants import (
    NO_KEY,
    NO_PX,
    NONE,
    Flag,
    LogKind,
    LogMark,
    Phase,
    Reason,
    StopOn,
)
from hftgym.core.jit import leaf
from hftgym.core.ledger import open_lots, write_log
from hftgym.core.orders import place_own, write_rare

_STOP = int(Flag.STOP)
_OK = int(Reason.OK)
_LOG_STOP = int(LogKind.STOP)
_MARK_HIDDEN = int(LogMark.HIDDEN)
_CONTINUOUS = int(Phase.CONTINUOUS)
_LAST = int(StopOn.LAST)
_TOUCH = int(StopOn.TOUCH)


@leaf
def touch_mid(b):
    """Return twice the mid of the visible touch; the one known so far when there is none."""
    bid = visible_key(b.sides[0], b.sides[0].best)
    ask = visible_key(b.sides[1], b.sides[1].best)
    if bid == NO_KEY or ask == NO_KEY or bid >= -ask:
        return b.mid_2px
    return bid - ask


@leaf
def next_stop(b):
    """Return the sleeping order that the price wakes next, or NONE."""
    buys = b.sides[2]
    sells = b.sides[3]
    if (buys.orders == 0 and sells.orders == 0) or b.instrument.phase != _CONTINUOUS:
        return NONE
    on = b.instrument.stop_on
    if on == _LAST:
        if b.stop_px == NO_PX:
            return NONE
        up_2px = 2 * b.stop_px
        down_2px = up_2px
    elif on == _TOUCH:
        ask = visible_key(b.sides[1], b.sides[1].best)
        bid = visible_key(b.sides[0], b.sides[0].best)
        up_2px = -2 * ask if ask != NO_KEY else -NO_PX
        down_2px = 2 * bid if bid != NO_KEY else NO_PX
    else:
        up_2px = touch_mid(b)
        down_2px = up_2px
    # A side's best key is minus the lowest trigger of buy stops, the highest of sell stops.
    if buys.best != NO_KEY and -2 * buys.best <= up_2px:
        return level_head(buys, buys.best)
    if sells.best != NO_KEY and 2 * sells.best >= down_2px:
        return level_head(sells, sells.best)
    return NONE


@leaf
def has_stop_room(b, side, trigger_px):
    """Prepare a level for a stop that will sleep; False when there is none."""
    return make_room(b.sides[2 + side_index(side)], -side * trigger_px)


@leaf
def sleep(
    m, log, b, p, slot, gen, side, px, trigger_px, lots, flags, kind, display_lots, expire_ns
):
    """Let a stop sleep. The caller has made sure of room."""
    s = b.sides[2 + side_index(side)]
    index = place_own(m, p, slot, gen)
    rest(m, s, index, p, slot, s.side * trigger_px, lots, _STOP)
    m.orders[index].side = side
    open_lots(m, p, side, lots, 1)
    j = write_rare(m, index, 0, display_lots, expire_ns, flags)
    r = m.rare[j]
    r.limit_px = px
    r.kind = kind
    write_log(m, log, _LOG_STOP, p, slot, NONE, NONE, side, trigger_px, lots, _OK, _MARK_HIDDEN)
