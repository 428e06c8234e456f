"""The slow twin: the exchange's rules in plain Python, written to be read.

It judges the compiled exchange: both get the same messages and must give the same trades, reports,
books and accounts after every one of them. It shares the enumerations and nothing else, and was
written from ``docs/rules.md`` alone; the ids in its comments are those of that page.

Everything that happens is a transaction: a message, the expiries of an instant, or a step to
another phase. At its end stops wake, the mark is renewed, and participants are judged by it.
"""

from __future__ import annotations

import heapq

from hftgym.core import reference_checks as checks
from hftgym.core.constants import (
    BUY,
    MAX_SLICES,
    SELL,
    STOP_CASCADE,
    BandAction,
    Flag,
    Limit,
    MessageKind,
    Phase,
    Reason,
    ReportKind,
    StopOn,
)
from hftgym.core.reference_auction import Clearing, Interest, clear
from hftgym.core.reference_floor import FLATTEN_SLOT, Floor
from hftgym.core.reference_limits import Terms
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
    Trip,
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
    "Trip",
]


class ReferenceExchange(Floor):
    """A plain exchange for one instrument.

    Args:
        rules: the instrument.
        members: standing of each participant; an int is a firm without limits.
        capacity: orders that there is room for, asleep and waiting ones included.
        phase: phase at the start.
        reference_px: opening price, -1 for ``start_px``; None: so too, but auctions have no
            reference before the first trade between two firms.
    """

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
        self.trips = []
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
        self.trips = []
        if phase not in checks.STEPS[self.phase]:
            return None
        self._begin()
        self._step(phase)
        return self._finish()

    def advance(self, now_ns: int) -> Outcome:
        """Let time pass: what is due by then happens, expiries before phases (X-TIF-07)."""
        self.trips = []
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

    def _finish(self) -> Outcome:
        self._end_transaction()
        while self._next_through():  # another round, a transaction of its own (X-STOP-05)
            self._band_px = self.last_px
            self._end_transaction()
        return Outcome(self._trades, self._reports)

    def _end_transaction(self) -> None:
        self._wake_stops()
        self.mid_2px = self._mark_2px()
        if self._kill():
            self._wake_stops()
            self.mid_2px = self._mark_2px()

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
        self._report(order, ReportKind.ACCEPTED, Reason.OK, message.kind, order.px, order.lots)
        if flags & Flag.STOP:
            order.asleep = True
            self._sleep(order)
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
        if not reason:
            has_price = checks.has_price(message.kind, message.flags)
            stays = self.phase in checks.CALLS or message.flags & Flag.STOP
            stays = stays or not checks.is_immediate(message.kind, message.flags)
            px = message.px if has_price else None
            reason = self._gate(message, Terms(message.side, px, message.lots, bool(stays)))
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

    def _gate(self, message: Message, new: Terms, old: Terms | None = None) -> int:
        """Return whether a limit of its sender stops a message: RISK_LIMIT or OK."""
        p, now = message.participant, self.now_ns
        limit = self.gates[p].stops(new, old, self.open_orders()[p], self.mid_2px, now)
        if limit is None:
            return Reason.OK
        self.trips.append(Trip(p, limit, message.slot, message.px, message.lots))
        return Reason.RISK_LIMIT

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
            self._sleep(order)
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
        too_thin = order.flags & Flag.ICEBERG and left > order.display_lots * MAX_SLICES
        if not reason and more > 0 and too_thin:
            reason = Reason.BAD_DISPLAY
        if not reason:
            has_price = order.kind == MessageKind.LIMIT
            new = Terms(order.side, px if has_price else None, left)
            old = Terms(order.side, order.px if has_price else None, order.lots)
            reason = self._gate(message, new, old)
        return reason

    @staticmethod
    def _keeps_place(order: Order, px: int, trigger: int, left: int) -> bool:
        return (px, trigger) == (order.px, order.trigger_px) and left <= order.lots

    # -------------------------------------------------------------- acting
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

    # -------------------------------------------------------------- stops
    def _wake_stops(self) -> None:
        """Wake stops one by one, so many at the most (X-STOP-03, X-STOP-04)."""
        for _ in range(STOP_CASCADE):
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
        if self.phase != Phase.CONTINUOUS:
            return None
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

    # -------------------------------------------------------------- time
    def _expire(self) -> None:
        """Let all orders go whose time is now, before anything else happens (X-TIF-07)."""
        while self._expiries and self._expiries[0][0] == self.now_ns:
            _, entry, order = heapq.heappop(self._expiries)
            if self._is_live(order) and order.entry == entry:
                self._end(order, Reason.EXPIRED, MessageKind.LIMIT)

    def _next_due(self) -> int | None:
        """Return when something happens on its own next, or None."""
        while self._expiries:
            _, entry, order = self._expiries[0]
            if self._is_live(order) and order.entry == entry:
                break
            heapq.heappop(self._expiries)
        due = [self._expiries[0][0]] if self._expiries else []
        if self._own_end is not None:
            due.append(self._own_end[0])
        return min(due, default=None)

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
            self.trips.append(Trip(p, Limit.LOSS, FLATTEN_SLOT, equity_2 // 2, account.position))
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
