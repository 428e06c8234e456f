"""What all order flows have in common: they live with others, and are the same run anywhere."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from hftgym.scenario import load_scenario
from hftgym.simulator import Simulator
from tests.core.fingerprint import fingerprint
from tests.participants.markets import SECOND, group, simulate
from tests.participants.test_cont_stoikov_talreja import RATES

FLOWS: dict[str, dict[str, Any]] = {
    "cont_stoikov_talreja": RATES,
    "hawkes_flow": {},
    "queue_reactive": {"theta_reset": 0.5},
    "noise_taker": {"rate_per_s": 2.0, "u_shape": 1.5, "day_s": 30.0},
}


@pytest.mark.parametrize("kind", [kind for kind in FLOWS if kind != "noise_taker"])
def test_a_flow_trades_with_others_and_stays_out_of_calls(kind: str) -> None:
    late = {"feed_ns": 2_000_000, "order_ns": 3_000_000, "response_ns": 4_000_000}
    run = simulate(
        120,
        {"kind": kind, "params": FLOWS[kind], "latency": late},
        group("fixed_spread", params={"half_spread_tick": 2.0}),
        group("noise_taker"),
        start_phase="pre_open",
        calendar=[
            {"at_s": 20, "phase": "opening_auction"},
            {"at_s": 30, "phase": "continuous"},
        ],
    )
    log = run.log()
    mine = log[(log["maker"] == 0) | (log["taker"] == 0)]
    assert mine["t_ns"].min() > 30 * SECOND
    noise = run.trades()["taker"] == 2
    assert (run.trades()["maker"][noise] == 0).sum() > 20
    assert (run.trades()["taker"] == 0).sum() > 20
    assert run.conservation() == (0, 0)


@pytest.mark.parametrize("kind", [kind for kind in FLOWS if kind != "noise_taker"])
def test_a_flow_keeps_to_the_ticks_of_its_instrument(kind: str) -> None:
    """A tick of five price units: the same run in ticks as with a tick of one."""
    runs = []
    for tick_px in (1, 5):
        instrument = {"tick_px": tick_px, "start_px": 10_000 * tick_px, "px_max": 10**6}
        flow = group(kind, params=FLOWS[kind])
        log = simulate(60, flow, instrument=instrument).log()
        runs.append(log[["t_ns", "kind", "side", "lots"]].tolist())
        assert len(runs[-1]) > 100
        assert (log["px"] % tick_px == 0).all()
    assert runs[0] == runs[1]


@pytest.mark.parametrize("kind", FLOWS)
def test_a_flow_is_the_same_without_the_compiler(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "flow.yaml"
    path.write_text(
        f"name: flow\ndescription: one flow\nparticipants:\n"
        f"  - kind: {kind}\n    params: {json.dumps(FLOWS[kind])}\n"
    )
    market = Simulator(load_scenario(path), 3)
    market.advance(5)
    plain = subprocess.run(
        [sys.executable, "-m", "tests.core.fingerprint", str(path), "3", "5"],
        cwd=Path(__file__).resolve().parents[2],
        env={**os.environ, "NUMBA_DISABLE_JIT": "1"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert json.loads(plain.stdout) == fingerprint(market)
    assert market.market()["messages_done"] > 5
