"""Markets shared among threads: each is stepped once, whoever does it."""

import numpy as np
import pytest
from numba import prange

from hftgym.core.jit import kernel, parallel_kernel
from hftgym.core.turns import deal, first_of, take


@parallel_kernel
def _share(done, threads, idle):
    """Do every piece of work once; threads below ``idle`` leave their part to the others."""
    count = len(done)
    turns = deal(count, threads)
    for t in prange(threads):
        for k in range(threads):
            owner = (t + k) % threads
            end = first_of(owner + 1, count, threads)
            i = end if t < idle else take(turns, owner)
            while i < end:
                done[i] += 1
                i = take(turns, owner)


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


@kernel
def _parts(sizes, count):
    for t in range(len(sizes)):
        sizes[t] = first_of(t + 1, count, len(sizes)) - first_of(t, count, len(sizes))


def test_parts_differ_by_one_at_the_most() -> None:
    sizes = np.zeros(7, np.int64)
    _parts(sizes, 256)
    assert sizes.sum() == 256
    assert sizes.max() - sizes.min() <= 1
