"""Sweepers, makers that flee, takers of exponential reach, and the crowd of a call auction."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from hftgym.core.constants import BUY, SELL, LogKind, LogMark, Phase, Reason
from hftgym.scenario import Scenario
from hftgym.simulator import Simulator

SECOND = 1_000_000_000
ZERO = {"feed_ns": 0, "order_ns": 0, "response_ns": 0}
STILL = {"sigma_tick_per_sqrt_s": 0.0, "jump_per_s": 0.0}
#: A book for others to trade with: two quotes of a hundred lots around a value that stands still.
QUOTES = {
    "kind": "fixed_spread",
    "name": "quotes",
    "latency": ZERO,
    "params": {
        "half_spread_tick": 2.0,
        "lots": 100,
        "limit_lot": 100_000,
        "interval_s": 0.1,
        "value_delay_ns": 0,
        "noise_tick": 0.0,
        "gain": 1.0,
    },
}


def simulate(
    seconds: float, *participants: dict[str, Any], seed: int = 1, **fields: Any
) -> Simulator:
    scenario = {"name": "crisis", "description": "crisis", "participants": list(participants)}
    run = Simulator(Scenario.model_validate({**scenario, **fields}), seed, keep_log=True)
    run.advance(seconds)
    return run


def group(kind: str, name: str | None = None, **params: Any) -> dict[str, Any]:
    return {"kind": kind, "name": name or kind, "latency": ZERO, "params": params}


def taken_by(run: Simulator, name: str) -> np.ndarray:
    trades = run.trades()
    return trades[trades["taker"] == run.blueprint.names.index(f"{name}#0")]


# ------------------------------------------------------------------ sweeper
def test_a_sweeper_sells_its_parent_in_equal_sweeps_from_its_time_on() -> None:
    sweeper = group("sweeper", begin_s=5.0, parent_lots=47, slice_lots=10, interval_s=2.0)
    run = simulate(60, QUOTES, sweeper, value=STILL)
    trades = taken_by(run, "sweeper")
    assert trades["lots"].tolist() == [10, 10, 10, 10, 7]
    assert (trades["side"] == SELL).all()
    np.testing.assert_allclose(trades["t_ns"] / SECOND, [5, 7, 9, 11, 13], atol=1e-6)


def test_a_sweeper_may_draw_its_side_and_its_delay() -> None:
    begun, sides = [], []
    for seed in range(16):
        sweeper = group("sweeper", side=0, begin_s=5.0, jitter_s=10.0, parent_lots=1)
        trades = taken_by(simulate(20, QUOTES, sweeper, seed=seed, value=STILL), "sweeper")
        begun.append(int(trades["t_ns"][0]) / SECOND)
        sides.append(int(trades["side"][0]))
    assert 5.0 <= min(begun) < 8.0 < 12.0 < max(begun) <= 15.0 + 1e-6
    assert 2 < sides.count(BUY) < 14


def test_a_sweeper_follows_the_volume_of_others() -> None:
    noise = group("noise_taker", rate_per_s=10.0, mean_lots=2.0)
    sweeper = group(
        "sweeper", begin_s=0.0, parent_lots=100_000, slice_lots=0, volume_share=0.5, interval_s=10.0
    )
    run = simulate(600, QUOTES, noise, sweeper, value=STILL)
    own, others = taken_by(run, "sweeper")["lots"].sum(), taken_by(run, "noise_taker")["lots"].sum()
    assert own / others == pytest.approx(0.5, abs=0.03)


@pytest.mark.parametrize(("persist", "traded"), [(True, 47), (False, 20)])
def test_a_sweeper_sends_again_what_did_not_trade_if_it_persists(
    persist: bool, traded: int
) -> None:
    few = {**QUOTES, "params": {**QUOTES["params"], "lots": 4, "interval_s": 2.0}}
    sweeper = group(
        "sweeper", begin_s=5.0, parent_lots=47, slice_lots=10, interval_s=10.0, persist=persist
    )
    trades = taken_by(simulate(200, few, sweeper, value=STILL), "sweeper")
    assert trades["lots"].max() == 4
    assert trades["lots"].sum() == traded


def test_a_sweeper_stays_out_of_auctions() -> None:
    sweeper = group("sweeper", begin_s=5.0, parent_lots=10, slice_lots=10, interval_s=1.0)
    run = simulate(
        30, QUOTES, sweeper, value=STILL, start_phase="pre_open",
        calendar=[{"at_s": 20.5, "phase": "continuous"}],
    )  # fmt: skip
    trades = taken_by(run, "sweeper")
    assert trades["lots"].sum() == 10
    assert int(trades["t_ns"][0]) > 20.5 * SECOND


# ------------------------------------------------------------------ fleeing maker
#: Sells 30 lots in ten seconds, from the twentieth on.
SELLER = group("sweeper", begin_s=20.0, parent_lots=30, slice_lots=3, persist=False)


def quoted(run: Simulator) -> list[int]:
    """Sorted prices of what the fleeing maker has in the book."""
    orders = run.market()["orders"]
    owner = run.blueprint.names.index("fleeing_maker#0")
    return sorted(orders["px"][(orders["owner"] == owner) & (orders["lots"] > 0)].tolist())


def watch(**params: Any) -> list[list[int]]:
    """What a maker quotes, each 0.2 s of the minute that begins before the seller does."""
    usual = {"half_spread_tick": 1.0, "skew_tick_per_lot": 0.0, "interval_s": 0.1, "limit_lot": 99}
    known = {"value_delay_ns": 0, "noise_tick": 0.0, "gain": 1.0}
    maker = group("fleeing_maker", **{**usual, **known, **params})
    run = simulate(19.0, QUOTES, maker, SELLER, value=STILL)
    seen = []
    for _ in range(300):
        seen.append(quoted(run))
        run.advance(0.2)
    return seen


def test_a_fleeing_maker_leaves_when_flow_is_one_sided_and_comes_back() -> None:
    seen = watch(memory_s=10.0, flee_lots=10.0, away_s=8.0, widen_tick_per_lot=0.0)
    here = [quotes == [9_999, 10_001] for quotes in seen]
    gone = np.flatnonzero([not quotes for quotes in seen]) * 0.2 + 19.0
    assert all(here[:5])
    assert all(here[-50:])
    # Net flow decays from 3 lots a second: beyond 10 lots after 4 sales, and until six seconds
    # after the last; it stays away for eight more.
    assert 22.5 < gone.min() < 24.5
    assert 42.0 < gone.max() < 45.5
    assert len(gone) > 0.95 * (gone.max() - gone.min()) / 0.2  # and not in between


def test_a_fleeing_maker_widens_with_flow_that_it_can_bear() -> None:
    seen = watch(memory_s=10.0, flee_lots=1_000.0, widen_tick_per_lot=0.5)
    widths = np.array([quotes[-1] - quotes[0] for quotes in seen if len(quotes) == 2])
    assert len(widths) > 250
    assert widths[0] == 2
    assert 18 <= widths.max() <= 24  # net flow of 3 * 10 * (1 - 1/e) = 19 lots
    assert widths[-1] <= 4


# ------------------------------------------------------------------ exponential taker
def test_the_rate_of_hits_falls_exponentially_with_the_distance() -> None:
    """A exp(-k d) of Avellaneda and Stoikov at 4 and at 10 ticks, to 4 standard errors."""
    rate, decay = 2.0, 0.2
    for distance in (4, 10):
        quotes = {**QUOTES, "params": {**QUOTES["params"], "half_spread_tick": float(distance)}}
        taker = group("exponential_taker", rate_per_s=rate, decay_per_tick=decay)
        run = simulate(2_000, quotes, taker, value=STILL)
        expected = 2_000 * rate * math.exp(-decay * distance)
        for side in (BUY, SELL):
            hits = (run.trades()["side"] == side).sum()
            assert abs(hits - expected) < 4 * math.sqrt(expected)
        assert set(np.abs(run.trades()["px"] - 10_000)) == {distance}


# ------------------------------------------------------------------ auction
CALENDAR = [{"at_s": 20.0, "phase": "opening_auction"}, {"at_s": 40.0, "phase": "continuous"}]


def auction(seed: int = 1, seconds: float = 41.0, **params: Any) -> Simulator:
    usual = {"rate_per_s": 2.0, "dispersion_tick": 5.0, "patience_s": 1e6}
    crowd = group("auction_trader", **{**usual, **params})
    return simulate(
        seconds, crowd, seed=seed, value=STILL, start_phase="pre_open", calendar=CALENDAR
    )


def test_the_crowd_orders_around_the_value_and_the_auction_finds_it() -> None:
    prices, lots = [], []
    for seed in range(20):
        run = auction(seed)
        log = run.log()
        (uncross,) = log[log["kind"] == LogKind.UNCROSS]
        assert uncross["t_ns"] == 40 * SECOND
        trades = run.trades()
        assert (trades["marks"] & LogMark.AUCTION != 0).all()
        assert set(trades["px"].tolist()) == {int(uncross["px"])}
        prices.append(int(uncross["px"]))
        lots.append(int(uncross["lots"]))
        rests = log[log["kind"] == LogKind.REST]
        assert (log["reason"][log["kind"] == LogKind.REJECT] != Reason.POOL_FULL).all()
        assert 40 < len(rests) <= 64
    # The standard error of a median of 64 reservation prices is below a tick.
    assert abs(np.mean(prices) - 10_000) < 1.0
    assert min(lots) > 20


def test_reservation_prices_are_normal_and_sides_even() -> None:
    rests = np.concatenate(
        [log[log["kind"] == LogKind.REST] for log in (auction(s).log() for s in range(20))]
    )
    away = np.where(rests["side"] == BUY, rests["px"] + 0.5, rests["px"] - 0.5) - 10_000
    assert abs(away.mean()) < 4 * 5.0 / math.sqrt(len(away))
    assert away.std() == pytest.approx(5.0, rel=0.1)
    assert abs((rests["side"] == BUY).mean() - 0.5) < 2 / math.sqrt(len(rests))


def test_what_an_auction_leaves_over_goes_bit_by_bit() -> None:
    run = auction(patience_s=30.0)
    left = int(run.market()["order_live"])
    assert left > 15
    run.advance(21.0)  # ln 2 lives: about half is left
    assert 0.2 * left < int(run.market()["order_live"]) < 0.8 * left
    run.advance(300.0)
    assert int(run.market()["order_live"]) == 0
    assert int(run.market()["books"][0]["instrument"]["phase"]) == Phase.CONTINUOUS
    wakes = int(run.market()["part"][0]["wakes"])
    run.advance(100.0)
    assert int(run.market()["part"][0]["wakes"]) == wakes  # asleep until another call
