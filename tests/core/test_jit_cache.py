"""The cache of compiled code: shared by processes, private to its owner, robust to cut files."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from hftgym.core.jit import INTERPRETED, LAYERS, cache_dir
from hftgym.core.lean import SHARED
from hftgym.core.records import MARKET_CLASSES
from hftgym.simulator import Simulator

#: A user's module. The leaf calls itself twice: it can not be inlined away and keeps its symbol.
PROBE = """
import numpy as np

from hftgym.core.jit import kernel, leaf
from hftgym.core.records import MARKET_CLASSES, market_record


@leaf
def room(m, depth):
    if depth < 2:
        return len(m.orders)
    return room(m, depth - 1) + room(m, depth - 2)


@kernel
def rooms(markets, depth):
    return room(markets[0], depth)


def measure(name):
    markets = np.zeros(1, market_record(MARKET_CLASSES[name]))
    answer = rooms(markets, 20) // 10_946
    print(name, answer, sum(rooms.stats.cache_hits.values()))
"""


@pytest.fixture
def probe(tmp_path: Path) -> Path:
    (tmp_path / "room_probe.py").write_text(PROBE)
    (tmp_path / "cache").mkdir(mode=0o700)
    return tmp_path


def run(folder: Path, *names: str, cache: Path | None = None) -> subprocess.CompletedProcess[str]:
    """Measure market classes in a new process, in this order."""
    code = "import room_probe\n" + "\n".join(f"room_probe.measure({name!r})" for name in names)
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join([str(folder), *filter(None, sys.path)]),
        "HFTGYM_CACHE_DIR": str(cache or folder / "cache"),
    }
    environment.pop("NUMBA_DISABLE_JIT", None)
    return subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=300, env=environment
    )


def measured(done: subprocess.CompletedProcess[str]) -> dict[str, tuple[int, int]]:
    """Return (orders, loaded from the cache so far) of each class."""
    assert done.returncode == 0, done.stderr
    rows = [line.split() for line in done.stdout.splitlines()]
    return {name: (int(orders), int(hits)) for name, orders, hits in rows}


def test_classes_compiled_in_two_processes_load_together(probe: Path) -> None:
    small, medium = MARKET_CLASSES["small"].orders, MARKET_CLASSES["medium"].orders
    assert measured(run(probe, "small")) == {"small": (small, 0)}
    assert measured(run(probe, "medium")) == {"medium": (medium, 0)}
    both = measured(run(probe, "small", "medium"))
    assert both == {"small": (small, 1), "medium": (medium, 2)}, "one ran the other's code"
    assert measured(run(probe, "medium", "small")) == {"medium": (medium, 1), "small": (small, 2)}


@pytest.mark.parametrize(("suffix", "kept"), [("nbi", 0.5), ("nbc", 0.0), ("nbc", 0.99)])
def test_a_cut_cache_file_is_compiled_again(probe: Path, suffix: str, kept: float) -> None:
    run(probe, "small")
    files = list((probe / "cache").rglob(f"room_probe.rooms-*.{suffix}"))
    assert files
    for file in files:
        content = file.read_bytes()
        file.write_bytes(content[: int(len(content) * kept)])

    done = run(probe, "small")

    assert measured(done) == {"small": (MARKET_CLASSES["small"].orders, 0)}
    assert done.stderr.count("compiling it again") == 1
    healed = run(probe, "small")
    assert measured(healed) == {"small": (MARKET_CLASSES["small"].orders, 1)}
    assert healed.stderr == ""


def test_a_cache_that_others_can_write_to_is_refused(probe: Path) -> None:
    run(probe, "small")
    for layer in (probe / "cache").iterdir():
        layer.chmod(0o777)

    done = run(probe, "small")

    assert done.returncode != 0
    last = done.stderr.splitlines()[-1]
    assert last.startswith("hftgym.errors.OutputError: cache ")
    assert "mode 777" in last and "HFTGYM_CACHE_DIR" in last


def test_a_cache_that_can_not_be_made_is_one_line(probe: Path) -> None:
    (probe / "file").write_text("not a folder")

    done = run(probe, "small", cache=probe / "file" / "below")

    assert done.returncode != 0
    last = done.stderr.splitlines()[-1]
    assert last.startswith("hftgym.errors.OutputError: cache ")
    assert "Not a directory" in last and "HFTGYM_CACHE_DIR" in last


def test_the_command_says_it_in_one_line(probe: Path) -> None:
    (probe / "file").write_text("not a folder")
    done = subprocess.run(
        [sys.executable, "-m", "hftgym", "bench", "engine"],
        capture_output=True,
        text=True,
        timeout=120,
        cwd=Path(__file__).parents[2],
        env={**os.environ, "HFTGYM_CACHE_DIR": str(probe / "file" / "below")},
    )
    assert done.returncode == 73
    assert done.stderr.startswith("hftgym: error[HG-O050] cache ")
    assert done.stderr.count("\n") == 1


@pytest.mark.slow  # compiles the event loop
@pytest.mark.skipif(INTERPRETED, reason="nothing is compiled")
def test_shared_code_that_the_cache_has_lost_is_compiled_for_callers_from_it(
    tmp_path: Path,
) -> None:
    market = Simulator("default", seed=1)
    market.advance(0.1)
    for layer in LAYERS:
        kept = cache_dir(layer)
        (tmp_path / kept.name).symlink_to(kept)
    core = tmp_path / cache_dir("core").name
    core.unlink()
    shutil.copytree(cache_dir("core"), core)
    lost = list(core.rglob(f"loop.{SHARED}advance-*"))
    assert lost
    for file in lost:
        file.unlink()
    code = (
        "from hftgym.core.entries import advance_one\n"
        "from hftgym.simulator import Simulator\n"
        "market = Simulator('default', seed=1)\n"
        "market.advance(0.1)\n"
        "print(market.state_hash(), sum(advance_one.stats.cache_hits.values()))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        timeout=300,
        cwd=Path(__file__).parents[2],
        env={**os.environ, "HFTGYM_CACHE_DIR": str(tmp_path)},
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == [str(market.state_hash()), "1"]
    assert any(core.rglob(f"loop.{SHARED}advance-*.nbc")), "it was not compiled again"
