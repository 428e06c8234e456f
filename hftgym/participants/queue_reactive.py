"""The queue-reactive model (Huang, Lehalle, Rosenbaum 2015).

Around a reference price between two ticks stand queues at distances of 1, 2 and 3 half-integer
steps: bids at the reference - 1/2, - 3/2, - 5/2 ticks, asks above. Limit orders, cancels and market
orders arrive at a queue at rates that depend on its distance and on its own size n, counted in
orders of ``lots`` (Model I). So the first queue is a birth and death process, and as long as market
orders reach no other one, all are: the invariant distribution of a queue is

    pi(n) = pi(0) * product over j = 1..n of limit(j - 1) / (cancel(j) + market(j)).

A market order takes the best queue of a side; where the first queue is empty, the second one's rate
applies. The market opens with queues drawn from pi.

The reference moves as in Model III: when the mid has moved and the first queue on that side is
empty, it follows by a tick with probability ``theta``. The queue that comes into reach is drawn
from pi, own orders out of reach are cancelled; with probability ``theta_reset`` all queues are
drawn anew. ``theta`` 0 is Model I.

Exact for zero latencies: candidate events come at the largest rates of all tables and are kept with
the probability that the queue's size at that time gives them (uniformisation, Jensen 1953). Sizes
count everybody's visible lots; cancels concern own orders alone.
"""

from __future__ import annotations

import math

from pydantic import Field, model_validator

from hftgym.core.constants import BUY, NONE, SECOND_NS, SELL, Flag, OwnState, WakeOn
from hftgym.core.jit import leaf
from hftgym.core.records import record
from hftgym.core.rng import exponential, integer, uniform
from hftgym.participants.base import ParticipantParams, participant
from hftgym.participants.orders import cancel, free_slot_from, place, take

REACH = 3  # queues a side
QUEUES = 2 * REACH
_LEVELS = 5  # of a view
_MESSAGES = 15  # of one decision that rebuilds queues
_DONE = 0  # stages of a rebuild, whose decisions are a nanosecond apart
_CLEAR = 1
_FILL = 2
_NO_MID = -(1 << 62)
_LIMIT = 0
_CANCEL = 1
_MARKET = 2
_LIVE = int(OwnState.LIVE)
_SLIDE = int(Flag.POST_ONLY_SLIDE)
_TOUCH = int(WakeOn.TOUCH)

#: Sizes 0 to 20. The paper shows its tables as figures only; these are chosen after them: limit
#: orders come to short queues and shun long ones, rarely to an empty first one; cancels rise less
#: than in proportion to the queue; market orders hurry when little is left at the touch.
SIZES = 21


def _limit_table() -> tuple[float, ...]:
    table = []
    for most, half, empty in ((1.4, 12.0, 0.9), (1.1, 12.0, 1.0), (0.9, 12.0, 1.0)):
        rates = [most * math.exp(-((n / half) ** 2)) for n in range(SIZES - 1)]
        rates[0] *= empty
        table += [round(rate, 4) for rate in rates] + [0.0]  # a full queue takes no more
    return tuple(table)


def _cancel_table() -> tuple[float, ...]:
    return tuple(round(rate * n**0.75, 4) for rate in (0.25, 0.16, 0.14) for n in range(SIZES))


def _market_table() -> tuple[float, ...]:
    one = [0.0] + [round(0.25 + 0.6 * math.exp(-n / 5.0), 4) for n in range(1, SIZES)]
    return tuple(one * REACH)


class Params(ParticipantParams):
    """Tables of rates per second: rows are distances 1, 2, 3, columns queue sizes 0, 1, 2 ...

    Beyond its last column a table stays at its last value.
    """

    limit_per_s: tuple[float, ...] = Field(_limit_table(), description="limit orders per second")
    cancel_per_s: tuple[float, ...] = Field(_cancel_table(), description="cancels per second")
    market_per_s: tuple[float, ...] = Field(
        _market_table(), description="market orders per second against the best queue"
    )
    lots: int = Field(1, ge=1, description="size of every order, lots")
    theta: float = Field(0.7, ge=0, le=1, description="chance that the reference follows the mid")
    theta_reset: float = Field(
        0.85, ge=0, le=1, description="chance that all queues are then drawn anew"
    )

    @model_validator(mode="after")
    def _whole_tables(self) -> Params:
        names = ("limit_per_s", "cancel_per_s", "market_per_s")
        length = len(self.limit_per_s)
        for name in names:
            table = getattr(self, name)
            if len(table) != length or length % REACH or length < 2 * REACH:
                raise ValueError(
                    f"{name}: {len(table)} numbers; the three tables must have {REACH} rows of the "
                    "same length, at least 2"
                )
            if not all(0.0 <= rate < math.inf for rate in table):
                raise ValueError(f"{name}: {min(table)}; rates must be finite and not negative")
        columns = length // REACH
        for name in names[1:]:
            if any(getattr(self, name)[i * columns] > 0.0 for i in range(REACH)):
                raise ValueError(f"{name}: its first column, an empty queue, must be 0")
        for i in range(REACH):
            last = (i + 1) * columns - 1
            leaves = self.cancel_per_s[last] + (self.market_per_s[last] if i == 0 else 0.0)
            if self.limit_per_s[last] >= leaves:
                raise ValueError(
                    f"limit_per_s: {self.limit_per_s[last]} in the last column of row {i + 1}; "
                    f"must be below what leaves there ({leaves:.4g}), or queues grow for ever"
                )
        return self


MEMORY = record(
    [
        ("largest", "f8", (3 * REACH,)),  # rate of each kind and distance, over all sizes
        ("total", "f8"),  # of all candidates, per second
        ("target", "i8", (QUEUES,)),  # orders to place in a rebuild; NONE: leave it as it is
        ("ref_px", "i8"),  # the first ask queue; the first bid queue is a tick below
        ("mid_2px", "i8"),  # when last looked; _NO_MID: during a rebuild
        ("next_ns", "i8"),  # when the next candidate comes
        ("stage", "i8"),  # of a rebuild
        ("next_slot", "i8"),
        ("begun", "i8"),
    ]
)


# ------------------------------------------------------------------ tables
@leaf
def _rate(data, first, count, distance, size):
    """Return a table's rate at a distance (from 0) and size."""
    columns = count // REACH
    return data[first + distance * columns + min(size, columns - 1)]


@leaf
def draw_size(rng, params, data, distance):
    """Draw a size from the invariant distribution of a queue (distance from 0).

    Market orders count at the first queue alone: the others are the best too seldom.
    """
    columns = params.limit_per_s_count // REACH
    weight = 1.0
    total = 1.0
    for n in range(1, columns):
        weight *= _step(params, data, distance, n)
        total += weight
    which = uniform(rng) * total
    weight = 1.0
    n = 0
    while which >= weight and n < columns - 1:
        which -= weight
        n += 1
        weight *= _step(params, data, distance, n)
    return n


@leaf
def _step(params, data, distance, n):
    """Return pi(n) / pi(n - 1)."""
    leaves = _rate(data, params.cancel_per_s, params.cancel_per_s_count, distance, n)
    if distance == 0:
        leaves += _rate(data, params.market_per_s, params.market_per_s_count, 0, n)
    comes = _rate(data, params.limit_per_s, params.limit_per_s_count, distance, n - 1)
    return comes / leaves if leaves > 0.0 else 0.0


@leaf
def _find_largest(params, memory, data):
    """Note the largest rates of the tables."""
    memory.total = 0.0
    for kind in range(3):
        first = params.limit_per_s
        if kind == _CANCEL:
            first = params.cancel_per_s
        elif kind == _MARKET:
            first = params.market_per_s
        columns = params.limit_per_s_count // REACH
        for distance in range(REACH):
            largest = 0.0
            for n in range(columns):
                largest = max(largest, data[first + distance * columns + n])
            memory.largest[kind * REACH + distance] = largest
            memory.total += 2.0 * largest


# ------------------------------------------------------------------ queues
@leaf
def queue_px(ref_px, side, distance, tick_px):
    """Return the price of a queue (distance from 0)."""
    ticks = -1 - distance if side == BUY else distance
    return ref_px + ticks * tick_px


@leaf
def _size(view, params, side, px):
    """Return the visible orders of ``lots`` at a price, rounded up."""
    for level in range(_LEVELS):
        if side == BUY and view.bid_px[level] == px:
            return (view.bid_lots[level] + params.lots - 1) // params.lots
        if side == SELL and view.ask_px[level] == px:
            return (view.ask_lots[level] + params.lots - 1) // params.lots
    return 0


@leaf
def _is_best(view, side, px):
    return view.bid_px[0] == px if side == BUY else view.ask_px[0] == px


@leaf
def _cancel_at(own, rng, out, side, px):
    """Cancel a random own order at a price."""
    count = 0
    for slot in range(own.capacity):
        order = own.orders[slot]
        if order.state == _LIVE and order.side == side and order.px == px:
            count += 1
    left = integer(rng, max(count, 1))
    for slot in range(own.capacity):
        order = own.orders[slot]
        if order.state == _LIVE and order.side == side and order.px == px:
            if left == 0:
                cancel(out, slot)
                return
            left -= 1


# ------------------------------------------------------------------ events
@leaf
def _candidate(view, own, params, memory, rng, out, data):
    """Draw one event from the largest rates; keep it by the rate of its queue's size."""
    which = uniform(rng) * memory.total
    side = BUY if uniform(rng) < 0.5 else SELL
    entry = 0
    which -= 2.0 * memory.largest[0]
    while which >= 0.0 and entry < 3 * REACH - 1:
        entry += 1
        which -= 2.0 * memory.largest[entry]
    kind = entry // REACH
    distance = entry % REACH
    px = queue_px(memory.ref_px, side, distance, params.tick_px)
    size = _size(view, params, side, px)
    first = params.limit_per_s
    if kind == _CANCEL:
        first = params.cancel_per_s
    elif kind == _MARKET:
        if not _is_best(view, side, px):
            return
        first = params.market_per_s
    rate = _rate(data, first, params.limit_per_s_count, distance, size)
    if uniform(rng) * memory.largest[entry] >= rate:
        return
    if kind == _CANCEL:
        _cancel_at(own, rng, out, side, px)
        return
    slot = free_slot_from(own, memory.next_slot, own.capacity)
    if slot == NONE:
        return
    memory.next_slot = slot + 1
    if kind == _LIMIT:
        place(out, slot, side, px, params.lots, _SLIDE)
    else:
        take(out, slot, -side, params.lots)


# ------------------------------------------------------------------ the reference price
@leaf
def _draw_queue(memory, params, rng, data, side, distance):
    queue = distance if side == BUY else REACH + distance
    memory.target[queue] = draw_size(rng, params, data, distance)


@leaf
def _draw_all(memory, params, rng, data):
    for distance in range(REACH):
        _draw_queue(memory, params, rng, data, BUY, distance)
        _draw_queue(memory, params, rng, data, SELL, distance)


@leaf
def _follow(view, params, memory, rng, data):
    """Let the reference follow a move of the mid, if the queue in its way is empty."""
    side = BUY if view.mid_2px > memory.mid_2px else SELL  # BUY: upwards
    memory.mid_2px = view.mid_2px
    px = queue_px(memory.ref_px, -side, 0, params.tick_px)
    if _size(view, params, -side, px) > 0:
        return
    if uniform(rng) >= params.theta:
        return
    memory.ref_px += side * params.tick_px
    memory.stage = _CLEAR
    for queue in range(QUEUES):
        memory.target[queue] = NONE
    if uniform(rng) < params.theta_reset:
        _draw_all(memory, params, rng, data)
    else:
        _draw_queue(memory, params, rng, data, -side, REACH - 1)


@leaf
def _queue_of(params, memory, order):
    """Return the index of an order's queue, or NONE when it is out of reach."""
    distance = (order.px - memory.ref_px) // params.tick_px
    if order.side == BUY:
        distance = -1 - distance
    if distance < 0 or distance >= REACH:
        return NONE
    return distance if order.side == BUY else REACH + distance


@leaf
def _clear(own, params, memory, out):
    """Cancel what is out of reach and what is to be drawn anew; False while more is left."""
    for slot in range(own.capacity):
        order = own.orders[slot]
        if order.state == _LIVE:
            queue = _queue_of(params, memory, order)
            if queue == NONE or memory.target[queue] != NONE:
                if out.count == _MESSAGES:
                    return False
                cancel(out, slot)
    return True


@leaf
def _fill(own, params, memory, out):
    """Place orders until the queues have their targets; False while more are missing."""
    for queue in range(QUEUES):
        side = BUY if queue < REACH else SELL
        px = queue_px(memory.ref_px, side, queue % REACH, params.tick_px)
        while memory.target[queue] > 0:
            slot = free_slot_from(own, memory.next_slot, own.capacity)
            if slot == NONE:
                return True
            if out.count == _MESSAGES:
                return False
            # A slot that this decision has used still looks free: the search goes on behind it.
            memory.next_slot = slot + 1
            memory.target[queue] -= 1
            place(out, slot, side, px, params.lots, _SLIDE)
    return True


@leaf
def _rebuild(own, params, memory, out):
    """Take the next step of a rebuild, at most ``_MESSAGES`` of it."""
    if memory.stage == _CLEAR and _clear(own, params, memory, out):
        memory.stage = _FILL
    elif memory.stage == _FILL and _fill(own, params, memory, out):
        memory.stage = _DONE


@participant(Params, MEMORY, own_orders=160)
def decide(view, own, params, memory, rng, out, data):
    """Follow the mid, rebuild queues where that is due, or let a candidate event happen."""
    if memory.begun == 0:
        _find_largest(params, memory, data)
    if view.phase == 0:
        if memory.begun == 0:
            memory.begun = 1
            memory.ref_px = (view.mid_2px // (2 * params.tick_px) + 1) * params.tick_px
            memory.stage = _FILL
            _draw_all(memory, params, rng, data)
        elif memory.stage == _DONE and memory.mid_2px == _NO_MID:
            memory.mid_2px = view.mid_2px  # a rebuild moves the mid, but nobody follows that
        elif memory.stage == _DONE and view.mid_2px != memory.mid_2px:
            _follow(view, params, memory, rng, data)
        if memory.stage != _DONE:
            _rebuild(own, params, memory, out)
            out.next_wake_ns = view.delivered_ns + 1
            memory.mid_2px = _NO_MID
            return out.count
        if memory.next_ns > 0 and view.delivered_ns >= memory.next_ns:
            _candidate(view, own, params, memory, rng, out, data)
    if memory.total > 0.0:
        if view.delivered_ns >= memory.next_ns:
            wait_ns = exponential(rng, SECOND_NS / memory.total)
            memory.next_ns = view.delivered_ns + int(wait_ns) + 1
        out.next_wake_ns = memory.next_ns
    out.wake_on = _TOUCH
    return out.count
