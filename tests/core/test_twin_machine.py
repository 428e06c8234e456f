"""The same comparison driven by Hypothesis, which shrinks what fails to a few messages."""

from __future__ import annotations

from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from hftgym.core.constants import BUY, SELL, Flag, MessageKind, Phase, ReportKind, Stp
from hftgym.core.jit import INTERPRETED
from hftgym.core.reference import Message, Rules
from hftgym.selftest.streams import Stream
from hftgym.selftest.twins import Twins
from hftgym.selftest.venue import PHASE_ACTION, TIME_ACTION

FLAGS = st.sampled_from([0, 0, 0, Flag.DAY, Flag.GTD]).flatmap(
    lambda until: st.sampled_from(
        [
            *(until | display for display in (0, 0, Flag.HIDDEN, Flag.ICEBERG)),
            *(until | post for post in (Flag.POST_ONLY, Flag.POST_ONLY_SLIDE)),
            *(Flag.IOC, Flag.FOK, Flag.MIN_LOTS, Flag.STOP | until, Flag.STOP | Flag.ICEBERG),
        ]
    )
)
MARKET_FLAGS = st.sampled_from([0, 0, Flag.FOK, Flag.TO_LIMIT, Flag.STOP])
who = st.integers(0, 3)
slot = st.integers(0, 5)
side = st.sampled_from([BUY, SELL])
lots = st.integers(1, 6) | st.sampled_from([0, -1, 1 << 40])
# Near the touch, at the window's edges, and far beyond them.
px = st.integers(-4, 4) | st.sampled_from(
    [sign * k for sign in (1, -1) for k in (63, 64, 127, 128, 129, 191, 192, 255, 256, 257, 5_000)]
)


class TwinMachine(RuleBasedStateMachine):
    """Messages of every kind to both exchanges; ``Twins.step`` demands that they agree."""

    @initialize(stp=st.sampled_from(list(Stp)), orders=st.sampled_from([3, 12]))
    def start(self, stp: Stp, orders: int) -> None:
        rules = Rules(px_min=-5_000, px_max=5_000, start_px=0, stp=stp, maker_fee=-1)
        self.twins = Twins(Stream(rules, slots=6, orders=orders, far_levels=4))

    def _send(self, kind: MessageKind, who: int, **fields: int) -> None:
        self.twins.send(Message(who, kind, **fields))

    @rule(
        who=who,
        slot=slot,
        side=side,
        px=px,
        lots=lots,
        flags=FLAGS,
        trigger_px=px,
        display_lots=st.integers(1, 3),
        min_lots=st.integers(1, 4),
        expire_ns=st.integers(0, 40),
    )
    def limit(self, **fields: Any) -> None:
        self._send(MessageKind.LIMIT, **fields)

    @rule(who=who, slot=slot, side=side, lots=lots, flags=MARKET_FLAGS, trigger_px=px)
    def market(self, **fields: Any) -> None:
        self._send(MessageKind.MARKET, **fields)

    @rule(who=who, slot=slot)
    def cancel(self, **fields: Any) -> None:
        self._send(MessageKind.CANCEL, **fields)

    @rule(who=who, slot=slot, px=px, lots=lots)
    def amend(self, **fields: Any) -> None:
        self._send(MessageKind.AMEND, **fields)

    @rule(phase=st.sampled_from(list(Phase)))
    def change_phase(self, phase: Phase) -> None:
        """Go to another phase, or be refused."""
        self.twins.send(Message(0, PHASE_ACTION, 0, px=phase))

    @rule(ns=st.integers(1, 10))
    def advance(self, ns: int) -> None:
        """Let time pass."""
        self.twins.send(Message(0, TIME_ACTION, 0, lots=ns))

    @rule(who=who, killed=st.booleans())
    def kill(self, who: int, killed: bool) -> None:
        self.twins.fast.m["part"][who]["account"]["killed"] = killed
        self.twins.slow.accounts[who].killed = killed
        self.twins.look_again()

    @rule(who=who, slot=slot, side=side, px=px, lots=st.integers(1, 6))
    def add_and_cancel(self, who: int, slot: int, side: int, px: int, lots: int) -> None:
        """An order that comes to rest and its cancel leave the book as it was."""
        fast = self.twins.fast
        before = fast.book_hash(), fast.orders(), fast.accounts
        add = Message(who, MessageKind.LIMIT, slot, side, px, lots, Flag.POST_ONLY)
        self.twins.send(add)
        if self.twins.outcome.reports[-1].kind == ReportKind.ACCEPTED:
            self.twins.send(Message(who, MessageKind.CANCEL, slot))
            assert (fast.book_hash(), fast.orders(), fast.accounts) == before


TestTwins = TwinMachine.TestCase
TestTwins.settings = settings(
    max_examples=2 if INTERPRETED else 30, stateful_step_count=40, deadline=None, derandomize=True
)
