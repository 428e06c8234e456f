"""Bit tricks that LLVM has as one instruction, with plain-Python twins."""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from hftgym.core.jit import INTERPRETED


@intrinsic
def _leading_zeros(typingctx, word):  # type: ignore[no-untyped-def]
    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.ctlz(args[0], ir.Constant(ir.IntType(1), 1))

    return types.int64(types.uint64), codegen


@intrinsic
def _expect_false(typingctx, condition):  # type: ignore[no-untyped-def]
    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        truth = ir.IntType(1)
        kind = ir.FunctionType(truth, [truth, truth])
        expect = builder.module.declare_intrinsic("llvm.expect", [truth], kind)
        return builder.call(expect, [args[0], ir.Constant(truth, 0)])

    return types.boolean(types.boolean), codegen


if INTERPRETED:

    def rarely(condition: bool) -> bool:
        """Return the condition, which is seldom true."""
        return condition

    def highest_bit(word: Any) -> int:
        """Return the index of the highest set bit of a word that is not zero."""
        return int(word).bit_length() - 1

else:
    from hftgym.core.jit import inlined, leaf

    @inlined
    def rarely(condition):
        """Return the condition, which is seldom true: what it leads to lies apart from the rest."""
        return _expect_false(condition)

    @leaf
    def highest_bit(word):
        """Return the index of the highest set bit of a word that is not zero."""
        return 63 - _leading_zeros(word)
