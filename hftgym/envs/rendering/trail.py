"""The last steps of an episode, as a picture shows them: one column a step, and the own fills.

Book, own orders, inventory and fills are what the learner knows at its decision; the profit and
loss is the exchange's truth, as in the reward.
"""

from __future__ import annotations

from itertools import product
from typing import Any, NamedTuple

import numpy as np

from hftgym.core.constants import VIEW_LEVELS, OwnState
from hftgym.envs.rendering.known import delivered_view, own_state

#: Steps that are kept: the columns of a picture.
COLUMNS = 220
#: Own orders that a column can show.
OWN_SHOWN = 8

COLUMN = np.dtype(
    [
        ("step", "i8"),
        ("bid_px", "i8", (VIEW_LEVELS,)),  # best first, as in a view
        ("bid_lots", "i8", (VIEW_LEVELS,)),
        ("ask_px", "i8", (VIEW_LEVELS,)),
        ("ask_lots", "i8", (VIEW_LEVELS,)),
        ("mid_2px", "i8"),
        ("phase", "i8"),
        ("indicative_px", "i8"),  # NO_PX: nothing would trade, or trading is continuous
        ("own_px", "i8", (OWN_SHOWN,)),
        ("own_lots", "i8", (OWN_SHOWN,)),  # asks negative; 0: no order
        ("position", "i8"),  # lots
        ("pnl_tick", "f8"),  # ticks times lots, since the episode began
    ]
)
#: What a column takes over from the delivered view.
_SEEN = ("bid_px", "bid_lots", "ask_px", "ask_lots", "mid_2px", "phase", "indicative_px")


class Fill(NamedTuple):
    """Lots of one own order that were filled within a step.

    Attributes:
        step: at which the learner knew.
        side: +1 bought, -1 sold.
        px: price; the average where an order traded at several.
        lots: how many.
    """

    step: int
    side: int
    px: int
    lots: int


class Trail:
    """The last ``COLUMNS`` steps of an episode.

    Attributes:
        columns: one a step, the newest last, dtype ``COLUMN``, shape (steps,).
        fills: own fills within them.
    """

    def __init__(self) -> None:
        self.columns = np.zeros(0, COLUMN)
        self.fills: list[Fill] = []
        self._own = np.zeros((), np.int64)  # the learner's own state at the last step, a copy

    def begin(self, market: Any, state: Any, task: Any) -> None:
        """Start over with the first decision of an episode."""
        self.columns = np.zeros(0, COLUMN)
        self.fills = []
        self._append(market, state, task)
        self._own = own_state(market, int(task["learner"])).copy()

    def add(self, market: Any, state: Any, task: Any) -> None:
        """Append the next decision."""
        own = own_state(market, int(task["learner"]))
        unit_value = int(task["unit_value"])
        self._append(market, state, task)
        self.fills += fills_between(self._own, own, int(state["step"]), unit_value)
        first = int(self.columns["step"][0])
        self.fills = [fill for fill in self.fills if fill.step >= first]
        self._own = own.copy()

    def _append(self, market: Any, state: Any, task: Any) -> None:
        learner = int(task["learner"])
        view, own = delivered_view(market, learner), own_state(market, learner)
        column = np.zeros(1, COLUMN)
        for name in _SEEN:
            column[name] = view[name]
        orders = own["orders"][own["orders"]["state"] != OwnState.FREE][:OWN_SHOWN]
        column["own_px"][0, : len(orders)] = orders["px"]
        column["own_lots"][0, : len(orders)] = orders["lots"] * orders["side"]
        column["step"] = state["step"]
        column["position"] = own["position"]
        wealth_2m = int(state["wealth_2m"]) - int(state["begin_2m"])
        column["pnl_tick"] = wealth_2m / float(task["money2_per_tick"])
        self.columns = np.concatenate((self.columns[1 - COLUMNS :], column))


def fills_between(before: Any, after: Any, step: int, unit_value: int) -> list[Fill]:
    """Return what was filled between two decisions, from what the learner knew at both.

    Lots are the growth of each order's filled lots. An order that was amended can have traded at
    its old price or at its new one, and one that took can have traded better than its own: of the
    possible prices those are taken that explain the cash, and the cash itself where none does and
    it is one order's.

    Args:
        before: own state at the last decision, ``OWN``.
        after: own state now.
        step: number of this decision.
        unit_value: money units of one price unit times one lot.
    """
    if int(after["fills"]) == int(before["fills"]):
        return []
    found: list[tuple[int, int]] = []  # side, lots
    prices: list[tuple[int, ...]] = []
    for old, new in zip(before["orders"], after["orders"], strict=True):
        is_new = old["state"] == OwnState.FREE and new["gen"] != old["gen"]
        lots = int(new["filled"]) - (0 if is_new else int(old["filled"]))
        if lots > 0:
            found.append((int(new["side"]), lots))
            prices.append((int(new["px"]),) if is_new else (int(new["px"]), int(old["px"])))
    paid = (int(before["cash"]) - int(after["cash"])) / unit_value

    def unexplained(chosen: tuple[int, ...]) -> float:
        value = sum(side * lots * px for (side, lots), px in zip(found, chosen, strict=True))
        return abs(paid - value)

    best = min(product(*prices), key=unexplained)
    if len(found) == 1 and unexplained(best) > found[0][1]:
        side, lots = found[0]
        best = (round(paid / (side * lots)),)
    return [Fill(step, side, px, lots) for (side, lots), px in zip(found, best, strict=True)]
