"""The LOBSTER file format: kinds of message, columns, limits and the spelling of an empty level."""

from __future__ import annotations

from enum import IntEnum

MESSAGE_COLUMNS = ("time", "type", "order_id", "size", "price", "direction")
FIELDS_A_LEVEL = 4  # ask price, ask size, bid price, bid size

EMPTY_PRICE = 9_999_999_999  # of an empty level, with either sign
MAX_PRICE = EMPTY_PRICE - 1  # 1e-4 dollars
MAX_LOTS = 1 << 28  # price times size stays below 2.7e18, under 2**62
DAY_NS = 86_400 * 10**9


class LobsterKind(IntEnum):
    """Type of a LOBSTER message."""

    ADD = 1  # new limit order
    CANCEL = 2  # part of an order cancelled
    DELETE = 3  # order deleted
    EXECUTE = 4  # visible order executed
    HIDDEN = 5  # hidden order executed: the book does not change
    CROSS = 6  # auction print: the book does not change
    HALT = 7  # trading status: price -1 halt, 0 quoting resumes, 1 trading resumes


def orderbook_columns(levels: int) -> tuple[str, ...]:
    """Name the columns of an orderbook file, best level first.

    Args:
        levels: Levels a side.

    Returns:
        ``ask_price_1, ask_size_1, bid_price_1, bid_size_1, ask_price_2, ...``
    """
    names = ("ask_price", "ask_size", "bid_price", "bid_size")
    return tuple(f"{name}_{level}" for level in range(1, levels + 1) for name in names)
