"""A desk at an exchange: sends the orders of a vector and tells what happened by their ids.

Both exchanges have one interface, so a vector does not know which of them it judges.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from enum import StrEnum
from typing import Protocol

from hftgym.core.constants import Flag, MessageKind, Phase, Reason, ReportKind
from hftgym.core.market_class import MARKET_CLASSES
from hftgym.core.reference import (
    Indication,
    Member,
    Message,
    Outcome,
    ReferenceExchange,
    Rules,
)
from hftgym.errors import DataError
from hftgym.selftest.vector_orders import Action, Cancel, Id, Order, Reduce, Replace

#: Reasons that files of vectors call by another name.
RESULTS = {
    Reason.IOC_REST: "CANCEL_REM",
    Reason.SELF_TRADE: "EXPIRED_IN_MATCH",
    Reason.TOO_LATE: "UNKNOWN_ORDER",
    Reason.OK: "CANCELLED",
}


class Engine(StrEnum):
    """Which exchange is judged."""

    compiled = "compiled"
    reference = "reference"


class Venue(Protocol):
    """What both exchanges can do."""

    @property
    def phase(self) -> int:
        """The trading phase."""
        ...

    def process(self, message: Message) -> Outcome:
        """Let one message act."""
        ...

    def set_phase(self, phase: int) -> Outcome | None:
        """Go to another phase; None when it may not follow."""
        ...

    def orders(self) -> Sequence[tuple[int, ...]]:
        """(side, px, shown, reserve, owner, slot, hidden), best and oldest first."""
        ...

    def stops(self) -> Sequence[tuple[int, ...]]:
        """(side, trigger_px, px, lots, owner, slot), next to wake first."""
        ...

    def waiting(self) -> Sequence[tuple[int, ...]]:
        """(side, lots, owner, slot) of market orders that wait for an uncross."""
        ...

    def indication(self) -> Indication | None:
        """At what a call would uncross now."""
        ...


class Desk:
    """All orders of a vector at one exchange.

    Orders with the same ``firm`` are of one participant. The others trade as if each were of a
    firm of its own: they share one participant a side, and one side does not trade with itself.

    Args:
        engine: which exchange.
        rules: the instrument.
        actions: all that will be sent, so that every id has its place.
        phase: at first.
        reference_px: last price at first; -1: that of the rules, None: none.
        lmm_percent: by id, for orders with a firm of their own.
    """

    def __init__(
        self,
        engine: Engine,
        rules: Rules,
        actions: Sequence[Action],
        phase: int = Phase.CONTINUOUS,
        reference_px: int | None = -1,
        lmm_percent: dict[Id, int] | None = None,
    ) -> None:
        self.trades: list[tuple[Id, Id, int, int]] = []  # maker, taker, px, lots
        self._places = _places(actions)
        self._ids = {place: name for name, place in self._places.items()}
        self._filled: dict[Id, int] = {}
        shares = lmm_percent or {}
        count = 1 + max((p for p, _ in self._ids), default=0)
        members = [Member(firm=p + 1) for p in range(count)]
        for name, percent in shares.items():
            p, _ = self._places[name]
            members[p] = Member(p + 1, lmm_percent=percent)
        self.venue = open_venue(engine, rules, members, actions, phase, reference_px)

    def send(self, action: Action) -> str:
        """Send an action.

        Returns:
            What became of it: ``REST``, ``FILLED``, ``CANCELLED``, one of `RESULTS`, or the reason
            of a reject.
        """
        p, slot = self._places[action.id]
        message = self._message(action, p, slot)
        if message is None:
            return Reason.BAD_QTY.name
        outcome = self.venue.process(message)
        if isinstance(action, Order) and outcome.reports[0].kind != ReportKind.REJECTED:
            self._filled[action.id] = 0
        self._note(outcome)
        for report in reversed(outcome.reports):
            if (report.to, report.slot) == (p, slot) and report.kind != ReportKind.FILL:
                if report.kind in (ReportKind.REJECTED, ReportKind.CANCELLED):
                    return RESULTS.get(Reason(report.reason), Reason(report.reason).name)
                break
        return "REST" if self.open_lots(action.id) else "FILLED"

    def set_phase(self, phase: int) -> None:
        """Go to another phase, if it may follow."""
        outcome = self.venue.set_phase(phase)
        if outcome is not None:
            self._note(outcome)

    def _note(self, outcome: Outcome) -> None:
        for trade in outcome.trades:
            maker = self._ids[trade.maker, trade.maker_slot]
            taker = self._ids[trade.taker, trade.taker_slot]
            self.trades.append((maker, taker, trade.px, trade.lots))
            for name in (maker, taker):
                self._filled[name] = self._filled.get(name, 0) + trade.lots

    def _message(self, action: Action, p: int, slot: int) -> Message | None:
        """Return an action as a message; None for a reduction by nothing or less."""
        match action:
            case Order():
                is_stop = action.trigger_px is not None
                return Message(
                    participant=p,
                    kind=MessageKind.MARKET if action.px is None else MessageKind.LIMIT,
                    slot=slot,
                    side=action.side,
                    px=action.px or 0,
                    lots=action.lots,
                    flags=action.flags | (Flag.STOP if is_stop else 0),
                    stp=action.stp,
                    trigger_px=action.trigger_px or 0,
                    display_lots=action.display_lots,
                    min_lots=action.min_lots,
                )
            case Cancel():
                return Message(p, MessageKind.CANCEL, slot)
            case Reduce() if action.by <= 0:
                return None
            case Reduce() if 0 < self.open_lots(action.id) <= action.by:
                return Message(p, MessageKind.CANCEL, slot)
            case Reduce():
                return self._amend(action.id, None, self._total(action.id) - action.by)
            case Replace():
                lots = self._total(action.id) if action.lots is None else action.lots
                return self._amend(action.id, action.px, lots)

    def _amend(self, name: Id, px: int | None, lots: int) -> Message:
        p, slot = self._places[name]
        if px is None:
            px = next((row[0] for row in self._live() if row[2:] == (p, slot)), 1)
        return Message(p, MessageKind.AMEND, slot, px=px, lots=lots)

    def _total(self, name: Id) -> int:
        """Return the lots of an order, traded ones included, as an amend states them."""
        return self._filled.get(name, 0) + self.open_lots(name)

    # -------------------------------------------------------------- looking
    def _live(self) -> Iterable[tuple[int, int, int, int]]:
        """Yield px, open lots, owner and slot of all orders that have not ended."""
        for _, px, lots, reserve, owner, slot, _ in self.venue.orders():
            yield px, lots + reserve, owner, slot
        for _, _, px, lots, owner, slot in self.venue.stops():
            yield px, lots, owner, slot
        for _, lots, owner, slot in self.venue.waiting():
            yield 0, lots, owner, slot

    def open_lots(self, name: Id) -> int:
        """Return the open lots of an order, 0 when it has ended."""
        place = self._places[name]
        return sum(lots for _, lots, *where in self._live() if tuple(where) == place)

    def levels(self, side: int) -> list[list[int]]:
        """Return price, shown lots and visible orders of each level of a side, best first."""
        found: dict[int, list[int]] = {}
        for its_side, px, lots, _, _, _, hidden in self.venue.orders():
            if its_side == side and not hidden:
                level = found.setdefault(px, [px, 0, 0])
                level[1] += lots
                level[2] += 1
        return list(found.values())

    def queue(self, side: int, px: int) -> list[list[Id]]:
        """Return id and shown lots of the orders at a price, in the order of the queue."""
        return [
            [self._ids[owner, slot], lots]
            for its_side, its_px, lots, _, owner, slot, _ in self.venue.orders()
            if (its_side, its_px) == (side, px)
        ]

    def shown_and_reserve(self, name: Id) -> tuple[int, int]:
        """Return the shown and the reserve lots of a resting order."""
        place = self._places[name]
        rows = [row for row in self.venue.orders() if row[4:6] == place]
        return sum(row[2] for row in rows), sum(row[3] for row in rows)


def _places(actions: Iterable[Action]) -> dict[Id, tuple[int, int]]:
    """Give every id a participant and a slot."""
    sides: dict[Id, set[int]] = {}
    firms: dict[Id, Id] = {}
    for action in actions:
        sides.setdefault(action.id, set())
        if isinstance(action, Order):
            sides[action.id].add(action.side)
            if action.firm is not None:
                firms.setdefault(action.id, action.firm)
    owners: dict[object, int] = {}
    used: dict[int, int] = {}
    places = {}
    for name, its_sides in sides.items():
        owner: object = ("firm", firms[name]) if name in firms else tuple(its_sides)
        if len(its_sides) > 1 and name not in firms:
            owner = ("id", name)
        p = owners.setdefault(owner, len(owners))
        places[name] = (p, used.get(p, 0))
        used[p] = used.get(p, 0) + 1
    return places


def open_venue(
    engine: Engine,
    rules: Rules,
    members: Sequence[Member],
    actions: Sequence[Action],
    phase: int = Phase.CONTINUOUS,
    reference_px: int | None = -1,
) -> Venue:
    """Open an exchange with room for all that will be sent.

    Raises:
        DataError: No market class has room for it.
    """
    if engine == Engine.reference:
        return ReferenceExchange(rules, members, phase=phase, reference_px=reference_px)
    from hftgym.selftest.venue import CompiledVenue

    orders = [action for action in actions if isinstance(action, Order)]
    lots = sum(max(order.lots, 0) for order in orders)
    # An iceberg is filled slice by slice, at most against all others together.
    slices = sum(min(o.lots, lots - o.lots) // o.display_lots for o in orders if o.display_lots > 0)
    reports = 2 * slices + 4 * len(orders) + 8
    for size in MARKET_CLASSES.values():
        slots = size.own_orders // max(len(members), 1)
        if (
            len(members) <= size.participants
            and len(actions) <= min(slots, size.rare, size.far_levels)
            and reports <= size.reports
        ):
            return CompiledVenue(
                rules, members, phase=phase, reference_px=reference_px, slots=slots, size=size.name
            )
    raise DataError("HG-D152", f"{len(actions)} actions in one vector: no market has room for them")
