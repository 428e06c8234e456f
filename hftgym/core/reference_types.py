"""What the slow twin is asked and answers: messages, trades, reports, rules, members, orders.

The compiled exchange speaks the same words where it is compared with the twin.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from hftgym.core.constants import (
    BUY,
    BandAction,
    FeeUnit,
    Flag,
    Matching,
    StopOn,
    Stp,
)


class Message(NamedTuple):
    """What a participant asks. Prices in px, sizes in lots, side +1 or -1.

    ``stp`` is 0 for the instrument's self-trade mode, else that of the message plus one.
    """

    participant: int
    kind: int
    slot: int
    side: int = 0
    px: int = 0
    lots: int = 0
    flags: int = 0
    stp: int = 0
    trigger_px: int = 0
    display_lots: int = 0
    min_lots: int = 0
    expire_ns: int = 0


class Trade(NamedTuple):
    """One fill. ``side`` is the taker's; in an uncross 0, the maker sells and the taker buys."""

    maker: int
    maker_slot: int
    taker: int
    taker_slot: int
    side: int
    px: int
    lots: int


class Report(NamedTuple):
    """One private answer. ``fee`` is money paid."""

    to: int
    kind: int
    reason: int
    request: int
    slot: int
    side: int
    px: int
    lots: int
    fee: int = 0


class Trip(NamedTuple):
    """A limit that stopped somebody: at the gate, or (no slot; px is its equity) by its loss."""

    who: int
    limit: int
    slot: int
    px: int
    lots: int


class Outcome(NamedTuple):
    """What one transaction led to, in order."""

    trades: list[Trade]
    reports: list[Report]


class Indication(NamedTuple):
    """What an uncross would do now. ``surplus`` is buy minus sell lots that could trade."""

    px: int
    lots: int
    surplus: int


@dataclass(frozen=True)
class Rules:
    """The part of an instrument that the exchange needs; names and units as in the record.

    ``fee_tiers`` are (min_lots, maker, taker), rising, beyond the base.
    """

    px_min: int = 1
    px_max: int = 1 << 31
    max_lots: int = 1_000_000
    tick_px: int = 1
    unit_value: int = 10
    maker_fee: int = 0
    taker_fee: int = 3
    start_px: int = 10_000
    stp: int = Stp.OFF
    matching: int = Matching.FIFO
    top_max_lots: int = 0
    min_alloc_lots: int = 1
    fifo_percent: int = 0
    stop_on: int = StopOn.LAST
    static_band_px: int = 0
    dynamic_band_px: int = 0
    band_action: int = BandAction.CANCEL
    call_ns: int = 0
    halt_ns: int = 0
    collar_bps: int = 0
    fee_unit: int = FeeUnit.PER_LOT
    fee_tiers: tuple[tuple[int, int, int], ...] = ()
    auction_fee: int = 0


@dataclass(frozen=True)
class Member:
    """A participant's standing at the exchange; None: no such limit."""

    firm: int
    lmm_percent: int = 0
    position_limit: int | None = None
    kill_equity: int | None = None
    kill_flatten: bool = False
    cancel_on_disconnect: bool = False
    open_orders_limit: int | None = None
    notional_limit: int | None = None
    rate_interval_ns: int | None = None
    rate_burst: int = 1


@dataclass(slots=True)
class Account:
    """Money and lots of one participant; names and units as in the record."""

    firm: int
    cash: int = 0
    fees: int = 0
    position: int = 0
    open_buy_lots: int = 0
    open_sell_lots: int = 0
    maker_lots: int = 0
    taker_lots: int = 0
    fills: int = 0
    rejects: int = 0
    edge_2px: int = 0
    killed: bool = False
    connected: bool = True

    def open(self, side: int, lots: int) -> None:
        """Add open lots to a side."""
        if side == BUY:
            self.open_buy_lots += lots
        else:
            self.open_sell_lots += lots

    def exposure(self, side: int) -> int:
        """Return the position on a side if all open lots of that side traded."""
        if side == BUY:
            return self.position + self.open_buy_lots
        return self.open_sell_lots - self.position


@dataclass(eq=False, slots=True)
class Order:
    """An order that acts, rests, sleeps until its trigger, or waits for an uncross.

    Attributes:
        kind: limit or market; a market order's ``px`` is the instrument's limit.
        lots: all that is open, an iceberg's reserve included.
        filled: lots that have traded.
        stp: its self-trade mode when it acts.
        entry: counts orders with an end as they come to rest or to sleep.
        shown: lots that others see, of a hidden order all.
        asleep: a stop that has not been triggered.
        top: it made the best price of its side when it came to rest.
    """

    owner: int
    slot: int
    side: int
    kind: int
    px: int
    lots: int
    flags: int = 0
    stp: int = Stp.OFF
    trigger_px: int = 0
    display_lots: int = 0
    expire_ns: int = 0
    entry: int = 0
    filled: int = 0
    shown: int = 0
    asleep: bool = False
    top: bool = False

    @property
    def hidden(self) -> bool:
        """Whether nobody sees it rest."""
        return bool(self.flags & Flag.HIDDEN)
