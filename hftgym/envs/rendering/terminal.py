"""The ladder in a terminal, one frame over the other, at the pace of the market.

Where the output is no terminal (a pipe, a file, a notebook) each frame is a block of plain text,
and nothing waits.
"""

from __future__ import annotations

import shutil
import sys
import time
from typing import Any

from hftgym.envs.rendering.ladder import ladder

_UP = "\x1b[{}F"  # to the begin of the line so many above
_REST = "\x1b[K"  # erases to the end of the line
_BELOW = "\x1b[J"  # erases all below


class Terminal:
    """A canvas on the standard output (``render_mode="human"``).

    Args:
        fps: frames per second, in a terminal.
    """

    def __init__(self, fps: float) -> None:
        self._pause_s = 1.0 / fps
        self._lines = 0  # of the last frame, which the next one replaces
        self._last_s = -float("inf")

    def begin(self, market: Any, state: Any, task: Any, io: Any) -> None:
        """Show where an episode starts, below what the last one has left."""
        self.close()
        self.note(market, state, task, io)

    def note(self, market: Any, state: Any, task: Any, io: Any) -> None:
        """Show the book of the next decision."""
        pnl = (int(state["wealth_2m"]) - int(state["begin_2m"])) / float(task["money2_per_tick"])
        head, *levels = ladder(market, state, task).splitlines()
        frame = [f"{head}   P&L {pnl:+.1f} ticks", *levels]
        if sys.stdout.isatty():
            self._replace(frame)
        else:
            print(*frame, "", sep="\n", flush=True)

    def _replace(self, frame: list[str]) -> None:
        """Print a frame over the last one, cut to the size of the terminal."""
        wait_s = self._last_s + self._pause_s - time.monotonic()
        if wait_s > 0.0:
            time.sleep(wait_s)
        size = shutil.get_terminal_size()
        shown = [line[: size.columns - 1] for line in frame[: max(size.lines - 1, 1)]]
        up = _UP.format(self._lines) if self._lines else ""
        text = "".join(f"{line}{_REST}\n" for line in shown)
        sys.stdout.write(up + text + _BELOW)
        sys.stdout.flush()
        self._lines = len(shown)
        self._last_s = time.monotonic()

    def draw(self) -> None:
        """Return None: the frame has been shown when it came."""

    def close(self) -> None:
        """Leave the last frame where it stands; what is printed next comes below it."""
        self._lines = 0
