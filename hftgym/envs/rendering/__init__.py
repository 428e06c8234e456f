"""How an environment is watched: as text, as a picture, or as a ladder in the terminal.

An environment holds one canvas, made on its first reset, and tells it of every decision:
``begin`` at a reset, ``note`` after a step, ``draw`` for what ``render()`` returns, ``close``. A
canvas only reads; an episode is the same with and without one.
"""

from __future__ import annotations

from typing import Any, Protocol

from hftgym.errors import UsageError
from hftgym.extras import need

#: What ``render_mode`` may be, beside None.
RENDER_MODES = ("ansi", "rgb_array", "human")
#: Slowest and fastest pace of a film, frames per second.
PACE = (1, 60)


class Canvas(Protocol):
    """What an environment tells of, to be watched.

    ``market``, ``state``, ``task`` and ``io`` are the records of one environment, of
    ``hftgym.core.records`` and ``hftgym.envs.task``; its learner is about to decide.
    """

    def begin(self, market: Any, state: Any, task: Any, io: Any) -> None:
        """Begin an episode: forget what was, show where it starts."""

    def note(self, market: Any, state: Any, task: Any, io: Any) -> None:
        """Take in what a step has come to."""

    def draw(self) -> Any:
        """Return what ``render()`` returns."""

    def close(self) -> None:
        """End the show; a second call changes nothing."""


def check_render_mode(mode: str | None) -> None:
    """Demand a render mode that there is, with the libraries that it needs.

    Raises:
        UsageError: the mode is unknown, or Pillow is not installed.
    """
    if mode is not None and mode not in RENDER_MODES:
        raise UsageError(
            "HG-U064", f"render_mode {mode!r} is unknown; there are {', '.join(RENDER_MODES)}"
        )
    if mode == "rgb_array":
        need("PIL")


def real_time_fps(step_s: float) -> int:
    """Return the frames per second at which a film of all steps runs as fast as the market."""
    slowest, fastest = PACE
    return min(max(round(1.0 / step_s), slowest), fastest)


def make_canvas(mode: str, fps: float) -> Canvas:
    """Return a new canvas.

    Args:
        mode: one of ``RENDER_MODES``.
        fps: frames per second of a ladder in a terminal.
    """
    # Each needs its own libraries: a picture Pillow, the others none.
    if mode == "rgb_array":
        from hftgym.envs.rendering.picture import Picture

        return Picture()
    if mode == "human":
        from hftgym.envs.rendering.terminal import Terminal

        return Terminal(fps)
    from hftgym.envs.rendering.ladder import Ladder

    return Ladder()
