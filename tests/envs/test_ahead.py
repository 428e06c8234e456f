"""Many markets in turns: memory that is asked for, blocks and their order change no history."""

import numpy as np
import pytest

from hftgym.envs.ahead import lines_ahead
from tests.envs.making import actions, vector

_MARKETS = 131  # more than fit into near caches, and no multiple of a block


def test_what_a_step_writes_to_in_some_markets_is_asked_for() -> None:
    before = np.zeros((10, 100), np.int64)  # 13 lines, the last one not whole
    after = before.copy()
    after[:, 17] = 1
    after[3:5, 99] = 1  # in two of ten
    after[3, 40] = 1  # in one of ten
    assert lines_ahead(before, after).tolist() == [16, 96]
    assert lines_ahead(before, before).tolist() == []


def test_a_batch_looks_at_a_step_once() -> None:
    found = []
    for step_s in (0.05, 5.0):
        venv = vector(20, step_s=step_s, horizon_s=100.0)
        venv.reset(seed=7)
        asked = []
        for action in actions(3, 6, 20):
            venv.step(action)
            asked.append(venv._batch._step_arguments[-1])
        assert [len(lines) > 0 for lines in asked] == [False] * 3 + [True] * 3
        assert asked[3] is asked[5]
        found.append(len(asked[5]))
    assert found[0] < 120 < 240 < found[1]  # the more happens in a step, the more


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
    assert len(many._batch._step_arguments[-1]) > 100
