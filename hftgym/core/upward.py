"""Indices that count upwards only, in the compiled code of the simulator.

numba lets an index be negative, as Python does: each time that a record of the market names another
one, two instructions wait for the index before its address is known. No index here is negative;
``NUMBA_BOUNDSCHECK=1`` refuses one that is. Whoever compiles other functions beside them, a
strategy of their own, keeps what Python does.

This uses numba's internals (``numba/np/arrayobj.py``, numba 0.68).
"""

from __future__ import annotations

from typing import Any

from numba import types
from numba.np import arrayobj

#: How the compiled names of functions of the simulator begin.
_OURS = ("_ZN6hftgym4core", "_ZN6hftgym12participants", "_ZN6hftgym4envs")

_fix = arrayobj.fix_integer_index


def _index(context: Any, builder: Any, kind: Any, index: Any, size: Any) -> Any:
    if builder.function.name.startswith(_OURS):
        return context.cast(builder, index, kind, types.intp)
    return _fix(context, builder, kind, index, size)


def install() -> None:
    """Teach numba to take an index of the simulator's functions as it is."""
    arrayobj.fix_integer_index = _index
