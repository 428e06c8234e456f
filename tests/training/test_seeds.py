"""Seeds: disjoint splits, stable lists, no neighbours."""

import numpy as np
import pytest

from hftgym.errors import UsageError
from hftgym.training.seeds import (
    SPLIT_SHIFT,
    Split,
    market_seeds,
    parse_split,
    split_of,
    training_seeds,
)

PINNED_TRAIN = [7291872303638603085, 6273934381145260598]
PINNED_TEST = [17300850256534510798, 17541343141137451420]


def test_splits_are_disjoint_by_their_highest_bits():
    for split in Split:
        for root in (0, 1, 2**40):
            seeds = market_seeds(split, 500, root)
            assert seeds.dtype == np.uint64
            assert (split_of(seeds) == int(split)).all()
            assert len(set(seeds.tolist())) == 500


def test_more_markets_begin_with_the_same_ones():
    assert (market_seeds("test", 512)[:100] == market_seeds("test", 100)).all()
    assert training_seeds(3, 9)[:4] == training_seeds(3, 4)


def test_environments_know_the_same_splits():
    from hftgym.envs import seeds as of_environments

    assert tuple(split.name.lower() for split in Split) == of_environments.SPLITS
    assert SPLIT_SHIFT == of_environments.SPLIT_SHIFT


def test_neighbouring_roots_share_nothing():
    assert not set(training_seeds(0, 256)) & set(training_seeds(1, 256))
    a, b = market_seeds("train", 256, 0), market_seeds("train", 256, 1)
    assert not set(a.tolist()) & set(b.tolist())


def test_values_are_fixed_for_good():
    assert training_seeds(0, 2) == PINNED_TRAIN
    assert market_seeds("test", 2).tolist() == PINNED_TEST


def test_bad_requests():
    with pytest.raises(UsageError, match="'dev'; choose one of: train, tune, validation, test"):
        parse_split("dev")
    with pytest.raises(UsageError, match="-1 is negative"):
        market_seeds("test", 4, -1)
    with pytest.raises(UsageError, match="-1 is negative"):
        training_seeds(0, -1)
