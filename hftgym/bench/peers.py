"""A peer to judge the books by: orderly-chaos, a limit order book in C++ by others (MIT).

It is optional (``pip install 'hftgym[peers]'``) and knows what the stream needs: price-time
priority, cancels by id, an event for each trade. It is played in two ways: through its C interface
from compiled code, which is the speed of the book itself, and message by message from Python, which
is what its users there pay.
"""

from __future__ import annotations

import ctypes
import importlib
import time
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import llvmlite.binding
import numpy as np
import numpy.typing as npt
from numba import carray, from_dtype, types

from hftgym.bench.yardstick import Played
from hftgym.core.constants import BUY, SELL, MessageKind
from hftgym.core.jit import INTERPRETED, c_function, kernel

PEER = "orderly-chaos"
_MODULE = "orderly_chaos"
_MARKET = int(MessageKind.MARKET)
_CANCEL = int(MessageKind.CANCEL)
_OK = 0

# The peer's C structures (orderly_chaos.h, version 0.2).
_TRADE = np.dtype(
    [
        ("taker", "u8"),
        ("maker", "u8"),
        ("px", "u8"),
        ("lots", "u4"),
        ("maker_left", "u4"),
        ("taker_side", "i4"),
    ],
    align=True,
)
_LEVEL = np.dtype([("px", "u8"), ("lots", "u8"), ("orders", "u8")])
_limit = types.ExternalFunction(
    "oc_book_limit",
    types.int32(types.uintp, types.int32, types.uint64, types.uint32, types.uint64, types.uintp),
)
_market = types.ExternalFunction(
    "oc_book_market", types.int32(types.uintp, types.int32, types.uint64, types.uint32, types.uintp)
)
_cancel = types.ExternalFunction("oc_book_cancel", types.int32(types.uintp, types.uint64))


def peer_version() -> str | None:
    """Return the version of the peer that is installed here; None without one."""
    try:
        return version(PEER)
    except PackageNotFoundError:
        return None


def play_peer(prefill: npt.NDArray[Any], messages: npt.NDArray[Any]) -> Played:
    """Run a stream through the peer's C interface, called from compiled code.

    Args:
        prefill: messages that build the book; not timed.
        messages: the timed ones; fields as for ``play_yardstick``.

    Raises:
        RuntimeError: if the peer is not installed, refuses a message, or numba is off.
    """
    if INTERPRETED:
        raise RuntimeError("without numba the peer's C interface can not be called")
    library = _library()
    # The count of trades, then their rows; written before the time runs, as for the yardstick.
    tape = np.zeros(1 + 4 * 2 * (len(prefill) + len(messages)), np.int64)
    tape[:] = 0
    book = library.oc_book_new()
    try:
        library.oc_book_set_trade_callback(book, _note.address, tape.ctypes.data)
        refused = _drive(prefill, book)
        tape[0] = 0
        start = time.process_time()
        refused += _drive(messages, book)
        seconds = time.process_time() - start
        if refused:
            raise RuntimeError(f"{PEER} refused {refused} messages")
        levels = np.concatenate([_depth(library, book, side) for side in (BUY, SELL)])
    finally:
        library.oc_book_free(book)
    return Played(seconds, tape[1 : 1 + 4 * tape[0]].reshape(-1, 4).copy(), levels)


def play_peer_from_python(prefill: npt.NDArray[Any], messages: npt.NDArray[Any]) -> Played:
    """Run a stream through the peer's Python interface, one call per message.

    Args:
        prefill: messages that build the book; not timed.
        messages: the timed ones; fields as for ``play_yardstick``.

    Raises:
        RuntimeError: if the peer is not installed.
    """
    module = _module()
    events: list[Any] = []
    with module.LimitOrderBook(on_trade=events.append) as book:
        sides = {BUY: module.Side.BUY, SELL: module.Side.SELL}
        _send_all(book, sides, prefill)
        events.clear()
        seconds = _send_all(book, sides, messages)
        levels = [
            (side, level.price, level.volume, level.count)
            for side in (BUY, SELL)
            for level in book.depth(sides[side], levels=len(prefill) + len(messages))
        ]
    trades = [(e.maker_id, e.taker_id, e.price, e.quantity) for e in events]
    return Played(
        seconds,
        np.array(trades, np.int64).reshape(-1, 4),
        np.array(levels, np.int64).reshape(-1, 4),
    )


def _send_all(book: Any, sides: dict[int, Any], messages: npt.NDArray[Any]) -> float:
    """Send the messages one by one; the seconds that took."""
    rows = messages[["kind", "side", "px", "lots", "id"]].tolist()
    start = time.process_time()
    for kind, side, px, lots, order_id in rows:
        if kind == _CANCEL:
            book.cancel(order_id)
        elif kind == _MARKET:
            book.market(sides[side], order_id, lots)
        else:
            book.limit(sides[side], order_id, lots, px)
    return time.process_time() - start


def _module() -> Any:
    try:
        return importlib.import_module(_MODULE)
    except ModuleNotFoundError as error:
        raise RuntimeError(f"{PEER} is not installed: pip install 'hftgym[peers]'") from error


def _library() -> ctypes.CDLL:
    """Return the peer's C library, and let compiled code find its functions by name."""
    folder = Path(_module().__file__).parent
    (path,) = (p for p in folder.glob("lib_orderly_chaos*") if p.suffix in {".so", ".dylib"})
    library = ctypes.CDLL(str(path))
    for function in (_limit, _market, _cancel):
        address = ctypes.cast(getattr(library, function.symbol), ctypes.c_void_p).value
        llvmlite.binding.add_symbol(function.symbol, address)
    pointer = ctypes.c_void_p
    library.oc_book_new.restype = pointer
    library.oc_book_new.argtypes = ()
    library.oc_book_free.argtypes = (pointer,)
    library.oc_book_set_trade_callback.argtypes = (pointer, pointer, pointer)
    library.oc_book_count.argtypes = (pointer,)
    library.oc_book_count.restype = ctypes.c_uint64
    library.oc_book_depth.argtypes = (pointer, ctypes.c_int32, pointer, ctypes.c_size_t)
    library.oc_book_depth.restype = ctypes.c_size_t
    return library


def _depth(library: ctypes.CDLL, book: int, side: int) -> npt.NDArray[np.int64]:
    """Return the levels of a side, best first, as in ``Played``."""
    rows = np.zeros(library.oc_book_count(book), _LEVEL)
    used = library.oc_book_depth(book, int(side == BUY), rows.ctypes.data, len(rows))
    columns = [rows[name][:used].astype(np.int64) for name in ("px", "lots", "orders")]
    return np.column_stack([np.full(used, side, np.int64), *columns])


@c_function(types.void(types.CPointer(from_dtype(_TRADE)), types.CPointer(types.int64)))
def _note(event: Any, tape: Any) -> None:
    """Append a trade to the tape; the peer calls this for each."""
    trade = carray(event, 1)[0]
    count = carray(tape, 1)
    row = carray(tape, 1 << 40)[1 + 4 * count[0] :]
    row[0] = trade.maker
    row[1] = trade.taker
    row[2] = trade.px
    row[3] = trade.lots
    count[0] += 1


@kernel
def _drive(messages: Any, book: int) -> int:
    """Hand all messages to the peer; the number that it refused."""
    refused = 0
    for k in range(len(messages)):
        msg = messages[k]
        if msg.kind == _CANCEL:
            status = _cancel(book, msg.id)
        elif msg.kind == _MARKET:
            status = _market(book, msg.side == BUY, msg.id, msg.lots, 0)
        else:
            status = _limit(book, msg.side == BUY, msg.id, msg.lots, msg.px, 0)
        refused += status != _OK
    return refused
