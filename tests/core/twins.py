"""The compiled exchange and its slow twin, fed with the same messages and compared after each."""

from __future__ import annotations

from typing import Any

from hftgym.core.constants import NO_KEY, Reason, ReportKind
from hftgym.core.reference import Message, ReferenceExchange, Report
from tests.core.bare import ACCOUNT_FIELDS, ACTION, BareMarket
from tests.core.checks import check_book
from tests.core.streams import Stream

FIRMS = (1, 2, 2, 3)  # two participants are of one firm


class Twins:
    """Compiled exchanges and the plain one.

    Args:
        stream: what is drawn; its rules and room are those of the exchanges.
        size: market class of the first compiled exchange.
        other: market class of a second one, whose book hash must be that of the first.
    """

    def __init__(self, stream: Stream, size: str = "small", other: str | None = None) -> None:
        self.fast = self._build(stream, size)
        self.other = self._build(stream, other) if other else None
        self.slow = ReferenceExchange(stream.rules, FIRMS, self.fast.capacity)
        self.crowded = 0  # orders that found no far level
        self.reports: list[Report] = []

    @staticmethod
    def _build(stream: Stream, size: str) -> BareMarket:
        return BareMarket(stream.rules, FIRMS, stream.slots, size, stream.orders, stream.far_levels)

    def step(self, actions: Any, j: int) -> None:
        """Let action ``j`` act on all, and demand that they agree."""
        self._act(actions, j)
        if self.other is not None:
            self.other.act(actions, j)
            assert self.other.reports() == self.reports
            assert self.other.book_hash() == self.fast.book_hash()

    def send(self, message: Message) -> None:
        """Let one message act on all."""
        import numpy as np

        actions = np.zeros(1, ACTION)
        actions[0] = tuple(message)
        self.step(actions, 0)

    def _act(self, actions: Any, j: int) -> None:
        fast, slow = self.fast, self.slow
        message = Message(*actions[j].item())
        before = (fast.book_hash(), fast.accounts())
        fast.act(actions, j)
        reports = self.reports = fast.reports()
        if self._found_no_level(reports):
            self.crowded += 1
            slow.accounts[message.participant].rejects += 1
        else:
            outcome = slow.process(message)
            assert fast.trades() == outcome.trades, message
            # Each participant hears in order; between participants there is none.
            assert reports == sorted(outcome.reports, key=lambda report: report.to), message
        assert fast.orders() == slow.orders(), message
        accounts = fast.accounts()
        assert accounts == [
            tuple(getattr(account, name) for name in ACCOUNT_FIELDS) for account in slow.accounts
        ], message
        book = fast.m["books"][0]
        assert (book["last_px"], book["mid_2px"]) == (slow.last_px, slow.mid_2px), message
        assert (fast.m["fee_account"], fast.m["fault"]) == (slow.fee_account, 0), message
        cash, position = (sum(column) for column in list(zip(*accounts, strict=True))[0:3:2])
        assert (cash + slow.fee_account, position) == (0, 0), message
        check_book(fast.markets, fast.capacity, fast.far_levels)
        if reports and reports[-1].kind == ReportKind.REJECTED:
            rejects = ACCOUNT_FIELDS.index("rejects")
            was = [a[:rejects] + a[rejects + 1 :] for a in before[1]]
            now = [a[:rejects] + a[rejects + 1 :] for a in accounts]
            assert (fast.book_hash(), now) == (before[0], was), message

    def _found_no_level(self, reports: list[Report]) -> bool:
        """Whether the compiled exchange had no far level for an order: the twin has no levels."""
        if not reports or reports[-1].reason != Reason.POOL_FULL:
            return False
        if self.slow.live >= self.fast.capacity and reports[-1].request == 1:
            return False
        sides = self.fast.m["books"][0]["sides"]
        free = []
        for side in sides:
            far, n = int(side["far_free"]), 0
            while far >= 0:
                far, n = int(side["far"][far]["next"]), n + 1
            free.append(n)
        # Levels of the window that would leave it need room too.
        levels = [int(side["levels_used"]) for side in sides]
        assert any(n == 0 or n < used for n, used in zip(free, levels, strict=True))
        assert any(side["best"] != NO_KEY for side in sides)
        return True
