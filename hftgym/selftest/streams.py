"""Random streams of messages that look for trouble, for the exchange and its slow twin.

Every kind of message and every instruction occurs, sensible or not, in every phase, with a clock
that moves. Prices are far, gap and drift; sizes flood; pools are tiny; some messages are nonsense.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from hftgym.core.constants import (
    BandAction,
    FeeUnit,
    Flag,
    Matching,
    MessageKind,
    Phase,
    StopOn,
    Stp,
)
from hftgym.core.reference import Member, Rules
from hftgym.core.reference_checks import CALLS, STEPS
from hftgym.selftest.venue import ACTION, PHASE_ACTION, TIME_ACTION

BIG = 1 << 62
FEES = Rules(maker_fee=-1, taker_fee=3)

#: Mean number of messages between two steps of the session.
_DWELL = {Phase.CONTINUOUS: 150, Phase.HALT: 8, Phase.CLOSED: 5} | dict.fromkeys(CALLS, 40)
_POST = Flag.POST_ONLY | Flag.POST_ONLY_SLIDE
_IMMEDIATE = Flag.IOC | Flag.FOK
_UNKNOWN_FLAG = 1 << 15
_READ_WITH = {
    "trigger_px": Flag.STOP,
    "display_lots": Flag.ICEBERG,
    "min_lots": Flag.MIN_LOTS,
    "expire_ns": Flag.GTD,
}
_ORDERS = (MessageKind.LIMIT, MessageKind.MARKET)


@dataclass(frozen=True)
class Mix:
    """Shares of new orders that carry an instruction.

    At most one of the first row, one of the second and one of the third: contradictions between
    rows are common enough to be refused now and then.
    """

    ioc: float = 0.10
    post_only: float = 0.15
    slide: float = 0.15
    fok: float = 0.0
    budget: float = 0.0
    min_lots: float = 0.0
    to_limit: float = 0.0
    stop: float = 0.0

    hidden: float = 0.0
    iceberg: float = 0.0

    gtd: float = 0.0
    day: float = 0.0


#: Some of everything.
RICH = Mix(0.08, 0.06, 0.08, 0.06, 0.03, 0.06, 0.08, 0.12, 0.12, 0.20, 0.15, 0.10)
#: Limit orders that meet others of all displays.
SHADES = Mix(0.08, 0.05, 0.05, 0.08, 0.04, 0.08, hidden=0.2, iceberg=0.4)
#: Orders to gather in a call.
CALL = Mix(0.02, 0.02, 0.02, stop=0.03, hidden=0.1, iceberg=0.15, day=0.2, gtd=0.1)
STOPS = Mix(0.05, 0.02, 0.02, stop=0.4, iceberg=0.1, hidden=0.05, gtd=0.15)


@dataclass(frozen=True)
class Stream:
    """How messages are drawn. Shares are of all messages; distances in ticks.

    Attributes:
        rules: the instrument.
        members: standing of the participants; an int is a firm.
        kinds: weights of limit, market, cancel, amend, and perhaps cancel all, disconnect, connect.
        mix: instructions on new orders.
        stp: share of messages with a self-trade mode of their own.
        near_tick: mean distance of a limit price from the centre.
        far: share of prices drawn from all legal ones.
        drift_tick: standard deviation of a step of the centre.
        gap: share of messages before which the centre jumps by 30 %.
        lots: largest usual size.
        sweep: share of orders of 100 times that size.
        garbage: share of messages with one field out of bounds.
        slots: order slots of each participant.
        orders: room for resting orders; None: that of the market class.
        far_levels: room for far levels a side; None: that of the market class.
        clock: share of actions that move the clock.
        sessions: whether the venue changes phases.
        phase: at the start.
        size: market class; icebergs of many slices need room for reports.
    """

    rules: Rules = FEES
    members: tuple[Member | int, ...] = (1, 2, 2, 3)
    kinds: tuple[float, ...] = (0.55, 0.08, 0.20, 0.17)
    mix: Mix = field(default_factory=Mix)
    stp: float = 0.0
    near_tick: float = 6.0
    far: float = 0.0
    drift_tick: float = 0.0
    gap: float = 0.0
    lots: int = 9
    sweep: float = 0.02
    garbage: float = 0.03
    slots: int = 20
    orders: int | None = None
    far_levels: int | None = None
    clock: float = 0.0
    sessions: bool = False
    phase: int = Phase.CONTINUOUS
    size: str = "medium"


_KINDS = (0.52, 0.08, 0.16, 0.18, 0.01, 0.004, 0.046)
_CALL_KINDS = (0.56, 0.16, 0.12, 0.16)
_TIERS = ((200, -2, 2), (5_000, -4, 1), (20_000, -5, -1))
_TIERS_PPM = ((500, -17, 31), (10_000, -40, 23))
_MEMBERS = (
    Member(1, position_limit=40),
    Member(2, cancel_on_disconnect=True, position_limit=25),
    Member(2, kill_equity=-90_000),
    *(Member(3 + j, kill_equity=-12_000 * j, kill_flatten=j % 4 != 0) for j in range(7)),
)
_LIMITED = (
    Member(1, position_limit=30, open_orders_limit=7),
    Member(2, notional_limit=2_500_000),
    Member(2, rate_interval_ns=25, rate_burst=4, kill_equity=-3_000),
    Member(3, rate_interval_ns=90, open_orders_limit=4),
    Member(
        4,
        position_limit=35,
        open_orders_limit=9,
        notional_limit=3_000_000,
        rate_interval_ns=12,
        rate_burst=12,
        kill_equity=-3_000,
        kill_flatten=True,
    ),
    5,
)
_MAKERS = (Member(1, lmm_percent=20), Member(2, lmm_percent=15), Member(2), 3)
_PRO_RATA = Rules(
    maker_fee=-1,
    matching=Matching.PRO_RATA,
    top_max_lots=6,
    min_alloc_lots=2,
    fifo_percent=25,
    start_px=1_000,
)
_BANDS = Rules(
    dynamic_band_px=5, static_band_px=18, call_ns=120, halt_ns=60, collar_bps=30, start_px=2_000
)

STREAMS = {
    "touch": Stream(),
    "prevention": Stream(Rules(stp=Stp.CANCEL_OLDEST, tick_px=5, unit_value=7, maker_fee=2)),
    "far": Stream(Rules(px_min=-(1 << 20), px_max=1 << 20, start_px=0), far=0.4),
    "drift": Stream(Rules(px_min=-(1 << 30), px_max=1 << 30), drift_tick=25.0, near_tick=60.0),
    "gap": Stream(Rules(px_max=1 << 22, start_px=6_500_000 % (1 << 22)), gap=0.02, near_tick=90.0),
    "empty": Stream(kinds=(0.3, 0.3, 0.3, 0.1), sweep=0.3, drift_tick=40.0),
    "heavy": Stream(
        Rules(px_max=4_000, start_px=2_000, unit_value=3, max_lots=(1 << 62) // 4_000 // 3 - 1),
        lots=1 << 33,
        sweep=0.0,
    ),
    "full": Stream(kinds=(0.8, 0.02, 0.08, 0.1), near_tick=12.0, orders=24),
    "crowded": Stream(
        Rules(px_min=-(1 << 20), px_max=1 << 20),
        far=0.3,
        drift_tick=80.0,
        far_levels=5,
        garbage=0.0,  # a stray stop that wakes and finds no level: the twin has any number
    ),
    "nonsense": Stream(Rules(stp=Stp.CANCEL_OLDEST, tick_px=2), garbage=0.5),
    "locked": Stream(Rules(px_min=10, px_max=14, start_px=12, stp=Stp.CANCEL_OLDEST), near_tick=2),
    # From here on with all that an order can be.
    "shades": Stream(mix=SHADES, kinds=_KINDS, lots=30),
    "modes": Stream(Rules(stp=Stp.DECREMENT), kinds=_KINDS, mix=SHADES, stp=0.7, lots=30),
    "times": Stream(
        kinds=_KINDS, mix=Mix(0.05, gtd=0.5, day=0.2, stop=0.1, to_limit=0.3), clock=0.3
    ),
    "thin": Stream(
        kinds=(0.25, 0.35, 0.3, 0.1), mix=Mix(stop=0.1, to_limit=0.7), sweep=0.3, drift_tick=20.0
    ),
    "stops_last": Stream(Rules(tick_px=2), kinds=_KINDS, mix=STOPS, drift_tick=2.0, clock=0.1),
    "stops_touch": Stream(
        Rules(stop_on=StopOn.TOUCH, stp=Stp.CANCEL_OLDEST), kinds=_KINDS, mix=STOPS, clock=0.1
    ),
    "stops_mark": Stream(
        Rules(stop_on=StopOn.MARK, px_min=-500, px_max=500, start_px=0), kinds=_KINDS, mix=STOPS
    ),
    "pro_rata": Stream(_PRO_RATA, _MAKERS, _KINDS, SHADES, near_tick=3.0, lots=40, sweep=0.0),
    "pro_rata_modes": Stream(
        _PRO_RATA, (Member(1, 40), Member(1, 80), 2, 2), _KINDS, RICH, 0.7, 3.0, lots=40, clock=0.1
    ),
    "calls": Stream(
        Rules(auction_fee=1, start_px=500),
        kinds=_CALL_KINDS,
        mix=CALL,
        clock=0.1,
        sessions=True,
        phase=Phase.PRE_OPEN,
    ),
    "collars": Stream(
        Rules(collar_bps=40, call_ns=90, tick_px=5, start_px=5_000, stp=Stp.CANCEL_BOTH),
        kinds=_CALL_KINDS,
        mix=CALL,
        drift_tick=1.5,
        clock=0.2,
        sessions=True,
        phase=Phase.OPENING_AUCTION,
    ),
    "band_cancel": Stream(_BANDS, kinds=_KINDS, mix=RICH, clock=0.1, drift_tick=0.2),
    "band_auction": Stream(
        Rules(**vars(_BANDS) | {"band_action": BandAction.AUCTION, "stop_on": StopOn.TOUCH}),
        kinds=_KINDS,
        mix=RICH,
        drift_tick=0.4,
        clock=0.3,
    ),
    "band_halt": Stream(
        Rules(**vars(_BANDS) | {"band_action": BandAction.HALT, "static_band_px": 0}),
        kinds=_KINDS,
        mix=RICH,
        drift_tick=1.0,
        clock=0.3,
        sessions=True,
    ),
    "members": Stream(
        members=_MEMBERS,
        kinds=(0.5, 0.14, 0.12, 0.16, 0.01, 0.01, 0.06),
        mix=RICH,
        drift_tick=0.5,
        clock=0.1,
        slots=8,
    ),
    "limits": Stream(
        members=_LIMITED,
        kinds=(0.5, 0.1, 0.16, 0.2, 0.01, 0.004, 0.026),
        mix=RICH,
        drift_tick=0.5,
        clock=0.2,
        sessions=True,
    ),
    "limits_low": Stream(  # worth is without sign, and little is worth nothing
        Rules(px_min=-90, px_max=90, start_px=2, unit_value=7, stp=Stp.DECREMENT),
        (Member(1, notional_limit=900), Member(2, notional_limit=20), Member(2), 3),
        _KINDS,
        RICH,
        drift_tick=0.3,
        clock=0.1,
    ),
    "tiers": Stream(Rules(maker_fee=-1, taker_fee=3, fee_tiers=_TIERS), kinds=_KINDS, lots=30),
    "tiers_ppm": Stream(
        Rules(
            px_min=-3_000,
            px_max=3_000,
            start_px=40,
            maker_fee=-55,
            taker_fee=77,
            fee_unit=FeeUnit.PER_MILLION,
            fee_tiers=_TIERS_PPM,
            auction_fee=9,
        ),
        kinds=_KINDS,
        mix=CALL,
        drift_tick=3.0,
        sessions=True,
    ),
    "heavy_ppm": Stream(
        Rules(
            px_max=4_000,
            start_px=2_000,
            unit_value=3,
            max_lots=(1 << 62) // 4_000 // 3 - 1,
            maker_fee=-150,
            taker_fee=350,
            fee_unit=FeeUnit.PER_MILLION,
        ),
        mix=SHADES,
        lots=1 << 33,
        sweep=0.0,
    ),
    "tiny": Stream(kinds=_KINDS, mix=RICH, orders=6, slots=5, clock=0.1, sessions=True),
    "all": Stream(
        Rules(
            **vars(_BANDS)
            | {"band_action": BandAction.AUCTION, "matching": Matching.PRO_RATA, "fifo_percent": 30}
            | {"top_max_lots": 4, "fee_tiers": _TIERS, "stp": Stp.DECREMENT, "stop_on": StopOn.MARK}
        ),
        (*_MEMBERS[:6], Member(7, lmm_percent=30), Member(7, lmm_percent=60)),
        _KINDS,
        RICH,
        stp=0.3,
        drift_tick=0.6,
        garbage=0.06,
        slots=10,
        clock=0.2,
        sessions=True,
        phase=Phase.PRE_OPEN,
    ),
}


#: The ladder of these is that of the smallest market class: its window moves all the time.
for _name in ("touch", "far", "drift", "gap", "empty", "full", "crowded", "nonsense", "locked"):
    STREAMS[_name] = replace(STREAMS[_name], size="small")


def draw(stream: Stream, messages: int, seed: int) -> Any:
    """Draw messages, steps of the clock and of the session; dtype ``ACTION``."""
    rng = np.random.default_rng(seed)
    n = messages
    out = np.zeros(n, ACTION)
    weights = np.array(stream.kinds)
    out["participant"] = rng.integers(0, len(stream.members), n)
    out["kind"] = rng.choice(np.arange(len(weights)) + 1, n, p=weights / weights.sum())
    out["slot"] = rng.integers(0, stream.slots, n)
    out["side"] = rng.choice([-1, 1], n)
    out["lots"] = rng.integers(1, stream.lots + 1, n)
    out["lots"][rng.random(n) < stream.sweep] *= 100
    all_sides = (out["kind"] == MessageKind.CANCEL_ALL) & (rng.random(n) < 0.4)
    out["side"][all_sides] = 0
    centre = _centre(stream, rng, n)
    out["px"] = _prices(stream, rng, centre, out["side"])
    ticks = rng.exponential(stream.near_tick, n) - 0.3 * stream.near_tick
    out["trigger_px"] = _on_tick(stream.rules, centre + out["side"] * ticks)
    own_mode = rng.random(n) < stream.stp
    out["stp"][own_mode] = rng.integers(1, len(Stp) + 1, int(own_mode.sum()))
    is_clock = rng.random(n) < stream.clock
    steps = rng.choice([1, 2, 5, 20, 60], n)
    now_ns = np.cumsum(np.where(is_clock, steps, 0))
    _instruct(out, stream, rng, now_ns)
    _spoil(out, rng, stream)
    out["kind"][is_clock] = TIME_ACTION
    out["lots"][is_clock] = steps[is_clock]
    if stream.sessions:
        _sessions(out, stream, rng)
    return out


def _centre(stream: Stream, rng: np.random.Generator, n: int) -> Any:
    """Draw the path, in ticks, that prices follow."""
    rules = stream.rules
    steps = rng.normal(0.0, 1.0, n) * stream.drift_tick
    jumps = rng.choice([0.7, 1 / 0.7], n)
    jumps[rng.random(n) >= stream.gap] = 1.0
    centre, ticks = float(rules.start_px), np.empty(n)
    for j in range(n):
        centre = min(max(centre * jumps[j] + steps[j], rules.px_min), rules.px_max)
        ticks[j] = centre / rules.tick_px
    return ticks


def _prices(stream: Stream, rng: np.random.Generator, centre: Any, side: Any) -> Any:
    """Draw bids a little below the centre, asks above; a fair share of them crosses."""
    rules, n = stream.rules, len(centre)
    away = rng.exponential(stream.near_tick, n) - 0.4 * stream.near_tick
    px = _on_tick(rules, centre - side * away)
    is_far = rng.random(n) < stream.far
    low, high = -(-rules.px_min // rules.tick_px), rules.px_max // rules.tick_px
    px[is_far] = rng.integers(low, high + 1, int(is_far.sum())) * rules.tick_px
    return px


def _on_tick(rules: Rules, ticks: Any) -> Any:
    """Turn ticks into legal prices."""
    low, high = -(-rules.px_min // rules.tick_px), rules.px_max // rules.tick_px
    return np.clip(np.floor(ticks).astype(np.int64), low, high) * rules.tick_px


def _pick(rng: np.random.Generator, n: int, menu: Sequence[tuple[int, float]]) -> Any:
    """Draw flags from (flags, share); the rest has none."""
    shares = [share for _, share in menu]
    flags = [*(flag for flag, _ in menu), 0]
    return rng.choice(flags, n, p=[*shares, 1.0 - sum(shares)])


def _instruct(out: Any, stream: Stream, rng: np.random.Generator, now_ns: Any) -> None:
    """Put instructions on orders, and fill in the fields that go with them."""
    n, mix = len(out), stream.mix
    urgency = _pick(
        rng,
        n,
        [
            (Flag.IOC, mix.ioc),
            (Flag.POST_ONLY, mix.post_only),
            (Flag.POST_ONLY_SLIDE, 0.8 * mix.slide),
            (_POST, 0.2 * mix.slide),
            (Flag.FOK, mix.fok),
            (Flag.FOK | Flag.BUDGET, mix.budget),
            (Flag.MIN_LOTS, 0.7 * mix.min_lots),
            (Flag.MIN_LOTS | Flag.IOC, 0.3 * mix.min_lots),
            (Flag.STOP, mix.stop),
        ],
    )
    is_market = out["kind"] == MessageKind.MARKET
    sense = rng.random(n) < 0.95
    urgency[is_market & sense & (urgency & (_POST | Flag.BUDGET) != 0)] = 0
    to_limit = is_market & (rng.random(n) < mix.to_limit)
    to_limit &= ~sense | (urgency & ~np.int64(Flag.MIN_LOTS) == 0)
    urgency[to_limit] |= Flag.TO_LIMIT
    display = _pick(rng, n, [(Flag.HIDDEN, mix.hidden), (Flag.ICEBERG, mix.iceberg)])
    until = _pick(rng, n, [(Flag.GTD, mix.gtd), (Flag.DAY, mix.day)])
    # Most orders that can not rest carry nothing that only a resting order has use for.
    at_once = (urgency & _IMMEDIATE != 0) | (is_market & (urgency & Flag.TO_LIMIT == 0))
    display[at_once & sense] = 0
    until[at_once & sense & (urgency & Flag.STOP == 0)] = 0
    flags = urgency | display | until
    flags[~np.isin(out["kind"], _ORDERS)] = 0
    amends = (out["kind"] == MessageKind.AMEND) & (rng.random(n) < 0.5)
    flags[amends] = Flag.STOP if mix.stop else 0
    out["flags"] = flags

    lots = out["lots"]
    out["display_lots"] = np.maximum((lots * rng.random(n) ** 2).astype(np.int64), 1)
    out["min_lots"] = np.maximum((lots * rng.random(n)).astype(np.int64), 1)
    out["expire_ns"] = now_ns + rng.choice([0, 1, 10, 60, 200, 900], n, p=[0.03] + [0.194] * 5)
    # What the order would cost at its price, give or take.
    is_budget = flags & Flag.BUDGET != 0
    out["px"][is_budget] *= lots[is_budget]


def _spoil(out: Any, rng: np.random.Generator, stream: Stream) -> None:
    """Put one field of some messages out of bounds."""
    rules = stream.rules
    off_tick = rules.start_px + 1
    bad = {
        "px": [rules.px_min - 1, rules.px_max + 1, 0, -1, BIG, -BIG, off_tick],
        "lots": [0, -1, rules.max_lots + 1, BIG, -BIG, -(1 << 31)],
        "side": [0, 2, -3, 100],
        "kind": [0, 8, 9, -1],
        "flags": [Flag.IOC | Flag.POST_ONLY, Flag.IOC | Flag.POST_ONLY_SLIDE, 6, _UNKNOWN_FLAG],
        "stp": [len(Stp) + 1, 7],
        "trigger_px": [rules.px_min - 1, rules.px_max + 1, BIG, -BIG, off_tick],
        "display_lots": [0, -1, BIG, rules.max_lots + 1],
        "min_lots": [0, -1, BIG, rules.max_lots + 1],
        "expire_ns": [0, -1, BIG],
    }
    spoilt = np.flatnonzero(rng.random(len(out)) < stream.garbage)
    for j, name in zip(spoilt, rng.choice(list(bad), len(spoilt)), strict=True):
        out[name][j] = bad[name][rng.integers(len(bad[name]))]
        if name == "flags" and rng.random() < 0.7:
            out[name][j] = _any_flags(rng)
        if name in _READ_WITH and rng.random() < 0.7:
            out["flags"][j] = _READ_WITH[name]


def _any_flags(rng: np.random.Generator) -> int:
    """Draw any set of instructions; most contradict each other."""
    share = rng.choice([0.1, 0.25, 0.5])
    return sum(int(flag) for flag in Flag if rng.random() < share)


def _sessions(out: Any, stream: Stream, rng: np.random.Generator) -> None:
    """Let the venue go through its phases; now and then it asks for an illegal step."""
    j, phase = 0, stream.phase
    while (j := j + int(rng.geometric(1 / _DWELL[Phase(phase)]))) < len(out):
        if rng.random() < 0.1:
            asked = int(rng.integers(len(Phase)))
        else:
            asked = int(rng.choice(STEPS[phase]))
        if asked in STEPS[phase]:
            phase = asked
        out["kind"][j], out["px"][j] = PHASE_ACTION, asked
