"""How long work here tells that it goes on: the caller hands in what opens a progress bar."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any, Protocol


class Advancing(Protocol):
    """An open progress bar."""

    def advance(self, units: int) -> None:
        """Show that so many more units are done."""


#: Opens a progress bar: title, total, unit.
Phase = Callable[[str, int, str], AbstractContextManager[Any]]


class Silent:
    """A progress bar that shows nothing."""

    def __init__(self, title: str, total: int, unit: str) -> None:
        pass

    def __enter__(self) -> Advancing:
        return self

    def __exit__(self, *error: object) -> None:
        pass

    def advance(self, units: int) -> None:
        """Do nothing."""
