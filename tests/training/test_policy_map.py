"""The map of a policy: what it shows of policies whose answer is known."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from agents.glft import GLFT
from agents.policy import distances_to_actions
from hftgym.cli import main
from hftgym.training.policy_map import draw_map, map_policy, observations
from tests.fake_market import FakeMarket, FakeTask

COLUMNS = (
    *("inventory", "time_left", "spread", "microprice_offset"),
    *("imbalance_1", "imbalance_2", "imbalance_3", "bid_at_limit", "ask_at_limit"),
)
TASK = FakeTask(obs_index={name: i for i, name in enumerate(COLUMNS)})
LOTS = np.arange(-10, 11)


class Leaning:
    """Quotes 2 ticks away, half a tick nearer with the imbalance; withdraws the bid when long."""

    name = "leaning"
    needs_truth = False

    def initial_state(self, market_seeds: Any) -> None:
        return None

    def observe_truth(self, truth: Any) -> None:
        raise AssertionError

    def predict(self, obs: Any, state: Any = None, *rest: Any) -> Any:
        lean = 0.5 * obs[:, 4].astype(np.float64)
        bid = np.where(obs[:, 0] >= 0.8, np.inf, 2.0 - lean)
        return distances_to_actions(np.column_stack((bid, 2.0 + lean)), 2.0), state


def seen() -> np.ndarray:
    obs = np.random.default_rng(0).normal(size=(50, len(COLUMNS))).astype(np.float32)
    obs[:, 2] = 0.5
    return obs


def test_a_known_policy_is_shown_as_it_is() -> None:
    before = seen()
    found = map_policy(Leaning(), before, TASK, GLFT(TASK), LOTS)  # type: ignore[arg-type]
    assert (before == seen()).all(), "observations stay"
    quoted = LOTS < 8
    for j, imbalance in enumerate(found.imbalances):
        bid = 2.0 - 0.5 * np.float32(imbalance)
        assert found.distance_tick[quoted, j, 0] == pytest.approx(bid, rel=1e-5)
        assert found.distance_tick[:, j, 1] == pytest.approx(4.0 - bid, rel=1e-5)
    assert np.isnan(found.distance_tick[~quoted, :, 0]).all()
    assert (found.withdrawn[~quoted, :, 0] == 1.0).all() and (found.withdrawn[quoted] == 0.0).all()
    wanted = [GLFT(TASK).distances(np.array([[q / 10.0] + [0.0] * 8], np.float32))[0] for q in LOTS]
    np.testing.assert_allclose(found.formula_tick, np.maximum(wanted, 0.5), rtol=1e-6)
    assert found.to_dict()["distance_tick"][-1][0][0] is None
    rows = found.text().splitlines()
    assert len(rows) == 2 + len(LOTS)
    assert rows[2].split()[:3] == ["-10", "2.00", "2.00"] and rows[-1].split()[1] == "-"


def test_what_follows_from_inventory_and_imbalance_is_set_with_them() -> None:
    asked: list[np.ndarray] = []

    class Watching(Leaning):
        def predict(self, obs: Any, state: Any = None, *rest: Any) -> Any:
            asked.append(obs.copy())
            return super().predict(obs, state)

    map_policy(Watching(), seen(), TASK, GLFT(TASK), [-10, 10], [0.4])  # type: ignore[arg-type]
    low, high = asked
    assert (low[:, 0] == -1.0).all() and (high[:, 0] == 1.0).all()
    assert (low[:, 4:7] == np.float32(0.4)).all()
    assert low[:, 3] == pytest.approx(0.2)  # half of the spread times the imbalance, in h0
    assert (low[:, 7:] == [0.0, 1.0]).all() and (high[:, 7:] == [1.0, 0.0]).all()
    assert (low[:, 1] == seen()[:, 1]).all(), "all else as it was"


def test_observations_are_taken_all_over_an_episode() -> None:
    venv = FakeMarket(4, horizon_s=10.0)
    found = observations(GLFT(venv.task_info), venv, 4, every=5)
    assert found.shape == (16, 30)
    assert sorted(set(np.round(found[:, 1], 3))) == pytest.approx([0.15, 0.4, 0.65, 0.9])


def test_it_is_drawn(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    found = map_policy(Leaning(), seen(), TASK, GLFT(TASK), LOTS)  # type: ignore[arg-type]
    draw_map(found, tmp_path / "map.png")
    assert (tmp_path / "map.png").read_bytes()[:8] == b"\x89PNG\r\n\x1a\n"


def test_a_run_of_another_task_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "config.yaml").write_text(
        "agent: agents.fast_ppo:FastPPO\nenv_id: hftgym/Execution-v0\n"
    )
    assert main(["map", str(tmp_path)]) == 2
    assert "a map shows distances of quotes; this run learned hftgym/Execution-v0" in (
        capsys.readouterr().err
    )
