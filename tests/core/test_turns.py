"""Markets shared among threads: each is stepped once, whoever does it."""

import numpy as np
import pytest
from numba import prange

from hftgym.core.constants import NONE
from hftgym.core.jit import parallel_kernel
from hftgym.core.turns import deal, next_piece


@parallel_kernel
def _share(done, threads, idle):
    """Do every piece of work once; threads below ``idle`` leave their part to the others."""
    parts = deal(len(done), threads)
    for t in prange(threads):
        i = NONE if t < idle else next_piece(parts, t)
        while i != NONE:
            done[i] += 1
            i = next_piece(parts, t)


@pytest.mark.parametrize("count", [0, 1, 2, 7, 5_000])
@pytest.mark.parametrize("threads", [1, 2, 5])
def test_every_piece_is_done_once(count: int, threads: int) -> None:
    done = np.zeros(count, np.int64)
    _share(done, threads, 0)
    assert (done == 1).all()


def test_a_thread_that_does_nothing_is_helped() -> None:
    done = np.zeros(1_000, np.int64)
    _share(done, 3, 2)
    assert (done == 1).all()
