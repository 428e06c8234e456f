"""The market as one structured record, and the records that participants see.

A market is one record, a batch of markets is one array, a snapshot is a copy. Every dtype is a
``numpy.record`` at every level, so that compiled and interpreted code read it in the same way.
Sizes (orders, levels, participants ...) are part of the type; a ``MarketClass`` names them, and
each class is compiled once.
"""

from __future__ import annotations

import numpy as np

from hftgym.core.constants import (
    FEE_TIERS,
    MAX_OUT,
    MAX_OWN_ORDERS,
    MEMORY_BYTES,
    PARAMS_BYTES,
    PHASE_PLAN,
    QUEUE_SLOTS,
    TABLE_NUMBERS,
    VALUE_BLOCK,
    VALUE_RING,
    VALUE_SHOCKS,
    VIEW_LEVELS,
)
from hftgym.core.layout import LINE
from hftgym.core.layout import record as record
from hftgym.core.market_class import MARKET_CLASSES as MARKET_CLASSES
from hftgym.core.market_class import MarketClass as MarketClass

# ------------------------------------------------------------------ what a participant sees
RNG = record(
    [
        ("key", "u8"),  # identity of the stream: hash of seed, role and name
        ("decision", "u8"),  # which decision draws
        ("draw", "u8"),  # which draw of this decision
        ("base", "u8"),  # hash of key and decision
    ]
)

VIEW = record(
    [
        ("t_ns", "i8"),  # captured at the exchange
        ("delivered_ns", "i8"),  # known to its reader
        ("bid_px", "i8", (VIEW_LEVELS,)),  # best first; -NO_PX when empty
        ("bid_lots", "i8", (VIEW_LEVELS,)),
        ("ask_px", "i8", (VIEW_LEVELS,)),  # best first; NO_PX when empty
        ("ask_lots", "i8", (VIEW_LEVELS,)),
        ("mid_2px", "i8"),  # twice the mid price; the last one known when a side is empty
        ("other_mid_2px", "i8"),  # the same of the other instrument; without one 0
        ("last_px", "i8"),  # last trade
        ("trades", "i8"),  # counts since the market began: differences are flows
        ("volume", "i8"),
        ("signed_volume", "i8"),  # buyer-initiated minus seller-initiated lots
        ("ofi", "i8"),  # order flow imbalance at the touch (Cont, Kukanov, Stoikov 2014), lots
        ("queue_ahead", "i8", (QUEUE_SLOTS,)),  # of own order slots; -1 when not resting
        ("indicative_px", "i8"),  # at which a call phase would uncross; NO_PX: nowhere
        ("indicative_lots", "i8"),
        ("surplus_lots", "i8"),  # buy minus sell lots left at that price
        ("signal", "f8"),  # latent value, in px, for participants declared to see it; else NaN
        ("phase", "i4"),
        ("stale", "i4"),
    ]
)

OWN_ORDER = record(
    [
        ("px", "i8"),
        ("lots", "i8"),  # open lots
        ("filled", "i8"),  # lots filled so far: an amend states filled + open
        ("sent_ns", "i8"),  # last new or amend
        ("pending_px", "i8"),
        ("gen", "i4"),  # counts the messages about this slot
        ("state", "i1"),  # OwnState
        ("side", "i1"),
        ("flags", "i2"),
    ]
)


def own_fields(orders: int) -> list[tuple]:
    """Return the fields of what a participant knows of itself, with room for ``orders``."""
    return [
        ("position", "i8"),  # lots
        ("cash", "i8"),  # money units
        ("fills", "i8"),
        ("rejects", "i8"),
        ("last_bid_fill_ns", "i8"),
        ("last_ask_fill_ns", "i8"),
        ("_to_line", "u1", (8,)),
        ("live", "i4"),  # order slots in use
        ("capacity", "i4"),  # order slots that exist: orders[:capacity]
        ("orders", OWN_ORDER, (orders,)),
    ]


#: Own state. The type has room for the largest participant, the memory behind it for
#: ``capacity`` orders only: index below ``own.capacity``.
OWN = record(own_fields(MAX_OWN_ORDERS))
OWN_HEADER_BYTES = record(own_fields(1)).itemsize - OWN_ORDER.itemsize
assert OWN_HEADER_BYTES == LINE


def own_bytes(orders: int) -> int:
    """Return the bytes of an own state with room for ``orders``: whole lines of the cache."""
    return OWN_HEADER_BYTES + -(-orders * OWN_ORDER.itemsize // LINE) * LINE


OUT_MESSAGE = record(
    [
        ("px", "i8"),
        ("lots", "i8"),
        ("flags", "i4"),  # Flag; a self-trade mode of its own above them
        ("slot", "i2"),  # own order slot
        ("kind", "i1"),  # MessageKind
        ("side", "i1"),
    ]
)
#: What only some orders need, read with the Flag of that name.
TERMS = record(
    [("trigger_px", "i8"), ("display_lots", "i8"), ("min_lots", "i8"), ("expire_ns", "i8")]
)
OUT = record(
    [
        ("next_wake_ns", "i8"),  # when to see the market next; NEVER_NS: only on wake_on
        ("wake_on", "i4"),  # WakeOn flags
        ("count", "i4"),  # messages in use
        ("messages", OUT_MESSAGE, (MAX_OUT,)),
        ("terms", TERMS, (MAX_OUT,)),  # beside the messages
    ]
)

# ------------------------------------------------------------------ the exchange
FEE_TIER = record([("min_lots", "i8"), ("maker_fee", "i8"), ("taker_fee", "i8")])
INSTRUMENT = record(
    [
        ("px_min", "i8"),
        ("px_max", "i8"),
        ("max_lots", "i8"),
        ("tick_px", "i8"),
        ("unit_value", "i8"),  # money units of one price unit times one lot
        ("maker_fee", "i8"),  # per lot in money units, or millionths of the value; a rebate < 0
        ("taker_fee", "i8"),
        ("start_px", "i8"),
        ("stp", "i4"),  # Stp of messages that name none
        ("phase", "i4"),
        ("matching", "i4"),
        ("fee_unit", "i4"),
        ("stop_on", "i4"),
        ("band_action", "i4"),
        ("dynamic_band_px", "i8"),  # 0: no band
        ("static_band_px", "i8"),
        ("top_max_lots", "i8"),
        ("min_alloc_lots", "i8"),
        ("fifo_percent", "i8"),
        ("collar_bps", "i8"),
        ("call_ns", "i8"),
        ("halt_ns", "i8"),
        ("auction_fee", "i8"),
        ("fee_tier_count", "i8"),
        ("fee_tiers", FEE_TIER, (FEE_TIERS,)),  # beyond the base, rising
    ]
)

#: What a plain order reads and writes comes first, in one line of the cache.
ACCOUNT = record(
    [
        ("messages", "i8"),
        ("open_orders", "i8"),  # resting, asleep or waiting
        ("open_buy_lots", "i8"),  # reserves and sleeping stops included
        ("open_sell_lots", "i8"),
        ("position", "i8"),  # lots
        ("cash", "i8"),  # money units, after fees
        ("firm", "i4"),
        ("killed", "i4"),
        ("disconnected", "i4"),
        ("limits", "i4"),  # Limit flags: which of those below count
        ("fees", "i8"),  # money units paid so far (negative: earned)
        ("maker_lots", "i8"),
        ("taker_lots", "i8"),
        ("fills", "i8"),
        ("edge_2px", "i8"),  # sum over fills of 2 * side * lots * (mid before the event - px)
        ("rejects", "i8"),
        ("cancel_on_disconnect", "i4"),
        ("lmm_percent", "i4"),
        ("kill_flatten", "i4"),
        ("position_limit", "i8"),  # lots
        ("open_orders_limit", "i8"),
        ("notional_limit", "i8"),  # money units
        ("rate_interval_ns", "i8"),  # between orders at the limit of the rate
        ("rate_slack_ns", "i8"),  # how far a burst may run ahead of it
        ("rate_due_ns", "i8"),  # when the next order would be due at that rate
        ("kill_equity", "i8"),  # money units
        ("quota_lots", "i8"),  # scratch of a pro-rata share
    ]
)


ORDER = record(
    [
        ("px", "i8"),  # of a sleeping stop: its trigger
        ("lots", "i8"),  # shown, unless hidden
        ("next", "i4"),  # behind it at its price
        ("prev", "i4"),
        # Owner's order slot, or the ordinal of a tape order; in a bare book its generation. With
        # the mark RARE the index of its side record, which has that number then.
        ("slot", "i4"),
        ("owner", "i2"),
        ("side", "i1"),
        ("flags", "u1"),  # low byte of Flag, and OrderMark
    ]
)
assert ORDER.itemsize == 32  # two to a cache line

RARE = record(
    [
        ("reserve", "i8"),  # lots of an iceberg that are not shown
        ("display", "i8"),
        ("expire_ns", "i8"),  # NEVER_NS: no end
        ("limit_px", "i8"),  # of a sleeping stop
        ("serial", "i8"),  # counts side records: no two have the same
        ("slices", "i8"),  # of an iceberg, at the most
        ("order", "i4"),
        ("slot", "i4"),  # the order's own
        ("next", "i4"),  # in the order of expiry; free list
        ("prev", "i4"),
        ("kind", "i4"),  # MessageKind of a sleeping stop
        ("flags", "i4"),  # of its message
    ]
)

#: An own order slot as the exchange sees it: the resting order in it, the generation of the message
#: that brought that, the lots of it that traded.
SLOT = record([("order", "i4"), ("gen", "i4"), ("filled", "i8")])

LEVEL = record([("volume", "i8"), ("head", "i4"), ("tail", "i4")])  # volume: visible lots
FAR_LEVEL = record([("key", "i8"), ("level", LEVEL), ("next", "i4"), ("prev", "i4")])
#: Market orders of one side that wait for an uncross.
WAITING = record([("lots", "i8"), ("head", "i4"), ("tail", "i4")])
#: Scratch of an uncross: the prices at which most lots trade, and those that a collar allows.
BOUNDS = record([("low", "i8"), ("high", "i8"), ("collar_low", "i8"), ("collar_high", "i8")])
PLANNED = record([("t_ns", "i8"), ("phase", "i8"), ("book", "i8")])

MESSAGE = record(
    [
        ("t_ns", "i8"),  # when it arrives
        ("px", "i8"),
        ("lots", "i8"),
        ("slot", "i4"),
        ("gen", "i4"),
        ("flags", "i4"),
        ("participant", "i2"),
        ("kind", "i1"),
        ("side", "i1"),
        ("trigger_px", "i8"),
        ("display_lots", "i8"),
        ("min_lots", "i8"),
        ("expire_ns", "i8"),
        ("next", "i4"),  # of its channel; free list
    ]
)

REPORT = record(
    [
        ("t_ns", "i8"),  # when the participant knows
        ("px", "i8"),
        ("lots", "i8"),
        ("fee", "i8"),
        ("slot", "i4"),
        ("gen", "i4"),
        ("next", "i4"),
        ("kind", "i1"),
        ("reason", "i1"),
        ("side", "i1"),
        ("request", "i1"),  # the MessageKind that it answers
    ]
)

TAPE_OP = record(
    [
        ("t_ns", "i8"),
        ("px", "i8"),
        ("lots", "i8"),
        ("h_bid_px", "i8"),  # history's touch after the row
        ("h_ask_px", "i8"),
        ("ordinal", "i4"),
        ("row", "i4"),
        ("kind", "i1"),  # TapeKind
        ("side", "i1"),  # of the resting order
        ("flags", "i1"),  # TapeFlag
    ]
)

LOG_ROW = record(
    [
        ("t_ns", "i8"),
        ("px", "i8"),
        ("lots", "i8"),
        ("maker_slot", "i4"),
        ("taker_slot", "i4"),
        ("maker_gen", "i4"),
        ("taker_gen", "i4"),
        ("maker", "i2"),  # participant index; -1: none
        ("taker", "i2"),
        ("kind", "i1"),  # LogKind
        ("side", "i1"),  # of the taker in a trade (0: an uncross), of the order otherwise
        ("reason", "i1"),
        ("marks", "i1"),  # LogMark; RISK_LIMIT, kill: the Limit; PHASE, UNCROSS: the book
    ]
)

#: Rows of a log buffer: the loop pauses when they are used, its owner takes them and goes on.
LOG_ROWS = 65_536


def log_record(rows: int) -> np.dtype:
    """Return a log buffer.

    A record, not an array: an array argument costs an atomic reference count in every leaf that it
    is handed to (a message of the bench stream took 75 ns instead of 22).
    """
    return record([("capacity", "i8"), ("rows", LOG_ROW, (rows,))])


LOG = log_record(LOG_ROWS)

#: What lies beside the markets: addresses of compiled strategies, and the numbers of all tables.
MAX_KINDS = 256
TABLE = record([("address", "i8", (MAX_KINDS,)), ("data", "f8", (TABLE_NUMBERS,))])

#: What a latency adds to its constant part.
DELAY = record(
    [
        ("key", "u8"),  # its stream: a delay is a function of (key, index of the message) alone
        ("first", "i8"),  # where its recording begins in ``TABLE.data``
        ("scale_ns", "f8"),  # median of a lognormal one
        ("sigma", "f8"),
        ("most_ns", "i8"),  # longest lognormal one
        ("count", "i4"),  # rows of the recording
    ]
)

VALUE = record(
    [
        ("key", "u8"),
        ("k", "i8"),  # last grid point that is known
        ("grid_ns", "i8"),
        ("sigma_grid", "f8"),  # px per square root of a grid interval
        ("jump_probability", "f8"),  # per grid interval
        ("jump_sd", "f8"),  # px
        ("pull", "f8"),  # share of the distance to the anchor lost per grid interval
        ("anchor", "f8"),
        ("trend", "f8"),  # size of the drift, px per grid interval
        ("drift", "f8"),  # what it is now: plus or minus that size; 0 before the opening
        ("flip_probability", "f8"),  # of its sign, per grid interval
        ("active", "i8"),  # 1, or 0: there is no value
        ("shock_count", "i8"),
        ("shock_k", "i8", (VALUE_SHOCKS,)),  # grid points of scheduled jumps
        ("shock_px", "f8", (VALUE_SHOCKS,)),  # their sizes
        ("block", "i8"),  # of grid points, whose draws these are; NONE: none
        ("noise", "f8", (VALUE_BLOCK,)),  # standard normal variates of the Brownian part
        ("jump", "f8", (VALUE_BLOCK,)),  # and of the jump; NaN: none
        ("ring", "f8", (VALUE_RING,)),  # value at the last grid points, px
    ]
)

TAPE_STATE = record(
    [
        ("cursor", "i8"),  # next operation
        ("end", "i8"),  # operation behind the last one to play
        ("resilience_ns", "i8"),
        ("owner", "i4"),  # participant index of the tape; -1: no tape
        ("serial", "i4"),  # generation of the last posted order
        ("h_known", "i4"),
        ("gap_now", "i4"),  # current touch gap, px
        ("h_bid_px", "i8"),
        ("h_ask_px", "i8"),
        ("row", "i8"),
        ("volume", "i8"),  # lots executed in history
        ("hidden_volume", "i8"),
        ("missed", "i8"),  # history's executions that found nothing
        ("surviving", "i8"),  # lots that outlived their execution because an agent took it
        ("clamped", "i8"),  # lots of cancels and executions beyond what was left
        ("gap_since_ns", "i8"),
        ("time_ns", "i8"),
        ("gap_ns", "i8", (64,)),  # time at each touch gap S - H, in px; the last one: and more
    ]
)


#: Its first lines of the cache hold what every decision reads and writes. With the fields by topic
#: (and a slot in three arrays) an event took 1.04 times as long: median of nine noisy comparisons.
PARTICIPANT = record(
    [
        ("tie_key", "u8"),  # hash of seed and name: settles events of one instant
        ("feed_ns", "i8"),  # constant part of each latency
        ("order_ns", "i8"),
        ("response_ns", "i8"),
        ("last_arrival_ns", "i8"),  # order channel: first in, first out
        ("last_response_ns", "i8"),
        ("last_delivery_ns", "i8"),
        ("message_head", "i4"),  # first of its messages on their way
        ("message_tail", "i4"),
        # -- second line
        ("scheduled_view", "i4"),  # its views on their way; NONE: none
        ("triggered_view", "i4"),
        ("signal_delay_ns", "i8"),  # how late it sees the latent value; negative: never
        ("own_offset", "i8"),  # bytes into the pool of own states
        ("wakes", "i8"),
        ("views_scheduled", "u8"),
        ("report_head", "i4"),
        ("report_tail", "i4"),
        ("own_first", "i4"),  # first of its slots in ``slots``
        ("own_capacity", "i4"),
        ("book", "i4"),  # index of the one book that it trades
        ("decide", "i4"),  # row in the table of compiled strategies; -1: never decides
        # -- third line
        ("rng", RNG),
        ("wake_on", "i4"),
        ("view_levels", "i4"),  # book levels a side in its views
        ("feed_kind", "i1"),  # LatencyKind of what comes on top of each latency
        ("order_kind", "i1"),
        ("response_kind", "i1"),
        ("external", "i1"),  # a learner: the loop hands back control before it decides
        ("ready", "i1"),  # a learner's mailbox is filled
        ("triggered", "i1"),  # a triggered view is to be captured or on its way
        ("queue_view", "i1"),  # wants its queue positions in views
        ("reads_data", "i1"),  # its strategy is handed ``TABLE.data``
        ("background", "i1"),  # a full pool is a fault, not a reject
        ("awaiting_view", "i4"),  # a learner's delivered view; NONE when not awaited
        ("unstamped", "i4"),  # first response of this event whose latency is not known yet
        ("next_unstamped", "i4"),  # next participant that has one
        # -- fourth line
        ("account", ACCOUNT),
        ("params", "u1", (PARAMS_BYTES,)),
        ("memory", "u1", (MEMORY_BYTES,)),
        ("name_hash", "u8"),
        ("views_triggered", "u8"),
        ("orders_sent", "u8"),  # over a channel whose latency varies
        ("responses_sent", "u8"),
        ("feed", DELAY),  # what comes on top of the constant latencies
        ("order", DELAY),
        ("response", DELAY),
    ],
    lines=("tie_key", "account"),
)


def side_record(size: MarketClass) -> np.dtype:
    """Return one side of a book. Prices enter as keys, side * px: better is larger."""
    words = size.window // 64
    return record(
        [
            ("best", "i8"),  # best key; NO_KEY when empty
            ("base", "i8"),  # lowest key of the window
            ("orders", "i8"),
            ("hidden", "i8"),  # hidden orders among them
            ("levels_used", "i4"),  # in the window
            ("far_head", "i4"),  # best far level
            ("far_free", "i4"),
            ("side", "i4"),
            ("words", "u8", (words,)),  # which window levels are occupied
            ("summary", "u8", ((words + 63) // 64,)),  # which words are not zero
            ("levels", LEVEL, (size.window,)),  # by key & (window - 1)
            ("far", FAR_LEVEL, (size.far_levels,)),
        ]
    )


def book_record(size: MarketClass) -> np.dtype:
    """Return a book: its instrument, two sides, and what the public feed has told."""
    return record(
        [
            ("instrument", INSTRUMENT),
            # 0: bids, 1: asks; sleeping stops by trigger, next to wake first, 2: buy, 3: sell
            ("sides", side_record(size), (4,)),
            ("waiting", WAITING, (2,)),
            ("mid_2px", "i8"),
            ("last_px", "i8"),
            ("trades", "i8"),
            ("volume", "i8"),
            ("signed_volume", "i8"),
            ("ofi", "i8"),
            ("touch_bid_px", "i8"),  # touch before the current event, for ``ofi``
            ("touch_bid_lots", "i8"),
            ("touch_ask_px", "i8"),
            ("touch_ask_lots", "i8"),
            ("stop_px", "i8"),  # last price between two firms; NO_PX: none yet
            ("static_px", "i8"),  # reference of the static band
            ("band_px", "i8"),  # of the dynamic band: last price before the transaction
            ("collar_bid_px", "i8"),  # touch when continuous trading ended
            ("collar_ask_px", "i8"),
            ("own_end_ns", "i8"),  # when the phase ends on its own; NEVER_NS: it does not
            ("next_phase", "i4"),
            ("extended", "i4"),  # this call has been extended
            ("has_reference", "i4"),  # the last price may stand in for a missing auction price
            ("stops_left", "i4"),  # stops that are to wake in another round
            ("judged_2px", "i8"),  # mid and trades when the kill switch looked last
            ("judged_trades", "i8"),
            ("indicative_px", "i8"),  # NO_PX: nothing would trade
            ("indicative_lots", "i8"),
            ("surplus_lots", "i8"),
            ("bounds", BOUNDS),
            ("index", "i4"),  # of the book in its market
        ]
    )


def market_record(size: MarketClass) -> np.dtype:
    """Return the record of one market of this class."""
    views = 2 * size.participants
    own_pool = size.participants * own_bytes(1) + size.own_orders * OWN_ORDER.itemsize
    return record(
        [
            ("now_ns", "i8"),
            ("open_ns", "i8"),  # time of the opening: recorded latencies begin there
            ("seed", "u8"),
            ("participants", "i4"),  # in use
            ("fault", "i4"),
            ("await_ns", "i8"),  # when the awaited learners decide; NEVER_NS: none awaited
            ("awaiting", "i4"),
            ("wake_mask", "i4"),  # union of what anybody wakes on
            ("fee_account", "i8"),
            ("log_count", "u8"),
            ("log_hash", "u8"),
            ("log_used", "i8"),
            ("messages_done", "i8"),  # acted at the exchange
            ("wakes_done", "i8"),
            ("captures_done", "i8"),
            ("tape_rows_done", "i8"),
            ("leaves", "i4"),  # of the tree of pending events
            ("order_free", "i4"),
            ("order_high", "i4"),  # slots that were ever used: those behind need no free list
            ("order_limit", "i4"),
            ("rare_free", "i4"),
            ("rare_high", "i4"),
            ("rare_live", "i4"),
            ("rare_serial", "i8"),
            ("slices", "i8"),  # trades that the live icebergs can cause beyond one each
            ("expiry_head", "i4"),  # side records with an end, the first to come first
            ("expiry_tail", "i4"),
            ("due_ns", "i8"),  # when an order or a phase ends, or stops are left to wake
            ("plan_next", "i8"),
            ("plan_count", "i8"),
            ("plan", PLANNED, (PHASE_PLAN,)),
            ("kill_watch", "i4"),  # participants with an armed kill switch
            ("bare", "i4"),  # a book without participants: no accounts, reports, slots
            ("ended", "i4"),  # scratch: why the aggressor had to stop (Reason)
            ("refused", "i4"),  # in a bare book: why the last message was refused (Reason)
            ("message_free", "i4"),
            ("report_free", "i4"),
            ("unstamped", "i4"),  # first participant with responses to stamp; NONE between events
            ("view_free", "i4"),
            ("order_live", "i4"),
            ("value", VALUE),
            ("spread", VALUE),  # of the second instrument's value over the first one's
            ("value_rng", RNG),
            ("next_deferred_ns", "i8"),  # no view that is still to be captured is of before
            ("deferred_span_ns", "i8"),  # for how long the capture of a view may be put off
            ("tape", TAPE_STATE),
            ("out", OUT),
            ("part", PARTICIPANT, (size.participants,)),
            # The tree of pending events: the first one is node 1.
            ("event_ns", "i8", (size.event_nodes,)),  # NEVER_NS: nothing is pending
            ("event_key", "u8", (size.event_nodes,)),  # class, tie, rank, place: within an instant
            ("deferred_ns", "i8", (size.participants,)),  # of a view to be captured; else NEVER_NS
            ("messages", MESSAGE, (size.messages,)),
            ("views", VIEW, (views,)),
            ("view_next", "i4", (views,)),
            ("orders", ORDER, (size.orders,)),
            ("rare", RARE, (size.rare,)),
            ("slots", SLOT, (size.own_orders,)),  # own order slots of all participants
            ("tape_order", "i4", (size.tape_orders,)),  # tape ordinal -> resting order
            ("books", book_record(size), (size.books,)),
            ("reports", REPORT, (size.reports,)),
            ("own", "u1", (own_pool,)),
        ],
        lines=("part", "orders", "slots", "reports", "own"),
    )


MARKET = {name: market_record(size) for name, size in MARKET_CLASSES.items()}
