"""Plain orders and cancels from Python at the cost of a built-in function.

numba's way from Python looks up the types of the arguments, packs them into a tuple, gives up
Python's lock and takes it again: more than a plain order costs. Here C functions get the arguments
as they lie (``METH_FASTCALL`` of CPython), read them as int64 and return a Python int. With them
``OrderBook.submit`` and ``cancel`` are called twice as often a second (0.63M became 1.22M, medians
of nine rounds each, in turn on a busy machine).
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from functools import cache
from typing import Any, NamedTuple

from numba import types
from numba.extending import intrinsic

from hftgym.core import bare
from hftgym.core.jit import INTERPRETED, c_function

#: ``PyObject *f(PyObject *self, PyObject *const *args, Py_ssize_t count)``
_SIGNATURE = types.intp(types.intp, types.CPointer(types.intp), types.intp)
_FASTCALL = 0x0080  # METH_FASTCALL of CPython's methodobject.h


class Quick(NamedTuple):
    """What Python calls: see ``bare.add`` and ``bare.drop``.

    All arguments are ints: one that is too wide for int64 raises OverflowError, one that is
    something else TypeError, another number of arguments SystemError.
    """

    add: Callable[[int, int, int, int, int], int]
    drop: Callable[[int, int, int], int]


class _MethodDef(ctypes.Structure):
    """PyMethodDef of CPython's methodobject.h."""

    _fields_ = (
        ("name", ctypes.c_char_p),
        ("function", ctypes.c_void_p),
        ("flags", ctypes.c_int),
        ("doc", ctypes.c_char_p),
    )


_kept: list[Any] = []  # definitions and machine code, which what Python calls points to


@intrinsic
def _as_int(typingctx, item):  # type: ignore[no-untyped-def]
    """Return a Python int as int64; one that is too wide sets an error."""

    def codegen(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        api = context.get_python_api(builder)
        return api.long_as_longlong(builder.inttoptr(args[0], api.pyobj))

    return types.int64(types.intp), codegen


@intrinsic
def _from_int(typingctx, value):  # type: ignore[no-untyped-def]
    """Return a new Python int."""

    def codegen(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        api = context.get_python_api(builder)
        made = api.long_from_longlong(args[0])
        return builder.ptrtoint(made, context.get_value_type(types.intp))

    return types.intp(types.int64), codegen


@intrinsic
def _error(typingctx):  # type: ignore[no-untyped-def]
    """Return whether an error is set."""

    def codegen(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        api = context.get_python_api(builder)
        return builder.icmp_unsigned("!=", api.err_occurred(), api.get_null_object())

    return types.boolean(), codegen


def _add(self, args, count):  # type: ignore[no-untyped-def]
    if count != 5:
        return 0  # null: Python raises
    market, log = _as_int(args[0]), _as_int(args[1])
    side, px, lots = _as_int(args[2]), _as_int(args[3]), _as_int(args[4])
    if _error():
        return 0
    return _from_int(bare.add(market, log, side, px, lots))


def _drop(self, args, count):  # type: ignore[no-untyped-def]
    if count != 3:
        return 0
    market, log, handle = _as_int(args[0]), _as_int(args[1]), _as_int(args[2])
    if _error():
        return 0
    return _from_int(bare.drop(market, log, handle))


def _callable(name: bytes, function: Any) -> Any:
    """Return what Python calls for a C function."""
    compiled = c_function(_SIGNATURE)(function)
    definition = _MethodDef(name, compiled.address, _FASTCALL, None)
    _kept.extend((compiled, definition))
    new = ctypes.pythonapi.PyCFunction_NewEx
    new.restype = ctypes.py_object
    new.argtypes = (ctypes.c_void_p, ctypes.c_void_p, ctypes.c_void_p)
    return new(ctypes.addressof(definition), None, None)


@cache
def quick() -> Quick:
    """Return the functions, compiling them when that has not been done."""
    if INTERPRETED:
        return Quick(bare.add, bare.drop)
    return Quick(_callable(b"add", _add), _callable(b"drop", _drop))
