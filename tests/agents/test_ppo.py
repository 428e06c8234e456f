"""PPO on the small market: same seed same weights, saving without pickle, and that it learns."""

import json
import zipfile

import numpy as np
import pytest

pytest.importorskip("stable_baselines3")

from agents.ppo import PPO, Params, PPOPolicy
from hftgym.errors import DataError, NoInputError
from hftgym.tensorboard.writer import MetricsWriter, read_metrics
from hftgym.training.progress import PhaseProgress
from hftgym.training.rollout import Job, play
from hftgym.training.runs import RunFolder
from hftgym.training.seeds import market_seeds
from hftgym.training.session import TrainSession
from hftgym.training.task import MarketTask
from tests import fake_market

SMALL = {"n_envs": 8, "n_steps": 16, "batch_size": 64, "n_epochs": 2, "hidden": (16,)}


def train(root, steps=512, seed=0, name="test", **params):
    fake_market.register()
    run = RunFolder.create(name, seed, root)
    run.write_config({"name": name})
    progress = PhaseProgress("train", steps, "steps", quiet=True)
    with MetricsWriter(run.tensorboard, run.metrics) as writer:
        session = TrainSession(
            task=MarketTask(env_id=fake_market.ENV_ID, arguments={"horizon_s": 5.0}),
            seed=seed,
            steps=steps,
            device="cpu",
            run=run,
            writer=writer,
            progress=progress,
            validation_markets=16,
            validations=2,
        )
        policy = PPO(Params(**(SMALL | params))).train(session)
        session.close()
    return run, policy


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    return train(tmp_path_factory.mktemp("runs"))


def test_same_seed_same_weights_other_seed_other_weights(tmp_path, trained):
    _, first = trained
    _, again = train(tmp_path, name="again")
    _, other = train(tmp_path, name="other", seed=1)
    assert first.weights_hash() == again.weights_hash()
    assert first.weights_hash() != other.weights_hash()


def test_a_loaded_policy_acts_like_the_saved_one_and_holds_no_pickle(trained):
    run, policy = trained
    loaded = PPOPolicy.load(run.path, "latest")
    obs = np.random.default_rng(0).normal(size=(50, 30)).astype(np.float32)
    assert (loaded.predict(obs)[0] == policy.predict(obs)[0]).all()
    assert (loaded.values(obs) == policy.values(obs)).all()
    assert loaded.weights_hash() == policy.weights_hash()
    for file in run.checkpoints.rglob("*"):
        assert file.suffix in {"", ".json", ".npz"}
        if file.suffix == ".npz":
            with zipfile.ZipFile(file) as archive:
                assert all(name.endswith(".npy") for name in archive.namelist())


def test_numpy_and_torch_agree(tmp_path):
    import torch
    from stable_baselines3 import PPO as SB3PPO

    from hftgym.training.sb3 import SB3VecEnv

    venv = SB3VecEnv(fake_market.FakeMarket(4))
    model = SB3PPO(
        "MlpPolicy",
        venv,
        n_steps=8,
        batch_size=8,
        policy_kwargs={"net_arch": [16], "activation_fn": torch.nn.Tanh},
        seed=3,
        device="cpu",
    )
    policy = PPO(Params(**SMALL)).policy(model)
    obs = np.random.default_rng(1).normal(size=(64, 30)).astype(np.float32)
    expected, _ = model.predict(obs, deterministic=True)
    assert policy.predict(obs)[0] == pytest.approx(expected, abs=1e-6)
    with torch.no_grad():
        values = model.policy.predict_values(torch.as_tensor(obs)).numpy()[:, 0]
    assert policy.values(obs) == pytest.approx(values, abs=1e-5)


def test_the_stochastic_policy_spreads_around_the_mean_one(trained):
    _, policy = trained
    obs = np.zeros((4000, 30), np.float32)
    state = policy.initial_state(market_seeds("test", 4000))
    drawn, state = policy.predict(obs, state, deterministic=False)
    mean, _ = policy.predict(obs)
    assert drawn.mean(axis=0) == pytest.approx(mean[0], abs=0.05)
    assert drawn.std(axis=0) == pytest.approx(np.exp(policy.weights["log_std"]), abs=0.05)
    again, _ = policy.predict(obs, state, deterministic=False)
    assert (again != drawn).any()


def test_an_action_does_not_depend_on_the_size_of_the_batch(trained):
    _, policy = trained
    obs = np.random.default_rng(2).normal(size=(257, 30)).astype(np.float32)
    together, _ = policy.predict(obs)
    for n in (1, 3, 64):
        assert (policy.predict(obs[:n])[0] == together[:n]).all()


def test_damaged_and_foreign_checkpoints_are_refused(tmp_path):
    run, policy = train(tmp_path, steps=128, name="damage")
    folder = run.checkpoint("latest")
    weights = folder / "weights.npz"
    data = weights.read_bytes()
    weights.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
    with pytest.raises(DataError, match="SHA-256 differs"):
        PPOPolicy.load(run.path, "latest")
    files = policy.files()
    config = json.loads(files["policy.json"]) | {"observations": 7}
    run.save_checkpoint(1, files | {"policy.json": json.dumps(config).encode()})
    with pytest.raises(DataError, match=r"expected \(16, 7\)"):
        PPOPolicy.load(run.path, "latest")
    run.save_checkpoint(2, files | {"policy.json": b'{"format": 99}'})
    with pytest.raises(DataError, match="format 99, expected 1"):
        PPOPolicy.load(run.path, "latest")
    with pytest.raises(NoInputError, match="no checkpoint 'step-9'"):
        PPOPolicy.load(run.path, "step-9")


def test_scalars_of_all_families_are_written(trained):
    run, _ = trained
    tags = set().union(*(record.keys() for record in read_metrics(run.metrics)))
    expected = {
        "rollout/ep_rew_mean",
        "train/approx_kl",
        "train/explained_variance",
        "eval/objective",
        "time/fps",
        "market/spread",
        "pnl/total",
        "risk/cvar95",
        "risk/passive",
    }
    assert expected <= tags
    for record in read_metrics(run.metrics):
        if "pnl/total" in record:
            parts = [record[f"pnl/{p}"] for p in ("spread_captured", "inventory", "fees")]
            assert sum(parts) == record["pnl/total"]


def test_batch_size_must_fit():
    with pytest.raises(ValueError, match="must divide n_envs"):
        Params(n_envs=10, n_steps=10, batch_size=64)


@pytest.mark.slow
def test_it_learns_to_beat_the_first_policy(tmp_path):
    """The untrained policy quotes at h0; fills at exp(-d / h0) make it profitable to skew."""
    settings = {
        "n_envs": 64,
        "n_steps": 32,
        "batch_size": 512,
        "n_epochs": 6,
        "hidden": (64, 64),
        "learning_rate": 1e-3,
        "gamma": 0.99,
    }
    _, start = train(tmp_path, steps=1, name="start", **settings)
    run, _ = train(tmp_path, steps=200_000, name="trained", **settings)
    best = PPOPolicy.load(run.path)
    venv = fake_market.FakeMarket(256, horizon_s=5.0)
    seeds = market_seeds("test", 512)
    a, b = play(venv, [Job(best, seeds), Job(start, seeds)])
    difference = a.episodes["objective"] - b.episodes["objective"]
    assert difference.mean() > 2 * difference.std() / np.sqrt(len(difference))
