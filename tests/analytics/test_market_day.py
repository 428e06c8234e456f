"""The day that follows from a log is the day that the market has had."""

from __future__ import annotations

import numpy as np
import pytest

from hftgym.analytics.market_day import COUNTED, DayRecorder, MarketDay, count_rows
from hftgym.analytics.quality import measure
from hftgym.core.constants import BUY, SELL, LogKind, LogMark, Phase, Reason
from hftgym.core.records import LOG_ROW
from hftgym.errors import UsageError
from hftgym.feed import public_feed, visible_levels
from hftgym.scenario import Scenario, load_scenario
from hftgym.simulator import Simulator

SECOND = 1_000_000_000


def record_day(simulator: Simulator, begin_s: float, end_s: float, columns: int) -> MarketDay:
    """Run a market from its opening, and record it."""
    scenario = simulator.scenario
    recorder = DayRecorder(
        round(begin_s * SECOND),
        round(end_s * SECOND),
        scenario.instrument.start_px,
        scenario.instrument.tick_px,
        Phase[scenario.start_phase.upper()],
        columns,
    )
    simulator.advance(end_s)
    recorder.add(simulator.log())
    return recorder.close()


def test_it_agrees_with_what_the_market_itself_was_measured_to_be() -> None:
    """Two ways: here from the log, there from the records of the market after every event."""
    scenario = load_scenario("default")
    found = measure(scenario, 2, seconds=40, seed=5)
    for k in range(2):
        simulator = Simulator(scenario, int(found.seeds[k]), keep_log=True)
        day = record_day(simulator, scenario.burn_in_s, scenario.burn_in_s + 40, 7)
        row = found.rows[k]
        for name in ("spread_ns", "two_sided_ns", "trades", "volume"):
            assert (day.sums[0][name] == row[name]).all(), name
        assert day.sums[0]["depth_lot_ns"] == pytest.approx(row["depth_lot_ns"], rel=1e-12)
        assert day.mid_2px.tolist() == found.mid_2px[k].tolist()
        assert day.counts["aggressors"] == row["aggressors"]
        columns = day.columns
        assert columns["quoted_ns"].sum() == row["two_sided_ns"]
        lots = columns["buy_lots"] + columns["sell_lots"] + columns["auction_lots"]
        assert lots.sum() == row["volume"] > 50


def test_every_column_shows_the_book_of_its_end() -> None:
    simulator = Simulator("default", seed=3, keep_log=True)
    day = record_day(simulator, 50, 80, 12)
    again = Simulator("default", seed=3)
    feed = public_feed(simulator.log())
    for j, column in enumerate(day.columns):
        again.advance_until(int(column["end_ns"]))
        book = again.market()["books"][0]
        assert column["bid_px"] == book["touch_bid_px"]
        assert column["ask_px"] == book["touch_ask_px"]
        assert column["mid_2px"] == book["mid_2px"]
        cells = day.depth[day.depth["column"] == j]
        shown = {(np.sign(c["lots"]), c["px"]): abs(c["lots"]) for c in cells}
        assert shown == visible_levels(feed[feed["t_ns"] <= column["end_ns"]])
    assert day.trades is not None
    assert day.trades["lots"].sum() == day.sums[0]["volume"]


def test_the_pieces_of_the_log_do_not_matter() -> None:
    simulator = Simulator("default", seed=3, keep_log=True)
    whole = record_day(simulator, 50, 80, 12)
    log = simulator.log()
    rng = np.random.default_rng(1)
    cuts = np.sort(rng.integers(0, len(log), 40))
    # Not within an instant: there a message is counted once.
    cuts = np.unique(np.searchsorted(log["t_ns"], log["t_ns"][cuts]))
    recorder = DayRecorder(50 * SECOND, 80 * SECOND, 10_000, 1, columns=12)
    for piece in np.split(log, cuts):
        recorder.add(piece)
    day = recorder.close()
    assert day.counts == whole.counts
    for name in ("sums", "columns", "depth", "mid_2px", "trades"):
        np.testing.assert_array_equal(getattr(day, name), getattr(whole, name))


def test_a_call_is_no_continuous_trading() -> None:
    """Neither spread nor depth are counted in it; what it trades is."""
    fields = {
        "name": "call",
        "description": "opens with a call",
        "start_phase": "opening_auction",
        "calendar": [{"at_s": 20.0, "phase": "continuous"}],
        "participants": [{"kind": "zero_intelligence"}, {"kind": "deep_liquidity"}],
    }
    simulator = Simulator(Scenario.model_validate(fields), seed=1, keep_log=True)
    day = record_day(simulator, 0, 40, 40)
    phases = day.columns["phase"]
    assert (phases[:19] == Phase.OPENING_AUCTION).all()
    assert (phases[20:] == Phase.CONTINUOUS).all()
    assert (day.columns["quoted_ns"][:19] == 0).all()
    assert day.sums[0]["spread_ns"].sum() == 20 * SECOND
    uncross = simulator.log()[simulator.log()["kind"] == LogKind.UNCROSS]
    assert day.columns["auction_lots"].sum() == uncross["lots"].sum()


def test_an_empty_day_is_a_day() -> None:
    day = DayRecorder(0, 10 * SECOND, 500, 5, columns=3).close()
    assert day.mid_2px.tolist() == [1_000] * 11
    assert day.sums[0]["spread_ns"][-1] == 10 * SECOND
    assert (len(day.depth), day.columns["quoted_ns"].sum()) == (0, 0)
    with pytest.raises(UsageError, match="must have a length"):
        DayRecorder(5, 5, 500, 5)


def rows(*told: tuple[int, int, dict[str, int]]) -> np.ndarray:
    log = np.zeros(len(told), LOG_ROW)
    for row, (t_ns, kind, fields) in zip(log, told, strict=True):
        row["t_ns"], row["kind"] = t_ns, kind
        for name, value in fields.items():
            row[name] = value
    return log


def test_rows_are_counted_by_what_they_tell() -> None:
    log = rows(
        (1, LogKind.REST, {"maker": 1}),
        (2, LogKind.CANCEL, {"maker": 1}),
        (3, LogKind.CANCEL, {"maker": 2, "maker_slot": 1, "reason": Reason.MOVED}),
        (3, LogKind.TRADE, {"taker": 2, "taker_slot": 1, "side": BUY}),
        (3, LogKind.REST, {"maker": 2, "maker_slot": 1}),  # the rest of the moved order
        (4, LogKind.TRADE, {"taker": 3, "side": SELL}),
        (4, LogKind.TRADE, {"taker": 3, "side": SELL}),  # the same aggressor
        (4, LogKind.CANCEL, {"maker": 3, "reason": Reason.IOC_REST}),
        (4, LogKind.REST, {"maker": 1, "marks": LogMark.ICEBERG}),  # shows its next slice
        (5, LogKind.AMEND, {"maker": 1}),
        (6, LogKind.REJECT, {"taker": 1, "reason": Reason.BAD_PRICE}),
        (7, LogKind.TRADE, {"taker": 3, "side": 0, "marks": LogMark.AUCTION}),
    )
    expected = {"rested": 1, "aggressors": 2, "amends": 2, "cancels": 1, "ended": 1, "rejects": 1}
    assert count_rows(log) == expected
    assert tuple(count_rows(log[:0])) == COUNTED
    assert set(count_rows(log[:0]).values()) == {0}
