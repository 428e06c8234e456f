"""Calling a participant's compiled function through its address, and reaching its own state.

A strategy is compiled once, apart from the loop, to a C function of six pointers, or of seven when
it reads tables of numbers, which lie beside the markets. The loop gets addresses and numbers in one
TABLE record, so editing or adding a strategy does not recompile the loop. Un-jitted, the table is a
``PlainTable``.

The pointers lie inside the market record: ``params`` and ``memory`` are byte slots that the
strategy reads as its own records, ``own`` begins in a shared pool. Sizes and signatures are checked
where the table is built (``hftgym.participants.base``); a wrong signature would be a crash.
"""

from __future__ import annotations

from dataclasses import dataclass
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


def decide_signature(params: np.dtype, memory: np.dtype, *, reads_data: bool = False) -> Any:
    """Return ``int64(view, own, params, memory, rng, out[, data])`` for these record types."""
    data = (types.CPointer(types.float64),) if reads_data else ()
    return types.int64(VIEW_T, OWN_T, from_dtype(params), from_dtype(memory), RNG_T, OUT_T, *data)


@dataclass(frozen=True)
class PlainTable:
    """What TABLE is to compiled code.

    Attributes:
        participants: the strategies, by row.
        data: the numbers of all tables.
    """

    participants: tuple[Any, ...]
    data: Any


def _caller(reads_data: bool) -> Any:
    """Return an intrinsic that calls the function of a participant in a table."""

    @intrinsic
    def call(typingctx, table, view, own, part, out):  # type: ignore[no-untyped-def]
        signature = types.int64(table, view, own, part, out)

        def codegen(context: Any, builder: Any, sig: Any, args: Any) -> Any:
            pointer, word = ir.IntType(8).as_pointer(), ir.IntType(64)

            def field(kind: Any, base: Any, name: str) -> Any:
                start = builder.bitcast(base, pointer)
                return builder.gep(start, [ir.Constant(word, kind.offset(name))])

            row = builder.bitcast(field(part, args[3], "decide"), ir.IntType(32).as_pointer())
            addresses = builder.bitcast(field(table, args[0], "address"), word.as_pointer())
            address = builder.load(builder.gep(addresses, [builder.load(row)]))
            passed = [
                builder.bitcast(args[1], pointer),
                builder.bitcast(args[2], pointer),
                field(part, args[3], "params"),
                field(part, args[3], "memory"),
                field(part, args[3], "rng"),
                builder.bitcast(args[4], pointer),
            ]
            if reads_data:
                passed.append(field(table, args[0], "data"))
            function = ir.FunctionType(word, [pointer] * len(passed))
            return builder.call(builder.inttoptr(address, function.as_pointer()), passed)

        return signature, codegen

    return call


_call = _caller(reads_data=False)
_call_with_data = _caller(reads_data=True)


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

    def call_decide(table: Any, view: Any, own: Any, part: Any, out: Any) -> int:
        """Call the strategy of a participant; the number of messages it sends."""
        strategy = table.participants[part.decide]
        data = (table.data,) if part.reads_data else ()
        params = part.params[: strategy.params_dtype.itemsize].view(strategy.params_dtype)[0]
        memory = part.memory[: strategy.memory_dtype.itemsize].view(strategy.memory_dtype)[0]
        return int(strategy.function(view, own, params, memory, part.rng, out, *data))

else:
    from hftgym.core.jit import leaf

    @leaf
    def own_state(m, p):
        """Return what participant ``p`` knows of itself, a record that begins in the pool."""
        return _record_at(m.own, m.part[p].own_offset)

    @leaf
    def call_decide(table, view, own, part, out):
        """Call the strategy of a participant; the number of messages it sends."""
        if part.reads_data != 0:
            return _call_with_data(table, view, own, part, out)
        return _call(table, view, own, part, out)
