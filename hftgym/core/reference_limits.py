"""The slow twin's gate: what a participant may have in the market, and how fast it may ask."""

from __future__ import annotations

from typing import NamedTuple

from hftgym.core.constants import Limit
from hftgym.core.reference_types import Account, Member


class Terms(NamedTuple):
    """What an order has open, or would have. ``px`` is None without a limit price."""

    side: int
    px: int | None
    lots: int
    may_stay: bool = False


class Gate:
    """The limits of one participant (X-RISK-01 to X-RISK-04).

    Its rate is kept as a leaky bucket: orders pour in, time drains it. It lets through what the
    virtual scheduling of the compiled exchange does (ITU-T I.371 has both).
    """

    def __init__(self, member: Member, account: Account, unit_value: int) -> None:
        self._member = member
        self._account = account
        self._unit_value = unit_value
        self._level_ns = 0
        self._since_ns = 0

    @property
    def due_ns(self) -> int:
        """When the bucket is empty."""
        return self._since_ns + self._level_ns

    def stops(
        self, new: Terms, old: Terms | None, open_orders: int, mark_2px: int, now_ns: int
    ) -> Limit | None:
        """Return the first limit that an order would break; None, and it counts for the rate.

        Args:
            new: what it would have open.
            old: what it has, if it is amended.
            open_orders: of the participant.
            mark_2px: twice the mark.
            now_ns: when it comes.
        """
        member = self._member
        grows = old is None or new.lots > old.lots
        side_lots = self._account.exposure(new.side) - (old.lots if old else 0) + new.lots
        most = member.position_limit
        if most is not None and grows and side_lots > most:
            return Limit.POSITION
        most = member.open_orders_limit
        if most is not None and old is None and new.may_stay and open_orders >= most:
            return Limit.OPEN_ORDERS
        most = member.notional_limit
        if most is not None and (grows or self._is_dearer(new, old)):
            if self._worth_2(new, side_lots, mark_2px) > 2 * most:
                return Limit.NOTIONAL
        if member.rate_interval_ns is not None and not self._pour(member.rate_interval_ns, now_ns):
            return Limit.ORDER_RATE
        return None

    @staticmethod
    def _is_dearer(new: Terms, old: Terms | None) -> bool:
        if old is None or old.px is None or new.px is None:
            return False
        return new.lots > 0 and abs(new.px) > abs(old.px)

    def _worth_2(self, new: Terms, side_lots: int, mark_2px: int) -> int:
        """Return twice what a side is worth: the order's own lots at its price if that is more."""
        opened = max(side_lots, 0)  # what closes an opposite position is worth nothing
        own = min(new.lots, opened)
        mark_2px = abs(mark_2px)
        own_2px = max(mark_2px, 2 * abs(new.px or 0))
        return ((opened - own) * mark_2px + own * own_2px) * self._unit_value

    def _pour(self, interval_ns: int, now_ns: int) -> bool:
        level_ns = max(self._level_ns - (now_ns - self._since_ns), 0)
        if level_ns > (self._member.rate_burst - 1) * interval_ns:
            return False
        self._level_ns, self._since_ns = level_ns + interval_ns, now_ns
        return True
