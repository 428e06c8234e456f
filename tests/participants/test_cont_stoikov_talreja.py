"""The Markov flow: every rate, measured from the log against the time spent in each state."""

from __future__ import annotations

from collections import Counter

import numpy as np

from hftgym.core.constants import BUY, SELL, LogKind
from hftgym.participants.cont_stoikov_talreja import Params
from tests.participants.markets import SECOND, group, simulate

#: The paper's rates are per minute; here a minute is a second.
RATES = {
    name: 60.0 * value
    for name, value in Params().model_dump().items()
    if name.startswith(("lambda", "theta")) or name in ("mu", "k")
}
START_PX = 10_000


class Exposure:
    """A book of unit orders, played from the log: how often what happened, and how long it could.

    Distances are in ticks from the opposite best quote; those beyond five count as six.
    """

    def __init__(self, log: np.ndarray) -> None:
        self.lots: dict[int, Counter[int]] = {BUY: Counter(), SELL: Counter()}
        self.mid_2px = 2 * START_PX
        self.happened: Counter[tuple[str, int]] = Counter()
        self.possible_s: Counter[tuple[str, int]] = Counter()
        last_ns = 0
        for t_ns, kind, side, px in log[["t_ns", "kind", "side", "px"]].tolist():
            self.wait((t_ns - last_ns) / SECOND)
            last_ns = t_ns
            self.play(kind, side, px)

    def best(self, side: int) -> int | None:
        prices = self.lots[side]
        return None if not prices else max(prices) if side == BUY else min(prices)

    def opposite(self, side: int) -> int:
        best = self.best(-side)
        if best is not None:
            return best
        return self.mid_2px // 2 + 1 if side == BUY else (self.mid_2px + 1) // 2 - 1

    def distance(self, side: int, px: int) -> int:
        return min(side * (self.opposite(side) - px), 6)

    def wait(self, seconds: float) -> None:
        self.possible_s["limit", 0] += seconds
        for side in (BUY, SELL):
            if self.lots[-side]:
                self.possible_s["market", side] += seconds
            opposite = self.opposite(side)
            for px, lots in self.lots[side].items():
                tick = min(side * (opposite - px), 6)
                self.possible_s["cancel", tick] += lots * seconds

    def play(self, kind: int, side: int, px: int) -> None:
        if kind == LogKind.REST:
            self.happened["limit", self.distance(side, px)] += 1
            self.lots[side][px] += 1
        else:
            resting = -side if kind == LogKind.TRADE else side
            event = "market" if kind == LogKind.TRADE else "cancel"
            where = side if kind == LogKind.TRADE else self.distance(side, px)
            self.happened[event, where] += 1
            self.lots[resting][px] -= 1
            if self.lots[resting][px] == 0:
                del self.lots[resting][px]
        bid, ask = self.best(BUY), self.best(SELL)
        if bid is not None and ask is not None:
            self.mid_2px = bid + ask


def test_every_rate_is_the_papers() -> None:
    run = simulate(1_200, group("cont_stoikov_talreja", params=RATES))
    found = Exposure(run.log())
    seconds = found.possible_s["limit", 0]
    beyond = sum(RATES["k"] * i**-0.52 for i in range(6, 21))
    expected = {("limit", 6): 2 * beyond * seconds}
    for i in range(1, 6):
        expected["limit", i] = 2 * RATES[f"lambda_{i}"] * seconds
        expected["cancel", i] = RATES[f"theta_{i}"] * found.possible_s["cancel", i]
    expected["cancel", 6] = RATES["theta_5"] * found.possible_s["cancel", 6]
    for side in (BUY, SELL):
        expected["market", side] = RATES["mu"] * found.possible_s["market", side]
    assert set(expected) == set(found.happened)
    for event, mean in expected.items():
        assert mean > 500
        assert abs(found.happened[event] - mean) < 4 * mean**0.5, event
    assert run.market()["part"][0]["account"]["rejects"] == 0


def test_two_halves_are_one_flow_between_two_firms() -> None:
    nothing = {name: 0.0 for name in RATES if name != "mu"}
    run = simulate(
        600,
        group("cont_stoikov_talreja", name="limits", params={**RATES, "mu": 0.0}),
        group("cont_stoikov_talreja", name="markets", params={**nothing, "mu": RATES["mu"]}),
    )
    trades = run.trades()
    assert set(zip(trades["maker"].tolist(), trades["taker"].tolist(), strict=True)) == {(0, 1)}
    assert abs(len(trades) - 1_200 * RATES["mu"]) < 4 * (1_200 * RATES["mu"]) ** 0.5


def test_it_opens_the_market_with_what_is_asked_for() -> None:
    params = {"open_bid_orders": 3, "open_ask_orders": 8}
    m = simulate(0.0, group("cont_stoikov_talreja", params=params)).market()
    book = m["books"][0]
    assert (int(book["touch_bid_px"]), int(book["touch_ask_px"])) == (START_PX, START_PX + 1)
    assert (int(book["touch_bid_lots"]), int(book["touch_ask_lots"])) == (3, 8)


def test_a_flow_without_rates_sleeps() -> None:
    nothing = {name: 0.0 for name in RATES}
    assert simulate(60, group("cont_stoikov_talreja", params=nothing)).market()["wakes_done"] == 1
