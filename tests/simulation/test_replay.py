"""A log is run again: every row the same, the first that is not named, another name refused."""

from __future__ import annotations

import dataclasses
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hftgym.cli import main
from hftgym.errors import DataError, HftgymError, NoInputError
from hftgym.simulation.market_log import LogHeader, LogWriter, read_header, read_log
from hftgym.simulation.replay import replay
from hftgym.simulation.simulate import simulate
from tests.data.lobster_days import Exchange, write_files
from tests.simulation.small import small


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The log of a small market."""
    folder = tmp_path_factory.mktemp("small") / "run"
    simulate(small(), seed=9, out=folder, seconds=4.0, quiet=True)
    return folder / "events-9.parquet"


def changed(
    source: Path,
    target: Path,
    rows: Callable[[np.ndarray], np.ndarray] = lambda rows: rows,
    **header: Any,
) -> Path:
    """Write a log again with other rows or another description."""
    with LogWriter(target) as writer:
        writer.write(rows(read_log(source)))
        writer.close(dataclasses.replace(read_header(source), **header))
    return target


def test_a_log_is_repeated_row_by_row(log: Path, capsys: pytest.CaptureFixture[str]) -> None:
    report = replay(log, quiet=True)
    assert report.ok
    assert report.rows_equal == report.rows == len(read_log(log)) > 100
    assert main(["replay", str(log)]) == 0
    shown = capsys.readouterr().out
    assert shown.startswith(f"{report.rows} of {report.rows} rows are the same\n")
    assert f"log hash {report.log_hash}: the same" in shown


def test_a_log_is_repeated_in_another_process_without_the_compiler(log: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "hftgym", "replay", str(log), "--json"],
        env={**os.environ, "NUMBA_DISABLE_JIT": "1", "PYTHONHASHSEED": "7"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, json.loads(done.stdout)["ok"]) == (0, True)


@pytest.mark.parametrize("name", ["t_ns", "px", "lots", "maker_gen", "taker", "side", "marks"])
def test_the_first_row_that_differs_is_named(
    log: Path, name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def spoil(rows: np.ndarray) -> np.ndarray:
        rows[name][[70, 90]] += 1
        return rows

    other = changed(log, tmp_path / "other.parquet", spoil)
    assert main(["replay", str(other), "--json"]) == 1
    found = json.loads(capsys.readouterr().out)
    assert found["rows_equal"] == 70
    value = int(read_log(log)[name][70])
    assert found["first_difference"].startswith("row 70: the log has t_ns ")
    assert f"{name} {value + 1}" in found["first_difference"].split("the re-run")[0]
    assert f"{name} {value}" in found["first_difference"].split("the re-run")[1]


def test_missing_and_surplus_rows_are_differences(log: Path, tmp_path: Path) -> None:
    rows = len(read_log(log))
    short = replay(changed(log, tmp_path / "short.parquet", lambda r: r[:-3]), quiet=True)
    assert (short.ok, short.rows_equal) == (False, rows - 3)
    assert f"row {rows - 3}: the log ends, the re-run has" in str(short)
    twice = changed(log, tmp_path / "long.parquet", lambda r: np.concatenate([r, r[-1:]]))
    long = replay(twice, quiet=True)
    assert (long.ok, long.rows_equal) == (False, rows)
    assert "the re-run ends" in str(long)


def test_another_hash_is_a_difference(log: Path, tmp_path: Path) -> None:
    for name in ("log_hash", "state_hash"):
        other = changed(log, tmp_path / f"{name}.parquet", **{name: "0" * 16})
        report = replay(other, quiet=True)
        assert (report.ok, report.first_difference) == (False, None)
        assert f"{name.replace('_', ' ')} {'0' * 16}: here " in str(report)


def test_another_name_is_refused_with_all_that_differs(log: Path, tmp_path: Path) -> None:
    other = changed(log, tmp_path / "o.parquet", hftgym="0.0.1", config_hash="ab" * 32)
    with pytest.raises(DataError, match=r"version 0\.0\.1, this is .*; config hash abababab"):
        replay(other, quiet=True)
    header = read_header(log)
    unknown = header.scenario | {"weather": "fine"}
    with pytest.raises(DataError, match=r"its scenario is not valid in hftgym .*weather"):
        replay(changed(log, tmp_path / "s.parquet", scenario=unknown), quiet=True)


def test_a_tape_needs_the_same_data(tmp_path: Path) -> None:
    pairs = []
    for seed in (1, 2):
        exchange = Exchange(2)
        choices = np.random.default_rng(seed).integers(0, 60, size=(60, 4))
        for choice in choices.tolist():
            exchange.act(*choice)
        (tmp_path / str(seed)).mkdir()
        pairs.append(write_files(tmp_path / str(seed), exchange.messages, exchange.rows)[0])
    simulate("tape", data=pairs[0], seconds=40.0, out=tmp_path / "run", quiet=True)
    written = tmp_path / "run" / "events-0.parquet"
    assert replay(written, quiet=True).ok
    assert replay(written, data=pairs[0].parent, quiet=True).ok
    with pytest.raises(DataError, match="data hash"):
        replay(written, data=pairs[1], quiet=True)
    for path in pairs[0].parent.iterdir():
        path.unlink()
    with pytest.raises(NoInputError, match="no LOBSTER pair"):
        replay(written, quiet=True)


def test_what_is_no_log_is_refused(tmp_path: Path, log: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    text = tmp_path / "text.parquet"
    text.write_text("no log")
    plain = tmp_path / "plain.parquet"
    pq.write_table(pa.table({"a": [1]}), plain)
    other = tmp_path / "columns.parquet"
    table, meta = pq.read_table(log), {b"hftgym": pq.read_metadata(log).metadata[b"hftgym"]}
    pq.write_table(table.drop_columns(["px"]).replace_schema_metadata(meta), other)
    for path, said in (
        (tmp_path / "none.parquet", "there is no file"),
        (text, "is no Parquet file"),
        (plain, "it is not an event log"),
        (other, "columns are"),
        (changed(log, tmp_path / "f.parquet", format=99), "is a log of format 99"),
    ):
        with pytest.raises(HftgymError, match=said):
            replay(path, quiet=True)


def test_a_log_that_is_not_finished_leaves_no_file(tmp_path: Path, log: Path) -> None:
    with pytest.raises(KeyboardInterrupt), LogWriter(tmp_path / "log.parquet") as writer:
        writer.write(read_log(log))
        raise KeyboardInterrupt
    assert list(tmp_path.iterdir()) == []


def test_the_description_has_every_field(log: Path) -> None:
    import pyarrow.parquet as pq

    said = json.loads(pq.read_metadata(log).metadata[b"hftgym"])
    assert set(said) == {field.name for field in dataclasses.fields(LogHeader)}
    assert said["scenario"]["participants"][0]["kind"] == "noise_taker"
