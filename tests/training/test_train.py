"""The main job, end to end, on the small market."""

import json
import signal
import sys

import pytest
import yaml

pytest.importorskip("stable_baselines3")

from hftgym.errors import ConfigError, UsageError
from hftgym.training import train as train_module
from hftgym.training.atomic import finite
from hftgym.training.evaluate_run import evaluate_run
from hftgym.training.interrupt import StopRequest
from hftgym.training.train import resolve_config, train_from_config
from tests import fake_market

CONFIG = {
    "name": "tiny",
    "env_id": fake_market.ENV_ID,
    "environment": {"horizon_s": 5.0},
    "seeds": [0, 1],
    "steps": 256,
    "params": {"n_envs": 8, "n_steps": 16, "batch_size": 64, "n_epochs": 1, "hidden": [8]},
    "evaluation": {
        "validations": 2,
        "validation_markets": 8,
        "test_markets": 12,
        "num_envs": 16,
        "resamples": 200,
    },
    "tuning": {"trials": 3, "markets": 4, "num_envs": 8},
}


@pytest.fixture
def config(tmp_path):
    fake_market.register()
    path = tmp_path / "tiny.yaml"
    path.write_text(yaml.safe_dump(CONFIG))
    return path


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    fake_market.register()
    folder = tmp_path_factory.mktemp("finished")
    (folder / "tiny.yaml").write_text(yaml.safe_dump(CONFIG))
    result = train_from_config(folder / "tiny.yaml", root=folder / "runs", quiet=True, report=False)
    return result


def test_a_run_folder_for_each_seed_with_everything_in_it(finished):
    assert len(finished.runs) == 2
    for seed, run in enumerate(finished.runs):
        assert run.name.endswith(f"-tiny-{seed}")
        names = {p.name for p in run.iterdir()}
        assert names == {
            "config.yaml",
            "versions.json",
            "seeds.json",
            "metrics.jsonl",
            "tb",
            "checkpoints",
            "evaluation.json",
        }
        assert yaml.safe_load((run / "config.yaml").read_text())["seeds"] == [seed]
        assert (run / "checkpoints" / "best.json").is_file()
        assert len(list((run / "tb").iterdir())) == 1


def test_the_comparison_holds_all_policies_on_all_markets(finished):
    comparison = finished.comparison
    names = [row.name for row in comparison.rows]
    assert names == [
        "PPO",
        "PPO (stochastic)",
        "do-nothing",
        "random",
        "constant spread",
        "inventory skew",
        "Avellaneda-Stoikov",
        "GLFT",
        "Cartea-Jaimungal",
        "oracle (sees the value)",
    ]
    assert (comparison.markets, comparison.training_seeds) == (12, 2)
    assert comparison.row("do-nothing").objective_tick == 0.0
    stored = json.loads((finished.runs[0] / "evaluation.json").read_text())
    assert stored["rows"][0]["objective_tick"] == comparison.rows[0].objective_tick
    assert stored["tuning"]["GLFT"]["trials"] == 3
    row = comparison.row("random")
    parts = row.pnl_spread_tick + row.pnl_inventory_tick + row.pnl_fees_tick
    assert parts == pytest.approx(row.pnl_tick)


def test_an_evaluation_can_be_repeated_from_the_folders(finished):
    again = evaluate_run(finished.runs[0], others=finished.runs[1:], quiet=True)
    assert finite(again.to_dict()) == finite(finished.to_dict())  # NaN does not equal itself


def test_windows_of_a_tape_are_judged_by_blocks_of_time(config, tmp_path):
    for kind in ("message", "orderbook"):
        (tmp_path / f"X_{kind}_1.csv").write_text("1")
    result = train_from_config(
        config,
        data=tmp_path,
        seed=0,
        overrides=["evaluation.block_s=1.0"],
        root=tmp_path / "runs",
        quiet=True,
        report=False,
    )
    assert result.comparison.method == "block bootstrap over time"
    assert result.comparison.markets == 5
    assert all(row.role != "ceiling" for row in result.comparison.rows)
    pair = result.comparison.row("do-nothing").paired
    assert pair.difference.mean == pytest.approx(result.comparison.rows[0].objective_tick)
    hashes = json.loads((result.runs[0] / "versions.json").read_text())["hashes"]
    assert len(hashes["data"]) == 64


def test_the_command_line_changes_the_file(config):
    found = resolve_config(config, "other", None, 7, ["params.n_steps=32"], "mine", 99)
    assert (found.scenario, found.seeds, found.name, found.steps) == ("other", (7,), "mine", 99)
    assert found.params["n_steps"] == 32


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"name": "../x"}, UsageError, "run name '../x' is not allowed"),
        ({"seed": -1}, UsageError, "seed -1 is negative"),
        ({"steps": 0}, UsageError, "steps 0"),
        ({"overrides": ["step=5"]}, ConfigError, "did you mean 'steps'"),
        ({"overrides": ["params.n_step=5"]}, ConfigError, "params.n_step"),
        ({"overrides": ["seeds=[1, 1]"]}, ConfigError, "different integers"),
        ({"overrides": ["agent=agents.ppo:PP0"]}, UsageError, "did you mean 'PPO'"),
        ({"overrides": ["agent=nowhere:X"]}, UsageError, "no module 'nowhere'"),
    ],
)
def test_bad_requests_change_nothing(config, tmp_path, change, error, message):
    with pytest.raises(error, match=message):
        train_from_config(config, root=tmp_path / "runs", quiet=True, **change)
    assert not (tmp_path / "runs").exists()


def test_ctrl_c_saves_and_leaves(config, tmp_path, monkeypatch):
    original = train_module.StopRequest

    class Pressed(original):
        def __enter__(self):
            super().__enter__()
            signal.raise_signal(signal.SIGINT)
            return self

    monkeypatch.setattr(train_module, "StopRequest", Pressed)
    before = signal.getsignal(signal.SIGINT)  # Python's own, or what a shell has made of it
    with pytest.raises(KeyboardInterrupt, match="saved in"):
        train_from_config(config, root=tmp_path / "runs", quiet=True)
    (run,) = (tmp_path / "runs").iterdir()
    assert (run / "checkpoints" / "latest.json").is_file()
    assert signal.getsignal(signal.SIGINT) is before


def test_the_second_signal_leaves_at_once():
    with pytest.raises(KeyboardInterrupt), StopRequest() as stop:
        signal.raise_signal(signal.SIGINT)
        assert stop.requested
        signal.raise_signal(signal.SIGINT)


def test_the_training_package_loads_no_learning_library():
    import subprocess

    code = (
        "import sys, hftgym.training.train, agents.ppo;"
        "print([m for m in ('torch', 'stable_baselines3', 'ray', 'pandas') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
