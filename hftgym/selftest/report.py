"""What a run of vectors found, and where expected and found values differ first."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

#: Floats of a file carry some ten digits.
_RELATIVE = 1e-9
_NOTHING = "nothing"


@dataclass(frozen=True)
class Difference:
    """The first difference of a vector.

    Attributes:
        id: the vector.
        what: which value: ``bids[1][2]``.
        expected: what the file says, in JSON.
        got: what happened, in JSON; ``nothing`` where a list has ended.
    """

    id: str
    what: str
    expected: str
    got: str

    def __str__(self) -> str:
        """Say all of it on one line."""
        return f"{self.id}: {self.what}: expected {self.expected}, got {self.got}"


@dataclass(frozen=True)
class VectorReport:
    """What a run of vectors found.

    Attributes:
        engine: which exchange was judged.
        passed: how many vectors by kind.
        failures: the first difference of each vector that failed, in the file's order.
    """

    engine: str
    passed: Mapping[str, int]
    failures: tuple[Difference, ...]

    @property
    def ok(self) -> bool:
        """Whether no vector failed."""
        return not self.failures

    @property
    def count(self) -> int:
        """How many vectors passed."""
        return sum(self.passed.values())

    def __str__(self) -> str:
        """Name each failure, then count."""
        lines = [f"FAILED {failure}" for failure in self.failures]
        return "\n".join([*lines, f"{self.count} passed, {len(self.failures)} failed"])

    def to_dict(self) -> dict[str, Any]:
        """Return the report for ``--json``."""
        return {
            "engine": self.engine,
            "passed": self.count,
            "failed": len(self.failures),
            "passed_by_kind": dict(self.passed),
            "failures": [
                {"id": f.id, "what": f.what, "expected": f.expected, "got": f.got}
                for f in self.failures
            ],
        }


def first_difference(what: str, expected: Any, got: Any) -> tuple[str, str, str] | None:
    """Find where two values differ first.

    Args:
        what: name of the value.
        expected: numbers, texts, None, and lists and dictionaries of them.
        got: the same; tuples count as lists.

    Returns:
        Place, expected and found value, the last two in JSON; None when there is no difference.
    """
    if isinstance(expected, (list, tuple)) and isinstance(got, (list, tuple)):
        for k, (one, other) in enumerate(zip(expected, got, strict=False)):
            if found := first_difference(f"{what}[{k}]", one, other):
                return _whole_row(found, f"{what}[{k}]", one, other)
        k = min(len(expected), len(got))
        if len(expected) == len(got):
            return None
        return f"{what}[{k}]", _item(expected, k), _item(got, k)
    if isinstance(expected, dict) and isinstance(got, dict):
        for key in [*expected, *(key for key in got if key not in expected)]:
            if key not in expected or key not in got:
                one = _shown(expected[key]) if key in expected else _NOTHING
                other = _shown(got[key]) if key in got else _NOTHING
                return f"{what}.{key}", one, other
            if found := first_difference(f"{what}.{key}", expected[key], got[key]):
                return found
        return None
    return None if _same(expected, got) else (what, _shown(expected), _shown(got))


def _whole_row(
    found: tuple[str, str, str], what: str, expected: Any, got: Any
) -> tuple[str, str, str]:
    """Show a row of plain values (a trade, a level) as a whole: one number alone says little."""
    rows = [value for value in (expected, got) if isinstance(value, (list, tuple))]
    if len(rows) < 2 or any(isinstance(v, (list, tuple, dict)) for row in rows for v in row):
        return found
    return (what, _shown(expected), _shown(got))


def _same(expected: Any, got: Any) -> bool:
    if isinstance(expected, float) or isinstance(got, float):
        return (
            isinstance(expected, (int, float))
            and isinstance(got, (int, float))
            and math.isclose(expected, got, rel_tol=_RELATIVE, abs_tol=_RELATIVE)
        )
    return type(expected) is type(got) and bool(expected == got)


def _item(values: Sequence[Any], k: int) -> str:
    return _shown(values[k]) if k < len(values) else _NOTHING


def _shown(value: Any) -> str:
    return json.dumps(value)
