"""The documentation is true: its Python runs, its commands exist, its links lead somewhere."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from hftgym.cli import main
from hftgym.scenario import list_scenarios
from tests.markdown import PAGES, ROOT, blocks, commands, links, mentioned

NAMES = [page.name for page in PAGES]
WITH_PYTHON = [page for page in PAGES if blocks(page, "python")]
TARGETS = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
#: Words that stand for something of the reader's.
PLACES = {"MESSAGE", "ORDERBOOK", "LOG", "DATA", "CONFIG", "RUN", "PATH", "SCENARIO"}


@pytest.mark.parametrize("page", WITH_PYTHON, ids=[page.name for page in WITH_PYTHON])
def test_python_blocks_run(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Run the blocks of a page in order, in one namespace, as a reader would type them.

    A block that begins with ``# name.py`` is a file in the working directory.
    """
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(ROOT))
    monkeypatch.syspath_prepend(str(tmp_path))
    namespace: dict[str, object] = {"__name__": "page"}
    for block in blocks(page, "python"):
        if block.skip is not None:
            assert len(block.skip.strip(" :")) > 10, f"{page.name}:{block.line}: say why"
            continue
        file = re.match(r"# (\w+\.py)\n", block.text)
        if file:
            (tmp_path / file[1]).write_text(block.text)
            continue
        # Line numbers of errors are those of the page.
        source = "\n" * (block.line - 1) + block.text
        exec(compile(source, str(page), "exec"), namespace)


@pytest.mark.parametrize("page", PAGES, ids=NAMES)
def test_links_lead_to_files(page: Path) -> None:
    missing = [link for link in links(page) if not (page.parent / link).exists()]
    assert missing == []


def test_every_page_is_on_the_map() -> None:
    shown = set(links(ROOT / "docs" / "index.md"))
    pages = {page.name for page in (ROOT / "docs").glob("*.md")} - {"index.md"}
    assert pages <= shown


@pytest.mark.parametrize("page", PAGES, ids=NAMES)
def test_commands_exist(page: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for words in [*commands(page), *mentioned(page)]:
        if words[0] == "make":
            assert words[1] in TARGETS, words
        if words[0] == "hftgym":
            check_hftgym(words[1:], capsys)


def check_hftgym(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """Check subcommand, options, bundled scenarios and files of a shown ``hftgym`` line."""
    if words == ["--help"]:
        assert main(words) == 0
        return
    path: list[str] = []
    for word in words:
        if not re.fullmatch(r"[a-z]+", word) or word in list_scenarios():
            break
        path.append(word)
    assert path, words
    assert main([*path, "--help"]) == 0, words
    text = capsys.readouterr().out
    options = [word for word in words if word.startswith("--")]
    assert [option for option in options if option.split("=")[0] not in text] == []
    if "--scenario" in words:
        assert words[words.index("--scenario") + 1] in list_scenarios()
    rest = [w for w in words[len(path) :] if not w.startswith("--") and w not in PLACES]
    for word in rest:
        if word.startswith("configs/"):
            assert (ROOT / word).is_file(), word
    if path == ["gates"] and rest:
        assert rest[0] in list_scenarios(), words


def test_the_reader_of_pages_sees_blocks_and_reasons(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(
        "a\n\n<!-- no-test: needs an exchange -->\n```python\nx\n```\n\n```console\n"
        "$ make lint  # why\nout\n```\n`hftgym doctor` [b](c.md) [d](https://e.f)\n"
    )
    python = blocks(page, "python")
    assert [(b.text, b.line, b.skip) for b in python] == [("x\n", 5, ": needs an exchange ")]
    assert commands(page) == [["make", "lint"]]
    assert mentioned(page) == [["hftgym", "doctor"]]
    assert links(page) == ["c.md"]
