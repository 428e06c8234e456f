"""The compiled exchange does what the plain one does, action by action."""

from __future__ import annotations

import pytest

from hftgym.core.constants import BUY, SELL, Limit, MessageKind, Phase, ReportKind
from hftgym.core.jit import INTERPRETED
from hftgym.core.reference import Message, Rules
from hftgym.selftest.streams import STREAMS, Stream, draw
from hftgym.selftest.twins import Twins, compare
from hftgym.selftest.venue import PHASE_ACTION

#: As plain Python, kernels are a hundred times slower: then as many as each stream needs.
ACTIONS = 400 if INTERPRETED else 2_000
#: With those above a million over all streams.
MORE_ACTIONS = 10_500


@pytest.mark.parametrize("name", STREAMS)
def test_trades_reports_books_and_accounts_agree_after_every_action(name: str) -> None:
    twins = Twins(STREAMS[name], check_memory=not INTERPRETED)
    count = twins.run(draw(STREAMS[name], ACTIONS, seed=1))
    assert count.actions == ACTIONS
    # The stream does what it is for: every kind of answer to an order is common.
    common = (ReportKind.ACCEPTED, ReportKind.REJECTED, ReportKind.FILL, ReportKind.CANCELLED)
    assert min(count.kinds.get(kind, 0) for kind in common) > ACTIONS // 400, count
    assert (count.crowded > 0) == (name == "crowded"), count
    if name == "limits" and not INTERPRETED:
        assert {*count.limits} == {*Limit}, count


@pytest.mark.slow
@pytest.mark.parametrize("seed", [2, 3, 4])
@pytest.mark.parametrize("name", STREAMS)
def test_they_agree_for_more_seeds(name: str, seed: int) -> None:
    assert compare(STREAMS[name], MORE_ACTIONS, seed).actions == MORE_ACTIONS


def test_the_collar_of_a_day_that_begins_with_calls_follows_the_last_price() -> None:
    """Nothing has traded continuously; a call that closed has moved the last price to 1,995."""
    rules = Rules(collar_bps=30, start_px=2_000)
    twins = Twins(Stream(rules, (1, 2), phase=Phase.OPENING_AUCTION))
    for side, px in ((SELL, 1_995), (BUY, 1_995)):
        twins.send(Message(side < 0, MessageKind.LIMIT, 0, side, px, 1))
    twins.send(Message(0, PHASE_ACTION, 0, px=Phase.CLOSED))
    assert twins.slow.last_px == 1_995
    twins.send(Message(0, PHASE_ACTION, 0, px=Phase.PRE_OPEN))
    for side in (SELL, BUY):  # 2,004 lies in the collar of 2,000 but not in that of 1,995
        twins.send(Message(side < 0, MessageKind.LIMIT, 1, side, 2_004, 1))
    assert twins.fast.indication() is None
    assert twins.slow.mid_2px == 2 * 1_995


@pytest.mark.parametrize("name", ["touch", "far", "drift", "gap", "nonsense"])
def test_the_market_class_changes_nothing(name: str) -> None:
    twins = Twins(STREAMS[name], "small", "medium", check_memory=not INTERPRETED)
    count = twins.run(draw(STREAMS[name], ACTIONS, seed=9))
    assert count.crowded == 0
