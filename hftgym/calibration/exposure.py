"""How long each place in the book was watched: the denominators of rates.

A recording shows a window: the best L levels of each side. An order that joins behind the worst
visible level is not in it, so a rate per tick is a count over the time for which that tick was
visible, not over the length of the recording. Distances count ticks from the opposite best price,
as ``zero_intelligence`` counts them: the nearest limit price is at 1, the own best price at the
spread.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from hftgym.analytics.event_table import BoolArray, EventKind, EventTable, IntArray

FloatArray = npt.NDArray[np.float64]
BUY, SELL = 1, -1


@dataclass(frozen=True)
class Exposure:
    """Each event beside the book just before it; the first event of a table has none.

    Attributes:
        held_s: How long that book had stood, shape (events,); 0 while a side was empty.
        reach_tick: Distance of the worst visible level of bids and asks, shape (events, 2).
        kind: ``EventKind``, shape (events,).
        side: Side of the book that the event changes: +1 bids, -1 asks, shape (events,).
        distance_tick: Distance of the event's price, shape (events,).
        lots: Its lots, shape (events,).
        seen: Whether the event lies in the window, of a book with two sides, shape (events,).
        visible_lots: Lots in the window, both sides, shape (events,).
    """

    held_s: FloatArray
    reach_tick: IntArray
    kind: npt.NDArray[np.int8]
    side: npt.NDArray[np.int8]
    distance_tick: IntArray
    lots: IntArray
    seen: BoolArray
    visible_lots: IntArray

    def held_by_distance(self, longest_tick: int) -> FloatArray:
        """Return for how long each distance was visible, both sides together, in seconds.

        Args:
            longest_tick: The largest distance.

        Returns:
            Seconds, shape (longest_tick + 1,); the one of distance 0 means nothing.
        """
        held = np.zeros(longest_tick + 2)
        for s in range(2):
            reach = np.clip(self.reach_tick[:, s], 0, longest_tick)
            held[: longest_tick + 1] += np.bincount(reach, self.held_s, longest_tick + 1)
        # Visible at distance d: all the time at which the window reached d or further.
        return np.asarray(np.cumsum(held[::-1])[::-1][: longest_tick + 1], np.float64)


def exposure(table: EventTable) -> Exposure:
    """Put each event beside the book before it.

    Args:
        table: Events in order of time.
    """
    before = slice(0, table.rows - 1)
    bid, ask = table.bid_px[before, 0], table.ask_px[before, 0]
    both = table.two_sided[before]
    kind, px = table.kind[1:], table.px[1:]
    side = np.where(kind >= EventKind.TRADE, -table.side[1:], table.side[1:]).astype(np.int8)
    reach = np.zeros((table.rows - 1, 2), np.int64)
    for s, (levels_px, levels_lots, best, sign) in enumerate(
        (
            (table.bid_px[before], table.bid_lots[before], ask, 1),
            (table.ask_px[before], table.ask_lots[before], bid, -1),
        )
    ):
        used = (levels_lots > 0).sum(axis=1)
        worst = np.take_along_axis(levels_px, np.maximum(used - 1, 0)[:, None], axis=1)[:, 0]
        reach[:, s] = np.where(both, sign * (best - worst), 0)
    distance = np.where(side > 0, ask - px, px - bid)
    own_reach = np.where(side > 0, reach[:, 0], reach[:, 1])
    lots = table.bid_lots[before].sum(axis=1) + table.ask_lots[before].sum(axis=1)
    return Exposure(
        held_s=np.where(both, np.diff(table.t_ns) / 1e9, 0.0),
        reach_tick=reach,
        kind=kind,
        side=side,
        distance_tick=np.asarray(distance, np.int64),
        lots=table.lots[1:],
        seen=np.asarray(both & (distance >= 1) & (distance <= own_reach), np.bool_),
        visible_lots=np.asarray(lots, np.int64),
    )
