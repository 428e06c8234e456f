"""What a learner observes: the delivered view, its own state, and what it saw before; no truth.

Fields and scales are in ``hftgym.envs.layout``. Flows and returns are differences of
views, step by step; before the history is long enough its oldest entry is used.
"""

from __future__ import annotations

import math

from hftgym.core.calls import own_state
from hftgym.core.constants import BUY, SECOND_NS, SELL, OwnState
from hftgym.core.jit import leaf
from hftgym.envs.account import seen_wealth_2m
from hftgym.envs.act_orders import write_order_mask
from hftgym.envs.layout import OBS_INDEX
from hftgym.envs.observe_more import observe_extras, observe_levels, observe_messages, observe_slots
from hftgym.envs.put import level_lots_seen, put
from hftgym.envs.room import room_lots
from hftgym.envs.task import CLIP, ActionForm, View, Window

_FREE = int(OwnState.FREE)
_LIVE = int(OwnState.LIVE)
_PENDING_NEW = int(OwnState.PENDING_NEW)
_PENDING_AMEND = int(OwnState.PENDING_AMEND)
_HALF_S = int(Window.HALF_S)
_ONE_S = int(Window.ONE_S)
_TWO_S = int(Window.TWO_S)
_TEN_S = int(Window.TEN_S)

_INVENTORY = OBS_INDEX["inventory"]
_TIME_LEFT = OBS_INDEX["time_left"]
_SPREAD = OBS_INDEX["spread"]
_MICROPRICE = OBS_INDEX["microprice_offset"]
_IMBALANCE = OBS_INDEX["imbalance_1"]
_OFI = OBS_INDEX["ofi_1s"]
_FLOW = OBS_INDEX["signed_volume_1s"]
_RETURN = OBS_INDEX["return_0.5s"]
_VOLATILITY = OBS_INDEX["volatility_ratio"]
_BID = OBS_INDEX["bid_distance"]
_ASK = OBS_INDEX["ask_distance"]
_BID_LIMIT = OBS_INDEX["bid_at_limit"]
_ASK_LIMIT = OBS_INDEX["ask_at_limit"]
_WEALTH = OBS_INDEX["wealth"]
_LADDER = int(ActionForm.LADDER)
_ORDERS = int(ActionForm.ORDERS)
_EXECUTE_LADDER = int(ActionForm.EXECUTE_LADDER)
_LEVELS = int(View.LEVELS)
_MESSAGES = int(View.MESSAGES)


@leaf
def remember(s, view, ring):
    """Add a delivered view to the history of an environment."""
    before = s.head
    s.head = (before + 1) % ring
    entry = s.past[s.head]
    if s.known == ring:
        s.sum_move2 -= s.past[(s.head + 1) % ring].move2  # leaves the window of ring - 1 moves
    move = 0
    if s.known > 0:
        move = view.mid_2px - s.past[before].mid_2px
    entry.mid_2px = view.mid_2px
    entry.ofi = view.ofi
    entry.signed_volume = view.signed_volume
    entry.move2 = move * move
    s.sum_move2 += entry.move2
    s.known = min(s.known + 1, ring)


@leaf
def forget_all(s):
    """Begin a history anew."""
    s.head = 0
    s.known = 0
    s.sum_move2 = 0


@leaf
def copy_history(target, source, ring):
    """Copy the history of one environment over another's."""
    target.head = source.head
    target.known = source.known
    target.sum_move2 = source.sum_move2
    for k in range(ring):
        a = target.past[k]
        b = source.past[k]
        a.mid_2px = b.mid_2px
        a.ofi = b.ofi
        a.signed_volume = b.signed_volume
        a.move2 = b.move2


@leaf
def _observe_side(o, first, view, order, ahead, side, last_fill_ns, now_ns, task):
    """Write the six numbers of one side from ``first`` on."""
    state = order.state
    distance = CLIP
    live = 0.0
    pending = 0.0
    age = 0.0
    share = 1.0
    if state != _FREE:
        px = order.pending_px if state == _PENDING_AMEND else order.px
        distance = side * (view.mid_2px - 2 * px) / (2.0 * task.tick_px * task.half_spread_tick)
        live = 0.0 if state == _PENDING_NEW else 1.0
        pending = 0.0 if state == _LIVE else 1.0
        age_s = (now_ns - order.sent_ns) / SECOND_NS
        age = age_s / (age_s + task.age_s)
        if ahead >= 0 and state != _PENDING_NEW:  # a place in a queue tells of the acceptance
            lots = level_lots_seen(view, side, order.px)
            if lots <= 0:
                lots = ahead + max(order.lots, 1)
            share = min(ahead / lots, 1.0)
    since = 1.0
    if last_fill_ns > 0:
        fill_s = (now_ns - last_fill_ns) / SECOND_NS
        since = fill_s / (fill_s + task.fill_s)
    put(o, first, distance)
    put(o, first + 1, live)
    put(o, first + 2, pending)
    put(o, first + 3, share)
    put(o, first + 4, age)
    put(o, first + 5, since)


@leaf
def _observe_book(o, view, task):
    """Write spread, microprice and imbalances."""
    bid_lots = view.bid_lots[0]
    ask_lots = view.ask_lots[0]
    spread = CLIP
    offset = 0.0
    if bid_lots > 0 and ask_lots > 0:
        bid_px = view.bid_px[0]
        ask_px = view.ask_px[0]
        unit = 2.0 * task.tick_px * task.half_spread_tick
        spread = max((ask_px - bid_px) / unit, 0.0)  # a call may hold a crossed book
        # Volume-weighted mid less mid: half the spread times the imbalance.
        offset = (ask_px - bid_px) * (bid_lots - ask_lots) / (bid_lots + ask_lots) / unit
    put(o, _SPREAD, spread)
    put(o, _MICROPRICE, offset)
    bid_sum = 0
    ask_sum = 0
    for i in range(3):
        bid_sum += view.bid_lots[i]
        ask_sum += view.ask_lots[i]
        both = max(bid_sum + ask_sum, 1)
        put(o, _IMBALANCE + i, (bid_sum - ask_sum) / both)


@leaf
def _steps_back(s, task, window):
    return min(task.window_steps[window], s.known - 1)


@leaf
def _observe_past(o, s, task):
    """Write flows, returns and volatility over the windows."""
    ring = task.ring
    now = s.past[s.head]
    for i in range(2):
        k = _steps_back(s, task, _ONE_S if i == 0 else _TEN_S)
        then = s.past[(s.head - k + ring) % ring]
        put(o, _OFI + i, (now.ofi - then.ofi) / task.ofi_scale[i])
        flow = now.signed_volume - then.signed_volume
        put(o, _FLOW + i, flow / task.flow_scale[i])
    unit = 2.0 * task.tick_px * task.sigma_tick
    for i in range(3):
        window = _HALF_S
        if i == 1:
            window = _TWO_S
        elif i == 2:
            window = _TEN_S
        k = _steps_back(s, task, window)
        then = s.past[(s.head - k + ring) % ring]
        scale = 2.0 * unit * math.sqrt(max(k, 1) * task.step_s)
        put(o, _RETURN + i, (now.mid_2px - then.mid_2px) / scale)
    moves = max(s.known - 1, 1)
    realised = math.sqrt(s.sum_move2 / (moves * task.step_s)) / unit
    put(o, _VOLATILITY, realised)


@leaf
def observe(m, s, task, recent, o):
    """Write the observation of a learner whose view has just been delivered and remembered.

    Args:
        m: the market.
        s: the learner's state.
        task: its task.
        recent: public messages that the market keeps, dtype ``RECENT_ROWS``.
        o: the observation, float32.
    """
    p = task.learner
    view = m.views[m.part[p].awaiting_view]
    own = own_state(m, p)
    put(o, _INVENTORY, own.position / task.limit_lot)
    left = 0.0
    if task.finite != 0:
        left = 1.0 - s.step / task.steps
    put(o, _TIME_LEFT, left)
    _observe_book(o, view, task)
    _observe_past(o, s, task)
    now_ns = m.now_ns
    bid = own.orders[0]
    ask = own.orders[1]
    ahead = view.queue_ahead[0]
    _observe_side(o, _BID, view, bid, ahead, BUY, own.last_bid_fill_ns, now_ns, task)
    ahead = view.queue_ahead[1]
    _observe_side(o, _ASK, view, ask, ahead, SELL, own.last_ask_fill_ns, now_ns, task)
    at_limit = own.position + task.lots > task.limit_lot
    put(o, _BID_LIMIT, 1.0 if at_limit else 0.0)
    at_limit = own.position - task.lots < -task.limit_lot
    put(o, _ASK_LIMIT, 1.0 if at_limit else 0.0)
    gained = (seen_wealth_2m(m, task) - s.begin_seen_2m) / task.money2_per_tick
    put(o, _WEALTH, gained / task.wealth_scale)
    observe_extras(m, s, task, view, own, o)
    if task.slots_at > 0:
        observe_slots(task, view, own, now_ns, o)
    if task.sees == _LEVELS:
        observe_levels(task, view, o)
    elif task.sees == _MESSAGES:
        observe_messages(task, view, recent, o)


@leaf
def _mask_moves(task, view, own, io, side, first):
    """Write which moves of a quote make sense.

    Withdraw always does; keep needs an order; the others a visible touch and room for inventory;
    improving needs a spread of two ticks.
    """
    slot = 0 if side == BUY else 1
    touch = view.bid_lots[0] if side == BUY else view.ask_lots[0]
    both = view.bid_lots[0] > 0 and view.ask_lots[0] > 0
    wide = both and view.ask_px[0] - view.bid_px[0] >= 2 * task.tick_px
    # The last lots of an execution may be fewer than those of a whole quote.
    lots = task.lots if task.target_lots == 0 else 1
    room = side * own.position + lots <= task.limit_lot
    can_place = 1 if room and touch > 0 else 0
    io.mask[first] = 1
    io.mask[first + 1] = 1 if room and own.orders[slot].state != _FREE else 0
    io.mask[first + 2] = can_place
    io.mask[first + 3] = can_place if wide else 0
    io.mask[first + 4] = can_place
    io.mask[first + 5] = can_place


@leaf
def write_mask(m, task, io):
    """Write which choices of a discrete action make sense, one component after the other."""
    p = task.learner
    view = m.views[m.part[p].awaiting_view]
    own = own_state(m, p)
    form = task.action_form
    if form == _LADDER:
        _mask_moves(task, view, own, io, BUY, 0)
        _mask_moves(task, view, own, io, SELL, 6)
    elif form == _ORDERS:
        write_order_mask(task, own, io)
    elif form == _EXECUTE_LADDER:
        side = BUY if task.target_lots > 0 else SELL
        _mask_moves(task, view, own, io, side, 0)
        can_take = 1 if room_lots(task, own, side) > 0 else 0
        io.mask[6] = 1
        for i in range(1, 4):
            io.mask[6 + i] = can_take
    else:
        io.mask[0] = 1 if room_lots(task, own, SELL) > 0 else 0
        io.mask[1] = 1
        io.mask[2] = 1 if room_lots(task, own, BUY) > 0 else 0
