"""numba without its repetitions: what it then says, finds and compares is what it did before."""

from __future__ import annotations

import operator

import numba
import pytest
from llvmlite.binding import ffi
from numba.core import ir
from numba.core.compiler import Flags, run_frontend
from numba.core.postproc import VariableLifetime
from numba.core.registry import cpu_target
from numba.core.targetconfig import TargetConfig

from hftgym.core import frugal
from hftgym.core.jit import INTERPRETED
from hftgym.core.records import LOG_ROW

pytestmark = pytest.mark.skipif(INTERPRETED, reason="nothing is compiled")


def test_a_record_is_described_as_numba_does() -> None:
    kind = numba.from_dtype(LOG_ROW)
    assert repr(kind) == frugal._write(kind)
    assert repr(numba.from_dtype(LOG_ROW)) is repr(kind), "it was written twice"


def test_options_are_equal_where_all_of_them_are() -> None:
    first, second = Flags(), Flags()
    assert first.values() == {name: getattr(first, name) for name in first.options}
    assert first == second and hash(first) == hash(second)
    second.nrt = True
    assert second.values()["nrt"] is True and first != second
    assert hash(first) == hash(tuple(sorted(first.values())))
    assert TargetConfig.values is frugal._all_values


def test_nobody_is_told_about_each_lock_of_llvm() -> None:
    assert not [told for told, _ in ffi.lib._lock._cblist if told.__module__ == "numba.core.base"]


def _statements() -> ir.FunctionIR:
    def sample(a, b):
        total = 0
        for x, y in ((a, b), (b, a)):
            if x > y:
                total += max(x, y, total) * [x, y][0]
            else:
                del x
        return (total, {"a": a})

    return run_frontend(sample)


def test_a_statement_uses_the_variables_that_numba_finds() -> None:
    def plainly(value: object) -> list[str]:
        if isinstance(value, ir.Var):
            return [value.name]
        if isinstance(value, ir.Expr):
            return plainly(value._kws)
        if isinstance(value, (ir.Stmt, ir.Inst)):
            return plainly(value.__dict__)
        parts = value.values() if isinstance(value, dict) else value
        if isinstance(parts, (list, tuple, type({}.values()))):
            return [name for part in parts for name in plainly(part)]
        return []

    seen = 0
    for block in _statements().blocks.values():
        for statement in block.body:
            names = [variable.name for variable in statement.list_vars()]
            assert names == plainly(statement), statement
            seen += len(names)
    assert seen > 40


def test_variables_live_where_numba_finds_them() -> None:
    code = _statements()
    frugal._post_process(frugal.PostProcessor(code))
    eager = code.variable_lifetime
    code.func_id.modname = "hftgym.somewhere"
    frugal.PostProcessor(code).run()
    assert isinstance(code.variable_lifetime, VariableLifetime)
    assert code.variable_lifetime is not eager
    assert code.variable_lifetime.livemap == eager.livemap
    assert code.variable_lifetime.deadmaps == eager.deadmaps


def test_a_signature_is_found_once() -> None:
    context = cpu_target.typing_context
    context.refresh()
    plus = context.resolve_value_type(operator.add)
    args = (numba.int64, numba.float64)
    found = plus.get_call_type(context, args, {})
    assert found == frugal._find_signature(plus, context, args, {})
    assert plus.get_call_type(context, args, {}) is found, "it was looked for twice"
    assert plus.get_impl_key(found) is not None
    with pytest.raises(numba.TypingError):
        plus.get_call_type(context, (numba.int64, numba.types.none), {})


def test_kinds_of_types_are_what_they_were() -> None:
    assert isinstance(numba.int64, numba.types.Integer)
    assert not isinstance(numba.float64, numba.types.Integer)
    assert isinstance(numba.types.literal(3), numba.types.Integer)
    assert not isinstance(3, numba.types.Type)
