"""Market seeds: which random numbers a market gets, and which split it belongs to.

A market seed is an unsigned 64-bit integer whose two highest bits name its split, so that the
markets of training, tuning, validation and test can not meet. The n-th market of an environment is
a function of its first one and of n alone: it does not depend on who plays beside it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from hftgym.core.jit import leaf
from hftgym.core.rng import mix2, text_hash
from hftgym.errors import UsageError
from hftgym.names import nearest

#: Uses of a market; the position is the tag in the two highest bits of its seed.
SPLITS = ("train", "tune", "validation", "test")
SPLIT_SHIFT = 62
_SHIFT = np.uint64(SPLIT_SHIFT)
_TWO = np.uint64(2)
_SNAPSHOT = np.uint64(text_hash("snapshot of a market"))
_INVENTORY = np.uint64(text_hash("initial inventory"))

UInt64Array = npt.NDArray[np.uint64]


def split_tag(split: str) -> int:
    """Return the tag of a split.

    Raises:
        UsageError: if there is no split of this name.
    """
    if split not in SPLITS:
        hint = nearest(str(split), SPLITS) or f"; there are {', '.join(SPLITS)}"
        raise UsageError("HG-U050", f"split {str(split)[:40]!r} is unknown{hint}")
    return SPLITS.index(split)


def draw_market_seed(generator: np.random.Generator, split: int) -> int:
    """Return the first market seed of an environment in a split."""
    word = int(generator.integers(0, 1 << SPLIT_SHIFT, dtype=np.uint64))
    return word | (split << SPLIT_SHIFT)


def snapshot_seed(split: int, index: int) -> np.uint64:
    """Return the seed with which snapshot ``index`` of a split is burnt in."""
    return np.uint64(text_hash(f"burn-in {SPLITS[split]} {index}"))


@leaf
def next_market_seed(first, episode, split):
    """Return the market seed of episode ``episode`` of an environment that began with ``first``."""
    return (mix2(first, np.uint64(episode)) >> _TWO) | (np.uint64(split) << _SHIFT)


@leaf
def snapshot_of(market_seed, snapshots):
    """Return the index of the burnt-in snapshot in which this market begins."""
    return np.int64(mix2(market_seed, _SNAPSHOT) % np.uint64(snapshots))


@leaf
def inventory_of(market_seed, largest):
    """Return the initial inventory of this market, uniform in -largest .. largest, lots."""
    word = mix2(market_seed, _INVENTORY)
    return np.int64(word % np.uint64(2 * largest + 1)) - largest


def seeds_of_windows(snapshots: int, split: int) -> UInt64Array:
    """Return one market seed for each snapshot, in the order of the snapshots, shape (snapshots,).

    Where all randomness lies in the choice of the window (a tape without other participants),
    these are all the markets that there are.
    """
    found: dict[int, int] = {}
    word = 0
    while len(found) < snapshots:
        seed = np.uint64(word | (split << SPLIT_SHIFT))
        found.setdefault(int(snapshot_of(seed, snapshots)), int(seed))
        word += 1
    return np.array([found[j] for j in range(snapshots)], np.uint64)


def as_market_seeds(values: Any, shape: tuple[int, ...], what: str) -> UInt64Array:
    """Return market seeds as uint64; signed integers count modulo 2^64.

    Raises:
        UsageError: if they are no integers or of another shape.
    """
    if isinstance(values, Sequence) and all(isinstance(v, (int, np.integer)) for v in values):
        values = np.array([int(v) & 0xFFFFFFFFFFFFFFFF for v in values], np.uint64)
    elif isinstance(values, int):
        values = np.uint64(values & 0xFFFFFFFFFFFFFFFF)
    array = np.asarray(values)
    if array.dtype.kind not in "iu" or array.shape != shape:
        raise UsageError(
            "HG-U051",
            f"{what}: {array.dtype} of shape {array.shape}; must be integers of shape {shape}",
        )
    return array.astype(np.uint64)
