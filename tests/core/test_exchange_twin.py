"""The compiled exchange does what the plain one does, action by action."""

from __future__ import annotations

import pytest

from hftgym.core.constants import ReportKind
from hftgym.selftest.streams import STREAMS, draw
from hftgym.selftest.twins import Twins

ACTIONS = 2_000


@pytest.mark.parametrize("name", STREAMS)
def test_trades_reports_books_and_accounts_agree_after_every_action(name: str) -> None:
    count = Twins(STREAMS[name]).run(draw(STREAMS[name], ACTIONS, seed=1))
    assert count.actions == ACTIONS
    # The stream does what it is for: every kind of answer to an order is common.
    common = (ReportKind.ACCEPTED, ReportKind.REJECTED, ReportKind.FILL, ReportKind.CANCELLED)
    assert min(count.kinds.get(kind, 0) for kind in common) > ACTIONS // 400, count
    assert (count.crowded > 0) == (name == "crowded"), count


@pytest.mark.parametrize("name", ["touch", "far", "drift", "gap", "nonsense"])
def test_the_market_class_changes_nothing(name: str) -> None:
    count = Twins(STREAMS[name], "small", "medium").run(draw(STREAMS[name], 1_500, seed=9))
    assert count.crowded == 0
