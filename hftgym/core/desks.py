"""Desks: which participant trades which book of a market.

A participant trades one instrument. A firm that trades two has a desk, a participant, at each
book: orders, accounts, limits and reports of a desk are about its own book alone, and whoever wants
the firm's sums its desks. The books share the clock, the pools and nothing else; views tell the mid
of both (X-DESK-01).

The number of books is part of a market's type: in a market with one, all of this compiles away.
"""

from __future__ import annotations

import numpy as np

from hftgym.core.jit import leaf
from hftgym.core.value import value_at


@leaf
def book_of(m, p):
    """Return the book that participant ``p`` trades."""
    if len(m.books) == 1:
        return m.books[0]
    return m.books[m.part[p].book]


@leaf
def other_mid_2px(m, p):
    """Return twice the mid of the book that ``p`` does not trade; 0 where there is none."""
    if len(m.books) == 1:
        return 0
    return m.books[1 - m.part[p].book].mid_2px


@leaf
def trades_at(m, p, b):
    """Return whether participant ``p`` trades book ``b``."""
    return len(m.books) == 1 or m.part[p].book == b.index


@leaf
def value_of(m, p, t_ns):
    """Return the latent value in px of the instrument of ``p`` at a time; NaN without a value.

    The second instrument's is the first one's plus a spread with a path of its own (X-DESK-04).
    """
    value = value_at(m.value, m.value_rng, t_ns)
    if len(m.books) == 1 or m.part[p].book == 0:
        return value
    if m.spread.active == 0:
        return np.nan
    return value + value_at(m.spread, m.value_rng, t_ns)
