"""What the participants do is what the estimators measure: their own parameters come back."""

from __future__ import annotations

from typing import Any

import numpy as np

from hftgym.analytics.event_sources import simulate_events
from hftgym.analytics.event_table import EventTable
from hftgym.calibration.hawkes import CANCEL, DEEP, KINDS, fit_hawkes_flow
from hftgym.calibration.queue_reactive import CANCEL as QUEUE_CANCEL
from hftgym.calibration.queue_reactive import LIMIT, MARKET, fit_queue_reactive
from hftgym.calibration.santa_fe import fit_santa_fe
from hftgym.instrument import Instrument
from hftgym.participants.hawkes_flow import both_sides
from hftgym.participants.queue_reactive import REACH, Params
from hftgym.scenario import Latency, ParticipantSpec, Scenario

NO_LATENCY = Latency(feed_ns=0, order_ns=0, response_ns=0)


def simulate(kind: str, params: dict[str, Any], seconds: float) -> EventTable:
    scenario = Scenario(
        name="round-trip",
        description="one flow",
        burn_in_s=60.0,
        instrument=Instrument(taker_fee=0),
        participants=(ParticipantSpec(kind=kind, params=params, latency=NO_LATENCY),),
    )
    return simulate_events(scenario, seconds=seconds, seed=3)[0]


def test_zero_intelligence() -> None:
    params = {
        "limit_rate": 0.5,
        "market_rate": 1.5,
        "cancel_rate": 0.25,
        "band_tick": 10,
        "lots": 3,
    }
    fit = fit_santa_fe(simulate("zero_intelligence", params, 3_000.0))
    assert fit.sigma_lots == 3.0
    for name in ("limit_rate", "market_rate", "cancel_rate"):
        error = getattr(fit, f"{name}_se")
        assert abs(getattr(fit, name) - params[name]) < 4 * error, name
        assert error < 0.05 * params[name]


#: Five kinds: market, inside, touch, deep, cancel. Few events a second, so that few coincide.
BASE = (0.10, 0.15, 0.30, 0.30, 0.0)
SAME = (
    (0.40, 0.0, 0.0, 0.0, 0.0),
    (0.10, 0.1, 0.0, 0.0, 0.0),
    (0.10, 0.2, 0.2, 0.0, 0.0),
    (0.00, 0.0, 0.0, 0.2, 0.0),
    (0.00, 0.0, 0.1, 0.0, 0.1),
)
OTHER = tuple(tuple(0.2 if (k, j) == (CANCEL, 0) else 0.0 for j in range(5)) for k in range(5))


def test_hawkes_flow() -> None:
    """A tick of spread leaves no room inside, and what sweeps the touch renames what is deep.

    So kinds of limit orders are told apart by where they landed; market orders and cancellations,
    which nothing renames, must come back.
    """
    base, branching = both_sides(BASE, SAME, OTHER)
    params = {
        "base_per_s": base,
        "branching": branching,
        "decay_per_s": 6.0,
        "patience_per_s": 0.06,
        "mean_lots": 1.0,
        "deep_tick": 2.0,
    }
    fit = fit_hawkes_flow(simulate("hawkes_flow", params, 6_000.0), tick=1)
    assert 4.5 < fit.decay_per_s < 8.0
    assert abs(fit.base_per_s[0] - BASE[0]) < 0.02
    assert abs(fit.same[0, 0] - SAME[0][0]) < 0.06
    assert np.abs(fit.same[0, 1:]).max() < 0.05
    assert abs(fit.other[CANCEL, 0] - OTHER[CANCEL][0]) < 0.06
    assert abs(fit.patience_per_s - 0.06) < 0.015
    assert abs(fit.same[DEEP, DEEP] - SAME[DEEP][DEEP]) < 0.1
    assert fit.radius < 0.7
    assert len(fit.goodness) == 2 * KINDS


def test_queue_reactive() -> None:
    """Model I: the reference stays where the market opened."""
    fit = fit_queue_reactive(simulate("queue_reactive", {"theta": 0.0}, 6_000.0), tick=1)
    tables = Params()
    columns = len(tables.limit_per_s) // REACH
    checked = 0
    for what, table in (
        (LIMIT, tables.limit_per_s),
        (QUEUE_CANCEL, tables.cancel_per_s),
        (MARKET, tables.market_per_s),
    ):
        for n in range(1, 8):
            truth, seconds = table[n], fit.seconds[what, 0, n]
            if truth * seconds < 200:
                continue
            found = fit.events[what, 0, n] / seconds
            assert abs(found - truth) < 4 * np.sqrt(truth / seconds) + 0.02 * truth, (what, n)
            checked += 1
    assert checked >= 10
    assert columns >= 8
