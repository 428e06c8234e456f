"""From an action to messages: two wanted prices, written into the learner's mailbox.

Distances are ``half_spread_tick * distance_base ** action`` ticks from the observed mid, rounded
outward. An unchanged price sends nothing, so an order keeps its place; a side whose fill would pass
the inventory limit is withdrawn.
"""

from __future__ import annotations

import math

from hftgym.core.calls import own_state
from hftgym.core.constants import BUY, NO_PX, SELL, OwnState
from hftgym.core.jit import leaf
from hftgym.envs.mailbox import empty_mailbox, mailbox
from hftgym.participants.quoting import ASK_SLOT, BID_SLOT, quote_side

_FREE = int(OwnState.FREE)
_PENDING_CANCEL = int(OwnState.PENDING_CANCEL)
_WITHDRAW = 0
_KEEP = 1
_JOIN = 2
_IMPROVE = 3
_BEHIND_1 = 4
_MOVES = 6
_LIMIT = 1.0 + 1e-6  # rounding is forgiven, nothing else


@leaf
def is_legal(task, a):
    """Return whether one component of an action lies in its space (NaN does not)."""
    if task.discrete != 0:
        return a >= 0.0 and a < _MOVES and a == math.floor(a)
    return a >= -_LIMIT and a <= _LIMIT


@leaf
def _at_distance(task, view, side, a):
    """Return the price at the distance that a continuous action asks for."""
    if a >= task.withdraw:
        return -side * NO_PX
    distance_tick = task.half_spread_tick * math.pow(task.distance_base, a)
    mid_tick = view.mid_2px / (2.0 * task.tick_px)
    if side == BUY:
        return math.floor(mid_tick - distance_tick) * task.tick_px
    return math.ceil(mid_tick + distance_tick) * task.tick_px


@leaf
def _at_touch(task, view, side, move):
    """Return the price at, before or behind the side's own touch; withdrawn without a touch."""
    if side == BUY:
        touch_px = view.bid_px[0]
        lots = view.bid_lots[0]
    else:
        touch_px = view.ask_px[0]
        lots = view.ask_lots[0]
    if move == _WITHDRAW or lots == 0:
        return -side * NO_PX
    behind = 0
    if move == _IMPROVE:
        behind = -1
    elif move >= _BEHIND_1:
        behind = move - _IMPROVE
    return touch_px - side * behind * task.tick_px


@leaf
def _quote(task, instrument, view, own, box, slot, side, a):
    room = side * own.position + task.lots <= task.limit_lot
    px = -side * NO_PX
    if room:
        if task.discrete == 0:
            px = _at_distance(task, view, side, a)
        else:
            move = int(a)
            if move == _KEEP:
                return
            px = _at_touch(task, view, side, move)
        if px < instrument.px_min or px > instrument.px_max:
            px = -side * NO_PX
    quote_side(own, box, slot, side, px, task.lots)


@leaf
def act(m, task, io):
    """Write the messages of a legal action into the learner's mailbox."""
    p = task.learner
    part = m.part[p]
    empty_mailbox(m, p, task.step_ns)
    view = m.views[part.awaiting_view]
    own = own_state(m, p)
    box = mailbox(part)
    instrument = m.books[0].instrument
    _quote(task, instrument, view, own, box, BID_SLOT, BUY, io.action[0])
    _quote(task, instrument, view, own, box, ASK_SLOT, SELL, io.action[1])
