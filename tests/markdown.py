"""Reads Markdown pages: code blocks, shown commands, links."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PAGES = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").glob("*.md"))]
_BLOCK = re.compile(
    r"(?:^<!-- no-test(?P<skip>[^\n]*?)-->\n+)?^```(?P<language>\w*)\n(?P<text>.*?)^```$",
    re.MULTILINE | re.DOTALL,
)
_LINK = re.compile(r"\]\((?!https?://|#)([^)#\s]+)")


@dataclass(frozen=True)
class Block:
    """A fenced block.

    Attributes:
        language: behind the fence.
        text: what is inside.
        line: where it begins, from 1.
        skip: the reason of a ``<!-- no-test: reason -->`` before it; None without one.
    """

    language: str
    text: str
    line: int
    skip: str | None


def blocks(page: Path, language: str | None = None) -> list[Block]:
    """Return the fenced blocks of a page, of one language if given."""
    text = page.read_text(encoding="utf-8")
    found = [
        Block(m["language"], m["text"], text.count("\n", 0, m.start("text")) + 1, m["skip"])
        for m in _BLOCK.finditer(text)
    ]
    return [block for block in found if language in (None, block.language)]


def commands(page: Path) -> list[list[str]]:
    """Return the words of every command line that a page shows after ``$``."""
    lines = [line for b in blocks(page, "console") for line in b.text.splitlines()]
    return [shlex.split(line[2:], comments=True) for line in lines if line.startswith("$ ")]


def mentioned(page: Path) -> list[list[str]]:
    """Return the words of every ``hftgym ...`` or ``make ...`` in inline code of a page."""
    text = _BLOCK.sub("", page.read_text(encoding="utf-8"))
    found = re.findall(r"`((?:hftgym|make) [^`\n]+)`", text)
    return [shlex.split(words) for words in found]


def links(page: Path) -> list[str]:
    """Return the relative links of a page, pictures too."""
    return _LINK.findall(page.read_text(encoding="utf-8"))
