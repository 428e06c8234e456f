"""The compiled exchange does what the plain one does, message by message."""

from __future__ import annotations

import pytest

from hftgym.core.constants import ReportKind
from tests.core.streams import STREAMS, draw
from tests.core.twins import Twins

MESSAGES = 9_000  # for each of the streams; together about 100,000


@pytest.mark.parametrize("name", STREAMS)
def test_trades_reports_books_and_accounts_agree_after_every_message(name: str) -> None:
    play(name, MESSAGES, seed=1)


@pytest.mark.slow
@pytest.mark.parametrize("seed", [2, 3])
@pytest.mark.parametrize("name", STREAMS)
def test_they_agree_for_more_seeds(name: str, seed: int) -> None:
    play(name, 2 * MESSAGES, seed)


@pytest.mark.parametrize("name", ["touch", "far", "drift", "gap", "nonsense"])
def test_the_market_class_changes_nothing(name: str) -> None:
    twins = Twins(STREAMS[name], "small", "medium")
    actions = draw(STREAMS[name], 1_500, seed=9)
    for j in range(len(actions)):
        twins.step(actions, j)
    assert twins.crowded == 0


def play(name: str, messages: int, seed: int) -> None:
    stream = STREAMS[name]
    twins = Twins(stream)
    actions = draw(stream, messages, seed)
    kinds: dict[int, int] = {}
    for j in range(len(actions)):
        twins.step(actions, j)
        for report in twins.reports:
            kinds[report.kind] = kinds.get(report.kind, 0) + 1
    # The stream does what it is for: every kind of answer is common.
    assert min(kinds[kind] for kind in ReportKind) > messages // 400, kinds
    assert (twins.crowded > messages // 200) == (name == "crowded"), twins.crowded
