"""The table of papers: what agrees, what is printed, which papers there are, the script."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path

import pytest

from hftgym.errors import EXIT_CHECK_FAILED, EXIT_USAGE, UsageError
from hftgym.papers import catalogue
from hftgym.papers.table import Row, text_table
from scripts import reproduce_papers

ROW = Row("Roll 1984", "spread", 0.02, 0.0203, 0.0004, "four standard errors")


def test_a_row_agrees_within_its_tolerance_and_never_with_a_nan() -> None:
    assert ROW.ok
    assert replace(ROW, ours=0.0197).ok
    assert not replace(ROW, ours=0.0205).ok
    assert not replace(ROW, ours=math.nan).ok


def test_the_table_names_each_paper_once_and_what_differs() -> None:
    rows = [ROW, replace(ROW, ours=1.0, note=""), replace(ROW, paper="Kyle 1985")]
    lines = text_table(rows).splitlines()
    assert [line.split() for line in lines] == [
        ["Roll", "1984", "printed", "ours", "tolerance"],
        ["spread", "0.02", "0.0203", "0.0004", "ok", "four", "standard", "errors"],
        ["spread", "0.02", "1", "0.0004", "DIFFERS"],
        [],
        ["Kyle", "1985", "printed", "ours", "tolerance"],
        ["spread", "0.02", "0.0203", "0.0004", "ok", "four", "standard", "errors"],
    ]
    assert text_table([]) == "nothing to compare"


def test_every_paper_is_found() -> None:
    folder = Path(catalogue.__file__).parent
    others = {"__init__", "catalogue", "table"}
    assert set(catalogue.papers()) == {path.stem for path in folder.glob("*.py")} - others
    assert "avellaneda_stoikov_2008" in catalogue.papers()


def test_an_unknown_paper_is_refused_with_the_nearest_name() -> None:
    with pytest.raises(UsageError, match="did you mean 'kyle_1985'") as caught:
        catalogue.reproduce("kyle_1958")
    assert caught.value.code == "HG-U180"
    with pytest.raises(UsageError, match="there are almgren_chriss_2000, "):
        catalogue.reproduce("x")


def run(monkeypatch: pytest.MonkeyPatch, *words: str) -> int:
    monkeypatch.setattr("sys.argv", ["reproduce_papers", *words])
    return reproduce_papers.main()


def test_the_script_prints_one_paper_or_its_rows(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(monkeypatch, "--paper", "glosten_milgrom_1985") == 0
    table = capsys.readouterr().out
    assert "prior 0.3, informed 0.2: ask" in table
    assert run(monkeypatch, "--paper", "glosten_milgrom_1985", "--json") == 0
    rows = json.loads(capsys.readouterr().out)
    assert [row["ok"] for row in rows] == [True] * 6
    assert rows[0]["printed"] == 0.4


def test_the_script_fails_when_a_number_differs_or_a_name_is_unknown(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    wrong = [replace(ROW, ours=1.0)]
    monkeypatch.setattr("hftgym.papers.roll_1984.rows", lambda: wrong)
    assert run(monkeypatch, "--paper", "roll_1984") == EXIT_CHECK_FAILED
    assert "DIFFERS" in capsys.readouterr().out
    assert run(monkeypatch, "--paper", "roll_1948") == EXIT_USAGE
    assert "error[HG-U180]" in capsys.readouterr().err
