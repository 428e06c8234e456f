"""Estimates of the queue position in aggregated data."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hftgym.data.queue_models import QueueEstimate, reaches, share_named
from hftgym.errors import UsageError

NAMES = [
    ("risk-averse", None),
    ("power", 1.0),
    ("power", 2.5),
    ("power2", 2.0),
    ("power3", 3.0),
    ("log", None),
    ("log2", None),
]
LOTS = st.floats(0.0, 1e12)


@pytest.mark.parametrize(
    ("name", "n", "expected"),
    [
        ("risk-averse", None, 40.0),
        ("power", 1.0, 36.0),
        ("power", 2.0, 40.0 - 10.0 * 16 / 52),
        ("power2", 2.0, 40.0 - 10.0 * 0.64),
        ("power3", 3.0, 39.36),
        ("log", None, 40.0 - 10.0 * math.log(41) / math.log(41 * 61)),
        ("log2", None, 40.0 - 10.0 * (1 - math.log(61) / math.log(101))),
    ],
)
def test_a_cancel_of_10_out_of_100_with_40_ahead(
    name: str, n: float | None, expected: float
) -> None:
    estimate = QueueEstimate(40.0, share_named(name, n))
    estimate.depth(100.0, 90.0)
    assert estimate.ahead == pytest.approx(expected, rel=1e-12)


def test_a_trade_is_not_counted_again_when_depth_shows_it() -> None:
    estimate = QueueEstimate(40.0, share_named("power", 1.0))
    assert estimate.trade(10.0) == 0.0
    estimate.depth(100.0, 90.0)
    assert estimate.ahead == 30.0
    estimate.depth(90.0, 60.0)  # a cancel of 30 among 30 ahead and 60 behind
    assert estimate.ahead == 20.0


def test_growth_is_behind() -> None:
    estimate = QueueEstimate(40.0, share_named("log"))
    estimate.depth(100.0, 500.0)
    assert estimate.ahead == 40.0


def test_what_trades_past_the_queue_fills_the_order() -> None:
    """Trades alone decide: 10 ahead, prints of 3, 4, 2 and 3, a size that moves between them."""
    estimate = QueueEstimate(10.0)
    assert estimate.trade(3.0) == 0.0
    assert estimate.ahead == 7.0
    estimate.depth(10.0, 8.0)
    assert estimate.ahead == 7.0
    assert estimate.trade(4.0) == 0.0
    assert estimate.ahead == 3.0
    estimate.depth(8.0, 15.0)
    assert estimate.trade(2.0) == 0.0
    assert estimate.ahead == 1.0
    assert estimate.trade(3.0) == 2.0
    assert estimate.ahead == 0.0
    assert estimate.trade(1.5) == 1.5


@pytest.mark.parametrize(("name", "n"), NAMES)
@given(ahead=LOTS, behind=LOTS, after=LOTS, traded=LOTS)
def test_an_estimate_stays_inside_of_its_level(
    name: str, n: float | None, ahead: float, behind: float, after: float, traded: float
) -> None:
    share = share_named(name, n)
    assert 0.0 <= share(ahead, behind) <= 1.0
    estimate = QueueEstimate(ahead, share)
    past = estimate.trade(traded)
    assert past == max(traded - ahead, 0.0)
    before = estimate.ahead
    estimate.depth(ahead + behind, after)
    assert 0.0 <= estimate.ahead <= min(before, after)


@pytest.mark.parametrize(("name", "n"), NAMES)
@given(ahead=LOTS, behind=LOTS, cancelled=st.floats(0.0, 1.0))
def test_nothing_is_more_careful_than_risk_averse(
    name: str, n: float | None, ahead: float, behind: float, cancelled: float
) -> None:
    before = ahead + behind
    careful = QueueEstimate(ahead)
    other = QueueEstimate(ahead, share_named(name, n))
    for estimate in (careful, other):
        estimate.depth(before, before * (1.0 - cancelled))
    assert other.ahead <= careful.ahead
    expected = min(ahead, before * (1.0 - cancelled))
    assert careful.ahead == pytest.approx(expected, rel=1e-9, abs=1e-12 * before)


def test_large_levels_and_exponents_do_not_overflow() -> None:
    assert share_named("power", 500.0)(1e300, 1e-300) == 0.0
    assert share_named("power", 500.0)(1e-300, 1e300) == 1.0
    assert share_named("power", 2000.0)(7.0, 7.0) == 0.5


@pytest.mark.parametrize(
    ("side", "px", "ahead", "opposite_px", "trade_px", "expected"),
    [
        (+1, 100, 5.0, 100, None, True),  # the ask came down to the bid
        (+1, 100, 5.0, 101, None, False),
        (+1, 100, 5.0, 101, 99, True),  # somebody sold below
        (+1, 100, 5.0, 101, 100, False),
        (+1, 100, 0.0, 101, 100, True),
        (+1, 100, 0.0, None, 101, False),
        (+1, 100, 0.0, None, None, False),
        (-1, 100, 5.0, 100, None, True),
        (-1, 100, 5.0, 99, 101, True),
        (-1, 100, 5.0, 99, 100, False),
        (-1, 100, 0.0, 99, 100, True),
        (-1, 100, 0.0, 99, 99, False),
    ],
)
def test_when_history_would_have_filled(
    side: int,
    px: int,
    ahead: float,
    opposite_px: int | None,
    trade_px: int | None,
    expected: bool,
) -> None:
    assert reaches(side, px, ahead, opposite_px=opposite_px, trade_px=trade_px) is expected


@pytest.mark.parametrize("value", [-1.0, math.nan, math.inf])
def test_a_size_is_a_finite_number_of_at_least_0(value: float) -> None:
    estimate = QueueEstimate(1.0)
    with pytest.raises(ValueError, match="ahead"):
        QueueEstimate(value)
    with pytest.raises(ValueError, match="lots"):
        estimate.trade(value)
    with pytest.raises(ValueError, match="before"):
        estimate.depth(value, 1.0)
    with pytest.raises(ValueError, match="after"):
        estimate.depth(1.0, value)


@pytest.mark.parametrize(
    ("name", "n", "said"),
    [
        ("powr", 1.0, "did you mean 'power'"),
        ("power", None, "needs an exponent n$"),
        ("power3", 0.0, "exponent n 0.0: it must be"),
        ("power2", math.nan, "exponent n nan: it must be"),
        ("log", 2.0, "has no exponent n"),
    ],
)
def test_names_that_are_refused(name: str, n: float | None, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        share_named(name, n)
