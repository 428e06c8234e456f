"""Which market an environment plays: splits that can not meet, chains, snapshots."""

from __future__ import annotations

import numpy as np
import pytest

from hftgym.envs.seeds import (
    SPLITS,
    as_market_seeds,
    draw_market_seed,
    inventory_of,
    next_market_seed,
    seeds_of_windows,
    snapshot_of,
    snapshot_seed,
    split_tag,
)
from hftgym.errors import UsageError
from tests.envs.making import single, vector


@pytest.mark.parametrize("split", SPLITS)
def test_the_highest_bits_name_the_split(split: str) -> None:
    env = vector(3, split=split, horizon_s=0.5)
    env.reset(seed=0)
    seen = set()
    for _ in range(4):
        env.step(np.zeros((3, 2), np.float32))
        seeds = env.last_episodes["market_seed"]
        assert (seeds >> np.uint64(62) == SPLITS.index(split)).all()
        seen.update(seeds.tolist())
    assert len(seen) == 12
    one = single(split=split)
    _, info = one.reset(seed=1)
    assert info["market_seed"] >> 62 == SPLITS.index(split)


def test_snapshots_of_splits_differ() -> None:
    markets = {split: single(split=split).setting.snapshots.markets for split in SPLITS}
    hashes = [bytes(m["log_hash"].tobytes()) for m in markets.values()]
    assert len(set(hashes)) == 4
    seeds = [int(snapshot_seed(split, k)) for split in range(4) for k in range(64)]
    assert len(set(seeds)) == 256


def test_snapshots_are_shared_and_stay_as_they_are() -> None:
    one, two = single(), single(half_spread_tick=3.0)
    assert one.setting.snapshots is two.setting.snapshots
    before = one.setting.snapshots.markets.tobytes()
    one.reset(seed=1)
    for _ in range(20):
        one.step(np.zeros(2, np.float32))
    assert one.setting.snapshots.markets.tobytes() == before
    assert not one.setting.snapshots.markets.flags.writeable


def test_a_chain_is_a_function_of_its_first_market() -> None:
    first = np.uint64(draw_market_seed(np.random.default_rng(0), 2))
    chain = [int(next_market_seed(first, k, 2)) for k in range(1, 50)]
    assert len(set(chain)) == 49
    assert chain == [int(next_market_seed(first, k, 2)) for k in range(1, 50)]
    assert {seed >> 62 for seed in chain} == {2}


def test_choices_of_a_market_are_even() -> None:
    seeds = [np.uint64(seed) for seed in range(4000)]
    places = np.bincount([int(snapshot_of(seed, 8)) for seed in seeds], minlength=8)
    assert places.min() > 400
    inventories = np.array([int(inventory_of(seed, 5)) for seed in seeds])
    assert (inventories.min(), inventories.max()) == (-5, 5)
    assert np.bincount(inventories + 5).min() > 270


def test_windows_have_one_seed_each() -> None:
    seeds = seeds_of_windows(32, 3)
    assert [int(snapshot_of(seed, 32)) for seed in seeds] == list(range(32))
    assert {int(seed) >> 62 for seed in seeds} == {3}


def test_market_seeds_as_they_come() -> None:
    assert as_market_seeds([1, -1], (2,), "seeds").tolist() == [1, 2**64 - 1]
    assert as_market_seeds(np.array([3, -2]), (2,), "seeds").tolist() == [3, 2**64 - 2]
    assert int(as_market_seeds(2**63 + 1, (), "seed")) == 2**63 + 1
    for bad in ([1.0, 2.0], [1], "ab", None):
        with pytest.raises(UsageError, match=r"seeds: .*must be integers of shape \(2,\)"):
            as_market_seeds(bad, (2,), "seeds")
    with pytest.raises(UsageError, match="there are train, tune"):
        split_tag("everything")
