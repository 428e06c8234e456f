"""Every policy in every scenario: ranks, what a file keeps, what is refused; and the catalogue."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from hftgym.errors import DataError, UsageError
from hftgym.training.catalogue import list_policies
from hftgym.training.tournament import Tournament, play_tournament, print_tournament

POLICIES = ("agents.do_nothing:DoNothing", "agents.glft:GLFT", "agents.oracle:Oracle")
SIZES: dict[str, Any] = {"markets": 8, "trials": 3, "tuning_markets": 2, "quiet": True}


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("tournament") / "scores.json"


@pytest.fixture(scope="module")
def played(kept: Path) -> Tournament:
    return play_tournament(scenarios=("default", "santa_fe"), baselines=POLICIES, out=kept, **SIZES)


def test_policies_are_ranked_and_the_ceiling_is_not(played: Tournament) -> None:
    nothing, glft, oracle = played.scores["default"]
    assert (nothing.objective_tick, nothing.fills) == (0.0, 0.0)
    assert glft.low < glft.objective_tick < glft.high
    assert oracle.ceiling and oracle.objective_tick > glft.objective_tick > 0.0
    assert (glft.rank, nothing.rank) == (1, 2)
    assert played.mean_ranks() == {"do-nothing": 2.0, "GLFT": 1.0}


def test_where_nobody_knows_a_value_there_is_no_ceiling(played: Tournament) -> None:
    assert [score.policy for score in played.scores["santa_fe"]] == ["do-nothing", "GLFT"]
    out = io.StringIO()
    print_tournament(played, Console(file=out, width=40))
    row = next(line for line in out.getvalue().splitlines() if line.startswith(" santa_fe"))
    assert row.split()[-1] == "-"


def test_what_was_played_is_not_played_again(
    played: Tournament, kept: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def never(*arguments: Any) -> Any:
        raise AssertionError("played again")

    monkeypatch.setattr("hftgym.training.tournament._one", never)
    again = play_tournament(scenarios=("default",), baselines=POLICIES, out=kept, **SIZES)
    assert again.scores["default"] == played.scores["default"]

    with pytest.raises(DataError, match="of other settings"):
        play_tournament(scenarios=("default",), baselines=POLICIES[:1], out=kept, **SIZES)
    before = kept.read_bytes()
    for text in ("[]", "{}", "not json", json.dumps({"settings": {}, "scores": 1})):
        other = kept.with_name("other.json")
        other.write_text(text)
        with pytest.raises(DataError, match="other"):
            play_tournament(scenarios=("default",), baselines=POLICIES, out=other, **SIZES)
    assert kept.read_bytes() == before


def test_a_tape_and_a_name_twice_are_refused() -> None:
    with pytest.raises(UsageError, match="'tape' is a tape"):
        play_tournament(scenarios=("tape",), **SIZES)
    with pytest.raises(UsageError, match="named twice"):
        play_tournament(scenarios=("calm", "calm"), **SIZES)


def test_the_catalogue_has_what_is_in_the_folder_and_no_base_class() -> None:
    found = {entry.target: entry for entry in list_policies()}
    assert set(POLICIES) <= set(found)
    assert found["agents.oracle:Oracle"].kind == "ceiling"
    assert found["agents.twap:TWAP"].role == "executor"
    assert found["agents.ppo:PPO"].kind == "learner"
    assert "gamma" in found["agents.ppo:PPO"].parameters
    assert not {"agents.policy:ScriptedPolicy", "agents.scheduled:ScheduledExecutor"} & set(found)
    assert all(entry.about.endswith(".") for entry in found.values())
    with pytest.raises(UsageError, match="no package 'nobody_has_this'"):
        list_policies("nobody_has_this")
