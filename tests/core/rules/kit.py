"""Short words for messages, for answers and for what rests, so that a test reads like its rule.

Builders of messages name the sender and its own id first. Builders of answers do the same. Prices
are around 100, a unit is worth 1 and nothing costs a fee unless a test says otherwise.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from hftgym.core.constants import BUY, SELL, Flag, MessageKind, Phase, Reason, ReportKind
from hftgym.core.reference import Message, Outcome, Report, Rules

LIMIT, MARKET, CANCEL, AMEND = (
    MessageKind.LIMIT,
    MessageKind.MARKET,
    MessageKind.CANCEL,
    MessageKind.AMEND,
)
PX_MIN, PX_MAX = 1, 1000
RULES = Rules(
    px_min=PX_MIN,
    px_max=PX_MAX,
    max_lots=1000,
    start_px=100,
    unit_value=1,
    maker_fee=0,
    taker_fee=0,
)
CALLS = (
    Phase.PRE_OPEN,
    Phase.OPENING_AUCTION,
    Phase.VOLATILITY_AUCTION,
    Phase.CLOSING_AUCTION,
)
#: Members 0 and 1 are of one firm.
FAMILY = (7, 7, 8, 9)


def rules(**changes: Any) -> Rules:
    """Return the usual instrument with some of its settings changed."""
    return replace(RULES, **changes)


# ------------------------------------------------------------------ messages
def buy(owner: int, slot: int, px: int, lots: int, flags: int = 0, **more: int) -> Message:
    return Message(owner, LIMIT, slot, BUY, px, lots, flags, **more)


def sell(owner: int, slot: int, px: int, lots: int, flags: int = 0, **more: int) -> Message:
    return Message(owner, LIMIT, slot, SELL, px, lots, flags, **more)


def market_buy(owner: int, slot: int, lots: int, flags: int = 0, **more: int) -> Message:
    return Message(owner, MARKET, slot, BUY, 0, lots, flags, **more)


def market_sell(owner: int, slot: int, lots: int, flags: int = 0, **more: int) -> Message:
    return Message(owner, MARKET, slot, SELL, 0, lots, flags, **more)


def amend(owner: int, slot: int, px: int, lots: int, flags: int = 0, **more: int) -> Message:
    return Message(owner, AMEND, slot, 0, px, lots, flags, **more)


def cancel(owner: int, slot: int) -> Message:
    return Message(owner, CANCEL, slot)


def cancel_all(owner: int, side: int = 0) -> Message:
    return Message(owner, MessageKind.CANCEL_ALL, 0, side)


def disconnect(owner: int) -> Message:
    return Message(owner, MessageKind.DISCONNECT, 0)


def connect(owner: int) -> Message:
    return Message(owner, MessageKind.CONNECT, 0)


def iceberg(display_lots: int) -> dict[str, int]:
    """Return what makes an order an iceberg."""
    return {"flags": Flag.ICEBERG, "display_lots": display_lots}


def stop(trigger_px: int, flags: int = 0) -> dict[str, int]:
    """Return what makes an order a stop."""
    return {"flags": Flag.STOP | flags, "trigger_px": trigger_px}


# ------------------------------------------------------------------ answers
def accepted(message: Message, px: int | None = None) -> Report:
    """Return the answer to an order that is let in; a market order is told its worst price."""
    if px is None:
        px = message.px if message.kind == LIMIT else (PX_MAX if message.side == BUY else PX_MIN)
    m = message
    return Report(
        m.participant, ReportKind.ACCEPTED, Reason.OK, m.kind, m.slot, m.side, px, m.lots, 0
    )


def rejected(message: Message, reason: Reason) -> Report:
    m = message
    return Report(
        m.participant, ReportKind.REJECTED, reason, m.kind, m.slot, m.side, m.px, m.lots, 0
    )


def refusal(message: Message, reason: Reason) -> Outcome:
    """Return the whole outcome of a message that is refused."""
    return Outcome([], [rejected(message, reason)])


def fill(to: int, slot: int, side: int, px: int, lots: int, fee: int = 0) -> Report:
    return Report(to, ReportKind.FILL, Reason.OK, LIMIT, slot, side, px, lots, fee)


def ended(
    to: int, slot: int, side: int, px: int, lots: int, reason: int = Reason.OK, by: int = LIMIT
) -> Report:
    """Return the answer that an order has gone; ``by`` is the kind of the message that acts."""
    return Report(to, ReportKind.CANCELLED, reason, by, slot, side, px, lots, 0)


def amended(
    to: int, slot: int, side: int, px: int, lots: int, reason: int = Reason.OK, by: int = AMEND
) -> Report:
    return Report(to, ReportKind.AMENDED, reason, by, slot, side, px, lots, 0)


def triggered(to: int, slot: int, side: int, px: int, lots: int) -> Report:
    return Report(to, ReportKind.TRIGGERED, Reason.OK, LIMIT, slot, side, px, lots, 0)


# ------------------------------------------------------------------ what rests
Row = tuple[int, int, int, int, int, int, int]


def bid(owner: int, slot: int, px: int, lots: int, reserve: int = 0, hidden: int = 0) -> Row:
    """Return a row of ``orders()``."""
    return BUY, px, lots, reserve, owner, slot, hidden


def ask(owner: int, slot: int, px: int, lots: int, reserve: int = 0, hidden: int = 0) -> Row:
    """Return a row of ``orders()``."""
    return SELL, px, lots, reserve, owner, slot, hidden


# ------------------------------------------------------------------ a venue as a whole
ACCOUNT_FIELDS = (
    "cash",
    "fees",
    "position",
    "open_buy_lots",
    "open_sell_lots",
    "maker_lots",
    "taker_lots",
    "fills",
    "rejects",
    "edge_2px",
    "killed",
    "connected",
)


def accounts(venue: Any) -> list[dict[str, int]]:
    """Return the fields of all accounts."""
    return [{name: int(getattr(a, name)) for name in ACCOUNT_FIELDS} for a in venue.accounts]


def account(venue: Any, participant: int) -> dict[str, int]:
    """Return the fields of an account."""
    return accounts(venue)[participant]


def state(venue: Any) -> dict[str, Any]:
    """Return all that a venue shows of itself, but for the counts of rejects."""
    without_rejects = accounts(venue)
    for fields in without_rejects:
        del fields["rejects"]
    return {
        "now": venue.now_ns,
        "phase": venue.phase,
        "last": venue.last_px,
        "mid": venue.mid_2px,
        "fees": venue.fee_account,
        "orders": venue.orders(),
        "stops": venue.stops(),
        "waiting": venue.waiting(),
        "indication": venue.indication(),
        "accounts": without_rejects,
    }


def shares(outcome: Outcome) -> list[tuple[int, int]]:
    """Return who rested and how much of it traded, in order."""
    return [(trade.maker, trade.lots) for trade in outcome.trades]


def prints(outcome: Outcome) -> list[tuple[int, int]]:
    """Return price and lots of each trade, in order."""
    return [(trade.px, trade.lots) for trade in outcome.trades]


def takers(outcome: Outcome) -> list[tuple[int, int]]:
    """Return owner and id of the aggressor of each trade, in order."""
    return [(trade.taker, trade.taker_slot) for trade in outcome.trades]


def heard(outcome: Outcome, participant: int) -> list[Report]:
    """Return what one participant is told, in order."""
    return [report for report in outcome.reports if report.to == participant]
