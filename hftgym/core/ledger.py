"""What the exchange writes down: the event log, fees, and the accounts of its participants.

A bare book (``market.bare``) has no participants: nothing is written but its trades.
"""

from __future__ import annotations

import numpy as np

from hftgym.core.constants import (
    BUY,
    NONE,
    Fault,
    FeeUnit,
    LogKind,
    LogMark,
    MessageKind,
    Reason,
    ReportKind,
    WakeOn,
)
from hftgym.core.jit import inlined, leaf
from hftgym.core.responses import report
from hftgym.core.rng import mix
from hftgym.core.views import trigger_view

_LIMIT = int(MessageKind.LIMIT)
_OK = int(Reason.OK)
_FILL = int(ReportKind.FILL)
_TRADE = int(LogKind.TRADE)
_SELF = int(LogMark.SELF)
_ON_FILL = int(WakeOn.FILL)
_OVERFLOW = int(Fault.OVERFLOW)
_LOG_FULL = int(Fault.LOG)
_PER_LOT = int(FeeUnit.PER_LOT)
_MILLION = 1_000_000
_CASH_LIMIT = 1 << 62
_ONE = np.uint64(1)
_S32 = np.uint64(32)
# Odd words of 64 bits without a pattern: binary digits of pi.
_K1 = np.uint64(0x243F6A8885A308D3)
_K2 = np.uint64(0x13198A2E03707345)
_K3 = np.uint64(0xA4093822299F31D1)
_K4 = np.uint64(0x082EFA98EC4E6C89)


# ------------------------------------------------------------------ log
@leaf
def _hash_row(m, kind, maker, maker_slot, taker, taker_slot, side, px, lots, reason, marks):
    """Fold a row into the rolling hash: odd multiples of its words, mixed once with what was."""
    m.log_count += _ONE
    # int: interpreted, a narrow integer and a mask beyond it do not go together
    what = int(kind) | int(reason) << 8 | int(marks) << 16 | (int(side) + 1) << 24
    who = int(maker) & 0xFFFF | (int(taker) & 0xFFFF) << 16
    slots = int(maker_slot) & 0xFFFF | (int(taker_slot) & 0xFFFF) << 16
    words = (
        np.uint64(m.now_ns) * _K1
        + np.uint64(px) * _K2
        + (np.uint64(lots) << _S32 ^ np.uint64(what)) * _K3
        + (np.uint64(slots) << _S32 | np.uint64(who)) * _K4
    )
    m.log_hash = mix(m.log_hash + words)


@leaf
def write_row(
    m, log, kind, maker, maker_slot, maker_gen, taker, taker_slot, taker_gen, side, px, lots,
    reason, marks,
):  # fmt: skip
    """Write a row into the log buffer; a fault when it has no room."""
    if m.log_used >= log.capacity:
        m.fault = _LOG_FULL
        return
    row = log.rows[m.log_used]
    m.log_used += 1
    row.t_ns = m.now_ns
    row.px = px
    row.lots = lots
    row.maker_slot = maker_slot
    row.taker_slot = taker_slot
    row.maker_gen = maker_gen
    row.taker_gen = taker_gen
    row.maker = maker
    row.taker = taker
    row.kind = kind
    row.side = side
    row.reason = reason
    row.marks = marks


@leaf
def write_log(m, log, kind, maker, maker_slot, taker, taker_slot, side, px, lots, reason, marks):
    """Count and hash one row of the event log that is not a trade, and write it when it is kept."""
    if m.bare != 0:
        return
    _hash_row(m, kind, maker, maker_slot, taker, taker_slot, side, px, lots, reason, marks)
    if log.capacity > 0:
        write_row(
            m, log, kind, maker, maker_slot, 0, taker, taker_slot, 0, side, px, lots, reason, marks
        )


# ------------------------------------------------------------------ accounts
@inlined
def same_firm(m, p, q):
    """Return whether two participants are of one firm.

    In a bare book each owner is a firm of its own, and owner 0 is nobody in particular.
    """
    if m.bare != 0:
        return p == q and p != 0
    return m.part[p].account.firm == m.part[q].account.firm


@inlined
def open_lots(m, p, side, lots, orders):
    """Add to the lots that a participant has open on a side, and to its open orders."""
    if m.bare != 0:
        return
    account = m.part[p].account
    account.open_orders += orders
    if side == BUY:
        account.open_buy_lots += lots
    else:
        account.open_sell_lots += lots


@leaf
def _fee(m, instrument, p, is_maker, is_auction, value, lots):
    """Return the fee of one side of a trade, rounded up, rebates toward zero."""
    if p == m.tape.owner:
        return 0
    rate = instrument.maker_fee if is_maker else instrument.taker_fee
    if is_auction:
        rate = instrument.auction_fee
    elif instrument.fee_tier_count > 0:
        account = m.part[p].account
        traded = account.maker_lots + account.taker_lots
        for i in range(instrument.fee_tier_count):
            tier = instrument.fee_tiers[i]
            if traded >= tier.min_lots:
                rate = tier.maker_fee if is_maker else tier.taker_fee
    if instrument.fee_unit == _PER_LOT:
        return rate * lots
    # In two parts: value * rate may pass 2^63.
    whole = value // _MILLION
    return whole * rate - (-((value - whole * _MILLION) * rate)) // _MILLION


@leaf
def _pay(m, p, cash, fee, position, edge):
    account = m.part[p].account
    account.cash += cash - fee
    account.fees += fee
    account.position += position
    account.fills += 1
    account.edge_2px += edge
    if account.cash > _CASH_LIMIT or account.cash < -_CASH_LIMIT:
        m.fault = _OVERFLOW


@leaf
def _tell(m, p, slot, gen, side, px, lots, fee):
    """Count a fill of an own order and tell its owner. A tape hears nothing."""
    if p == m.tape.owner:
        return
    if slot != NONE:
        m.slots[m.part[p].own_first + slot].filled += lots
    report(m, p, _FILL, _OK, _LIMIT, slot, gen, side, px, lots, fee)


@leaf
def settle(
    m, log, b, maker, maker_slot, maker_gen, taker, taker_slot, taker_gen, side, px, lots, marks
):
    """Move money and lots of one trade, count it, log it, and tell both.

    ``side`` is the aggressor's; 0 in an uncross, where the maker is the seller.
    """
    b.trades += 1
    b.volume += lots
    b.signed_volume += side * lots
    if m.bare == 0:
        _settle_accounts(
            m, log, b, maker, maker_slot, maker_gen, taker, taker_slot, taker_gen, side, px, lots,
            marks,
        )  # fmt: skip
        return
    if same_firm(m, maker, taker):
        marks |= _SELF
    else:
        b.last_px = px
        b.stop_px = px
        b.has_reference = 1
    if log.capacity > 0:
        write_row(
            m, log, _TRADE, maker, maker_slot, maker_gen, taker, taker_slot, taker_gen, side, px,
            lots, _OK, marks,
        )  # fmt: skip


@leaf
def _settle_accounts(
    m, log, b, maker, maker_slot, maker_gen, taker, taker_slot, taker_gen, side, px, lots, marks
):
    """Move money and lots of one trade, log it, and tell both."""
    instrument = b.instrument
    value = px * lots * instrument.unit_value
    is_auction = side == 0
    taker_side = BUY if is_auction else side
    maker_fee = _fee(m, instrument, maker, True, is_auction, abs(value), lots)
    taker_fee = _fee(m, instrument, taker, False, is_auction, abs(value), lots)
    edge = taker_side * lots * (b.mid_2px - 2 * px)
    _pay(m, maker, taker_side * value, maker_fee, -taker_side * lots, -edge)
    _pay(m, taker, -taker_side * value, taker_fee, taker_side * lots, edge)
    m.fee_account += maker_fee + taker_fee
    if not is_auction:
        m.part[maker].account.maker_lots += lots
        m.part[taker].account.taker_lots += lots
    if same_firm(m, maker, taker):
        marks |= _SELF  # it moves no mark
    else:
        b.last_px = px
        b.stop_px = px
        b.has_reference = 1
    _hash_row(m, _TRADE, maker, maker_slot, taker, taker_slot, side, px, lots, _OK, marks)
    if log.capacity > 0:
        write_row(
            m, log, _TRADE, maker, maker_slot, maker_gen, taker, taker_slot, taker_gen, side, px,
            lots, _OK, marks,
        )  # fmt: skip
    _tell(m, maker, maker_slot, maker_gen, -taker_side, px, lots, maker_fee)
    _tell(m, taker, taker_slot, taker_gen, taker_side, px, lots, taker_fee)
    if m.wake_mask & _ON_FILL:
        if m.part[maker].wake_on & _ON_FILL:
            trigger_view(m, maker)
        if m.part[taker].wake_on & _ON_FILL:
            trigger_view(m, taker)
