"""The Markov flow: every rate, measured from the log against the time spent in each state."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

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
        for row in log:
            self.wait((int(row["t_ns"]) - last_ns) / SECOND)
            last_ns = int(row["t_ns"])
            self.play(int(row["kind"]), int(row["side"]), int(row["px"]))

    def best(self, side: int) -> int | None:
        prices = self.lots[side].keys()
        return side * max(side * px for px in prices) if prices else None

    def distance(self, side: int, px: int) -> int:
        reference = self.best(-side)
        if reference is None:
            reference = self.mid_2px // 2 + 1 if side == BUY else (self.mid_2px + 1) // 2 - 1
        return min(side * (reference - px), 6)

    def wait(self, seconds: float) -> None:
        self.possible_s["limit", 0] += seconds
        for side in (BUY, SELL):
            if self.lots[-side]:
                self.possible_s["market", side] += seconds
            for px, lots in self.lots[side].items():
                self.possible_s["cancel", self.distance(side, px)] += lots * seconds

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


@pytest.mark.parametrize("kind", ["cont_stoikov_talreja"])
def test_it_trades_with_others_and_stays_out_of_calls(kind: str) -> None:
    late = {"feed_ns": 2_000_000, "order_ns": 3_000_000, "response_ns": 4_000_000}
    params = RATES if kind == "cont_stoikov_talreja" else {}
    run = simulate(
        120,
        {"kind": kind, "params": params, "latency": late},
        group("fixed_spread", params={"half_spread_tick": 2.0}),
        group("noise_taker"),
        start_phase="pre_open",
        calendar=[
            {"at_s": 20, "phase": "opening_auction"},
            {"at_s": 30, "phase": "continuous"},
        ],
    )
    log = run.log()
    mine = log[(log["maker"] == 0) | (log["taker"] == 0)]
    assert mine["t_ns"].min() > 30 * SECOND
    pairs = {(int(r["maker"]), int(r["taker"])) for r in run.trades()}
    assert {(0, 2), (1, 0)} <= pairs
    assert run.conservation() == (0, 0)
