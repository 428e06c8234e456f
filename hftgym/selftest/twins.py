"""The compiled exchange and its slow twin, fed with the same actions and compared after each."""

from __future__ import annotations

from dataclasses import dataclass, field
from operator import attrgetter
from typing import Any

import numpy as np

from hftgym.core.constants import NO_PX, MessageKind, Phase, Reason, ReportKind
from hftgym.core.reference import Message, Outcome, ReferenceExchange
from hftgym.selftest.memory import check_book
from hftgym.selftest.streams import Stream, draw
from hftgym.selftest.venue import (
    ACTION,
    PHASE_ACTION,
    SIGHT_ACCOUNT,
    SIGHT_HEAD,
    SIGHT_RATE,
    SIGHT_REJECTS,
    TIME_ACTION,
    CompiledVenue,
)

_reader = attrgetter("to")
#: Why a message is refused that has passed its sender's limits.
_BY_BOOK = {
    Reason.NO_PRICE,
    Reason.POST_ONLY_CROSS,
    Reason.FOK_KILLED,
    Reason.MIN_LOTS,
    Reason.POOL_FULL,
}


class Differ(AssertionError):
    """The compiled exchange and its twin disagree."""


@dataclass
class Count:
    """What a comparison has met.

    Attributes:
        actions: compared.
        trades: made.
        crowded: orders that found no price level, of which the twin has any number.
        kinds: reports by ReportKind.
        reasons: reports by Reason.
        phases: actions by Phase.
        limits: trips by Limit.
    """

    actions: int = 0
    trades: int = 0
    crowded: int = 0
    kinds: dict[int, int] = field(default_factory=dict)
    reasons: dict[int, int] = field(default_factory=dict)
    phases: dict[int, int] = field(default_factory=dict)
    limits: dict[int, int] = field(default_factory=dict)


class Twins:
    """A compiled exchange, perhaps another one of another market class, and the plain one.

    Args:
        stream: what is drawn; its rules, members and room are those of the exchanges.
        size: market class of the first compiled exchange; the stream's when absent.
        other: market class of a second one, whose book hash must be that of the first.
        check_memory: check the whole memory of the book after every action.
    """

    def __init__(
        self,
        stream: Stream,
        size: str | None = None,
        other: str | None = None,
        check_memory: bool = True,
    ) -> None:
        self.fast = _compiled(stream, size or stream.size)
        self.other = _compiled(stream, other) if other else None
        self.slow = ReferenceExchange(
            stream.rules, stream.members, self.fast.capacity, phase=stream.phase
        )
        self.count = Count()
        self.outcome = Outcome([], [])
        self._check_memory = check_memory
        self._sight = self.fast.sight()

    def send(self, message: Message) -> Outcome:
        """Let one message act on all."""
        actions = np.zeros(1, ACTION)
        actions[0] = tuple(message)
        self.step(actions, 0)
        return self.outcome

    def step(self, actions: Any, j: int) -> None:
        """Let action ``j`` act on all, and demand that they agree.

        Raises:
            Differ: with what differs, if they do not.
        """
        message = Message(*actions[j].tolist())
        fast, slow = self.fast, self.slow
        before = self._sight
        got = self.outcome = fast.act(actions, j)
        if self._found_no_level(got):
            self.count.crowded += 1
            slow.accounts[message.participant].rejects += 1
        else:
            want = _act(slow, message)
            _equal("trades", message, got.trades, want.trades)
            # Each participant hears in order; between participants there is none.
            by_reader = sorted(want.reports, key=_reader)
            _equal("reports", message, got.reports, by_reader)
            _equal("trips", message, fast.trips, slow.trips)
        self._sight = fast.sight()
        if self._sight != sight_of(slow):
            self._name_difference(message)
        if self._check_memory:
            check_book(fast.markets, fast.capacity, fast.far_levels)
        if self.other is not None:
            _equal("reports of another class", message, self.other.act(actions, j), got)
            _equal("hash of another class", message, self.other.book_hash(), fast.book_hash())
        self._check_sums(message)
        if len(got.reports) == 1 and got.reports[0].kind == ReportKind.REJECTED:
            self._check_refused(message, got.reports[0].reason, before)
        self._count(got)

    def look_again(self) -> None:
        """Take what can be seen as it is: somebody has changed both exchanges from outside."""
        self._sight = self.fast.sight()

    def _name_difference(self, message: Message) -> None:
        """Fail, naming what the two exchanges show differently."""
        fast, slow = self.fast, self.slow
        _equal("fault", message, int(fast.m["fault"]), 0)
        for name in ("phase", "now_ns", "last_px", "mid_2px", "fee_account", "accounts"):
            _equal(name, message, getattr(fast, name), getattr(slow, name))
        for name in ("orders", "stops", "waiting", "indication"):
            _equal(name, message, getattr(fast, name)(), getattr(slow, name)())
        _equal("what can be seen", message, fast.sight(), sight_of(slow))

    def run(self, actions: Any) -> Count:
        """Let all actions act, and return what was met.

        Raises:
            Differ: with the number of the first action after which they disagree.
        """
        for j in range(len(actions)):
            try:
                self.step(actions, j)
            except AssertionError as error:
                raise Differ(f"action {j}: {error}") from error
        return self.count

    def _check_sums(self, message: Message) -> None:
        accounts = self.slow.accounts
        cash = sum(account.cash for account in accounts) + self.slow.fee_account
        _equal("all cash", message, cash, 0)
        _equal("all positions", message, sum(account.position for account in accounts), 0)

    def _check_refused(self, message: Message, reason: int, before: list[int]) -> None:
        """Demand that a refused message has changed nothing but the count of rejects.

        And the clock of the rate, if it came to the book.
        """
        after = self._sight.copy()
        account = SIGHT_HEAD + message.participant * SIGHT_ACCOUNT
        after[account + SIGHT_REJECTS] -= 1
        if reason in _BY_BOOK:
            after[account + SIGHT_RATE] = before[account + SIGHT_RATE]
        _equal("a refused message", message, after, before)

    def _count(self, got: Outcome) -> None:
        count = self.count
        count.actions += 1
        count.trades += len(got.trades)
        phase = self.slow.phase
        count.phases[phase] = count.phases.get(phase, 0) + 1
        for report in got.reports:
            count.kinds[report.kind] = count.kinds.get(report.kind, 0) + 1
            count.reasons[report.reason] = count.reasons.get(report.reason, 0) + 1
        for trip in self.fast.trips:
            count.limits[trip.limit] = count.limits.get(trip.limit, 0) + 1

    def _found_no_level(self, got: Outcome) -> bool:
        """Whether the compiled exchange had no far level for an order: the twin has no levels."""
        if not got.reports or got.reports[-1].reason != Reason.POOL_FULL:
            return False
        amend = got.reports[-1].request == MessageKind.AMEND
        if self.slow.live >= self.fast.capacity and not amend:
            return False
        sides = self.fast.m["books"][0]["sides"]
        rare_full = int(self.fast.m["rare_live"]) >= len(self.fast.m["rare"])
        if not rare_full and all(_free_far(side) > side["levels_used"] for side in sides):
            raise Differ("an order was refused for want of room that there is")
        return True


def compare(stream: Stream, messages: int, seed: int, check_memory: bool = True) -> Count:
    """Draw a stream and play it to both exchanges.

    Raises:
        Differ: if they ever disagree.
    """
    return Twins(stream, check_memory=check_memory).run(draw(stream, messages, seed))


def _compiled(stream: Stream, size: str) -> CompiledVenue:
    return CompiledVenue(
        stream.rules,
        stream.members,
        stream.orders,
        stream.phase,
        slots=stream.slots,
        size=size,
        far_levels=stream.far_levels,
    )


def _act(slow: ReferenceExchange, message: Message) -> Outcome:
    if message.kind == PHASE_ACTION:
        return slow.set_phase(Phase(message.px)) or Outcome([], [])
    if message.kind == TIME_ACTION:
        return slow.advance(slow.now_ns + message.lots)
    return slow.process(message)


def sight_of(slow: ReferenceExchange) -> list[int]:
    """Return all that can be seen of the plain exchange as ``CompiledVenue.sight`` tells it."""
    px, lots, surplus = slow.indication() or (NO_PX, 0, 0)
    sight = [0, slow.phase, slow.now_ns, slow.last_px, slow.mid_2px, slow.fee_account]
    sight += (px, lots, surplus)
    open_orders = slow.open_orders()
    for p, a in enumerate(slow.accounts):
        sight += (a.cash, a.fees, a.position, a.open_buy_lots, a.open_sell_lots)
        sight += (a.maker_lots, a.taker_lots, a.fills, a.rejects, a.edge_2px)
        sight += (a.killed, a.connected, open_orders[p], slow.gates[p].due_ns)
    for order in slow.orders():
        sight += order
    for side, trigger_px, px, lots, owner, slot in slow.stops():
        sight += (side, trigger_px, lots, px, owner, slot, 0)
    for waiting in slow.waiting():
        sight += waiting
    return sight


def _free_far(side: Any) -> int:
    far, n = int(side["far_free"]), 0
    while far >= 0:
        far, n = int(side["far"][far]["next"]), n + 1
    return n


def _equal(what: str, message: Message, got: Any, want: Any) -> None:
    if got != want:
        raise Differ(f"{what} after {message}: compiled {got}, plain {want}")
