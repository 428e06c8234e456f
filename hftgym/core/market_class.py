"""The named sizes of a market record.

Capacity is part of a record's type, so each size compiles anew: there are five, not any number.
"""

from __future__ import annotations

from dataclasses import dataclass

from hftgym.core.constants import Channel


@dataclass(frozen=True)
class MarketClass:
    """Named sizes of a market record. Powers of two where a comment says so.

    Attributes:
        name: how scenarios ask for it.
        participants: traders, background and learners together.
        own_orders: order slots of all participants together.
        orders: resting orders.
        rare: orders with a side record: icebergs, stops, orders with an end.
        window: direct price levels a side (a power of two, at least 64).
        far_levels: occupied price levels a side outside of the window.
        messages: messages in flight.
        reports: private reports in flight.
        tape_orders: live orders of a tape.
        books: instruments, each with a book of its own.
    """

    name: str
    participants: int
    own_orders: int
    orders: int
    rare: int
    window: int
    far_levels: int
    messages: int
    reports: int
    tape_orders: int
    books: int = 1

    @property
    def event_nodes(self) -> int:
        """Nodes of the tree of pending events (``hftgym.core.queue``)."""
        return 2 << (len(Channel) * self.participants - 1).bit_length()


#         name, participants, own orders, orders, rare, window, far, messages, reports, tape
MARKET_CLASSES = {
    size.name: size
    for size in (
        MarketClass("small", 16, 320, 640, 96, 256, 64, 128, 384, 512),
        MarketClass(
            "medium", 128, 8_192, 16_384, 4_096, 4_096, 1_024, 2_048, 8_192, 16_384
        ),
        MarketClass(
            "large", 1_024, 1 << 17, 65_536, 16_384, 16_384, 4_096, 8_192, 65_536, 65_536
        ),
        MarketClass(
            "huge", 8_192, 1 << 19, 1 << 20, 1 << 18, 65_536, 16_384, 65_536, 1 << 19, 1 << 20,
        ),
        MarketClass("pair", 32, 640, 1_280, 192, 256, 64, 256, 768, 512, books=2),
    )
}  # fmt: skip

#: A book without participants (``hftgym.OrderBook``): memory that is never used is never touched.
BOOK_CLASS = MarketClass("book", 1, 1, 1 << 24, 1 << 20, 16_384, 8_192, 2, 2, 1)
