"""The slow twin: the exchange's rules in plain Python, written to be read.

It judges the compiled exchange: both get the same messages and must give the same trades, reports,
books and accounts after every one of them. It shares the enumerations and nothing else, and was
written from ``docs/rules.md`` alone; the ids in its comments are those of that page.

Everything that happens is a transaction: a message, the expiries of an instant, or a step to
another phase. At its end stops wake, the mark is renewed, and participants are judged by it.
"""

from __future__ import annotations

import heapq
from collections.abc import Sequence

from hftgym.core import reference_checks as checks
from hftgym.core.constants import (
    BUY,
    SELL,
    BandAction,
    FeeUnit,
    Flag,
    Matching,
    MessageKind,
    Phase,
    Reason,
    ReportKind,
    StopOn,
    Stp,
)
from hftgym.core.reference_auction import Clearing, Interest, clear
from hftgym.core.reference_book import Book
from hftgym.core.reference_pro_rata import split
from hftgym.core.reference_types import (
    Account,
    Indication,
    Member,
    Message,
    Order,
    Outcome,
    Report,
    Rules,
    Trade,
)

__all__ = [
    "Account",
    "Indication",
    "Member",
    "Message",
    "Order",
    "Outcome",
    "ReferenceExchange",
    "Report",
    "Rules",
    "Trade",
]

#: Slot of the orders that close the position of a killed participant: they are nobody's message.
FLATTEN_SLOT = -1


class ReferenceExchange:
    """A plain exchange for one instrument.

    Args:
        rules: the instrument.
        members: standing of each participant; an int is a firm without limits.
        capacity: orders that there is room for, asleep and waiting ones included.
        phase: phase at the start.
        reference_px: last price at the start, -1 for ``start_px``; None: auctions have no
            reference before the first trade between two firms.
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
        self.capacity = capacity
        self.phase: int = phase
        self.now_ns = 0
        self.fee_account = 0
        given = reference_px is not None and reference_px != -1
        self.last_px: int = reference_px if given and reference_px is not None else rules.start_px
        self.mid_2px = 2 * rules.start_px

        self._book = Book()
        self._entries = 0
        self._expiries: list[tuple[int, int, Order]] = []  # heap of (time, entry, order)
        self._traded = False  # between two firms
        self._has_reference = reference_px is not None
        self._static_px = rules.start_px
        self._touch: tuple[int, int] | None = None  # of the last continuous trading
        self._own_end: tuple[int, int] | None = None  # when this phase ends on its own, and in what
        self._extended = False  # the collar has extended this call

        self._trades: list[Trade] = []
        self._reports: list[Report] = []
        self._band_px = self.last_px  # reference of the dynamic band in this transaction
        self._edge_mid_2px = self.mid_2px  # mid before this transaction

    # -------------------------------------------------------------- looking
    def orders(self) -> list[tuple[int, int, int, int, int, int, int]]:
        """Return (side, px, shown lots, reserve lots, owner, slot, hidden) of all resting orders.

        Bids, then asks, best price first, in the order of their queues.
        """
        return [
            (
                o.side,
                o.px,
                o.shown,
                o.lots - o.shown,
                o.owner,
                o.slot,
                int(bool(o.flags & Flag.HIDDEN)),
            )
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

    def indication(self) -> Indication | None:
        """Return what an uncross would do now; None outside of calls, or if nothing would trade."""
        if self.phase not in checks.CALLS:
            return None
        interest = self._interest()
        clearing = self._clearing(interest)
        if clearing is None:
            return None
        px = self._within_collar(clearing)
        return None if px is None else interest.at(px)

    # -------------------------------------------------------------- transactions
    def process(self, message: Message) -> Outcome:
        """Let one message act.

        Returns:
            Its trades and the private reports, each in the order in which they happened.
        """
        self._begin()
        kind, sender = message.kind, self.accounts[message.participant]
        if kind == MessageKind.CONNECT:
            sender.connected = True
        elif kind == MessageKind.DISCONNECT:
            self._disconnect(message.participant)
        elif not sender.connected:
            self._reject(message, Reason.DISCONNECTED)
        elif kind == MessageKind.CANCEL:
            self._cancel(message)
        elif kind == MessageKind.CANCEL_ALL:
            self._cancel_all(message)
        elif kind == MessageKind.AMEND:
            self._amend(message)
        else:
            self._new(message)
        return self._finish()

    def set_phase(self, phase: int) -> Outcome | None:
        """Let the venue step to another phase; None if that step does not exist (X-PHA-02)."""
        if phase not in checks.STEPS[self.phase]:
            return None
        self._begin()
        self._step(phase)
        return self._finish()

    def advance(self, now_ns: int) -> Outcome:
        """Let time pass: what is due by then happens, expiries before phases (X-TIF-07)."""
        trades: list[Trade] = []
        reports: list[Report] = []
        while (due := self._next_due()) is not None and due <= now_ns:
            self.now_ns = due
            self._begin()
            if self._expiries and self._expiries[0][0] == due:
                self._expire()
            else:
                self._end_phase()
            outcome = self._finish()
            trades += outcome.trades
            reports += outcome.reports
        self.now_ns = max(self.now_ns, now_ns)
        return Outcome(trades, reports)

    def _begin(self) -> None:
        self._trades, self._reports = [], []
        self._band_px = self.last_px
        self._edge_mid_2px = self.mid_2px

    def _finish(self) -> Outcome:
        self._wake_stops()
        self.mid_2px = self._mark_2px()
        if self._kill():
            self._wake_stops()
            self.mid_2px = self._mark_2px()
        return Outcome(self._trades, self._reports)

    def _mark_2px(self) -> int:
        """Return twice the mid of now: of the uncross in a call, else of the visible touch."""
        indication = self.indication()
        if indication is not None:
            return 2 * indication.px
        bid, ask = self._book.touch(BUY), self._book.touch(SELL)
        if bid is None or ask is None or bid >= ask:
            return self.mid_2px
        return bid + ask

    # -------------------------------------------------------------- new orders
    def _new(self, message: Message) -> None:
        flags = message.flags
        reason = self._refusal(message)
        if reason:
            self._reject(message, reason)
            return
        order = self._draft(message)
        reason = self._refusal_by_book(order, message)
        if reason:
            self._reject(message, reason)
            return
        self._entries += 1
        self._report(order, ReportKind.ACCEPTED, Reason.OK, message.kind, order.px, order.lots)
        if flags & Flag.GTD:
            heapq.heappush(self._expiries, (order.expire_ns, order.entry, order))
        if flags & Flag.STOP:
            order.asleep = True
            self._place(order)
        elif self.phase == Phase.CONTINUOUS:
            self._aggress(order, message.kind, not checks.is_immediate(message.kind, flags))
        else:
            self._rest(order)

    def _refusal(self, message: Message) -> int:
        """Return why an order is refused whatever rests in the book, or OK (X-REJ-02)."""
        p = message.participant
        if self.accounts[p].killed:
            return Reason.KILLED
        if self.phase in checks.SHUT:
            return Reason.MARKET_CLOSED
        reason = checks.form(message, self.phase)
        reason = reason or checks.terms(message, self.rules, self._static_px, self.now_ns)
        if not reason and (p, message.slot) in self._book.live:
            reason = Reason.DUPLICATE_ID
        if not reason and self._exceeds(p, message.side, message.lots):
            reason = Reason.RISK_LIMIT
        return reason

    def _draft(self, message: Message) -> Order:
        has_price = checks.has_price(message.kind, message.flags)
        return Order(
            message.participant,
            message.slot,
            message.side,
            MessageKind.LIMIT if message.flags & Flag.TO_LIMIT else message.kind,
            message.px if has_price else self._worst_px(message.side),
            message.lots,
            message.flags,
            stp=self._mode(message),
            trigger_px=message.trigger_px,
            display_lots=message.display_lots,
            expire_ns=message.expire_ns,
            entry=self._entries,
        )

    def _refusal_by_book(self, order: Order, message: Message) -> int:
        """Return why the book refuses an order, or OK; give it the price the book decides."""
        flags = order.flags
        trades = self.phase == Phase.CONTINUOUS and not flags & Flag.STOP
        if trades and flags & Flag.TO_LIMIT:
            opposite = self._book.best(-order.side)
            if opposite is None:
                return Reason.NO_PRICE
            order.px = opposite
        if trades and flags & checks.POST:
            px = self._post_px(order, order.px)
            if px is None:
                return Reason.POST_ONLY_CROSS
            order.px = px
        if flags & Flag.FOK and not self._can_fill(order, message):
            return Reason.FOK_KILLED
        if flags & Flag.MIN_LOTS and self._reachable_lots(order) < message.min_lots:
            return Reason.MIN_LOTS
        # What waits or sleeps takes room like what rests.
        stays = not trades or not checks.is_immediate(message.kind, flags)
        return Reason.POOL_FULL if stays and self.live >= self.capacity else Reason.OK

    def _post_px(self, order: Order, px: int) -> int | None:
        """Return where an order rests that must not trade; None: it is refused (X-TIF-05)."""
        side, opposite = order.side, self._book.best(-order.side)
        if not order.flags & checks.POST or opposite is None or side * px < side * opposite:
            return px
        behind = opposite - side * self.rules.tick_px
        if order.flags & Flag.POST_ONLY_SLIDE and self.rules.px_min <= behind <= self.rules.px_max:
            return behind
        return None

    def _worst_px(self, side: int) -> int:
        """Return how far an order without a price may trade (X-FIFO-03)."""
        return self.rules.px_max if side == BUY else self.rules.px_min

    def _mode(self, message: Message) -> int:
        return message.stp - 1 if message.stp else self.rules.stp

    def _exceeds(self, p: int, side: int, more_lots: int) -> bool:
        """Whether so many lots more would be beyond a participant's limit (X-RISK-01)."""
        limit = self.members[p].position_limit
        return limit is not None and self.accounts[p].exposure(side) + more_lots > limit

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
        if own[0].flags & Flag.HIDDEN:
            return sum(o.lots for o in before), True
        # The reserves of the orders before it would be shown behind it.
        return sum(o.shown for o in before), True

    def _in_band(self, px: int) -> bool:
        band = self.rules.dynamic_band_px
        return not band or abs(px - self._band_px) <= band

    def _same_firm(self, one: Order, other: Order) -> bool:
        return self.accounts[one.owner].firm == self.accounts[other.owner].firm

    # -------------------------------------------------------------- cancel, disconnect
    def _cancel(self, message: Message) -> None:
        order = self.order(message.participant, message.slot)
        if order is None:
            self._reject(message, Reason.TOO_LATE)
        else:
            self._end(order, Reason.OK, message.kind)

    def _cancel_all(self, message: Message) -> None:
        if message.side not in (BUY, SELL, 0):
            self._reject(message, Reason.BAD_MESSAGE)
            return
        for order in self._book.owned_by(message.participant):
            if message.side in (0, order.side):
                self._end(order, Reason.OK, message.kind)

    def _disconnect(self, p: int) -> None:
        self.accounts[p].connected = False
        if self.members[p].cancel_on_disconnect:
            for order in self._book.owned_by(p):
                self._end(order, Reason.DISCONNECTED, MessageKind.DISCONNECT)

    # -------------------------------------------------------------- amend
    def _amend(self, message: Message) -> None:
        p = message.participant
        order = self.order(p, message.slot)
        if order is None:
            self._reject(message, Reason.TOO_LATE)
            return
        # The price of a stop without a limit is not read, nor is a trigger that is not meant.
        px = order.px if order.kind == MessageKind.MARKET else message.px
        retriggers = order.asleep and message.flags & Flag.STOP
        trigger = message.trigger_px if retriggers else order.trigger_px
        reason = self._amend_refusal(message, order, px, trigger)
        moves = px != order.px
        if not reason and moves and self.phase == Phase.CONTINUOUS and not order.asleep:
            placed = self._post_px(order, px)
            reason, px = (Reason.POST_ONLY_CROSS, px) if placed is None else (Reason.OK, placed)
        if reason:
            self._reject(message, reason)
            return
        left = message.lots - order.filled
        if left <= 0:
            self._end(order, Reason.OK, message.kind)
            return
        if self._keeps_place(order, px, trigger, left):
            self.accounts[p].open(order.side, left - order.lots)
            order.lots = left
            order.shown = min(order.shown, left)  # an iceberg gives from its reserve first
            self._report(order, ReportKind.AMENDED, Reason.OK, message.kind, px, left)
            return
        self._leave(order)
        order.px, order.trigger_px, order.lots = px, trigger, left
        self._report(order, ReportKind.AMENDED, Reason.OK, message.kind, px, left)
        if order.asleep:
            self._place(order)
        elif self.phase == Phase.CONTINUOUS:
            order.stp = self._mode(message)
            self._aggress(order, message.kind, may_rest=True)
        else:
            self._rest(order)

    def _amend_refusal(self, message: Message, order: Order, px: int, trigger: int) -> int:
        """Return why an amend is refused whatever rests on the other side, or OK (X-AMD-03)."""
        p, left = message.participant, message.lots - order.filled
        if self.accounts[p].killed:
            return Reason.KILLED
        waits = order.kind == MessageKind.MARKET and not order.asleep
        if waits or not checks.is_mode(message.stp):
            return Reason.BAD_MESSAGE
        reason = checks.quantity(message.lots, self.rules)
        if not reason and order.kind == MessageKind.LIMIT:
            reason = checks.price(px, self.rules)
        if not reason and px != order.px:
            reason = checks.band(px, self.rules, self._static_px)
        keeps_place = self._keeps_place(order, px, trigger, left)
        if not reason and self.phase in checks.SHUT and not keeps_place:
            reason = Reason.MARKET_CLOSED
        if not reason and trigger != order.trigger_px and checks.price(trigger, self.rules):
            reason = Reason.BAD_TRIGGER
        more = left - order.lots
        if not reason and more > 0 and self._exceeds(p, order.side, more):
            reason = Reason.RISK_LIMIT
        return reason

    @staticmethod
    def _keeps_place(order: Order, px: int, trigger: int, left: int) -> bool:
        return (px, trigger) == (order.px, order.trigger_px) and left <= order.lots

    # -------------------------------------------------------------- matching
    def _aggress(self, order: Order, request: int, may_rest: bool) -> None:
        """Let an order act that does not rest: trade what it can, then rest or end."""
        reason = Reason.IOC_REST
        if self._match(order, request):
            reason = Reason.PRICE_BAND
            may_rest = may_rest and self.rules.band_action != BandAction.CANCEL
            self._break_circuit()
        if order.lots and may_rest:
            self._rest(order)
        elif order.lots:
            self._tell_end(order, reason, request)

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
            fee = -(-rate * value // 1_000_000)
        account.cash -= order.side * value + fee
        account.fees += fee
        self.fee_account += fee
        account.position += order.side * lots
        account.fills += 1
        account.edge_2px += order.side * lots * (self._edge_mid_2px - 2 * px)
        self._report(order, ReportKind.FILL, Reason.OK, MessageKind.LIMIT, px, lots, fee)

    def _rates(self, account: Account) -> tuple[int, int]:
        """Return a participant's maker and taker rate (X-FEE-03)."""
        rates = (self.rules.maker_fee, self.rules.taker_fee)
        for min_lots, maker, taker in self.rules.fee_tiers:
            if account.maker_lots + account.taker_lots >= min_lots:
                rates = (maker, taker)
        return rates

    # -------------------------------------------------------------- live orders
    def _rest(self, order: Order) -> None:
        """Put an order at the back of its price, or let a market order wait."""
        best = self._book.best(order.side)
        improves = best is None or order.side * order.px > order.side * best
        order.top = improves and self.phase == Phase.CONTINUOUS
        self._place(order)

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

    def _expire(self) -> None:
        """Let all orders go whose time is now, before anything else happens (X-TIF-07)."""
        while self._expiries and self._expiries[0][0] == self.now_ns:
            order = heapq.heappop(self._expiries)[2]
            if self.order(order.owner, order.slot) is order:
                self._end(order, Reason.EXPIRED, MessageKind.LIMIT)

    def _next_due(self) -> int | None:
        """Return when something happens on its own next, or None."""
        while (
            self._expiries and self.order(*_key(self._expiries[0][2])) is not self._expiries[0][2]
        ):
            heapq.heappop(self._expiries)
        due = [self._expiries[0][0]] if self._expiries else []
        if self._own_end is not None:
            due.append(self._own_end[0])
        return min(due, default=None)

    # -------------------------------------------------------------- stops
    def _wake_stops(self) -> None:
        """Wake stops one by one until none is through (X-STOP-03, X-STOP-04)."""
        while self.phase == Phase.CONTINUOUS:
            order = self._next_through()
            if order is None:
                return
            self._leave(order)
            order.asleep = False
            self._report(
                order, ReportKind.TRIGGERED, Reason.OK, MessageKind.LIMIT, order.px, order.lots
            )
            self._aggress(order, order.kind, may_rest=order.kind == MessageKind.LIMIT)

    def _next_through(self) -> Order | None:
        for side in (BUY, SELL):
            order = self._book.next_stop(side)
            if order is not None:
                price_2px = self._stop_price_2px(side)
                if price_2px is not None and side * 2 * order.trigger_px <= side * price_2px:
                    return order
        return None

    def _stop_price_2px(self, side: int) -> int | None:
        """Return twice the price that triggers stops of a side (X-STOP-02)."""
        if self.rules.stop_on == StopOn.MARK:
            return self._mark_2px()
        if self.rules.stop_on == StopOn.TOUCH:
            opposite = self._book.touch(-side)
            return None if opposite is None else 2 * opposite
        return 2 * self.last_px if self._traded else None

    # -------------------------------------------------------------- phases
    def _step(self, phase: int) -> None:
        """Go to another phase, through an uncross where trading begins or the day ends."""
        called = self.phase in checks.CALLS
        trades = phase == Phase.CONTINUOUS or (phase == Phase.CLOSED and called)
        if trades and not self._uncross(collared=called):
            self._extended = True
            self._own_end = (self.now_ns + self.rules.call_ns, phase)
            return
        self._enter(phase)
        if phase in (Phase.CONTINUOUS, Phase.CLOSED):
            for side in (BUY, SELL):
                for order in self._book.queue_of_markets(side):
                    self._end(order, Reason.IOC_REST, MessageKind.LIMIT)
        if phase == Phase.CLOSED:
            self._end_day()
        if phase == Phase.CONTINUOUS:
            for p in range(len(self.accounts)):
                self._flatten(p)

    def _enter(self, phase: int) -> None:
        if self.phase == Phase.CONTINUOUS:
            bid, ask = self._book.touch(BUY), self._book.touch(SELL)
            self._touch = (
                self.last_px if bid is None else bid,
                self.last_px if ask is None else ask,
            )
        self.phase = phase
        self._own_end = None
        self._extended = False

    def _end_phase(self) -> None:
        """Let a phase end that began on its own (X-PHA-04)."""
        assert self._own_end is not None
        phase = self._own_end[1]
        self._step(phase)
        if phase == Phase.VOLATILITY_AUCTION:
            self._own_end = (self.now_ns + self.rules.call_ns, Phase.CONTINUOUS)

    def _break_circuit(self) -> None:
        """Answer a trade that would have left the dynamic band (X-BAND-02)."""
        rules, now = self.rules, self.now_ns
        if rules.band_action == BandAction.AUCTION:
            self._enter(Phase.VOLATILITY_AUCTION)
            self._own_end = (now + rules.call_ns, Phase.CONTINUOUS)
        elif rules.band_action == BandAction.HALT:
            self._enter(Phase.HALT)
            self._own_end = (now + rules.halt_ns, Phase.VOLATILITY_AUCTION)

    def _end_day(self) -> None:
        """Let the orders of the day go (X-TIF-08)."""
        going = [order for side in (BUY, SELL) for order in self._book.resting(side)]
        going += [order for side in (BUY, SELL) for order in self._book.sleeping(side)]
        for order in going:
            if order.flags & Flag.DAY:
                self._end(order, Reason.EXPIRED, MessageKind.LIMIT)

    # -------------------------------------------------------------- uncross
    def _auction_queue(self, side: int) -> list[Order]:
        """Return the orders of a side as an uncross serves them (X-AUC-04)."""
        return [*self._book.queue_of_markets(side), *self._book.resting(side)]

    def _interest(self) -> Interest:
        return Interest(self._auction_queue(BUY), self._auction_queue(SELL))

    def _clearing(self, interest: Interest) -> Clearing | None:
        reference = self.last_px if self._has_reference else None
        return clear(interest, reference, self.rules.tick_px)

    def _within_collar(self, clearing: Clearing) -> int | None:
        """Return the nearest price inside the collar at which the most lots trade (X-AUC-06)."""
        rules = self.rules
        if not rules.collar_bps or self._extended:
            return clearing.px
        bid, ask = self._touch or (self.last_px, self.last_px)
        away, tick = (bid + ask) * rules.collar_bps // 20_000, rules.tick_px
        low = max(clearing.low, -(-(bid - away) // tick) * tick)
        high = min(clearing.high, (ask + away) // tick * tick)
        return min(max(clearing.px, low), high) if low <= high else None

    def _uncross(self, collared: bool) -> bool:
        """Trade at the auction's price; False if the collar does not let it yet."""
        interest = self._interest()
        clearing = self._clearing(interest)
        if clearing is None:
            return True
        px = self._within_collar(clearing) if collared else clearing.px
        if px is None:
            return False
        buyers, sellers = (iter(self._auction_queue(side)) for side in (BUY, SELL))
        left = interest.volume(px)
        buyer, seller = next(buyers), next(sellers)
        while left:
            lots = min(buyer.lots, seller.lots, left)
            left -= lots
            self._trade_in_auction(seller, buyer, px, lots)
            if left and not buyer.lots:
                buyer = next(buyers)
            if left and not seller.lots:
                seller = next(sellers)
        self._static_px = px
        return True

    def _trade_in_auction(self, seller: Order, buyer: Order, px: int, lots: int) -> None:
        self._trades.append(Trade(seller.owner, seller.slot, buyer.owner, buyer.slot, 0, px, lots))
        for order in (seller, buyer):
            self._fill(order, px, lots, self.rules.auction_fee)
        for order in (seller, buyer):
            self._shrink(order, lots)
        self._note_last(seller, buyer, px)

    # -------------------------------------------------------------- kill switch
    def _kill(self) -> bool:
        """Judge all participants by the mark (X-KILL-01); whether any was killed."""
        mark_2px, anybody = self.mid_2px, False
        for p, member in enumerate(self.members):
            account = self.accounts[p]
            if member.kill_equity is None or account.killed:
                continue
            equity_2 = 2 * account.cash + account.position * mark_2px * self.rules.unit_value
            if equity_2 >= 2 * member.kill_equity:
                continue
            anybody = account.killed = True
            for order in self._book.owned_by(p):
                self._end(order, Reason.KILLED, MessageKind.LIMIT)
            self._flatten(p)
        return anybody

    def _flatten(self, p: int) -> None:
        """Close the position of a killed participant where that can be done now (X-KILL-02)."""
        account = self.accounts[p]
        wanted = account.killed and self.members[p].kill_flatten and account.position != 0
        if not wanted or self.phase != Phase.CONTINUOUS:
            return
        side = SELL if account.position > 0 else BUY
        order = Order(
            p,
            FLATTEN_SLOT,
            side,
            MessageKind.MARKET,
            self._worst_px(side),
            abs(account.position),
            stp=self.rules.stp,
        )
        self._aggress(order, MessageKind.MARKET, may_rest=False)

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


def _key(order: Order) -> tuple[int, int]:
    return order.owner, order.slot
