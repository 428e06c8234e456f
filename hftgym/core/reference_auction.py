"""The slow twin's price of a call auction: the most lots, the smallest surplus, then the reference.

Lots that would buy only fall and lots that would sell only rise with the price. Between two
neighbouring limit prices neither changes, so what holds at limit prices and one tick beside them
holds everywhere.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable
from itertools import accumulate
from typing import NamedTuple

from hftgym.core.constants import MessageKind
from hftgym.core.reference_types import Indication, Order


class Clearing(NamedTuple):
    """Where an auction can trade the most.

    Attributes:
        low: lowest tick at which that many lots trade.
        high: highest one.
        px: the one chosen without regard to a collar.
    """

    low: int
    high: int
    px: int


class Interest:
    """Lots that would trade at each price.

    Args:
        buys: all buy orders, market orders included.
        sells: all sell orders, market orders included.
    """

    def __init__(self, buys: Iterable[Order], sells: Iterable[Order]) -> None:
        self.market_buys, self.buy_px, buy_lots = _by_price(buys)
        self.market_sells, self.sell_px, sell_lots = _by_price(sells)
        # Buy lots at or below, sell lots at or below: both are sums from the lowest price up.
        self._below_buys = [0, *accumulate(buy_lots)]
        self._below_sells = [0, *accumulate(sell_lots)]

    def demand(self, px: int) -> int:
        """Return the lots that would buy at a price."""
        cheaper = self._below_buys[bisect_left(self.buy_px, px)]
        return self.market_buys + self._below_buys[-1] - cheaper

    def supply(self, px: int) -> int:
        """Return the lots that would sell at a price."""
        return self.market_sells + self._below_sells[bisect_right(self.sell_px, px)]

    def volume(self, px: int) -> int:
        """Return the lots that would trade at a price."""
        return min(self.demand(px), self.supply(px))

    def surplus(self, px: int) -> int:
        """Return buy minus sell lots that would trade at a price."""
        return self.demand(px) - self.supply(px)

    def at(self, px: int) -> Indication:
        """Return what an uncross at a price would do."""
        return Indication(px, self.volume(px), self.surplus(px))


def _by_price(orders: Iterable[Order]) -> tuple[int, list[int], list[int]]:
    """Return lots of market orders, rising limit prices, and the lots at each of them."""
    market, by_px = 0, dict[int, int]()
    for order in orders:
        if order.kind == MessageKind.MARKET:
            market += order.lots
        else:
            by_px[order.px] = by_px.get(order.px, 0) + order.lots
    prices = sorted(by_px)
    return market, prices, [by_px[px] for px in prices]


def clear(interest: Interest, reference: int | None, tick: int) -> Clearing | None:
    """Return where an auction trades the most, or None if nothing trades.

    Args:
        interest: who would trade at which price.
        reference: the last price, or None.
        tick: all prices are multiples of it.
    """
    limits = sorted({*interest.buy_px, *interest.sell_px})
    bounds = list(limits)
    if reference is not None:
        bounds.append(reference // tick * tick)
    if not bounds:
        return None
    most = max(interest.volume(px) for px in bounds)
    if not most:
        return None
    # Market orders alone can fill that volume at any price: then the range is open on that side.
    low, high = min(bounds), max(bounds)
    if interest.market_sells < most:
        low = next(px for px in interest.sell_px if interest.supply(px) >= most)
    if interest.market_buys < most:
        high = next(px for px in reversed(interest.buy_px) if interest.demand(px) >= most)
    return Clearing(low, high, _pick(interest, low, high, reference, tick))


def _pick(interest: Interest, low: int, high: int, reference: int | None, tick: int) -> int:
    """Return the price among those with the most volume, all ticks from ``low`` to ``high``."""
    corners = {low, high}
    for px in interest.buy_px:
        corners |= {px, px + tick}
    for px in interest.sell_px:
        corners |= {px - tick, px}
    surplus = {px: interest.surplus(px) for px in corners if low <= px <= high}
    least = min(abs(lots) for lots in surplus.values())
    balanced = [px for px, lots in surplus.items() if abs(lots) == least]
    low, high = min(balanced), max(balanced)
    if surplus[high] > 0:  # and more of it below
        return high
    if surplus[low] < 0:
        return low
    if reference is None:
        return (low + high) // (2 * tick) * tick
    below = reference // tick * tick
    nearest = below if reference - below < below + tick - reference else below + tick
    return min(max(nearest, low), high)
