"""One call a message from Python, through ``hftgym.OrderBook``."""

from __future__ import annotations

import time
from statistics import median
from typing import Any

import numpy.typing as npt

from hftgym.core.constants import MessageKind


def calls_per_second(
    prefill: npt.NDArray[Any], messages: npt.NDArray[Any], repeats: int
) -> dict[str, Any]:
    """Send a stream message by message.

    Args:
        prefill: messages that build the book; not timed.
        messages: the timed ones: limit orders and cancels.
        repeats: rounds; the median counts.

    Returns:
        ``messages_per_s``, its range, and what was called.
    """
    from hftgym.order_book import OrderBook

    cancel = int(MessageKind.CANCEL)
    rounds = []
    for _ in range(max(repeats, 2)):
        book = OrderBook(start_px=100_000)
        ids: dict[int, int] = {}
        for rows, timed in ((prefill, False), (messages, True)):
            fields = ("kind", "id", "side", "px", "lots")
            todo = list(zip(*(rows[name].tolist() for name in fields), strict=True))
            send, end = book.submit, book.cancel
            start = time.process_time()
            for kind, order_id, side, px, lots in todo:
                if kind == cancel:
                    end(ids[order_id])
                else:
                    ids[order_id] = send(side, px, lots)
            if timed:
                rounds.append(time.process_time() - start)
    n = len(messages)
    return {
        "what": "OrderBook.submit and OrderBook.cancel, the loop and a dict of ids included",
        "messages_per_s": round(n / median(rounds)),
        "messages_per_s_range": [round(n / max(rounds)), round(n / min(rounds))],
    }
