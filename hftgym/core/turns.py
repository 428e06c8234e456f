"""Sharing markets among threads: each has a part of its own, and helps the others when it is done.

A machine that is shared, or markets of unequal work, make one of two equal parts end late, and the
other thread waits. A part of its own keeps a market's memory near the core that had it before.
Which thread does the work changes nothing in it.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from hftgym.core.jit import INTERPRETED, leaf

_APART = 8  # numbers from one thread's counter to the next: a cache line each


@intrinsic
def _fetch_add(typingctx, array, index):  # type: ignore[no-untyped-def]
    """Add one to an item of an int64 array, at once for all threads; what it was before."""
    signature = types.int64(array, types.int64)

    def codegen(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        data = context.make_array(sig.args[0])(context, builder, args[0]).data
        one = ir.Constant(ir.IntType(64), 1)
        return builder.atomic_rmw("add", builder.gep(data, [args[1]]), one, "monotonic")

    return signature, codegen


@leaf
def deal(count, threads):
    """Return a counter for each thread, at the first of its part of ``count`` pieces of work."""
    turns = np.empty(threads * _APART, np.int64)
    for t in range(threads):
        turns[t * _APART] = first_of(t, count, threads)
    return turns


@leaf
def first_of(t, count, threads):
    """Return the first piece of the part of thread ``t``; that of the next one ends it."""
    return count * t // threads


if INTERPRETED:

    def take(turns: Any, t: int) -> int:
        """Take the next piece of the part of thread ``t``."""
        turns[t * _APART] += 1
        return int(turns[t * _APART]) - 1

else:

    @leaf
    def take(turns, t):
        """Take the next piece of the part of thread ``t``, which any thread may do."""
        return _fetch_add(turns, t * _APART)
