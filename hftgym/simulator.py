"""The owner of markets: opens, advances, snapshots and restores them, and reads their log.

``Simulator`` is for scripts and tests: one market or several of one scenario, without learners.
Environments hold their own arrays of markets and call the same kernels.
"""

from __future__ import annotations

import copy
from typing import Any

import numpy as np

from hftgym.core.constants import LogKind, MessageKind, Status
from hftgym.core.entries import advance_one, book_hash_one, reseed_one, send_one, state_hash_one
from hftgym.core.layout import zeros
from hftgym.core.records import LOG, LOG_ROW, LOG_ROWS, OUT
from hftgym.errors import InternalError, UsageError
from hftgym.market import Blueprint, blueprint, check_fault
from hftgym.names import nearest
from hftgym.scenario import Scenario, load_scenario


class Simulator:
    """Markets of one scenario, each with a seed of its own.

    Args:
        scenario: a scenario, its name, or the path of its YAML.
        seed: seed of market 0; market i has seed + i.
        markets: how many.
        keep_log: keep every row of the event log (``log``).

    Example:
        >>> from hftgym.simulator import Simulator
        >>> market = Simulator("default", seed=7)
        >>> market.advance(10.0)
        >>> bool(market.market()["books"][0]["trades"] > 0)
        True
    """

    def __init__(
        self,
        scenario: Scenario | str = "default",
        seed: int = 0,
        markets: int = 1,
        keep_log: bool = False,
        ops: np.ndarray | None = None,
    ) -> None:
        if markets < 1:
            raise UsageError("HG-U030", f"markets: {markets}; must be at least 1")
        self.scenario = load_scenario(scenario) if isinstance(scenario, str) else scenario
        self.blueprint: Blueprint = blueprint(self.scenario, ops=ops)
        self.markets = zeros(markets, self.blueprint.record.dtype)
        self._log_buffer = np.zeros(1, LOG)
        self._log_buffer[0]["capacity"] = LOG_ROWS if keep_log else 0
        self._log: list[list[np.ndarray]] = []
        self.reset(seed)

    def reset(self, seed: int = 0, start_ns: int = 0) -> None:
        """Open every market anew; market i gets seed + i."""
        self._log = [[] for _ in self.markets]
        for i in range(len(self.markets)):
            self.markets[i] = self.blueprint.open(seed + i, start_ns)[0]

    def advance(self, seconds: float) -> None:
        """Run every market for this many seconds of its own time.

        Raises:
            InternalError: if a market stops with a fault.
        """
        self.advance_until(int(self.markets[0]["now_ns"]) + round(seconds * 1e9))

    def advance_until(self, until_ns: int) -> None:
        """Run every market up to and including this time, in ns."""
        for i in range(len(self.markets)):
            while True:
                status = advance_one(
                    self.markets,
                    i,
                    self.blueprint.table,
                    self.blueprint.ops,
                    self._log_buffer,
                    until_ns,
                    -1,
                )
                used = int(self.markets[i]["log_used"])
                if used:
                    self._log[i].append(self._log_buffer[0]["rows"][:used].copy())
                    self.markets[i]["log_used"] = 0
                if status != Status.LOG_FULL:
                    break
                if not used:
                    raise InternalError(
                        "HG-X002",
                        f"log buffer: {int(self._log_buffer[0]['capacity'])} rows can not take "
                        "one event that trades with every resting order; keep no log",
                    )
            check_fault(self.markets[i])

    def market(self, i: int = 0) -> Any:
        """Return market ``i``, a live record."""
        return self.markets[i]

    def log(self, i: int = 0) -> np.ndarray:
        """Return the event log of market ``i`` since its opening, dtype ``LOG_ROW``."""
        return np.concatenate([np.zeros(0, LOG_ROW), *self._log[i]])

    def take_log(self, i: int = 0) -> np.ndarray:
        """Return the rows of market ``i`` since the last call, and keep them no longer."""
        rows = self.log(i)
        self._log[i] = []
        return rows

    def trades(self, i: int = 0) -> np.ndarray:
        """Return the trades in the log of market ``i``."""
        log = self.log(i)
        trades: np.ndarray = log[log["kind"] == LogKind.TRADE]
        return trades

    def snapshot(self) -> np.ndarray:
        """Return a copy of all markets."""
        return self.markets.copy()

    def restore(self, snapshot: np.ndarray) -> None:
        """Go back to a snapshot of this simulator.

        Raises:
            UsageError: if it was taken of other markets.
        """
        if snapshot.dtype != self.markets.dtype or snapshot.shape != self.markets.shape:
            raise UsageError(
                "HG-U031",
                f"snapshot: shape {snapshot.shape} of another market class or number of markets; "
                f"this simulator has {self.markets.shape}",
            )
        self.markets[:] = snapshot

    def copy(self) -> Simulator:
        """Return another simulator with the same markets, to lead them elsewhere.

        What happens to the one is nothing to the other; the same actions at the same times have
        the same effect in both. Rows of the log so far are in both.
        """
        other = copy.copy(self)
        other.markets = self.markets.copy()
        other._log_buffer = self._log_buffer.copy()
        other._log = [list(rows) for rows in self._log]
        return other

    def send(
        self,
        participant: str,
        kind: MessageKind,
        *,
        slot: int = 0,
        side: int = 0,
        px: int = 0,
        lots: int = 0,
        flags: int = 0,
        i: int = 0,
    ) -> None:
        """Let a participant send a message now; it acts one order latency later.

        Meant for participants of kind ``manual``, which send nothing by themselves.

        Args:
            participant: its name, for example ``me#0``.
            kind: new limit or market order, cancel, amend, ...
            slot: own order slot that the message is about.
            side: +1 buy, -1 sell.
            px: limit price, price units.
            lots: size; of an amend, the total with what is filled.
            flags: ``Flag``, added together.
            i: the market.

        Raises:
            UsageError: if there is no such participant or slot, or the message makes no sense to
                its own sender (a new order in a used slot, a cancel of nothing).
            InternalError: if the market stops with a fault.
        """
        if participant not in self.blueprint.names:
            raise UsageError(
                "HG-U032",
                f"participant {participant!r} is not in this market"
                + nearest(participant, self.blueprint.names),
            )
        p = self.blueprint.names.index(participant)
        part = self.markets[i]["part"][p]
        if not 0 <= slot < int(part["own_capacity"]):
            raise UsageError(
                "HG-U033",
                f"slot {slot}: {participant} has the slots 0 to {int(part['own_capacity']) - 1}",
            )
        before = int(part["account"]["messages"])
        out = np.zeros(1, OUT)
        out[0]["count"] = 1
        message = out[0]["messages"][0]
        for name, value in (("kind", kind), ("slot", slot), ("side", side), ("px", px)):
            message[name] = value
        message["lots"], message["flags"] = lots, flags
        send_one(self.markets, i, self.blueprint.table, p, out)
        check_fault(self.markets[i])
        if int(part["account"]["messages"]) == before:
            raise UsageError(
                "HG-U034",
                f"{participant} can not send {MessageKind(kind).name} about slot {slot} at "
                f"{int(self.markets[i]['now_ns'])} ns: as far as it knows, the slot is "
                + ("used" if kind <= MessageKind.MARKET else "empty or being cancelled"),
            )

    def reseed(self, i: int, seed: int) -> None:
        """Give market ``i`` another future: new streams, same present."""
        reseed_one(self.markets, i, np.uint64(seed))

    def book_hash(self, i: int = 0) -> int:
        """Return the canonical hash of the live orders of market ``i``."""
        return int(book_hash_one(self.markets, i))

    def state_hash(self, i: int = 0) -> int:
        """Return the canonical hash of market ``i``: all that its future depends on."""
        return int(state_hash_one(self.markets, i))

    def conservation(self, i: int = 0) -> tuple[int, int]:
        """Return (sum of all cash and fees, sum of all positions): both zero, always.

        With two instruments the second is the sum that is further from zero.
        """
        m = self.markets[i]
        accounts = m["part"][: int(m["participants"])]["account"]
        books = self.blueprint.books
        lots = [int(accounts["position"][books == k].sum()) for k in range(len(m["books"]))]
        return int(accounts["cash"].sum()) + int(m["fee_account"]), max(lots, key=abs)
