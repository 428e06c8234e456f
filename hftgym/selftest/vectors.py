"""Published vectors: small cases with known answers, played on the real exchange.

A vector is judged by what the exchange does: auctions run through its phases, pro-rata through a
resting price. See `hftgym.selftest.vector_file` for the form of a file.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from hftgym.core.constants import BUY, SELL, Phase, Reason
from hftgym.data.queue_models import QueueEstimate, share_named
from hftgym.selftest.desk import Desk, Engine
from hftgym.selftest.report import Difference, VectorReport, first_difference
from hftgym.selftest.vector_file import (
    Calling,
    Estimating,
    Sharing,
    Trading,
    Vector,
    read_vectors,
)
from hftgym.selftest.vector_orders import Order


def run_vectors(path: Path, engine: str = Engine.compiled) -> VectorReport:
    """Play every vector of a file.

    Args:
        path: a JSON file of vectors.
        engine: ``compiled``, or ``reference`` for the slow twin in plain Python.

    Returns:
        How many passed, and the first difference of each that did not.

    Raises:
        NoInputError: The file can not be read.
        DataError: It is not a file of vectors; the message names the place.
    """
    judged = Engine(engine)
    failures = []
    passed: Counter[str] = Counter()
    for vector in read_vectors(path):
        difference = judge(vector, judged)
        if difference is None:
            passed[vector.kind] += 1
        else:
            failures.append(difference)
    return VectorReport(judged.value, passed, tuple(failures))


def judge(vector: Vector, engine: Engine) -> Difference | None:
    """Play one vector; return where it differs first, or None."""
    found = play(vector, engine)
    # A book that is refused in part is not the book of the vector.
    for what, expected in {"refused": [], **vector.expected}.items():
        if difference := first_difference(what, expected, found[what]):
            return Difference(vector.id, *difference)
    return None


def play(vector: Vector, engine: Engine) -> dict[str, Any]:
    """Play one vector; return what was found, by all the names that it may expect."""
    match vector.case:
        case Trading():
            found = _trade(vector.case, engine)
            for what in vector.expected:
                if what.startswith("first"):
                    found[what] = found["by_maker"][: int(what.removeprefix("first"))]
            return found
        case Sharing():
            return _share(vector.case, engine)
        case Calling():
            return _call(vector.case, engine)
        case Estimating():
            return {"refused": [], "front": _estimate(vector.case)}


def _send_all(desk: Desk, orders: Iterable[Order]) -> list[str]:
    """Send orders; return those that were refused, with their reasons."""
    results = [(order.id, desk.send(order)) for order in orders]
    return [f"{name}: {result}" for name, result in results if result in Reason.__members__]


def _trade(case: Trading, engine: Engine) -> dict[str, Any]:
    desk = Desk(engine, case.rules, [*case.book, *case.actions])
    found: dict[str, Any] = {"refused": _send_all(desk, case.book)}
    found["results"] = [desk.send(action) for action in case.actions]
    found["trades"] = desk.trades
    found["bids"] = desk.levels(BUY)
    found["asks"] = desk.levels(SELL)
    found["by_maker"] = [[maker, px, lots] for maker, _, px, lots in desk.trades]
    found["totals"] = Counter()
    for maker, _, lots in found["by_maker"]:
        found["totals"][str(maker)] += lots
    for order in [*case.book, *case.actions]:
        visible, hidden = desk.shown_and_reserve(order.id)
        found[f"rest_{order.id}"] = {"visible": visible, "hidden": hidden}
    if case.watched is not None:
        found["queue"] = desk.queue(*case.watched)
    return found


def _share(case: Sharing, engine: Engine) -> dict[str, Any]:
    lmm = {order.id: percent for order, percent in zip(case.resting, case.lmm, strict=True)}
    desk = Desk(engine, case.rules, [*case.resting, case.aggressor], lmm_percent=lmm)
    refused = _send_all(desk, [*case.resting, case.aggressor])
    lots = Counter[Any]()
    for maker, _, _, traded in desk.trades:
        lots[maker] += traded
    return {"refused": refused, "allocation": [lots[order.id] for order in case.resting]}


def _call(case: Calling, engine: Engine) -> dict[str, Any]:
    """Gather orders from the pre-open on, look at what is indicated, and open."""
    desk = Desk(engine, case.rules, case.orders, Phase.PRE_OPEN, case.reference_px)
    refused = _send_all(desk, case.orders)
    desk.set_phase(Phase.OPENING_AUCTION)
    indication = desk.venue.indication()
    desk.set_phase(Phase.CONTINUOUS)
    if desk.venue.phase != Phase.CONTINUOUS:  # no price inside the collar: the call goes on
        indication = None
    by_price = Counter[int]()
    for _, _, px, lots in desk.trades:
        by_price[px] += lots
    return {
        "refused": refused,
        "auction": None if indication is None else list(indication),
        "uncross": [[px, lots] for px, lots in by_price.items()],
    }


def _estimate(case: Estimating) -> float:
    estimate = QueueEstimate(case.front, share_named(case.model, case.n))
    for sizes in case.events:
        if len(sizes) == 1:
            estimate.trade(sizes[0])
        else:
            estimate.depth(*sizes)
    return estimate.ahead
