"""Gates: their arithmetic on figures computed by hand, their verdicts, and a whole run."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest

from hftgym.analytics.gate_play import Task, actions_at, constant, play
from hftgym.analytics.gate_report import GateReport, GateRow, Verdict, bootstrap_of_sums
from hftgym.analytics.gates import run_gates
from hftgym.analytics.gates_market import (
    market_gates,
    variance_ratio_sums,
    weighted_median_bin,
)
from hftgym.analytics.gates_policies import Played, episodes_to_play, policy_gates
from hftgym.analytics.predictability import COLUMNS, fit, second_moments, squared_errors
from hftgym.analytics.quality import QUALITY, Measured
from hftgym.core.constants import SECOND_NS
from hftgym.envs.task import EPISODE
from hftgym.errors import UsageError
from hftgym.scenario import GATES, Scenario, load_scenario

N = 40


def rng() -> np.random.Generator:
    return np.random.default_rng(0)


# ------------------------------------------------------------------ arithmetic
def test_the_median_is_where_half_of_the_time_has_passed() -> None:
    assert weighted_median_bin([0.0, 2.0, 1.0, 1.0]) == 1
    assert weighted_median_bin([0.0, 1.9, 1.1, 1.0]) == 2
    np.testing.assert_array_equal(weighted_median_bin([[1, 0, 0], [0, 1, 3]]), [0, 2])


def test_the_variance_ratio_of_a_straight_line_and_of_a_zigzag() -> None:
    line = np.arange(11.0)[None]  # r(5) = 5 everywhere: 25 / 5 against 1
    np.testing.assert_allclose(variance_ratio_sums(line, 5), [[5.0, 1.0]])
    zigzag = (np.arange(11) % 2).astype(float)[None]  # r(2) = 0
    np.testing.assert_allclose(variance_ratio_sums(zigzag, 2), [[0.0, 1.0]])


def test_the_variance_ratio_of_a_random_walk_is_one() -> None:
    walk = np.cumsum(rng().standard_normal((400, 301)), axis=1)
    long, short = variance_ratio_sums(walk).sum(axis=0)
    assert long / short == pytest.approx(1.0, abs=0.06)


def test_the_bootstrap_covers_a_mean_and_repeats_itself() -> None:
    x = rng().normal(3.0, 2.0, 500)[:, None]
    low, high = bootstrap_of_sums(x, lambda sums: sums[:, 0] / 500, rng())
    assert (low, high) == bootstrap_of_sums(x, lambda sums: sums[:, 0] / 500, rng())
    half = 1.96 * float(x.std()) / math.sqrt(500)
    assert low == pytest.approx(float(x.mean()) - half, abs=0.03)
    assert high == pytest.approx(float(x.mean()) + half, abs=0.03)


def test_actions_quote_at_the_distances_asked_for() -> None:
    actions = actions_at([0.1, 0.5, 1.0, 2.0, 4.0, 7.9, 50.0], 2.0)
    distance = 2.0 * 4.0 ** actions.astype(float)
    np.testing.assert_allclose(distance[:5], [0.5, 0.5, 1.0, 2.0, 4.0], rtol=1e-4)
    assert (distance[2:5] <= [1.0, 2.0, 4.0]).all()  # rounding outward must not add a tick
    assert actions[5:].tolist() == [1.0, 1.0]  # withdrawn


def samples(n: int, noise: float) -> np.ndarray:
    """Return rows (1, x, constant, z, y) with y = 2 + 3 x + noise."""
    random = rng()
    x, z, e = random.standard_normal((3, n))
    return np.column_stack((np.ones(n), x, np.full(n, 5.0), z, 2.0 + 3.0 * x + noise * e))


def test_least_squares_finds_a_line_and_ignores_what_does_not_vary() -> None:
    beta = fit(second_moments(samples(1_000, 0.0)))
    np.testing.assert_allclose(beta, [2.0, 3.0, 0.0, 0.0], atol=1e-9)


def test_errors_from_moments_are_errors_of_the_samples() -> None:
    rows = samples(600, 1.0).reshape(6, 100, 5)
    moments = second_moments(rows)
    train = moments[:3].sum(axis=0)
    found = squared_errors(moments[3:], train)
    y = rows[..., -1]
    residual = y[3:] - rows[3:, :, :-1] @ fit(train)
    np.testing.assert_allclose(found[:, 0], (residual**2).sum(axis=1), rtol=1e-9)
    np.testing.assert_allclose(found[:, 1], ((y[3:] - y[:3].mean()) ** 2).sum(axis=1), rtol=1e-9)


# ------------------------------------------------------------------ verdicts
def measured(spread_tick: int, impact: float, mid_tick: np.ndarray) -> Measured:
    rows = np.zeros(N, QUALITY)
    rows["spread_ns"][:, spread_tick] = SECOND_NS
    rows["matured"] = 10
    rows["edge_2px"] = 30.0
    rows["impact_2px"] = np.round(30 * impact)
    nothing = np.zeros((N, 1))
    return Measured(
        load_scenario("default"),
        300,
        np.zeros(N, np.uint64),
        rows,
        (2 * mid_tick).astype(np.int64),
        ("noise_taker",),
        nothing.astype(np.int64),
        nothing,
        nothing[:, 0],
    )


def test_the_gates_of_the_market_alone() -> None:
    walk = np.cumsum(rng().choice([-1.0, 1.0], (N, 301)), axis=1)
    spread, impact, ratio = market_gates(measured(3, 0.7, walk), rng())
    assert (spread.value, spread.verdict) == (3.0, Verdict.PASS)
    assert impact.value == impact.low == impact.high == pytest.approx(70.0)
    assert impact.verdict is Verdict.PASS
    assert ratio.low < ratio.value < ratio.high
    assert ratio.ok == (0.9 <= ratio.value <= 1.1)
    zigzag = np.tile(np.arange(301) % 2, (N, 1))
    verdicts = [row.verdict for row in market_gates(measured(5, 0.5, zigzag), rng())]
    assert verdicts == [Verdict.FAIL] * 3
    assert market_gates(measured(1, 1.0, walk), rng())[0].verdict is Verdict.FAIL


def episodes(mean: float, sd: float = 1.0, spread: float = 100.0) -> np.ndarray:
    out = np.zeros(N, EPISODE)
    noise = rng().standard_normal(N)
    out["objective"] = mean + sd * (noise - noise.mean())
    out["pnl_spread"] = spread
    return out


def idle_moments(signal: float) -> np.ndarray:
    random = np.random.default_rng(1)
    rows = np.zeros((N, 50, COLUMNS))
    rows[..., 0] = 1.0
    rows[..., 1] = random.standard_normal((N, 50))
    rows[..., -1] = signal * rows[..., 1] + random.standard_normal((N, 50))
    return second_moments(rows)


def played(join: float, improve: float, best: float, oracle: float | None, signal: float) -> Played:
    return Played(
        episodes(join),
        episodes(improve),
        episodes(best),
        1.5,
        None if oracle is None else episodes(oracle),
        idle_moments(signal),
        {"best": "b", "oracle": "o"},
    )


def verdicts(*figures: float | None) -> dict[str, Verdict]:
    rows = policy_gates(played(*figures), rng())  # type: ignore[arg-type]
    return {row.key: row.verdict for row in rows}


def test_the_gates_of_policies_and_of_predictability() -> None:
    good = verdicts(-19.0, -50.0, 20.0, 100.0, 0.0)
    assert set(good.values()) == {Verdict.PASS}
    bad = verdicts(-21.0, 0.1, -0.1, 100.0, 0.5)
    assert [key for key, verdict in bad.items() if verdict is Verdict.FAIL] == [
        "join",
        "improve",
        "best_constant",
        "r2_10s",
    ]
    assert verdicts(21.0, -50.0, 51.0, 100.0, 0.0)["join"] is Verdict.FAIL
    assert verdicts(0.0, -50.0, 51.0, 100.0, 0.0)["oracle_share"] is Verdict.FAIL
    assert verdicts(0.0, -50.0, 20.0, -5.0, 0.0)["oracle_share"] is Verdict.FAIL
    assert verdicts(0.0, -50.0, 20.0, None, 0.0)["oracle_share"] is Verdict.NOT_APPLICABLE


def test_a_sign_within_its_noise_is_not_established() -> None:
    noisy = policy_gates(
        Played(
            episodes(0.0),
            episodes(-1.0, sd=20.0),
            episodes(1.0, sd=20.0),
            1.5,
            None,
            idle_moments(0.0),
            {"best": "b"},
        ),
        rng(),
    )
    assert [row.key for row in noisy if not row.ok] == ["improve", "best_constant"]


def test_a_report_says_what_failed_and_is_plain_data() -> None:
    rows = (
        GateRow("a", "figure a", 1234.5, "tick", 1.0, 2.0, "> 0", Verdict.FAIL, "why"),
        GateRow("b", "figure b", math.nan, "", band="x", verdict=Verdict.NOT_APPLICABLE),
        GateRow("c", "figure c", 0.25, "/s"),
    )
    report = GateReport("name", "hash", 1_000, 300, 7, rows)
    assert not report.ok
    assert "1,000 episodes of 300 s, seed 7" in str(report)
    assert str(report).splitlines()[2:4] == [
        "FAIL  figure a  1,234.5 tick  1 .. 2         > 0",
        "        why",
    ]
    assert str(report).splitlines()[-1] == "failed: figure a"
    plain = json.loads(json.dumps(report.to_dict(), allow_nan=False))
    assert [row["ok"] for row in plain["rows"]] == [False, None, None]
    assert plain["rows"][1]["value"] is None
    assert GateReport("name", "hash", 2, 300, 0, rows[1:]).ok


def test_a_gate_that_is_meant_to_break_is_reported_and_does_not_fail() -> None:
    fails = GateRow("a", "figure a", 9.0, "tick", verdict=Verdict.FAIL, note="note a")
    holds = GateRow("b", "figure b", 1.0, "tick", verdict=Verdict.PASS)
    absent = GateRow("c", "figure c", math.nan, "", verdict=Verdict.NOT_APPLICABLE)
    rows = [row.meant_to_break(f"why {row.key}") for row in (fails, holds, absent)]
    assert [row.verdict for row in rows] == [Verdict.BROKEN, Verdict.HOLDS, Verdict.NOT_APPLICABLE]
    report = GateReport("name", "hash", 2, 300, 0, tuple(rows))
    assert report.ok
    lines = str(report).splitlines()
    assert [lines[i].split()[0] for i in (2, 5)] == ["broken", "holds"]
    assert [line.strip() for line in lines[3:5]] == ["note a", "meant to break: why a"]
    assert lines[-3:] == [
        "broken, as it is meant to be: figure a",
        "meant to be broken, but holds: figure b",
        "every other gate holds",
    ]
    plain = report.to_dict()["rows"]
    assert [row["verdict"] for row in plain] == ["broken", "holds", "n/a"]
    assert plain[0]["meant_to_break"] == "why a"
    failed = GateReport("name", "hash", 2, 300, 0, (rows[0], fails))
    assert not failed.ok
    assert str(failed).splitlines()[-2:] == [
        "broken, as it is meant to be: figure a",
        "failed: figure a",
    ]


# ------------------------------------------------------------------ the environment
@pytest.fixture(scope="module")
def scenario() -> Scenario:
    return load_scenario("default").model_copy(update={"burn_in_s": 10.0})


def test_what_a_policy_earns_does_not_depend_on_the_lanes(scenario: Scenario) -> None:
    task = Task(scenario, 5, 0)
    seeds = task.market_seeds("tune", 5)
    assert (seeds >> np.uint64(62) == 1).all()  # the split's own markets
    np.testing.assert_array_equal(seeds[:3], task.market_seeds("tune", 3))
    jobs = [(constant(0.0, 0.0), seeds[:2]), (constant(-0.5, -0.5), seeds)]
    one, two = (play(task.make("tune", lanes), jobs) for lanes in (2, 7))
    for a, b, (_, own) in zip(one, two, jobs, strict=True):
        np.testing.assert_array_equal(a, b)
        np.testing.assert_array_equal(a["market_seed"], own)
        assert (a["steps"] == 10).all()
    assert not np.array_equal(one[0]["objective"], one[1]["objective"][:2])


def test_a_whole_run_repeats_itself(scenario: Scenario) -> None:
    told: list[tuple[str, int, int]] = []

    class Bar:
        def __init__(self, title: str, total: int, unit: str) -> None:
            self.title, self.total, self.done = title, total, 0

        def __enter__(self) -> Bar:
            return self

        def __exit__(self, *error: object) -> None:
            told.append((self.title, self.total, self.done))

        def advance(self, units: int) -> None:
            self.done += units

    report = run_gates(scenario, 4, seconds=61, seed=5, phase=Bar)
    assert tuple(row.key for row in report.rows[:8]) == GATES
    assert report.row("pnl_sum").value == 0.0
    assert told == [
        ("default: market alone", 4, 4),
        ("default: simple policies", episodes_to_play(4, True), episodes_to_play(4, True)),
    ]
    assert report.to_dict() == run_gates(scenario, 4, seconds=61, seed=5).to_dict()


def test_a_scenario_without_a_value_has_no_oracle(scenario: Scenario) -> None:
    flow = {"kind": "zero_intelligence", "params": {"market_rate": 1.0}}
    plain = Scenario.model_validate(
        {"name": "flow", "description": "Santa Fe", "participants": [flow], "burn_in_s": 10.0}
    )
    report = run_gates(plain, 2, seconds=61)
    assert report.row("oracle_share").verdict is Verdict.NOT_APPLICABLE
    assert math.isnan(report.row("oracle_share").value)
    # Alone, the flow trades with itself only: there is no impact to speak of, and the gate fails.
    assert report.row("trades_per_s").value > 0.5
    assert math.isnan(report.row("impact_1s").value)
    assert report.row("impact_1s").verdict is Verdict.FAIL
    json.dumps(report.to_dict(), allow_nan=False)


@pytest.mark.parametrize(("episodes", "seconds", "seed"), [(1, 300, 0), (2, 60, 0), (2, 300, -1)])
def test_numbers_out_of_range_are_refused(episodes: int, seconds: int, seed: int) -> None:
    with pytest.raises(UsageError, match=f"{episodes} episodes of {seconds} s, seed {seed}"):
        run_gates("default", episodes, seconds=seconds, seed=seed)


def test_a_tape_is_refused() -> None:
    with pytest.raises(UsageError, match="replays history"):
        run_gates("tape", 2)
