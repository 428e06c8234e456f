"""What is observed beyond the summary: the role's numbers, order slots, levels and messages."""

from __future__ import annotations

import math

import numpy as np

from hftgym.core.constants import BUY, SECOND_NS, SELL, OwnState
from hftgym.core.desks import value_of
from hftgym.core.jit import leaf
from hftgym.core.rng import mix2, normal_quantile, text_hash, uniform_at
from hftgym.envs.layout import LEVEL_FIELDS, MESSAGE_FIELDS, SLOT_FIELDS
from hftgym.envs.put import level_lots_seen, put
from hftgym.envs.task import CLIP, RECENT, SLOTS, Role

_FREE = int(OwnState.FREE)
_LIVE = int(OwnState.LIVE)
_PENDING_NEW = int(OwnState.PENDING_NEW)
_PENDING_AMEND = int(OwnState.PENDING_AMEND)
_EXECUTOR = int(Role.EXECUTOR)
_TAKER = int(Role.TAKER)
_LEG = int(Role.LEG)
_NOISE = np.uint64(text_hash("noise of a signal"))
_SLOT_LOTS = 5.0  # so many lots count 1/2
_LEVEL_LOTS = 10.0
_MESSAGE_S = 1.0  # a message this old has age 1/2


@leaf
def value_offset(m, task, view):
    """Return the latent value minus the observed mid, in ticks."""
    value_px = value_of(m, task.learner, m.now_ns)
    return (value_px - np.float64(view.mid_2px) / 2.0) / task.tick_px


@leaf
def _signal(m, s, task, view):
    """Return a normal variate whose correlation with the standardised offset is as stated."""
    rho = task.signal_correlation
    key = mix2(s.market_seed, _NOISE)
    noise = normal_quantile(uniform_at(key, np.uint64(s.step)))
    signal = math.sqrt(1.0 - rho * rho) * noise
    if rho != 0.0:
        signal += rho * value_offset(m, task, view) / task.offset_sd_tick
    return signal


@leaf
def observe_extras(m, s, task, view, own, o):
    """Write what the role observes beyond the summary."""
    at = task.extras_at
    if task.role == _TAKER:
        put(o, at, _signal(m, s, task, view))
    elif task.role == _LEG:
        spread_2px = view.other_mid_2px - view.mid_2px - task.spread_2px
        put(o, at, spread_2px / (2.0 * task.tick_px * task.spread_sd_tick))
    elif task.role == _EXECUTOR:
        target = task.target_lots
        side = 1.0 if target > 0 else -1.0
        done = own.position / target
        put(o, at, side)
        put(o, at + 1, 1.0 - done)
        put(o, at + 2, done - s.step / task.steps)
        paid = -own.cash - own.position * s.arrival_2px * task.unit_value / 2.0
        cost_tick = 2.0 * paid / task.money2_per_tick
        put(o, at + 3, cost_tick / (task.half_spread_tick * abs(target)))
        scale = 4.0 * task.tick_px * task.sigma_tick * math.sqrt(task.steps * task.step_s)
        put(o, at + 4, side * (view.mid_2px - s.arrival_2px) / scale)
        # An own fill that one channel has shown and the other has not counts for a moment.
        others = max(view.volume - s.begin_volume - abs(own.position), 0)
        put(o, at + 5, others / (others + abs(target)))


@leaf
def observe_slots(task, view, own, now_ns, o):
    """Write the order slots, as the learner knows them."""
    for slot in range(SLOTS):
        order = own.orders[slot]
        at = task.slots_at + SLOT_FIELDS * slot
        state = order.state
        side = 0.0
        distance = CLIP
        lots = 0.0
        pending = 0.0
        share = 1.0
        age = 0.0
        if state != _FREE:
            px = order.pending_px if state == _PENDING_AMEND else order.px
            side = float(order.side)
            distance = order.side * (view.mid_2px - 2 * px)
            distance /= 2.0 * task.tick_px * task.half_spread_tick
            lots = order.lots / (order.lots + _SLOT_LOTS)
            pending = 0.0 if state == _LIVE else 1.0
            age_s = (now_ns - order.sent_ns) / SECOND_NS
            age = age_s / (age_s + task.age_s)
            ahead = view.queue_ahead[slot]
            if ahead >= 0 and state != _PENDING_NEW:
                level = level_lots_seen(view, order.side, order.px)
                if level <= 0:
                    level = ahead + max(order.lots, 1)
                share = min(ahead / level, 1.0)
        put(o, at, side)
        put(o, at + 1, distance)
        put(o, at + 2, lots)
        put(o, at + 3, pending)
        put(o, at + 4, share)
        put(o, at + 5, age)


@leaf
def _observe_level(task, view, o, at, side, px, lots):
    distance = CLIP
    if lots > 0:
        distance = side * (view.mid_2px - 2 * px) / (2.0 * task.tick_px * task.half_spread_tick)
    put(o, at, distance)
    put(o, at + 1, lots / (lots + _LEVEL_LOTS))


@leaf
def observe_levels(task, view, o):
    """Write the best levels of the book."""
    for i in range(task.rows):
        at = task.rows_at + LEVEL_FIELDS * i
        _observe_level(task, view, o, at, BUY, view.bid_px[i], view.bid_lots[i])
        _observe_level(task, view, o, at + 2, SELL, view.ask_px[i], view.ask_lots[i])


@leaf
def observe_messages(task, view, recent, o):
    """Write the newest public messages that had left the exchange when the view did.

    A view and the messages behind it come together: what happened later is not shown yet.
    """
    unit = 2.0 * task.tick_px * task.half_spread_tick
    shown = 0
    for k in range(recent.known):
        if shown == task.rows:
            break
        row = recent.rows[(recent.head - 1 - k) % RECENT]
        if row.t_ns > view.t_ns:
            continue
        at = task.rows_at + MESSAGE_FIELDS * shown
        age_s = (view.t_ns - row.t_ns) / SECOND_NS
        put(o, at, age_s / (age_s + _MESSAGE_S))
        put(o, at + 1, (2 * row.px - view.mid_2px) / unit)
        put(o, at + 2, row.lots / (row.lots + _SLOT_LOTS))
        put(o, at + 3, float(row.side))
        put(o, at + 4, float(row.change))
        put(o, at + 5, 1.0 if row.change == 0 else 0.0)
        shown += 1
    for k in range(shown, task.rows):
        at = task.rows_at + MESSAGE_FIELDS * k
        put(o, at, 1.0)
        for j in range(1, MESSAGE_FIELDS):
            put(o, at + j, 0.0)
