"""The slow twin: the exchange's rules in plain Python, written to be read.

It judges the compiled exchange: both get the same messages and must give the same trades, reports,
books and accounts after every one of them. It shares the enumerations and nothing else: a book is
a dictionary of prices, a level is a deque of orders, oldest first.

The rules, one message at a time:

- A new order is refused for the first of these: its sender is killed, the market is closed, side
  or instructions make no sense, its size, its price, the tick, its slot is in use, a post-only
  order would trade, there is no room. A market order has no price; it may trade up to the
  instrument's limits. Market orders and IOC never rest, post-only orders never trade.
- A crossing order trades at the prices of the orders that rest: best price first, oldest first.
- With self-trade prevention an order of the same firm that stands next in the queue is cancelled
  and the aggressor goes on; earlier fills stand.
- An amend states the total quantity, filled lots included. Less at the same price keeps the place;
  another price, or more, joins the back of the queue and may trade. Nothing left ends the order.
  A refused amend changes nothing. A cancel or amend of an order that is gone is too late.
- A fill moves ``px * lots * unit_value`` of cash and the fee of each side, which the fee account
  receives. All accounts and the fee account add up to zero.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from hftgym.core.constants import (
    BUY,
    SELL,
    Flag,
    MessageKind,
    Phase,
    Reason,
    ReportKind,
    Stp,
)

_POST = Flag.POST_ONLY | Flag.POST_ONLY_SLIDE


class Message(NamedTuple):
    """What a participant asks. Prices in px, sizes in lots, side +1 or -1."""

    participant: int
    kind: int
    slot: int
    side: int = 0
    px: int = 0
    lots: int = 0
    flags: int = 0


class Trade(NamedTuple):
    """One fill. ``side`` is the taker's."""

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


class Outcome(NamedTuple):
    """What one message led to, in order."""

    trades: list[Trade]
    reports: list[Report]


@dataclass(frozen=True)
class Rules:
    """The part of an instrument that the exchange needs; names and units as in the record."""

    px_min: int = 1
    px_max: int = 1 << 31
    max_lots: int = 1_000_000
    tick_px: int = 1
    unit_value: int = 10
    maker_fee: int = 0
    taker_fee: int = 3
    start_px: int = 10_000
    stp: int = Stp.OFF


@dataclass
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

    def open(self, side: int, lots: int) -> None:
        """Add open lots to a side."""
        if side == BUY:
            self.open_buy_lots += lots
        else:
            self.open_sell_lots += lots


@dataclass(eq=False)
class Order:
    """A resting order."""

    owner: int
    slot: int
    side: int
    px: int
    lots: int
    filled: int
    flags: int


@dataclass
class ReferenceExchange:
    """A plain exchange for one instrument.

    Args:
        rules: the instrument.
        firms: firm of each participant.
        capacity: resting orders that there is room for.
    """

    rules: Rules
    firms: Sequence[int]
    capacity: int = 1 << 60
    phase: int = Phase.CONTINUOUS
    fee_account: int = 0
    last_px: int = 0
    mid_2px: int = 0
    accounts: list[Account] = field(default_factory=list)
    _levels: dict[int, dict[int, deque[Order]]] = field(default_factory=dict)
    _live: dict[tuple[int, int], Order] = field(default_factory=dict)
    _trades: list[Trade] = field(default_factory=list)
    _reports: list[Report] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.accounts = [Account(firm) for firm in self.firms]
        self._levels = {BUY: {}, SELL: {}}
        self.last_px = self.rules.start_px
        self.mid_2px = 2 * self.rules.start_px

    # -------------------------------------------------------------- looking
    def best(self, side: int) -> int | None:
        """Return the best price of a side, or None."""
        prices = self._levels[side]
        if not prices:
            return None
        return max(prices) if side == BUY else min(prices)

    def orders(self) -> list[tuple[int, int, int, int, int]]:
        """Return (side, px, lots, owner, slot) of all orders: bids, asks, best and oldest first."""
        return [
            (side, px, order.lots, order.owner, order.slot)
            for side in (BUY, SELL)
            for px in sorted(self._levels[side], reverse=side == BUY)
            for order in self._levels[side][px]
        ]

    def order(self, participant: int, slot: int) -> Order | None:
        """Return the resting order in a participant's slot."""
        return self._live.get((participant, slot))

    @property
    def live(self) -> int:
        """How many orders rest."""
        return len(self._live)

    # -------------------------------------------------------------- messages
    def process(self, message: Message) -> Outcome:
        """Let one message act.

        Returns:
            Its trades and the private reports, each in the order in which they happened.
        """
        self._trades, self._reports = [], []
        if message.kind in (MessageKind.LIMIT, MessageKind.MARKET):
            self._new(message)
        elif message.kind == MessageKind.CANCEL:
            self._cancel(message)
        elif message.kind == MessageKind.AMEND:
            self._amend(message)
        else:
            self._reject(message, Reason.BAD_MESSAGE)
        bid, ask = self.best(BUY), self.best(SELL)
        if bid is not None and ask is not None:
            self.mid_2px = bid + ask
        return Outcome(self._trades, self._reports)

    def _new(self, message: Message) -> None:
        rules = self.rules
        p, slot, side, lots = message.participant, message.slot, message.side, message.lots
        is_market = message.kind == MessageKind.MARKET
        rests = not is_market and not message.flags & Flag.IOC
        px = message.px
        if is_market:
            px = rules.px_max if side == BUY else rules.px_min
        reason = self._form(message, rests) or self._terms(px, lots, is_market)
        if not reason and (p, slot) in self._live:
            reason = Reason.BAD_MESSAGE
        if not reason and rests:
            placed = self._post_px(side, px, message.flags)
            if placed is None:
                reason = Reason.POST_ONLY_CROSS
            elif self.live >= self.capacity:
                reason = Reason.POOL_FULL
            else:
                px = placed
        if reason:
            self._reject(message, reason)
            return
        self._report(p, ReportKind.ACCEPTED, Reason.OK, message.kind, slot, side, px, lots)
        order = Order(p, slot, side, px, lots, 0, message.flags)
        self._match(order)
        if order.lots and rests:
            self._rest(order)
        elif order.lots:
            self._report(
                p,
                ReportKind.CANCELLED,
                Reason.IOC_REST,
                message.kind,
                slot,
                side,
                px,
                order.lots,
            )

    def _form(self, message: Message, rests: bool) -> int:
        """Return why an order can not even be looked at, or OK."""
        if self.accounts[message.participant].killed:
            return Reason.KILLED
        if self.phase != Phase.CONTINUOUS:
            return Reason.MARKET_CLOSED
        if message.side not in (BUY, SELL) or (not rests and message.flags & _POST):
            return Reason.BAD_MESSAGE
        return Reason.OK

    def _terms(self, px: int, lots: int, is_market: bool = False) -> int:
        """Return what is wrong with a size or a price, or OK."""
        if not 0 < lots <= self.rules.max_lots:
            return Reason.BAD_QTY
        if is_market:
            return Reason.OK
        if not self.rules.px_min <= px <= self.rules.px_max:
            return Reason.BAD_PRICE
        if px % self.rules.tick_px:
            return Reason.NOT_ON_TICK
        return Reason.OK

    def _post_px(self, side: int, px: int, flags: int) -> int | None:
        """Return where an order rests that must not trade; None when it is to be refused."""
        opposite = self.best(-side)
        if not flags & _POST or opposite is None or side * px < side * opposite:
            return px
        behind = opposite - side * self.rules.tick_px
        if flags & Flag.POST_ONLY_SLIDE and self.rules.px_min <= behind <= self.rules.px_max:
            return behind
        return None

    def _cancel(self, message: Message) -> None:
        order = self._live.get((message.participant, message.slot))
        if order is None:
            self._reject(message, Reason.TOO_LATE)
        else:
            self._end(order, Reason.OK, message.kind)

    def _amend(self, message: Message) -> None:
        p, slot = message.participant, message.slot
        order = self._live.get((p, slot))
        if order is None:
            self._reject(message, Reason.TOO_LATE)
            return
        left = message.lots - order.filled
        reason: int = Reason.KILLED if self.accounts[p].killed else Reason.OK
        reason = reason or self._terms(message.px, message.lots)
        reduces = message.px == order.px and left <= order.lots
        if not reason and self.phase != Phase.CONTINUOUS and not reduces:
            reason = Reason.MARKET_CLOSED
        px = message.px
        if not reason and px != order.px:
            placed = self._post_px(order.side, px, order.flags)
            if placed is None:
                reason = Reason.POST_ONLY_CROSS
            else:
                px = placed
        if reason:
            self._reject(message, reason)
            return
        if left <= 0:
            self._end(order, Reason.OK, message.kind)
            return
        keeps_place = px == order.px and left <= order.lots
        if keeps_place:
            self.accounts[p].open(order.side, left - order.lots)
        else:
            self._leave(order)
            order.px = px
        order.lots = left
        self._report(p, ReportKind.AMENDED, Reason.OK, message.kind, slot, order.side, px, left)
        if not keeps_place:
            self._match(order)
            if order.lots:
                self._rest(order)

    # -------------------------------------------------------------- matching
    def _match(self, taker: Order) -> None:
        """Trade an order that does not rest with those that do, as far as its price allows."""
        firm = self.accounts[taker.owner].firm
        while taker.lots:
            px = self.best(-taker.side)
            if px is None or taker.side * px > taker.side * taker.px:
                return
            maker = self._levels[-taker.side][px][0]
            same_firm = self.accounts[maker.owner].firm == firm
            if self.rules.stp == Stp.CANCEL_OLDEST and same_firm:
                self._end(maker, Reason.SELF_TRADE, MessageKind.LIMIT)
            else:
                self._trade(maker, taker, min(maker.lots, taker.lots))

    def _trade(self, maker: Order, taker: Order, lots: int) -> None:
        rules, px = self.rules, maker.px
        self._trades.append(
            Trade(maker.owner, maker.slot, taker.owner, taker.slot, taker.side, px, lots)
        )
        for order, fee_per_lot in ((maker, rules.maker_fee), (taker, rules.taker_fee)):
            account = self.accounts[order.owner]
            fee = fee_per_lot * lots
            account.cash -= order.side * px * lots * rules.unit_value + fee
            account.fees += fee
            self.fee_account += fee
            account.position += order.side * lots
            account.fills += 1
            account.edge_2px += order.side * lots * (self.mid_2px - 2 * px)
            order.lots -= lots
            order.filled += lots
            self._report(
                order.owner,
                ReportKind.FILL,
                Reason.OK,
                MessageKind.LIMIT,
                order.slot,
                order.side,
                px,
                lots,
                fee,
            )
        maker_account = self.accounts[maker.owner]
        maker_account.maker_lots += lots
        maker_account.open(maker.side, -lots)
        self.accounts[taker.owner].taker_lots += lots
        if maker.owner != taker.owner:
            self.last_px = px
        if not maker.lots:
            self._leave(maker)

    # -------------------------------------------------------------- resting orders
    def _rest(self, order: Order) -> None:
        self._levels[order.side].setdefault(order.px, deque()).append(order)
        self._live[order.owner, order.slot] = order
        self.accounts[order.owner].open(order.side, order.lots)

    def _leave(self, order: Order) -> None:
        level = self._levels[order.side][order.px]
        level.remove(order)
        if not level:
            del self._levels[order.side][order.px]
        del self._live[order.owner, order.slot]
        self.accounts[order.owner].open(order.side, -order.lots)

    def _end(self, order: Order, reason: int, request: int) -> None:
        self._report(
            order.owner,
            ReportKind.CANCELLED,
            reason,
            request,
            order.slot,
            order.side,
            order.px,
            order.lots,
        )
        self._leave(order)

    # -------------------------------------------------------------- answers
    def _reject(self, message: Message, reason: int) -> None:
        self.accounts[message.participant].rejects += 1
        p, kind, slot, side, px, lots, _ = message
        self._report(p, ReportKind.REJECTED, reason, kind, slot, side, px, lots)

    def _report(
        self,
        to: int,
        kind: int,
        reason: int,
        request: int,
        slot: int,
        side: int,
        px: int,
        lots: int,
        fee: int = 0,
    ) -> None:
        self._reports.append(
            Report(to, int(kind), int(reason), int(request), slot, side, px, lots, fee)
        )
