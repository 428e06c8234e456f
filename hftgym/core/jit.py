"""The one place where functions are compiled, and where compiled code is cached.

A *kernel* is an entry point that Python calls; a *leaf* is called from kernels. Both are cached.
numba stamps a cached function with its own file only: an edit in another file, another
optimisation level or ``NUMBA_BOUNDSCHECK`` would go unnoticed. So the cache folder is keyed by a
digest of all compiled sources up to the layer of the function, of the numba version and of these
settings. Code without a file (a prompt, ``python -c``) is compiled without a cache.
"""

from __future__ import annotations

import hashlib
import logging
import os
import platform
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

import numba
import numpy as np
from numba import config
from numba.core.caching import FunctionCache
from numba.core.types import unliteral

from hftgym.core import frugal, lean, upward
from hftgym.errors import OutputError

F = TypeVar("F", bound=Callable[..., Any])

PACKAGE = Path(__file__).resolve().parents[1]
#: Layers of compiled code, lowest first. A function depends on its own layer and those below.
LAYERS = ("core", "participants", "envs", "analytics", "bench")
#: Layers whose leaves only compiled code calls (``lean``), but for those of the files below.
LEAN = ("core", "envs")
CALLABLE = {"rng.py", "latency.py", "seeds.py"}
#: True when numba is switched off (``NUMBA_DISABLE_JIT=1``): everything runs as plain Python.
INTERPRETED = bool(config.DISABLE_JIT)


def _stable_mangling(self: Any) -> tuple[str, tuple[int]]:
    """Name a record type in symbols by its content.

    numba names it by a number that counts types as they appear, so the same function compiled for
    two record types in two processes can get one symbol; loading both from the cache then calls
    the wrong one, silently. (``numba/core/types/npytypes.py``, class Record, numba 0.68.)
    """
    digest = hashlib.blake2b(str(self).encode(), digest_size=7).digest()
    return "Record", (int.from_bytes(digest, "little"),)


numba.types.Record.mangling_args = property(_stable_mangling)

_load_overload = FunctionCache.load_overload


def _load_or_forget(self: Any, sig: Any, target_context: Any) -> Any:
    """Load compiled code; forget what can not be read (a full disk, a copy cut short).

    numba lets the error of the reader through, and would meet it again at every start.
    """
    try:
        return _load_overload(self, sig, target_context)
    except Exception as error:
        if not Path(self.cache_path).is_relative_to(cache_root()):
            raise
        logging.getLogger("hftgym").warning(
            "cache %s: compiled code of %s can not be read (%s); compiling it again",
            self.cache_path,
            self._name,
            type(error).__name__,
        )
        self.flush()
        return None


FunctionCache.load_overload = _load_or_forget
if not INTERPRETED:
    lean.install()
    frugal.install()
    upward.install()


def cache_root() -> Path:
    """Return the folder that holds all caches (``HFTGYM_CACHE_DIR`` or the user's cache)."""
    chosen = os.environ.get("HFTGYM_CACHE_DIR")
    if chosen:
        return Path(chosen).expanduser()
    base = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return Path(base).expanduser() / "hftgym" / "numba"


@cache
def _sources_digest(layer: str) -> str:
    digest = hashlib.blake2b(digest_size=8)
    settings = (
        numba.__version__,
        np.__version__,
        platform.python_version(),
        platform.machine(),
        config.BOUNDSCHECK,
        config.OPT,
    )
    digest.update(repr(settings).encode())
    for name in LAYERS[: LAYERS.index(layer) + 1]:
        for source in sorted((PACKAGE / name).glob("*.py")):
            if not source.name.startswith("reference"):
                digest.update(source.name.encode() + b"\0" + source.read_bytes())
    return digest.hexdigest()


def layer_of(path: Path) -> str:
    """Return the layer of a source file; a file outside the package stands above all of them."""
    try:
        part = path.resolve().relative_to(PACKAGE).parts[0]
    except ValueError:
        return LAYERS[-1]
    return part if part in LAYERS else LAYERS[-1]


@cache
def cache_dir(layer: str = LAYERS[-1]) -> Path:
    """Return the private cache folder of one layer of compiled code, making it when needed.

    Raises:
        OutputError: if the folder can not be made, belongs to somebody else, or others may write to
            it: who writes to a cache of compiled code runs code as its reader.
    """
    folder = cache_root() / f"{layer}-{_sources_digest(layer)}"
    way_out = "set HFTGYM_CACHE_DIR to a private folder that you can write to"
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        status = folder.stat()
    except OSError as error:
        raise OutputError("HG-O050", f"cache {folder}: {error.strerror}; {way_out}") from error
    if hasattr(os, "getuid") and (status.st_uid != os.getuid() or status.st_mode & 0o022):
        raise OutputError(
            "HG-O051",
            f"cache {folder}: mode {status.st_mode & 0o777:o}, owner {status.st_uid}; compiled "
            f"code must be yours and writable by you alone: remove the folder or {way_out}",
        )
    return folder


@cache
def announce_compilation() -> None:
    """Say, once, that the first start takes longer: when no compiled market is in the cache."""
    # The event loop: leaves of strategies are compiled as soon as those are imported.
    if not INTERPRETED and not any(cache_dir("core").rglob(f"loop.{lean.SHARED}advance-*.nbc")):
        logging.getLogger("hftgym").warning(
            "hftgym: compiling the market for this machine: about a minute, once"
        )


def _compile(function: F, decorate: Callable[..., Any]) -> F:
    path = Path(function.__code__.co_filename)
    if not path.is_file():
        return decorate(cache=False)(function)
    # The cache path is fixed at decoration, so other packages keep their own setting.
    previous = config.CACHE_DIR
    config.CACHE_DIR = str(cache_dir(layer_of(path)))
    try:
        return decorate(cache=True)(function)
    finally:
        config.CACHE_DIR = previous


def _widened(kind: Any) -> Any:
    """Return the type as which a leaf takes an argument: every integer up to int64 as int64."""
    kind = unliteral(kind)
    if isinstance(kind, numba.types.Integer) and kind != numba.types.uint64:
        return numba.types.int64
    return kind


def leaf(function: F, mark: str = lean.LINKED, **options: Any) -> F:
    """Compile a function that other compiled functions call.

    It is compiled once for a market's type, not once for each mix of narrow and wide integers that
    its callers read from records (238 compilations and 53 s for the simulator, not 519 and 117 s).
    """
    path = Path(function.__code__.co_filename)
    if layer_of(path) in LEAN and path.name not in CALLABLE and not INTERPRETED:
        function.__qualname__ = mark + function.__qualname__
        options |= {"no_cpython_wrapper": True, "no_cfunc_wrapper": True}
        options.setdefault("_nrt", False)  # no array is made, so nobody counts who refers to one
    # Said, not left out: else a leaf is inlined everywhere when an inlined one compiles it first.
    options.setdefault("forceinline", False)
    compiled: Any = _compile(
        function, lambda **kw: numba.njit(error_model="numpy", **options, **kw)
    )
    if not INTERPRETED:
        template = compiled.get_call_template
        compiled.get_call_template = lambda args, kws: template(tuple(map(_widened, args)), kws)
    return compiled  # type: ignore[no-any-return]


def shared(function: F) -> F:
    """Compile a leaf to machine code that all its callers share, not to a part of each of them.

    For few and large ones: what all entry points need, called once for many instructions.
    """
    return leaf(function, lean.SHARED)


def inlined(function: F) -> F:
    """Compile a leaf that LLVM always inlines: on the way of every plain order.

    For short ones: calls with many arguments took more time than what they did (72 ns a message of
    the bench stream, 55 with these). Inlining the long ones too lets LLVM compile for minutes.
    """
    return leaf(function, forceinline=True)


def making_arrays(function: F) -> F:
    """Compile a leaf that makes arrays: with the code that counts who refers to one."""
    return leaf(function, _nrt=True)


def kernel(function: F) -> F:
    """Compile an entry point. Its arguments are arrays and scalars, never records (slow)."""
    return _compile(function, lambda **kw: numba.njit(error_model="numpy", nogil=True, **kw))


def parallel_kernel(function: F) -> F:
    """Compile an entry point with ``prange`` over independent markets."""
    return _compile(
        function, lambda **kw: numba.njit(error_model="numpy", nogil=True, parallel=True, **kw)
    )


def entry_point(function: Any, *args: Any) -> Callable[..., Any]:
    """Return what calls a kernel with arguments of the same types as these.

    numba finds out the types of all arguments at every call, which took 0.9 of the 1.6 us of a call
    with two tuples of arrays. This one does not look: arguments of other types are not refused.
    """
    if INTERPRETED:
        return function  # type: ignore[no-any-return]
    types = tuple(numba.typeof(argument) for argument in args)
    function.compile(types)
    return function.overloads[types].entry_point  # type: ignore[no-any-return]


def c_function(signature: Any) -> Callable[[F], Any]:
    """Compile a function that is called through its address (a participant's ``decide``)."""
    if INTERPRETED:
        return lambda function: function
    return lambda function: _compile(
        function, lambda **kw: numba.cfunc(signature, error_model="numpy", **kw)
    )
