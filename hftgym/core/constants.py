"""Enumerations and sentinels of the core: sides, kinds, states, reasons. Plain integers inside."""

from __future__ import annotations

from enum import IntEnum

BUY = 1
SELL = -1

#: No price: far beyond every legal price on either side (price times size stays below 2^62).
NO_PX = 1 << 62
#: Worst key a side can have; a key is side * px, so that better is always larger.
NO_KEY = -NO_PX
NONE = -1  # an empty link, index or slot
NEVER_NS = 1 << 62

SECOND_NS = 1_000_000_000

VIEW_LEVELS = 5
QUEUE_SLOTS = 4  # own order slots whose queue position a view carries
VALUE_RING = 64
MAX_OUT = 16  # messages one decision may send
MAX_OWN_ORDERS = 4096
PARAMS_BYTES = 256
MEMORY_BYTES = 512


class Phase(IntEnum):
    """Trading phase of an instrument."""

    CONTINUOUS = 0
    HALT = 1


class EventClass(IntEnum):
    """Classes of events at one instant, in the order in which they act."""

    EXPIRY = 0
    PHASE = 1
    TAPE = 2
    ORDER_ENTRY = 3
    PRIVATE_DELIVERY = 4
    CAPTURE = 5
    FEED_DELIVERY = 6
    STEP_END = 7


class MessageKind(IntEnum):
    """What a participant asks of the exchange."""

    LIMIT = 1
    MARKET = 2
    CANCEL = 3
    AMEND = 4


class Flag(IntEnum):
    """Instructions on an order, added together."""

    IOC = 1
    POST_ONLY = 2  # a crossing order is rejected
    POST_ONLY_SLIDE = 4  # a crossing order rests one tick behind the opposite touch


class OwnState(IntEnum):
    """State of an own order, as its owner knows it."""

    FREE = 0
    PENDING_NEW = 1
    LIVE = 2
    PENDING_AMEND = 3
    PENDING_CANCEL = 4


class ReportKind(IntEnum):
    """What the exchange answers in private."""

    ACCEPTED = 1
    FILL = 2
    CANCELLED = 3
    AMENDED = 4
    REJECTED = 5


class Reason(IntEnum):
    """Why a message was rejected, or an order ended."""

    OK = 0
    UNKNOWN_ORDER = 1
    TOO_LATE = 2
    BAD_QTY = 3
    BAD_PRICE = 4
    NOT_ON_TICK = 5
    POST_ONLY_CROSS = 6
    POOL_FULL = 7
    MARKET_CLOSED = 8
    IOC_REST = 9
    SELF_TRADE = 10
    KILLED = 11
    BAD_MESSAGE = 12


class Stp(IntEnum):
    """Self-trade prevention within a firm."""

    OFF = 0
    CANCEL_OLDEST = 1


class Status(IntEnum):
    """Why the loop handed back control."""

    UNTIL = 0
    EXTERNAL = 1  # one or more learners must decide
    BUDGET = 2
    LOG_FULL = 3
    FAULT = 4


class Fault(IntEnum):
    """A state from which the market must not go on."""

    NONE = 0
    ORDER_POOL = 1
    MESSAGE_POOL = 2
    REPORT_POOL = 3
    EVENT_QUEUE = 4
    VIEW_POOL = 5
    FAR_POOL = 6
    BAD_OUT = 7
    OVERFLOW = 8
    TAPE_ORDINALS = 9
    LOG = 10


class TapeKind(IntEnum):
    """Primitive operations of a compiled tape on the live book."""

    NOTHING = 0
    ADD = 1
    FRONT = 2
    REDUCE = 3
    REMOVE = 4
    EXEC = 5
    HIDDEN = 6
    PRINT = 7
    PHASE = 8


class TapeFlag(IntEnum):
    """Marks on a tape operation, added together."""

    ROW_END = 1
    SAME_AGGRESSOR = 2


class LogKind(IntEnum):
    """Rows of the event log."""

    REST = 1
    TRADE = 2
    CANCEL = 3
    AMEND = 4
    REJECT = 5
    HIDDEN_TRADE = 6
    PHASE = 7


class WakeOn(IntEnum):
    """Events at the exchange that trigger a view at once, added together."""

    FILL = 1
    TRADE = 2
    TOUCH = 4
    PHASE = 8
