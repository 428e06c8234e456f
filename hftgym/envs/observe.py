"""What a learner observes: the delivered view, its own state, and what it saw before; no truth.

Fields and scales are in ``hftgym.envs.task.OBSERVATION``. Flows and returns are differences of
views, step by step; before the history is long enough its oldest entry is used.
"""

from __future__ import annotations

import math

import numpy as np

from hftgym.core.calls import own_state
from hftgym.core.constants import BUY, SECOND_NS, SELL, VIEW_LEVELS, OwnState
from hftgym.core.jit import leaf
from hftgym.envs.task import CLIP, OBS_INDEX, Window

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
def _put(io, index, x):
    io.obs[index] = min(max(x, -CLIP), CLIP)


@leaf
def _level_lots(view, side, px):
    """Return the lots that a view shows at a price; 0 when it does not show the level."""
    for i in range(VIEW_LEVELS):
        if side == BUY:
            if view.bid_px[i] == px:
                return view.bid_lots[i]
        elif view.ask_px[i] == px:
            return view.ask_lots[i]
    return 0


@leaf
def _observe_side(io, first, view, order, ahead, side, last_fill_ns, now_ns, task):
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
            lots = _level_lots(view, side, order.px)
            if lots <= 0:
                lots = ahead + max(order.lots, 1)
            share = min(ahead / lots, 1.0)
    since = 1.0
    if last_fill_ns > 0:
        fill_s = (now_ns - last_fill_ns) / SECOND_NS
        since = fill_s / (fill_s + task.fill_s)
    _put(io, first, distance)
    _put(io, first + 1, live)
    _put(io, first + 2, pending)
    _put(io, first + 3, share)
    _put(io, first + 4, age)
    _put(io, first + 5, since)


@leaf
def _observe_book(io, view, task):
    """Write spread, microprice and imbalances."""
    bid_lots = view.bid_lots[0]
    ask_lots = view.ask_lots[0]
    spread = CLIP
    offset = 0.0
    if bid_lots > 0 and ask_lots > 0:
        bid_px = view.bid_px[0]
        ask_px = view.ask_px[0]
        unit = 2.0 * task.tick_px * task.half_spread_tick
        spread = (ask_px - bid_px) / unit
        # Volume-weighted mid less mid: half the spread times the imbalance.
        offset = (ask_px - bid_px) * (bid_lots - ask_lots) / (bid_lots + ask_lots) / unit
    _put(io, _SPREAD, spread)
    _put(io, _MICROPRICE, offset)
    bid_sum = 0
    ask_sum = 0
    for i in range(3):
        bid_sum += view.bid_lots[i]
        ask_sum += view.ask_lots[i]
        both = max(bid_sum + ask_sum, 1)
        _put(io, _IMBALANCE + i, (bid_sum - ask_sum) / both)


@leaf
def _steps_back(s, task, window):
    return min(task.window_steps[window], s.known - 1)


@leaf
def _observe_past(io, s, task):
    """Write flows, returns and volatility over the windows."""
    ring = task.ring
    now = s.past[s.head]
    for i in range(2):
        k = _steps_back(s, task, _ONE_S if i == 0 else _TEN_S)
        then = s.past[(s.head - k + ring) % ring]
        _put(io, _OFI + i, (now.ofi - then.ofi) / task.ofi_scale[i])
        flow = now.signed_volume - then.signed_volume
        _put(io, _FLOW + i, flow / task.flow_scale[i])
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
        _put(io, _RETURN + i, (now.mid_2px - then.mid_2px) / scale)
    moves = max(s.known - 1, 1)
    realised = math.sqrt(s.sum_move2 / (moves * task.step_s)) / unit
    _put(io, _VOLATILITY, realised)


@leaf
def observe(m, s, task, io):
    """Write the observation of a learner whose view has just been delivered and remembered."""
    p = task.learner
    view = m.views[m.part[p].awaiting_view]
    own = own_state(m, p)
    _put(io, _INVENTORY, own.position / task.limit_lot)
    left = 0.0
    if task.finite != 0:
        left = 1.0 - s.step / task.steps
    _put(io, _TIME_LEFT, left)
    _observe_book(io, view, task)
    _observe_past(io, s, task)
    now_ns = m.now_ns
    bid = own.orders[0]
    ask = own.orders[1]
    ahead = view.queue_ahead[0]
    _observe_side(io, _BID, view, bid, ahead, BUY, own.last_bid_fill_ns, now_ns, task)
    ahead = view.queue_ahead[1]
    _observe_side(io, _ASK, view, ask, ahead, SELL, own.last_ask_fill_ns, now_ns, task)
    at_limit = own.position + task.lots > task.limit_lot
    _put(io, _BID_LIMIT, 1.0 if at_limit else 0.0)
    at_limit = own.position - task.lots < -task.limit_lot
    _put(io, _ASK_LIMIT, 1.0 if at_limit else 0.0)


@leaf
def write_mask(m, task, io):
    """Write which discrete actions make sense: 12 flags, bid then ask.

    Withdraw always does; keep needs an order; the others a visible touch and room for inventory;
    improving needs a spread of two ticks.
    """
    p = task.learner
    view = m.views[m.part[p].awaiting_view]
    own = own_state(m, p)
    both = view.bid_lots[0] > 0 and view.ask_lots[0] > 0
    wide = both and view.ask_px[0] - view.bid_px[0] >= 2 * task.tick_px
    for slot in range(2):
        if slot == 0:
            room = own.position + task.lots <= task.limit_lot
            touch = view.bid_lots[0] > 0
        else:
            room = own.position - task.lots >= -task.limit_lot
            touch = view.ask_lots[0] > 0
        first = 6 * slot
        io.mask[first] = 1
        io.mask[first + 1] = 1 if room and own.orders[slot].state != _FREE else 0
        io.mask[first + 2] = 1 if room and touch else 0
        io.mask[first + 3] = 1 if room and touch and wide else 0
        io.mask[first + 4] = 1 if room and touch else 0
        io.mask[first + 5] = 1 if room and touch else 0


@leaf
def value_offset(value_px, view, tick_px):
    """Return the latent value minus the observed mid, in ticks."""
    return (value_px - np.float64(view.mid_2px) / 2.0) / tick_px
