"""Observations that a learner is not to see, by name."""

from __future__ import annotations

import fnmatch
from collections.abc import Sequence
from typing import Any

from hftgym.errors import UsageError
from hftgym.names import nearest


def unseen_columns(venv: Any, hide: Sequence[str]) -> list[int]:
    """Return the columns of the observations that some names stand for.

    Args:
        venv: Environment whose task names its observations.
        hide: Names; ``*`` stands for anything.

    Raises:
        UsageError: There is no such observation.
    """
    info = getattr(venv.unwrapped, "task_info", None)
    index = {} if info is None else info.obs_index
    found: set[int] = set()
    for pattern in hide:
        names = fnmatch.filter(index, pattern)
        if not names:
            hint = nearest(pattern, list(index)) or f"; there are {', '.join(index) or 'no names'}"
            raise UsageError("HG-U229", f"hide: there is no observation {pattern!r}{hint}")
        found |= {index[name] for name in names}
    return sorted(found)
