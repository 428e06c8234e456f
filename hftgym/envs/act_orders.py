"""The order-level form of action: one message a step, or none.

Components: verb (wait, limit, market, amend, cancel), order slot, side, price (ticks behind the own
touch; before the touch it may trade), size (1, 2 or 5 times ``lots``). What can not be done (a slot
that is taken, no room under the inventory limit) sends nothing; the mask says so beforehand.
"""

from __future__ import annotations

from hftgym.core.constants import BUY, SELL, OwnState
from hftgym.core.jit import leaf
from hftgym.envs.room import room_lots
from hftgym.envs.task import SLOTS
from hftgym.participants.orders import amend, cancel, place, take_behind_quotes

_FREE = int(OwnState.FREE)
_LIVE = int(OwnState.LIVE)
_PENDING_AMEND = int(OwnState.PENDING_AMEND)
_LIMIT = 1
_MARKET = 2
_AMEND = 3
_CANCEL = 4
_FIRST_PRICE_TICK = -3
_VERBS = 5
_PRICES = 10
_SIZES = 3


@leaf
def _price(task, view, side, choice):
    """Return the price of a choice; 0 when the own touch is empty."""
    behind_px = (_FIRST_PRICE_TICK + choice) * task.tick_px
    if side == BUY:
        return view.bid_px[0] - behind_px if view.bid_lots[0] > 0 else 0
    return view.ask_px[0] + behind_px if view.ask_lots[0] > 0 else 0


@leaf
def _lots(task, choice):
    if choice == 0:
        return task.lots
    return 2 * task.lots if choice == 1 else 5 * task.lots


@leaf
def send_one_order(task, instrument, view, own, box, action):
    """Write the message of an order-level action."""
    verb = int(action[0])
    slot = int(action[1])
    side = BUY if action[2] == 0.0 else SELL
    lots = _lots(task, int(action[4]))
    if verb == _MARKET:
        take_behind_quotes(own, box, side, min(lots, room_lots(task, own, side)))
        return
    order = own.orders[slot]
    if verb == _CANCEL:
        if order.state == _LIVE or order.state == _PENDING_AMEND:
            cancel(box, slot)
        return
    if verb == _AMEND:
        if order.state != _LIVE:
            return
        side = order.side
        px = _price(task, view, side, int(action[3]))
        lots = min(lots, order.lots + room_lots(task, own, side))
        if px >= instrument.px_min and px <= instrument.px_max and lots > 0:
            amend(box, own, slot, px, lots)
    elif verb == _LIMIT and order.state == _FREE:
        px = _price(task, view, side, int(action[3]))
        lots = min(lots, room_lots(task, own, side))
        if px >= instrument.px_min and px <= instrument.px_max and lots > 0:
            place(box, slot, side, px, lots, 0)


@leaf
def write_order_mask(task, own, io):
    """Write which choices of an order-level action make sense: verbs, slots, sides, then all."""
    can_buy = room_lots(task, own, BUY) > 0
    can_sell = room_lots(task, own, SELL) > 0
    free = 0
    live = 0
    known = 0
    for slot in range(SLOTS):
        state = own.orders[slot].state
        free += 1 if state == _FREE else 0
        live += 1 if state == _LIVE else 0
        known += 1 if state == _LIVE or state == _PENDING_AMEND else 0
    can_send = can_buy or can_sell
    io.mask[0] = 1
    io.mask[_LIMIT] = 1 if can_send and free > 0 else 0
    io.mask[_MARKET] = 1 if can_send else 0
    io.mask[_AMEND] = 1 if live > 0 else 0
    io.mask[_CANCEL] = 1 if known > 0 else 0
    for i in range(SLOTS):
        io.mask[_VERBS + i] = 1
    io.mask[_VERBS + SLOTS] = 1 if can_buy or not can_send else 0
    io.mask[_VERBS + SLOTS + 1] = 1 if can_sell or not can_send else 0
    for i in range(_PRICES + _SIZES):
        io.mask[_VERBS + SLOTS + 2 + i] = 1
