"""Linked leaves: part of every kernel that calls them, and nothing that Python can call."""

from __future__ import annotations

import numpy as np
import pytest

from hftgym.core import lean
from hftgym.core.jit import INTERPRETED, kernel
from hftgym.core.queue import event_class
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
    assert event_class.py_func.__qualname__ == f"{lean.MARK}event_class"
    with pytest.raises(TypeError):
        event_class(np.uint64(3) << np.uint64(60))


@compiled_only
def test_it_has_no_machine_code_of_its_own() -> None:
    Simulator("default", seed=1).advance(0.1)
    class_of(np.uint64(1))
    # A fresh one, so that it was compiled here and not loaded.
    event_class.compile("(int64,)")
    for compiled in event_class.overloads.values():
        assert compiled.library.name.startswith(lean.MARK)
        assert not compiled.library._object_caching_enabled or not compiled.library._compiled
        assert "event_class" in str(compiled.library._get_module_for_linking())


def test_leaves_of_random_streams_stay_callable() -> None:
    with np.errstate(over="ignore"):
        assert int(mix(np.uint64(1))) == 0x5692161D100B05E5
