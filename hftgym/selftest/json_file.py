"""Strict JSON: every value knows its place, so that an error can name it."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NoReturn

from hftgym.errors import DataError, NoInputError
from hftgym.names import nearest

MAX_BYTES = 1 << 26
_INT64 = (-(1 << 63), (1 << 63) - 1)
_FAR = 1e18
_SHOWN_CHARS = 60


class Node:
    """One value of a file, with its place.

    Args:
        value: what JSON says.
        file: the file's name, for messages.
        place: where in the file: ``vectors[3].input``.
    """

    def __init__(self, value: Any, file: str, place: str = "") -> None:
        self.value = value
        self.file = file
        self.place = place

    def fail(self, text: str) -> NoReturn:
        """Raise an error that names this place."""
        where = f"{self.file}: {self.place}" if self.place else self.file
        raise DataError("HG-D151", f"{where}: {text}")

    def _not(self, wanted: str) -> NoReturn:
        shown = json.dumps(self.value)
        if len(shown) > _SHOWN_CHARS:
            shown = shown[:_SHOWN_CHARS] + "..."
        self.fail(f"{shown} is not {wanted}")

    # -------------------------------------------------------------- objects
    def find(self, key: str) -> Node | None:
        """Return the value of a key, None when there is none."""
        values = self.entries()
        if key not in values:
            return None
        return Node(values[key], self.file, f"{self.place}.{key}" if self.place else key)

    def get(self, key: str) -> Node:
        """Return the value of a key that must be there."""
        found = self.find(key)
        if found is None:
            self.fail(f"no key {key!r}{nearest(key, self.entries())}")
        return found

    def only(self, known: Iterable[str]) -> None:
        """Refuse keys that nobody reads: they would be ignored without a word."""
        names = set(known)
        for key in self.entries():
            if key not in names:
                listed = ", ".join(sorted(names))
                self.fail(f"unknown key {key!r}; known are {listed}{nearest(key, names)}")

    def entries(self) -> dict[str, Any]:
        """Return an object's keys and values."""
        if not isinstance(self.value, dict):
            self._not("an object {...}")
        return self.value

    # -------------------------------------------------------------- lists and plain values
    def rows(self, at_least: int = 0, at_most: int | None = None) -> list[Node]:
        """Return the values of a list."""
        if not isinstance(self.value, list):
            self._not("a list [...]")
        n = len(self.value)
        if n < at_least or (at_most is not None and n > at_most):
            upper = f" to {at_most}" if at_most is not None else " or more"
            wanted = str(at_least) if at_least == at_most else f"{at_least}{upper}"
            self._not(f"a list of {wanted} values")
        return [Node(v, self.file, f"{self.place}[{k}]") for k, v in enumerate(self.value)]

    def integer(self, low: int = _INT64[0], high: int = _INT64[1]) -> int:
        """Return an integer; 3.0 is none."""
        if isinstance(self.value, bool) or not isinstance(self.value, int):
            self._not("an integer")
        if not low <= self.value <= high:
            self._not(f"an integer from {low} to {high}")
        return self.value

    def integer_or_none(self) -> int | None:
        """Return an integer, or None for null."""
        return None if self.value is None else self.integer()

    def number(self, low: float = -_FAR, high: float = _FAR) -> float:
        """Return a number, as a float."""
        if isinstance(self.value, bool) or not isinstance(self.value, (int, float)):
            self._not("a number")
        if not low <= self.value <= high:
            self._not(f"a number from {low:g} to {high:g}")
        return float(self.value)

    def text(self) -> str:
        """Return a string that is not empty."""
        if not isinstance(self.value, str) or not self.value:
            self._not("a text")
        return self.value

    def name(self) -> int | str:
        """Return an id: an integer or a text."""
        return self.text() if isinstance(self.value, str) else self.integer()


def read_json(path: Path) -> Node:
    """Read a JSON file.

    Args:
        path: the file, in UTF-8, at most 64 MiB.

    Raises:
        NoInputError: The file is not there or can not be read.
        DataError: It is not JSON, says ``NaN`` or ``Infinity``, or has a key twice.
    """
    try:
        with path.open("rb") as file:
            raw = file.read(MAX_BYTES + 1)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise NoInputError("HG-N150", f"{path}: can not read the file: {reason}") from None
    if len(raw) > MAX_BYTES:
        raise DataError("HG-D150", f"{path}: larger than {MAX_BYTES} bytes")
    try:
        value = json.loads(
            raw.decode("utf-8-sig"), object_pairs_hook=_object, parse_constant=_no_constant
        )
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise DataError(
            "HG-D150", f"{path}:{line}: byte {raw[error.start]:#04x} is not UTF-8"
        ) from None
    except json.JSONDecodeError as error:
        place = f"{path}:{error.lineno}:{error.colno}"
        raise DataError("HG-D150", f"{place}: not JSON: {error.msg}") from None
    except ValueError as error:  # a hook's, or a number of thousands of digits
        raise DataError("HG-D150", f"{path}: {error}") from None
    except RecursionError:
        raise DataError("HG-D150", f"{path}: nested too deeply") from None
    return Node(value, str(path))


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            raise ValueError(f"key {key!r} stands twice in one object")
        found[key] = value
    return found


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no number of JSON")
