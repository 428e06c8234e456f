"""The exploit audit: who pays adds up, and what no real maker could do is flagged."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("torch")

from hftgym.cli import main
from hftgym.envs.task import EPISODE
from hftgym.scenario import load_scenario
from hftgym.training import audit as module
from hftgym.training.audit import audit_run, twice_informed
from tests.training.small_run import SMALL_RUN, small_run


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return small_run(
        tmp_path_factory.mktemp("audit"),
        environment={"horizon_s": 20.0},
        arguments={"snapshots": 4},
        evaluation=SMALL_RUN["evaluation"] | {"baselines": ["agents.glft:GLFT"]},
        tuning={"trials": 2, "markets": 2},
    )


def test_every_variant_is_played_and_kept(run: Path) -> None:
    found = audit_run(run, markets=8)
    assert [v.name for v in found.variants] == [
        *("as trained", "informed x 2", "latency x 5", "unseen traders")
    ]
    assert [v.scenario for v in found.variants] == ["default"] * 3 + ["maker_competition"]
    home = found.variants[0]
    assert set(home.paid_by) == {
        *("noise_taker", "informed_taker", "meta_order"),
        *("maker_fast", "maker_mid", "maker_slow", "deep_liquidity"),
    }
    assert len({v.objective_tick for v in found.variants}) == 4
    assert 0.0 < home.share < 1.0 and home.messages_per_fill > 1.0 and home.alone == 0.0
    kept = json.loads((run / "audit.json").read_text())
    assert kept["ok"] == found.ok and kept["variants"][0]["paid_by"] == home.paid_by


def test_who_pays_adds_up_to_the_profit_and_the_fees(
    run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    played: list[Any] = []
    play = module._play

    def noted(*arguments: Any) -> Any:
        played.append(play(*arguments))
        return played[-1]

    monkeypatch.setattr(module, "_play", noted)
    found = audit_run(run, markets=4)
    mine = played[0]
    own = float((mine.episodes["pnl_spread"] + mine.episodes["pnl_inventory"]).mean())
    assert mine.earned["learner"] == pytest.approx(own + float(mine.episodes["pnl_fees"].mean()))
    assert played[2].earned["learner"] == 0.0, "do-nothing"
    paid = sum(found.variants[0].paid_by.values())
    # Takers trade more or less when the learner is there, so fees differ too.
    fees = sum(mine.earned.values()) - sum(played[2].earned.values())
    assert paid + mine.earned["learner"] == pytest.approx(fees)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"maker_lots": 40}, "40% of the volume is its own"),
        ({"messages": 900}, "90 messages a fill"),
        ({"objective": -3.0}, "loses 3.0 an episode"),
        ({}, "alone on a side in 8% of steps"),
    ],
)
def test_what_is_out_of_bounds_is_flagged(changes: dict[str, float], words: str) -> None:
    episodes = np.zeros(4, EPISODE)
    usual = {"objective": 2.0, "fills": 10, "maker_lots": 10, "messages": 40, "market_volume": 100}
    for name, value in (usual | changes).items():
        episodes[name] = value
    mine = module._Played(episodes, 0.0 if changes else 0.08, {"learner": 1.0, "noise": -1.0})
    found = module._variant("x", "default", mine, mine, mine)
    assert len(found.flags) == 1 and words in found.flags[0]
    assert found.paid_by == {"noise": 0.0}


def test_twice_the_informed_traders_and_nobody_else() -> None:
    home = load_scenario("default")
    counts = {
        one.kind: (one.count, other.count)
        for one, other in zip(home.participants, twice_informed(home).participants, strict=True)
    }
    assert counts.pop("informed_taker") == (1, 2)
    assert all(a == b for a, b in counts.values())


def test_another_task_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "config.yaml").write_text(
        "agent: agents.fast_ppo:FastPPO\nenv_id: hftgym/Execution-v0\n"
    )
    assert main(["audit", str(tmp_path)]) == 2
    assert "this run learned hftgym/Execution-v0" in capsys.readouterr().err
