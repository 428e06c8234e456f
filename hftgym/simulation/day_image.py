"""What both pictures of a day show, as plain arrays: depth by price and time, touch, trades.

Prices in ticks, times in seconds from the begin of the day; on a tape, seconds after midnight.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from hftgym.analytics.market_day import MarketDay
from hftgym.core.constants import NO_PX, SECOND_NS, Phase

#: Rows of the heat map, at the most; a wider day gets several ticks a row.
MAX_ROWS = 260
#: Depth is shown up to this share of the day's price range above and below it, or so many ticks.
MARGIN_SHARE = 0.3
MARGIN_TICK = 8
#: More trades than this are drawn small.
CROWD = 1_000

FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True)
class DayImage:
    """A day, ready to be drawn. NaN where there is nothing.

    Attributes:
        edge_s: times at which columns begin and end, shape (columns + 1,).
        low_tick: lower edge of the lowest row of ``depth``.
        row_tick: height of a row.
        depth: visible lots at the end of each column, shape (rows, columns); bids positive, asks
            negative.
        bid: best bid at the end of each column, ticks, shape (columns,).
        ask: best ask.
        mid: their middle; NaN outside of continuous trading.
        spread: mean over the column, ticks.
        lots: bought and sold by aggressors, and traded in auctions, shape (3, columns).
        trades: time, price, lots, side, shape (trades, 4); one by one, or one a column and side.
        closed: times from and to which there was no continuous trading, shape (periods, 2).
        clock: times are a time of day.
    """

    edge_s: FloatArray
    low_tick: float
    row_tick: float
    depth: FloatArray
    bid: FloatArray
    ask: FloatArray
    mid: FloatArray
    spread: FloatArray
    lots: FloatArray
    trades: FloatArray
    closed: FloatArray
    clock: bool

    @property
    def crowded(self) -> bool:
        """Whether there are so many trades that only small dots leave the rest to be seen."""
        return len(self.trades) > CROWD

    @property
    def middle_s(self) -> FloatArray:
        """Middle of each column, shape (columns,)."""
        return (self.edge_s[1:] + self.edge_s[:-1]) / 2

    @property
    def high_tick(self) -> float:
        """Upper edge of the highest row of ``depth``."""
        return self.low_tick + self.row_tick * len(self.depth)


def day_image(day: MarketDay, clock: bool) -> DayImage:
    """Prepare a day for drawing.

    Args:
        day: the day.
        clock: its times count from midnight, and are to be shown as a time of day.
    """
    tick, columns = day.tick_px, day.columns
    zero_ns = 0 if clock else day.begin_ns
    edge_s = (np.concatenate([[day.begin_ns], columns["end_ns"]]) - zero_ns) / SECOND_NS
    bid = np.where(columns["bid_px"] > -NO_PX, columns["bid_px"] / tick, np.nan)
    ask = np.where(columns["ask_px"] < NO_PX, columns["ask_px"] / tick, np.nan)
    is_open = columns["phase"] == Phase.CONTINUOUS
    quoted = columns["quoted_ns"]
    spread = np.full(len(columns), np.nan)
    np.divide(columns["spread_px_ns"], quoted * float(tick), out=spread, where=quoted > 0)
    trades = _trades(day, edge_s, zero_ns)
    low_tick, row_tick, rows = _rows(bid, ask, trades[:, 1], day.depth["px"] / tick)
    depth = np.zeros((rows, len(columns)))
    row = np.floor((day.depth["px"] / tick - low_tick) / row_tick).astype(np.int64)
    seen = (row >= 0) & (row < rows)
    np.add.at(depth, (row[seen], day.depth["column"][seen]), day.depth["lots"][seen])
    return DayImage(
        edge_s=edge_s,
        low_tick=low_tick,
        row_tick=row_tick,
        depth=depth,
        bid=bid,
        ask=ask,
        mid=np.where(is_open & (ask > bid), (bid + ask) / 2, np.nan),
        spread=spread,
        lots=np.stack([columns[f"{kind}_lots"] for kind in ("buy", "sell", "auction")]).astype(
            float
        ),
        trades=trades,
        closed=_periods(~is_open, edge_s),
        clock=clock,
    )


def _trades(day: MarketDay, edge_s: FloatArray, zero_ns: int) -> FloatArray:
    """Return trades one by one, or where there are too many the mean price by column and side."""
    if day.trades is not None:
        dots = day.trades
        return np.stack(
            [
                (dots["t_ns"] - zero_ns) / SECOND_NS,
                dots["px"] / day.tick_px,
                dots["lots"].astype(float),
                dots["side"].astype(float),
            ],
            axis=1,
        )
    parts = []
    middle_s = (edge_s[1:] + edge_s[:-1]) / 2
    for name, side in (("buy", 1.0), ("sell", -1.0)):
        lots = day.columns[f"{name}_lots"].astype(float)
        some = lots > 0
        price = day.columns[f"{name}_px_lots"][some] / lots[some] / day.tick_px
        parts.append(
            np.stack([middle_s[some], price, lots[some], np.full(some.sum(), side)], axis=1)
        )
    return np.concatenate(parts)


def _rows(
    bid: FloatArray, ask: FloatArray, traded: FloatArray, filled: FloatArray
) -> tuple[float, float, int]:
    """Return the lower edge, the height (ticks) and the number of the rows of the heat map.

    They reach beyond the touch by a share of the day's range, but no further than there was depth.
    """
    prices = np.concatenate([bid, ask, traded])
    prices = prices[~np.isnan(prices)]
    if not len(prices):
        return 0.0, 1.0, 1
    low, high = float(prices.min()), float(prices.max())
    margin = max(MARGIN_TICK, float(np.ceil(MARGIN_SHARE * (high - low))))
    least = max(2.0, float(np.ceil(0.04 * (high - low))))
    low = max(low - margin, min(low, float(filled.min(initial=low))) - least)
    high = min(high + margin, max(high, float(filled.max(initial=high))) + least)
    span = high - low + 1
    row_tick = float(np.ceil(span / MAX_ROWS))
    return low - 0.5, row_tick, int(np.ceil(span / row_tick))


def _periods(mask: npt.NDArray[np.bool_], edge_s: FloatArray) -> FloatArray:
    """Return begin and end of every run of columns in the mask, shape (runs, 2)."""
    change = np.flatnonzero(np.diff(np.concatenate([[False], mask, [False]]).astype(np.int8)))
    return edge_s[change].reshape(-1, 2)
