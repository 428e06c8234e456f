"""Seeds: which randomness a run uses, and which markets belong to which split.

A training seed fixes initialisation, minibatches and training markets. It is a member of a list
drawn from `numpy.random.SeedSequence`, never ``root + i``: neighbouring roots would share most of
their markets.

A market seed is an unsigned 64-bit integer whose two highest bits name its split, so that the
markets of training, tuning, validation and test can not meet, whatever the root.
"""

from __future__ import annotations

from enum import IntEnum

import numpy as np
import numpy.typing as npt

from hftgym.errors import UsageError

SPLIT_SHIFT = 62
_LOW_BITS = np.uint64((1 << SPLIT_SHIFT) - 1)
_TRAIN_TAG = int.from_bytes(b"train", "big")
_MARKET_TAG = int.from_bytes(b"market", "big")

UInt64Array = npt.NDArray[np.uint64]


class Split(IntEnum):
    """Use of a market; the value is the tag in the two highest bits of its seed."""

    TRAIN = 0
    TUNE = 1
    VALIDATION = 2
    TEST = 3


def parse_split(name: str) -> Split:
    """Return the split called `name`.

    Args:
        name: One of ``train``, ``tune``, ``validation``, ``test``.

    Raises:
        UsageError: The name is not a split.
    """
    try:
        return Split[name.upper()]
    except KeyError:
        choices = ", ".join(split.name.lower() for split in Split)
        raise UsageError("HG-U040", f"unknown split {name!r}; choose one of: {choices}") from None


def _check(root: int, n: int) -> None:
    if root < 0:
        raise UsageError("HG-U041", f"seed {root} is negative; give an integer of at least 0")
    if n < 0:
        raise UsageError("HG-U042", f"number of seeds {n} is negative; give at least 0")


def training_seeds(root: int, n: int) -> list[int]:
    """Return `n` seeds derived from ``(root, "train", i)``, i = 0 .. n - 1.

    Args:
        root: Non-negative root seed.
        n: How many seeds.

    Returns:
        Integers in ``[0, 2**63)``; member i does not depend on `n`.
    """
    _check(root, n)
    return [
        int(np.random.SeedSequence([root, _TRAIN_TAG, i]).generate_state(1, np.uint64)[0] >> 1)
        for i in range(n)
    ]


def market_seeds(split: str | Split, n: int, root: int = 0) -> UInt64Array:
    """Return `n` market seeds of one split.

    Args:
        split: Split or its name.
        n: How many seeds.
        root: Non-negative root; the same root gives the same markets, and more of them for a
            larger `n`.

    Returns:
        Seeds, shape (n,); the two highest bits hold the split.
    """
    _check(root, n)
    tag = split if isinstance(split, Split) else parse_split(split)
    words = np.random.SeedSequence([root, _MARKET_TAG, int(tag)]).generate_state(n, np.uint64)
    return (words & _LOW_BITS) | np.uint64(int(tag) << SPLIT_SHIFT)


def split_of(seeds: UInt64Array) -> npt.NDArray[np.int64]:
    """Return the split tag of each market seed, shape as `seeds`."""
    return (np.asarray(seeds, np.uint64) >> np.uint64(SPLIT_SHIFT)).astype(np.int64)
