"""A book drawn as text."""

from __future__ import annotations

from typing import Any

import numpy as np

from hftgym.core.constants import Phase
from hftgym.order_book.values import Indication, Snapshot

_WIDTH = 80


def draw(found: Snapshot, phase: Phase, indication: Indication | None) -> str:
    """Draw levels of a book, asks above, bids below, and between them what there is to say."""
    asks = list(zip(found.ask_px, found.ask_lots, found.ask_orders, strict=True))[::-1]
    bids = list(zip(found.bid_px, found.bid_lots, found.bid_orders, strict=True))
    heads = ("price", "lots", "orders")
    table = np.array([*asks, *bids], np.int64).reshape(-1, 3)
    widths = [
        max(len(head), *(len(str(v)) for v in column), 0)
        for head, column in zip(heads, table.T, strict=True)
    ]
    room = max(_WIDTH - sum(widths) - 13, 8)
    most = int(table[:, 1].max(initial=1))

    def line(name: str, row: Any) -> str:
        cells = "  ".join(f"{v:>{w}}" for v, w in zip(row, widths, strict=True))
        return f" {name:3}  {cells}"

    def levels(name: str, rows: Any) -> list[str]:
        return [f"{line(name, row)}  {'█' * -(-int(row[1]) * room // most)}" for row in rows]

    if asks and bids:
        middle = f"spread {found.ask_px[0] - found.bid_px[0]}"
    else:
        middle = "empty" if not asks and not bids else "no bids" if asks else "no asks"
    if phase != Phase.CONTINUOUS:
        middle = phase.name.lower().replace("_", " ")
        if indication is not None:
            middle += f": {indication.lots} at {indication.px}"
    middle = f" {middle} ".center(_WIDTH - 2, "-")
    return "\n".join([line("", heads), *levels("ask", asks), " " + middle, *levels("bid", bids)])
