"""``hftgym realism``: how real does a market look? Facts with bands, distances, and a judge.

A simulated and a real market go through the same code: both are tables of events
(``event_table``), cut to the levels that both show. ``docs/realism.md`` says what was measured.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from hftgym.analytics import event_series as series
from hftgym.analytics.distances import Sample, kolmogorov_smirnov, wasserstein
from hftgym.analytics.event_sources import read_events, simulate_events
from hftgym.analytics.event_table import EventKind, EventTable
from hftgym.analytics.progress import Phase, Silent
from hftgym.analytics.real_or_simulated import CLASSIFIERS, judge
from hftgym.analytics.realism_facts import FACTS, facts
from hftgym.analytics.realism_report import DistanceRow, FactRow, Market, RealismReport
from hftgym.analytics.stylised_facts import NOTHING
from hftgym.errors import DataError, UsageError
from hftgym.scenario import Scenario, load_scenario

__all__ = ["RealismReport", "facts", "measure_realism", "run_realism"]

#: Length of a simulation without real data beside it.
SECONDS = 12_600.0

#: Distributions that are compared, each in a unit of its own market.
SHAPES = {
    "return_1s": "1 s return, in standard deviations",
    "return_60s": "60 s return, in standard deviations",
    "spread": "spread over time, in means",
    "touch_lots": "lots at the touch over time, in medians",
    "depth": "place of the visible lots, in levels",
    "event_gap": "time between events, in means",
    "order_gap": "time between market orders, in means",
    "events_10s": "events in 10 s, in means",
    "limit_lots": "size of a limit order, in medians",
    "market_lots": "size of a market order, in medians",
    "order_distance": "limit order's distance behind its touch, in mean spreads",
    "impact_1s": "mid move 1 s after a market order, in mean spreads",
}


#: Those of them that lie on a grid of ticks, lots or events.
ON_GRIDS = frozenset(
    (
        "spread",
        "touch_lots",
        "events_10s",
        "limit_lots",
        "market_lots",
        "order_distance",
        "impact_1s",
    )
)


def measure_realism(
    simulated: EventTable | Sequence[EventTable],
    real: EventTable | Sequence[EventTable] | None = None,
    *,
    seed: int = 0,
    judged: bool = True,
    phase: Phase = Silent,
) -> RealismReport:
    """Measure a simulated market, and compare it with a real one.

    With real data both are cut to the levels that both show; the facts about deeper levels are then
    measured on what the simulation alone shows.

    Args:
        simulated: events of a simulated market, or of several alike.
        real: events of a real market, or of several stretches of one.
        seed: of the judge.
        judged: whether the judge sits; the rest takes a second.
        phase: opens a progress bar.

    Raises:
        DataError: if a table is empty.
        UsageError: if scikit-learn is not installed.
    """
    ours = _as_list(simulated)
    theirs = [] if real is None else _as_list(real)
    for table in (*ours, *theirs):
        if not table.rows or not table.two_sided.any():
            raise DataError(
                "HG-D172",
                f"events of {table.name}: {table.rows} rows, none with both sides quoted; there "
                "is nothing to measure",
            )
    levels = min(table.levels for table in (*ours, *theirs))
    deep = facts(ours)
    ours = [table.seen_to(levels) for table in ours]
    theirs = [table.seen_to(levels) for table in theirs]
    found = deep if ours[0].levels == levels and not theirs else facts(ours)
    behind = {f"depth_level_{k}" for k in range(levels + 1, 6)}
    found = {key: deep[key] if key in behind else value for key, value in found.items()}
    known = facts(theirs) if theirs else {fact.key: NOTHING for fact in FACTS}
    rows = tuple(FactRow(fact, found[fact.key], known[fact.key]) for fact in FACTS)
    if not theirs:
        return RealismReport(_market(ours), None, levels, rows)
    judgement = None
    if judged:
        with phase("judge", CLASSIFIERS, "classifiers") as bar:
            judgement = judge(ours, theirs, seed=seed, progress=bar.advance)
    return RealismReport(
        _market(ours), _market(theirs), levels, rows, _distances(ours, theirs), judgement
    )


def run_realism(
    scenario: Scenario | str | Path,
    against: str | Path | None = None,
    *,
    seed: int = 0,
    markets: int = 1,
    seconds: float | None = None,
    phase: Phase = Silent,
) -> RealismReport:
    """Simulate a scenario and measure how real it looks.

    The same arguments give the same report.

    Args:
        scenario: a scenario without a tape, its name, or the path of its YAML.
        against: real data: a LOBSTER message file.
        seed: seed of market 0 and of the judge; market i has seed + i.
        markets: how many are simulated.
        seconds: length of each after the burn-in; that of the real data, or ``SECONDS``, when None.
        phase: opens a progress bar.

    Raises:
        UsageError: if a number is out of range, or the scenario replays history.
        NoInputError: if the real data is not there.
        DataError: if the real data breaks a rule.
    """
    if not isinstance(scenario, Scenario):
        scenario = load_scenario(scenario)
    real = None if against is None else read_events(Path(against))
    if seconds is None:
        seconds = SECONDS if real is None else real.seconds
    if markets < 1 or seconds < 60.0 or seed < 0:
        raise UsageError(
            "HG-U172",
            f"{markets} markets of {seconds:g} s, seed {seed}; there must be at least 1 market of "
            "at least 60 s, and a seed of at least 0",
        )
    with phase(f"{scenario.name}: simulate", markets * int(seconds), "seconds") as bar:
        simulated = simulate_events(
            scenario, seconds=seconds, seed=seed, markets=markets, progress=bar.advance
        )
    return measure_realism(simulated, real, seed=seed, phase=phase)


def _as_list(tables: EventTable | Sequence[EventTable]) -> list[EventTable]:
    return [tables] if isinstance(tables, EventTable) else list(tables)


def _market(tables: Sequence[EventTable]) -> Market:
    return Market(
        name=tables[0].name,
        markets=len(tables),
        seconds=sum(table.seconds for table in tables),
        events=sum(table.rows for table in tables),
    )


def _distances(
    simulated: Sequence[EventTable], real: Sequence[EventTable]
) -> tuple[DistanceRow, ...]:
    ours, theirs = _shapes(simulated), _shapes(real)
    halves = [table.halves() for table in real]
    first, second = (_shapes([pair[half] for pair in halves]) for half in (0, 1))
    rows = []
    for key, title in SHAPES.items():
        our_unit, their_unit = _unit(key, ours), _unit(key, theirs)
        if not (our_unit > 0.0 and their_unit > 0.0):
            continue
        ab = ours[key].over(our_unit), theirs[key].over(their_unit)
        floor = first[key].over(their_unit), second[key].over(their_unit)
        rows.append(
            DistanceRow(
                key,
                title,
                wasserstein(*ab),
                kolmogorov_smirnov(*ab),
                wasserstein(*floor),
                kolmogorov_smirnov(*floor),
            )
        )
    return tuple(rows)


def _unit(key: str, shapes: dict[str, Sample]) -> float:
    """Return what a distribution is measured in, in its own market; NaN if it is empty."""
    if key.startswith("return"):
        return shapes[key].standard_deviation
    if key in ("order_distance", "impact_1s"):
        return shapes["spread"].mean
    if key.endswith("lots"):
        return shapes[key].median
    if key == "depth":
        return 1.0 if len(shapes[key].values) else float("nan")
    return shapes[key].mean


def _shapes(tables: Sequence[EventTable]) -> dict[str, Sample]:
    """Return the sample of each key of ``SHAPES``; those of several tables are joined.

    Times and returns are what they are; ticks, lots and counts are spread over the cells of their
    grid.
    """
    found = [_shapes_of_one(table) for table in tables if table.rows]
    joined = {}
    for key in SHAPES:
        parts = [shapes[key] for shapes in found]
        weights = [np.ones(len(p.values)) if p.weights is None else p.weights for p in parts]
        sample = Sample(
            np.concatenate([np.zeros(0), *(part.values for part in parts)]),
            np.concatenate([np.zeros(0), *weights]),
        )
        joined[key] = sample.off_grid() if key in ON_GRIDS else sample
    return joined


def _shapes_of_one(table: EventTable) -> dict[str, Sample]:
    both, held = table.two_sided, series.held_s(table)
    touch = np.concatenate((table.bid_lots[both, 0], table.ask_lots[both, 0])).astype(np.float64)
    orders = series.market_orders(table)
    return {
        "return_1s": Sample(series.log_returns(table, 1)),
        "return_60s": Sample(series.log_returns(table, 60)),
        "spread": Sample(series.spread_tick(table)[both], held[both]),
        "touch_lots": Sample(touch, np.tile(held[both], 2)),
        "depth": _depth(table),
        "event_gap": Sample(series.inter_arrival_s(table.t_ns)),
        "order_gap": Sample(series.inter_arrival_s(orders.t_ns)),
        "events_10s": Sample(series.sums_on_grid(table, np.ones(table.rows), 10)),
        "limit_lots": Sample(table.lots[table.kind == EventKind.ADD].astype(np.float64)),
        "market_lots": Sample(orders.lots),
        "order_distance": Sample(_distance_tick(table)),
        "impact_1s": Sample(series.impact_tick(table, 1.0)[1]),
    }


def _depth(table: EventTable) -> Sample:
    """Return the levels, weighted with the lots that stand there over time; empty for one level."""
    if table.levels == 1:
        return Sample(np.zeros(0))
    lots = (table.bid_lots + table.ask_lots).T @ series.held_s(table)
    return Sample(np.arange(1.0, table.levels + 1.0), lots)


def _distance_tick(table: EventTable) -> series.FloatArray:
    """Return how far behind the touch of its side each limit order joined; below 0: before it."""
    rows = np.flatnonzero(table.kind == EventKind.ADD)
    rows = rows[(rows > 0) & table.two_sided[np.maximum(rows - 1, 0)]]
    side = table.side[rows].astype(np.int64)
    touch = np.where(side > 0, table.bid_px[rows - 1, 0], table.ask_px[rows - 1, 0])
    return np.asarray(side * (touch - table.px[rows]), np.float64)
