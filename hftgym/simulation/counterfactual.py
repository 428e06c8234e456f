"""The same day without my order: one market, copied, with and without it.

Both copies draw the same random numbers, so they are the same until the order acts; what differs
then is what the others make of it. The cost of the order is its implementation shortfall (Perold
1988): what was paid above the mid at the decision, and, which only a simulation can tell, above the
mid that would have been there without the order at the time of each fill.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from hftgym.core.constants import SECOND_NS, LogKind, MessageKind
from hftgym.errors import UsageError
from hftgym.scenario import ParticipantSpec, Scenario
from hftgym.simulator import Simulator

NAME = "me"
FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True)
class SlicedOrder:
    """A large order, worked in equal market orders.

    Attributes:
        side: +1 buy, -1 sell.
        slices: how many market orders.
        slice_lots: size of each.
        every_s: time between two of them, seconds.
        wait_s: from the end of the burn-in to the first, seconds.
    """

    side: int = 1
    slices: int = 10
    slice_lots: int = 2
    every_s: float = 5.0
    wait_s: float = 60.0

    def __post_init__(self) -> None:
        if self.side not in (1, -1) or min(self.slices, self.slice_lots) < 1 or self.every_s <= 0:
            raise UsageError(
                "HG-U204",
                f"{self}: side is +1 or -1, there is at least one slice of one lot, and every_s "
                "is positive",
            )


@dataclass(frozen=True)
class Counterfactual:
    """Two futures of one market. Prices in ticks.

    Attributes:
        seed: of the market.
        t_s: times from the decision on, shape (times,).
        mid_with: mid with the order, shape (times,).
        mid_without: mid without it.
        lots: that the order got.
        paid_decision: per lot, above the mid at the decision (below it, for a sale).
        paid_without: per lot, above the mid without the order at the time of each fill.
        fees: per lot.
    """

    seed: int
    t_s: FloatArray
    mid_with: FloatArray
    mid_without: FloatArray
    lots: int
    paid_decision: float
    paid_without: float
    fees: float


def counterfactual(
    scenario: Scenario, seed: int, order: SlicedOrder, t_s: FloatArray
) -> Counterfactual:
    """Run a market with an order and the same market without it.

    Args:
        scenario: the market; a participant of kind ``manual`` is added to it.
        seed: of the market.
        order: what is sent in the one and not in the other.
        t_s: times after the decision at which to compare, rising, seconds.
    """
    me = ParticipantSpec(kind="manual", name=NAME)
    with_me = scenario.model_copy(update={"participants": (*scenario.participants, me)})
    market = Simulator(with_me, seed, keep_log=True)
    market.advance(scenario.burn_in_s + order.wait_s)
    decision_ns = int(market.market()["now_ns"])
    without = market.copy()
    market.take_log()

    begin_2px = int(market.market()["books"][0]["mid_2px"])
    grid_ns = [decision_ns + round(t * SECOND_NS) for t in t_s.tolist()]
    slice_ns = [decision_ns + round(k * order.every_s * SECOND_NS) for k in range(order.slices)]
    mid_with = []
    last_ns = slice_ns[-1] + SECOND_NS  # the last slice has acted by then
    for t_ns in sorted({*grid_ns, *slice_ns, last_ns}):
        market.advance_until(t_ns)
        if t_ns in slice_ns:
            market.send(
                f"{NAME}#0",
                MessageKind.MARKET,
                slot=slice_ns.index(t_ns) % 16,
                side=order.side,
                lots=order.slice_lots,
            )
        if t_ns in grid_ns:
            mid_with.append(int(market.market()["books"][0]["mid_2px"]))

    p = market.blueprint.names.index(f"{NAME}#0")
    log = market.take_log()
    fills = log[(log["kind"] == LogKind.TRADE) & (log["taker"] == p)]
    mids = {}
    for t_ns in sorted({*grid_ns, *fills["t_ns"].tolist()}):
        without.advance_until(t_ns)
        mids[t_ns] = int(without.market()["books"][0]["mid_2px"])

    lots = fills["lots"]
    total = int(lots.sum())
    alone_2px = np.array([mids[t_ns] for t_ns in fills["t_ns"].tolist()], np.int64)
    half_tick = 2.0 * scenario.instrument.tick_px
    each = half_tick * max(total, 1)
    fees = int(market.market()["part"][p]["account"]["fees"])
    return Counterfactual(
        seed=seed,
        t_s=t_s,
        mid_with=np.array(mid_with) / half_tick,
        mid_without=np.array([mids[t_ns] for t_ns in grid_ns]) / half_tick,
        lots=total,
        paid_decision=order.side * int((lots * (2 * fills["px"] - begin_2px)).sum()) / each,
        paid_without=order.side * int((lots * (2 * fills["px"] - alone_2px)).sum()) / each,
        fees=2 * fees / (each * scenario.instrument.unit_value),
    )
