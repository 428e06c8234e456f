"""Plants faults in the engine, one at a time, and asks whether the tests notice.

    python -m scripts.mutation --jobs 2
    python -m scripts.mutation --only queue --tests tests/core/test_event_order.py --json

Each fault of ``scripts/mutants.py`` goes into a copy of the repository, whose tests then run
without numba (nothing is compiled, so a fault costs seconds). A fault that no test notices has
*survived*: a test is missing there. Exits with 1 when one survives, or can not be judged.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path
from queue import SimpleQueue
from typing import NamedTuple

from scripts.mutants import MUTANTS, Mutant

ROOT = Path(__file__).resolve().parents[1]
#: What judges a fault, the quickest first: most faults are noticed by the first of them.
TESTS = (
    "tests/core/rules",
    "tests/core/test_book_windows.py",
    "tests/core/test_channels.py",
    "tests/core/test_twin_machine.py",
    "tests/core/test_faults.py",
    "tests/core/test_tape.py",
    "tests/core/test_event_order.py",
)
_LEFT_OUT = (".*", "runs", "__pycache__", "*.egg-info", "build", "dist", "htmlcov")
_PASSED, _FAILED = 0, 1  # pytest's exit codes


class Verdict(NamedTuple):
    """What came of a fault.

    Attributes:
        mutant: the fault.
        outcome: ``killed`` (a test failed), ``timeout`` (the tests ran for much longer than
            without it: noticed too), ``survived``, or ``broken`` (the tests could not be run).
        seconds: that the tests took.
        told: last lines of the tests' output.
    """

    mutant: Mutant
    outcome: str
    seconds: float
    told: str

    def row(self) -> str:
        """Return a line of the table."""
        return f"{self.outcome:9}{self.seconds:7.1f} s  {self.mutant}"


def plant(source: str, mutant: Mutant) -> str:
    """Return the source with the fault in it.

    Raises:
        ValueError: if the fault's place is not found, or not the only one.
    """
    found = source.count(mutant.old)
    if found != 1:
        raise ValueError(f"{mutant}: {mutant.old!r} occurs {found} times instead of once")
    return source.replace(mutant.old, mutant.new)


def plant_all(mutants: Iterable[Mutant], root: Path = ROOT) -> None:
    """Plant every fault in memory, to know that the list fits the sources.

    Raises:
        ValueError: as ``plant``, for the first that does not fit.
    """
    for mutant in mutants:
        plant((root / mutant.file).read_text(encoding="utf-8"), mutant)


@contextmanager
def workshop(root: Path) -> Iterator[Path]:
    """Lend a copy of the repository, without what belongs to a machine or to runs."""
    with tempfile.TemporaryDirectory(prefix="mutation-") as folder:
        copy = Path(folder) / "copy"
        shutil.copytree(root, copy, ignore=shutil.ignore_patterns(*_LEFT_OUT))
        yield copy


def run_tests(copy: Path, tests: Sequence[str], limit_s: float) -> tuple[int | None, float, str]:
    """Run tests in a copy until one fails; (exit code or None: out of time, seconds, output)."""
    environment = os.environ | {
        "NUMBA_DISABLE_JIT": "1",
        "PYTHONPATH": str(copy),
        # A fault of equal length within one second would be hidden by the old byte code.
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    options = ["-x", "-q", "-m", "not slow", "-p", "no:cacheprovider", "--hypothesis-seed=0"]
    # Hash functions overflow on purpose; numba says nothing, numpy warns.
    options += ["-W", "ignore:overflow:RuntimeWarning"]
    start = time.monotonic()
    try:
        done = subprocess.run(
            [sys.executable, "-m", "pytest", *options, *tests],
            cwd=copy,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=limit_s,
        )
    except subprocess.TimeoutExpired:
        return None, time.monotonic() - start, "out of time"
    told = "\n".join(done.stdout.splitlines()[-3:])
    return done.returncode, time.monotonic() - start, told


def judge(copy: Path, mutant: Mutant, tests: Sequence[str], limit_s: float) -> Verdict:
    """Plant a fault in the copy, run the tests, take it out again."""
    path = copy / mutant.file
    source = path.read_text(encoding="utf-8")
    path.write_text(plant(source, mutant), encoding="utf-8")
    try:
        code, seconds, told = run_tests(copy, tests, limit_s)
    finally:
        path.write_text(source, encoding="utf-8")
    outcomes = {None: "timeout", _PASSED: "survived", _FAILED: "killed"}
    return Verdict(mutant, outcomes.get(code, "broken"), seconds, told)


def judge_all(
    mutants: Sequence[Mutant], tests: Sequence[str], jobs: int = 1, root: Path = ROOT
) -> Iterator[Verdict]:
    """Judge faults in parallel; yield verdicts in the order of the list.

    Raises:
        ValueError: if a fault does not fit its source.
        RuntimeError: if the tests do not pass without any fault.
    """
    plant_all(mutants, root)
    with workshop(root) as copy:
        code, seconds, told = run_tests(copy, tests, limit_s=3_600)
    if code != _PASSED:
        raise RuntimeError(f"the tests do not pass without a fault:\n{told}")
    limit_s = 30 + 4 * seconds
    idle: SimpleQueue[Path] = SimpleQueue()

    def in_turn(mutant: Mutant) -> Verdict:
        copy = idle.get()
        try:
            return judge(copy, mutant, tests, limit_s)
        finally:
            idle.put(copy)

    with ThreadPoolExecutor(jobs) as pool, _workshops(root, jobs) as copies:
        for copy in copies:
            idle.put(copy)
        yield from pool.map(in_turn, mutants)


@contextmanager
def _workshops(root: Path, count: int) -> Iterator[list[Path]]:
    with ExitStack() as stack:
        yield [stack.enter_context(workshop(root)) for _ in range(count)]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; its exit code."""
    about, _, example = (__doc__ or "").partition("\n\n")
    parser = argparse.ArgumentParser(
        prog="python -m scripts.mutation",
        description=about,
        epilog="Example:\n" + example.partition("\n\n")[0],
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--jobs", type=int, default=1, help="faults judged at a time (1)")
    parser.add_argument("--only", default="", help="faults whose file or description has this text")
    parser.add_argument("--every", type=int, default=1, help="judge each n-th of them only (1)")
    parser.add_argument("--tests", nargs="+", default=TESTS, help="what judges them")
    parser.add_argument("--json", action="store_true", help="print one JSON object instead")
    chosen = parser.parse_args(arguments)
    mutants = [mutant for mutant in MUTANTS if chosen.only in str(mutant)]
    if chosen.every < 1:
        parser.error(f"--every {chosen.every}: must be at least 1")
    mutants = mutants[:: chosen.every]
    if not mutants:
        parser.error(f"no fault has {chosen.only!r} in its file or description")
    verdicts = []
    try:
        for verdict in judge_all(mutants, chosen.tests, chosen.jobs, ROOT):
            verdicts.append(verdict)
            if not chosen.json:
                print(verdict.row(), flush=True)
                if verdict.outcome == "broken":
                    print(verdict.told, flush=True)
    except (ValueError, RuntimeError) as error:
        print(f"mutation: error: {error}", file=sys.stderr)
        return 1
    noticed = sum(verdict.outcome in {"killed", "timeout"} for verdict in verdicts)
    if chosen.json:
        rows = [
            {
                **verdict.mutant._asdict(),
                "outcome": verdict.outcome,
                "seconds": round(verdict.seconds, 1),
            }
            for verdict in verdicts
        ]
        print(json.dumps({"noticed": noticed, "faults": len(rows), "mutants": rows}, indent=1))
    else:
        print(f"{noticed} of {len(verdicts)} faults were noticed")
    return int(noticed < len(verdicts))


if __name__ == "__main__":
    sys.exit(main())
