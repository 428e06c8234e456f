"""Calling a participant's compiled function through its address, and reaching its own state.

A strategy is compiled once, apart from the loop, to a C function of six pointers. The loop gets a
table of addresses (a TABLE record), so editing or adding a strategy does not recompile the loop.
Un-jitted, the table is a list of participants.

The pointers lie inside the market record: ``params`` and ``memory`` are byte slots that the
strategy reads as its own records, ``own`` begins in a shared pool. Sizes and signatures are checked
where the table is built (``hftgym.participants.base``); a wrong signature would be a crash.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from llvmlite import ir
from numba import from_dtype, types
from numba.extending import intrinsic

from hftgym.core.jit import INTERPRETED
from hftgym.core.records import OUT, OWN, RNG, VIEW, own_fields, record

VIEW_T = from_dtype(VIEW)
OWN_T = from_dtype(OWN)
RNG_T = from_dtype(RNG)
OUT_T = from_dtype(OUT)


def decide_signature(params: np.dtype, memory: np.dtype) -> Any:
    """Return ``int64(view, own, params, memory, rng, out)`` for these record types."""
    return types.int64(VIEW_T, OWN_T, from_dtype(params), from_dtype(memory), RNG_T, OUT_T)


@intrinsic
def _call(typingctx, address, view, own, part, out):  # type: ignore[no-untyped-def]
    signature = types.int64(types.int64, view, own, part, out)

    def codegen(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        pointer = ir.IntType(8).as_pointer()
        base = builder.bitcast(args[3], pointer)

        def field(name: str) -> Any:
            offset = ir.Constant(ir.IntType(64), part.offset(name))
            return builder.gep(base, [offset])

        function = ir.FunctionType(ir.IntType(64), [pointer] * 6)
        target = builder.inttoptr(args[0], function.as_pointer())
        return builder.call(
            target,
            [
                builder.bitcast(args[1], pointer),
                builder.bitcast(args[2], pointer),
                field("params"),
                field("memory"),
                field("rng"),
                builder.bitcast(args[4], pointer),
            ],
        )

    return signature, codegen


@intrinsic
def _record_at(typingctx, pool, offset):  # type: ignore[no-untyped-def]
    signature = OWN_T(pool, types.int64)

    def codegen(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        array = context.make_array(sig.args[0])(context, builder, args[0])
        data = builder.bitcast(array.data, ir.IntType(8).as_pointer())
        where = builder.gep(data, [args[1]])
        return builder.bitcast(where, context.get_value_type(OWN_T))

    return signature, codegen


if INTERPRETED:

    def own_state(m: Any, p: int) -> Any:
        """Return what participant ``p`` knows of itself, a record that begins in the pool."""
        part = m.part[p]
        dtype = record(own_fields(max(int(part.own_capacity), 1)))
        start = int(part.own_offset)
        # A participant without order slots still has the type's one slot behind its header.
        raw = m.own[start : start + dtype.itemsize]
        return raw.view(dtype)[0]

    def call_decide(table: Any, row: int, view: Any, own: Any, part: Any, out: Any) -> int:
        """Call the strategy in ``row`` of the table; the number of messages it sends."""
        strategy = table[row]
        params = part.params[: strategy.params_dtype.itemsize].view(strategy.params_dtype)[0]
        memory = part.memory[: strategy.memory_dtype.itemsize].view(strategy.memory_dtype)[0]
        return int(strategy.function(view, own, params, memory, part.rng, out))

else:
    from hftgym.core.jit import leaf

    @leaf
    def own_state(m, p):
        """Return what participant ``p`` knows of itself, a record that begins in the pool."""
        return _record_at(m.own, m.part[p].own_offset)

    @leaf
    def call_decide(table, row, view, own, part, out):
        """Call the strategy in ``row`` of the table; the number of messages it sends."""
        return _call(table.address[row], view, own, part, out)
