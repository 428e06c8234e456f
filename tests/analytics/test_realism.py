"""The report on realism: known figures of real data, its verdicts, its text, and the command."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest

from hftgym.analytics import event_series as series
from hftgym.analytics import stylised_facts as estimate
from hftgym.analytics.event_sources import read_events, simulate_events
from hftgym.analytics.event_table import EventTable
from hftgym.analytics.gate_report import Verdict
from hftgym.analytics.realism import SHAPES, facts, measure_realism, run_realism
from hftgym.analytics.realism_facts import FACTS, Fact
from hftgym.analytics.realism_report import FactRow
from hftgym.analytics.stylised_facts import Estimate
from hftgym.cli import main
from hftgym.errors import DataError, UsageError
from hftgym.scenario import load_scenario
from tests.analytics.event_days import random_table, table

#: What the real day is known not to satisfy.
AMZN_FAILS = {"abs_decay"}


@pytest.fixture(scope="module")
def amzn(shared_data: Path) -> EventTable:
    return read_events(next((shared_data / "lobster").glob("AMZN_*message*.csv")))


def test_the_known_figures_of_a_real_afternoon(amzn: EventTable) -> None:
    """AMZN, 2012-06-21, 12:22 to 16:00: figures of an independent computation."""
    assert amzn.rows == 32_315
    for step, kurtosis, acf, abs_acf in (
        (1, 48.6, 0.036, 0.141),
        (10, 5.9, 0.048, 0.070),
        (60, 1.0, -0.052, 0.110),
    ):
        returns = series.log_returns(amzn, step)
        assert round(estimate.excess_kurtosis(returns), 1) == kurtosis
        assert round(float(estimate.autocorrelation(returns, [1])[0]), 3) == acf
        assert round(float(estimate.autocorrelation(np.abs(returns), [1])[0]), 3) == abs_acf
    signs = estimate.autocorrelation(series.trade_signs(amzn), [1, 10, 50])
    assert signs.round(3).tolist() == [0.744, 0.221, 0.080]
    found = facts(amzn)
    assert round(found["trade_gap_cv"].value, 1) == 2.6
    assert found["sign_acf_50"].value == signs[2]


def test_a_real_afternoon_keeps_the_bands(amzn: EventTable) -> None:
    found = facts(amzn)
    failed = {f.key for f in FACTS if f.has_band and not f.holds(found[f.key].value)}
    assert failed == AMZN_FAILS | {"depth_level_2"}  # the file shows one level
    assert math.isnan(found["depth_level_2"].value)


def test_a_market_without_memory_keeps_what_needs_none() -> None:
    """Poisson times, coins for signs, a walk for the mid: what must pass and what must not."""
    found = facts(random_table(0, rows=30_000))
    verdicts = {f.key: f.holds(found[f.key].value) for f in FACTS if f.has_band}
    assert verdicts["return_acf_10s"] and verdicts["return_acf_60s"]
    for key in ("abs_acf_1s", "sign_acf_1", "sign_hurst", "event_gap_cv", "event_gap_shape"):
        assert not verdicts[key], key
    assert found["event_gap_cv"].value == pytest.approx(1.0, abs=0.03)
    assert found["sign_hurst"].value == pytest.approx(0.5, abs=0.1)
    assert found["events_per_s"].value == pytest.approx(5.0, abs=0.15)


def test_several_markets_give_their_mean_and_their_range() -> None:
    tables = [random_table(seed) for seed in range(3)]
    single = [facts(one)["spread_tick"].value for one in tables]
    pooled = facts(tables)["spread_tick"]
    assert pooled.value == pytest.approx(np.mean(single))
    assert min(single) <= pooled.low < pooled.high <= max(single)
    assert str(facts([tables[0]])) == str(facts(tables[0]))  # nan is not nan


def test_keys_are_unique_and_every_fact_is_measured() -> None:
    assert len({fact.key for fact in FACTS}) == len(FACTS)
    assert facts(random_table(0)).keys() == {fact.key for fact in FACTS}
    assert all(fact.source for fact in FACTS if fact.has_band)


@pytest.mark.parametrize(
    ("low", "high", "value", "verdict", "band"),
    [
        (1.0, 2.0, 1.5, Verdict.PASS, "1 to 2"),
        (1.0, math.inf, 0.5, Verdict.FAIL, "at least 1"),
        (-math.inf, 0.5, 0.5, Verdict.PASS, "at most 0.5"),
        (0.2, 0.4, math.inf, Verdict.FAIL, "0.2 to 0.4"),
        (0.2, 0.4, math.nan, Verdict.NOT_APPLICABLE, "0.2 to 0.4"),
        (-math.inf, math.inf, 9.0, Verdict.INFO, ""),
    ],
)
def test_verdicts(low: float, high: float, value: float, verdict: Verdict, band: str) -> None:
    fact = Fact("x", "an x", "", low, high, "somebody")
    assert FactRow(fact, Estimate(value)).verdict is verdict
    assert fact.band == band


def test_a_market_compared_with_itself_is_at_no_distance() -> None:
    one = random_table(0)
    report = measure_realism(one, one)
    assert {row.key for row in report.distances} == set(SHAPES) - {"depth"}
    assert all(row.wasserstein == row.kolmogorov_smirnov == 0.0 for row in report.distances)
    assert max(row.floor_kolmogorov_smirnov for row in report.distances) > 0.0
    assert report.judgement is not None
    assert report.judgement.auc == pytest.approx(0.5, abs=0.15)


def test_units_do_not_matter_and_shapes_do() -> None:
    one, scaled = random_table(0, 4_000), random_table(0, 4_000, tick=7, lot=100)
    for row in measure_realism(one, scaled).distances:
        assert row.wasserstein == pytest.approx(0.0, abs=1e-6), row.key
    bursts = one.__class__(**{**vars(one), "t_ns": np.repeat(one.t_ns[::20], 20)})
    report = measure_realism(bursts, one)
    assert report.distance("events_10s").kolmogorov_smirnov > 0.1
    assert report.row("event_fano_10s").simulated.value > 2.0


def test_a_deeper_book_is_cut_to_what_the_other_one_shows() -> None:
    (ours,) = simulate_events(load_scenario("default"), seconds=200.0, seed=1)
    report = measure_realism(ours, random_table(0))
    assert (ours.levels, report.levels) == (5, 1)
    assert report.simulated.events == ours.seen_to(1).rows < ours.rows
    # Only the simulation shows what lies behind its touch.
    assert report.row("depth_level_2").simulated.value > 0.0
    assert report.row("depth_level_2").real_verdict is Verdict.NOT_APPLICABLE
    assert report.judgement is None  # 20 windows are too few


def test_a_report_as_data_and_as_text() -> None:
    report = measure_realism(random_table(1), random_table(2))
    data = json.loads(json.dumps(report.to_dict(), allow_nan=False))
    assert data["ok"] is report.ok is False
    assert [row["key"] for row in data["facts"]] == [fact.key for fact in FACTS]
    assert {"value", "low", "high", "ok"} == set(data["facts"][0]["real"])
    assert data["judge"]["auc"] == report.judgement.auc  # type: ignore[union-attr]
    text = str(report)
    failed = report.failed
    assert "sign_acf_1" in failed
    banded = sum(row.verdict in (Verdict.PASS, Verdict.FAIL) for row in report.rows)
    assert f"{banded - len(failed)} of {banded} facts hold; failed: " in text
    assert "the real data itself fails: " in text
    assert "judge: AUC 0." in text
    alone = measure_realism(random_table(1))
    assert (alone.distances, alone.judgement, alone.real) == ((), None, None)
    assert "real" not in alone.to_dict()["facts"][0]
    assert "judge" not in str(alone)


def test_nothing_can_not_be_measured() -> None:
    empty = random_table(0).part(0, 0)
    with pytest.raises(DataError, match="nothing to measure") as caught:
        measure_realism(random_table(0), empty)
    assert caught.value.code == "HG-D172"
    from hftgym.analytics.event_table import EventKind

    one_sided = table([(0, EventKind.ADD, 1, 100, 5, 100, 5, 0, 0)])
    with pytest.raises(DataError, match="both sides"):
        measure_realism(one_sided)


@pytest.mark.parametrize(("markets", "seconds"), [(0, 100.0), (1, 30.0)])
def test_arguments_out_of_range(markets: int, seconds: float) -> None:
    with pytest.raises(UsageError) as caught:
        run_realism("default", markets=markets, seconds=seconds)
    assert caught.value.code == "HG-U172"


def test_the_command_prints_the_report_and_leaves_with_1(
    capsys: pytest.CaptureFixture[str],
) -> None:
    words = ["realism", "default", "--seconds", "120", "--markets", "2", "--seed", "3"]
    assert main(words) == 1
    shown = capsys.readouterr()
    assert "realism of 'default" in shown.out
    assert "2 markets" in shown.out
    assert "default: simulate: 240 of 240 seconds" in shown.err
    assert main([*words, "--json"]) == 1
    again = json.loads(capsys.readouterr().out)
    assert again["simulated"]["markets"] == 2
    assert again["real"] is None


def test_the_command_takes_real_data(shared_data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    message = next((shared_data / "lobster").glob("AAPL_*message*.csv"))
    assert main(["realism", "default", "--against", str(message), "--seconds", "60", "--json"]) == 1
    report = json.loads(capsys.readouterr().out)
    assert report["levels"] == 5
    assert report["real"]["events"] == 999
    assert report["judge"] is None
    assert {"depth", "spread"} <= {row["key"] for row in report["distances"]}
