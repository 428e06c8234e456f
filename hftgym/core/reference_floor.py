"""The trading floor of the slow twin: live orders, who trades with whom, accounts and answers."""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Sequence

from hftgym.core.constants import (
    BUY,
    SELL,
    FeeUnit,
    Flag,
    Matching,
    MessageKind,
    Phase,
    Reason,
    ReportKind,
    Stp,
)
from hftgym.core.reference_book import Book
from hftgym.core.reference_limits import Gate
from hftgym.core.reference_pro_rata import split
from hftgym.core.reference_types import (
    Account,
    Member,
    Message,
    Order,
    Report,
    Rules,
    Trade,
    Trip,
)

#: Slot of the orders that close the position of a killed participant: they are nobody's message.
FLATTEN_SLOT = -1


class Floor:
    """State of the twin, and all that does not depend on messages, time or phases' steps.

    The arguments are those of ``ReferenceExchange``.
    """

    def __init__(
        self,
        rules: Rules,
        members: Sequence[Member | int],
        capacity: int = 1 << 60,
        phase: int = Phase.CONTINUOUS,
        reference_px: int | None = -1,
    ) -> None:
        self.rules = rules
        self.members = [Member(firm=m) if isinstance(m, int) else m for m in members]
        self.accounts = [Account(member.firm) for member in self.members]
        self.gates = [
            Gate(member, account, rules.unit_value)
            for member, account in zip(self.members, self.accounts, strict=True)
        ]
        self.capacity = capacity
        self.phase: int = phase
        self.now_ns = 0
        self.fee_account = 0
        self.last_px = rules.start_px
        if reference_px is not None and reference_px != -1:
            self.last_px = reference_px
        self.mid_2px = 2 * self.last_px

        self._book = Book()
        self._entries = 0
        self._expiries: list[tuple[int, int, Order]] = []  # heap of (time, entry, order)
        self._traded = False  # between two firms
        self._has_reference = reference_px is not None
        self._static_px = self.last_px
        self._touch: tuple[int, int] | None = None  # of the last continuous trading
        self._own_end: tuple[int, int] | None = None  # when this phase ends on its own, and in what
        self._extended = False  # the collar has extended this call

        self.trips: list[Trip] = []  # of the last call
        self._trades: list[Trade] = []
        self._reports: list[Report] = []
        self._band_px = self.last_px  # reference of the dynamic band in this transaction

    # -------------------------------------------------------------- looking
    def orders(self) -> list[tuple[int, int, int, int, int, int, int]]:
        """Return (side, px, shown lots, reserve lots, owner, slot, hidden) of all resting orders.

        Bids, then asks, best price first, in the order of their queues.
        """
        return [
            (o.side, o.px, o.shown, o.lots - o.shown, o.owner, o.slot, int(o.hidden))
            for side in (BUY, SELL)
            for o in self._book.resting(side)
        ]

    def stops(self) -> list[tuple[int, int, int, int, int, int]]:
        """Return (side, trigger, px, lots, owner, slot) of sleeping stops as they would wake."""
        return [
            (o.side, o.trigger_px, o.px, o.lots, o.owner, o.slot)
            for side in (BUY, SELL)
            for o in self._book.sleeping(side)
        ]

    def waiting(self) -> list[tuple[int, int, int, int]]:
        """Return (side, lots, owner, slot) of the market orders that wait for an uncross."""
        return [
            (o.side, o.lots, o.owner, o.slot)
            for side in (BUY, SELL)
            for o in self._book.queue_of_markets(side)
        ]

    def order(self, participant: int, slot: int) -> Order | None:
        """Return the live order in a participant's slot."""
        return self._book.live.get((participant, slot))

    @property
    def live(self) -> int:
        """How many orders rest, sleep or wait."""
        return len(self._book.live)

    def open_orders(self) -> Counter[int]:
        """Count the live orders of each participant."""
        return Counter(owner for owner, _ in self._book.live)

    def _is_live(self, order: Order) -> bool:
        return self.order(order.owner, order.slot) is order

    # -------------------------------------------------------------- matching
    def _match(self, taker: Order, request: int) -> bool:
        """Trade an order with those that rest, as far as its price allows.

        Returns:
            Whether the dynamic band stopped it.
        """
        while taker.lots:
            px = self._book.best(-taker.side)
            if px is None or taker.side * px > taker.side * taker.px:
                return False
            if not self._in_band(px):
                return True
            if self.rules.matching == Matching.PRO_RATA:
                self._match_by_size(taker, px, request)
            else:
                self._match_next(taker, self._first(-taker.side, px), request)
        return False

    def _first(self, side: int, px: int) -> Order:
        queue = self._book.shown[side].get(px) or self._book.hidden[side][px]
        return queue[0]

    def _match_next(self, taker: Order, maker: Order, request: int) -> None:
        if taker.stp != Stp.OFF and self._same_firm(maker, taker):
            self._prevent(maker, taker, request)
        else:
            self._trade(maker, taker, min(maker.shown, taker.lots))

    def _match_by_size(self, taker: Order, px: int, request: int) -> None:
        """Trade one round at a price by pro-rata (X-PRO-06)."""
        if taker.stp != Stp.OFF:
            for maker in self._book.at(-taker.side, px):
                if taker.lots and self._same_firm(maker, taker):
                    self._prevent(maker, taker, request)
        queue = list(self._book.shown[-taker.side].get(px, ()))
        volume = sum(maker.shown for maker in queue)
        if not taker.lots:
            return
        if not queue:
            hidden = self._book.hidden[-taker.side].get(px)
            if hidden:
                self._match_next(taker, hidden[0], request)
            return
        if taker.lots < volume:
            shares = split(queue, taker.lots, self.rules, self.members)
        else:
            shares = [maker.shown for maker in queue]
        for maker, lots in zip(queue, shares, strict=True):
            if lots:
                self._trade(maker, taker, lots)

    def _prevent(self, maker: Order, taker: Order, request: int) -> None:
        """Keep two orders of one firm from trading (X-STP-02, X-STP-03)."""
        if taker.stp == Stp.DECREMENT:
            lots = min(maker.lots, taker.lots)
            if lots == maker.lots:
                self._end(maker, Reason.SELF_TRADE, MessageKind.LIMIT)
            else:
                maker.lots -= lots
                maker.shown = min(maker.shown, maker.lots)
                self.accounts[maker.owner].open(maker.side, -lots)
                self._tell_shrunk(maker, MessageKind.LIMIT)
            if lots == taker.lots:
                self._tell_end(taker, Reason.SELF_TRADE, request)
            else:
                taker.lots -= lots
                self._tell_shrunk(taker, request)
            return
        if taker.stp in (Stp.CANCEL_OLDEST, Stp.CANCEL_BOTH):
            self._end(maker, Reason.SELF_TRADE, MessageKind.LIMIT)
        if taker.stp in (Stp.CANCEL_NEWEST, Stp.CANCEL_BOTH):
            self._tell_end(taker, Reason.SELF_TRADE, request)

    def _trade(self, maker: Order, taker: Order, lots: int) -> None:
        """Let an aggressor trade with a resting order."""
        px = maker.px
        made, took = self.accounts[maker.owner], self.accounts[taker.owner]
        maker_rate, taker_rate = self._rates(made)[0], self._rates(took)[1]
        self._trades.append(
            Trade(maker.owner, maker.slot, taker.owner, taker.slot, taker.side, px, lots)
        )
        self._fill(maker, px, lots, maker_rate)
        self._fill(taker, px, lots, taker_rate)
        made.maker_lots += lots
        took.taker_lots += lots
        taker.lots -= lots
        taker.filled += lots
        self._shrink(maker, lots)
        self._note_last(maker, taker, px)

    def _note_last(self, one: Order, other: Order, px: int) -> None:
        """A trade within a firm moves no price (X-FIFO-04, X-STP-04)."""
        if not self._same_firm(one, other):
            self.last_px = px
            self._traded = self._has_reference = True

    def _fill(self, order: Order, px: int, lots: int, rate: int) -> None:
        """Book one side of a trade (X-FEE-01)."""
        account, value = self.accounts[order.owner], px * lots * self.rules.unit_value
        fee = rate * lots
        if self.rules.fee_unit == FeeUnit.PER_MILLION:
            fee = -(-rate * abs(value) // 1_000_000)
        account.cash -= order.side * value + fee
        account.fees += fee
        self.fee_account += fee
        account.position += order.side * lots
        account.fills += 1
        account.edge_2px += order.side * lots * (self.mid_2px - 2 * px)
        self._report(order, ReportKind.FILL, Reason.OK, MessageKind.LIMIT, px, lots, fee)

    def _rates(self, account: Account) -> tuple[int, int]:
        """Return a participant's maker and taker rate (X-FEE-03)."""
        rates = (self.rules.maker_fee, self.rules.taker_fee)
        for min_lots, maker, taker in self.rules.fee_tiers:
            if account.maker_lots + account.taker_lots >= min_lots:
                rates = (maker, taker)
        return rates

    # -------------------------------------------------------------- what could trade at once
    def _can_fill(self, order: Order, message: Message) -> bool:
        """Whether a FOK order trades in full, within its budget if it has one."""
        left, value = order.lots, 0
        for px, lots in self._reachable(order):
            taken = min(left, lots)
            left -= taken
            value += taken * px
            if not left:
                break
        if left:
            return False
        if not order.flags & Flag.BUDGET:
            return True
        return value <= message.px if order.side == BUY else value >= message.px

    def _reachable_lots(self, order: Order) -> int:
        return min(order.lots, sum(lots for _, lots in self._reachable(order)))

    def _reachable(self, order: Order) -> list[tuple[int, int]]:
        """Return (price, lots) that an order could trade with at once (X-TIF-02)."""
        found = []
        for px in self._book.prices(-order.side):
            if order.side * px > order.side * order.px or not self._in_band(px):
                break
            lots, ends_here = self._reachable_at(order, px)
            found.append((px, lots))
            if ends_here:
                break
        return found

    def _reachable_at(self, order: Order, px: int) -> tuple[int, bool]:
        """Return the lots of one price that count, and whether none behind it do."""
        queue = self._book.at(-order.side, px)
        own = [o for o in queue if order.stp != Stp.OFF and self._same_firm(o, order)]
        if not own or order.stp == Stp.CANCEL_OLDEST:
            return sum(o.lots for o in queue if o not in own), False
        if self.rules.matching == Matching.PRO_RATA:
            return 0, True
        before = queue[: queue.index(own[0])]
        if own[0].hidden:
            return sum(o.lots for o in before), True
        # The reserves of the orders before it would be shown behind it.
        return sum(o.shown for o in before), True

    def _in_band(self, px: int) -> bool:
        band = self.rules.dynamic_band_px
        return not band or abs(px - self._band_px) <= band

    def _same_firm(self, one: Order, other: Order) -> bool:
        return self.accounts[one.owner].firm == self.accounts[other.owner].firm

    # -------------------------------------------------------------- live orders
    def _rest(self, order: Order) -> None:
        """Put an order at the back of its price, or let a market order wait."""
        best = self._book.best(order.side)
        improves = best is None or order.side * order.px > order.side * best
        order.top = improves and self.phase == Phase.CONTINUOUS
        self._place(order)
        self._note_end(order)

    def _sleep(self, order: Order) -> None:
        """Put a stop behind those of its trigger."""
        self._place(order)
        self._note_end(order)

    def _note_end(self, order: Order) -> None:
        """Note when an order that comes to rest or to sleep expires (X-TIF-07)."""
        if order.flags & Flag.GTD:
            self._entries += 1
            order.entry = self._entries
            heapq.heappush(self._expiries, (order.expire_ns, order.entry, order))

    def _place(self, order: Order) -> None:
        order.shown = order.lots
        if order.flags & Flag.ICEBERG:
            order.shown = min(order.display_lots, order.lots)
        self._book.add(order)
        self.accounts[order.owner].open(order.side, order.lots)

    def _leave(self, order: Order) -> None:
        self._book.remove(order)
        self.accounts[order.owner].open(order.side, -order.lots)

    def _shrink(self, order: Order, lots: int) -> None:
        """Take traded lots from an order; an iceberg that is used up shows more (X-ICE-02)."""
        account = self.accounts[order.owner]
        account.open(order.side, -lots)
        order.lots -= lots
        order.filled += lots
        order.shown = max(order.shown - lots, 0)
        if not order.shown:
            self._leave(order)
        if order.lots and not order.shown:
            order.top = False
            self._place(order)

    def _end(self, order: Order, reason: int, request: int) -> None:
        self._report(order, ReportKind.CANCELLED, reason, request, order.px, order.lots)
        self._leave(order)

    # -------------------------------------------------------------- answers
    def _reject(self, message: Message, reason: int) -> None:
        self.accounts[message.participant].rejects += 1
        p, kind, slot, side, px, lots = message[:6]
        self._reports.append(
            Report(p, ReportKind.REJECTED, int(reason), kind, slot, side, px, lots)
        )

    def _tell_end(self, order: Order, reason: int, request: int) -> None:
        """Answer for what is left of an aggressor, and end it."""
        self._report(order, ReportKind.CANCELLED, reason, request, order.px, order.lots)
        order.lots = 0

    def _tell_shrunk(self, order: Order, request: int) -> None:
        self._report(order, ReportKind.AMENDED, Reason.SELF_TRADE, request, order.px, order.lots)

    def _report(
        self,
        order: Order,
        kind: int,
        reason: int,
        request: int,
        px: int,
        lots: int,
        fee: int = 0,
    ) -> None:
        # An order that closes a killed position is nobody's message: only its fills are told.
        if order.slot == FLATTEN_SLOT and kind != ReportKind.FILL:
            return
        self._reports.append(
            Report(
                order.owner,
                int(kind),
                int(reason),
                int(request),
                order.slot,
                order.side,
                px,
                lots,
                fee,
            )
        )
