"""Tables of events for tests: made by hand, or drawn from a book of one level a side."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from hftgym.analytics.event_table import EventKind, EventTable

#: Time in ns, kind, side, px, lots, then bid px, bid lots, ask px, ask lots after the event.
Row = tuple[int, EventKind, int, int, int, int, int, int, int]


def table(rows: Sequence[Row], name: str = "handmade") -> EventTable:
    """Return a table of one level a side from literals."""
    t_ns, kind, side, px, lots, *book = np.array(rows, np.int64).T
    return EventTable(name, t_ns, kind, side, px, lots, *(column[:, None] for column in book))


def random_table(
    seed: int, rows: int = 6_000, *, rate_per_s: float = 5.0, lot: int = 1, tick: int = 1
) -> EventTable:
    """Return a table without memory: Poisson times, a mid that walks, a spread of 2 to 5 ticks.

    Args:
        seed: of the draws.
        rows: events.
        rate_per_s: of events.
        lot: every size is a multiple of this.
        tick: every price is a multiple of this.
    """
    rng = np.random.default_rng(seed)
    t_ns = np.cumsum(rng.exponential(1e9 / rate_per_s, rows)).astype(np.int64)
    kind = rng.choice([EventKind.ADD, EventKind.CANCEL, EventKind.TRADE], rows, p=[0.5, 0.3, 0.2])
    side = rng.choice([-1, 1], rows)
    bid = 10_000 + np.cumsum(rng.choice([-1, 0, 0, 0, 1], rows))
    ask = bid + rng.integers(2, 6, rows)
    lots = rng.geometric(0.3, (rows, 3))
    return EventTable(
        "random",
        t_ns,
        kind,
        side,
        tick * np.where(side > 0, bid, ask),
        lot * lots[:, 0],
        tick * bid[:, None],
        lot * lots[:, 1:2],
        tick * ask[:, None],
        lot * lots[:, 2:3],
    )
