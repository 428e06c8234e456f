"""Strict reader of comma-separated integers: every cell is a number or the file is refused.

General CSV readers turn a blank, ``nan``, ``1e400`` or one over-long row into something else
without a word (a float column, a shifted index, an object column). Market data must not change on
the way in, so this reader knows three things only: fields, integers, and seconds with up to nine
decimals. It works on whole blocks of bytes with numpy and never passes a number through a float.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from hftgym.errors import DataError, NoInputError

IntArray = NDArray[np.int64]

_BOM = b"\xef\xbb\xbf"
_GZIP_MAGIC = b"\x1f\x8b"
_COMMA, _NEWLINE, _RETURN, _MINUS, _DOT, _ZERO = (ord(c) for c in ",\n\r-.0")
_MAX_DIGITS = 18  # every 18-digit number fits an int64
_TIME_DECIMALS = 9  # nanoseconds
_BLOCK_BYTES = 1 << 23
_SHOWN_CHARS = 40


@dataclass(frozen=True)
class Fault:
    """Rows that break one rule.

    Attributes:
        row: First such row, counted from 0 (the header is not a row).
        rows: How many rows break the rule.
        code: Error code, ``HG-D1..``.
        text: What is wrong in the first such row: column, value and rule.
        way_out: What the user can do.
    """

    row: int
    rows: int
    code: str
    text: str
    way_out: str


def raise_first(faults: Sequence[Fault], path: Path, first_line: int) -> None:
    """Raise the fault that comes first in the file, or return when there is none.

    Args:
        faults: Faults found, in any order.
        path: File they were found in.
        first_line: Line number of row 0.

    Raises:
        DataError: One line with file, line, column, value, rule and way out.
    """
    if not faults:
        return
    fault = min(faults, key=lambda f: f.row)
    more = fault.rows - 1
    such = f" {more} more such row{'s' if more > 1 else ''}." if more else ""
    raise DataError(
        fault.code, f"{path}:{first_line + fault.row}: {fault.text}.{such} {fault.way_out}."
    )


def read_bytes(path: Path) -> bytes:
    """Read a whole input file.

    Raises:
        NoInputError: When there is no such file, it is a directory or it can not be read.
    """
    if not path.exists():
        raise NoInputError("HG-N101", f"{path}: no such file. Check the path.")
    if path.is_dir():
        raise NoInputError("HG-N102", f"{path}: is a directory, not a file. Name the file in it.")
    try:
        return path.read_bytes()
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise NoInputError(
            "HG-N103", f"{path}: can not be read ({reason}). Check its permissions."
        ) from error


@dataclass(frozen=True)
class CsvText:
    """The bytes of a CSV file, before any cell is judged.

    Attributes:
        path: The file.
        body: Rows without header, every one ended by a newline.
        columns: Fields in the first row.
        first_line: Line number of row 0: 1, or 2 under a header line.
        sha256: Hash of the file as it lies on the disk, hexadecimal.
    """

    path: Path
    body: bytes
    columns: int
    first_line: int
    sha256: str

    def parse(self, names: Sequence[str], time_column: int | None = None) -> IntArray:
        """Turn the text into integers.

        Args:
            names: Name of each column, for messages; their number is the number of fields demanded.
            time_column: Column that holds seconds with up to nine decimals; it is returned in
                nanoseconds.

        Returns:
            Values, shape (rows, columns), int64.

        Raises:
            DataError: When a row has another number of fields or a cell is not a number.
        """
        ragged = _Rule("HG-D103", "Every row needs the same fields; the file may be cut or edited")
        cells = _Rule("HG-D104", "Write plain integers, no blanks, quotes, decimals or exponents")
        blocks: list[IntArray] = []
        rows_before = 0
        for block in _blocks(self.body):
            values, rows = _parse_block(block, names, time_column, rows_before, ragged, cells)
            blocks.append(values)
            rows_before += rows
        faults = [rule.fault() for rule in (ragged, cells) if rule.rows]
        raise_first(faults, self.path, self.first_line)
        return np.concatenate(blocks)


class _Rule:
    """Counts the rows that break one rule and keeps the first."""

    def __init__(self, code: str, way_out: str) -> None:
        self.code = code
        self.way_out = way_out
        self.rows = 0
        self.first_row = -1
        self.first_text = ""

    def broken(self, rows: int, first_row: int, first_text: str) -> None:
        if not self.rows:
            self.first_row, self.first_text = first_row, first_text
        self.rows += rows

    def fault(self) -> Fault:
        return Fault(self.first_row, self.rows, self.code, self.first_text, self.way_out)


def open_csv(path: Path) -> CsvText:
    """Read a file, drop a byte-order mark and a header line, and count the columns.

    A first line is a header when every field of it starts with a letter and is not a spelling of
    "not a number" or infinity.

    Args:
        path: CSV file with comma separators and LF or CRLF line ends.

    Returns:
        The text of its rows.

    Raises:
        NoInputError: When the file can not be read.
        DataError: When it is empty, compressed, or has a header and no rows.
    """
    raw = read_bytes(path)
    digest = hashlib.sha256(raw).hexdigest()
    if raw.startswith(_GZIP_MAGIC):
        raise DataError("HG-D102", f"{path}: is compressed with gzip. Unpack it first.")
    body = raw.removeprefix(_BOM)
    if not body.strip():
        raise DataError("HG-D101", f"{path}: is empty. Give a file with at least one row.")
    if not body.endswith(b"\n"):
        body += b"\n"
    first, _, rest = body.partition(b"\n")
    first_line = 1
    if _is_header(first):
        if not rest.strip():
            raise DataError("HG-D101", f"{path}:1: a header and no rows. Give at least one row.")
        body, first_line = rest, 2
        first = body.partition(b"\n")[0]
    return CsvText(path, body, first.count(b",") + 1, first_line, digest)


def _is_header(line: bytes) -> bool:
    fields = [field.strip().strip(b'"') for field in line.split(b",")]
    not_numbers = {b"nan", b"na", b"null", b"none", b"inf", b"infinity"}
    return all(f[:1].isalpha() and f.lower() not in not_numbers for f in fields)


def _blocks(body: bytes) -> list[NDArray[np.uint8]]:
    """Cut the text into blocks of whole lines, to bound the memory for cell positions."""
    blocks = []
    start = 0
    while start < len(body):
        stop = len(body)
        if stop - start > _BLOCK_BYTES:
            stop = body.index(b"\n", start + _BLOCK_BYTES) + 1
        blocks.append(np.frombuffer(body, dtype=np.uint8, count=stop - start, offset=start))
        start = stop
    return blocks


def _parse_block(
    text: NDArray[np.uint8],
    names: Sequence[str],
    time_column: int | None,
    rows_before: int,
    ragged: _Rule,
    cells: _Rule,
) -> tuple[IntArray, int]:
    """Parse whole lines; returns the values of the well-formed rows and the number of all rows."""
    ends = np.flatnonzero((text == _COMMA) | (text == _NEWLINE))
    starts = np.concatenate((np.zeros(1, dtype=np.int64), ends[:-1] + 1))
    is_line_end = text[ends] == _NEWLINE
    fields = np.diff(np.flatnonzero(is_line_end), prepend=-1)
    stops = ends - (is_line_end & (text[ends - 1] == _RETURN))
    columns = len(names)
    whole = fields == columns
    if not whole.all():
        bad = np.flatnonzero(~whole)
        ragged.broken(
            len(bad),
            rows_before + int(bad[0]),
            f"{int(fields[bad[0]])} field(s) instead of {columns}",
        )
        keep = np.repeat(whole, fields)
        starts, stops = starts[keep], stops[keep]
    starts, stops = starts.reshape(-1, columns), stops.reshape(-1, columns)
    values, good = _integers(text, starts, stops)
    if time_column is not None:
        times, times_good = _seconds(text, starts[:, time_column], stops[:, time_column])
        values[:, time_column], good[:, time_column] = times, times_good
    bad_rows = np.flatnonzero(~good.all(axis=1))
    if len(bad_rows):
        row = int(bad_rows[0])
        column = int(np.flatnonzero(~good[row])[0])
        shown = bytes(text[starts[row, column] : stops[row, column]])
        wanted = (
            f"seconds with at most {_TIME_DECIMALS} decimals"
            if column == time_column
            else f"an integer of at most {_MAX_DIGITS} digits"
        )
        line = rows_before + int(np.flatnonzero(whole)[row])
        cells.broken(
            len(bad_rows), line, f"column '{names[column]}': {_show(shown)} is not {wanted}"
        )
    return values, len(fields)


def _show(cell: bytes) -> str:
    """Quote a cell for a message, without control characters and not too long."""
    text = cell.decode("utf-8", errors="replace")
    cut = text if len(text) <= _SHOWN_CHARS else text[:_SHOWN_CHARS] + "..."
    return ascii(cut) if cut else "a blank"


def _integers(
    text: NDArray[np.uint8], starts: IntArray, stops: IntArray
) -> tuple[IntArray, NDArray[np.bool_]]:
    """Parse cells ``-?[0-9]{1,18}``; the second array says which cells are of that form."""
    negative = (text[starts] == _MINUS) & (stops > starts)
    first = starts + negative
    digits = stops - first
    good = (digits >= 1) & (digits <= _MAX_DIGITS)
    values = np.zeros(starts.shape, dtype=np.int64)
    widest = int(digits[good].max(initial=0))
    for place in range(widest):
        live = good & (place < digits)
        digit = text[np.minimum(first + place, stops)].astype(np.int64) - _ZERO
        good &= ~live | ((digit >= 0) & (digit <= 9))
        values = np.where(live & good, values * 10 + digit, values)
    return np.where(negative, -values, values), good


def _seconds(
    text: NDArray[np.uint8], starts: IntArray, stops: IntArray
) -> tuple[IntArray, NDArray[np.bool_]]:
    """Parse cells ``[0-9]+(.[0-9]{1,9})?`` of seconds into nanoseconds, without a float."""
    dots = np.append(np.flatnonzero(text == _DOT), len(text))
    dot = np.minimum(dots[np.searchsorted(dots, starts)], stops)
    whole, good = _integers(text, starts, dot)
    good &= text[starts] != _MINUS
    good &= whole < np.iinfo(np.int64).max // 10**_TIME_DECIMALS
    decimals = np.maximum(stops - dot - 1, 0)
    has_dot = dot < stops
    # A cell without decimals parses its own whole part again: harmless, and then not used.
    part, part_good = _integers(text, np.where(has_dot, dot + 1, starts), stops)
    part_good &= (decimals >= 1) & (decimals <= _TIME_DECIMALS)
    part_good &= text[np.minimum(dot + 1, len(text) - 1)] != _MINUS
    good &= ~has_dot | part_good
    scale = 10 ** (_TIME_DECIMALS - np.minimum(decimals, _TIME_DECIMALS))
    return np.where(good, whole * 10**_TIME_DECIMALS + np.where(has_dot, part * scale, 0), 0), good
