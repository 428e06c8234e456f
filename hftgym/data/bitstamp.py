"""Bitstamp reader: every order event of a whole exchange book, with trades and snapshots.

The log (recorded from Bitstamp's public order feed in 2015, published with the R package
ob-analytics) has one message a line: milliseconds since 1970 when it was received, its name, and a
JSON object. ``order_created``, ``order_changed`` and ``order_deleted`` carry the order's id, price,
side and the amount that is open *after* the event; ``trade`` names no order and no side;
``order_book`` is a snapshot of the best levels. The same order events exist as a table, with the
volume in whole satoshi: trades and snapshots are absent then. Both may be packed with xz.
"""

from __future__ import annotations

import hashlib
import json
import lzma
import re
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Context, Decimal
from enum import IntEnum
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
from numpy.typing import NDArray

from hftgym.data.integer_csv import IntArray, read_bytes
from hftgym.errors import DataError

SATOSHI_DECIMALS = 8  # of a bitcoin
CENT_DECIMALS = 2  # of a dollar
MAX_CENTS = 10**10
MAX_SATOSHI = 21 * 10**14  # all bitcoin there will ever be
MS_NS = 10**6
TABLE_COLUMNS = "id,timestamp,exchange.timestamp,price,volume,action,direction"

_XZ_MAGIC = b"\xfd7zXZ\x00"
_MAX_BYTES = 1 << 30
_DECIMAL = re.compile(r"[0-9]{1,12}(\.[0-9]{1,24})?(e-[0-9]{1,2})?")
_EXACT = Context(prec=60)
_SHOWN_CHARS = 40


class BitstampKind(IntEnum):
    """What happened to an order."""

    CREATED = 1
    CHANGED = 2
    DELETED = 3


_KIND_NAMES = {kind.name.lower(): kind for kind in BitstampKind}


@dataclass(frozen=True)
class OrderEvents:
    """Messages about orders, as they were received.

    Attributes:
        t_ns: Nanoseconds since 1970, shape (events,), never falling.
        kind: ``BitstampKind``, shape (events,).
        order_id: The exchange's number of the order, rising with its creation, shape (events,).
        px: Price in cents, shape (events,).
        satoshi: Amount open after a creation or a change; what a deletion left unfilled,
            shape (events,).
        side: +1 buy, -1 sell, shape (events,).
        line: Line of the file, shape (events,).
    """

    t_ns: IntArray
    kind: NDArray[np.int8]
    order_id: IntArray
    px: IntArray
    satoshi: IntArray
    side: NDArray[np.int8]
    line: IntArray


@dataclass(frozen=True)
class Trades:
    """Trades: no order is named, nor who took.

    Attributes:
        t_ns: Nanoseconds since 1970, shape (trades,).
        px: Price in cents, shape (trades,).
        satoshi: Amount, shape (trades,).
        line: Line of the file, shape (trades,).
    """

    t_ns: IntArray
    px: IntArray
    satoshi: IntArray
    line: IntArray


@dataclass(frozen=True)
class Snapshots:
    """The exchange's own picture of the best levels.

    Attributes:
        t_ns: Nanoseconds since 1970, shape (snapshots,).
        events_before: Order events received before it, shape (snapshots,).
        book: Price in cents and satoshi, best first, shape (snapshots, 2, levels, 2), bids before
            asks; 0 where there is no level.
        line: Line of the file, shape (snapshots,).
    """

    t_ns: IntArray
    events_before: IntArray
    book: IntArray
    line: IntArray


@dataclass(frozen=True)
class BitstampDay:
    """A recording, read and checked.

    Attributes:
        events: Messages about orders.
        trades: Trades; none in a table.
        snapshots: Snapshots; none in a table.
        path: The file.
        sha256: Hash of the file as it lies on the disk, hexadecimal.
    """

    events: OrderEvents
    trades: Trades
    snapshots: Snapshots
    path: Path
    sha256: str


class _Refusal(Exception):
    """A rule that a line breaks: code, what is wrong, way out."""


def is_bitstamp(path: Path) -> bool:
    """Return whether a file is named like a recording that ``read_bitstamp`` reads."""
    is_lobster = re.search("message|orderbook", path.name) is not None
    return re.search(r"\.(log|csv)(\.xz)?$", path.name) is not None and not is_lobster


def read_bitstamp(path: Path) -> BitstampDay:
    """Read and check a recording: a log, or a table with ``TABLE_COLUMNS`` as its first line.

    Args:
        path: The file, plain or packed with xz.

    Returns:
        The recording. Nothing is repaired, dropped or invented: see ``bitstamp_book`` for that.

    Raises:
        NoInputError: When the file is missing, a directory or can not be read.
        DataError: When anything in the file breaks a rule; see ``docs/data.md``.
    """
    path = Path(path)
    raw = read_bytes(path)
    lines = _text(path, raw).splitlines()
    is_table = bool(lines) and lines[0].replace('"', "").strip() == TABLE_COLUMNS
    reader = _Reader()
    number = 0
    try:
        for number, line in enumerate(lines, start=1):
            if is_table and number > 1:
                reader.table_row(line, number)
            elif not is_table:
                reader.message(line, number)
    except _Refusal as refusal:
        code, text, way_out = refusal.args
        raise DataError(code, f"{path}:{number}: {text}. {way_out}.") from None
    if not reader.events:
        raise DataError(
            "HG-D161", f"{path}: no message about an order. Give a Bitstamp log or order table."
        )
    return BitstampDay(*reader.arrays(), path=path, sha256=hashlib.sha256(raw).hexdigest())


def _text(path: Path, raw: bytes) -> str:
    try:
        if raw.startswith(_XZ_MAGIC):
            unpacker = lzma.LZMADecompressor()
            raw = unpacker.decompress(raw, max_length=_MAX_BYTES)
            if not unpacker.eof:
                raise DataError(
                    "HG-D160",
                    f"{path}: the xz packing is cut short, or unpacks to more than {_MAX_BYTES} "
                    "bytes. Fetch the file again, or unpack and split it.",
                )
        return raw.decode("ascii")
    except lzma.LZMAError as error:
        raise DataError(
            "HG-D160", f"{path}: damaged xz packing ({error}). Fetch the file again."
        ) from None
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise DataError(
            "HG-D162",
            f"{path}:{line}: byte {raw[error.start]:#04x} is not ASCII text. Give a Bitstamp log.",
        ) from None


class _Reader:
    """Collects the rows of a recording, line by line."""

    def __init__(self) -> None:
        self.events: list[tuple[int, ...]] = []
        self.trades: list[tuple[int, ...]] = []
        self.snapshots: list[tuple[int, int, list[list[list[int]]], int]] = []
        self._last_ns = 0

    def message(self, line: str, number: int) -> None:
        """Read a line of a log."""
        words = line.split(" ", 2)
        if len(words) != 3:
            raise _Refusal(
                "HG-D162",
                f"{_show(line)} is not a time, a name and a JSON object",
                "The file may be cut or edited",
            )
        t_ns = self._time(words[0], "time")
        name = words[1]
        body = _json(words[2])
        if name == "trade":
            # Written from binary floats: what was meant is the nearest cent and satoshi.
            px = _cents(body, "price", round(_number(body, "price", CENT_DECIMALS)))
            satoshi = round(_number(body, "amount", SATOSHI_DECIMALS))
            self.trades.append((t_ns, px, _amount(satoshi, 1), number))
        elif name == "order_book":
            sides = [_levels(body, "bids", 1), _levels(body, "asks", -1)]
            self.snapshots.append((t_ns, len(self.events), sides, number))
        elif name.removeprefix("order_") in _KIND_NAMES and name.startswith("order_"):
            kind = _KIND_NAMES[name.removeprefix("order_")]
            side = {"0": 1, "1": -1}.get(str(body.get("order_type")))
            if side is None:
                _wrong(body, "order_type", "0 (buy) or 1 (sell)")
            satoshi = _amount(_scaled(body, "amount", SATOSHI_DECIMALS), kind != _DELETED)
            order_id, px = _order_id(body, "id"), _price(body, "price")
            self.events.append((t_ns, kind, order_id, px, satoshi, side, number))
        else:
            raise _Refusal(
                "HG-D163",
                f"{_show(name)} is not order_created, order_changed, order_deleted, trade or "
                "order_book",
                "Give a Bitstamp log",
            )

    def table_row(self, line: str, number: int) -> None:
        """Read a row of an order table."""
        names = TABLE_COLUMNS.split(",")
        cells = line.replace('"', "").split(",")
        if len(cells) != len(names):
            raise _Refusal(
                "HG-D162",
                f"{len(cells)} field(s) instead of {len(names)}",
                "The file may be cut or edited",
            )
        row = dict(zip(names, cells, strict=True))
        kind = _KIND_NAMES.get(row["action"])
        side = {"bid": 1, "ask": -1}.get(row["direction"])
        if kind is None:
            _wrong(row, "action", "created, changed or deleted")
        if side is None:
            _wrong(row, "direction", "bid or ask")
        t_ns = self._time(row["timestamp"], "timestamp")
        satoshi = _amount(_scaled(row, "volume", 0), kind != _DELETED)
        order_id, px = _order_id(row, "id"), _price(row, "price")
        self.events.append((t_ns, kind, order_id, px, satoshi, side, number))

    def _time(self, text: str, column: str) -> int:
        if re.fullmatch(r"[0-9]{1,13}", text) is None:
            _wrong({column: text}, column, "milliseconds since 1970, of at most 13 digits")
        t_ns = int(text) * MS_NS
        if t_ns < self._last_ns:
            raise _Refusal(
                "HG-D165",
                f"{column} {text} is before {self._last_ns // MS_NS} of the line above: time must "
                "not go backwards",
                "Sort the file by time",
            )
        self._last_ns = t_ns
        return t_ns

    def arrays(self) -> tuple[OrderEvents, Trades, Snapshots]:
        """Return what was collected, as read-only arrays."""
        t_ns, kind, order_id, px, satoshi, side, line = _columns(self.events, 7)
        events = OrderEvents(
            t_ns, kind.astype(np.int8), order_id, px, satoshi, side.astype(np.int8), line
        )
        depth = max((len(side) for _, _, sides, _ in self.snapshots for side in sides), default=0)
        book = np.zeros((len(self.snapshots), 2, depth, 2), np.int64)
        for row, (_, _, sides, _) in enumerate(self.snapshots):
            for s, levels in enumerate(sides):
                book[row, s, : len(levels)] = np.reshape(levels, (-1, 2))
        when, before, where = _columns([(t, n, k) for t, n, _, k in self.snapshots], 3)
        found = events, Trades(*_columns(self.trades, 4)), Snapshots(when, before, book, where)
        for part in found:
            for array in vars(part).values():
                array.setflags(write=False)
        return found


_DELETED = BitstampKind.DELETED


def _columns(rows: list[tuple[int, ...]], columns: int) -> Iterator[IntArray]:
    table = np.array(rows, np.int64).reshape(-1, columns)
    return iter(np.ascontiguousarray(table.T))


def _json(text: str) -> dict[str, Any]:
    """Read an object; every number in it stays text."""
    try:
        body = json.loads(text, parse_float=str, parse_int=str, parse_constant=str)
    except (ValueError, RecursionError) as error:
        raise _Refusal(
            "HG-D162", f"not valid JSON ({error})", "The file may be cut or edited"
        ) from None
    if not isinstance(body, dict):
        raise _Refusal("HG-D162", f"{_show(text)} is not a JSON object", "Give a Bitstamp log")
    return body


def _wrong(row: dict[str, Any], column: str, rule: str) -> NoReturn:
    value = _show(str(row[column])) if column in row else "absent"
    raise _Refusal("HG-D164", f"column '{column}': {value} is not {rule}", "Correct the line")


def _number(row: dict[str, Any], column: str, decimals: int) -> Decimal:
    """Return a decimal number in units of its last decimal."""
    text = row.get(column)
    if not isinstance(text, str) or _DECIMAL.fullmatch(text) is None:
        _wrong(row, column, "a decimal number of at most 12 digits before the point")
    return Decimal(str(text)).scaleb(decimals, _EXACT)


def _scaled(row: dict[str, Any], column: str, decimals: int) -> int:
    """Return a decimal number in units of its last decimal, exactly."""
    text = str(row.get(column))
    head, point, tail = text.partition(".")
    plain = head.isdigit() and len(head) <= 15 and (tail.isdigit() or not point)
    if not plain or len(tail) > decimals:
        _wrong(row, column, f"a number of at most 15 digits and {decimals} decimals")
    return int(head + tail.ljust(decimals, "0"))


def _price(row: dict[str, Any], column: str) -> int:
    return _cents(row, column, _scaled(row, column, CENT_DECIMALS))


def _cents(row: dict[str, Any], column: str, cents: int) -> int:
    if not 1 <= cents <= MAX_CENTS:
        _wrong(row, column, f"a price from 0.01 to {MAX_CENTS // 100} dollars")
    return cents


def _amount(satoshi: int, least: int) -> int:
    if not least <= satoshi <= MAX_SATOSHI:
        _wrong(
            {"amount": satoshi}, "amount", f"an amount from {int(least)} to {MAX_SATOSHI} satoshi"
        )
    return satoshi


def _order_id(row: dict[str, Any], column: str) -> int:
    text = str(row.get(column))
    if re.fullmatch(r"[0-9]{1,18}", text) is None or int(text) == 0:
        _wrong(row, column, "an order id above 0")
    return int(text)


def _levels(body: dict[str, Any], column: str, side: int) -> list[list[int]]:
    """Read one side of a snapshot."""
    pairs = body.get(column)
    if not isinstance(pairs, list):
        _wrong(body, column, "a list of price and amount")
    levels: list[list[int]] = []
    for pair in pairs:
        if not isinstance(pair, list) or len(pair) != 2:
            _wrong(body, column, "a list of price and amount")
        level = {"price": pair[0], "amount": pair[1]}
        px = _price(level, "price")
        satoshi = _amount(_scaled(level, "amount", SATOSHI_DECIMALS), 1)
        if levels and side * px >= side * levels[-1][0]:
            _wrong({column: px}, column, f"worse than the level before it, {levels[-1][0]} cents")
        levels.append([px, satoshi])
    return levels


def _show(text: str) -> str:
    """Quote a value for a message, not too long."""
    return ascii(text if len(text) <= _SHOWN_CHARS else text[:_SHOWN_CHARS] + "...")
