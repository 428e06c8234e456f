"""Leaves: part of every kernel that calls them, or shared by all; nothing that Python can call."""

from __future__ import annotations

import dis
import sys
from dataclasses import replace

import numba
import numpy as np
import pytest

from hftgym.core import lean
from hftgym.core.book import _make_room, make_room
from hftgym.core.entries import advance_one
from hftgym.core.jit import INTERPRETED, kernel
from hftgym.core.loop import advance
from hftgym.core.market_class import MARKET_CLASSES
from hftgym.core.queue import event_class
from hftgym.core.records import side_record
from hftgym.core.rng import mix
from hftgym.simulator import Simulator

compiled_only = pytest.mark.skipif(INTERPRETED, reason="nothing is compiled")


@kernel
def class_of(key):
    """Call a linked leaf."""
    return event_class(key)


def test_a_kernel_calls_it() -> None:
    assert class_of(np.uint64(3) << np.uint64(60)) == 3


@compiled_only
def test_python_can_not_call_it() -> None:
    assert event_class.py_func.__qualname__ == f"{lean.LINKED}event_class"
    with pytest.raises(TypeError):
        event_class(np.uint64(3) << np.uint64(60))


def test_none_raises() -> None:
    """Nobody would hear of it."""
    linked = [
        one
        for name, module in list(sys.modules.items())
        if name.startswith("hftgym.")
        for one in vars(module).values()
        if hasattr(one, "py_func") and one.py_func.__qualname__.startswith(lean.LINKED)
    ]
    assert INTERPRETED or len(linked) > 200
    for one in linked:
        operations = {step.opname for step in dis.get_instructions(one.py_func)}
        assert not operations & {"RAISE_VARARGS", "RERAISE"}, one.py_func.__qualname__


@compiled_only
def test_it_has_no_machine_code_of_its_own() -> None:
    Simulator("default", seed=1).advance(0.1)
    class_of(np.uint64(1))
    # A fresh one, so that it was compiled here and not loaded.
    event_class.compile("(int64,)")
    for compiled in event_class.overloads.values():
        assert compiled.library.name.startswith(lean.LINKED)
        assert not compiled.library._object_caching_enabled or not compiled.library._compiled
        assert "event_class" in str(compiled.library._get_module_for_linking())


@compiled_only
def test_a_shared_one_is_called_and_not_copied() -> None:
    market = Simulator("default", seed=1)
    market.advance(0.1)
    advance_one.recompile()  # so that it was compiled here and not loaded
    loops = {loop.library: loop for loop in advance.overloads.values()}
    for entry in advance_one.overloads.values():
        (library,) = lean._called(entry.library)
        symbol = loops[library].fndesc.llvm_func_name
        assert lean.SHARED in symbol
        copy = entry.library.get_function(symbol)
        assert copy.is_declaration, "the entry point has the event loop in itself"
        with pytest.raises(TypeError):
            loops[library].entry_point()


@compiled_only
def test_a_shared_one_with_another_symbol_is_not_called() -> None:
    Simulator("default", seed=1).advance(0.1)
    loop = next(iter(advance.overloads.values()))
    module, name, args, symbol = loop.library._hftgym_origin
    assert lean._load_shared(module, name, args, symbol) is loop.library
    with pytest.raises(LookupError, match=r"hftgym\.core\.loop\.advance has no symbol nonsense"):
        lean._load_shared(module, name, args, "nonsense")


@compiled_only
def test_a_leaf_is_not_inlined_because_an_inlined_one_compiled_it() -> None:
    side = side_record(replace(MARKET_CLASSES["small"], far_levels=77))
    args = (numba.from_dtype(side), numba.int64)  # of no market's size: the inlined one compiles it
    for function, expected in ((make_room, True), (_make_room, False)):
        function.compile(args)
        compiled = function.overloads[args]
        module = compiled.library._get_module_for_linking()
        attributes = module.get_function(compiled.fndesc.llvm_func_name).attributes
        assert any(b"alwaysinline" in text for text in attributes) is expected


@numba.njit
def linked_list(n):
    """Belong to somebody else, whatever it is called."""
    return n + 1


@numba.njit
def shared_list(n):
    """Call another one."""
    return 2 * linked_list(n)


def test_functions_of_others_are_left_alone() -> None:
    assert (linked_list(1), shared_list(1)) == (2, 4)


def test_leaves_of_random_streams_stay_callable() -> None:
    with np.errstate(over="ignore"):
        assert int(mix(np.uint64(1))) == 0x5692161D100B05E5
