"""What a book hands out, and how its arguments are checked."""

from __future__ import annotations

from collections.abc import Hashable
from enum import IntEnum
from typing import TYPE_CHECKING, Any, NamedTuple, TypedDict

import numpy as np
from numpy.typing import NDArray

from hftgym.core.constants import Stp
from hftgym.errors import UsageError

if TYPE_CHECKING:
    import pandas as pd

#: Beyond every price and size.
BIG = 1 << 62

#: A trade. ``side`` is the taker's; 0 in an uncross, where the maker sells. Owners are those that
#: orders were submitted with.
TRADE = np.dtype(
    [
        ("t_ns", "i8"),
        ("maker", "i8"),
        ("taker", "i8"),
        ("maker_owner", "i2"),
        ("taker_owner", "i2"),
        ("side", "i1"),
        ("hidden", "?"),
        ("px", "i8"),
        ("lots", "i8"),
    ]
)


class Terms(TypedDict, total=False):
    """What an order may say beyond side, price and size, as keywords of ``OrderBook.submit``.

    Attributes:
        kind: ``limit``, ``market``, ``market_to_limit`` or ``budget``.
        tif: ``gtc``, ``ioc``, ``fok``, ``day``, or when it ends (ns of the clock).
        post_only: refuse it if it would trade.
        slide: let it rest a tick behind the opposite price if it would trade.
        hidden: nobody sees it; it trades after what is seen at its price.
        display_lots: an iceberg shows so many at a time.
        trigger_px: it sleeps until the price is there (a stop).
        min_lots: so many trade at once, or it is refused.
        owner: 1 to 32767: orders of one do not trade with each other where ``stp`` says so; 0:
            nobody in particular.
        stp: this order's own self-trade prevention.
        id: a name of your own for it.
    """

    kind: str
    tif: str | int
    post_only: bool
    slide: bool
    hidden: bool
    display_lots: int | None
    trigger_px: int | None
    min_lots: int | None
    owner: int
    stp: str | Stp | None
    id: Hashable


class RestingOrder(NamedTuple):
    """What is left of an order: it rests, sleeps (a stop) or waits for an uncross.

    Attributes:
        id: its handle.
        side: +1 or -1.
        px: limit price.
        lots: all that is open.
        shown_lots: what others see of it.
        owner: as submitted.
        hidden: whether nobody sees it.
        trigger_px: of a stop that sleeps, else None.
        display_lots: of an iceberg, else None.
        expire_ns: when it ends on its own, else None.
    """

    id: int
    side: int
    px: int
    lots: int
    shown_lots: int
    owner: int
    hidden: bool
    trigger_px: int | None
    display_lots: int | None
    expire_ns: int | None


class Indication(NamedTuple):
    """At what a call would uncross now; ``surplus`` is buy minus sell lots that are left there."""

    px: int
    lots: int
    surplus: int


class Snapshot(NamedTuple):
    """The visible levels of both sides, best first."""

    bid_px: NDArray[np.int64]
    bid_lots: NDArray[np.int64]
    bid_orders: NDArray[np.int64]
    ask_px: NDArray[np.int64]
    ask_lots: NDArray[np.int64]
    ask_orders: NDArray[np.int64]

    def to_pandas(self) -> pd.DataFrame:
        """Return a row for each level from 1 on, with missing values where a side has no more."""
        import pandas as pd

        rows = range(1, max(len(self.bid_px), len(self.ask_px)) + 1)
        columns = {
            name: pd.Series(values, index=range(1, len(values) + 1), dtype="Int64")
            for name, values in self._asdict().items()
        }
        return pd.DataFrame(columns, index=pd.Index(rows, name="level"))


def wrong(field: str, value: object, limit: str) -> UsageError:
    """Return the error that a wrong argument raises."""
    if isinstance(value, np.generic):
        value = value.item()
    return UsageError("HG-U110", f"{field}: {value!r} is not {limit}")


def integer(field: str, value: Any, low: int = 1 - BIG, high: int = BIG) -> int:
    """Return a whole number, of Python or NumPy, within limits."""
    limit = f"a whole number from {low} to {high}"
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)):
        raise wrong(field, value, limit)
    if not low <= value <= high:
        raise wrong(field, value, limit)
    return int(value)


def choice(field: str, value: Any, kind: type[IntEnum]) -> int:
    """Return the value of an enumeration's member, or of its name."""
    if isinstance(value, kind):
        return int(value)
    names = [name.lower() for name in kind.__members__]
    if not isinstance(value, str) or value.lower() not in names:
        raise wrong(field, value, "one of " + ", ".join(names))
    return int(kind[value.upper()])
