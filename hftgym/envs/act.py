"""From an action to messages, written into the learner's mailbox: one leaf for each form.

Distances are ``half_spread_tick * distance_base ** action`` ticks from the observed mid, rounded
outward. An unchanged price sends nothing, so an order keeps its place; a side whose fill would pass
the inventory limit is withdrawn.
"""

from __future__ import annotations

import math

from hftgym.core.calls import own_state
from hftgym.core.constants import BUY, NO_PX, SELL, OwnState
from hftgym.core.desks import book_of
from hftgym.core.jit import leaf
from hftgym.envs.act_orders import send_one_order
from hftgym.envs.mailbox import empty_mailbox, mailbox
from hftgym.envs.room import room_lots
from hftgym.envs.task import ActionForm
from hftgym.participants.orders import take_behind_quotes
from hftgym.participants.quoting import ASK_SLOT, BID_SLOT, quote_side

_FREE = int(OwnState.FREE)
_DISTANCES = int(ActionForm.DISTANCES)
_SIZED = int(ActionForm.SIZED)
_LADDER = int(ActionForm.LADDER)
_ORDERS = int(ActionForm.ORDERS)
_EXECUTE = int(ActionForm.EXECUTE)
_EXECUTE_LADDER = int(ActionForm.EXECUTE_LADDER)
_TARGET = int(ActionForm.TARGET)
_WITHDRAW = 0
_KEEP = 1
_JOIN = 2
_IMPROVE = 3
_BEHIND_1 = 4
ACTION_LIMIT = 1.0 + 1e-6  # rounding is forgiven, nothing else


@leaf
def is_legal(task, action):
    """Return whether every component of an action lies in its space (NaN does not)."""
    for i in range(task.components):
        a = action[i]
        choices = task.choices[i]
        if choices == 0:
            if not (a >= -ACTION_LIMIT and a <= ACTION_LIMIT):
                return False
        elif not (a >= 0.0 and a < choices and a == math.floor(a)):
            return False
    return True


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
def _quote(task, instrument, view, own, box, side, by_move, a, lots):
    """Move one quote to where ``a`` says: a move when ``by_move``, else a distance."""
    slot = BID_SLOT if side == BUY else ASK_SLOT
    px = -side * NO_PX
    if lots > 0 and side * own.position + lots <= task.limit_lot:
        if not by_move:
            px = _at_distance(task, view, side, a)
        else:
            move = int(a)
            if move == _KEEP:
                return
            px = _at_touch(task, view, side, move)
        if px < instrument.px_min or px > instrument.px_max:
            px = -side * NO_PX
    quote_side(own, box, slot, side, px, lots)


@leaf
def _size(task, a):
    """Return the lots of a quote, 1 for -1 and the largest for 1."""
    return 1 + math.floor((min(max(a, -1.0), 1.0) + 1.0) / 2.0 * (task.lots - 1) + 0.5)


@leaf
def _execute(task, instrument, view, own, box, by_move, action):
    """Keep one limit order on the side of the target, and take a part of the rest."""
    side = BUY if task.target_lots > 0 else SELL
    slot = BID_SLOT if side == BUY else ASK_SLOT
    resting = own.orders[slot].lots if own.orders[slot].state != _FREE else 0
    room = room_lots(task, own, side)  # beyond what rests
    lots = min(task.lots, room + resting)
    _quote(task, instrument, view, own, box, side, by_move, action[0], lots)
    room = min(room, room + resting - lots)
    rest = abs(task.target_lots) - side * own.position
    take = 0
    if not by_move:
        if action[1] > 0.0:
            take = max(1, math.floor(action[1] * rest + 0.5))
    elif action[1] == 3.0:
        take = rest
    else:
        take = int(action[1]) * task.lots
    take_behind_quotes(own, box, side, min(take, room))


@leaf
def _hold(task, own, box, target):
    """Trade at the market towards a position, counting what is in flight."""
    room_buy = room_lots(task, own, BUY)
    room_sell = room_lots(task, own, SELL)
    wanted = target - (room_sell - room_buy - own.position)  # beyond when all that is open is done
    if wanted > 0:
        take_behind_quotes(own, box, BUY, min(wanted, room_buy))
    elif wanted < 0:
        take_behind_quotes(own, box, SELL, min(-wanted, room_sell))


@leaf
def act(m, task, io):
    """Write the messages of a legal action into the learner's mailbox."""
    p = task.learner
    part = m.part[p]
    empty_mailbox(m, p, task.step_ns)
    view = m.views[part.awaiting_view]
    own = own_state(m, p)
    box = mailbox(part)
    instrument = book_of(m, p).instrument
    form = task.action_form
    a = io.action
    if form == _DISTANCES or form == _LADDER:
        by_move = form == _LADDER
        _quote(task, instrument, view, own, box, BUY, by_move, a[0], task.lots)
        _quote(task, instrument, view, own, box, SELL, by_move, a[1], task.lots)
    elif form == _SIZED:
        _quote(task, instrument, view, own, box, BUY, False, a[0], _size(task, a[2]))
        _quote(task, instrument, view, own, box, SELL, False, a[1], _size(task, a[3]))
    elif form == _ORDERS:
        send_one_order(task, instrument, view, own, box, a)
    elif form == _EXECUTE or form == _EXECUTE_LADDER:
        _execute(task, instrument, view, own, box, form == _EXECUTE_LADDER, a)
    elif form == _TARGET:
        _hold(task, own, box, math.floor(a[0] * task.limit_lot + 0.5))
    elif a[0] != 1.0:
        side = BUY if a[0] > 1.0 else SELL
        take_behind_quotes(own, box, side, min(task.lots, room_lots(task, own, side)))
