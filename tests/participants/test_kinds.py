"""Every kind of participant does what its docstring says: rates, sides, sizes, prices, limits."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
import pytest

from hftgym.core.constants import BUY, SELL, LogKind, Reason
from hftgym.participants import avellaneda_stoikov, fixed_spread, glft, inventory_skew
from hftgym.participants.base import kinds
from hftgym.scenario import ParticipantSpec, load_scenario
from hftgym.simulator import Simulator
from tests.core.scripted import Stage, limit, market
from tests.participants.markets import SECOND, group, simulate

MS = 1_000_000


def test_noise_takers_come_at_their_rate_with_random_sides_and_sizes() -> None:
    params = {"rate_per_s": 5.0, "mean_lots": 2.0, "max_lots": 6}
    log = simulate(2_000, group("noise_taker", params=params)).log()  # nobody else: all cancelled
    assert set(log["kind"]) == {LogKind.CANCEL}
    assert abs(len(log) - 10_000) < 400  # 4 standard deviations of a Poisson count
    assert abs((log["side"] == BUY).mean() - 0.5) < 0.02
    sizes = np.bincount(log["lots"], minlength=7)[1:] / len(log)
    expected = np.array([0.5**k for k in range(1, 6)] + [0.5**5])
    np.testing.assert_allclose(sizes, expected, atol=0.02)
    waits = np.diff(log["t_ns"]) / SECOND
    assert abs(waits.std() / waits.mean() - 1.0) < 0.05  # exponential


def test_informed_takers_trade_only_when_a_quote_is_wrong_enough() -> None:
    delay_ns, edge = 100 * MS, 0.3 + 0.5
    run = simulate(
        0,
        group("informed_taker", params={"rate_per_s": 5.0, "value_delay_ns": delay_ns}),
        group("fixed_spread", count=2, params={"half_spread_tick": 2.0, "interval_s": 2.0}),
        value={"sigma_tick_per_sqrt_s": 2.0},
    )
    path: dict[int, float] = {}
    for _ in range(900):
        run.advance(1.0)
        value = run.market()["value"]
        k = int(value["k"])
        path |= {j: float(value["ring"][j % 64]) for j in range(max(k - 63, 0), k + 1)}
    trades = run.trades()
    trades = trades[trades["taker"] == 0]
    assert len(trades) > 40
    known = [path[(int(t) - delay_ns) // (50 * MS)] for t in trades["t_ns"]]
    gains = trades["side"] * (np.array(known) - trades["px"])
    assert gains.min() > edge
    assert {BUY, SELL} == set(trades["side"].tolist())


def test_the_meta_order_executor_slices_evenly_on_one_side() -> None:
    params = {"orders_per_hour": 60.0, "parent_lots": 7, "slice_lots": 2, "interval_s": 3.0}
    log = simulate(20_000, group("meta_order", params=params)).log()
    slices = log["lots"][: len(log) // 4 * 4].reshape(-1, 4)
    assert len(slices) > 100
    assert (slices == [2, 2, 2, 1]).all()
    sides = log["side"][: slices.size].reshape(-1, 4)
    assert (sides == sides[:, :1]).all()
    assert 0.3 < (sides[:, 0] == BUY).mean() < 0.7
    waits = np.diff(log["t_ns"][: slices.size].reshape(-1, 4), axis=1) / SECOND
    assert waits.min() >= 1.5
    assert waits.max() <= 4.5 + 1e-6
    assert abs(waits.mean() - 3.0) < 0.2
    # A new one begins an idle time after the last slice: on average a minute and a slice's wait.
    idle = np.diff(log["t_ns"][: slices.size : 4]) / SECOND - waits.sum(axis=1)[:-1]
    assert abs(idle.mean() - 63.0) < 4 * 60 / len(idle) ** 0.5


def quotes_of(kind: str, position: int, params: dict[str, float]) -> tuple[int, int]:
    """Bid and ask of a maker around a mid of 100, after it has come to a position."""
    trades = [market(1_900 * MS, SELL if position > 0 else BUY, abs(position))] if position else []
    scene = Stage(
        {"book": [limit(0, BUY, 60, 50), limit(0, SELL, 140, 50, slot=1)], "taker": trades},
        extra=[group(kind, params={"interval_s": 1.0, "lots": 3, **params})],
    )
    scene.advance(1_800 * MS)
    scene.advance(4_000 * MS)
    assert scene.part(kind)["account"]["position"] == position
    rests = scene.m["orders"][: len(scene.m["orders"])]
    mine = rests[(rests["owner"] == scene.index(kind)) & (rests["lots"] > 0)]
    assert sorted(mine["lots"].tolist()) == [3, 3]
    bid, ask = (int(mine["px"][mine["side"] == side][0]) for side in (BUY, SELL))
    return bid, ask


@pytest.mark.parametrize("position", [0, 2, -3])
def test_makers_quote_what_their_formula_says(position: int) -> None:
    """Around a mid of 100 that their own symmetric quotes leave where it is."""
    if position == 0:
        assert quotes_of("fixed_spread", 0, {"half_spread_tick": 4.0}) == (96, 104)
        assert quotes_of("fixed_spread", 0, {"half_spread_tick": 3.5}) == (96, 104)  # outward
        assert quotes_of("inventory_skew", 0, {"half_spread_tick": 4.0}) == (96, 104)
        values = {"gamma": 0.1, "sigma": 1.0, "kappa": 0.3, "arrival_rate": 0.5}
        bid, ask = glft.distances(0, *values.values())
        expected = (int(np.floor(100 - bid)), int(np.ceil(100 + ask)))
        assert quotes_of("glft", 0, values) == expected
        return
    # The maker's own quotes move the mid; only the width says which formula it was.
    bid, ask = inventory_skew.distances(position, 4.0, 1.0)
    assert (bid, ask) == (4.0 + position, 4.0 - position)
    low, high = quotes_of("inventory_skew", position, {"half_spread_tick": 8.0})
    assert 16 <= high - low <= 18
    assert (low + high < 200) == (position > 0)


def test_quotes_of_makers_that_know_the_value_surround_it() -> None:
    run = simulate(
        60,
        group(
            "fixed_spread",
            params={"half_spread_tick": 3.0, "value_delay_ns": 0, "noise_tick": 0.0, "gain": 1.0},
        ),
        value={"sigma_tick_per_sqrt_s": 0.0, "jump_per_s": 0.0},
    )
    book = run.market()["books"][0]
    assert (int(book["touch_bid_px"]), int(book["touch_ask_px"])) == (9_997, 10_003)


@pytest.mark.parametrize("kind", ["fixed_spread", "inventory_skew", "avellaneda_stoikov", "glft"])
def test_a_maker_keeps_its_limit(kind: str) -> None:
    """Everybody sells: it buys up to its limit and no further."""
    latency = {"feed_ns": 20 * MS, "order_ns": 30 * MS, "response_ns": 40 * MS}
    maker = {"kind": kind, "params": {"limit_lot": 4, "lots": 2}, "latency": latency}
    run = simulate(600, maker, group("noise_taker", params={"rate_per_s": 3.0}))
    position = np.cumsum(run.trades()["side"] * -run.trades()["lots"])
    assert set(run.trades()["maker"].tolist()) == {0}
    assert np.abs(position).max() <= 4 + 2  # one more quote may be hit while its cancel is coming
    assert (np.abs(position) >= 3).any()


def test_fixed_and_skewed_distances() -> None:
    assert fixed_spread.distances(2.5) == (2.5, 2.5)
    assert inventory_skew.distances(3, 2.0, 0.3) == (pytest.approx(2.9), pytest.approx(1.1))


def test_avellaneda_stoikov_distances() -> None:
    """With gamma 0.1, sigma 2, k 1.5, T 1 the paper's time-averaged spread is 1.49."""
    times = (np.arange(200) + 0.5) / 200
    spreads = [sum(avellaneda_stoikov.distances(0, left, 0.1, 2.0, 1.5)) for left in times]
    assert np.mean(spreads) == pytest.approx(1.49, abs=0.002)
    for q in (-3, 1, 5):
        bid, ask = avellaneda_stoikov.distances(q, 0.5, 0.1, 2.0, 1.5)
        assert (bid - ask) / 2 == pytest.approx(q * 0.1 * 4.0 * 0.5)  # reservation price


@pytest.mark.parametrize(("gamma", "profit", "sd", "sd_q"), [(0.1, 64.87, 6.50, 2.93)])
def test_avellaneda_stoikov_table(gamma: float, profit: float, sd: float, sd_q: float) -> None:
    """The experiment of section 3.3: 20,000 paths of 200 steps, A 140, k 1.5, sigma 2."""
    distances = getattr(avellaneda_stoikov.distances, "py_func", avellaneda_stoikov.distances)
    rng = np.random.default_rng(8)
    n, steps, dt = 20_000, 200, 0.005
    mid, cash, q = np.full(n, 100.0), np.zeros(n), np.zeros(n)
    for step in range(steps):
        bid, ask = distances(q, 1.0 - step * dt, gamma, 2.0, 1.5)
        sold = rng.random(n) < 140.0 * np.exp(-1.5 * ask) * dt
        bought = rng.random(n) < 140.0 * np.exp(-1.5 * bid) * dt
        cash += sold * (mid + ask) - bought * (mid - bid)
        q += bought.astype(float) - sold
        mid += 2.0 * dt**0.5 * rng.choice([-1.0, 1.0], n)
    wealth = cash + q * mid
    assert wealth.mean() == pytest.approx(profit, abs=0.2)
    assert wealth.std() == pytest.approx(sd, abs=0.2)
    assert q.std() == pytest.approx(sd_q, abs=0.1)


def test_glft_distances() -> None:
    """The authors' sigma 0.3, A 0.9, k 0.3, gamma 0.01: base 3.27898, slope 0.06787."""
    values = (0.01, 0.3, 0.3, 0.9)
    assert glft.distances(0, *values) == (pytest.approx(3.3129, abs=5e-5),) * 2
    bid, ask = glft.distances(1, *values)
    assert (bid, ask) == (pytest.approx(3.3808, abs=5e-5), pytest.approx(3.2450, abs=5e-5))
    assert glft.distances(-1, *values) == (ask, bid)


def flow(count: int = 1, **params: float) -> dict[str, Any]:
    return group("zero_intelligence", count=count, params=params)


def test_scaling_all_rates_of_the_santa_fe_model_changes_only_the_clock() -> None:
    rates = {"limit_rate": 0.5, "market_rate": 2.0, "cancel_rate": 0.2}
    slow = simulate(1_200, flow(**rates)).log()
    fast = simulate(400, flow(**{name: 3.0 * rate for name, rate in rates.items()})).log()
    n = min(len(slow), len(fast)) - 5
    assert n > 20_000
    for name in ("kind", "px", "lots", "side", "maker_slot", "taker_slot"):
        np.testing.assert_array_equal(slow[name][:n], fast[name][:n])
    np.testing.assert_allclose(slow["t_ns"][:n] / 3.0, fast["t_ns"][:n], atol=n)


@pytest.mark.parametrize(("eps", "spread"), [(0.04, 0.552), (0.2, 0.777)])
def test_the_spread_of_the_santa_fe_model(eps: float, spread: float) -> None:
    """Mean spread over p_c = mu / 2 alpha, at a tick of 0.04 p_c, eps = 2 delta / mu.

    Four participants of a quarter of the rates each are one flow: Poisson streams add up.
    """
    alpha, mu = 1.0, 50.0
    delta = eps * mu / 2
    params = {
        "limit_rate": alpha / 4,
        "market_rate": mu / 4,
        "cancel_rate": delta,
        "band_tick": 160 if eps > 0.1 else 110,
    }
    run = simulate(20, flow(4, **params), market_class="medium")
    run.market()["log_used"] = 0
    spreads = []
    for _ in range(12_000):
        run.advance(0.1)
        book = run.market()["books"][0]
        spreads.append(int(book["touch_ask_px"]) - int(book["touch_bid_px"]))
    assert np.mean(spreads) / (mu / (2 * alpha)) == pytest.approx(spread, abs=0.02)


def test_zero_intelligence_cancels_each_order_at_its_rate() -> None:
    """Orders come at 2 a second and live 2 seconds: 4 rest on average, in 128 slots."""
    run = simulate(20, flow(limit_rate=0.1, band_tick=10, market_rate=0.0, cancel_rate=0.5))
    resting = []
    for _ in range(8_000):
        run.advance(1.0)
        resting.append(int(run.market()["order_live"]))
    assert np.mean(resting) == pytest.approx(4.0, abs=0.16)  # 5 standard deviations
    assert np.var(resting) == pytest.approx(4.0, abs=0.5)  # Poisson


def test_zero_intelligence_without_rates_sleeps() -> None:
    run = simulate(10, flow(limit_rate=0.0, market_rate=0.0, cancel_rate=1.0))
    assert run.market()["wakes_done"] == 1


def test_zero_intelligence_limit_orders_lie_in_their_band() -> None:
    log = simulate(300, flow(limit_rate=1.0, market_rate=0.0, nearest_tick=5, band_tick=4)).log()
    rests = log[log["kind"] == LogKind.REST]
    sides = Counter(rests["side"].tolist())
    assert abs(sides[BUY] - sides[SELL]) < 5 * len(rests) ** 0.5
    # Before any quote, the band begins at 5 ticks from half a tick beyond the opening price.
    assert abs(int(rests["px"][0]) - 10_000) in range(4, 8)


def test_deep_liquidity_keeps_its_number_and_its_distance_and_never_takes() -> None:
    params = {"rate_per_s": 4.0, "moves": 4, "orders": 40, "nearest_tick": 5, "band_tick": 10}
    run = simulate(
        0,
        group("fixed_spread", params={"half_spread_tick": 1.0, "interval_s": 1_000.0}),
        group("deep_liquidity", params=params),
    )
    counts = []
    for _ in range(300):
        run.advance(1.0)
        own = run.market()["orders"]
        counts.append(int(((own["owner"] == 1) & (own["lots"] > 0)).sum()))
    log = run.log()
    placed = log[(log["kind"] == LogKind.REST) & (log["maker"] == 1)]
    assert len(run.trades()) == 0
    assert 34 < np.mean(counts[100:]) < 46
    away = np.where(placed["side"] == BUY, 10_001 - placed["px"], placed["px"] - 9_999)
    assert away.min() == 5 and away.max() == 14
    assert set(placed["lots"]) == {2}
    assert run.market()["part"][1]["account"]["rejects"] == 0


def test_a_coarser_tick_changes_only_the_scale() -> None:
    """Everybody's parameters are in ticks: with a tick of 4 all prices are 4 times as large."""
    lonely = {"tape", "external", "pairs"}  # pairs: two instruments, with a tick of 10 in its tests
    base = load_scenario("default")
    present = {spec.kind for spec in base.participants} | lonely
    specs = tuple(ParticipantSpec(kind=kind) for kind in kinds() if kind not in present)
    logs = []
    for tick_px in (1, 4):
        instrument = base.instrument.model_copy(
            update={"tick_px": tick_px, "start_px": base.instrument.start_px * tick_px}
        )
        update = {"participants": (*base.participants, *specs), "market_class": "medium"}
        scenario = base.model_copy(update={**update, "instrument": instrument})
        run = Simulator(scenario, 3, keep_log=True)
        run.advance(120)
        logs.append(run.log())
    fine, coarse = logs
    assert Reason.NOT_ON_TICK not in set(coarse["reason"].tolist())
    assert len(fine) > 5_000
    for name in fine.dtype.names:
        np.testing.assert_array_equal(fine[name] * (4 if name == "px" else 1), coarse[name])
