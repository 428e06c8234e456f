"""What the slow twin refuses by looking at a message alone, and which phase follows which."""

from __future__ import annotations

from hftgym.core.constants import BUY, MAX_SLICES, SELL, Flag, MessageKind, Phase, Reason, Stp
from hftgym.core.reference_types import Message, Rules

POST = Flag.POST_ONLY | Flag.POST_ONLY_SLIDE
CALLS = (
    Phase.PRE_OPEN,
    Phase.OPENING_AUCTION,
    Phase.VOLATILITY_AUCTION,
    Phase.CLOSING_AUCTION,
)
SHUT = (Phase.HALT, Phase.CLOSED)
STEPS: dict[int, tuple[Phase, ...]] = {
    Phase.PRE_OPEN: (Phase.OPENING_AUCTION, Phase.CONTINUOUS, Phase.HALT, Phase.CLOSED),
    Phase.OPENING_AUCTION: (Phase.CONTINUOUS, Phase.HALT, Phase.CLOSED),
    Phase.CONTINUOUS: (
        Phase.VOLATILITY_AUCTION,
        Phase.CLOSING_AUCTION,
        Phase.HALT,
        Phase.CLOSED,
    ),
    Phase.VOLATILITY_AUCTION: (
        Phase.CONTINUOUS,
        Phase.CLOSING_AUCTION,
        Phase.HALT,
        Phase.CLOSED,
    ),
    Phase.CLOSING_AUCTION: (Phase.CLOSED, Phase.HALT),
    Phase.HALT: (
        Phase.OPENING_AUCTION,
        Phase.VOLATILITY_AUCTION,
        Phase.CLOSING_AUCTION,
        Phase.CONTINUOUS,
        Phase.CLOSED,
    ),
    Phase.CLOSED: (Phase.PRE_OPEN, Phase.OPENING_AUCTION),
}

_IMMEDIATE = Flag.IOC | Flag.FOK
_KNOWN = sum(Flag)
_ONLY_IN_TRADING = _IMMEDIATE | Flag.TO_LIMIT | Flag.MIN_LOTS | POST
#: Any of the one with any of the other makes no sense.
_CLASHES = (
    (Flag.IOC, Flag.FOK),
    (Flag.HIDDEN, Flag.ICEBERG),
    (Flag.GTD, Flag.DAY),
    (Flag.TO_LIMIT, _IMMEDIATE | POST),
    (Flag.MIN_LOTS, Flag.FOK | POST),
    (Flag.STOP, _IMMEDIATE | POST | Flag.MIN_LOTS | Flag.TO_LIMIT),
)


def is_immediate(kind: int, flags: int) -> bool:
    """Whether an order can never rest in continuous trading."""
    if flags & _IMMEDIATE:
        return True
    return kind == MessageKind.MARKET and not flags & Flag.TO_LIMIT


def has_price(kind: int, flags: int) -> bool:
    """Whether ``px`` of a new order is a limit price."""
    return kind == MessageKind.LIMIT and not flags & Flag.BUDGET


def form(message: Message, phase: int) -> int:
    """Return why an order makes no sense, or not in this phase (X-REJ-03, X-AUC-07), or OK."""
    kind, flags = message.kind, message.flags
    if kind not in (MessageKind.LIMIT, MessageKind.MARKET) or message.side not in (BUY, SELL):
        return Reason.BAD_MESSAGE
    if flags & ~_KNOWN or not is_mode(message.stp):
        return Reason.BAD_MESSAGE
    if flags and _contradicts(kind, flags):
        return Reason.BAD_MESSAGE
    if phase in CALLS and flags & _ONLY_IN_TRADING:
        return Reason.NOT_IN_PHASE
    return Reason.OK


def is_mode(stp: int) -> bool:
    """Whether a message's self-trade mode is a known one."""
    return 0 <= stp <= len(Stp)


def _contradicts(kind: int, flags: int) -> bool:
    if any(flags & one and flags & other for one, other in _CLASHES):
        return True
    if is_immediate(kind, flags):
        if flags & (POST | Flag.HIDDEN | Flag.ICEBERG):
            return True
        if flags & (Flag.GTD | Flag.DAY) and not flags & Flag.STOP:
            return True
    if kind == MessageKind.MARKET:
        return bool(flags & Flag.BUDGET)
    return bool(flags & Flag.TO_LIMIT) or bool(flags & Flag.BUDGET and not flags & Flag.FOK)


def terms(message: Message, rules: Rules, static_px: int, now_ns: int) -> int:
    """Return what is wrong with a new order's quantities, prices and times, or OK.

    Args:
        message: of a good form.
        rules: the instrument.
        static_px: reference of the static band.
        now_ns: time of the exchange.
    """
    flags = message.flags
    reason = quantity(message.lots, rules)
    if not reason and flags & Flag.MIN_LOTS and not 1 <= message.min_lots <= message.lots:
        reason = Reason.BAD_QTY
    if not reason and flags & Flag.BUDGET and message.px < 0:
        reason = Reason.BAD_PRICE
    if not reason and has_price(message.kind, flags):
        reason = price(message.px, rules) or band(message.px, rules, static_px)
    if not reason and flags & Flag.ICEBERG:
        fits = 1 <= message.display_lots <= message.lots <= message.display_lots * MAX_SLICES
        reason = Reason.OK if fits else Reason.BAD_DISPLAY
    if not reason and flags & Flag.STOP and price(message.trigger_px, rules):
        reason = Reason.BAD_TRIGGER
    if not reason and flags & Flag.GTD and message.expire_ns <= now_ns:
        reason = Reason.BAD_EXPIRY
    return reason


def quantity(lots: int, rules: Rules) -> int:
    """Return what is wrong with a quantity, or OK."""
    return Reason.OK if 1 <= lots <= rules.max_lots else Reason.BAD_QTY


def price(px: int, rules: Rules) -> int:
    """Return what is wrong with a limit or a trigger price, or OK."""
    if not rules.px_min <= px <= rules.px_max:
        return Reason.BAD_PRICE
    return Reason.NOT_ON_TICK if px % rules.tick_px else Reason.OK


def band(px: int, rules: Rules, static_px: int) -> int:
    """Return whether a price is outside of the static band: PRICE_BAND or OK (X-BAND-01)."""
    outside = rules.static_band_px and abs(px - static_px) > rules.static_band_px
    return Reason.PRICE_BAND if outside else Reason.OK
