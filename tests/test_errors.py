"""Errors: one line each, a code, an exit code; and the names that people choose."""

from __future__ import annotations

import copy
import re
from pathlib import Path

import pytest

import hftgym
from hftgym import errors
from hftgym.names import check_name, child_path, is_target, load_attribute, nearest

EXIT_CODES = {
    errors.UsageError: 2,
    errors.DataError: 65,
    errors.NoInputError: 66,
    errors.InternalError: 70,
    errors.OutputError: 73,
    errors.ConfigError: 78,
}


@pytest.mark.parametrize(("kind", "exit_code"), EXIT_CODES.items())
def test_each_kind_has_its_exit_code(kind: type[errors.HftgymError], exit_code: int) -> None:
    error = kind("HG-D012", "data/btc.csv:10417: column 'price': 'nan' is not a finite number > 0")
    assert error.exit_code == exit_code
    assert error.to_dict() == {
        "code": "HG-D012",
        "message": "data/btc.csv:10417: column 'price': 'nan' is not a finite number > 0",
        "exit_code": exit_code,
    }
    assert str(error) == error.message


def test_every_kind_is_listed_here() -> None:
    assert set(errors.HftgymError.__subclasses__()) == set(EXIT_CODES)


def test_a_message_is_one_printable_line() -> None:
    error = errors.DataError("HG-D001", "a file:\n   \x1b]0;title\x07 and\r\nmore\x00")
    assert str(error) == "a file: \\x1b]0;title\\x07 and more\\x00"


def test_an_error_survives_being_copied_to_another_process() -> None:
    error = errors.HftgymError("HG-I001", "stopped", 75)
    rebuilt = copy.copy(error)  # the same protocol that carries it between processes
    assert (rebuilt.code, rebuilt.message, rebuilt.exit_code) == ("HG-I001", "stopped", 75)


@pytest.mark.parametrize("name", ["a", "ppo-1.2_B", "x" * 64, "...", "_", "1"])
def test_names_that_are_allowed(name: str) -> None:
    assert check_name(name, "run name") == name


@pytest.mark.parametrize(
    "name",
    [
        "",
        ".",
        "..",
        "../x",
        "a/../../b",
        "/etc/x",
        "C:\\x",
        "a b",
        "-rf",
        "a\n",
        "a\0",
        "x" * 65,
        "x" * 300,
        "naïve",
        "\u0430gent",
        "<script>",
        "\x1b]0;x",
    ],
)
def test_names_that_are_refused(name: str) -> None:
    with pytest.raises(errors.UsageError, match=r"^run name .*A-Z a-z 0-9") as caught:
        check_name(name, "run name")
    assert caught.value.code == "HG-U001"
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 500


def test_a_child_path_stays_inside_its_folder(tmp_path: Path) -> None:
    root = tmp_path / "runs"
    root.mkdir()
    assert child_path(root, "one", "run name") == root / "one"
    (root / "away").symlink_to(tmp_path)
    with pytest.raises(errors.UsageError, match="leads elsewhere"):
        child_path(root, "away", "run name")
    with pytest.raises(errors.UsageError, match="not allowed"):
        child_path(root, "../runs", "run name")


def test_nearest_names() -> None:
    known = ["default", "tape", "rebate"]
    assert nearest("defualt", known) == "; did you mean 'default'?"
    assert nearest("reb", known) == "; did you mean 'rebate'?"
    assert nearest("zzz", known) == ""
    assert nearest("", known) == ""


@pytest.mark.parametrize(
    ("text", "expected"),
    [("a.b:C", True), ("a:b", True), ("a", False), ("a:", False), (":b", False), ("a-b:c", False)],
)
def test_module_attribute_form(text: str, expected: bool) -> None:
    assert is_target(text) is expected


def test_load_attribute_finds_and_explains() -> None:
    assert load_attribute("hftgym.names:check_name", "agent") is check_name
    with pytest.raises(errors.UsageError, match="form module:attribute"):
        load_attribute("hftgym.names.check_name", "agent")
    with pytest.raises(errors.UsageError, match=r"no module 'hftgym\.nothing'"):
        load_attribute("hftgym.nothing:X", "agent")
    with pytest.raises(errors.UsageError, match="no 'chek_name'; did you mean 'check_name'"):
        load_attribute("hftgym.names:chek_name", "agent")


def test_load_attribute_does_not_hide_a_broken_module(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "needs_another.py").write_text("import a_module_that_nobody_has\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(ModuleNotFoundError, match="a_module_that_nobody_has"):
        load_attribute("needs_another:X", "agent")


def test_a_code_belongs_to_one_part_of_the_package() -> None:
    package = Path(hftgym.__file__).parent
    parts: dict[str, set[str]] = {}
    for source in package.rglob("*.py"):
        part = source.relative_to(package).parts[0]
        for code in re.findall(r'"(HG-[A-Z]\d{3})"', source.read_text()):
            parts.setdefault(code, set()).add(part)
    assert len(parts) > 50
    assert {code: found for code, found in parts.items() if len(found) > 1} == {}
