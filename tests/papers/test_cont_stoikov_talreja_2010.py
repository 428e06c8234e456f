"""Tables 3 and 4 of Cont, Stoikov and Talreja: solved, and played in the market's own book."""

from __future__ import annotations

import numpy as np
import pytest

from hftgym.errors import UsageError
from hftgym.papers.cont_stoikov_talreja_2010 import (
    TABLE_3,
    chance_filled,
    chance_mid_up,
    rows,
    simulate,
)
from hftgym.participants.cont_stoikov_talreja import Params


def test_table_3_solved() -> None:
    solved = chance_mid_up(Params())[:5, :5]
    np.testing.assert_allclose(solved, TABLE_3, atol=0.0015)
    np.testing.assert_allclose(solved + solved.T, 1.0, atol=1e-12)  # bids and asks are alike


def test_table_4_solved_names_its_event() -> None:
    solved = chance_filled(Params())
    assert solved[0, 0] == pytest.approx(0.5025, abs=5e-5)
    assert solved[0, 1] == pytest.approx(0.6980, abs=5e-5)
    # A longer queue ahead makes a fill less likely, a longer ask queue more.
    assert (np.diff(solved[:5, :5], axis=0) < 0).all()
    assert (np.diff(solved[:5, :5], axis=1) > 0).all()


def test_a_single_order_in_each_queue_by_hand() -> None:
    """Without limit orders the ask queue of one is gone at mu + theta, the bid fills at mu."""
    flow = Params(lambda_1=0.0)
    at_ask = flow.mu + flow.theta_1
    assert chance_filled(flow)[0, 0] == pytest.approx(flow.mu / (flow.mu + at_ask))
    assert chance_mid_up(flow)[0, 0] == pytest.approx(0.5)


def test_table_3_in_our_own_book() -> None:
    starts, paths = [(1, 2), (3, 1), (5, 4)], 10_000
    shares = simulate(Params(), starts, paths)
    for (b, a), share in zip(starts, shares, strict=True):
        p = chance_mid_up(Params())[b - 1, a - 1]
        assert abs(share - p) < 4 * (p * (1 - p) / paths) ** 0.5, (b, a)


def test_table_4_in_our_own_book() -> None:
    """The event itself, and so the identity: printed[b, a] = 1 - exact[a, b]."""
    starts, paths = [(1, 1), (1, 2), (2, 1), (4, 3)], 10_000
    shares = simulate(Params(), starts, paths, filled=True)
    for (b, a), share in zip(starts, shares, strict=True):
        p = chance_filled(Params())[b - 1, a - 1]
        assert abs(share - p) < 4 * (p * (1 - p) / paths) ** 0.5, (b, a)


def test_all_rows_agree() -> None:
    found = rows(paths=500)
    assert len(found) == 2 * 25 + 2 * 2
    assert [row for row in found if not row.ok] == []


def test_a_flow_without_events_is_refused() -> None:
    names = [name for name in Params.model_fields if name.startswith(("lambda", "theta"))]
    idle = Params(**{name: 0.0 for name in (*names, "mu", "k")})
    with pytest.raises(UsageError, match="without events the touch never moves"):
        simulate(idle, [(1, 1)], 1)
