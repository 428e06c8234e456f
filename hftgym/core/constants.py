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
VALUE_BLOCK = 8  # grid points whose draws are made at once
VALUE_SHOCKS = 4  # scheduled jumps that a value can have
MAX_OUT = 16  # messages one decision may send
MAX_OWN_ORDERS = 4096
#: Stops that one message may wake; the rest wake at the same time, as events of their own.
STOP_CASCADE = 64
#: An iceberg shows at least this share of its size: slices per order are bounded.
MAX_SLICES = 1_000
FEE_TIERS = 4
PHASE_PLAN = 16  # phase changes that a market can have planned
#: A self-trade mode of a message's own stands above its flags: ``flags | (mode + 1) << STP_SHIFT``.
STP_SHIFT = 16
PARAMS_BYTES = 256
TABLE_NUMBERS = 65_536  # floats that lie beside the markets: recordings, tables of strategies
MEMORY_BYTES = 512


class Phase(IntEnum):
    """Trading phase of an instrument."""

    CONTINUOUS = 0
    HALT = 1
    PRE_OPEN = 2
    OPENING_AUCTION = 3
    VOLATILITY_AUCTION = 4
    CLOSING_AUCTION = 5
    CLOSED = 6


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


class Channel(IntEnum):
    """Where an event of a participant can be pending: one in each."""

    ENTRY = 0  # the first of its messages on their way to the exchange
    SCHEDULED = 1  # a view that it asked for
    TRIGGERED = 2  # a view because something happened


class MessageKind(IntEnum):
    """What a participant asks of the exchange."""

    LIMIT = 1
    MARKET = 2
    CANCEL = 3
    AMEND = 4
    CANCEL_ALL = 5  # side 0: both
    DISCONNECT = 6
    CONNECT = 7


class Flag(IntEnum):
    """Instructions on an order, added together. The low byte stays with a resting order."""

    POST_ONLY = 1  # a crossing order is rejected
    POST_ONLY_SLIDE = 2  # a crossing order rests one tick behind the opposite touch
    HIDDEN = 4  # never shown, behind all visible orders at its price
    ICEBERG = 8  # shows ``display_lots`` at a time
    STOP = 16  # sleeps until ``trigger_px``
    IOC = 256  # what does not trade at once is cancelled
    FOK = 512  # all at once, or nothing
    BUDGET = 1024  # with FOK: ``px`` is the most that all may cost, or the least it may bring
    MIN_LOTS = 2048  # at least ``min_lots`` at once, or nothing
    TO_LIMIT = 4096  # a market order whose rest is a limit at the best opposite price
    GTD = 8192  # until ``expire_ns``
    DAY = 16384  # until the market closes


class OrderMark(IntEnum):
    """What the exchange notes on an order, beside the low byte of its ``Flag``s."""

    MARKET = 32  # a market order that waits for an uncross
    TOP = 64  # improved the market when it came (pro-rata)
    RARE = 128  # has a side record


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
    TRIGGERED = 6


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
    DUPLICATE_ID = 13
    NOT_IN_PHASE = 14
    FOK_KILLED = 15
    MIN_LOTS = 16
    NO_PRICE = 17
    PRICE_BAND = 18
    BAD_DISPLAY = 19
    BAD_TRIGGER = 20
    BAD_EXPIRY = 21
    EXPIRED = 22
    RISK_LIMIT = 23
    DISCONNECTED = 24
    MOVED = 25  # log: left its place for another one


class Stp(IntEnum):
    """Self-trade prevention within a firm: what happens to whom. The taker's mode counts."""

    OFF = 0
    CANCEL_OLDEST = 1  # the resting order goes
    CANCEL_NEWEST = 2  # the aggressor goes
    CANCEL_BOTH = 3
    DECREMENT = 4  # both shrink by the smaller one


class Matching(IntEnum):
    """How a level shares what an aggressor takes."""

    FIFO = 0
    PRO_RATA = 1


class StopOn(IntEnum):
    """Which price triggers stops."""

    LAST = 0
    TOUCH = 1
    MARK = 2


class BandAction(IntEnum):
    """What happens when a trade would leave the dynamic band."""

    CANCEL = 0
    AUCTION = 1
    HALT = 2


class FeeUnit(IntEnum):
    """What a fee rate is multiplied with."""

    PER_LOT = 0  # money units per lot
    PER_MILLION = 1  # millionths of the traded value: 100 are one basis point


class Status(IntEnum):
    """Why the loop handed back control."""

    UNTIL = 0
    EXTERNAL = 1  # one or more learners must decide
    BUDGET = 2
    LOG_FULL = 3
    FAULT = 4


class Limit(IntEnum):
    """What a participant may not exceed, added together; alone: which of them it would have."""

    POSITION = 1
    OPEN_ORDERS = 2
    NOTIONAL = 4
    ORDER_RATE = 8
    LOSS = 16  # at the end of a transaction; the others at the gate


class Fault(IntEnum):
    """A state from which the market must not go on."""

    NONE = 0
    ORDER_POOL = 1
    MESSAGE_POOL = 2
    REPORT_POOL = 3
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
    STOP = 8  # a stop sleeps
    TRIGGER = 9  # a stop wakes
    UNCROSS = 10  # px, lots and, as slots, nothing: what an auction found
    KILL = 11  # of the taker; px and lots are its equity (money units) and its position


class LogMark(IntEnum):
    """Marks on a row of the log, added together."""

    HIDDEN = 1  # the (maker's) order is hidden
    AUCTION = 2  # a trade of an uncross: nobody is the aggressor
    SELF = 4  # both sides belong to one firm
    ICEBERG = 8  # a refreshed slice


class LatencyKind(IntEnum):
    """Where a latency beyond its constant part comes from."""

    CONSTANT = 0  # there is none
    LOGNORMAL = 1
    DRAWN = 2  # any one of a recording
    RECORDED = 3  # that of a recording at this time, interpolated


class WakeOn(IntEnum):
    """Events at the exchange that trigger a view at once, added together."""

    FILL = 1
    TRADE = 2
    TOUCH = 4
    PHASE = 8
