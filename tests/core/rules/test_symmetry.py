"""What no rule may depend on: which side is which, where zero is, the unit, and names.

The same random actions are played twice, once as drawn and once transformed; the second market
must be the transformed first one all the time.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace
from typing import Any, NamedTuple

import pytest

from hftgym.core.constants import (
    BUY,
    SELL,
    BandAction,
    Flag,
    Matching,
    MessageKind,
    Phase,
    ReportKind,
    StopOn,
    Stp,
)
from hftgym.core.reference import Member, Message, Rules, Trade
from tests.core.rules import kit
from tests.core.rules.kit import AMEND, LIMIT, MARKET

TICK = 5
MIRROR = 2000  # px becomes MIRROR - px; px_min and px_max change places
ACTIONS = 1000
SLOTS = 40
LOOK = 4  # trades are compared after every action, all else after so many


class Wait(NamedTuple):
    """The clock moves."""

    ns: int


Act = Message | Phase | Wait


class World(NamedTuple):
    """An instrument, its members, and what happens."""

    rules: Rules
    members: tuple[Member, ...]
    acts: list[Act]


# ------------------------------------------------------------------ what happens
PLAIN = Rules(
    px_min=5,
    px_max=MIRROR - 5,
    max_lots=50,
    tick_px=TICK,
    start_px=MIRROR // 2,
    unit_value=1,
    maker_fee=-1,
    taker_fee=2,
    stp=Stp.CANCEL_OLDEST,
    static_band_px=200,
    dynamic_band_px=40,
    call_ns=15,
    halt_ns=8,
)
RULES = {
    "last": replace(PLAIN, band_action=BandAction.AUCTION),
    "touch": replace(PLAIN, stop_on=StopOn.TOUCH, stp=Stp.OFF),
    "mark": replace(PLAIN, stop_on=StopOn.MARK, band_action=BandAction.HALT),
    "pro_rata": replace(PLAIN, matching=Matching.PRO_RATA, top_max_lots=3, fifo_percent=30),
}
MEMBERS = (
    Member(7, lmm_percent=20),
    Member(7, cancel_on_disconnect=True),
    Member(8, position_limit=60, open_orders_limit=12, rate_interval_ns=4, rate_burst=15),
    Member(9, kill_equity=-400, kill_flatten=True),
)
F = Flag
FORMS = [
    *[(LIMIT, 0)] * 12,
    *[(LIMIT, F.IOC), (LIMIT, F.FOK), (LIMIT, F.FOK | F.BUDGET), (LIMIT, F.MIN_LOTS)],
    *[(LIMIT, F.POST_ONLY), (LIMIT, F.POST_ONLY_SLIDE), (LIMIT, F.POST_ONLY_SLIDE | F.HIDDEN)],
    *[(LIMIT, F.HIDDEN), (LIMIT, F.ICEBERG), (LIMIT, F.ICEBERG | F.GTD), (LIMIT, F.GTD)] * 2,
    *[(MARKET, 0)] * 6,
    *[(MARKET, F.TO_LIMIT), (MARKET, F.TO_LIMIT | F.ICEBERG), (MARKET, F.MIN_LOTS)],
    *[(LIMIT, F.STOP), (LIMIT, F.STOP | F.ICEBERG), (MARKET, F.STOP), (MARKET, F.STOP | F.GTD)],
]


def price(rng: random.Random) -> int:
    return MIRROR // 2 + TICK * round(rng.gauss(0, 3))


def order(rng: random.Random, owner: tuple[int, int], now_ns: int, stops: int) -> Message:
    kind, flags = rng.choice(FORMS)
    side, lots, px = rng.choice((BUY, SELL)), rng.randint(1, 9), price(rng)
    if flags & F.STOP and stops:
        side = stops
    if flags & F.BUDGET:
        px = lots * px + rng.randint(-40, 40)
    return Message(
        owner[0],
        kind,
        owner[1],
        side,
        px if kind == LIMIT else 0,
        lots,
        int(flags),
        stp=rng.choice((0, 0, 0, 1, 2, 3, 4, 5)),
        trigger_px=price(rng) if flags & F.STOP else 0,
        display_lots=rng.randint(1, lots),
        min_lots=rng.randint(1, lots),
        expire_ns=now_ns + rng.randint(1, 300),
    )


def draw(seed: int, stops: int = 0) -> list[Act]:
    """Draw actions; with ``stops`` all stops are of that side."""
    rng, now_ns = random.Random(seed), 0
    acts: list[Act] = []
    used = [(0, 0)]
    for i in range(ACTIONS):
        roll = rng.random()
        sender, slot = rng.choice(used[-20:])
        if roll < 0.6:
            used.append((rng.randrange(len(MEMBERS)), i % SLOTS))
            acts.append(order(rng, used[-1], now_ns, stops))
        elif roll < 0.75:
            flags, trigger_px = (F.STOP, price(rng)) if rng.random() < 0.3 else (0, 0)
            acts.append(
                Message(
                    sender,
                    AMEND,
                    slot,
                    px=price(rng),
                    lots=rng.randint(1, 12),
                    flags=flags,
                    trigger_px=trigger_px,
                )
            )
        elif roll < 0.9:
            acts.append(kit.cancel(sender, slot))
        elif roll < 0.91:
            acts.append(kit.cancel_all(sender, rng.choice((BUY, SELL, 0))))
        elif roll < 0.92:
            acts += [kit.disconnect(sender), kit.cancel(sender, slot), kit.connect(sender)]
        elif roll < 0.95:
            acts.append(rng.choice((Phase.VOLATILITY_AUCTION, Phase.HALT, *[Phase.CONTINUOUS] * 9)))
        else:
            wait = Wait(rng.randint(1, 50))
            acts.append(wait)
            now_ns += wait.ns
    return acts


# ------------------------------------------------------------------ two markets
def act_on(venue: Any, act: Act) -> list[Trade] | None:
    """Let an action happen; None for a step to a phase that is refused."""
    if isinstance(act, Message):
        outcome = venue.process(act)
    elif isinstance(act, Wait):
        outcome = venue.advance(venue.now_ns + act.ns)
    else:
        outcome = venue.set_phase(act)
    return None if outcome is None else list(outcome.trades)


def view(venue: Any) -> dict[str, Any]:
    """Return what a transformation is applied to."""
    return {name: getattr(venue, name)() for name in ("orders", "stops", "waiting")} | {
        "prices": (venue.last_px, venue.mid_2px),
        "accounts": kit.accounts(venue),
        "phase": venue.phase,
        "fees": venue.fee_account,
    }


def compare(
    engine: Any,
    one: World,
    other: World,
    trade: Callable[[Trade], Trade],
    seen: Callable[[dict[str, Any]], dict[str, Any]],
) -> None:
    """Play two worlds and demand that the other one is the transformed first one."""
    first, second = engine(one.rules, one.members), engine(other.rules, other.members)
    traded = 0
    for j, (act, transformed) in enumerate(zip(one.acts, other.acts, strict=True)):
        trades, others = act_on(first, act), act_on(second, transformed)
        assert others == (None if trades is None else [trade(t) for t in trades]), act
        if j % LOOK == 0:
            assert view(second) == seen(view(first)), act
        traded += len(trades or ())
    assert traded > 60


def transform(acts: list[Act], change: Callable[[Message], Message]) -> list[Act]:
    return [change(act) if isinstance(act, Message) else act for act in acts]


def moved(message: Message, px: Callable[[int], int], amount: Callable[[int, int], int]) -> Message:
    """Return a message with its prices moved, and the amount of a budget with them."""
    if message.flags & F.BUDGET:
        return message._replace(px=amount(message.px, message.lots))
    if message.kind == LIMIT or message.kind == AMEND:
        message = message._replace(px=px(message.px))
    return (
        message._replace(trigger_px=px(message.trigger_px)) if message.flags & F.STOP else message
    )


# ------------------------------------------------------------------ the transformations
@pytest.mark.parametrize("stops", [BUY, SELL])
@pytest.mark.parametrize("name", RULES)
def test_mirrored_prices_and_sides_mirror_all(engine: Any, name: str, stops: int) -> None:
    """Stops are of one side: X-STOP-04 wakes buy stops first."""

    def message(m: Message) -> Message:
        m = moved(m, lambda px: MIRROR - px, lambda px, lots: MIRROR * lots - px)
        return m._replace(side=-m.side)

    def trade(t: Trade) -> Trade:
        if t.side:
            return t._replace(side=-t.side, px=MIRROR - t.px)
        return Trade(t.taker, t.taker_slot, t.maker, t.maker_slot, 0, MIRROR - t.px, t.lots)

    def seen(v: dict[str, Any]) -> dict[str, Any]:
        def bids_first(rows: list[Any]) -> list[Any]:
            return sorted(rows, key=lambda row: -row[0])

        return v | {
            "orders": bids_first([(-s, MIRROR - px, *rest) for s, px, *rest in v["orders"]]),
            "stops": [(-s, MIRROR - t, MIRROR - px, *rest) for s, t, px, *rest in v["stops"]],
            "waiting": bids_first([(-s, *rest) for s, *rest in v["waiting"]]),
            "prices": (MIRROR - v["prices"][0], 2 * MIRROR - v["prices"][1]),
            "accounts": [
                a
                | {
                    "cash": a["cash"] + MIRROR * a["position"],
                    "position": -a["position"],
                    "open_buy_lots": a["open_sell_lots"],
                    "open_sell_lots": a["open_buy_lots"],
                }
                for a in v["accounts"]
            ],
        }

    acts = draw(1, stops)
    one = World(RULES[name], MEMBERS, acts)
    compare(engine, one, one._replace(acts=transform(acts, message)), trade, seen)


@pytest.mark.parametrize("by", [1000, -3000])
@pytest.mark.parametrize("name", RULES)
def test_shifted_prices_shift_all(engine: Any, name: str, by: int) -> None:
    def message(m: Message) -> Message:
        return moved(m, lambda px: px + by, lambda px, lots: px + by * lots)

    def seen(v: dict[str, Any]) -> dict[str, Any]:
        return v | {
            "orders": [(s, px + by, *rest) for s, px, *rest in v["orders"]],
            "stops": [(s, t + by, px + by, *rest) for s, t, px, *rest in v["stops"]],
            "prices": (v["prices"][0] + by, v["prices"][1] + 2 * by),
            "accounts": [a | {"cash": a["cash"] - by * a["position"]} for a in v["accounts"]],
        }

    acts = draw(2)
    if by < 0:  # a budget is not negative
        acts = [a for a in acts if not (isinstance(a, Message) and a.flags & F.BUDGET)]
    rules = RULES[name]
    shifted = replace(
        rules, px_min=rules.px_min + by, px_max=rules.px_max + by, start_px=rules.start_px + by
    )
    compare(
        engine,
        World(rules, MEMBERS, acts),
        World(shifted, MEMBERS, transform(acts, message)),
        lambda t: t._replace(px=t.px + by),
        seen,
    )


LOTS = ("open_buy_lots", "open_sell_lots", "maker_lots", "taker_lots", "position")
MONEY = ("cash", "fees", "edge_2px")


@pytest.mark.parametrize("by", [7, 1 << 33])
@pytest.mark.parametrize("name", ["last", "touch", "mark"])
def test_scaled_sizes_scale_all(engine: Any, name: str, by: int) -> None:
    """By pro-rata shares are rounded: not there."""

    def message(m: Message) -> Message:
        if m.flags & F.BUDGET:
            m = m._replace(px=m.px * by)
        return m._replace(lots=m.lots * by, display_lots=m.display_lots * by)._replace(
            min_lots=m.min_lots * by
        )

    def seen(v: dict[str, Any]) -> dict[str, Any]:
        return v | {
            "orders": [(s, px, n * by, r * by, *rest) for s, px, n, r, *rest in v["orders"]],
            "stops": [(s, t, px, n * by, *rest) for s, t, px, n, *rest in v["stops"]],
            "waiting": [(s, n * by, *rest) for s, n, *rest in v["waiting"]],
            "accounts": [a | {k: a[k] * by for k in LOTS + MONEY} for a in v["accounts"]],
            "fees": v["fees"] * by,
        }

    def member(m: Member) -> Member:
        caps = {n: getattr(m, n) for n in ("position_limit", "notional_limit", "kill_equity")}
        return replace(m, **{n: cap * by for n, cap in caps.items() if cap is not None})

    acts, rules = draw(3), RULES[name]
    members = (MEMBERS[0], replace(MEMBERS[1], notional_limit=20 * rules.start_px), *MEMBERS[2:])
    compare(
        engine,
        World(rules, members, acts),
        World(
            replace(rules, max_lots=rules.max_lots * by),
            tuple(member(m) for m in members),
            transform(acts, message),
        ),
        lambda t: t._replace(lots=t.lots * by),
        seen,
    )


@pytest.mark.parametrize("name", RULES)
def test_other_names_change_nothing_else(engine: Any, name: str) -> None:
    new = (2, 0, 3, 1)  # new name of each member
    old = [new.index(p) for p in range(len(new))]

    def slot(s: int) -> int:
        return (7 * s + 3) % SLOTS

    def message(m: Message) -> Message:
        return m._replace(participant=new[m.participant], slot=slot(m.slot))

    def trade(t: Trade) -> Trade:
        slots = [s if s < 0 else slot(s) for s in (t.maker_slot, t.taker_slot)]
        return t._replace(
            maker=new[t.maker], maker_slot=slots[0], taker=new[t.taker], taker_slot=slots[1]
        )

    def seen(v: dict[str, Any]) -> dict[str, Any]:
        return v | {
            "orders": [(*r[:4], new[r[4]], slot(r[5]), r[6]) for r in v["orders"]],
            "stops": [(*r[:4], new[r[4]], slot(r[5])) for r in v["stops"]],
            "waiting": [(*r[:2], new[r[2]], slot(r[3])) for r in v["waiting"]],
            "accounts": [v["accounts"][p] for p in old],
        }

    acts = draw(4)
    one = World(RULES[name], MEMBERS, acts)
    members = tuple(MEMBERS[p] for p in old)
    other = World(RULES[name], members, transform(acts, message))
    compare(engine, one, other, trade, seen)


@pytest.mark.parametrize("name", RULES)
def test_an_order_that_is_cancelled_at_once_leaves_the_book_as_it_was(
    engine: Any, name: str
) -> None:
    """It comes to a price at which another one is seen, or sleeps: it moves no touch."""
    venue = engine(RULES[name], MEMBERS[:3])
    rng, tried = random.Random(5), 0
    for act in draw(6):
        if isinstance(act, Message) and act.participant == 3:
            continue
        act_on(venue, act)
        before = [venue.orders(), venue.stops(), venue.waiting()]
        seen = [row for row in before[0] if not row[6]]
        if not seen or venue.phase == Phase.HALT:
            continue
        side, px = rng.choice(seen)[:2]
        flags = rng.choice((0, F.HIDDEN, F.ICEBERG, F.DAY, F.STOP))
        trigger_px = venue.rules.px_max if side == BUY else venue.rules.px_min
        added = Message(0, LIMIT, SLOTS, side, px, 9, int(flags), 0, trigger_px, display_lots=2)
        outcome = venue.process(added)
        if outcome.reports[0].kind == ReportKind.REJECTED:
            continue  # its price has left the static band
        assert outcome.trades == []
        assert venue.process(kit.cancel(0, SLOTS)).reports[0].request == MessageKind.CANCEL
        assert [venue.orders(), venue.stops(), venue.waiting()] == before
        tried += 1
    assert tried > 150
