"""Participants do the same in plain Python as compiled, to the bit."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from hftgym.scenario import load_scenario
from hftgym.simulator import Simulator
from tests.core.fingerprint import fingerprint

ROOT = Path(__file__).resolve().parents[2]
WORK = {"horizon_s": 12.0, "parent_lots": 20}
KINDS = {
    "momentum": {},
    "mean_reversion": {"memory_s": 5.0},
    "imbalance_taker": {},
    "twap": WORK,
    "vwap": {**WORK, "profile": [3.0, 1.0, 2.0]},
    "pov": {**WORK, "participation": 0.5},
    "almgren_chriss": WORK,
    "kyle": {"value_sd_tick": 2.0},
    "glosten_milgrom": {},
    "cartea_jaimungal": {"horizon_s": 30.0, "alpha": 0.1},
}


#: By bundled scenario: participants that are added to its makers and noise.
ADDED: dict[str, list[dict[str, Any]]] = {
    "default": [{"kind": kind, "params": params} for kind, params in KINDS.items()],
    "pairs": [
        {"kind": "pairs", "name": f"pairs_{i}", "instrument": i, "params": {"entry_score": 0.2}}
        for i in "AB"
    ],
}


@pytest.mark.parametrize("name", list(ADDED))
def test_strategies_do_the_same_without_the_compiler(name: str, tmp_path: Path) -> None:
    base = load_scenario(name).model_dump(mode="json")
    makers = [spec for spec in base["participants"] if spec["kind"] in ("glft", "noise_taker")]
    path = tmp_path / "mixed.yaml"
    members = makers + ADDED[name]
    path.write_text(yaml.safe_dump({**base, "name": "mixed", "participants": members}))
    market = Simulator(load_scenario(path), 5)
    market.advance(20.0)
    fills = market.market()["part"]["account"]["fills"][: len(market.blueprint.names)]
    assert (fills > 0).sum() >= len(fills) - 2
    done = subprocess.run(
        [sys.executable, "-m", "tests.core.fingerprint", str(path), "5", "20"],
        cwd=ROOT,
        env={**os.environ, "NUMBA_DISABLE_JIT": "1"},
        capture_output=True,
        text=True,
        check=True,
        timeout=300,
    )
    assert json.loads(done.stdout) == fingerprint(market)
