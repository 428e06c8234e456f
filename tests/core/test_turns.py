"""Markets shared among threads: each is stepped once, whoever does it."""

import numpy as np
import pytest
from numba import prange

from hftgym.core.constants import NONE
from hftgym.core.jit import parallel_kernel
from hftgym.core.turns import deal, next_piece


@parallel_kernel
def _share(done, turn, threads, idle, backwards):
    """Do every piece of work once; threads below ``idle`` leave their part to the others."""
    parts = deal(len(done), threads)
    for t in prange(threads):
        k = 0
        i = NONE if t < idle else next_piece(parts, t, backwards)
        while i != NONE:
            done[i] += 1
            turn[i] = k
            k += 1
            i = next_piece(parts, t, backwards)


@pytest.mark.parametrize("backwards", [False, True])
@pytest.mark.parametrize("count", [0, 1, 2, 7, 5_000])
@pytest.mark.parametrize("threads", [1, 2, 5])
def test_every_piece_is_done_once(count: int, threads: int, backwards: bool) -> None:
    done = np.zeros(count, np.int64)
    _share(done, np.zeros_like(done), threads, 0, backwards)
    assert (done == 1).all()


@pytest.mark.parametrize("backwards", [False, True])
def test_a_thread_that_does_nothing_is_helped(backwards: bool) -> None:
    done = np.zeros(1_000, np.int64)
    _share(done, np.zeros_like(done), 3, 2, backwards)
    assert (done == 1).all()


def test_a_part_is_taken_from_either_end() -> None:
    turn = np.zeros(10, np.int64)
    _share(np.zeros(10, np.int64), turn, 1, 0, False)
    assert turn.tolist() == list(range(10))
    _share(np.zeros(10, np.int64), turn, 1, 0, True)
    assert turn.tolist() == list(reversed(range(10)))
