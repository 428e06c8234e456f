"""How a record is laid out: aligned, and read by attribute, compiled or not."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import numpy as np

from hftgym.core.jit import INTERPRETED


class _PlainRow(np.record):
    """A ``numpy.record`` whose fields hide attributes of arrays with their name.

    Interpreted, ``order.flags`` would be numpy's own and ``side.base`` its None. Narrow integers
    come with 64 bits: compiled code widens them before it computes, numpy would overflow.
    """

    def __getattribute__(self, name: str) -> Any:
        fields = np.record.__getattribute__(self, "dtype").fields
        if name not in fields:
            return np.record.__getattribute__(self, name)
        value = self[name]
        return np.int64(value) if type(value) in _NARROW else value


_NARROW = (np.int8, np.int32)


_ROW = _PlainRow if INTERPRETED else np.record


LINE = 64  # bytes of a line of the processor's cache


def zeros(count: int, dtype: np.dtype) -> np.ndarray:
    """Return zeroed records, shape (count,), the first at the beginning of a line of the cache."""
    memory = np.zeros(count * dtype.itemsize + LINE, np.uint8)
    first = -memory.ctypes.data % LINE
    return memory[first : first + count * dtype.itemsize].view(dtype)


def record(fields: list[tuple], lines: Collection[str] = ()) -> np.dtype:
    """Return an aligned dtype whose elements are ``numpy.record`` (attribute access).

    Fields in ``lines`` begin at a multiple of 64 bytes, and so does the next of these records.
    numpy forgets the alignment of a ``numpy.record``; so nested ones stand behind an explicit
    filler, and a record that nests others has a size that is a multiple of 8.
    """
    placed: list[tuple] = []
    nested = False
    for field in fields:
        if isinstance(field[1], np.dtype):
            nested = True
            _fill(placed)
        if field[0] in lines:
            _fill(placed, LINE)
        placed.append(field)
    if nested:
        _fill(placed)
    if lines:
        _fill(placed, LINE)
    return np.dtype((_ROW, np.dtype(placed, align=True)))


def _fill(placed: list[tuple], size: int = 8) -> None:
    """Append a filler up to a multiple of ``size`` bytes, if one is needed."""
    if not placed:
        return
    layout = np.dtype(placed, align=True)
    last = layout.names[-1]  # type: ignore[index]
    end = layout.fields[last][1] + layout.fields[last][0].itemsize  # type: ignore[index]
    if end % size:
        placed.append((f"_fill_{len(placed)}", "u1", (-end % size,)))
