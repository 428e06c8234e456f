"""Run a scenario: progress, figures, the event log of every market, a picture of the first.

A folder appears whole or not at all::

    events-SEED.parquet   event log of the market with this seed (`hftgym replay` runs it again)
    figures.json          the table, one entry a market, and the hashes
    day.png, day.html     the first market's day

The log leaves the memory as it is made: a day of any length needs the memory of a minute.
"""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from hftgym import __version__
from hftgym.analytics.market_day import COLUMNS, DayRecorder, MarketDay
from hftgym.core.constants import SECOND_NS, Phase
from hftgym.errors import OutputError, UsageError
from hftgym.extras import need
from hftgym.scenario import Scenario, load_scenario
from hftgym.simulation.figures import MarketFigures, market_figures, read_books, table
from hftgym.simulation.market_log import FORMAT, LogHeader, LogWriter, versions
from hftgym.simulation.page import draw_page
from hftgym.simulation.picture import draw_png
from hftgym.simulation.session import Session, open_session
from hftgym.training.atomic import fsync_folder, write_json
from hftgym.training.progress import PhaseProgress
from hftgym.training.runs import new_folder


@dataclass(frozen=True)
class Simulated:
    """What `simulate` has done.

    Attributes:
        scenario: the markets' scenario.
        folder: where the files lie.
        markets: figures of each market.
        logs: description of each market's log.
    """

    scenario: Scenario
    folder: Path
    markets: tuple[MarketFigures, ...]
    logs: tuple[LogHeader, ...]

    def __str__(self) -> str:
        """Return the table and what was written."""
        rows = sum(log.rows for log in self.logs)
        return "\n".join(
            [
                table(self.scenario, self.markets),
                "",
                f"log hash {self.logs[0].log_hash}, state hash {self.logs[0].state_hash}"
                + (f" (seed {self.logs[0].seed})" if len(self.logs) > 1 else ""),
                f"{rows:,} rows of the event log, a picture and the figures: {self.folder}",
            ]
        )

    def to_dict(self) -> dict[str, Any]:
        """Return all figures as plain data."""
        return {
            "scenario": self.scenario.name,
            "config_hash": self.scenario.config_hash,
            "folder": str(self.folder),
            "markets": [
                market.to_dict()
                | {
                    "log": log_name(log.seed),
                    "rows": log.rows,
                    "log_hash": log.log_hash,
                    "state_hash": log.state_hash,
                    "data_hash": log.data_hash,
                }
                for market, log in zip(self.markets, self.logs, strict=True)
            ],
        }


def log_name(seed: int) -> str:
    """Return the name of the log of the market with this seed."""
    return f"events-{seed}.parquet"


def simulate(
    scenario: Scenario | str,
    seed: int = 0,
    markets: int = 1,
    out: str | Path | None = None,
    seconds: float | None = None,
    data: str | Path | None = None,
    *,
    quiet: bool = False,
) -> Simulated:
    """Run markets of a scenario and write what happened.

    Args:
        scenario: a scenario, its name, or the path of its YAML.
        seed: of the first market; market i has seed + i.
        markets: how many.
        out: folder for the files, new or empty; ``runs/<date>-simulate-<name>-<seed>`` if absent.
        seconds: length after the burn-in, see `open_session`.
        data: LOBSTER message file (or its folder) of a tape.
        quiet: show no progress.

    Raises:
        UsageError: if an argument is out of range, or a library is missing.
        OutputError: if the folder is not empty, or can not be written.
        InternalError: if a market stops with a fault.
    """
    need("pyarrow", "matplotlib", "plotly")
    if markets < 1 or seed < 0:
        raise UsageError(
            "HG-U203", f"{markets} markets, seed {seed}; at least one market, a seed from 0 on"
        )
    market = load_scenario(scenario) if isinstance(scenario, str) else scenario
    session = open_session(market, data, seconds)
    figures: list[MarketFigures] = []
    logs: list[LogHeader] = []
    with _whole_folder(market.name, seed, out) as (folder, final):
        total_s = markets * round((session.end_ns - session.start_ns) / SECOND_NS)
        with PhaseProgress(f"simulate {market.name}", total_s, "s", quiet=quiet) as bar:
            for number in range(seed, seed + markets):
                day, row, log = _run_market(session, number, folder, bar.advance)
                figures.append(row)
                logs.append(log)
                if number == seed:
                    source = f", {Path(session.data).stem}" if session.data else ""
                    title = f"{market.name}{source}{_of_first(market)}, seed {seed}"
                    draw_png(day, market, title, folder / "day.png")
                    draw_page(day, market, title, table(market, [row]), folder / "day.html")
        result = Simulated(market, final, tuple(figures), tuple(logs))
        write_json(folder / "figures.json", result.to_dict())
    return result


@contextlib.contextmanager
def _whole_folder(name: str, seed: int, out: str | Path | None) -> Iterator[tuple[Path, Path]]:
    """Yield a folder to write into and the one that it becomes when nothing went wrong."""
    if out is None:
        final = new_folder(f"simulate-{name}"[:64], seed)
        made = True
    else:
        final = Path(out).resolve()
        made = not final.exists()
        try:
            final.mkdir(parents=True, exist_ok=True)
            used = any(final.iterdir())
        except OSError as error:
            raise OutputError("HG-O071", f"{out}: no folder: {error.strerror}") from error
        if used:
            raise OutputError("HG-O072", f"{out}: is not empty; name a new folder with --out")
    work = final.with_name(f".{final.name}.{os.getpid()}.tmp")
    try:
        work.mkdir()
        yield work, final
        work.replace(final)
        fsync_folder(final.parent)
    except OSError as error:
        raise OutputError("HG-O071", f"{final}: can not be written: {error.strerror}") from error
    finally:
        shutil.rmtree(work, ignore_errors=True)
        if made:
            with contextlib.suppress(OSError):
                final.rmdir()  # empty: something went wrong


def _run_market(
    session: Session, seed: int, folder: Path, progress: Callable[[int], None]
) -> tuple[MarketDay, MarketFigures, LogHeader]:
    """Run one market of a session; its log goes to the disk as it is made."""
    simulator, scenario = session.simulator, session.scenario
    simulator.reset(seed, session.start_ns)
    recorder = DayRecorder(
        session.begin_ns,
        session.end_ns,
        scenario.instrument.start_px,
        scenario.instrument.tick_px,
        Phase[scenario.start_phase.upper()],
    )
    rows, done_s = 0, 0
    with LogWriter(folder / log_name(seed)) as writer:

        def run_to(until_ns: int) -> None:
            nonlocal rows, done_s
            simulator.advance_until(until_ns)
            log = simulator.take_log()
            writer.write(log)
            recorder.add(simulator.blueprint.rows_of(log, 0))  # of the first instrument
            rows += len(log)
            now_s = (until_ns - session.start_ns) // SECOND_NS
            progress(now_s - done_s)
            done_s = now_s

        for end_ns in _steps(session.start_ns, session.begin_ns):
            run_to(end_ns)
        before = read_books(simulator.market())
        for end_ns in _steps(session.begin_ns, session.end_ns):
            run_to(end_ns)
        after = read_books(simulator.market())
        header = describe(session, seed, rows)
        writer.close(header)
    day = recorder.close()
    return day, market_figures(seed, day, simulator.blueprint, before, after), header


def _of_first(scenario: Scenario) -> str:
    """Return what says in a title which of two instruments is drawn."""
    return f", {scenario.instrument.id}" if scenario.second is not None else ""


def _steps(begin_ns: int, end_ns: int) -> list[int]:
    """Return times up to which to run, so that the log of each step is short."""
    steps = np.linspace(begin_ns, end_ns, COLUMNS + 1)[1:].astype(np.int64)
    return [*steps[:-1].tolist(), end_ns]


def describe(session: Session, seed: int, rows: int) -> LogHeader:
    """Return what the log of a session's market, run to its end, is of."""
    simulator, scenario = session.simulator, session.scenario
    return LogHeader(
        format=FORMAT,
        hftgym=__version__,
        versions=versions(),
        scenario=scenario.model_dump(mode="json"),
        config_hash=scenario.config_hash,
        seed=seed,
        start_ns=session.start_ns,
        begin_ns=session.begin_ns,
        end_ns=session.end_ns,
        participants=list(simulator.blueprint.names),
        kinds=list(simulator.blueprint.kinds),
        data=session.data,
        data_hash=session.data_hash,
        rows=rows,
        log_hash=f"{int(simulator.market()['log_hash']):016x}",
        state_hash=f"{simulator.state_hash():016x}",
    )
