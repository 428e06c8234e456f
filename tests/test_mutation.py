"""The list of planted faults fits the sources, and the judge of the tests can tell."""

from __future__ import annotations

import ast
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from scripts import mutation
from scripts.mutants import MUTANTS, Mutant
from scripts.mutation import ROOT, TESTS, Judge, judge_all, main, plant, run_tests

SOURCE = "def larger(a, b):\n    return a if a > b else b\n"
TEST = """
from larger import larger

def test_larger():
    assert larger(1, 2) == 2
    assert larger(3, 3) == 3
"""
NOTICED = Mutant("larger.py", "a > b", "a < b", "the smaller one")
EQUAL = Mutant("larger.py", "a > b", "a >= b", "no difference")
UNREADABLE = Mutant("larger.py", "return", "return return", "no program")


@pytest.fixture
def tiny(tmp_path: Path) -> Path:
    (tmp_path / "larger.py").write_text(SOURCE)
    (tmp_path / "test_larger.py").write_text(TEST)
    return tmp_path


@pytest.mark.parametrize("mutant", MUTANTS, ids=str)
def test_a_fault_fits_its_source_and_changes_it(mutant: Mutant) -> None:
    source = (ROOT / mutant.file).read_text(encoding="utf-8")
    planted = plant(source, mutant)
    assert ast.dump(ast.parse(planted)) != ast.dump(ast.parse(source))
    changed = zip(source.splitlines(), planted.splitlines(), strict=True)
    assert sum(before != after for before, after in changed) == 1


def test_the_list_is_long_and_names_each_fault_once() -> None:
    assert len(MUTANTS) >= 60
    assert len({str(mutant) for mutant in MUTANTS}) == len(MUTANTS)
    assert all((ROOT / test).exists() for test in TESTS)


def test_verdicts_come_from_the_tests(tiny: Path) -> None:
    verdicts = list(judge_all([NOTICED, EQUAL, UNREADABLE], ["test_larger.py"], 2, tiny))
    assert [verdict.outcome for verdict in verdicts] == ["killed", "survived", "broken"]
    assert [verdict.mutant for verdict in verdicts] == [NOTICED, EQUAL, UNREADABLE]
    assert "1 failed" in verdicts[0].told
    assert (tiny / "larger.py").read_text() == SOURCE


def test_a_fault_without_its_place_is_an_error(tiny: Path) -> None:
    gone = NOTICED._replace(old="a is b")
    with pytest.raises(ValueError, match="'a is b' occurs 0 times instead of once"):
        list(judge_all([gone], ["test_larger.py"], 1, tiny))
    twice = NOTICED._replace(old="larger"), SOURCE.replace("return", "larger")
    with pytest.raises(ValueError, match="occurs 2 times"):
        plant(twice[1], twice[0])


def test_tests_that_fail_without_a_fault_judge_nothing(tiny: Path) -> None:
    (tiny / "larger.py").write_text(SOURCE.replace(">", "<"))
    with pytest.raises(RuntimeError, match="do not pass without a fault"):
        list(judge_all([NOTICED._replace(old="a < b", new="a > b")], ["test_larger.py"], 1, tiny))


def test_a_log_is_gone_on_with(tiny: Path) -> None:
    log = tiny / "verdicts.jsonl"
    first = list(judge_all([NOTICED], ["test_larger.py"], 1, tiny, log))
    head, row = log.read_text().splitlines()
    assert list(json.loads(head)["seconds"]) == ["test_larger.py::test_larger"]
    # What stands in the log is believed, what does not is judged.
    log.write_text(head + "\n" + row.replace("killed", "timeout") + "\n")
    again = list(judge_all([NOTICED, EQUAL], ["test_larger.py"], 1, tiny, log))
    assert [verdict.outcome for verdict in again] == ["timeout", "survived"]
    assert again[0].seconds == first[0].seconds
    assert len(log.read_text().splitlines()) == 3
    with log.open("a") as file:
        file.write('{"mutant": ["larg')  # killed while it wrote
    assert len(list(judge_all([NOTICED], ["test_larger.py"], 1, tiny, log))) == 1
    assert len(log.read_text().splitlines()) == 3
    (tiny / "larger.py").write_text(SOURCE + "\n")
    with pytest.raises(ValueError, match="are about other sources or tests; name another file"):
        list(judge_all([NOTICED], ["test_larger.py"], 1, tiny, log))


def test_the_quickest_tests_come_first(tiny: Path) -> None:
    (tiny / "test_order.py").write_text(
        "import time\n\nran = []\n\n"
        "def test_slow():\n    ran.append('slow')\n    time.sleep(0.2)\n\n"
        "def test_quick():\n    ran.append('quick')\n\n"
        "def test_last():\n    time.sleep(0.4)\n    open('ran', 'a').write(' '.join(ran))\n"
    )
    judge = Judge(["test_order.py"], tiny / "seconds.json", 60.0)
    for expected in ("slow quick", "quick slow"):
        (tiny / "ran").unlink(missing_ok=True)
        assert run_tests(tiny, judge)[0] == 0
        assert (tiny / "ran").read_text() == expected


@pytest.fixture
def run_here(tiny: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., int]:
    """Run the command line on the tiny repository with these faults."""

    def run(mutants: tuple[Mutant, ...], *arguments: str) -> int:
        monkeypatch.setattr(mutation, "MUTANTS", mutants)
        monkeypatch.setattr(mutation, "ROOT", tiny)
        return main(["--tests", "test_larger.py", *arguments])

    return run


def test_the_command_line_prints_a_table(
    run_here: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_here((NOTICED, EQUAL)) == 1
    first, second, last = capsys.readouterr().out.splitlines()
    assert first.startswith("killed") and first.endswith("larger.py: the smaller one")
    assert second.startswith("survived") and second.endswith("larger.py: no difference")
    assert last == "1 of 2 faults were noticed"


def test_the_command_line_prints_json(
    run_here: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_here((NOTICED, EQUAL), "--json", "--only", "smaller") == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["noticed"], told["faults"]) == (1, 1)
    assert told["mutants"][0]["outcome"] == "killed"
    assert told["mutants"][0]["new"] == "a < b"


def test_the_command_line_takes_a_sample(
    run_here: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_here((NOTICED, EQUAL), "--every", "2") == 0
    assert capsys.readouterr().out.splitlines()[-1] == "1 of 1 faults were noticed"
    with pytest.raises(SystemExit):
        run_here((NOTICED, EQUAL), "--every", "0")


def test_the_command_line_knows_what_it_has_not(
    run_here: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        run_here((NOTICED,), "--only", "nowhere")
    assert "no fault has 'nowhere'" in capsys.readouterr().err
    assert run_here((NOTICED._replace(old="a is b"),)) == 1
    assert "mutation: error: larger.py: the smaller one" in capsys.readouterr().err
