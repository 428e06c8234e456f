"""Samples of a running market on a time grid: mid, touch and volumes, in compiled code."""

from __future__ import annotations

import numpy as np

from hftgym.core.constants import NO_PX, Status
from hftgym.core.jit import kernel
from hftgym.core.loop import advance
from hftgym.core.records import record

_UNTIL = int(Status.UNTIL)

#: One row of a sample; prices in px, ``value`` the latent value.
SAMPLE = record(
    [
        ("t_ns", "i8"),
        ("mid_2px", "i8"),
        ("spread_px", "i8"),  # NO_PX when a side is empty
        ("bid_lots", "i8"),
        ("ask_lots", "i8"),
        ("volume", "i8"),
        ("signed_volume", "i8"),
        ("value", "f8"),
    ]
)


@kernel
def sample_market(markets, i, table, ops, log, grid_ns, rows):
    """Run market ``i`` and fill ``rows`` (SAMPLE), one each ``grid_ns``; the last Status."""
    m = markets[i]
    b = m.books[0]
    for k in range(len(rows)):
        status = advance(m, table[0], ops, log[0], m.now_ns + grid_ns, -1)
        if status != _UNTIL:
            return status
        row = rows[k]
        row.t_ns = m.now_ns
        row.mid_2px = b.mid_2px
        row.bid_lots = b.touch_bid_lots
        row.ask_lots = b.touch_ask_lots
        known = b.touch_bid_lots > 0 and b.touch_ask_lots > 0
        row.spread_px = b.touch_ask_px - b.touch_bid_px if known else NO_PX
        row.volume = b.volume
        row.signed_volume = b.signed_volume
        row.value = m.value.ring[m.value.k % len(m.value.ring)] if m.value.active else np.nan
    return _UNTIL
