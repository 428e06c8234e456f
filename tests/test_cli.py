"""The command: help at once, one-line errors, exit codes, JSON."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from hftgym import __version__
from hftgym.cli import main
from hftgym.scenario import list_scenarios

COMMANDS = [
    "doctor",
    "compile",
    "scenarios",
    "gates",
    "realism",
    "simulate",
    "replay",
    "train",
    "evaluate",
    "calibrate",
    "data verify lobster",
    "data verify bitstamp",
    "bench engine",
    "bench env",
    "selftest",
    "selftest replay",
    "selftest vectors",
]

HEAVY = ["torch", "stable_baselines3", "ray", "pandas", "matplotlib", "scipy", "tensorboard"]


def run(*words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "hftgym", *words]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help_with_an_example(
    command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*command.split(), "--help"]) == 0
    shown = " ".join(capsys.readouterr().out.split())
    assert f"Example: hftgym {command}" in shown


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_that_prints_figures_has_json(
    command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    main([*command.split(), "--help"])
    assert "--json" in capsys.readouterr().out


def test_bare_command_shows_the_help(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 0
    shown = capsys.readouterr().out
    assert all(command.split()[0] in shown for command in COMMANDS)


def test_help_imports_nothing_heavy() -> None:
    code = (
        "import sys; from hftgym.cli import main; main(['--help']);"
        f"sys.exit(' '.join(m for m in {[*HEAVY, 'numba']!r} if m in sys.modules) or 0)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.stderr == ""
    assert "Usage: hftgym" in done.stdout


def test_version_and_module_form() -> None:
    done = run("--version")
    assert (done.returncode, done.stdout, done.stderr) == (0, f"hftgym {__version__}\n", "")


@pytest.mark.parametrize(
    ("words", "exit_code", "said"),
    [
        (["trian"], 2, "No such command 'trian'. Did you mean 'train'?; see hftgym --help"),
        (["train", "--foo"], 2, "No such option: --foo; see hftgym train --help"),
        (["train"], 2, "name a configuration, or a run folder with --resume"),
        (["data", "verify"], 2, "Missing command; see hftgym data verify --help"),
        (["train", "x.yaml", "--seed", "one"], 2, "see hftgym train --help"),
        (["train", "x.yaml", "--device", "tpu"], 2, "see hftgym train --help"),
        (["train", "x.yaml", "--steps", "0"], 2, "see hftgym train --help"),
        (["train", "x.yaml", "--name", "../x"], 2, "run name '../x' is not allowed"),
        (["train", "nowhere/x.yaml"], 66, "nowhere/x.yaml: can not read the file"),
        (["data", "verify", "lobster", "nowhere.csv", "nothing.csv"], 66, "nowhere.csv"),
    ],
)
def test_an_error_is_one_line_with_a_code(
    words: list[str], exit_code: int, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(words) == exit_code
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.count("\n") == 1
    assert captured.err.startswith("hftgym: error[HG-")
    assert said in captured.err


def test_an_error_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["train", "nowhere/x.yaml", "--json"]) == 66
    error = json.loads(capsys.readouterr().out)["error"]
    assert (error["code"], error["exit_code"]) == ("HG-N001", 66)


def test_debug_shows_the_traceback_wherever_it_stands(capsys: pytest.CaptureFixture[str]) -> None:
    for words in (["--debug", "train", "nowhere/x.yaml"], ["train", "nowhere/x.yaml", "--debug"]):
        assert main(words) == 66
        assert "Traceback (most recent call last)" in capsys.readouterr().err


def test_an_unexpected_error_is_called_a_bug(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def explode() -> list[str]:
        raise ZeroDivisionError("nothing to divide by")

    monkeypatch.setattr("hftgym.scenario.list_scenarios", explode)
    assert main(["scenarios"]) == 70
    captured = capsys.readouterr()
    assert captured.err.count("\n") == 1
    assert "error[HG-I000] ZeroDivisionError: nothing to divide by" in captured.err


def test_interrupting_leaves_with_130(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(
        "hftgym.scenario.list_scenarios", lambda: os.kill(os.getpid(), signal.SIGINT)
    )
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell may ignore it
    try:
        assert main(["scenarios"]) == 130
    finally:
        signal.signal(signal.SIGINT, before)
    assert capsys.readouterr().err == "hftgym: interrupted\n"


def test_an_interrupted_run_says_where_it_was_saved(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def stopped() -> None:
        raise KeyboardInterrupt("stopped; what there is was saved in runs/one")

    monkeypatch.setattr("hftgym.scenario.list_scenarios", stopped)
    assert main(["scenarios"]) == 130
    text = capsys.readouterr().err
    assert text == "hftgym: interrupted: stopped; what there is was saved in runs/one\n"


def test_scenarios_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["scenarios"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == list_scenarios()
    assert main(["scenarios", "--json"]) == 0
    assert sorted(json.loads(capsys.readouterr().out)) == list_scenarios()


def test_a_reader_that_leaves_early_is_no_error() -> None:
    command = f"{sys.executable} -m hftgym scenarios | true; exit ${{PIPESTATUS[0]}}"
    done = subprocess.run(
        ["bash", "-c", command], capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_a_verified_pair_prints_its_rows(
    shared_data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pair = [str(p) for p in sorted((shared_data / "lobster").glob("AAPL_*_10.csv"))]
    assert main(["data", "verify", "lobster", *pair]) == 0
    assert "998 / 998" in capsys.readouterr().out
    assert main(["data", "verify", "lobster", *pair, "--json"]) == 0
    figures = json.loads(capsys.readouterr().out)
    assert (figures["rows"], figures["rows_equal"]) == (998, 998)


def test_a_check_that_fails_leaves_with_1(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    message = tmp_path / "message.csv"
    message.write_text("1.0,1,1,10,1000000,1\n2.0,1,2,10,1000000,1\n")
    book = tmp_path / "orderbook.csv"
    book.write_text("1010000,5,1000000,10\n1010000,5,1000000,19\n")
    assert main(["data", "verify", "lobster", str(message), str(book)]) == 1
    assert "0 / 1" in capsys.readouterr().out


def test_figures_print_one_a_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    figures = {"messages_per_s": 7, "yardstick": {"what": "a sort", "parts": {"n": [1, 2]}}}
    monkeypatch.setattr("hftgym.bench.engine.bench_engine", lambda say: figures)
    assert main(["bench", "engine"]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "messages_per_s: 7",
        "yardstick.what: a sort",
        "yardstick.parts.n: [1, 2]",
    ]
    assert main(["bench", "engine", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == figures
