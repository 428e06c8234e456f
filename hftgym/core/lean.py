"""Leaves that only compiled code calls: linked into their callers, or shared by them.

numba makes every function ready to be called from Python: two rounds of all optimisations, machine
code, a wrapper; and its callers get a copy of it, with which all of that begins anew. Here

- a leaf marked ``LINKED`` is kept as LLVM's bitcode, as it comes out of the compiler. It is
  optimised where it ends up: in the machine code of an entry point. There the copy belongs to that
  alone, and LLVM is told so. It must not raise: its callers do not ask, nor do they empty the place
  of its result before (steps of 64 environments took 0.95 to 0.99 times as long, in turns);
- a leaf marked ``SHARED`` is made machine code once, and whoever calls it calls that. The event
  loop holds the whole exchange: a copy for every entry point is what took long.

``hftgym compile`` took 51 s for a market and a book and 86 s for the environments; with this and
what ``hftgym.core.frugal`` leaves out it takes 32 and 16 (two cores, nothing else on them).

A function from the cache that calls shared ones first loads those. Their symbols are the same in
every process; one that is missing all the same is found before LLVM would end the process.

This uses numba's internals (``numba/core/codegen.py``, ``cpu.py``, ``bytecode.py``,
``callconv.py``, numba 0.68).
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

import llvmlite.binding as ll
import numba
from llvmlite import ir
from numba import _dynfunc
from numba.core import cgutils, config
from numba.core.bytecode import FunctionIdentity
from numba.core.callconv import RETCODE_OK, CPUCallConv, Status, errcode_t, excinfo_ptr_t, excinfo_t
from numba.core.codegen import CPUCodeLibrary, JITCodeLibrary, JITCPUCodegen
from numba.core.cpu import CPUContext

#: Begin the names of the functions, and name what is kept of them.
LINKED = "hftgym_linked_"
SHARED = "hftgym_shared_"
#: What is kept of a function that calls shared ones: where those are found, and the rest.
_CALLER = "caller"

_optimize = JITCodeLibrary._optimize_final_module
_finalize = JITCodeLibrary._finalize_final_module
_pointer = JITCodeLibrary.get_pointer_to_function
_serialize = JITCodeLibrary.serialize_using_object_code
_unserialize = JITCodeLibrary._unserialize.__func__
_link = CPUCodeLibrary.add_linking_library
_executable = CPUContext.get_executable
_identity = FunctionIdentity.from_function.__func__
_call = CPUCallConv.call_function


def _is_linked(library: Any) -> bool:
    return bool(library.name.startswith(LINKED))


def _is_shared(library: Any) -> bool:
    return bool(library.name.startswith(SHARED))


def _called(library: Any) -> dict[Any, None]:
    """Return the shared libraries that one calls, itself or in what is linked into it."""
    called: dict[Any, None] = library.__dict__.setdefault("_hftgym_called", {})
    return called


@numba.njit
def _not_callable():
    raise TypeError("this leaf of hftgym is called by compiled code alone")


def _entry_point() -> int:
    """Return the address that stands where Python would call a leaf: it raises."""
    if not _not_callable.overloads:
        _not_callable.compile(())
    (compiled,) = _not_callable.overloads.values()
    return int(_pointer(compiled.library, compiled.fndesc.llvm_cpython_wrapper_name))


def _link_or_call(self: Any, library: Any) -> None:
    if _is_shared(library):
        library._ensure_finalized()
        _called(self)[library] = None
    else:
        _link(self, library)
        _called(self).update(_called(library))


def _optimize_at_last(self: Any) -> None:
    if _is_linked(self):
        return
    for function in self._final_module.functions:
        if not function.is_declaration and LINKED in function.name:
            function.linkage = "internal"  # nobody else calls this copy
    _optimize(self)


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


def _what_is_kept(self: Any) -> tuple[str, str, Any]:
    kept: tuple[str, str, Any]
    if _is_linked(self):
        kept = self.name, LINKED, self._get_module_for_linking().as_bitcode()
    elif _is_shared(self):
        self._ensure_finalized()
        names = [function.name for function in self.get_defined_functions()]
        kept = self.name, SHARED, (self._get_compiled_object(), names)
    else:
        kept = _serialize(self)
    called = [library._hftgym_origin for library in _called(self)]
    return (self.name, _CALLER, (called, kept)) if called else kept


def _from_what_was_kept(cls: Any, codegen: Any, state: tuple[str, str, Any]) -> Any:
    name, kind, data = state
    if kind == _CALLER:
        called = {_load_shared(*origin): None for origin in data[0]}
        library = _from_what_was_kept(cls, codegen, data[1])
        _called(library).update(called)
        return library
    if kind not in (LINKED, SHARED):
        return _unserialize(cls, codegen, state)
    library = codegen.create_library(name)
    if kind == LINKED:
        library._shared_module = library._final_module = ll.parse_bitcode(data)
        library._finalized = True
    else:
        code, names = data
        library.enable_object_caching()
        library._set_compiled_object(code)
        library._finalize_final_module()
        codegen._engine._defined_symbols.update(names)
    return library


def _load_shared(module: str, name: str, args: tuple[Any, ...], symbol: str) -> Any:
    """Return the library of a shared function, loaded or compiled.

    Raises:
        LookupError: if it does not have the symbol that its caller was compiled with.
    """
    function = getattr(import_module(module), name)
    function.compile(args)
    library = function.overloads[args].library
    *_, found = library._hftgym_origin
    if found != symbol or not library._codegen._engine.is_symbol_defined(symbol):
        raise LookupError(f"{module}.{name} has no symbol {symbol}")
    return library


def _no_executable(self: Any, library: Any, fndesc: Any, env: Any) -> Any:
    if not (_is_linked(library) or _is_shared(library)):
        return _executable(self, library, fndesc, env)
    library._ensure_finalized()
    name = fndesc.qualname.split(".")[-1]
    if _is_shared(library):
        place = fndesc.modname, name.removeprefix(SHARED)
        library._hftgym_origin = *place, tuple(fndesc.argtypes), fndesc.llvm_func_name
    return _dynfunc.make_function(
        fndesc.lookup_module(), name, f"{name}, of compiled code", _entry_point(), env, (library,)
    )


def _same_everywhere(cls: Any, function: Any) -> Any:
    """Return a function's identity; that of a shared one does not count what came before it."""
    identity = _identity(cls, function)
    if identity.func_qualname.startswith(SHARED):
        identity.unique_id = 0
        identity.unique_name = f"{identity.func_qualname}$0"
    return identity


def _set_env(self: Any, env_name: str, env: Any) -> None:
    """Set the environment of a function that was loaded; a linked one has none of its own."""
    if self._engine.get_global_value_address(env_name):
        _given_env(self, env_name, env)


_given_env = JITCPUCodegen.set_env


def _never_raises() -> Any:
    """Return the status of a call that can not fail, as numba asks for it."""
    truth = ir.IntType(1)
    yes, no = ir.Constant(truth, 1), ir.Constant(truth, 0)
    return Status(
        code=ir.Constant(errcode_t, RETCODE_OK.constant),
        excinfoptr=ir.Constant(excinfo_ptr_t, ir.Undefined),
        is_ok=yes,
        is_none=no,
        is_error=no,
        is_stop_iteration=no,
        is_python_exc=no,
        is_user_exc=no,
    )


def _call_plainly(
    self: Any, builder: Any, callee: Any, resty: Any, argtys: Any, args: Any, attrs: Any = None
) -> Any:
    """Call a function; a linked one without asking whether it raised, unless indices are checked.

    Who may return None is asked all the same: numba tells that from a value by the status.
    """
    asked = config.BOUNDSCHECK or isinstance(resty, numba.types.Optional)
    if asked or LINKED not in callee.name:
        return _call(self, builder, callee, resty, argtys, args, attrs)
    result = cgutils.alloca_once(builder, self.get_return_type(resty).pointee)
    excinfo = cgutils.alloca_once(builder, ir.PointerType(excinfo_t), name="excinfo")
    packed = self._get_arg_packer(argtys).as_arguments(builder, args)
    builder.call(callee, [result, excinfo, *packed], attrs=() if attrs is None else tuple(attrs))
    returned = self.context.get_returned_value(builder, resty, builder.load(result))
    return _never_raises(), returned


def install() -> None:
    """Teach numba what marked functions are."""
    CPUCodeLibrary.add_linking_library = _link_or_call
    JITCodeLibrary._optimize_final_module = _optimize_at_last
    JITCodeLibrary._finalize_final_module = _keep_module
    JITCodeLibrary.get_pointer_to_function = _no_pointer
    JITCodeLibrary.serialize_using_object_code = _what_is_kept
    JITCodeLibrary._unserialize = classmethod(_from_what_was_kept)
    CPUContext.get_executable = _no_executable
    FunctionIdentity.from_function = classmethod(_same_everywhere)
    JITCPUCodegen.set_env = _set_env
    CPUCallConv.call_function = _call_plainly
