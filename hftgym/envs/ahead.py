"""Asking for the memory of a market while the one before it runs.

A step with one background message writes to 53 cache lines of a market, one with 100 to 275, and
many markets do not fit into the caches: with every turn begins a wait for memory. So what a step
writes to in some markets is looked at once, and asked for beforehand in all of them from then on.

Asking for what differs between the market's snapshots instead, 256 markets took 1.08 to 1.16 times
as long with one message and 64 took 1.10; with 10 and 100 messages 0.95 to 1.01 times (in turns on
one core, upper quantiles of 16 and 24 rounds).
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from hftgym.core.jit import leaf
from hftgym.core.layout import LINE
from hftgym.core.prefetch import prefetch_early

_WORDS = LINE // 8
_LOOKED_AT = 16  # markets, and no more
_LOOKED_AT_BYTES = 64 << 20
_OFTEN = 0.2  # in that share of them a step writes to a line
_MOST = 1_024  # lines of a market


def looked_at(markets: np.ndarray) -> npt.NDArray[np.int64]:
    """Return the words of the markets that are looked at, a view, shape (some, words).

    Words, not records: a copy of records leaves out what lies between their fields.
    """
    some = max(1, min(_LOOKED_AT, _LOOKED_AT_BYTES // markets.itemsize))
    return markets.view(np.int64).reshape(len(markets), -1)[:some]


def lines_ahead(
    before: npt.NDArray[np.int64], after: npt.NDArray[np.int64]
) -> npt.NDArray[np.int64]:
    """Return which cache lines to ask for before a market's turn comes.

    Args:
        before: words of some markets before a step, shape (markets, words).
        after: the same after it.

    Returns:
        The first word of each line within a market, shape (lines,).
    """
    rest = -before.shape[1] % _WORDS
    differs = np.pad(before != after, ((0, 0), (0, rest)))
    often = differs.reshape(len(before), -1, _WORDS).any(axis=2).mean(axis=0)
    lines = np.argsort(-often, kind="stable")[:_MOST]  # those that change most often
    return np.sort(lines[often[lines] >= _OFTEN]) * _WORDS


@leaf
def ask_for(words, i, lines):
    """Ask for the memory of market ``i``.

    Args:
        words: the markets as int64, shape (markets, numbers).
        i: which market; none where there is no such one.
        lines: first word of each line within a market.
    """
    if i >= 0 and i < len(words):
        first = i * words.shape[1]
        for k in range(len(lines)):
            prefetch_early(words, first + lines[k])
