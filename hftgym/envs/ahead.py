"""Asking for the memory of a market while the one before it runs.

A step with 100 background messages writes to 275 cache lines of a market, and many markets do not
fit into the caches: with every turn begins a wait for memory. What differs between the snapshots
of a setting is what changes while its markets run (91 to 94 % of the lines that a step writes),
so it is asked for beforehand.

A batch of 256 took 0.61 to 0.95 of the time by it, with 10 background messages a step, and 0.85 to
1.06 with one (in turns with the code without it; the less the more the other users of the machine
use its cache). 64 markets with one message took 1.10.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from hftgym.core.jit import leaf
from hftgym.core.layout import LINE
from hftgym.core.prefetch import prefetch_early

_WORDS = LINE // 8
_LOOKED_AT = 8  # snapshots
_OFTEN = 0.5  # in that share of the pairs of them a line differs
_MOST = 1_024  # lines of a market
_CACHE_BYTES = 1 << 20  # what fits into a core's own caches and its share of the common one


def lines_ahead(snapshots: np.ndarray, markets: int) -> npt.NDArray[np.int64]:
    """Return which cache lines to ask for before a market's turn comes.

    Args:
        snapshots: burnt-in markets of one setting, shape (snapshots,).
        markets: how many are stepped in turns; of so few that they fit into the caches no line
            is asked for.

    Returns:
        The first 64-bit word of each line within a market, shape (lines,).
    """
    if markets == 1:
        return np.zeros(0, np.int64)
    some = snapshots[:_LOOKED_AT]
    words = some.view(np.int64).reshape(len(some), -1)
    rest = -words.shape[1] % _WORDS
    often = np.zeros((words.shape[1] + rest) // _WORDS)
    for k in range(len(some)):  # pair by pair: the largest markets have 145 MB
        differs = np.pad(words[k] != words[k - 1], (0, rest))
        often += differs.reshape(-1, _WORDS).any(axis=1) / len(some)
    lines = np.argsort(-often, kind="stable")[:_MOST]  # those that change most often
    lines = np.sort(lines[often[lines] >= _OFTEN])
    if markets * len(lines) * LINE < _CACHE_BYTES:
        lines = lines[:0]
    return lines * _WORDS


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
