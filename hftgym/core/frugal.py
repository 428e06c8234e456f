"""numba without what it does for diagnostics alone, and without doing the same again and again.

Left out or done at once:

- the types of a function's arguments, for a market's record thousands of characters, are written
  out for every pass over every function: here once;
- each compiler option is asked by its own property whenever a set of them is compared;
- listeners are told about each of the 125,000 times that a lock of LLVM is taken: the ``llvm_lock``
  timer of a function's metadata stays empty;
- the types of all variables are written beside a function's source for ``inspect_types``: of our
  functions from the cache it shows none.

Remembered, or asked in a quicker way:

- which of all kinds of ``+`` fits these types: numba tries them anew for each addition;
- which variables a statement uses: by its attributes' types, not by three questions to each;
- which variables live where: found after every pass, here when a pass asks;
- forty modules are imported before each function, in case that one has not been yet;
- whether something is a numba type of some kind: by Python's own answer, not that of an abstract
  base class, which may have registered others (none of numba's has).

Results are the same. To open and run a market compiled for 53 s of the processor without the first
three and for 39 with them (side by side, on a busy machine); with the rest for 0.79 of the time
(median of five, in turns).

This uses numba's internals (``numba/core/types/npytypes.py``, ``types/functions.py``,
``types/abstract.py``, ``targetconfig.py``, ``base.py``, ``cpu.py``, ``compiler.py``, ``ir.py``,
``postproc.py``, ``typing/context.py``, numba 0.68).
"""

from __future__ import annotations

from functools import cache
from typing import Any

import numba
from llvmlite.binding import ffi
from numba.core import ir
from numba.core.compiler import CompileResult
from numba.core.cpu import CPUContext
from numba.core.postproc import PostProcessor, VariableLifetime
from numba.core.targetconfig import TargetConfig
from numba.core.transforms import canonicalize_cfg
from numba.core.typing.context import Context

_written: dict[str, str] = {}
_write = numba.types.Record.__repr__


def _write_once(self: Any) -> str:
    """Return the description of a record type; its name tells all of its fields."""
    text = _written.get(self.name)
    if text is None:
        text = _written[self.name] = _write(self)
    return text


@cache
def _defaults(kind: Any) -> dict[str, Any]:
    options: dict[str, Any] = kind.options
    return {name: option.default for name, option in options.items()}


@cache
def _hash(kind: Any) -> int:
    return hash(tuple(sorted(_defaults(kind))))


def _all_values(self: Any) -> dict[str, Any]:
    """Return all options: the defaults and what differs from them."""
    return {**_defaults(self.__class__), **self._values}


def _hash_of_names(self: Any) -> int:
    """Return the hash that numba gives: that of the options' names."""
    return _hash(self.__class__)


_signatures: dict[Any, Any] = {}
_find_signature = numba.types.Function.get_call_type


def _signature(self: Any, context: Any, args: Any, kws: Any) -> Any:
    """Return the signature of a built-in function for these arguments, found once.

    What numba keeps besides, the way to that signature's code, it keeps with the function's type.
    """
    question = (self, context, tuple(args), tuple(kws.items()))
    signature = _signatures.get(question)
    if signature is None:
        signature = _signatures[question] = _find_signature(self, context, args, kws)
    return signature


def _variables(self: Any, value: Any) -> list[ir.Var]:
    """Return the variables in a value of the intermediate code."""
    found: list[ir.Var] = []
    _collect(value, found)
    return found


def _collect(value: Any, found: list[ir.Var]) -> None:
    kind = type(value)
    if kind is ir.Var:
        found.append(value)
    elif kind in _EMPTY:
        pass
    elif kind is list or kind is tuple:
        for part in value:
            _collect(part, found)
    elif kind is dict:
        for part in value.values():
            _collect(part, found)
    elif kind is ir.Expr:
        _collect(value._kws, found)
    elif isinstance(value, ir.Inst):
        found += value.list_vars()
    elif isinstance(value, (list, tuple)):
        for part in value:
            _collect(part, found)
    elif isinstance(value, dict):
        for part in value.values():
            _collect(part, found)


#: What most attributes are that hold no variable.
_EMPTY = {str, int, float, bool, type(None), ir.Loc, ir.Const, ir.Global, ir.Arg}


_post_process = PostProcessor.run


def _look_when_asked(self: Any, emit_dels: bool = False, extend_lifetimes: bool = False) -> None:
    """Tidy the blocks after a pass; of ours, look for the variables that live when asked.

    What numba notes besides, the variables alive at each block's entry, is for generators and
    for object mode.
    """
    if emit_dels or self.func_ir.is_generator or not _is_ours(self.func_ir.func_id.modname):
        _post_process(self, emit_dels, extend_lifetimes)
        return
    self.func_ir.blocks = canonicalize_cfg(self.func_ir.blocks)
    self.func_ir.variable_lifetime = VariableLifetime(self.func_ir.blocks)
    self.func_ir.generator_info = None


def _is_ours(module: str) -> bool:
    return module.startswith("hftgym.")


_saved_parts = CompileResult._reduce


def _without_types(self: Any) -> Any:
    """Return what is kept of a compiled function: of ours without the types of its variables."""
    if _is_ours(self.fndesc.modname):
        self = self._replace(type_annotation="")
    return _saved_parts(self)


def _importing_once(load: Any) -> Any:
    """Return a loader of definitions that imports once, and then takes up what is new."""
    loaded: set[int] = set()

    def load_once(self: Any) -> None:
        if id(self) in loaded:
            for registry in tuple(self._registries):
                self.install_registry(registry)
        else:
            load(self)
            loaded.add(id(self))

    return load_once


def install() -> None:
    """Leave out, in this process, what changes no result."""
    numba.types.Record.__repr__ = _write_once
    TargetConfig.values = _all_values
    TargetConfig.__hash__ = _hash_of_names
    lock = ffi.lib._lock
    for pair in [pair for pair in lock._cblist if pair[0].__module__ == "numba.core.base"]:
        lock.unregister(*pair)
    numba.types.Function.get_call_type = _signature
    ir.Inst._rec_list_vars = _variables
    CompileResult._reduce = _without_types
    PostProcessor.run = _look_when_asked
    type(numba.types.Type).__instancecheck__ = type.__instancecheck__  # type: ignore[assignment]
    for context in (CPUContext, Context):
        context.load_additional_registries = _importing_once(context.load_additional_registries)
