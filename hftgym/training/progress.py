"""Progress of a phase: a bar on a terminal, a line a minute elsewhere. Written to stderr."""

from __future__ import annotations

import sys
import time
from types import TracebackType
from typing import TextIO

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

#: Seconds between two lines where there is no terminal.
LINE_S = 60.0


class PhaseProgress:
    """Shows how far a phase is.

    Args:
        title: What is being done.
        total: Units of work in the phase.
        unit: Name of a unit, for the closing line.
        stream: Where to write; stderr when not given.
        quiet: Write nothing at all.
    """

    def __init__(
        self,
        title: str,
        total: int,
        unit: str,
        *,
        stream: TextIO | None = None,
        quiet: bool = False,
    ) -> None:
        self.title = title
        self.total = total
        self.unit = unit
        self.done = 0
        self._stream = stream if stream is not None else sys.stderr
        self._quiet = quiet
        self._start_s = self._line_s = time.monotonic()
        self._note = ""
        self._bar: Progress | None = None

    def __enter__(self) -> PhaseProgress:
        """Begin the phase."""
        self._start_s = self._line_s = time.monotonic()
        if not self._quiet and self._stream.isatty():
            self._bar = Progress(
                TextColumn("{task.description}"),
                BarColumn(),
                MofNCompleteColumn(),
                TimeElapsedColumn(),
                TimeRemainingColumn(),
                TextColumn("{task.fields[note]}"),
                console=Console(file=self._stream),
            )
            self._bar.start()
            self._task = self._bar.add_task(self.title, total=self.total, note="")
        return self

    def advance(self, units: int, note: str = "") -> None:
        """Report work done.

        Args:
            units: Units done since the last call.
            note: Short text behind the bar; an empty one leaves the last.
        """
        self.done += units
        self._note = note or self._note
        if self._bar is not None:
            self._bar.update(self._task, completed=min(self.done, self.total))
            if note:
                self._bar.update(self._task, note=note)
        elif not self._quiet and time.monotonic() - self._line_s >= LINE_S:
            self._line_s = time.monotonic()
            seconds = self._line_s - self._start_s
            left = ""
            if 0 < self.done <= self.total:
                left = f", {seconds * (self.total - self.done) / self.done / 60.0:.0f} min left"
            behind = f"; {self._note}" if self._note else ""
            self._write(f"{self._so_far(seconds)}{left}{behind}")

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End the phase; without a terminal, write its one line."""
        seconds = time.monotonic() - self._start_s
        if self._bar is not None:
            self._bar.stop()
        elif not self._quiet:
            self._write(self._so_far(seconds))

    def _so_far(self, seconds: float) -> str:
        rate = self.done / seconds if seconds > 0 else 0.0
        return (
            f"{self.title}: {self.done:,} of {self.total:,} {self.unit} in {seconds:.1f} s "
            f"({rate:,.0f}/s)"
        )

    def _write(self, line: str) -> None:
        print(line, file=self._stream, flush=True)
