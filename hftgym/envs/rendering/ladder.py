"""A market as text: price levels with the learner's own orders, as the learner knows them."""

from __future__ import annotations

from typing import Any

from hftgym.core.constants import SELL, OwnState
from hftgym.envs.rendering.known import delivered_view, own_state

_WIDTH = 10


def ladder(market: Any, state: Any, task: Any) -> str:
    """Return the view that a learner decides on, best ask above best bid.

    Args:
        market: a market record whose learner is about to decide.
        state: the environment's state.
        task: the task.

    Returns:
        A headline and one line a level: own lots, bid lots, price, ask lots, own lots.
    """
    learner = int(task["learner"])
    view = delivered_view(market, learner)
    own = own_state(market, learner)
    mine: dict[int, int] = {}
    for order in own["orders"]:
        if order["state"] != OwnState.FREE:
            px = int(order["px"])
            mine[px] = mine.get(px, 0) + int(order["side"]) * int(order["lots"])
    bids = _levels(view, "bid")
    asks = _levels(view, "ask")
    lines = [
        f"step {int(state['step'])} of {int(task['steps'])}   "
        f"inventory {int(own['position']):+d}   mid {int(view['mid_2px']) / 2:g}",
        "".join(title.rjust(_WIDTH) for title in ("own", "bid", "price", "ask", "own")),
    ]
    for px in sorted({*bids, *asks, *mine}, reverse=True):
        lots = mine.get(px, 0)
        cells = (
            str(lots) if lots > 0 else "",
            str(bids.get(px, "")),
            str(px),
            str(asks.get(px, "")),
            str(-lots) if lots * SELL > 0 else "",
        )
        lines.append("".join(cell.rjust(_WIDTH) for cell in cells))
    return "\n".join(lines)


def _levels(view: Any, side: str) -> dict[int, int]:
    lots = view[f"{side}_lots"]
    return {int(px): int(n) for px, n in zip(view[f"{side}_px"], lots, strict=True) if n > 0}


class Ladder:
    """A canvas of text (``render_mode="ansi"``)."""

    def begin(self, market: Any, state: Any, task: Any, io: Any) -> None:
        """Remember which records to read."""
        self._records = (market, state, task)

    def note(self, market: Any, state: Any, task: Any, io: Any) -> None:
        """Remember which records to read."""
        self._records = (market, state, task)

    def draw(self) -> str:
        """Return the order book that the learner sees."""
        return ladder(*self._records)

    def close(self) -> None:
        """Nothing to end."""
