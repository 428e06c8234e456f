"""The self-test of an installation: how much is compared, in which pieces, and what was found.

The work is cut into pieces with a seed each before it is given to processes, so what is compared
does not depend on how many there are.
"""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import AbstractContextManager, closing, nullcontext
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import numpy as np

from hftgym.errors import UsageError
from hftgym.names import nearest


class Level(StrEnum):
    """How thorough a self-test is."""

    quick = "quick"
    ci = "ci"
    release = "release"


#: Actions of each level, over all streams.
ACTIONS = {Level.quick: 20_000, Level.ci: 1_000_000, Level.release: 10_000_000}
#: A piece is one session of one stream: long enough to go far, short enough to share out.
PIECE = 2_500
#: The start of a process costs as much as so many actions.
_WORTH_A_PROCESS = 50_000


#: Makes the progress of a phase from its title, its total and its unit.
Phase = Callable[[str, int, str], AbstractContextManager[Any]]


class _Silent(nullcontext["_Silent"]):
    """Progress that nobody sees."""

    def __init__(self, title: str, total: int, unit: str) -> None:
        super().__init__(self)

    def advance(self, units: int, note: str = "") -> None:
        """Do nothing."""


@dataclass(frozen=True)
class Piece:
    """One session that both exchanges play from its beginning.

    Attributes:
        stream: its name.
        seed: of its messages.
        actions: how many.
    """

    stream: str
    seed: int
    actions: int


@dataclass(frozen=True)
class Played:
    """What a piece came to.

    Attributes:
        piece: what was played.
        trades: made.
        rejects: messages refused.
        difference: how the exchanges differed first; None: never.
    """

    piece: Piece
    trades: int
    rejects: int
    difference: str | None = None


@dataclass(frozen=True)
class SelftestReport:
    """What a self-test has found.

    Attributes:
        seed: of all pieces.
        pieces: what was played, up to the first difference.
    """

    seed: int
    pieces: Sequence[Played]

    @property
    def failure(self) -> Played | None:
        """The piece that met a difference."""
        return next((played for played in self.pieces if played.difference is not None), None)

    @property
    def ok(self) -> bool:
        """Whether the exchanges have never differed."""
        return self.failure is None

    def figures(self) -> dict[str, dict[str, int]]:
        """Return actions, trades and rejects of each stream."""
        found: dict[str, dict[str, int]] = {}
        for played in self.pieces:
            row = found.setdefault(played.piece.stream, {"actions": 0, "trades": 0, "rejects": 0})
            row["actions"] += played.piece.actions
            row["trades"] += played.trades
            row["rejects"] += played.rejects
        return found

    def to_dict(self) -> dict[str, Any]:
        """Return all figures, for JSON."""
        streams = self.figures()
        failure = self.failure
        return {
            "ok": self.ok,
            "seed": self.seed,
            "actions": _total(streams, "actions"),
            "trades": _total(streams, "trades"),
            "rejects": _total(streams, "rejects"),
            "differences": 0 if failure is None else 1,
            "difference": None if failure is None else failure.difference,
            "replay": None if failure is None else replay_command(failure.piece),
            "streams": streams,
        }

    def __str__(self) -> str:
        """Return a table of the streams, and below it what differed."""
        streams = self.figures()
        names = ("actions", "trades", "rejects")
        total = {name: _total(streams, name) for name in names}
        width = max(len(name) for name in (*streams, "stream"))
        lines = [f"{'stream':<{width}}" + "".join(f"{name:>12}" for name in names)]
        for stream, row in [*streams.items(), ("total", total)]:
            lines.append(f"{stream:<{width}}" + "".join(f"{row[name]:>12,}" for name in names))
        failure = self.failure
        if failure is None:
            lines.append("0 differences")
        else:
            lines += [
                f"1 difference, in {failure.piece.stream} with seed {failure.piece.seed}:",
                str(failure.difference),
                f"replay: {replay_command(failure.piece)}",
            ]
        return "\n".join(lines)


def _total(streams: dict[str, dict[str, int]], name: str) -> int:
    return sum(row[name] for row in streams.values())


def replay_command(piece: Piece) -> str:
    """Return the command that plays one piece again."""
    return f"hftgym selftest replay {piece.stream} {piece.seed} --actions {piece.actions}"


def cut(actions: int, seed: int) -> list[Piece]:
    """Share actions out evenly among the streams, and cut them into pieces.

    Args:
        actions: of all streams together; each has at least one.
        seed: of all; the seed of a piece follows from it, the stream and the piece's number.
    """
    from hftgym.selftest.streams import STREAMS

    each, rest = divmod(max(actions, len(STREAMS)), len(STREAMS))
    pieces = []
    for k, stream in enumerate(STREAMS):
        left, number = each + (k < rest), 0
        while left:
            drawn = np.random.SeedSequence([seed, k, number]).generate_state(1)
            pieces.append(Piece(stream, int(drawn[0]), min(left, PIECE)))
            left -= pieces[-1].actions
            number += 1
    return pieces


def play(piece: Piece) -> Played:
    """Let both exchanges play a piece."""
    from hftgym.core.constants import ReportKind
    from hftgym.selftest.streams import STREAMS, draw
    from hftgym.selftest.twins import Differ, Twins

    stream = STREAMS[piece.stream]
    twins = Twins(stream)
    difference = None
    try:
        twins.run(draw(stream, piece.actions, piece.seed))
    except Differ as error:
        difference = str(error)
    count = twins.count
    return Played(piece, count.trades, count.kinds.get(ReportKind.REJECTED, 0), difference)


def run_selftest(
    actions: int, seed: int, processes: int | None = None, phase: Phase = _Silent
) -> SelftestReport:
    """Compare the compiled exchange with its slow twin after every one of many random actions.

    Args:
        actions: how many, over all streams (`ACTIONS` has those of the levels).
        seed: of all that is drawn.
        processes: how many share the work; None: one a core, as far as it is worth their start.
            They change no result.
        phase: makes a progress bar.

    Returns:
        What was played, up to the first difference.
    """
    pieces = cut(actions, seed)
    total = sum(piece.actions for piece in pieces)
    if processes is None:
        processes = min(os.cpu_count() or 1, 1 + total // _WORTH_A_PROCESS)
    done = []
    with (
        phase("selftest", total, "actions") as bar,
        closing(_play_all(pieces, min(processes, len(pieces)))) as results,
    ):
        for played in results:
            done.append(played)
            bar.advance(played.piece.actions, played.piece.stream)
            if played.difference is not None:
                break
    return SelftestReport(seed, tuple(done))


def _play_all(pieces: Sequence[Piece], processes: int) -> Generator[Played, None, None]:
    """Yield what the pieces came to, in their order."""
    if processes == 1:
        yield from map(play, pieces)
        return
    _compile()
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(processes, mp_context=spawn) as pool:
        yield from pool.map(play, pieces)


def _compile() -> None:
    """Fill the cache of compiled code, so that not every process compiles the same."""
    from hftgym.selftest.streams import STREAMS

    first = {stream.size: name for name, stream in STREAMS.items()}
    for name in first.values():
        play(Piece(name, 0, 200))


def replay(stream: str, seed: int, actions: int = PIECE) -> SelftestReport:
    """Play one piece, as `replay_command` names it.

    Raises:
        UsageError: There is no such stream.
    """
    from hftgym.selftest.streams import STREAMS

    if stream not in STREAMS:
        raise UsageError("HG-U151", f"no stream {stream!r}{nearest(stream, STREAMS)}")
    return SelftestReport(seed, (play(Piece(stream, seed, actions)),))
