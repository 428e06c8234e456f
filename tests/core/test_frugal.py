"""numba without its diagnostics: what it then says and compares is what it said before."""

from __future__ import annotations

import numba
import pytest
from llvmlite.binding import ffi
from numba.core.compiler import Flags
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
