"""The README's promises: twelve lines that trade, a picture of a real market, true figures."""

from __future__ import annotations

import re
import struct
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from scripts.readme_picture import draw, play
from tests.markdown import ROOT, blocks, commands, links

README = ROOT / "README.md"


def test_twelve_lines_make_a_market(tmp_path: Path) -> None:
    (block,) = blocks(README, "python")
    lines = [line for line in block.text.splitlines() if line.strip()]
    assert len(lines) == 12

    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", block.text],
        capture_output=True,
        text=True,
        timeout=300,
        cwd=tmp_path,
    )

    assert done.returncode == 0, done.stderr
    number = r"-?\d+\.\d"
    match = re.fullmatch(rf"(\d+) fills, P&L ({number}), objective ({number}) ticks\n", done.stdout)
    assert match, done.stdout
    assert int(match[1]) > 0
    assert float(match[3]) <= float(match[2])  # the objective pays for inventory


def test_the_two_commands_come_first() -> None:
    assert [words for words in commands(README) if words[0] == "make"][:2] == [
        ["make", "train"],
        ["make", "test"],
    ]


def test_the_folder_map_is_complete() -> None:
    text = README.read_text()
    named = set(re.findall(r"^\| `(\w+)/` \|", text, re.MULTILINE))
    assert {name for name in named if not (ROOT / name).is_dir()} == set()
    assert named == {"hftgym", "agents", "scenarios", "configs", "scripts", "tests", "docs"}


def test_exit_codes_are_those_of_the_errors() -> None:
    from hftgym import errors

    text = README.read_text().replace("\n", " ")
    shown = {int(code) for code in re.findall(r"\d+", text.partition("Exit codes: ")[2][:140])}
    assert shown == {v for k, v in vars(errors).items() if k.startswith("EXIT_")}


def test_the_picture_is_small_enough_to_load() -> None:
    (name,) = (link for link in links(README) if link.endswith(".png"))
    content = (ROOT / name).read_bytes()
    assert content[:8] == b"\x89PNG\r\n\x1a\n"
    width, height = struct.unpack(">II", content[16:24])
    assert 800 <= width <= 2_000 and 400 <= height <= 1_500
    assert len(content) < 200_000


def test_the_picture_shows_what_happened(tmp_path: Path) -> None:
    episode = play(seed=1, horizon_s=60.0)

    assert episode.t_s[-1] == 60.0 and len(episode.t_s) == 120
    assert np.all(episode.touch[:, 0] < episode.touch[:, 1])
    assert np.isfinite(episode.quotes).mean() > 0.8
    assert np.nansum(episode.quotes[:, 0] >= episode.quotes[:, 1]) == 0
    # Bids lie below asks in every column, and the touch is where the depth says.
    for touch, depth in zip(episode.touch, episode.depth, strict=True):
        price = episode.lowest + np.arange(len(depth))
        assert price[depth > 0].max() < price[depth < 0].min()
        assert np.abs(touch - [price[depth > 0].max(), price[depth < 0].min()]).max() <= 3
    assert episode.fills[:, 2].sum() == episode.inventory[-1]
    total, spread, inventory = episode.pnl.T
    np.testing.assert_allclose(total, spread + inventory, atol=1e-9)  # makers pay no fee here

    pytest.importorskip("matplotlib", reason="draws with matplotlib: pip install 'hftgym[report]'")
    draw(episode, tmp_path / "market.png")
    assert (tmp_path / "market.png").stat().st_size > 10_000
