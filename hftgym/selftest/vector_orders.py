"""Orders and actions as a file of vectors writes them.

An order is ``[id, side, px or null, lots, options ...]``: a side is ``"B"`` or ``"S"``, an id a
number or a text, null a market order, an option one of ``ORDER_WORDS``, ``"peak=N"``,
``"min_lots=N"``, or an object with ``own`` (its firm; without it an order has a firm of its own)
and ``stp``. Actions are ``["add", order ...]``, ``["stop", id, side, trigger, lots, limit or null,
options ...]``, ``["cancel", id]``, ``["reduce", id, by]`` and
``["replace", id, px or null, total lots]``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from hftgym.core.constants import BUY, SELL, Flag, Stp
from hftgym.core.reference import Rules
from hftgym.names import nearest
from hftgym.selftest.json_file import Node

Id = int | str

SIDES = {"B": BUY, "S": SELL}
_PLAIN_FLAGS = (
    Flag.IOC,
    Flag.FOK,
    Flag.DAY,
    Flag.HIDDEN,
    Flag.POST_ONLY,
    Flag.POST_ONLY_SLIDE,
    Flag.TO_LIMIT,
)
ORDER_WORDS = {"GTC": 0} | {flag.name: int(flag) for flag in _PLAIN_FLAGS}
STP_WORDS = {
    "EXPIRE_MAKER": Stp.CANCEL_OLDEST,
    "EXPIRE_TAKER": Stp.CANCEL_NEWEST,
    "EXPIRE_BOTH": Stp.CANCEL_BOTH,
    **Stp.__members__,
}
_NUMBERS = ("peak", "min_lots")
_STATEMENT = re.compile(
    r"(?P<verb>new|replace|cancel) (?P<id>\S+)(?: px (?P<px>\d+))?(?: qty (?P<qty>\d+))?"
)
#: Prices times lots stay below this, so that money is exact.
_MAX_VALUE = 1 << 62


@dataclass(frozen=True)
class Order:
    """An order to send; ``px`` None is a market order, ``trigger_px`` makes it a stop."""

    id: Id
    side: int
    px: int | None
    lots: int
    firm: Id | None = None
    flags: int = 0
    stp: int = 0  # 0: the instrument's, else the mode + 1
    display_lots: int = 0
    min_lots: int = 0
    trigger_px: int | None = None


@dataclass(frozen=True)
class Cancel:
    """End an order."""

    id: Id


@dataclass(frozen=True)
class Reduce:
    """Take lots from an order."""

    id: Id
    by: int


@dataclass(frozen=True)
class Replace:
    """Give an order another price, another total, or both; None leaves it."""

    id: Id
    px: int | None
    lots: int | None


Action = Order | Cancel | Reduce | Replace


def read_order(row: Node) -> Order:
    """Read ``[id, side, px or null, lots, options ...]``."""
    return _order(row.rows(at_least=4))


def _order(values: Sequence[Node]) -> Order:
    name, side, px, lots, *options = values
    order = Order(name.name(), read_side(side), px.integer_or_none(), lots.integer())
    return with_options(order, options)


def read_action(row: Node) -> Action:
    """Read an action: its verb, then what it needs."""
    verb = row.rows(at_least=1)[0]
    match verb.text():
        case "add":
            return _order(row.rows(at_least=5)[1:])
        case "stop":
            _, name, side, trigger, lots, *options = row.rows(at_least=5)
            px = None
            if options and not isinstance(options[0].value, (str, dict)):
                px = options.pop(0).integer_or_none()
            order = Order(
                name.name(), read_side(side), px, lots.integer(), trigger_px=trigger.integer()
            )
            return with_options(order, options)
        case "cancel":
            return Cancel(row.rows(2, 2)[1].name())
        case "reduce":
            _, name, by = row.rows(3, 3)
            return Reduce(name.name(), by.integer())
        case "replace":
            _, name, price, *total = row.rows(3, 4)
            lots_or_none = total[0].integer_or_none() if total else None
            return Replace(name.name(), price.integer_or_none(), lots_or_none)
    known = "add, stop, cancel, reduce, replace"
    verb.fail(f"unknown action {verb.value!r}; known are {known}")


def read_statements(node: Node, book: Sequence[Order]) -> list[Action]:
    """Read actions in words: ``"cancel 15; new 22 qty 500"``.

    A new order has the side, and without ``px`` the price, of the order named before it.
    """
    ids: dict[str, Id] = {str(order.id): order.id for order in book}
    orders = {order.id: order for order in book}
    last = book[0]
    actions: list[Action] = []
    for statement in node.text().split(";"):
        found = _STATEMENT.fullmatch(" ".join(statement.split()))
        if found is None or (found["verb"] == "new") > (found["qty"] is not None):
            node.fail(
                f"{statement.strip()!r} is none of 'cancel ID', 'replace ID [px P] [qty Q]', "
                "'new ID [px P] qty Q'"
            )
        word = found["id"]
        name = ids.get(word, int(word) if word.isdecimal() else word)
        px = None if found["px"] is None else int(found["px"])
        lots = None if found["qty"] is None else int(found["qty"])
        if found["verb"] == "new" and lots is not None:
            last = replace(last, id=name, px=last.px if px is None else px, lots=lots)
            ids[word], orders[name] = name, last
            actions.append(last)
            continue
        last = orders.get(name, last)
        actions.append(Cancel(name) if found["verb"] == "cancel" else Replace(name, px, lots))
    return actions


def read_side(node: Node) -> int:
    """Read ``"B"`` or ``"S"``."""
    if node.text() not in SIDES:
        node.fail(f"side {node.value!r}; it is B or S")
    return SIDES[node.value]


def with_options(order: Order, options: Iterable[Node]) -> Order:
    """Return an order with its options."""
    for option in options:
        if isinstance(option.value, dict):
            option.only(("own", "stp"))
            if (own := option.find("own")) is not None:
                order = replace(order, firm=own.name())
            if (stp := option.find("stp")) is not None:
                order = replace(order, stp=_stp(stp))
        else:
            order = replace(order, **_word(option, order.flags))
    return order


def _stp(node: Node) -> int:
    if node.text() not in STP_WORDS:
        node.fail(f"unknown mode {node.value!r}; known are {', '.join(STP_WORDS)}")
    return STP_WORDS[node.value] + 1


def _word(option: Node, flags: int) -> dict[str, Any]:
    """Return the fields that one word of an order sets."""
    word = option.text()
    if word in ORDER_WORDS:
        return {"flags": flags | ORDER_WORDS[word]}
    name, _, number = word.partition("=")
    if name not in _NUMBERS or not number.isdecimal():
        known = [*ORDER_WORDS, *(f"{name}=N" for name in _NUMBERS)]
        option.fail(f"unknown option {word!r}; known are {', '.join(known)}{nearest(word, known)}")
    lots = Node(int(number[:20]), option.file, option.place).integer()
    if name == "peak":
        return {"flags": flags | Flag.ICEBERG, "display_lots": lots}
    return {"flags": flags | Flag.MIN_LOTS, "min_lots": lots}


def rules_for(
    node: Node, actions: Iterable[Action], prices: Iterable[int] = (), **rules: Any
) -> Rules:
    """Return an instrument that allows all prices and sizes of a vector, and has no fees.

    Args:
        node: the vector's input, for the message when money would not be exact.
        actions: all that will be sent.
        prices: further prices that must be allowed.
        rules: other fields of the instrument.
    """
    all_px = [1, *prices]
    all_lots = 1
    for action in actions:
        if isinstance(action, (Order, Replace)):
            all_px += [px for px in (action.px,) if px is not None]
            all_lots += max(action.lots or 0, 0)
        if isinstance(action, Order) and action.trigger_px is not None:
            all_px.append(action.trigger_px)
    low, high = min(all_px), max(all_px)
    if 2 * max(abs(low), high) * all_lots >= _MAX_VALUE:
        node.fail("its prices times its sizes are too large for exact money")
    start_px = 1 if low == 1 else low
    return Rules(
        px_min=low, px_max=high, max_lots=all_lots, unit_value=1, taker_fee=0, start_px=start_px,
        **rules,
    )  # fmt: skip
