"""The script behind docs/results.md: trains what is missing, keeps it, writes the tables."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("stable_baselines3")

from scripts import reproduce_results as script

ONE_KNOWN, ONE_MARKET = "fast_ppo_almgren_chriss", "ppo_market_making"
ONE_EXECUTION = "fast_ppo_execution"


def test_it_trains_once_and_writes_the_page(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    reduced = {(ONE_KNOWN,): script._REDUCED[script.KNOWN]}
    reduced |= {(ONE_MARKET, ONE_EXECUTION): script._REDUCED[script.MARKETS]}
    monkeypatch.setattr(script, "_REDUCED", reduced)
    monkeypatch.setattr(script, "KNOWN", (ONE_KNOWN,))
    monkeypatch.setattr(script, "MARKETS", (ONE_MARKET,))
    monkeypatch.setattr(script, "EXECUTIONS", (ONE_EXECUTION,))
    monkeypatch.setattr(script, "TAKING", ())
    monkeypatch.setattr(script, "PAIRS", ())
    found = script.reproduce(tmp_path, reduced=True, quiet=True)
    assert found[ONE_KNOWN]["scores"][0] > 0.8
    assert found[ONE_MARKET]["rows"][0]["name"] == "PPO"

    def never(*arguments: Any, **more: Any) -> Any:
        raise AssertionError("trained again")

    monkeypatch.setattr(script, "train_from_config", never)
    again = script.reproduce(tmp_path, reduced=True, quiet=True)
    assert again == found
    with pytest.raises(AssertionError, match="trained again"):
        script.reproduce(tmp_path, reduced=False, quiet=True)  # another configuration

    page = tmp_path / "results.md"
    marks = "\nold\n<!-- end -->\nB\n".join(f"<!-- {m} -->" for m in script.tables(found))
    page.write_text(f"A\n{marks}\n<!-- end -->\nC\n")
    script.write_page(found, page)
    text = page.read_text()
    assert "old" not in text and text.startswith("A\n") and text.endswith("C\n")
    assert f"| `hftgym/AlmgrenChriss-v0` | fast PPO, {found[ONE_KNOWN]['steps']:,} steps" in text
    assert f"| {found[ONE_KNOWN]['critics'][0]:.3f} |\n" in text  # one seed: no range
    assert text.count("| `default` | PPO, 40,000 steps |") == 1
    assert text.count("| less TWAP | less VWAP | less POV | less Almgren-Chriss |") == 1
    page.write_text("nothing")
    with pytest.raises(ValueError, match="no place for the table 'known'"):
        script.write_page(found, page)


def test_the_page_has_its_markers_and_every_configuration_is_there() -> None:
    text = script.PAGE.read_text()
    for mark in ("known", "market", "execution", "taking", "pairs"):
        assert text.count(f"<!-- {mark} -->") == 1
    names = (*script.KNOWN, *script.MARKETS, *script.EXECUTIONS, *script.TAKING, *script.PAIRS)
    for name in names:
        assert (script.ROOT / "configs" / f"{name}.yaml").is_file()
