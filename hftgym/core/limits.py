"""Limits at the gate: what a participant may have in the market, and how fast it may ask for more.

An order or amend that is in order itself meets its sender's limits before it comes to the book
(the pre-trade controls of SEC Rule 15c3-5 (c)(1) and of RTS 6, article 15, of MiFID II). The rate
is a generic cell rate algorithm in its form of virtual scheduling (ITU-T I.371, annex A): one
number, the time at which the next order would be due if all came at the limit of the rate.
"""

from __future__ import annotations

from hftgym.core.constants import BUY, Flag, Limit, MessageKind, Phase, Reason
from hftgym.core.jit import inlined, leaf

_LIMIT = int(MessageKind.LIMIT)
_IMMEDIATE = int(Flag.IOC) | int(Flag.FOK)
_BUDGET = int(Flag.BUDGET)
_KEPT = int(Flag.TO_LIMIT) | int(Flag.STOP)  # with them a market order may stay too
_STOP = int(Flag.STOP)
_CONTINUOUS = int(Phase.CONTINUOUS)
_OK = int(Reason.OK)
_RISK_LIMIT = int(Reason.RISK_LIMIT)
_POSITION = int(Limit.POSITION)
_OPEN_ORDERS = int(Limit.OPEN_ORDERS)
_NOTIONAL = int(Limit.NOTIONAL)
_RATE = int(Limit.ORDER_RATE)
_GATE = _POSITION | _OPEN_ORDERS | _NOTIONAL | _RATE
#: A refusal by a limit is ``RISK_LIMIT`` with the Limit above it.
LIMIT_SHIFT = 8


@leaf
def _fits(b, account, side, px, lots, open_now):
    """Return whether the worth of a side, with an order of these lots, is within the limit."""
    exposure = max(side * account.position + open_now + lots, 0)
    mark_2px = abs(b.mid_2px)
    fresh = min(lots, exposure)
    room = 2 * account.notional_limit // b.instrument.unit_value
    room -= fresh * max(mark_2px, 2 * abs(px))
    # Divided: the lots of many orders times a price may pass 2^63.
    return room >= 0 and (mark_2px == 0 or exposure - fresh <= room // mark_2px)


@leaf
def _breach(m, b, p, side, px, lots, old_px, old_lots, stays):
    """Return the first Limit that stops an order (an amend: of its new terms), or 0.

    What passes counts for the rate. A price of 0 is none.
    """
    account = m.part[p].account
    limits = account.limits
    open_now = (account.open_buy_lots if side == BUY else account.open_sell_lots) - old_lots
    grows = lots > old_lots
    dearer = lots > 0 and abs(px) > abs(old_px)
    if limits & _POSITION and grows:
        if side * account.position + open_now + lots > account.position_limit:
            return _POSITION
    if limits & _OPEN_ORDERS and stays and account.open_orders >= account.open_orders_limit:
        return _OPEN_ORDERS
    if limits & _NOTIONAL and (grows or dearer) and not _fits(b, account, side, px, lots, open_now):
        return _NOTIONAL
    if limits & _RATE:
        if m.now_ns < account.rate_due_ns - account.rate_slack_ns:
            return _RATE
        account.rate_due_ns = max(m.now_ns, account.rate_due_ns) + account.rate_interval_ns
    return 0


@leaf
def _refusal(limit):
    return _OK if limit == 0 else _RISK_LIMIT | limit << LIMIT_SHIFT


@inlined
def has_limits(m, p):
    """Return whether anything of a participant is limited at the gate."""
    return m.part[p].account.limits & _GATE != 0


@leaf
def limit_new(m, b, msg, flags):
    """Return why a new order, good in itself, does not pass the gate, or OK."""
    has_px = msg.kind == _LIMIT and flags & _BUDGET == 0
    stays = flags & _IMMEDIATE == 0 and (msg.kind == _LIMIT or flags & _KEPT != 0)
    if b.instrument.phase != _CONTINUOUS:  # a call: market orders wait
        stays = True
    px = msg.px if has_px else 0
    return _refusal(_breach(m, b, msg.participant, msg.side, px, msg.lots, 0, 0, stays))


@leaf
def limit_amend(m, b, msg, o, limit_px, lots, open_now):
    """Return why an amend to ``lots`` that are open, good in itself, does not pass, or OK."""
    has_px = o.flags & _STOP == 0 or m.rare[o.slot].kind == _LIMIT
    px = msg.px if has_px else 0
    old_px = limit_px if has_px else 0
    return _refusal(_breach(m, b, msg.participant, o.side, px, lots, old_px, open_now, False))
