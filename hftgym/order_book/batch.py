"""Messages of many rows, as the kernel takes them."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from hftgym.core.bare import BATCH_MESSAGE, TERMS
from hftgym.core.constants import STP_SHIFT, Flag, MessageKind
from hftgym.order_book.values import BIG, integer, wrong

MAX_OWNER = (1 << 15) - 1
TERM_NAMES = ("trigger_px", "display_lots", "min_lots", "expire_ns")
_WITH_TERMS = int(Flag.STOP | Flag.ICEBERG | Flag.MIN_LOTS | Flag.GTD)
_LIMITS = {
    "side": (-1, 1),
    "kind": (MessageKind.LIMIT, MessageKind.AMEND),
    "flags": (0, (1 << STP_SHIFT + 3) - 1),
    "owner": (0, MAX_OWNER),
    "id": (0, (1 << 31) - 1),
}


def _column(messages: Any, name: str) -> NDArray[Any]:
    """Return a column of whole numbers within their limits."""
    values = np.asarray(messages[name])
    if values.dtype.kind not in "iu":
        raise wrong(name, values.dtype.str, "a column of whole numbers")
    low, high = _LIMITS.get(name, (1 - BIG, BIG))
    for value in (values.min(), values.max()) if len(values) else ():
        integer(name, value, low, high)
    return values


def batch(messages: Any) -> tuple[NDArray[Any], NDArray[Any]]:
    """Return messages and, where one needs them, terms as the kernel takes them."""
    known = set(BATCH_MESSAGE.names or ()) | set(TERM_NAMES)
    names = list(getattr(getattr(messages, "dtype", None), "names", None) or messages)
    for name in names:
        if name not in known:
            raise wrong("messages", name, "one of the columns " + ", ".join(sorted(known)))
    if missing := {"side", "px", "lots"} - set(names):
        raise wrong("messages", names, "complete: it lacks " + ", ".join(sorted(missing)))
    rows = np.zeros(len(np.asarray(messages["px"])), BATCH_MESSAGE)
    rows["kind"] = MessageKind.LIMIT
    rows["id"] = np.arange(len(rows))
    for name in set(names) - set(TERM_NAMES):
        rows[name] = _column(messages, name)
    changes = np.isin(rows["kind"], (MessageKind.CANCEL, MessageKind.AMEND))
    if "id" not in names and changes.any():
        raise wrong("messages", names, "complete: cancels and amends need the column id")
    asked = bool((rows["flags"] & _WITH_TERMS).any())
    terms = np.zeros(len(rows) if asked else 0, TERMS)
    for name in set(names) & set(TERM_NAMES) if asked else ():
        terms[name] = _column(messages, name)
    return rows, terms
