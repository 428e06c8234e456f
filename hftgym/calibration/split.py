"""Which part of a recording may be fitted, and which judges the fit."""

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
