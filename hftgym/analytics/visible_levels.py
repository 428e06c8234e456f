"""The best visible levels after each row of a stream of volume changes, in one compiled pass."""

from __future__ import annotations

import numpy as np

from hftgym.core.jit import kernel


@kernel
def fill_levels(is_ask, rank, change, prices, px, lots):
    """Play volume changes on an empty book and write down its best levels after each.

    Args:
        is_ask: 1 where the volume is on the ask side, 0 on the bid side, shape (rows,).
        rank: place of the row's price among all prices, shape (rows,).
        change: lots that join (+) or leave (-) there, shape (rows,).
        prices: all prices, rising, shape (prices,).
        px: is filled with the best prices, bids at 0 and asks at 1, shape (rows, 2, levels).
        lots: is filled with the lots there, shape (rows, 2, levels).

    Returns:
        First row that takes more than is there; the number of rows if none does.
    """
    levels = px.shape[2]
    book = np.zeros((2, len(prices)), np.int64)
    best = np.full(2, len(prices))  # one beyond the worst price where no level is
    best[0] = -1
    for k in range(len(rank)):
        if k > 0:
            for side in range(2):
                for level in range(levels):
                    px[k, side, level] = px[k - 1, side, level]
                    lots[k, side, level] = lots[k - 1, side, level]
        if change[k] == 0:
            continue
        s = is_ask[k]
        step = 1 if s == 1 else -1  # towards worse prices
        at = rank[k]
        book[s, at] += change[k]
        if book[s, at] < 0:
            return k
        if (at - best[s]) * step < 0:
            best[s] = at
        end = len(prices) if s == 1 else -1
        while best[s] != end and book[s, best[s]] == 0:
            best[s] += step
        place = best[s]
        for level in range(levels):
            while place != end and book[s, place] == 0:
                place += step
            px[k, s, level] = 0 if place == end else prices[place]
            lots[k, s, level] = 0 if place == end else book[s, place]
            if place != end:
                place += step
    return len(rank)
