"""The benchmark stream played by this project: compiled, and by the slow twin."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from hftgym.bench.stream import bench_market
from hftgym.bench.yardstick import Played
from hftgym.core.bare import TERMS, bare_log, run_batch
from hftgym.core.constants import BUY, NONE, SELL, LogKind, MessageKind
from hftgym.core.reference import Message, ReferenceExchange, Rules

RULES = Rules(max_lots=1 << 30, start_px=100_000)


def with_sweep(messages: npt.NDArray[np.void]) -> npt.NDArray[np.void]:
    """Append two market orders that eat the whole book: their trades show every queue."""
    sweep = np.zeros(2, messages.dtype)
    sweep["kind"] = MessageKind.MARKET
    sweep["side"] = BUY, SELL
    sweep["lots"] = 1 << 30
    sweep["id"] = messages["id"].max() + 1 + np.arange(2)
    return np.concatenate([messages, sweep])


def hftgym_result(prefill: npt.NDArray[np.void], messages: npt.NDArray[np.void]) -> Played:
    """Return what the compiled exchange makes of a stream, untimed."""
    market, log = bench_market(), bare_log()
    handles = np.zeros(int(max(prefill["id"].max(), messages["id"].max())) + 1, np.int64)
    terms = np.zeros(0, TERMS)
    assert run_batch(market, 0, prefill, terms, 0, len(prefill), handles, log) == len(prefill)
    market[0]["log_used"] = 0
    assert run_batch(market, 0, messages, terms, 0, len(messages), handles, log) == len(messages)
    rows = log[0]["rows"][: market[0]["log_used"]]
    assert np.all(rows["kind"] == LogKind.TRADE)
    id_of = {int(handle): order_id for order_id, handle in enumerate(handles)}
    trades = [
        (
            id_of[_handle(row, "maker")],
            id_of[_handle(row, "taker")],
            int(row["px"]),
            int(row["lots"]),
        )
        for row in rows
    ]
    used = market[0]["orders"][: market[0]["order_high"]]
    resting = used[used["owner"] != NONE]
    assert len(resting) == market[0]["order_live"]
    book = ((int(o["side"]), int(o["px"]), int(o["lots"])) for o in resting)
    return Played(0.0, np.array(trades, np.int64).reshape(-1, 4), _levels(book))


def twin_result(prefill: npt.NDArray[np.void], messages: npt.NDArray[np.void]) -> Played:
    """Return what the slow twin makes of a stream, untimed; an order's id is its slot."""
    venue = ReferenceExchange(RULES, (0,))
    trades = []
    for k, msg in enumerate(np.concatenate([prefill, messages])):
        kind, slot, side, px, lots = (int(msg[f]) for f in ("kind", "id", "side", "px", "lots"))
        outcome = venue.process(Message(0, kind, slot, side, px, lots))
        if k >= len(prefill):
            trades += [(t.maker_slot, t.taker_slot, t.px, t.lots) for t in outcome.trades]
    book = ((order[0], order[1], order[2]) for order in venue.orders())
    return Played(0.0, np.array(trades, np.int64).reshape(-1, 4), _levels(book))


def _handle(row: np.void, who: str) -> int:
    return int(row[f"{who}_slot"]) << 32 | int(row[f"{who}_gen"])


def _levels(orders: Iterator[tuple[int, int, int]]) -> npt.NDArray[np.int64]:
    """Add up (side, px, lots) of orders to levels, as in ``Played``."""
    levels: dict[tuple[int, int], tuple[int, int]] = {}
    for side, px, lots in orders:
        total, count = levels.get((side, px), (0, 0))
        levels[side, px] = total + lots, count + 1
    best_first = sorted(levels, key=lambda level: (-level[0], -level[0] * level[1]))
    rows = [(*level, *levels[level]) for level in best_first]
    return np.array(rows, np.int64).reshape(-1, 4)
