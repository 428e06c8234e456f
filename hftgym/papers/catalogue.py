"""Which papers there are: every module of this package that has ``rows``."""

from __future__ import annotations

import importlib
import inspect
from pathlib import Path
from types import ModuleType

from hftgym.errors import UsageError
from hftgym.names import nearest
from hftgym.papers.table import Row


def papers() -> list[str]:
    """Return the names of the papers (first author and year), in alphabetical order."""
    stems = sorted(path.stem for path in Path(__file__).parent.glob("*.py"))
    return [stem for stem in stems if hasattr(_module(stem), "rows")]


def reproduce(name: str, data: Path | None = None) -> list[Row]:
    """Compute the numbers of one paper.

    Args:
        name: one of ``papers()``.
        data: folder of real data, for the papers whose numbers need it; without it they have no
            rows, or fewer.

    Raises:
        UsageError: if there is no such paper.
    """
    known = papers()
    if name not in known:
        hint = nearest(name, known) or f"; there are {', '.join(known)}"
        raise UsageError("HG-U180", f"unknown paper {name!r}{hint}")
    rows = _module(name).rows
    wants_data = "data" in inspect.signature(rows).parameters
    found: list[Row] = rows(data=data) if wants_data else rows()
    return found


def _module(stem: str) -> ModuleType:
    return importlib.import_module(f"hftgym.papers.{stem}")
