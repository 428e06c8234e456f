"""Many markets in turns: memory that is asked for, blocks and their order change no history."""

import numpy as np
import pytest

from hftgym.core.layout import LINE
from hftgym.envs.ahead import lines_ahead
from tests.envs.making import actions, vector

_MARKETS = 131  # more than fit into near caches, and no multiple of a block


def test_what_differs_between_most_snapshots_is_asked_for() -> None:
    snapshots = np.zeros((4, 100), np.int64)  # 13 lines, the last one not whole
    snapshots[:, 17] = range(4)
    snapshots[:, 99] = range(4)
    snapshots[3, 40] = 1  # in one of four: in two of the four pairs
    snapshots[:, 60] = 7
    assert lines_ahead(snapshots, 1 << 20).tolist() == [16, 40, 96]
    assert lines_ahead(snapshots[:1], 1 << 20).tolist() == []


def test_few_markets_need_not_be_asked_for() -> None:
    snapshots = np.arange(8, dtype=np.int64).reshape(2, 4)
    enough = (1 << 20) // LINE
    assert lines_ahead(snapshots, enough).tolist() == [0]
    assert lines_ahead(snapshots, enough - 1).tolist() == []


@pytest.mark.parametrize("mode", ["SameStep", "NextStep"])
def test_many_markets_are_what_a_few_at_a_time_are(mode: str) -> None:
    arguments = {"horizon_s": 5.0, "autoreset_mode": mode}
    many = vector(_MARKETS, **arguments)
    few = [vector(min(5, _MARKETS - k), **arguments) for k in range(0, _MARKETS, 5)]
    many.reset(seed=7)
    for k, venv in enumerate(few):
        venv.reset(seed=7 + 5 * k)
    ended = 0
    for action in actions(3, 25, _MARKETS):
        found = many.step(action)
        ended += int((found[2] | found[3]).sum())
        parts = [venv.step(action[5 * k : 5 * k + 5]) for k, venv in enumerate(few)]
        for j in range(4):
            assert np.array_equal(found[j], np.concatenate([part[j] for part in parts]))
    assert ended == 2 * _MARKETS
    assert (
        len(many._batch._step_arguments[-1]) > 100 and len(few[0]._batch._step_arguments[-1]) == 0
    )
