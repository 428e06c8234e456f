"""Bitstamp logs for tests, written from short tuples."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

#: (milliseconds, "created" | "changed" | "deleted", id, cents, hundredths of a bitcoin, side)
Order = tuple[int, str, int, int, int, int]
#: (milliseconds, "trade", cents, hundredths)
Trade = tuple[int, str, int, int]
#: (milliseconds, "book", bids, asks), levels of (cents, hundredths)
Book = tuple[int, str, list[tuple[int, int]], list[tuple[int, int]]]

START_MS = 1_430_438_404_000


def line_of(message: Order | Trade | Book) -> str:
    """Write a message as Bitstamp does."""
    ms, name, *rest = message
    if name == "trade":
        px, hundredths = rest
        text, body = "trade", {"price": px / 100, "amount": hundredths / 100, "id": 1}
    elif name == "book":
        text = "order_book"
        body = {
            side: [[f"{px / 100:.2f}", f"{lots / 100:.8f}"] for px, lots in levels]
            for side, levels in zip(("bids", "asks"), rest, strict=True)
        }
    else:
        order_id, px, hundredths, side = rest
        text = f"order_{name}"
        body = {
            "price": f"{px / 100:.2f}",
            "amount": f"{hundredths / 100:.8f}",
            "datetime": str((START_MS + ms) // 1000),
            "id": order_id,
            "order_type": 0 if side > 0 else 1,
        }
    return f"{START_MS + ms} {text} {json.dumps(body)}"


def write_log(folder: Path, messages: Iterable[Order | Trade | Book]) -> Path:
    """Write a log of messages."""
    path = folder / "recording.log"
    path.write_text("".join(line_of(message) + "\n" for message in messages))
    return path
