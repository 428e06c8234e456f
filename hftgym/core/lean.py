"""Leaves that are linked into their callers and never loaded themselves.

numba makes every function ready to be called from Python: two rounds of all optimisations, machine
code, a wrapper. A leaf of the core is only ever called by compiled code, into which it is linked,
optimised again and turned into machine code once more. So for leaves that carry ``MARK`` in their
name the second round and all that follows it are left out; they are kept as LLVM's bitcode. To
open and run a market compiles for 55 s of the processor instead of 123 (on a busy machine).

The copies in their caller belong to it alone, and LLVM is told so: it then sees that they never
raise, and drops the check behind each call (an event of a market took 0.95 times as long, in
turns with the code before).

This uses numba's internals (``numba/core/codegen.py``, ``cpu.py``, numba 0.68).
"""

from __future__ import annotations

from typing import Any

import llvmlite.binding as ll
import numba
from numba import _dynfunc
from numba.core.codegen import JITCodeLibrary, JITCPUCodegen
from numba.core.cpu import CPUContext

#: Begins the name of a function that is linked only.
MARK = "linked_"
_KIND = "linked"

_optimize = JITCodeLibrary._optimize_final_module
_finalize = JITCodeLibrary._finalize_final_module
_pointer = JITCodeLibrary.get_pointer_to_function
_serialize = JITCodeLibrary.serialize_using_object_code
_unserialize = JITCodeLibrary._unserialize.__func__
_executable = CPUContext.get_executable


def _is_linked(library: Any) -> bool:
    return bool(library.name.startswith(MARK))


@numba.njit
def _not_callable():
    raise TypeError("a linked leaf of hftgym is called by compiled code alone")


def _entry_point() -> int:
    """Return the address that stands where Python would call a linked leaf: it raises."""
    if not _not_callable.overloads:
        _not_callable.compile(())
    (compiled,) = _not_callable.overloads.values()
    return int(_pointer(compiled.library, compiled.fndesc.llvm_cpython_wrapper_name))


def _optimize_once(self: Any) -> None:
    if not _is_linked(self):
        for function in self._final_module.functions:
            if not function.is_declaration and MARK in function.name:
                function.linkage = "internal"  # nobody else calls this copy
        _optimize(self)
        return
    passes, builder = self._codegen._module_pass_manager(
        loop_vectorize=False, slp_vectorize=False, opt=self._codegen._opt_level, cost="cheap"
    )
    passes.run(self._final_module, builder)


def _keep_module(self: Any) -> None:
    if not _is_linked(self):
        _finalize(self)
        return
    self._finalize_dynamic_globals()
    self._verify_declare_only_symbols()
    self._finalized = True


def _no_pointer(self: Any, name: str) -> int:
    if not _is_linked(self):
        return int(_pointer(self, name))
    self._ensure_finalized()
    return 0


def _serialize_module(self: Any) -> tuple[str, str, Any]:
    if not _is_linked(self):
        return _serialize(self)  # type: ignore[no-any-return]
    return self.name, _KIND, self._get_module_for_linking().as_bitcode()


def _unserialize_module(cls: Any, codegen: Any, state: tuple[str, str, Any]) -> Any:
    name, kind, data = state
    if kind != _KIND:
        return _unserialize(cls, codegen, state)
    library = codegen.create_library(name)
    library._shared_module = library._final_module = ll.parse_bitcode(data)
    library._finalized = True
    return library


def _no_executable(self: Any, library: Any, fndesc: Any, env: Any) -> Any:
    if not _is_linked(library):
        return _executable(self, library, fndesc, env)
    library._ensure_finalized()
    name = fndesc.qualname.split(".")[-1]
    return _dynfunc.make_function(
        fndesc.lookup_module(), name, f"{name}, linked", _entry_point(), env, (library,)
    )


def _set_env(self: Any, env_name: str, env: Any) -> None:
    """Set the environment of a function that was loaded; a linked one has none of its own."""
    if self._engine.get_global_value_address(env_name):
        _given_env(self, env_name, env)


_given_env = JITCPUCodegen.set_env


def install() -> None:
    """Teach numba to link marked functions without loading them."""
    JITCodeLibrary._optimize_final_module = _optimize_once
    JITCodeLibrary._finalize_final_module = _keep_module
    JITCodeLibrary.get_pointer_to_function = _no_pointer
    JITCodeLibrary.serialize_using_object_code = _serialize_module
    JITCodeLibrary._unserialize = classmethod(_unserialize_module)
    CPUContext.get_executable = _no_executable
    JITCPUCodegen.set_env = _set_env
