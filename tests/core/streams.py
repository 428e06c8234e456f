"""Random streams of messages that look for trouble: far prices, gaps, floods, nonsense."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from hftgym.core.constants import Flag, MessageKind, Stp
from hftgym.core.reference import Rules
from tests.core.bare import ACTION

BIG = 1 << 62
FEES = Rules(maker_fee=-1, taker_fee=3)


@dataclass(frozen=True)
class Stream:
    """How messages are drawn. Shares are of all messages; distances in ticks.

    Attributes:
        rules: the instrument.
        kinds: weights of limit, market, cancel, amend.
        near_tick: mean distance of a limit price from the centre.
        far: share of prices drawn from all legal ones.
        drift_tick: standard deviation of a step of the centre.
        gap: share of messages before which the centre jumps by 30 %.
        lots: largest usual size.
        sweep: share of orders of 100 times that size.
        garbage: share of messages with one field out of bounds.
        slots: order slots of each of four participants.
        orders: room for resting orders; None: that of the market class.
        far_levels: room for far levels a side; None: that of the market class.
    """

    rules: Rules = FEES
    kinds: tuple[float, float, float, float] = (0.55, 0.08, 0.20, 0.17)
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
        Rules(px_min=-(1 << 20), px_max=1 << 20), far=0.3, drift_tick=80.0, far_levels=5
    ),
    "nonsense": Stream(Rules(stp=Stp.CANCEL_OLDEST, tick_px=2), garbage=0.5),
    "locked": Stream(Rules(px_min=10, px_max=14, start_px=12, stp=Stp.CANCEL_OLDEST), near_tick=2),
}


def draw(stream: Stream, messages: int, seed: int) -> Any:
    """Draw messages, dtype ``ACTION``."""
    rng = np.random.default_rng(seed)
    rules, n = stream.rules, messages
    out = np.zeros(n, ACTION)
    out["participant"] = rng.integers(0, 4, n)
    out["kind"] = rng.choice([1, 2, 3, 4], n, p=stream.kinds)
    out["slot"] = rng.integers(0, stream.slots, n)
    out["side"] = rng.choice([-1, 1], n)
    out["lots"] = rng.integers(1, stream.lots + 1, n)
    out["lots"][rng.random(n) < stream.sweep] *= 100
    steps = rng.normal(0.0, 1.0, n) * stream.drift_tick
    jumps = rng.choice([0.7, 1 / 0.7], n)
    jumps[rng.random(n) >= stream.gap] = 1.0
    centre, ticks = float(rules.start_px), np.empty(n)
    for j in range(n):
        centre = min(max(centre * jumps[j] + steps[j], rules.px_min), rules.px_max)
        ticks[j] = centre / rules.tick_px
    # Bids a little below the centre, asks above; a fair share of them crosses.
    away = rng.exponential(stream.near_tick, n) - 0.4 * stream.near_tick
    px = np.floor(ticks - out["side"] * away).astype(np.int64) * rules.tick_px
    is_far = rng.random(n) < stream.far
    low, high = -(-rules.px_min // rules.tick_px), rules.px_max // rules.tick_px
    px[is_far] = rng.integers(low, high + 1, int(is_far.sum())) * rules.tick_px
    out["px"] = np.clip(px, low * rules.tick_px, high * rules.tick_px)
    out["flags"] = rng.choice(
        [0, Flag.IOC, Flag.POST_ONLY, Flag.POST_ONLY_SLIDE], n, p=[0.6, 0.1, 0.15, 0.15]
    )
    out["flags"][out["kind"] != MessageKind.LIMIT] = 0
    _spoil(out, rng, stream)
    return out


def _spoil(out: Any, rng: np.random.Generator, stream: Stream) -> None:
    """Put one field of some messages out of bounds."""
    rules = stream.rules
    bad = {
        "px": [rules.px_min - 1, rules.px_max + 1, 0, -1, BIG, -BIG, rules.start_px + 1],
        "lots": [0, -1, rules.max_lots + 1, BIG, -BIG, -(1 << 31)],
        "side": [0, 2, -3, 100],
        "kind": [0, 5, 9],
        "flags": [Flag.IOC | Flag.POST_ONLY, Flag.IOC | Flag.POST_ONLY_SLIDE, 6],
    }
    spoilt = np.flatnonzero(rng.random(len(out)) < stream.garbage)
    for j, name in zip(spoilt, rng.choice(list(bad), len(spoilt)), strict=True):
        out[name][j] = bad[name][rng.integers(len(bad[name]))]
