"""Participants that follow a script, and a small market for them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from hftgym.core.constants import (
    MAX_OUT,
    NEVER_NS,
    Channel,
    Flag,
    MessageKind,
    OwnState,
    Status,
)
from hftgym.core.entries import advance_one
from hftgym.core.records import LOG, LOG_ROW, record
from hftgym.core.rng import integer, mix, uniform
from hftgym.market import Blueprint, blueprint
from hftgym.participants.base import ParticipantParams, participant
from hftgym.participants.orders import place
from hftgym.scenario import Scenario

STEPS = 8
SEEN = 5
STEP = record(
    [
        ("t_ns", "i8"),
        ("px", "i8"),
        ("lots", "i4"),
        ("kind", "i1"),
        ("slot", "i1"),
        ("side", "i1"),
        ("flags", "i1"),
    ]
)
SIGHT = record(
    [
        ("t_ns", "i8"),
        ("delivered_ns", "i8"),
        ("bid_px", "i8"),
        ("next_bid_px", "i8"),
        ("ask_px", "i8"),
        ("position", "i4"),
        ("state", "i4"),
        ("lots", "i4"),
        ("queue_ahead", "i4"),
    ]
)
MEMORY = record(
    [
        ("steps", "i4"),
        ("next", "i4"),
        ("seen", "i4"),
        ("wake_on", "i4"),
        ("step", STEP, (STEPS,)),
        ("sight", SIGHT, (SEEN,)),
    ]
)


class Params(ParticipantParams):
    """Of the script: none, it lies in the memory."""


@participant(Params, MEMORY, own_orders=4, sees_queue=True)
def script(view, own, params, memory, rng, out):
    """Send each step at its time, and note what is seen at each wake (slot 0's state)."""
    if memory.seen < SEEN:
        sight = memory.sight[memory.seen]
        sight.t_ns = view.t_ns
        sight.delivered_ns = view.delivered_ns
        sight.bid_px = view.bid_px[0]
        sight.next_bid_px = view.bid_px[1]
        sight.ask_px = view.ask_px[0]
        sight.position = own.position
        sight.state = own.orders[0].state
        sight.lots = own.orders[0].lots
        sight.queue_ahead = view.queue_ahead[0]
    memory.seen += 1
    count = 0
    while memory.next < memory.steps and memory.step[memory.next].t_ns <= view.delivered_ns:
        step = memory.step[memory.next]
        memory.next += 1
        if step.kind == 0:
            continue  # only to look
        msg = out.messages[count]
        msg.kind = step.kind
        msg.slot = step.slot
        msg.side = step.side
        msg.px = step.px
        msg.lots = step.lots
        msg.flags = step.flags
        count += 1
    out.wake_on = memory.wake_on
    if memory.next < memory.steps:
        out.next_wake_ns = memory.step[memory.next].t_ns
    return count


class FloodParams(ParticipantParams):
    """How much too much."""

    count: int = 0
    slot: int = 0


@participant(FloodParams, own_orders=4)
def flood(view, own, params, memory, rng, out):
    """Claim to have sent ``count`` messages, about slot ``slot``."""
    for i in range(min(params.count, MAX_OUT)):
        out.messages[i].kind = 1
        out.messages[i].slot = params.slot
    return params.count


class ImpatientParams(ParticipantParams):
    """When to look again, apart from trades."""

    wait_ns: int = 1_000_000_000


@participant(ImpatientParams, own_orders=4)
def impatient(view, own, params, memory, rng, out):
    """Look after a time, and at every trade."""
    out.next_wake_ns = view.delivered_ns + params.wait_ns
    out.wake_on = 2
    return 0


class TickerParams(ParticipantParams):
    """Its rhythm."""

    period_ns: int = 1_000_000
    px: int = 50


@participant(TickerParams, own_orders=2)
def ticker(view, own, params, memory, rng, out):
    """Post a bid and cancel it, in turn, at the same instants as everybody else."""
    out.next_wake_ns = (view.delivered_ns // params.period_ns + 1) * params.period_ns
    msg = out.messages[0]
    msg.kind = 1 if own.orders[0].state == 0 else 3
    msg.slot = 0
    msg.side = 1
    msg.px = params.px
    msg.lots = 1
    msg.flags = 0
    return 1


FICKLE_MEMORY = record([("seen", "u8"), ("views", "i8")])


@participant(ParticipantParams, FICKLE_MEMORY, own_orders=1)
def fickle(view, own, params, memory, rng, out):
    """Look at whole milliseconds, now and then at trades too, and remember all that is seen."""
    shown = view.t_ns ^ view.delivered_ns << 20 ^ view.bid_px[0] << 8 ^ view.bid_lots[0]
    memory.seen = mix(memory.seen + np.uint64(shown))
    memory.views += 1
    out.next_wake_ns = view.delivered_ns + (1 + integer(rng, 8)) * 1_000_000
    out.wake_on = 2 if uniform(rng) < 0.5 else 0
    return 0


class HolderParams(ParticipantParams):
    """What it buys."""

    px: int = 90
    lots: int = 5


HOLDER_MEMORY = record(
    [(name, "i8") for name in ("begun", "cash", "filled", "known_ns", "phase", "stale")]
)


@participant(HolderParams, HOLDER_MEMORY, own_orders=1)
def holder(view, own, params, memory, rng, out):
    """Buy once, and note each millisecond what its private reports have told."""
    memory.cash = own.cash
    memory.filled = own.orders[0].filled
    memory.known_ns = view.delivered_ns
    memory.phase = view.phase
    memory.stale = view.stale
    out.next_wake_ns = view.delivered_ns + 1_000_000
    if memory.begun == 0:
        memory.begun = 1
        place(out, 0, 1, params.px, params.lots, 0)
    return out.count


Step = tuple[int, ...]


def look(t_ns: int) -> Step:
    """Wake at a time and do nothing."""
    return (t_ns, 0, 0, 0, 0, 0, 0)


def limit(t_ns: int, side: int, px: int, lots: int = 1, slot: int = 0, flags: int = 0) -> Step:
    """A limit order, sent at a time."""
    return (t_ns, px, lots, MessageKind.LIMIT, slot, side, flags)


def market(t_ns: int, side: int, lots: int = 1, slot: int = 0) -> Step:
    """A market order."""
    return (t_ns, 0, lots, MessageKind.MARKET, slot, side, 0)


def cancel(t_ns: int, slot: int = 0) -> Step:
    """A cancel."""
    return (t_ns, 0, 0, MessageKind.CANCEL, slot, 0, 0)


def amend(t_ns: int, px: int, lots: int, slot: int = 0) -> Step:
    """An amend to a price and a total quantity."""
    return (t_ns, px, lots, MessageKind.AMEND, slot, 0, 0)


class Stage:
    """A market whose participants are scripts.

    Args:
        scripts: steps of each, by name.
        latencies: (feed, order, response) in ns, by name; zero when absent.
        wake_on: WakeOn flags, by name.
        extra: more participant groups, as in a scenario.
        seed: of the market.
        rules: fields of the instrument.
        ops: of a tape.
        limits: of the participants, by name.
        fields: more fields of the scenario.
    """

    def __init__(
        self,
        scripts: dict[str, Sequence[Step]],
        latencies: dict[str, tuple[int, int, int]] | None = None,
        wake_on: dict[str, int] | None = None,
        extra: Sequence[dict[str, Any]] = (),
        seed: int = 1,
        rules: dict[str, Any] | None = None,
        ops: Any = None,
        limits: dict[str, dict[str, Any]] | None = None,
        fields: dict[str, Any] | None = None,
    ) -> None:
        groups = []
        for name in scripts:
            feed, order, response = (latencies or {}).get(name, (0, 0, 0))
            latency = {"feed_ns": feed, "order_ns": order, "response_ns": response}
            group = {"kind": "tests.core.scripted:script", "name": name, "latency": latency}
            groups.append(group | {"limits": (limits or {}).get(name, {})})
        self.scenario = Scenario.model_validate(
            {
                "name": "stage",
                "description": "scripted",
                "participants": [*groups, *extra],
                "instrument": {"start_px": 100, **(rules or {})},
                **(fields or {}),
            }
        )
        self.blueprint: Blueprint = blueprint(self.scenario, ops=ops)
        self.markets = self.blueprint.open(seed)
        self.log = np.zeros(1, LOG)
        self.log[0]["capacity"] = len(self.log[0]["rows"])
        for name, steps in scripts.items():
            memory = self.memory(name)
            memory["steps"] = len(steps)
            memory["wake_on"] = (wake_on or {}).get(name, 0)
            for i, step in enumerate(steps):
                memory["step"][i] = step

    @property
    def m(self) -> Any:
        """The market."""
        return self.markets[0]

    def index(self, name: str) -> int:
        """Index of a participant."""
        return self.blueprint.names.index(name if "#" in name else f"{name}#0")

    def pending_ns(self, name: str) -> list[int]:
        """When what is pending in each Channel of a participant happens."""
        first = int(self.m["leaves"]) + len(Channel) * self.index(name)
        return [int(t_ns) for t_ns in self.m["event_ns"][first : first + len(Channel)]]

    def part(self, name: str) -> Any:
        """A participant's record."""
        return self.m["part"][self.index(name)]

    def memory(self, name: str) -> Any:
        """A script's memory."""
        return self.part(name)["memory"][: MEMORY.itemsize].view(MEMORY)[0]

    def sights(self, name: str) -> list[dict[str, int]]:
        """What a script saw at each wake, its first five."""
        memory = self.memory(name)
        sights = memory["sight"][: int(memory["seen"])]
        return [dict(zip(SIGHT.names, row, strict=True)) for row in sights.tolist()]

    def advance(self, until_ns: int = NEVER_NS - 1, budget: int = -1) -> Status:
        """Run."""
        b = self.blueprint
        return Status(advance_one(self.markets, 0, b.table, b.ops, self.log, until_ns, budget))

    def rows(self, kind: int | None = None) -> list[dict[str, int]]:
        """Rows of the event log."""
        rows = self.log[0]["rows"][: int(self.m["log_used"])]
        return [
            dict(zip(LOG_ROW.names, row.item(), strict=True))
            for row in rows
            if kind is None or row["kind"] == kind
        ]

    def own_lots(self, name: str, slot: int = 0) -> int:
        """Lots of the resting order in a slot, at the exchange."""
        order = self.m["slots"]["order"][int(self.part(name)["own_first"]) + slot]
        return 0 if order < 0 else int(self.m["orders"][order]["lots"])


__all__ = ["Flag", "OwnState", "Stage", "amend", "cancel", "limit", "look", "market"]
