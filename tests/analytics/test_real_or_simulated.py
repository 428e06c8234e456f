"""The judge: blind to units, blind to what is alike, sharp on what differs, honest in its folds."""

from __future__ import annotations

import numpy as np
import pytest

from hftgym.analytics.event_table import EventKind
from hftgym.analytics.real_or_simulated import (
    CLASSIFIERS,
    blocked_folds,
    judge,
    window_features,
)
from tests.analytics.event_days import random_table, table

pytest.importorskip("sklearn")


def test_no_training_window_is_next_to_a_judged_one() -> None:
    judged = []
    for train, test in blocked_folds(103, folds=5, gap=6):
        judged += test.tolist()
        assert test.tolist() == list(range(test[0], test[-1] + 1))
        assert np.abs(train[:, None] - test[None]).min() == 7
        assert len(train) + len(test) >= 103 - 12
    assert judged == list(range(103))


def test_figures_of_windows_by_hand() -> None:
    """Two windows of ten seconds: in the second the spread doubles, and three sell orders trade."""
    s = 1_000_000_000
    add, trade = EventKind.ADD, EventKind.TRADE
    rows = [
        (0, add, 1, 100, 2, 100, 2, 102, 2),
        (12 * s, trade, -1, 100, 2, 98, 2, 102, 2),
        (13 * s, trade, -1, 98, 1, 98, 1, 102, 2),
        (14 * s, trade, -1, 98, 1, 98, 1, 102, 2),
        (20 * s, add, 1, 98, 1, 98, 2, 102, 2),
        (29 * s, trade, 1, 102, 2, 98, 2, 110, 2),  # after the last whole window
    ]
    names, x = window_features(table(rows))
    assert x.shape == (2, len(names))
    by_name = dict(zip(names, x.T, strict=True))
    # 2 ticks for 12 s and 4 ticks for 8 s of 20 s: windows hold 2 and 3.6, mean 2.8.
    np.testing.assert_allclose(by_name["spread"], [2 / 2.8, 3.6 / 2.8])
    np.testing.assert_allclose(by_name["events"], [1 / 2, 3 / 2])
    np.testing.assert_allclose(by_name["market orders"], [0.0, 2.0])
    np.testing.assert_allclose(by_name["repeated signs"], [np.nan, 1.0])
    np.testing.assert_allclose(by_name["net / whole volume"], [np.nan, -1.0])
    np.testing.assert_allclose(by_name["widest spread"], [2 / 3, 4 / 3])
    np.testing.assert_allclose(by_name["imbalance"], [0.0, -7 / 30])


def test_tick_and_lot_do_not_give_a_market_away() -> None:
    one = random_table(1)
    names, figures = window_features(one)
    _, scaled = window_features(random_table(1, tick=7, lot=100))
    for name, a, b in zip(names, figures.T, scaled.T, strict=True):
        # log(1 + lots) is scale-free only about; all else exactly.
        np.testing.assert_allclose(a, b, rtol=0.5 if name == "lots at the touch" else 1e-6)


def test_the_judge_can_not_separate_what_is_alike() -> None:
    told: list[int] = []
    found = judge([random_table(1)], [random_table(2)], progress=told.append)
    assert found is not None
    # About 120 windows of a kind: a standard error of 0.037 for independent ones.
    assert found.auc == pytest.approx(0.5, abs=0.15)
    assert found.shuffled_auc == pytest.approx(0.5, abs=0.15)
    assert found.real_halves_auc == pytest.approx(0.5, abs=0.21)
    assert sum(told) == CLASSIFIERS
    assert found == judge([random_table(1)], [random_table(2)])


def test_the_judge_sees_what_differs_and_says_what_it_was() -> None:
    calm, other = random_table(1), random_table(2)
    signs = np.where(np.arange(other.rows) // 40 % 2 == 0, 1, -1)
    herding = other.__class__(
        **{**vars(other), "side": np.where(other.is_trade, signs, other.side)}
    )
    found = judge([calm], [herding])
    assert found is not None
    assert found.auc > 0.9
    assert found.tells[0][0] in ("repeated signs", "net / whole volume")
    assert found.shuffled_auc == pytest.approx(0.5, abs=0.15)


def test_too_little_data_is_not_judged() -> None:
    assert judge([random_table(1)], [random_table(2, rows=1_000)]) is None
    assert judge([random_table(1)], []) is None
