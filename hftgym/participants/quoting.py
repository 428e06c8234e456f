"""Two-sided quoting: keeps one bid (slot 0) and one ask (slot 1) at the prices it is told."""

from __future__ import annotations

from hftgym.core.constants import BUY, NO_PX, SELL, Flag, OwnState
from hftgym.core.jit import leaf
from hftgym.participants.orders import amend, cancel, ceil_px, floor_px, place

BID_SLOT = 0
ASK_SLOT = 1
_FREE = int(OwnState.FREE)
_LIVE = int(OwnState.LIVE)
_PENDING_CANCEL = int(OwnState.PENDING_CANCEL)
_SLIDE = int(Flag.POST_ONLY_SLIDE)


@leaf
def quote_side(own, out, slot, side, px, lots):
    """Move one quote to ``px`` (``side * px == -NO_PX`` withdraws); an unchanged one stays.

    A quote whose cancel is in flight is left alone until the exchange has answered.
    """
    order = own.orders[slot]
    withdraw = px == -side * NO_PX
    if order.state == _FREE:
        if not withdraw:
            place(out, slot, side, px, lots, _SLIDE)
    elif order.state != _PENDING_CANCEL:
        known_px = order.px if order.state == _LIVE else order.pending_px
        if withdraw:
            cancel(out, slot)
        elif px != known_px or order.lots != lots:
            amend(out, own, slot, px, lots)


@leaf
def quote(own, out, bid_px, ask_px, lots):
    """Move both quotes; -NO_PX as bid or NO_PX as ask withdraws that side."""
    quote_side(own, out, BID_SLOT, BUY, bid_px, lots)
    quote_side(own, out, ASK_SLOT, SELL, ask_px, lots)


@leaf
def quote_around(view, own, out, fair_px, bid_tick, ask_tick, lots, limit_lot, tick_px):
    """Quote at distances (ticks) around a fair price (px).

    A side that would breach the limit is pulled, and both are outside of continuous trading.
    """
    bid_px = floor_px(fair_px - bid_tick * tick_px, tick_px)
    ask_px = ceil_px(fair_px + ask_tick * tick_px, tick_px)
    if ask_px <= bid_px:
        ask_px = bid_px + tick_px
    if view.phase != 0 or own.position + lots > limit_lot:
        bid_px = -NO_PX
    if view.phase != 0 or own.position - lots < -limit_lot:
        ask_px = NO_PX
    quote(own, out, bid_px, ask_px, lots)
