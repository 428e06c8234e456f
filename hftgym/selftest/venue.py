"""The compiled exchange behind the interface of its slow twin, for tests and self-tests.

No participants that decide, no latencies: messages go straight to the exchange.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from hftgym.core.book import level_head, next_key
from hftgym.core.constants import (
    FEE_TIERS,
    NEVER_NS,
    NO_KEY,
    NO_PX,
    NONE,
    STP_SHIFT,
    Flag,
    Limit,
    LogKind,
    OrderMark,
    Phase,
)
from hftgym.core.entries import book_hash_one, open_one, state_hash_one
from hftgym.core.exchange import process
from hftgym.core.jit import kernel
from hftgym.core.order_entry import give_message, take_message
from hftgym.core.orders import slot_of
from hftgym.core.phases import change_phase, run_due
from hftgym.core.records import LOG, MARKET, OWN_HEADER_BYTES, own_bytes, record
from hftgym.core.reference import (
    Indication,
    Member,
    Message,
    Outcome,
    Report,
    Rules,
    Trade,
    Trip,
)

#: One message as a row; kinds beyond messages change the phase (``px``) or move the clock
#: (``lots``, in ns).
ACTION = record([(name, "i8") for name in Message._fields])
PHASE_ACTION = 100
TIME_ACTION = 101

_LISTED = record(
    [(name, "i8") for name in "side px lots reserve owner slot hidden limit_px".split()]
)
_TRADED = record([(name, "i8") for name in Trade._fields])
_ANSWER = record([(name, "i8") for name in Report._fields])
_TRIPPED = record([(name, "i8") for name in Trip._fields])
_ACCOUNT_FIELDS = (
    "cash fees position open_buy_lots open_sell_lots maker_lots taker_lots fills rejects edge_2px "
    "killed disconnected"
).split()
#: What each limit is called in a member's standing and in its account.
_LIMITS = {
    Limit.POSITION: "position_limit",
    Limit.OPEN_ORDERS: "open_orders_limit",
    Limit.NOTIONAL: "notional_limit",
    Limit.ORDER_RATE: "rate_interval_ns",
    Limit.LOSS: "kill_equity",
}
_HIDDEN = int(Flag.HIDDEN)
_RARE = int(OrderMark.RARE)
_FLAGS = (1 << STP_SHIFT) - 1
_TRADE = int(LogKind.TRADE)
_REJECT = int(LogKind.REJECT)
_KILL = int(LogKind.KILL)
_BAD_FLAGS = 1 << 15  # no instruction
_PHASE = PHASE_ACTION
_TIME = TIME_ACTION

#: Numbers of a sight: before the accounts, of an account, of an order or stop, of an order that
#: waits.
SIGHT_HEAD = 9
SIGHT_ACCOUNT = 14
SIGHT_ORDER = 7
SIGHT_WAITING = 4
#: Places of the count of rejects, and of the clock of its rate, in an account's numbers.
SIGHT_REJECTS = 8
SIGHT_RATE = 13


@kernel
def _run_until(markets, i, until_ns, log):
    """Let everything that is due by ``until_ns`` happen, and move the clock there."""
    m = markets[i]
    m.log_used = 0
    while m.due_ns <= until_ns:
        m.now_ns = max(m.now_ns, m.due_ns)
        run_due(m, log[0])
    m.now_ns = max(m.now_ns, until_ns)


@kernel
def _act(markets, i, actions, j, log):
    """Let message ``j`` act at the exchange, with all further rounds of stops."""
    m = markets[i]
    m.log_used = 0
    a = actions[j]
    k = take_message(m)
    w = m.messages[k]
    w.participant = a.participant
    w.kind = a.kind
    w.slot = a.slot
    w.gen = j
    w.side = a.side
    w.px = a.px
    w.lots = a.lots
    flags = a.flags
    if flags < 0 or flags > _FLAGS:
        flags = _BAD_FLAGS
    stp = a.stp
    if stp < 0 or stp > 7:
        stp = 7
    w.flags = flags | stp << STP_SHIFT
    w.trigger_px = a.trigger_px
    w.display_lots = a.display_lots
    w.min_lots = a.min_lots
    w.expire_ns = a.expire_ns
    process(m, log[0], w)
    give_message(m, k)
    while m.books[0].stops_left != 0:
        run_due(m, log[0])


@kernel
def _change_phase(markets, i, phase, log):
    m = markets[i]
    m.log_used = 0
    done = change_phase(m, log[0], m.books[0], phase)
    while m.books[0].stops_left != 0:
        run_due(m, log[0])
    return done


@kernel
def _tell(markets, i, log, trades, answers, trips):
    """Copy trades and trips of the last action, and take all private reports out of their queues.

    Reports come in the order of the participants. Returns how many there are of each.
    """
    m = markets[i]
    traded = 0
    tripped = 0
    for j in range(m.log_used):
        row = log[0].rows[j]
        if row.kind == _TRADE:
            t = trades[traded]
            t.maker = row.maker
            t.maker_slot = row.maker_slot
            t.taker = row.taker
            t.taker_slot = row.taker_slot
            t.side = row.side
            t.px = row.px
            t.lots = row.lots
            traded += 1
        elif row.kind == _KILL or (row.kind == _REJECT and row.marks != 0):
            w = trips[tripped]
            w.who = row.taker
            w.limit = row.marks
            w.slot = row.taker_slot
            w.px = row.px
            w.lots = row.lots
            tripped += 1
    n = 0
    for p in range(m.participants):
        part = m.part[p]
        while part.report_head != NONE:
            k = part.report_head
            r = m.reports[k]
            o = answers[n]
            o.to = p
            o.kind = r.kind
            o.reason = r.reason
            o.request = r.request
            o.slot = r.slot
            o.side = r.side
            o.px = r.px
            o.lots = r.lots
            o.fee = r.fee
            n += 1
            part.report_head = r.next
            r.next = m.report_free
            m.report_free = k
        part.report_tail = NONE
    return traded, n, tripped


@kernel
def _look(markets, i, out):
    """Write the fields of ``Sight`` one behind the other; how many numbers they are."""
    m = markets[i]
    b = m.books[0]
    out[0] = m.fault
    out[1] = b.instrument.phase
    out[2] = m.now_ns
    out[3] = b.last_px
    out[4] = b.mid_2px
    out[5] = m.fee_account
    known = b.indicative_px != NO_PX
    out[6] = b.indicative_px
    out[7] = b.indicative_lots if known else 0
    out[8] = b.surplus_lots if known else 0
    n = SIGHT_HEAD
    for p in range(m.participants):
        a = m.part[p].account
        out[n] = a.cash
        out[n + 1] = a.fees
        out[n + 2] = a.position
        out[n + 3] = a.open_buy_lots
        out[n + 4] = a.open_sell_lots
        out[n + 5] = a.maker_lots
        out[n + 6] = a.taker_lots
        out[n + 7] = a.fills
        out[n + 8] = a.rejects
        out[n + 9] = a.edge_2px
        out[n + 10] = a.killed
        out[n + 11] = 1 - a.disconnected
        out[n + 12] = a.open_orders
        out[n + 13] = a.rate_due_ns
        n += SIGHT_ACCOUNT
    for side in range(4):
        s = b.sides[side]
        key = s.best
        while key != NO_KEY:
            k = level_head(s, key)
            while k != NONE:
                o = m.orders[k]
                out[n] = o.side
                out[n + 1] = o.px
                out[n + 2] = o.lots
                out[n + 3] = 0
                if o.flags & _RARE:
                    r = m.rare[o.slot]
                    out[n + 3] = r.limit_px if side >= 2 else r.reserve
                out[n + 4] = o.owner
                out[n + 5] = slot_of(m, o)
                out[n + 6] = 1 if side < 2 and o.flags & _HIDDEN else 0
                n += SIGHT_ORDER
                k = o.next
            key = next_key(s, key)
    for side in range(2):
        k = b.waiting[side].head
        while k != NONE:
            o = m.orders[k]
            out[n] = o.side
            out[n + 1] = o.lots
            out[n + 2] = o.owner
            out[n + 3] = slot_of(m, o)
            n += SIGHT_WAITING
            k = o.next
    return n


@kernel
def _list(markets, i, first, last, waiting, out):
    """List the orders of some sides of the book (or those that wait), in queue order."""
    m = markets[i]
    n = 0
    for side in range(first, last):
        s = m.books[0].sides[side]
        key = NO_KEY if waiting else s.best
        k = m.books[0].waiting[side].head if waiting else level_head(s, key)
        while k != NONE:
            o = m.orders[k]
            w = out[n]
            w.side = o.side
            w.px = o.px
            w.lots = o.lots
            w.owner = o.owner
            w.slot = slot_of(m, o)
            w.hidden = 1 if o.flags & _HIDDEN else 0
            w.reserve = 0
            w.limit_px = 0
            if o.flags & _RARE:
                w.reserve = m.rare[o.slot].reserve
                w.limit_px = m.rare[o.slot].limit_px
            n += 1
            k = o.next
            if k == NONE and not waiting:
                key = next_key(s, key)
                k = level_head(s, key) if key != NO_KEY else NONE
    return n


class CompiledVenue:
    """One market of a named class, and the interface of ``ReferenceExchange``.

    Args:
        rules: the instrument.
        members: participants; an int is a firm.
        capacity: cut the pool of orders down to this many.
        phase: at first.
        reference_px: last price at first; -1: the instrument's ``start_px``; None: auctions have
            none before the first trade between two firms.
        slots: order slots of each participant.
        size: name of the market class.
        far_levels: cut all lists of far levels down to this many.
    """

    def __init__(
        self,
        rules: Rules | None = None,
        members: Sequence[Member | int] = (1, 2, 3, 4),
        capacity: int | None = None,
        phase: int = Phase.CONTINUOUS,
        reference_px: int | None = -1,
        *,
        slots: int | None = None,
        size: str = "small",
        far_levels: int | None = None,
    ) -> None:
        self.rules = rules or Rules()
        self.members = tuple(Member(m) if isinstance(m, int) else m for m in members)
        self.markets = np.zeros(1, MARKET[size])
        m = self.m
        if slots is None:
            slots = min(64, len(m["slots"]) // max(len(self.members), 1))
        m["participants"] = len(self.members)
        m["tape"]["owner"] = NONE
        self._write_rules(phase)
        for p, member in enumerate(self.members):
            self._write_member(p, member, slots)
        open_one(self.markets, 0, np.uint64(1))
        book = m["books"][0]
        if reference_px is None:
            book["has_reference"] = 0
        elif reference_px != -1:
            for name in ("last_px", "static_px"):
                book[name] = reference_px
            book["mid_2px"] = 2 * reference_px
        self.capacity = len(m["orders"])
        if capacity is not None and capacity < self.capacity:
            m["order_limit"] = self.capacity = capacity
        self.far_levels = len(book["sides"][0]["far"])
        if far_levels is not None:
            self.far_levels = far_levels
            for side in book["sides"]:
                side["far"][far_levels - 1]["next"] = NONE
        self._log = np.zeros(1, LOG)
        self._log[0]["capacity"] = len(self._log[0]["rows"])
        self._trades = np.zeros(len(self._log[0]["rows"]), _TRADED)
        self._answers = np.zeros(len(m["reports"]), _ANSWER)
        self._trips = np.zeros(len(self.members) + 1, _TRIPPED)
        self.trips: list[Trip] = []  # of the last call
        self._listed = np.zeros(len(m["orders"]), _LISTED)
        numbers = SIGHT_HEAD + len(self.members) * SIGHT_ACCOUNT + self.capacity * SIGHT_ORDER
        self._sight = np.zeros(numbers, np.int64)
        self._one = np.zeros(1, ACTION)

    def _write_rules(self, phase: int) -> None:
        instrument = self.m["books"][0]["instrument"]
        for name in instrument.dtype.names:
            if hasattr(self.rules, name) and name != "fee_tiers":
                instrument[name] = getattr(self.rules, name)
        instrument["phase"] = phase
        tiers = self.rules.fee_tiers
        if len(tiers) > FEE_TIERS:
            raise ValueError(f"fee_tiers: {len(tiers)}; at most {FEE_TIERS}")
        instrument["fee_tier_count"] = len(tiers)
        for row, tier in zip(instrument["fee_tiers"], tiers, strict=False):
            row["min_lots"], row["maker_fee"], row["taker_fee"] = tier

    def _write_member(self, p: int, member: Member, slots: int) -> None:
        part = self.m["part"][p]
        part["own_first"] = p * slots
        part["own_capacity"] = slots
        part["own_offset"] = p * own_bytes(slots)
        part["decide"] = NONE
        part["name_hash"] = 1000 + p
        offset = int(part["own_offset"])
        header = self.m["own"][offset : offset + OWN_HEADER_BYTES]
        header[-4:].view(np.int32)[0] = slots  # own.capacity ends the header
        account = part["account"]
        account["firm"] = member.firm
        account["lmm_percent"] = member.lmm_percent
        account["kill_flatten"] = member.kill_flatten
        account["cancel_on_disconnect"] = member.cancel_on_disconnect
        for limit, name in _LIMITS.items():
            value = getattr(member, name)
            if value is not None:
                account["limits"] |= limit
                account[name] = value
        account["rate_slack_ns"] = (member.rate_burst - 1) * (member.rate_interval_ns or 0)
        self.m["kill_watch"] += member.kill_equity is not None

    # -------------------------------------------------------------- acting
    def process(self, message: Message) -> Outcome:
        """Let one message act."""
        self._one[0] = tuple(message)
        return self.act(self._one, 0)

    def act(self, actions: Any, j: int) -> Outcome:
        """Let action ``j`` of an array (dtype ``ACTION``) act."""
        kind = actions["kind"][j]
        if kind == _PHASE:
            return self.set_phase(int(actions[j]["px"])) or Outcome([], [])
        if kind == _TIME:
            return self.advance(self.now_ns + int(actions[j]["lots"]))
        _act(self.markets, 0, actions, j, self._log)
        return self._outcome()

    def set_phase(self, phase: int) -> Outcome | None:
        """Go to another phase; None when it may not follow."""
        self.trips = []
        done = _change_phase(self.markets, 0, phase, self._log)
        return self._outcome() if done else None

    def advance(self, now_ns: int) -> Outcome:
        """Move the clock; what is due by then happens."""
        _run_until(self.markets, 0, now_ns, self._log)
        return self._outcome()

    def _outcome(self) -> Outcome:
        traded, n, tripped = _tell(
            self.markets, 0, self._log, self._trades, self._answers, self._trips
        )
        self.trips = [Trip(*row) for row in self._trips[:tripped].tolist()]
        return Outcome(
            [Trade(*row) for row in self._trades[:traded].tolist()],
            [Report(*row) for row in self._answers[:n].tolist()],
        )

    def log(self) -> np.ndarray:
        """Return the rows of the event log of the last action."""
        rows: np.ndarray = self._log[0]["rows"][: int(self.m["log_used"])]
        return rows

    # -------------------------------------------------------------- looking
    @property
    def m(self) -> Any:
        """The market, a live record."""
        return self.markets[0]

    @property
    def now_ns(self) -> int:
        """The clock."""
        return int(self.m["now_ns"])

    @property
    def phase(self) -> int:
        """The trading phase."""
        return int(self.m["books"][0]["instrument"]["phase"])

    @property
    def fee_account(self) -> int:
        """Fees that the exchange has received."""
        return int(self.m["fee_account"])

    @property
    def last_px(self) -> int:
        """Last price between two firms."""
        return int(self.m["books"][0]["last_px"])

    @property
    def mid_2px(self) -> int:
        """Twice the mid."""
        return int(self.m["books"][0]["mid_2px"])

    @property
    def live(self) -> int:
        """Orders in the pool: resting, waiting and asleep."""
        return int(self.m["order_live"])

    @property
    def accounts(self) -> list[Any]:
        """Accounts as the twin keeps them."""
        from hftgym.core.reference import Account

        rows = self.m["part"]["account"][: len(self.members)]
        found = []
        for row in rows:
            values = {name: int(row[name]) for name in _ACCOUNT_FIELDS}
            connected = not values.pop("disconnected")
            killed = bool(values.pop("killed"))
            found.append(
                Account(firm=int(row["firm"]), killed=killed, connected=connected, **values)
            )
        return found

    def _list(self, first: int, last: int, waiting: bool, *fields: str) -> list[tuple[int, ...]]:
        rows = self._listed[: _list(self.markets, 0, first, last, waiting, self._listed)]
        return list(zip(*(rows[name].tolist() for name in fields), strict=True))

    def orders(self) -> list[tuple[int, ...]]:
        """(side, px, shown, reserve, owner, slot, hidden): bids, asks, best and oldest first."""
        return self._list(0, 2, False, "side", "px", "lots", "reserve", "owner", "slot", "hidden")

    def stops(self) -> list[tuple[int, ...]]:
        """(side, trigger_px, px, lots, owner, slot): buy stops, sell stops, next to wake first."""
        return self._list(2, 4, False, "side", "px", "limit_px", "lots", "owner", "slot")

    def waiting(self) -> list[tuple[int, ...]]:
        """(side, lots, owner, slot) of market orders that wait, buys then sells, oldest first."""
        return self._list(0, 2, True, "side", "lots", "owner", "slot")

    def indication(self) -> Indication | None:
        """At what a call would uncross now."""
        book = self.m["books"][0]
        if int(book["indicative_px"]) == NO_PX:
            return None
        return Indication(
            int(book["indicative_px"]), int(book["indicative_lots"]), int(book["surplus_lots"])
        )

    @property
    def due_ns(self) -> int | None:
        """When the next order or phase ends on its own."""
        due_ns = int(self.m["due_ns"])
        return None if due_ns == NEVER_NS else due_ns

    def sight(self) -> list[int]:
        """Return all that can be seen as numbers, as ``twins.sight_of`` those of the twin."""
        numbers: list[int] = self._sight[: _look(self.markets, 0, self._sight)].tolist()
        return numbers

    def book_hash(self) -> int:
        """Canonical hash of the live orders."""
        return int(book_hash_one(self.markets, 0))

    def state_hash(self) -> int:
        """Canonical hash of the market."""
        return int(state_hash_one(self.markets, 0))
