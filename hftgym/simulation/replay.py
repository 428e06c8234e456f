"""Run a log again from what its file says it is of, and compare every row.

The promise (docs/simulation.md): the same version, configuration, seed and data give the same log.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import ValidationError

from hftgym import __version__
from hftgym.core.constants import SECOND_NS
from hftgym.core.records import LOG_ROW
from hftgym.errors import DataError
from hftgym.scenario import Scenario
from hftgym.simulation.market_log import LogHeader, read_header, read_rows, versions
from hftgym.simulation.session import Session, open_session
from hftgym.training.progress import PhaseProgress

#: Steps of a re-run: pieces of time after which rows are compared.
STEPS = 600


@dataclass(frozen=True)
class ReplayReport:
    """What a re-run found.

    Attributes:
        log: the file.
        rows: rows of the file.
        rows_equal: rows before the first difference.
        first_difference: where log and re-run differ first; None when they do not.
        log_hash: of the log, as its file says.
        log_hash_again: of the re-run.
        state_hash: of the market at the end, as the file says.
        state_hash_again: of the re-run.
        other_versions: libraries and machine that differ, as `file / here`.
    """

    log: str
    rows: int
    rows_equal: int
    first_difference: str | None
    log_hash: str
    log_hash_again: str
    state_hash: str
    state_hash_again: str
    other_versions: dict[str, str]

    @property
    def ok(self) -> bool:
        """Whether every row, and the market at the end, are the same."""
        return (
            self.first_difference is None
            and self.log_hash == self.log_hash_again
            and self.state_hash == self.state_hash_again
        )

    def __str__(self) -> str:
        """Say what was compared, and the first difference."""
        lines = [f"{self.rows_equal:,} of {self.rows:,} rows are the same"]
        for name, said, again in (
            ("log hash", self.log_hash, self.log_hash_again),
            ("state hash", self.state_hash, self.state_hash_again),
        ):
            lines.append(f"{name} {said}: " + ("the same" if said == again else f"here {again}"))
        if self.first_difference is not None:
            lines.append(f"first difference: {self.first_difference}")
        if not self.ok and self.other_versions:
            changed = (f"{name} {both}" for name, both in self.other_versions.items())
            lines.append(f"the log was made with (file / here): {', '.join(changed)}")
        return "\n".join(lines)

    def to_dict(self) -> dict[str, Any]:
        """Return plain data."""
        return asdict(self) | {"ok": self.ok}


def replay(log: str | Path, data: str | Path | None = None, *, quiet: bool = False) -> ReplayReport:
    """Run the market of a log again and compare.

    Args:
        log: a log that `hftgym simulate` has written.
        data: the tape's data, where they do not lie where they lay.
        quiet: show no progress.

    Returns:
        What was the same.

    Raises:
        NoInputError: if there is no such log, or no such data.
        DataError: if the file is no log, or is of another version, configuration or data.
    """
    path = Path(log)
    header = read_header(path)
    session = _open(path, header, data)
    simulator = session.simulator
    simulator.reset(header.seed, header.start_ns)
    comparison = _Comparison(read_rows(path), list(LOG_ROW.names or ()))
    span_ns = header.end_ns - header.start_ns
    total_s, done_s = round(span_ns / SECOND_NS), 0
    with PhaseProgress(f"replay {header.scenario['name']}", total_s, "s", quiet=quiet) as bar:
        for step in range(1, STEPS + 1):
            simulator.advance_until(header.start_ns + span_ns * step // STEPS)
            comparison.add(simulator.take_log())
            if comparison.difference is not None:
                break
            now_s = span_ns * step // STEPS // SECOND_NS
            bar.advance(now_s - done_s)
            done_s = now_s
    if comparison.difference is not None:
        simulator.advance_until(header.end_ns)
    else:
        comparison.end()
    here = versions()
    said = header.versions
    return ReplayReport(
        log=str(path),
        rows=header.rows,
        rows_equal=comparison.equal,
        first_difference=comparison.difference,
        log_hash=header.log_hash,
        log_hash_again=f"{int(simulator.market()['log_hash']):016x}",
        state_hash=header.state_hash,
        state_hash_again=f"{simulator.state_hash():016x}",
        other_versions={k: f"{said.get(k)} / {v}" for k, v in here.items() if said.get(k) != v},
    )


def _open(path: Path, header: LogHeader, data: str | Path | None) -> Session:
    """Prepare the market of a log; refuse one that this program or these data can not repeat."""
    try:
        scenario = Scenario.model_validate(header.scenario)
    except ValidationError as error:
        first = error.errors()[0]
        raise DataError(
            "HG-D203",
            f"{path}: its scenario is not valid in hftgym {__version__} (the log was made by "
            f"{header.hftgym}): {'.'.join(map(str, first['loc']))}: {first['msg']}",
        ) from error
    differences = []
    if header.hftgym != __version__:
        differences.append(f"version {header.hftgym}, this is {__version__}")
    if header.config_hash != scenario.config_hash:
        differences.append(
            f"config hash {header.config_hash[:16]}, here {scenario.config_hash[:16]}"
        )
    files = data
    if files is None and header.data is not None:
        files = header.data
    session = open_session(scenario, files, (header.end_ns - header.begin_ns) / SECOND_NS)
    if header.data_hash != session.data_hash:
        differences.append(f"data hash {header.data_hash[:16]}, here {session.data_hash[:16]}")
    if list(session.simulator.blueprint.names) != header.participants:
        differences.append("other participants")
    if differences:
        raise DataError("HG-D204", f"{path}: can not be repeated here: {'; '.join(differences)}")
    return session


class _Comparison:
    """Compares the rows of a file with those of a re-run, which come in other pieces.

    Args:
        pieces: rows of the file.
        names: fields to compare.

    Attributes:
        equal: rows that were the same, before the first difference.
        difference: the first difference, in words; None so far.
    """

    def __init__(self, pieces: Iterator[np.ndarray], names: list[str]) -> None:
        self._pieces = pieces
        self._names = names
        self._file = np.zeros(0, LOG_ROW)
        self.equal = 0
        self.difference: str | None = None

    def add(self, again: np.ndarray) -> None:
        """Compare the next rows of the re-run."""
        while len(again) and self.difference is None:
            if not self._fill():
                self.difference = (
                    f"row {self.equal}: the log ends, the re-run has {_text(again[0])}"
                )
                return
            n = min(len(again), len(self._file))
            same = np.ones(n, bool)
            for name in self._names:
                same &= self._file[name][:n] == again[name][:n]
            if not same.all():
                k = int(np.flatnonzero(~same)[0])
                self.equal += k
                self.difference = (
                    f"row {self.equal}: the log has {_text(self._file[k])}, "
                    f"the re-run {_text(again[k])}"
                )
                return
            self.equal += n
            self._file, again = self._file[n:], again[n:]

    def end(self) -> None:
        """Demand that the file has no more rows."""
        if self.difference is None and self._fill():
            self.difference = (
                f"row {self.equal}: the log has {_text(self._file[0])}, the re-run ends"
            )

    def _fill(self) -> bool:
        """Read on when nothing is left; False at the end of the file."""
        while not len(self._file):
            following = next(self._pieces, None)
            if following is None:
                return False
            self._file = following
        return True


def _text(row: Any) -> str:
    """Return a row as text."""
    return ", ".join(f"{name} {row[name]}" for name in LOG_ROW.names or ())
