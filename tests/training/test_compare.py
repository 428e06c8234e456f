"""From episodes to figures, against hand computation."""

import numpy as np
import pytest

from hftgym.training.compare import Entry, compare
from hftgym.training.metrics import episode_scalars, participation
from tests.fake_market import EPISODE


def entry(name, role, objectives, **fields):
    table = np.atleast_2d(np.asarray(objectives, float))
    episodes = np.zeros(table.shape, EPISODE)
    episodes["objective"] = table
    episodes["market_seed"] = np.arange(table.shape[1])
    for key, value in fields.items():
        if key != "blocks":
            episodes[key] = value
    return Entry(name, role, episodes, fields.get("blocks"))


def rng():
    return np.random.default_rng(0)


def test_differences_are_paired_by_market():
    learner = entry("PPO", "learner", [[11.0, 22.0, 33.0], [13.0, 24.0, 35.0]])
    base = entry("constant spread", "baseline", [10.0, 20.0, 30.0])
    ceiling = entry("oracle", "ceiling", [20.0, 30.0, 40.0])
    found = compare([learner, base, ceiling], rng(), resamples=2000)
    pair = found.row("constant spread").paired
    assert pair.difference.mean == 3.0
    assert pair.by_seed == (2.0, 4.0)
    assert pair.worst_seed == 2.0
    assert pair.correlation == pytest.approx(1.0)
    assert pair.difference.low > 0.0
    assert pair.detectable_tick == pytest.approx(2.8016 * pair.difference.standard_error, rel=1e-3)
    assert found.ceiling_share == pytest.approx(3.0 / 10.0)
    assert found.row("PPO").by_seed_tick == (22.0, 24.0)
    assert found.row("PPO").paired is None
    assert (found.markets, found.training_seeds) == (3, 2)


def test_holm_counts_baselines_and_leaves_the_ceiling_alone():
    generator = rng()
    learner = entry("PPO", "learner", generator.normal(0.3, 1, 40))
    others = [entry(f"b{i}", "baseline", generator.normal(0, 1, 40)) for i in range(3)]
    ceiling = entry("oracle", "ceiling", generator.normal(0, 1, 40))
    found = compare([learner, *others, ceiling], rng(), resamples=500)
    raw = sorted(found.row(f"b{i}").paired.difference.p_value for i in range(3))
    adjusted = sorted(found.row(f"b{i}").paired.p_holm for i in range(3))
    assert adjusted[0] == pytest.approx(min(1.0, 3 * raw[0]))
    pair = found.row("oracle").paired
    assert pair.p_holm == pair.difference.p_value


def test_unpaired_markets_are_refused():
    learner = entry("PPO", "learner", [1.0, 2.0])
    other = entry("b", "baseline", [1.0, 2.0])
    other.episodes["market_seed"] += 1
    with pytest.raises(ValueError, match="b did not play the markets of PPO"):
        compare([learner, other], rng())


def test_blocks_of_time_scale_to_episodes():
    blocks = np.array([[[1.0, 3.0], [2.0, 2.0]]])  # (seeds, markets, blocks)
    learner = entry("PPO", "learner", [4.0, 4.0], blocks=blocks)
    other = entry("b", "baseline", [0.0, 0.0], blocks=np.zeros((1, 2, 2)))
    pair = compare([learner, other], rng(), by_block=True, resamples=500).row("b").paired
    assert pair.difference.mean == 4.0
    assert 0.0 < pair.difference.low < 4.0 < pair.difference.high


def test_scalars_of_episodes_by_hand():
    episodes = np.zeros(2, EPISODE)
    episodes["pnl_spread"] = [10.0, 20.0]
    episodes["pnl_inventory"] = [-4.0, -30.0]
    episodes["pnl_fees"] = [-1.0, -1.0]
    episodes["spread_mean"], episodes["fills"] = [2.0, 4.0], [3, 5]
    episodes["market_volume"], episodes["maker_lots"] = [100, 300], [30, 10]
    episodes["drawdown"] = [1.0, 5.0]
    scalars = episode_scalars(episodes)
    assert scalars["pnl/spread_captured"] == 15.0
    assert scalars["pnl/inventory"] == -17.0
    assert scalars["pnl/fees"] == -1.0
    assert scalars["pnl/total"] == -3.0
    assert scalars["risk/var95"] == scalars["risk/cvar95"] == 11.0  # the worse episode loses 11
    assert scalars["market/spread"] == 3.0
    assert scalars["risk/drawdown"] == 3.0
    assert participation(episodes) == pytest.approx(0.1)
    assert np.isnan(participation(np.zeros(1, EPISODE)))
