"""numba without what it does for diagnostics alone, which costs a quarter of its time.

For every pass over every function numba writes out the types of its arguments, which for a market's
record are thousands of characters; it asks each compiler option by its own property whenever it
compares a set of them; and it tells all listeners about each of the 125,000 times that a lock of
LLVM is taken. The first is remembered here, the second asked at once, the third left out: the
``llvm_lock`` timer of a function's metadata then stays empty. Results are the same. To open and run
a market compiles for 39 s of the processor instead of 53 (side by side, on a busy machine).

This uses numba's internals (``numba/core/types/npytypes.py``, ``targetconfig.py``, ``base.py``,
numba 0.68).
"""

from __future__ import annotations

from functools import cache
from typing import Any

import numba
from llvmlite.binding import ffi
from numba.core.targetconfig import TargetConfig

_written: dict[str, str] = {}
_write = numba.types.Record.__repr__


def _write_once(self: Any) -> str:
    """Return the description of a record type; its name tells all of its fields."""
    text = _written.get(self.name)
    if text is None:
        text = _written[self.name] = _write(self)
    return text


@cache
def _defaults(kind: Any) -> dict[str, Any]:
    options: dict[str, Any] = kind.options
    return {name: option.default for name, option in options.items()}


@cache
def _hash(kind: Any) -> int:
    return hash(tuple(sorted(_defaults(kind))))


def _all_values(self: Any) -> dict[str, Any]:
    """Return all options: the defaults and what differs from them."""
    return {**_defaults(self.__class__), **self._values}


def _hash_of_names(self: Any) -> int:
    """Return the hash that numba gives: that of the options' names."""
    return _hash(self.__class__)


def install() -> None:
    """Leave out, in this process, what numba does for diagnostics alone."""
    numba.types.Record.__repr__ = _write_once
    TargetConfig.values = _all_values
    TargetConfig.__hash__ = _hash_of_names
    lock = ffi.lib._lock
    for pair in [pair for pair in lock._cblist if pair[0].__module__ == "numba.core.base"]:
        lock.unregister(*pair)
