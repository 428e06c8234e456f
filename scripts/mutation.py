"""Plants faults in the engine, one at a time, and asks whether the tests notice.

    python -m scripts.mutation --jobs 2 --log runs/mutation.jsonl
    python -m scripts.mutation --only queue --tests tests/core/test_event_order.py --json

Each fault of ``scripts/mutants.py`` goes into a copy of the repository, whose tests then run
without numba (nothing is compiled, so a fault costs seconds), the quickest first. A fault that no
test notices has *survived*: a test is missing there. Exits with 1 when one survives, or can not be
judged. All of them take hours; with ``--log`` a run goes on where the last one stopped.
"""

from __future__ import annotations

import argparse
import hashlib
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
from fnmatch import fnmatch
from pathlib import Path
from queue import SimpleQueue
from typing import Any, NamedTuple

from scripts.mutants import MUTANTS, Mutant

ROOT = Path(__file__).resolve().parents[1]
#: What judges a fault.
TESTS = (
    "tests/core/rules",
    "tests/core/test_book_windows.py",
    "tests/core/test_channels.py",
    "tests/core/test_twin_machine.py",
    "tests/core/test_faults.py",
    "tests/core/test_tape.py",
    "tests/core/test_event_order.py",
    "tests/core/test_deferred_views.py",
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


class Judge(NamedTuple):
    """What judges a fault.

    Attributes:
        tests: files of tests.
        seconds: a file: what each test takes without a fault (written by the first run).
        limit_s: when a fault has made the tests so slow that it is noticed.
    """

    tests: Sequence[str]
    seconds: Path
    limit_s: float


def run_tests(copy: Path, judge: Judge) -> tuple[int | None, float, str]:
    """Run tests in a copy until one fails; (exit code or None: out of time, seconds, output)."""
    environment = os.environ | {
        "NUMBA_DISABLE_JIT": "1",
        "PYTHONPATH": os.pathsep.join([str(copy), str(Path(__file__).resolve().parents[1])]),
        "HFTGYM_TEST_SECONDS": str(judge.seconds),
        # A fault of equal length within one second would be hidden by the old byte code.
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    options = ["-x", "-q", "-m", "not slow", "-p", "no:cacheprovider", "--hypothesis-seed=0"]
    # Hash functions overflow on purpose; numba says nothing, numpy warns.
    options += ["-W", "ignore:overflow:RuntimeWarning", "-p", "scripts.quickest_first"]
    start = time.monotonic()
    try:
        done = subprocess.run(
            [sys.executable, "-m", "pytest", *options, *judge.tests],
            cwd=copy,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=judge.limit_s,
        )
    except subprocess.TimeoutExpired:
        return None, time.monotonic() - start, "out of time"
    told = "\n".join(done.stdout.splitlines()[-3:])
    return done.returncode, time.monotonic() - start, told


def try_one(copy: Path, mutant: Mutant, judge: Judge) -> Verdict:
    """Plant a fault in the copy, run the tests, take it out again."""
    path = copy / mutant.file
    source = path.read_text(encoding="utf-8")
    path.write_text(plant(source, mutant), encoding="utf-8")
    try:
        code, seconds, told = run_tests(copy, judge)
    finally:
        path.write_text(source, encoding="utf-8")
    outcomes = {None: "timeout", _PASSED: "survived", _FAILED: "killed"}
    return Verdict(mutant, outcomes.get(code, "broken"), seconds, told)


def judge_all(
    mutants: Sequence[Mutant],
    tests: Sequence[str],
    jobs: int = 1,
    root: Path = ROOT,
    log: Path | None = None,
) -> Iterator[Verdict]:
    """Judge faults in parallel; yield verdicts in the order of the list.

    Args:
        mutants: the faults.
        tests: what judges them.
        jobs: how many are judged at a time.
        root: of the repository.
        log: keeps verdicts (JSON lines); those that it has are not judged again.

    Raises:
        ValueError: if a fault does not fit its source, or the log belongs to other sources.
        RuntimeError: if the tests do not pass without any fault.
    """
    plant_all(mutants, root)
    with tempfile.TemporaryDirectory(prefix="mutation-") as folder:
        seconds = Path(folder) / "seconds.json"
        known = _Log(log, root, tests)
        if known.base_s is None:
            with workshop(root) as copy:
                code, base_s, told = run_tests(copy, Judge(tests, seconds, 3_600.0))
            if code != _PASSED:
                raise RuntimeError(f"the tests do not pass without a fault:\n{told}")
            known.begin(base_s, json.loads(seconds.read_text(encoding="utf-8")))
        seconds.write_text(json.dumps(known.seconds), encoding="utf-8")
        judge = Judge(tests, seconds, 30 + 4 * (known.base_s or 0.0))
        idle: SimpleQueue[Path] = SimpleQueue()

        def in_turn(mutant: Mutant) -> Verdict:
            if mutant in known.verdicts:
                return known.verdicts[mutant]
            copy = idle.get()
            try:
                verdict = try_one(copy, mutant, judge)
            finally:
                idle.put(copy)
            known.add(verdict)
            return verdict

        with ThreadPoolExecutor(jobs) as pool, _workshops(root, jobs) as copies:
            for copy in copies:
                idle.put(copy)
            yield from pool.map(in_turn, mutants)


class _Log:
    """What an earlier run has found out; without a path it is kept in memory alone."""

    def __init__(self, path: Path | None, root: Path, tests: Sequence[str]) -> None:
        self.base_s: float | None = None
        self.seconds: dict[str, float] = {}
        self.verdicts: dict[Mutant, Verdict] = {}
        self._path = path
        self._sources = _digest(root, tests)
        if path is None or not path.exists():
            return
        text = path.read_text(encoding="utf-8")
        whole = text[: text.rfind("\n") + 1]
        if whole != text:  # a run was killed while it wrote its last line
            path.write_text(whole, encoding="utf-8")
        if not whole:
            return
        head, *rows = (json.loads(line) for line in whole.splitlines())
        if head["sources"] != self._sources:
            raise ValueError(
                f"{path}: its verdicts are about other sources or tests; name another file"
            )
        self.base_s, self.seconds = head["base_s"], head["seconds"]
        for row in rows:
            verdict = Verdict(Mutant(*row["mutant"]), row["outcome"], row["seconds"], row["told"])
            self.verdicts[verdict.mutant] = verdict

    def begin(self, base_s: float, seconds: dict[str, float]) -> None:
        self.base_s, self.seconds = base_s, seconds
        self._write({"sources": self._sources, "base_s": base_s, "seconds": seconds})

    def add(self, verdict: Verdict) -> None:
        if verdict.outcome != "broken":  # that may be over at the next try
            self._write({**verdict._asdict(), "mutant": list(verdict.mutant)})

    def _write(self, row: dict[str, Any]) -> None:
        if self._path is not None:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with self._path.open("a", encoding="utf-8") as file:
                file.write(json.dumps(row) + "\n")


def _digest(root: Path, tests: Sequence[str]) -> str:
    """Return a hash of the Python sources that a verdict is about."""
    digest = hashlib.blake2b(repr(list(tests)).encode(), digest_size=8)
    for path in sorted(root.rglob("*.py")):
        place = path.relative_to(root)
        if not _is_left_out(place):
            digest.update(str(place).encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()


def _is_left_out(place: Path) -> bool:
    return any(fnmatch(part, pattern) for part in place.parts for pattern in _LEFT_OUT)


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
    parser.add_argument("--log", type=Path, help="keeps verdicts, and is gone on with")
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
        for verdict in judge_all(mutants, chosen.tests, chosen.jobs, ROOT, chosen.log):
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
