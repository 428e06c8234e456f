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

from hftgym.core.constants import NONE
from hftgym.core.jit import INTERPRETED, leaf, making_arrays

#: Numbers of a thread, a cache line: the next piece of its part, its end and its beginning.
_ROW = 8


@intrinsic
def _fetch_add(typingctx, array, index):  # type: ignore[no-untyped-def]
    """Add one to an item of an int64 array, at once for all threads; what it was before."""
    signature = types.int64(array, types.int64)

    def codegen(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        data = context.make_array(sig.args[0])(context, builder, args[0]).data
        one = ir.Constant(ir.IntType(64), 1)
        return builder.atomic_rmw("add", builder.gep(data, [args[1]]), one, "monotonic")

    return signature, codegen


@making_arrays
def deal(count, threads):
    """Return the parts of ``count`` pieces of work, one for each thread, none of them taken."""
    parts = np.empty(threads * _ROW, np.int64)
    for t in range(threads):
        parts[t * _ROW] = count * t // threads
        parts[t * _ROW + 1] = count * (t + 1) // threads
        parts[t * _ROW + 2] = parts[t * _ROW]
    return parts


if INTERPRETED:

    def _take(parts: Any, place: int) -> int:
        parts[place] += 1
        return int(parts[place]) - 1

else:

    @leaf
    def _take(parts, place):
        return _fetch_add(parts, place)


@leaf
def next_piece(parts, t, backwards=False):
    """Take a piece of the part of thread ``t``, else of another one; NONE when all are taken.

    A part is taken from its beginning, or ``backwards`` from its end.
    """
    threads = len(parts) // _ROW
    for k in range(threads):
        place = (t + k) % threads * _ROW
        i = _take(parts, place)
        if i < parts[place + 1]:
            return parts[place + 1] + parts[place + 2] - 1 - i if backwards else i
    return NONE
