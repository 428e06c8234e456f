"""Cont, Stoikov and Talreja 2010: a stochastic model for order book dynamics, Tables 3 and 4.

Table 3: the chance that the mid moves up first, with b bids and a asks at the touch and a spread of
one tick. Table 4: the chance that an order, the last of b in the bid queue and never cancelled, is
filled before the ask queue of a is empty. At a spread of one tick each queue at the touch is a
birth and death process of its own until one of the two is empty, so both are a race of two chains;
here it is solved as a linear system of their joint chain, and run in the market's own book with
``hftgym.participants.cont_stoikov_talreja`` as the flow.

The printed Table 4 is the transposed complement of the event that it names:
printed[b, a] = 1 - exact[a, b].
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
from numba import prange
from pydantic import Field

from hftgym.core.constants import BUY, NEVER_NS, Flag, Status
from hftgym.core.entries import open_market
from hftgym.core.jit import leaf, parallel_kernel
from hftgym.core.loop import advance
from hftgym.core.records import LOG
from hftgym.core.rng import mix2
from hftgym.errors import UsageError
from hftgym.market import Blueprint, blueprint, check_fault
from hftgym.papers.table import Row
from hftgym.participants.base import ParticipantParams, participant
from hftgym.participants.cont_stoikov_talreja import Params as Flow
from hftgym.participants.orders import place
from hftgym.scenario import Scenario

PAPER = "Cont, Stoikov, Talreja 2010"
#: Table 3 (Laplace transforms): rows are b = 1 to 5, columns a = 1 to 5.
TABLE_3 = np.array(
    [
        [0.500, 0.336, 0.259, 0.216, 0.188],
        [0.664, 0.500, 0.407, 0.348, 0.307],
        [0.741, 0.593, 0.500, 0.437, 0.391],
        [0.784, 0.652, 0.563, 0.500, 0.452],
        [0.812, 0.693, 0.609, 0.548, 0.500],
    ]
)
#: The event of Table 4 at (b, a).
TABLE_4 = {(1, 1): 0.5025, (1, 2): 0.6980}
#: Orders in a queue at which the chain is cut: the chance to get there is below 1e-15.
_LONGEST = 30
_START_PX = 10_000
_BUDGET = int(Status.BUDGET)
_UNTIL = int(Status.UNTIL)
_POST_ONLY = int(Flag.POST_ONLY)

Floats = npt.NDArray[np.float64]


# ------------------------------------------------------------------ exact
def _ask_first(
    bid_birth: float,
    bid_death: Callable[[int], float],
    ask_birth: float,
    ask_death: Callable[[int], float],
) -> Floats:
    """Return the chance that the ask queue is empty first, shape (longest, longest) by (b, a)."""
    n = _LONGEST
    rates = np.zeros((n * n, n * n))  # of the joint chain, state (b - 1) * n + a - 1
    ends = np.zeros(n * n)  # rate into "the ask queue is empty"
    for b in range(1, n + 1):
        for a in range(1, n + 1):
            here = (b - 1) * n + a - 1
            for rate, to_b, to_a in (
                (bid_birth, b + 1, a),
                (bid_death(b), b - 1, a),
                (ask_birth, b, a + 1),
                (ask_death(a), b, a - 1),
            ):
                if max(to_b, to_a) > n:
                    continue
                rates[here, here] += rate
                if to_a == 0:
                    ends[here] += rate
                elif to_b > 0:
                    rates[here, (to_b - 1) * n + to_a - 1] -= rate
    chance = np.linalg.solve(rates, ends).reshape(n, n)
    return chance.astype(np.float64)


def chance_mid_up(flow: Flow) -> Floats:
    """Return the chance that the mid moves up first, at a spread of one tick.

    Args:
        flow: rates of the flow.

    Returns:
        Probabilities at (b - 1, a - 1) for b bids and a asks at the touch.
    """

    def death(n: int) -> float:
        return flow.mu + flow.theta_1 * n

    return _ask_first(flow.lambda_1, death, flow.lambda_1, death)


def chance_filled(flow: Flow) -> Floats:
    """Return the chance that the last of b bids fills before the ask queue is empty.

    Args:
        flow: rates of the flow; the order itself is never cancelled.

    Returns:
        Probabilities at (b - 1, a - 1), at a spread of one tick.
    """
    return 1.0 - _ask_first(
        0.0,  # who comes later stands behind
        lambda n: flow.mu + flow.theta_1 * (n - 1),
        flow.lambda_1,
        lambda n: flow.mu + flow.theta_1 * n,
    )


# ------------------------------------------------------------------ in our own book
class BidParams(ParticipantParams):
    """Where its one order stands."""

    px: int = Field(_START_PX, description="price of the bid, px")


@participant(BidParams, own_orders=1, view_levels=1)
def last_in_queue(view, own, params, memory, rng, out):
    """Join the bid queue behind those who opened the market, and stay."""
    if view.delivered_ns == 0:
        out.next_wake_ns = 1
    else:
        place(out, 0, BUY, params.px, 1, _POST_ONLY)
    return out.count


@leaf
def _race(m, table, ops, log):
    """Run a market to its first move: 1 when the ask queue is empty first, else 0; -1: no move.

    With a second participant: 1 when its order fills before the ask queue is empty.
    """
    if advance(m, table, ops, log, 1, -1) != _UNTIL:
        return -1
    bids = m.books[0].sides[0]
    asks = m.books[0].sides[1]
    bid_key = bids.best
    ask_key = asks.best
    while True:
        if advance(m, table, ops, log, NEVER_NS, 1) != _BUDGET:
            return -1
        if m.participants > 1 and m.part[1].account.fills > 0:
            return 1
        if asks.best != ask_key:
            return 1 if m.participants == 1 else 0
        if bids.best != bid_key:
            return 0


@parallel_kernel
def race_many(markets, starts, table, ops, log, seed, paths, wins):
    """Run ``paths`` markets from each start, on all threads; count what ``_race`` asks for.

    Args:
        markets: room to play in, shape (starts,).
        starts: configured markets that have not been opened, shape (starts,).
        table: strategies.
        ops: of length 0.
        log: of capacity 0.
        seed: root of the seeds (uint64).
        paths: markets for each start.
        wins: int64, shape (starts,), zero; -1 where a market stopped.
    """
    for i in prange(len(starts)):
        for path in range(paths):
            markets[i] = starts[i]
            open_market(markets[i], mix2(seed, np.uint64(i * paths + path)))
            won = _race(markets[i], table[0], ops, log[0])
            if won < 0:
                wins[i] = -1
                break
            wins[i] += won


def _start(flow: Flow, bids: int, asks: int, tagged: bool) -> Blueprint:
    latency = {"feed_ns": 0, "order_ns": 0, "response_ns": 0}
    params = {**flow.model_dump(), "open_bid_orders": bids - tagged, "open_ask_orders": asks}
    groups = [{"kind": "cont_stoikov_talreja", "params": params, "latency": latency}]
    if tagged:
        groups.append({"kind": f"{__name__}:last_in_queue", "latency": latency})
    return blueprint(
        Scenario.model_validate(
            {
                "name": "first_move",
                "description": "the touch, one tick wide",
                "participants": groups,
            }
        )
    )


def simulate(
    flow: Flow, starts: list[tuple[int, int]], paths: int, *, filled: bool = False, seed: int = 0
) -> Floats:
    """Return a chance by simulation of the market's own book, with a spread of one tick.

    Args:
        flow: rates of the flow.
        starts: (b, a) bids and asks at the touch, 1 to 8 each.
        paths: markets for each start.
        filled: ask for a fill of the last bid before the ask queue is empty, not for the mid.
        seed: root of the market seeds.

    Returns:
        Shares of the paths, shape (starts,).

    Raises:
        UsageError: if the flow has no events.
        InternalError: if a market stops with a fault.
    """
    plans = [_start(flow, b, a, filled) for b, a in starts]
    records = np.concatenate([plan.record for plan in plans])
    markets = np.zeros_like(records)
    wins = np.zeros(len(starts), np.int64)
    table, ops, log = plans[0].table, plans[0].ops, np.zeros(1, LOG)
    race_many(markets, records, table, ops, log, np.uint64(seed), paths, wins)
    for market in markets:
        check_fault(market)
    if wins.min() < 0:
        raise UsageError("HG-U196", f"flow {flow}: without events the touch never moves")
    return wins / paths


def rows(paths: int = 10_000) -> list[Row]:
    """Return both tables: exact, and by simulation with ``paths`` markets a cell."""
    flow = Flow()
    cells = [(b, a) for b in range(1, 6) for a in range(1, 6)]
    mid = _compare(
        "Table 3, P(mid up first)",
        {(b, a): float(TABLE_3[b - 1, a - 1]) for b, a in cells},
        chance_mid_up(flow),
        simulate(flow, cells, paths),
        paths,
        0.0015,
    )
    filled = _compare(
        "Table 4, P(filled first)",
        TABLE_4,
        chance_filled(flow),
        simulate(flow, list(TABLE_4), paths, filled=True),
        paths,
        0.0001,
    )
    return mid + filled


def _compare(
    what: str,
    printed: dict[tuple[int, int], float],
    solved: Floats,
    played: Floats,
    paths: int,
    rounding: float,
) -> list[Row]:
    """Return two rows a cell: solved, and played in the book."""
    found = []
    for ((b, a), number), share in zip(printed.items(), played, strict=True):
        exact = float(solved[b - 1, a - 1])
        error = 4.0 * (exact * (1.0 - exact) / paths) ** 0.5
        note = f"{paths} paths, 4 standard errors"
        where = f"{what}, b {b}, a {a}"
        found.append(Row(PAPER, f"{where}, exact", number, exact, rounding))
        found.append(Row(PAPER, f"{where}, our book", number, float(share), rounding + error, note))
    return found
