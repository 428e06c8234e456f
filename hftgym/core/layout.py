"""How a record is laid out: aligned, and read by attribute, compiled or not."""

from __future__ import annotations

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


def record(fields: list[tuple]) -> np.dtype:
    """Return an aligned dtype whose elements are ``numpy.record`` (attribute access).

    numpy forgets the alignment of a ``numpy.record``; so nested ones stand behind an explicit
    filler, and a record that nests others has a size that is a multiple of 8.
    """
    placed: list[tuple] = []
    nested = False
    for field in fields:
        if isinstance(field[1], np.dtype):
            nested = True
            _fill(placed)
        placed.append(field)
    if nested:
        _fill(placed)
    return np.dtype((_ROW, np.dtype(placed, align=True)))


def _fill(placed: list[tuple]) -> None:
    """Append a filler up to a multiple of 8 bytes, if one is needed."""
    if not placed:
        return
    layout = np.dtype(placed, align=True)
    last = layout.names[-1]  # type: ignore[index]
    end = layout.fields[last][1] + layout.fields[last][0].itemsize  # type: ignore[index]
    if end % 8:
        placed.append((f"_fill_{len(placed)}", "u1", (8 - end % 8,)))
