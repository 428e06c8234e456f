"""Which part of a recording may be fitted, which judges the fit, and what of it can be seen."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hftgym.analytics.event_table import EventTable
from hftgym.errors import DataError, UsageError

TRAIN_SHARE = 0.70
TEST_SHARE = 0.25
LEAST_EVENTS = 200


@dataclass(frozen=True)
class Split:
    """Two parts of a recording with a gap between them.

    Attributes:
        train: Events of the first part of the time.
        test: Events of the last part.
    """

    train: EventTable
    test: EventTable


def shown_events(table: EventTable) -> EventTable:
    """Return trades and the events that change the levels of the table.

    A full recording also has orders far behind them; a fit can not see where those stand in the
    book, so they take no part in its judgement, on either side.
    """
    seen = table.is_trade.copy()
    for levels in (table.bid_px, table.bid_lots, table.ask_px, table.ask_lots):
        seen[1:] |= (levels[1:] != levels[:-1]).any(axis=1)
    return EventTable(**{k: v if k == "name" else v[seen] for k, v in vars(table).items()})


def split_events(
    table: EventTable, train_share: float = TRAIN_SHARE, test_share: float = TEST_SHARE
) -> Split:
    """Cut a table by time, as tapes are cut (``TapeSpec``).

    Args:
        table: The whole recording.
        train_share: Share of the time, from the start, that is fitted.
        test_share: Share of the time, at the end, that judges.

    Raises:
        UsageError: If no gap is left between them.
        DataError: If a part has fewer events than ``LEAST_EVENTS``.
    """
    if not (0 < train_share and 0 < test_share and train_share + test_share < 1):
        raise UsageError(
            "HG-U190",
            f"train_share {train_share} and test_share {test_share} must be above 0 and together "
            "below 1, so that a gap is left",
        )
    first, last = (int(table.t_ns[k]) for k in (0, -1)) if table.rows else (0, 0)
    train_end = first + round(train_share * (last - first))
    test_begin = last - round(test_share * (last - first))
    parts = (
        table.part(0, int(np.searchsorted(table.t_ns, train_end, "right"))),
        table.part(int(np.searchsorted(table.t_ns, test_begin)), table.rows),
    )
    for name, part in zip(("training", "test"), parts, strict=True):
        if part.rows < LEAST_EVENTS:
            raise DataError(
                "HG-D190",
                f"{table.name}: {part.rows} events in the {name} part; at least {LEAST_EVENTS} are "
                "needed. Give a longer recording.",
            )
    return Split(*parts)
