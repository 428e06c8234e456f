"""The file of vectors: what each of them does, in types, and what it expects.

``{"vectors": [...]}``, each an object with ``id``, ``kind``, ``input`` and ``expected``; prices are
integers of a tick, sizes integers of a lot. Other keys of a vector are remarks. An unknown key
inside ``input`` or ``expected`` is an error: without it another question would be judged.

- ``fifo``: ``book`` (orders) and ``actions``; any of ``trades`` (maker, taker, px, lots), ``bids``
  and ``asks`` (px, lots, orders), ``results`` (one for each action).
- ``queue``: ``book`` (else that of the queue vector before), ``action`` in words; expected are id
  and lots at the price of the first order, in queue order.
- ``iceberg``: ``book`` and ``action`` (one order); ``firstN`` trades (maker, px, lots), ``totals``
  by maker, ``rest_ID`` (``visible`` and ``hidden`` lots).
- ``prorata``: ``resting`` lots at one price in order of time, ``aggressor``, and if needed ``top``
  (0: the first order is the top order), ``top_max``, ``min_lots``, ``lmm`` (percent of each order's
  owner), ``split`` (percent that goes by time); expected are the lots that each order trades.
- ``auction``: ``orders`` (side, lots, px or null), ``ref`` (last price), ``collar`` (percent),
  ``tick``; expected are price, volume and surplus, or null.
- ``queue_model``: ``front``, ``events`` (``["trade", lots]``, ``["depth", before, after]``),
  ``model`` and ``n`` (else they stand in the id: ``power n=2``); expected are the lots in front.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hftgym.core.constants import Matching
from hftgym.core.reference import Rules
from hftgym.data.queue_models import share_named
from hftgym.errors import UsageError
from hftgym.names import nearest
from hftgym.selftest.json_file import Node, read_json
from hftgym.selftest.vector_orders import (
    Action,
    Order,
    read_action,
    read_order,
    read_side,
    read_statements,
    rules_for,
    with_options,
)

_BPS_PER_PERCENT = 100
_SHARE_PX = 100  # where pro-rata vectors trade


@dataclass(frozen=True)
class Trading:
    """Orders, then actions, in continuous trading; ``watched`` is a side and a price."""

    rules: Rules
    book: tuple[Order, ...]
    actions: tuple[Action, ...]
    watched: tuple[int, int] | None = None


@dataclass(frozen=True)
class Sharing:
    """An aggressor that shares a price; ``lmm`` is the percentage of each order's owner."""

    rules: Rules
    resting: tuple[Order, ...]
    lmm: tuple[int, ...]
    aggressor: Order


@dataclass(frozen=True)
class Calling:
    """Orders in a call auction; ``reference_px`` None: there is no last price."""

    rules: Rules
    orders: tuple[Order, ...]
    reference_px: int | None


@dataclass(frozen=True)
class Estimating:
    """What happens at a price of which only the total is known: (lots,) trades, (before, after)."""

    model: str
    n: float | None
    front: float
    events: tuple[tuple[float, ...], ...]


Case = Trading | Sharing | Calling | Estimating


@dataclass(frozen=True)
class Vector:
    """One vector: what happens, and what must be found, by name."""

    id: str
    kind: str
    case: Case
    expected: dict[str, Any]


def read_vectors(path: Path) -> list[Vector]:
    """Read and check a file of vectors.

    Raises:
        NoInputError: The file can not be read.
        DataError: It is not such a file; the message names the place.
    """
    vectors = []
    queue_book: Any = None
    for node in read_json(path).get("vectors").rows(at_least=1):
        name = node.get("id").text()
        node.place += f" {name!r}"
        kind = node.get("kind").text()
        if kind not in KINDS:
            known = ", ".join(KINDS)
            node.fail(f"unknown kind {kind!r}; known are {known}{nearest(kind, KINDS)}")
        data, wanted = node.get("input"), node.get("expected")
        if kind == "queue":
            if data.find("book") is None and queue_book is not None:
                data.value = {"book": queue_book, **data.entries()}
            queue_book = data.get("book").value
        vectors.append(Vector(name, kind, *KINDS[kind](node, data, wanted)))
    return vectors


# ------------------------------------------------------------------ kinds
def _fifo(node: Node, data: Node, wanted: Node) -> tuple[Trading, dict[str, Any]]:
    data.only(("book", "actions"))
    wanted.only(("trades", "bids", "asks", "results"))
    book = [read_order(row) for row in data.get("book").rows()]
    actions = [read_action(row) for row in data.get("actions").rows()]
    expected: dict[str, Any] = {}
    if (trades := wanted.find("trades")) is not None:
        expected["trades"] = [_row(row, 2, 2) for row in trades.rows()]
    for side in ("bids", "asks"):
        if (levels := wanted.find(side)) is not None:
            expected[side] = [_row(row, 0, 3) for row in levels.rows()]
    if (results := wanted.find("results")) is not None:
        expected["results"] = [result.text() for result in results.rows()]
    _need(wanted, expected)
    case = Trading(rules_for(data, [*book, *actions]), tuple(book), tuple(actions))
    return case, expected


def _queue(node: Node, data: Node, wanted: Node) -> tuple[Trading, dict[str, Any]]:
    data.only(("book", "action"))
    book = [read_order(row) for row in data.get("book").rows(at_least=1)]
    actions = read_statements(data.get("action"), book)
    first = next((order for order in book if order.id == actions[0].id), book[0])
    if first.px is None:
        data.get("book").fail("a market order has no queue")
    rules = rules_for(data, [*book, *actions])
    case = Trading(rules, tuple(book), tuple(actions), watched=(first.side, first.px))
    return case, {"queue": [_row(row, 1, 1) for row in wanted.rows()]}


def _iceberg(node: Node, data: Node, wanted: Node) -> tuple[Trading, dict[str, Any]]:
    data.only(("book", "action"))
    book = [read_order(row) for row in data.get("book").rows()]
    action = read_order(data.get("action"))
    names = {str(order.id) for order in (*book, action)}
    expected: dict[str, Any] = {}
    for key in wanted.entries():
        value = wanted.get(key)
        if re.fullmatch(r"first[1-9][0-9]{0,5}", key):
            count = int(key.removeprefix("first"))
            expected[key] = [_row(row, 1, 2) for row in value.rows(count, count)]
        elif key == "totals":
            expected[key] = {name: value.get(name).integer() for name in value.entries()}
        elif key.startswith("rest_") and key.removeprefix("rest_") in names:
            value.only(("visible", "hidden"))
            expected[key] = {name: value.get(name).integer() for name in ("visible", "hidden")}
        else:
            wanted.fail(f"unknown key {key!r}; known are firstN, totals, rest_ID of an order")
    _need(wanted, expected)
    return Trading(rules_for(data, [*book, action]), tuple(book), (action,)), expected


def _prorata(node: Node, data: Node, wanted: Node) -> tuple[Sharing, dict[str, Any]]:
    data.only(("resting", "aggressor", "top", "top_max", "min_lots", "lmm", "split"))
    lots = [row.integer(1) for row in data.get("resting").rows(at_least=1)]
    resting = [Order(k, -1, _SHARE_PX, n, firm=k) for k, n in enumerate(lots)]
    aggressor = Order("aggressor", 1, _SHARE_PX, data.get("aggressor").integer(1))
    most = max(aggressor.lots, *lots)
    top = data.find("top")
    has_top = top is not None and top.value is not None
    if top is not None and has_top and top.integer() != 0:
        top.fail(f"{top.value}: the top order made the price, so it is the first one, 0")
    lmm = [0] * len(lots)
    if (shares := data.find("lmm")) is not None:
        lmm = [row.integer(0, 100) for row in shares.rows(len(lots), len(lots))]
        if sum(lmm) > 100:
            shares.fail(f"{sum(lmm)} % in all")
    rules = rules_for(
        data,
        [*resting, aggressor],
        matching=Matching.PRO_RATA,
        top_max_lots=_integer(data, "top_max", most, 0) if has_top else 0,
        min_alloc_lots=_integer(data, "min_lots", 1, 1),
        fifo_percent=_integer(data, "split", 0, 0, 100),
    )
    allocation = [row.integer() for row in wanted.rows(len(lots), len(lots))]
    return Sharing(rules, tuple(resting), tuple(lmm), aggressor), {"allocation": allocation}


def _auction(node: Node, data: Node, wanted: Node) -> tuple[Calling, dict[str, Any]]:
    data.only(("orders", "ref", "collar", "tick"))
    orders = []
    for k, row in enumerate(data.get("orders").rows()):
        side, lots, px, *options = row.rows(at_least=3)
        order = Order(k, read_side(side), px.integer_or_none(), lots.integer())
        orders.append(with_options(order, options))
    ref = data.find("ref")
    reference_px = None if ref is None else ref.integer_or_none()
    rules = rules_for(
        data,
        orders,
        [] if reference_px is None else [reference_px],
        tick_px=_integer(data, "tick", 1, 1, 1 << 31),
        collar_bps=_collar_bps(data, reference_px),
    )
    expected = None if wanted.value is None else _row(wanted, 0, 3)
    # What is indicated must be what then happens.
    uncross = [] if expected is None else [expected[:2]]
    return Calling(rules, tuple(orders), reference_px), {"auction": expected, "uncross": uncross}


def _collar_bps(data: Node, reference_px: int | None) -> int:
    """Return a collar, in percent, in basis points; 0 without one."""
    collar = data.find("collar")
    if collar is None or collar.value is None:
        return 0
    bps = collar.number(0.0, 100.0) * _BPS_PER_PERCENT
    if abs(bps - round(bps)) > 1e-6:
        collar.fail(f"{collar.value} % is not a whole number of basis points")
    if bps and reference_px is None:
        collar.fail("a collar needs a last price, 'ref'")
    return round(bps)


def _queue_model(node: Node, data: Node, wanted: Node) -> tuple[Estimating, dict[str, Any]]:
    data.only(("front", "events", "model", "n"))
    model, n = _model(node, data)
    sizes = {"trade": 1, "depth": 2}
    events = []
    for row in data.get("events").rows():
        verb, *values = row.rows(at_least=1)
        if verb.text() not in sizes:
            verb.fail(f"unknown event {verb.value!r}; known are {', '.join(sizes)}")
        row.rows(sizes[verb.value] + 1, sizes[verb.value] + 1)
        events.append(tuple(value.number(0.0) for value in values))
    case = Estimating(model, n, data.get("front").number(0.0), tuple(events))
    return case, {"front": wanted.number()}


def _model(node: Node, data: Node) -> tuple[str, float | None]:
    """Return a queue model and its exponent: those of the input, else those in the id."""
    named, exponent = data.find("model"), data.find("n")
    if named is not None:
        model = named.text()
        n = None if exponent is None or exponent.value is None else exponent.number()
    else:
        named = node.get("id")
        words = re.match(r"(?:QM )?([a-z][a-z0-9-]*)(?: n=([0-9]+(?:\.[0-9]+)?))?", named.text())
        if words is None:
            data.fail("no key 'model', and no model in the vector's id")
        model, n = words[1], None if words[2] is None else float(words[2])
    try:
        share_named(model, n)
    except UsageError as error:
        named.fail(str(error))
    return model, n


KINDS: dict[str, Callable[[Node, Node, Node], tuple[Any, dict[str, Any]]]] = {
    "fifo": _fifo,
    "queue": _queue,
    "iceberg": _iceberg,
    "prorata": _prorata,
    "auction": _auction,
    "queue_model": _queue_model,
}


# ------------------------------------------------------------------ values
def _row(row: Node, names: int, integers: int) -> list[Any]:
    """Read a row that has ids first, then integers."""
    values = row.rows(names + integers, names + integers)
    return [value.name() for value in values[:names]] + [v.integer() for v in values[names:]]


def _integer(data: Node, key: str, default: int, low: int, high: int = 1 << 62) -> int:
    found = data.find(key)
    return default if found is None else found.integer(low, high)


def _need(wanted: Node, expected: dict[str, Any]) -> None:
    if not expected:
        wanted.fail("nothing is expected: such a vector can not fail")
