"""Compiling ahead: every part fills the cache, a failing one is named, nothing is left running."""

from __future__ import annotations

import pytest

from hftgym import compilation
from hftgym.compilation import CORE, compile_ahead
from hftgym.core import bare, entries
from hftgym.core.jit import INTERPRETED, cache_dir, cache_root
from hftgym.errors import InternalError

compiled_only = pytest.mark.skipif(INTERPRETED, reason="numba is switched off")


@compiled_only
def test_all_parts_of_the_core_are_compiled_and_timed() -> None:
    said: list[str] = []
    result = compile_ahead(said.append, (CORE,))
    names = [name for parts in CORE for name in parts]
    assert list(result["parts"]) == names
    assert [line.split("s  ", 1)[1] for line in said] == names
    assert all(seconds > 0.0 for seconds in result["parts"].values())
    assert len(result["wall_s"]) == 1
    assert result["cache"] == str(cache_root())
    kernels = {
        name
        for module in (bare, entries)
        for name, function in vars(module).items()
        if hasattr(function, "py_func") and function.py_func.__qualname__ == name
    }
    assert {"run_batch", "run_session", "advance_many", "send_one"} <= kernels
    for kernel in kernels - {"enter", "mix", "mix2"}:  # leaves of random streams
        assert any(cache_dir("core").rglob(f"*.{kernel}-*.nbi")), kernel


@compiled_only
def test_a_part_that_fails_is_named_with_its_last_line() -> None:
    with pytest.raises(InternalError, match=r"compiling a wheel failed.*KeyError: 'a wheel'"):
        compile_ahead(lambda _: None, (({"a wheel": lambda: None},),))


def test_nothing_is_compiled_without_numba(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compilation, "INTERPRETED", True)
    said: list[str] = []
    assert compile_ahead(said.append) == {"parts": {}, "wall_s": [], "cache": None}
    assert said == ["NUMBA_DISABLE_JIT is set: nothing is compiled"]
