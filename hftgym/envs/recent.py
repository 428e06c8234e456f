"""The public messages that a market keeps for learners who observe them.

The loop writes its log; after each step the public rows of it go into a ring and the log is empty
again. What is public is what ``hftgym.feed`` publishes: visible volume added and removed, and
trades.
"""

from __future__ import annotations

from hftgym.core.constants import LogKind, LogMark
from hftgym.core.jit import leaf
from hftgym.envs.task import RECENT

_REST = int(LogKind.REST)
_TRADE = int(LogKind.TRADE)
_CANCEL = int(LogKind.CANCEL)
_AMEND = int(LogKind.AMEND)
_HIDDEN_TRADE = int(LogKind.HIDDEN_TRADE)
_HIDDEN = int(LogMark.HIDDEN)


@leaf
def take_messages(m, log, recent):
    """Move the public rows of a log into the ring, and empty the log."""
    for i in range(m.log_used):
        row = log.rows[i]
        kind = row.kind
        change = 0
        if kind == _REST:
            change = 1
        elif kind == _CANCEL or kind == _AMEND:
            change = -1
        elif kind != _TRADE and kind != _HIDDEN_TRADE:
            continue
        if change != 0 and (row.lots == 0 or row.marks & _HIDDEN != 0):
            continue
        kept = recent.rows[recent.head]
        kept.t_ns = row.t_ns
        kept.px = row.px
        kept.lots = row.lots
        kept.change = change
        kept.side = row.side
        recent.head = (recent.head + 1) % RECENT
        recent.known = min(recent.known + 1, RECENT)
    m.log_used = 0


@leaf
def copy_recent(target, source):
    """Copy one market's messages over another's."""
    target.head = source.head
    target.known = source.known
    for i in range(RECENT):
        a = target.rows[i]
        b = source.rows[i]
        a.t_ns = b.t_ns
        a.px = b.px
        a.lots = b.lots
        a.change = b.change
        a.side = b.side
