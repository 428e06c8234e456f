"""Asking the processor for memory before it is needed.

With a million live orders nearly every message waits for memory: an order, its neighbours and its
level lie in different cache lines, and none of them is near. A batch knows what comes. So do many
markets that take turns.
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from hftgym.core.jit import INTERPRETED, inlined

_TO_WRITE = (1, 3)  # into all levels of the cache
_TO_READ_LATER = (0, 2)  # not into the first one, where what is in use now has its place


def _call(builder: Any, address: Any, write: int, locality: int) -> None:
    byte, word = ir.IntType(8), ir.IntType(32)
    pointer = byte.as_pointer()
    kind = ir.FunctionType(ir.VoidType(), [pointer, word, word, word])
    call = builder.module.declare_intrinsic("llvm.prefetch", [pointer], kind)
    hints = [ir.Constant(word, hint) for hint in (write, locality, 1)]  # 1: data
    builder.call(call, [builder.bitcast(address, pointer), *hints])


@intrinsic
def _prefetch(typingctx, record):  # type: ignore[no-untyped-def]
    signature = types.void(record)

    def codegen(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        _call(builder, args[0], *_TO_WRITE)
        return context.get_dummy_value()

    return signature, codegen


def _of_item(hints: tuple[int, int]) -> Any:
    @intrinsic
    def ask(typingctx, array, index):  # type: ignore[no-untyped-def]
        signature = types.void(array, types.int64)

        def codegen(context: Any, builder: Any, sig: Any, args: Any) -> Any:
            data = context.make_array(sig.args[0])(context, builder, args[0]).data
            _call(builder, builder.gep(data, [args[1]]), *hints)
            return context.get_dummy_value()

        return signature, codegen

    return ask


_prefetch_item = _of_item(_TO_WRITE)
_prefetch_early = _of_item(_TO_READ_LATER)


if INTERPRETED:

    def prefetch(record: Any) -> None:
        """Do nothing: an interpreter has other worries."""

    def prefetch_item(array: Any, index: int) -> None:
        """Do nothing."""

    def prefetch_early(array: Any, index: int) -> None:
        """Do nothing."""

else:

    @inlined
    def prefetch(record):
        """Ask for the cache line in which a record begins."""
        _prefetch(record)

    @inlined
    def prefetch_item(array, index):
        """Ask for the cache line in which an item of an array begins."""
        _prefetch_item(array, index)

    @inlined
    def prefetch_early(array, index):
        """Ask for the cache line in which an item begins that is not needed at once.

        The index counts all items, whatever the shape of the array.
        """
        _prefetch_early(array, index)
