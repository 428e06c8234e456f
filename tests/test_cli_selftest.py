"""The command ``hftgym selftest``: what it prints, and how it leaves."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from hftgym.cli import main
from hftgym.core.reference import ReferenceExchange
from hftgym.selftest import levels
from hftgym.selftest.streams import STREAMS

BOOK = [["a", "S", 101, 5], ["b", "B", 99, 4]]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A file of two vectors, of which the second expects too much."""
    action = ["add", 1, "B", 101, 3]
    vectors = [
        {
            "id": f"take {lots}",
            "kind": "fifo",
            "input": {"book": BOOK, "actions": [action]},
            "expected": {"trades": [["a", 1, 101, lots]]},
        }
        for lots in (3, 5)
    ]
    path = tmp_path / "vectors.json"
    path.write_text(json.dumps({"vectors": vectors}))
    return path


@pytest.mark.parametrize("engine", ["compiled", "reference"])
def test_vectors_are_counted_and_a_failure_is_named(
    file: Path, engine: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["selftest", "vectors", str(file), "--engine", engine]) == 1
    captured = capsys.readouterr()
    assert captured.out.splitlines() == [
        'FAILED take 5: trades[0]: expected ["a", 1, 101, 5], got ["a", 1, 101, 3]',
        "1 passed, 1 failed",
    ]
    assert captured.err == ""


def test_the_compiled_exchange_is_judged_unless_told_otherwise(
    file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["selftest", "vectors", str(file), "--json"]) == 1
    assert json.loads(capsys.readouterr().out) == {
        "engine": "compiled",
        "passed": 1,
        "failed": 1,
        "passed_by_kind": {"fifo": 1},
        "failures": [
            {
                "id": "take 5",
                "what": "trades[0]",
                "expected": '["a", 1, 101, 5]',
                "got": '["a", 1, 101, 3]',
            }
        ],
    }


def test_vectors_that_hold_leave_with_0(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file.write_text(file.read_text().replace("101, 5]]}", "101, 3]]}"))
    assert main(["selftest", "vectors", str(file), "--engine", "reference"]) == 0
    assert capsys.readouterr().out == "2 passed, 0 failed\n"


@pytest.mark.parametrize(
    ("text", "code", "exit_code", "said"),
    [
        (None, "HG-N150", 66, "can not read the file"),
        ("{", "HG-D150", 65, "not JSON"),
        ('{"vectors": [{"id": "x", "kind": "y"}]}', "HG-D151", 65, "vectors[0] 'x': unknown kind"),
    ],
)
def test_a_bad_file_is_one_line_with_its_place(
    tmp_path: Path,
    text: str | None,
    code: str,
    exit_code: int,
    said: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    path = tmp_path / "vectors.json"
    if text is not None:
        path.write_text(text)
    assert main(["selftest", "vectors", str(path)]) == exit_code
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.count("\n") == 1
    assert captured.err.startswith(f"hftgym: error[{code}] {path}:")
    assert said in captured.err


def test_an_unknown_engine_is_a_usage_error(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["selftest", "vectors", str(file), "--engine", "quick"]) == 2
    assert "error[HG-U000]" in capsys.readouterr().err


def test_the_command_has_help_with_an_example(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["selftest", "vectors", "--help"]) == 0
    assert "Example: hftgym selftest vectors exchange_vectors.json" in capsys.readouterr().out


@pytest.fixture
def tiny(monkeypatch: pytest.MonkeyPatch) -> int:
    """Make the quick level tiny; its actions."""
    actions = 40 * len(STREAMS)
    monkeypatch.setitem(levels.ACTIONS, levels.Level.quick, actions)
    return actions


@pytest.fixture
def fault(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the twin forget to cancel."""
    monkeypatch.setattr(ReferenceExchange, "_cancel", lambda self, message: None)


def test_a_self_test_counts_each_stream(tiny: int, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["selftest", "--seed", "3"]) == 0
    captured = capsys.readouterr()
    head, *rows, total, verdict = captured.out.splitlines()
    assert head.split() == ["stream", "actions", "trades", "rejects"]
    assert [row.split()[0] for row in rows] == list(STREAMS)
    assert {row.split()[1] for row in rows} == {"40"}
    sums = [sum(int(row.split()[k]) for row in rows) for k in (1, 2, 3)]
    assert total == f"{'total':<14}" + "".join(f"{value:>12,}" for value in sums)
    assert sums[0] == tiny and min(sums) > 0
    assert verdict == "0 differences"
    assert "selftest: 1,320 of 1,320 actions" in captured.err


def test_the_seed_says_what_is_compared_and_the_processes_do_not(
    tiny: int, capsys: pytest.CaptureFixture[str]
) -> None:
    found = []
    for words in (["--seed", "3"], ["--seed", "3", "--processes", "2"], ["--seed", "4"]):
        assert main(["selftest", "--json", *words]) == 0
        found.append(json.loads(capsys.readouterr().out))
    assert found[0] == found[1]
    assert found[0]["ok"] and found[0]["actions"] == tiny and found[0]["differences"] == 0
    assert found[0]["streams"] != found[2]["streams"]


@pytest.mark.usefixtures("fault", "tiny")
def test_a_difference_is_named_with_the_command_that_replays_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["selftest"]) == 1
    *_, where, what, replay = capsys.readouterr().out.splitlines()
    assert where.startswith("1 difference, in touch with seed ")
    assert what.startswith("action ") and ": reports after Message(" in what
    words = replay.removeprefix("replay: hftgym ").split()

    assert main(words) == 1
    assert what in capsys.readouterr().out
    assert main([*words, "--json"]) == 1
    assert json.loads(capsys.readouterr().out)["difference"] == what
    monkeypatch.undo()
    assert main(words) == 0


def test_an_unknown_stream_is_a_usage_error(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["selftest", "replay", "tuch", "1"]) == 2
    assert "error[HG-U151] no stream 'tuch'; did you mean 'touch'?" in capsys.readouterr().err


@pytest.mark.parametrize("different", [(), (1,)])
def test_a_release_tells_of_the_exchanges_before_it_kills_runs(
    different: tuple[int, ...], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from hftgym.training import kill_points

    told = []

    def kill(points: int, seed: int, advance: object) -> kill_points.KillReport:
        told.append(capsys.readouterr().out)
        return kill_points.KillReport(seed, (0,) * points, different)

    monkeypatch.setitem(levels.ACTIONS, levels.Level.release, 200)
    monkeypatch.setattr(kill_points, "kill_points", kill)
    assert main(["selftest", "--level", "release", "--processes", "1"]) == (1 if different else 0)
    assert len(told) == 1 and told[0].endswith("0 differences\n")
    assert capsys.readouterr().out.startswith("resume: 50 runs killed")
