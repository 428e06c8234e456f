"""How the work of a self-test is cut: evenly, with fresh seeds, the same for all processes."""

from __future__ import annotations

from collections import Counter

import pytest

from hftgym.selftest.levels import ACTIONS, PIECE, Level, cut
from hftgym.selftest.streams import STREAMS


@pytest.mark.parametrize("level", Level)
def test_a_level_is_shared_out_evenly(level: Level) -> None:
    pieces = cut(ACTIONS[level], seed=1)
    lots = Counter[str]()
    for piece in pieces:
        lots[piece.stream] += piece.actions
    assert sum(lots.values()) == ACTIONS[level]
    assert list(lots) == list(STREAMS)
    assert max(lots.values()) - min(lots.values()) <= 1
    assert max(piece.actions for piece in pieces) <= PIECE


def test_no_two_pieces_of_a_stream_are_alike_in_any_of_many_tests() -> None:
    seen = [(p.stream, p.seed) for seed in range(20) for p in cut(ACTIONS[Level.ci], seed)]
    assert len(set(seen)) > len(seen) - 5  # 32 bits: a coincidence is possible
