"""Leaves with which a strategy writes its messages."""

from __future__ import annotations

import math

from hftgym.core.constants import MAX_OUT, NONE, QUEUE_SLOTS, MessageKind, OwnState
from hftgym.core.jit import leaf

_LIMIT = int(MessageKind.LIMIT)
_MARKET = int(MessageKind.MARKET)
_CANCEL = int(MessageKind.CANCEL)
_AMEND = int(MessageKind.AMEND)
_FREE = int(OwnState.FREE)


@leaf
def floor_px(px, tick_px):
    """Round a price down to the tick."""
    return math.floor(px / tick_px) * tick_px


@leaf
def ceil_px(px, tick_px):
    """Round a price up to the tick."""
    return math.ceil(px / tick_px) * tick_px


@leaf
def free_slot(own):
    """Return the first free order slot, or NONE."""
    for slot in range(own.capacity):
        if own.orders[slot].state == _FREE:
            return slot
    return NONE


@leaf
def free_slot_from(own, first, slots):
    """Return a free one of the first ``slots`` order slots, searched from ``first`` on, or NONE."""
    slot = first if first < slots else 0
    for _ in range(slots):
        if own.orders[slot].state == _FREE:
            return slot
        slot = slot + 1 if slot + 1 < slots else 0
    return NONE


@leaf
def open_lots(own, side):
    """Return the lots of a side that may still be filled, as far as their owner knows."""
    lots = 0
    for slot in range(own.capacity):
        order = own.orders[slot]
        if order.state != _FREE and order.side == side:
            lots += order.lots
    return lots


@leaf
def _write(out, kind, slot, side, px, lots, flags):
    out.count += 1
    if out.count > MAX_OUT:
        return  # too many: the loop stops the market when it sees the count
    msg = out.messages[out.count - 1]
    msg.kind = kind
    msg.slot = slot
    msg.side = side
    msg.px = px
    msg.lots = lots
    msg.flags = flags


@leaf
def place(out, slot, side, px, lots, flags):
    """Send a limit order from a free slot; ``flags`` from ``constants.Flag``."""
    _write(out, _LIMIT, slot, side, px, lots, flags)


@leaf
def take(out, slot, side, lots):
    """Send a market order from a free slot."""
    _write(out, _MARKET, slot, side, 0, lots, 0)


@leaf
def take_behind_quotes(own, out, side, lots):
    """Send a market order from a free slot behind those whose place in the queue is seen.

    Who has no more slots than those uses any.
    """
    if lots <= 0:
        return
    first = QUEUE_SLOTS if own.capacity > QUEUE_SLOTS else 0
    slot = free_slot_from(own, first, own.capacity)
    if slot >= first:
        take(out, slot, side, lots)


@leaf
def cancel(out, slot):
    """Cancel the order in a slot."""
    _write(out, _CANCEL, slot, 0, 0, 0, 0)


@leaf
def amend(out, own, slot, px, lots):
    """Let the order in a slot have ``lots`` open at ``px``.

    The message states filled plus open lots, so a fill that is not known yet is not added twice.
    """
    order = own.orders[slot]
    _write(out, _AMEND, slot, order.side, px, order.filled + lots, 0)
