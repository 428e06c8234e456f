"""One number of a paper beside ours, and a table of them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class Row:
    """A published number and the same number computed here.

    Attributes:
        paper: authors and year.
        quantity: what is compared, with its unit or its place in the paper.
        printed: the published number.
        ours: the number computed here.
        tolerance: largest difference that counts as equal, absolute, in the unit of the number.
        note: where the printed number or its tolerance comes from, when that needs a word.
    """

    paper: str
    quantity: str
    printed: float
    ours: float
    tolerance: float
    note: str = ""

    @property
    def ok(self) -> bool:
        """Whether the two numbers agree within the tolerance; never with a NaN."""
        return abs(self.ours - self.printed) <= self.tolerance

    def to_dict(self) -> dict[str, Any]:
        """Return the row for ``--json``."""
        return {**asdict(self), "ok": self.ok}


def text_table(rows: Iterable[Row]) -> str:
    """Return the rows as aligned text, with a heading for each paper."""
    rows = list(rows)
    if not rows:
        return "nothing to compare"
    cells = [
        (r.quantity, f"{r.printed:.7g}", f"{r.ours:.7g}", f"{r.tolerance:.3g}", _mark(r), r.note)
        for r in rows
    ]
    heads = ("", "printed", "ours", "tolerance", "", "")
    wide = [max(len(line[i]) for line in (heads, *cells)) for i in range(5)]
    lines = []
    paper = ""
    for row, cell in zip(rows, cells, strict=True):
        if row.paper != paper:
            paper = row.paper
            lines += ["", _line((paper, *heads[1:]), wide)]
        lines.append(_line(cell, wide))
    return "\n".join(lines[1:])


def _mark(row: Row) -> str:
    return "ok" if row.ok else "DIFFERS"


def _line(cell: tuple[str, ...], wide: list[int]) -> str:
    numbers = "  ".join(text.rjust(width) for text, width in zip(cell[1:4], wide[1:4], strict=True))
    return f"  {cell[0].ljust(wide[0])}  {numbers}  {cell[4].ljust(wide[4])}  {cell[5]}".rstrip()
