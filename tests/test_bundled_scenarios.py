"""Every bundled scenario is a market that runs, and is the one that its name promises."""

from __future__ import annotations

import numpy as np
import pytest

from hftgym.analytics.gate_report import Verdict
from hftgym.analytics.gates import run_gates
from hftgym.analytics.gates_market import market_gates
from hftgym.analytics.quality import Measured, measure
from hftgym.core.constants import LogKind, Phase
from hftgym.scenario import GATES, ParticipantSpec, Scenario, list_scenarios, load_scenario
from hftgym.selftest.memory import check_book
from hftgym.simulator import Simulator

SECOND = 1_000_000_000
SYNTHETIC = [name for name in list_scenarios() if load_scenario(name).tape is None]
#: Fewest trades in ten minutes, where it is not a hundred: rates of the paper, by the minute.
FEWEST = {"cst2010": 5}
WANTED = set(
    "calm volatile thin large_tick small_tick trending mean_reverting opening_auction news_shock "
    "flash_crash fat_finger latency_race maker_competition meta_order_day tape santa_fe cst2010 "
    "avellaneda_stoikov crowd default".split()
)


def test_every_market_that_is_promised_is_there() -> None:
    assert set(list_scenarios()) >= WANTED


@pytest.mark.parametrize("name", list_scenarios())
def test_it_runs_trades_and_conserves_money_and_lots(name: str) -> None:
    for seed in range(2):
        run = Simulator(name, seed)
        for _ in range(4):
            run.advance(150)
            assert run.conservation() == (0, 0)
            m = run.market()
            far = len(m["books"][0]["sides"][0]["far"])
            check_book(run.markets, len(m["orders"]), far, in_flight=True)
        if name in SYNTHETIC:
            assert m["books"][0]["trades"] > FEWEST.get(name, 100)


def shown(name: str, episodes: int = 24, seconds: int = 120) -> tuple[Measured, dict[str, float]]:
    found = measure(load_scenario(name), episodes, seconds=seconds, seed=5)
    rows = market_gates(found, np.random.default_rng(0))
    return found, {row.key: row.value for row in rows}


def spread_share(found: Measured, low: int, high: int) -> float:
    """Share of the time with a spread of ``low`` to ``high`` ticks."""
    time_ns = found.rows["spread_ns"].sum(axis=0)
    return float(time_ns[low : high + 1].sum() / time_ns.sum())


def volatility(found: Measured) -> float:
    """Of the mid, ticks per square root of a second, over 30 s."""
    moves = found.mid_2px[:, 30::30] - found.mid_2px[:, :-30:30]
    return float(np.sqrt(np.mean(moves**2) / 30)) / 2


def test_volatile_moves_and_spreads_twice_as_far_as_the_default_and_calm_half_as_far() -> None:
    calm, usual, volatile = (shown(name)[0] for name in ("calm", "default", "volatile"))
    assert 0.35 < volatility(calm) / volatility(usual) < 0.7
    assert 1.5 < volatility(volatile) / volatility(usual) < 2.6
    width = [
        found.rows["spread_ns"].sum(axis=0) @ np.arange(64) for found in (calm, usual, volatile)
    ]
    assert width[0] < 0.85 * width[1] < 0.85 * 0.75 * width[2]


def test_thin_has_few_trades_and_little_depth() -> None:
    thin, usual = shown("thin")[0], shown("default")[0]
    assert thin.rows["trades"].mean() < 0.3 * usual.rows["trades"].mean()
    assert thin.rows["messages"].mean() < 0.3 * usual.rows["messages"].mean()


def test_large_tick_has_one_tick_of_spread_and_long_queues() -> None:
    found, _ = shown("large_tick")
    assert spread_share(found, 1, 1) >= 0.95
    depth = found.rows["depth_lot_ns"].sum() / found.rows["two_sided_ns"].sum() / 2
    assert depth > 30


def test_small_tick_has_many_ticks_of_spread() -> None:
    assert spread_share(shown("small_tick")[0], 10, 40) > 0.8


def test_trends_last_and_reversions_revert() -> None:
    assert shown("trending", 48, 300)[1]["variance_ratio"] > 1.2
    assert shown("mean_reverting", 48, 300)[1]["variance_ratio"] < 0.75


def test_everybody_in_the_crowd_trades_and_executors_keep_their_schedules() -> None:
    run = Simulator("crowd", 0)
    run.advance(960)  # a minute of burn-in is part of it
    kinds, parts = run.blueprint.kinds, run.market()["part"]
    account = {kind: parts["account"][i] for i, kind in enumerate(kinds)}
    for kind in ("momentum", "mean_reversion", "imbalance_taker"):
        assert account[kind]["taker_lots"] > 0, kind
    lots = {kind: int(account[kind]["position"]) for kind in ("twap", "vwap", "almgren_chriss")}
    assert lots["twap"] == pytest.approx(1_200 * 960 / 24_000, abs=2)
    assert lots["vwap"] < -lots["twap"], "more is traded early in the day"
    assert lots["almgren_chriss"] > lots["twap"], "what is left is a risk"
    others = int(run.market()["books"][0]["volume"]) + int(account["pov"]["position"])
    assert -int(account["pov"]["position"]) == pytest.approx(0.03 * others, rel=0.1)


def mid_path(run: Simulator, seconds: int) -> np.ndarray:
    """Mid at each second from now on, ticks."""
    mids = []
    for _ in range(seconds):
        mids.append(int(run.market()["books"][0]["mid_2px"]) / 2)
        run.advance(1)
    return np.array(mids)


def test_the_opening_auction_uncrosses_near_the_value() -> None:
    misses = []
    for seed in range(8):
        run = Simulator("opening_auction", seed, keep_log=True)
        run.advance(62)
        log = run.log()
        (uncross,) = log[log["kind"] == LogKind.UNCROSS]
        assert uncross["t_ns"] == 60 * SECOND
        assert uncross["lots"] > 10
        value = run.market()["value"]
        at = 60 * SECOND // int(value["grid_ns"])
        misses.append(int(uncross["px"]) - float(value["ring"][at % 64]))
        book = run.market()["books"][0]
        assert 0 < book["touch_bid_px"] < book["touch_ask_px"]
    # The orders in the book are up to a quarter of a minute old; the value moves 4 ticks in that.
    assert np.abs(misses).mean() < 5.0


def test_news_moves_the_price_within_seconds() -> None:
    moves = []
    for seed in range(12):
        run = Simulator("news_shock", seed)
        run.advance(179)
        mids = mid_path(run, 12)
        moves.append(mids[-1] - mids[0])
    assert 18 < np.abs(moves).mean() < 32
    assert 1 < (np.array(moves) > 0).sum() < 11


def test_in_a_flash_crash_liquidity_flees_and_the_price_returns() -> None:
    falls, rests = [], []
    for seed in range(8):
        run = Simulator("flash_crash", seed)
        run.advance(119)
        mids = mid_path(run, 281)
        value = run.market()["value"]
        falls.append(mids[0] - mids.min())
        rests.append(abs(mids[-1] - float(value["ring"][int(value["k"]) % 64])))
    assert np.median(falls) > 25
    assert np.median(rests) < 5


def test_a_fat_finger_is_stopped_by_the_band_and_an_auction_follows() -> None:
    for seed in range(8):
        run = Simulator("fat_finger", seed, keep_log=True)
        run.advance(300)
        log = run.log()
        finger = run.blueprint.names.index("fat_finger#0")
        trades = log[(log["kind"] == LogKind.TRADE) & (log["taker"] == finger)]
        phases = log[log["kind"] == LogKind.PHASE]
        assert phases["lots"].tolist()[:2] == [Phase.VOLATILITY_AUCTION, Phase.CONTINUOUS]
        assert phases["t_ns"][0] == trades["t_ns"][0]  # in the same message
        assert 120 * SECOND < trades["t_ns"][0] < 180.1 * SECOND
        assert np.ptp(trades["px"]) <= 30
        assert 10 < trades["lots"].sum() < 400  # the rest was cancelled
        assert np.ptp(trades["t_ns"]) == 0  # it does not come again


def test_the_maker_of_avellaneda_and_stoikov_earns_about_what_the_paper_says() -> None:
    """65 in the paper's money (0.05 a tick) for gamma 0.1; 57 with Poisson times (own simulation).

    Rounding the quotes outward to whole ticks costs some, several fills in a step add some.
    """
    scenario = load_scenario("avellaneda_stoikov")
    found = measure(scenario, 96, seconds=200, seed=5)
    earned = 0.05 * found.pnl_tick[:, found.kinds.index("avellaneda_stoikov")]
    assert 56 < earned.mean() < 66
    assert 4 < earned.std() < 12
    width = found.rows["spread_ns"].sum(axis=0)
    assert 0.05 * width[:-1] @ np.arange(63) / width[:-1].sum() == pytest.approx(1.6, abs=0.1)


@pytest.mark.slow
def test_the_fast_win_the_latency_race() -> None:
    """Paired over markets: what two fast takers earn less what two slow ones earn."""
    scenario = load_scenario("latency_race")
    names = scenario.participant_names
    found = measure(scenario, 64, seconds=300, seed=1)
    earned = {
        group: found.pnl_tick[:, [i for i, name in enumerate(names) if name.startswith(group)]].sum(
            1
        )
        for group in ("fast", "slow")
    }
    difference = earned["fast"] - earned["slow"]
    error = difference.std(ddof=1) / np.sqrt(len(difference))
    assert difference.mean() - 3 * error > 0
    assert earned["fast"].mean() > 0


@pytest.mark.slow
@pytest.mark.parametrize("name", ["mean_reverting", "santa_fe"])
def test_gates_break_where_the_scenario_says_so(name: str) -> None:
    scenario = load_scenario(name)
    report = run_gates(scenario, 32)
    judged = {row.key: row for row in report.rows if row.key in GATES}
    assert list(judged) == list(GATES)
    for key, why in scenario.breaks_gates.items():
        assert judged[key].meant == why
        assert judged[key].verdict in (Verdict.BROKEN, Verdict.HOLDS)
    assert judged["variance_ratio"].verdict is Verdict.BROKEN


@pytest.mark.slow  # the largest market class is compiled for it
def test_two_thousand_participants_trade_in_one_market() -> None:
    def crowd(kind: str, count: int, **params: float) -> ParticipantSpec:
        return ParticipantSpec(kind=kind, count=count, params=params)

    makers = {"interval_s": 5.0, "value_delay_ns": 50_000_000, "noise_tick": 3.0}
    scenario = Scenario(
        name="crowd",
        description="Two thousand",
        market_class="huge",
        value=load_scenario("default").value,
        participants=(
            crowd("noise_taker", 1_400, rate_per_s=0.02),
            crowd("informed_taker", 100, rate_per_s=0.1),
            crowd("glft", 300, **makers),
            crowd("inventory_skew", 200, half_spread_tick=3.0, **makers),
        ),
    )
    run = Simulator(scenario, seed=3)
    run.advance(5)
    m = run.market()
    assert int(m["participants"]) == 2_000
    assert (m["part"]["wakes"][:2_000] > 0).all()
    assert m["books"][0]["trades"] > 100
    assert run.conservation() == (0, 0)
