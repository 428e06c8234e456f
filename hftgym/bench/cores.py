"""What the cores of this machine can gain at most: arithmetic that shares no memory.

Virtual cores may be halves of one core, and their neighbours may be busy; then two of them are less
than twice one, whatever they run.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import prange

from hftgym.core.constants import NONE
from hftgym.core.jit import parallel_kernel
from hftgym.core.rng import mix
from hftgym.core.turns import deal, next_piece

_PIECES = 64
_ROUNDS = 100_000


@parallel_kernel
def _reckon(ends: Any, rounds: int, threads: int) -> None:
    parts = deal(len(ends), threads)
    for t in prange(threads):
        i = next_piece(parts, t)
        while i != NONE:
            a, b = np.uint64(i), np.uint64(i + len(ends))
            for _ in range(rounds):  # two chains, so that the units of a core are in use
                a, b = mix(a), mix(b)
            ends[i] = a ^ b
            i = next_piece(parts, t)


def reckon(threads: int) -> None:
    """Do some milliseconds of arithmetic on so many threads (``numba.set_num_threads``)."""
    _reckon(np.zeros(_PIECES, np.uint64), _ROUNDS, threads)
