"""Where an order stands in a queue of which only the total is known (aggregated, L2 data).

A level that shrinks by a trade shrinks at its front. One that shrinks without a trade was cancelled
somewhere: a *share* says which part of it, in expectation, stood behind the order. The estimate is
only as good as that share; with data that name every order no estimate is needed.

All sizes are floats in one unit (lots), and exclude the order itself: history never saw it.

References:
    Rigtorp (2013), "Estimating order queue position", https://rigtorp.se/2013/06/08/estimating-order-queue-position.html,
    for the probability of a cancel in front, f(behind) / (f(behind) + f(ahead)).
    The documentation of hftbacktest, "Probability Queue Position Models", for its variants and for
    counting trades once.
"""

from __future__ import annotations

import math
from collections.abc import Callable

from hftgym.errors import UsageError
from hftgym.names import nearest

#: (lots ahead, lots behind) to the expected part, 0 to 1, of a cancelled lot that stood behind.
Share = Callable[[float, float], float]


def risk_averse(ahead: float, behind: float) -> float:
    """Return 1: all cancels are behind the order as long as there is something behind it."""
    return 1.0


def power(n: float) -> Share:
    """Return the share behind^n / (behind^n + ahead^n); n = 1 is a cancel drawn evenly."""
    _check_exponent(n)

    def share(ahead: float, behind: float) -> float:
        if behind >= ahead:  # a ratio of at most 1 can not overflow
            return 1.0 / (1.0 + math.pow(_ratio(ahead, behind), n))
        odds = math.pow(_ratio(behind, ahead), n)
        return odds / (1.0 + odds)

    return share


def power2(n: float) -> Share:
    """Return the share behind^n / (behind + ahead)^n."""
    _check_exponent(n)
    return lambda ahead, behind: math.pow(_ratio(behind, ahead + behind), n)


def power3(n: float) -> Share:
    """Return the share 1 - (ahead / (behind + ahead))^n."""
    _check_exponent(n)
    return lambda ahead, behind: 1.0 - math.pow(_ratio(ahead, ahead + behind), n)


def log(ahead: float, behind: float) -> float:
    """Return ln(1 + behind) / (ln(1 + behind) + ln(1 + ahead))."""
    return _ratio(math.log1p(behind), math.log1p(behind) + math.log1p(ahead))


def log2(ahead: float, behind: float) -> float:
    """Return ln(1 + behind) / ln(1 + behind + ahead)."""
    return _ratio(math.log1p(behind), math.log1p(ahead + behind))


def _ratio(part: float, whole: float) -> float:
    return part / whole if whole > 0.0 else 0.0


def _check_exponent(n: float) -> None:
    if not (math.isfinite(n) and n > 0.0):
        raise UsageError("HG-U105", f"exponent n {n}: it must be a finite number above 0")


_PLAIN: dict[str, Share] = {"risk-averse": risk_averse, "log": log, "log2": log2}
_POWERS: dict[str, Callable[[float], Share]] = {"power": power, "power2": power2, "power3": power3}


def share_named(name: str, n: float | None = None) -> Share:
    """Return a share by its name.

    Args:
        name: ``risk-averse``, ``power``, ``power2``, ``power3``, ``log`` or ``log2``.
        n: exponent of the powers.

    Raises:
        UsageError: No share has this name, or the exponent is missing, not needed or not above 0.
    """
    if name in _PLAIN:
        if n is not None:
            raise UsageError("HG-U104", f"queue model {name!r} has no exponent n")
        return _PLAIN[name]
    if name not in _POWERS:
        known = [*_PLAIN, *_POWERS]
        raise UsageError(
            "HG-U104", f"queue model {name!r}: known are {', '.join(known)}{nearest(name, known)}"
        )
    if n is None:
        raise UsageError("HG-U104", f"queue model {name!r} needs an exponent n")
    return _POWERS[name](n)


class QueueEstimate:
    """The estimated place of one order, moved by trades and depth at its price.

    Args:
        ahead: lots in front of the order when it joins: all that the level shows.
        share: how cancels spread; see the functions above.

    Attributes:
        ahead: lots in front of the order now, never negative.
    """

    def __init__(self, ahead: float, share: Share = risk_averse) -> None:
        self.ahead = _lots(ahead, "ahead")
        self._share = share
        self._traded = 0.0  # since depth changed last: part of the next change

    def trade(self, lots: float) -> float:
        """Let lots of the price trade against the level.

        Returns:
            Lots that went past everything ahead: as many of the order's would have been filled.
        """
        lots = _lots(lots, "lots")
        self._traded += lots
        past = max(lots - self.ahead, 0.0)
        self.ahead = max(self.ahead - lots, 0.0)
        return past

    def depth(self, before: float, after: float) -> None:
        """Let the total of the level change.

        What traded since the last change is taken as part of this one, so it counts once. More
        lots join behind.

        Args:
            before: total lots of the level before.
            after: total lots of the level now.
        """
        before, after = _lots(before, "before"), _lots(after, "after")
        cancelled = before - after - self._traded
        self._traded = 0.0
        if cancelled > 0.0:
            behind = max(before - self.ahead, 0.0)
            from_behind = min(self._share(self.ahead, behind) * cancelled, behind)
            self.ahead -= cancelled - from_behind
        self.ahead = max(min(self.ahead, after), 0.0)


def reaches(
    side: int,
    px: int,
    ahead: float,
    *,
    opposite_px: int | None = None,
    trade_px: int | None = None,
) -> bool:
    """Tell whether history would have filled a resting order.

    It would when the opposite side offers its price, when somebody traded at a worse price, and
    when somebody traded at its price while nothing was ahead. Its own effect on the market is not
    modelled: that needs a live book.

    Args:
        side: +1 buy, -1 sell.
        px: price of the order.
        ahead: lots in front of it.
        opposite_px: best opposite price, None when that side is empty.
        trade_px: price of an aggressor of the other side, None without one.
    """
    if opposite_px is not None and side * px >= side * opposite_px:
        return True
    if trade_px is None:
        return False
    return side * px > side * trade_px or (px == trade_px and ahead <= 0.0)


def _lots(value: float, what: str) -> float:
    if not (math.isfinite(value) and value >= 0.0):
        raise ValueError(f"{what} {value}; it must be a finite number of at least 0")
    return float(value)
