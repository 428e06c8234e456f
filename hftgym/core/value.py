"""The latent value: a martingale on a time grid, the same for every reader.

Increments are keyed by the index of the grid point alone, so the path does not depend on who looks
and when: a Brownian part and compensated (symmetric) jumps. ``pull`` turns it into an
Ornstein-Uhlenbeck process, for scenarios that are called mean-reverting, ``trend`` adds a drift
whose sign is a random telegraph signal (a Markov-switching mean: Hamilton 1989), for those called
trending. A shock is a jump at a known time in a direction that is drawn then.
"""

from __future__ import annotations

import math

import numpy as np

from hftgym.core.constants import NONE, VALUE_BLOCK, VALUE_RING
from hftgym.core.jit import leaf
from hftgym.core.rng import enter, middle_quantile, mix2, normal, uniform

VALUE_ROLE = np.uint64(0x76616C7565)  # "value"
SPREAD_ROLE = np.uint64(0x737072656164)  # "spread"
_DIRECTION = np.uint64(1 << 63)  # no grid point comes so far


@leaf
def init_value(v, seed, role, rng):
    """Begin a path: every grid point so far has the value of the last one known."""
    v.key = mix2(seed, role)
    v.block = NONE
    rng.key = v.key
    if v.trend > 0.0 and v.drift == 0.0:  # once: with new streams the present stays
        enter(rng, _DIRECTION)
        v.drift = v.trend if uniform(rng) < 0.5 else -v.trend


@leaf
def _draw_block(v, rng, block):
    """Draw for all grid points of a block: their draws do not wait for one another.

    One at a time, when somebody looked, their quantiles alone took 5 to 7 % of a market's time.
    """
    v.block = block
    rng.key = v.key
    count = VALUE_BLOCK * v.active  # 1, but unknown to LLVM: it unrolled the loops to 17 kB of code
    for j in range(count):
        enter(rng, np.uint64(block * VALUE_BLOCK + j))
        v.noise[j] = uniform(rng)
        v.jump[j] = normal(rng) if uniform(rng) < v.jump_probability else np.nan
    for j in range(count):
        v.noise[j] = middle_quantile(v.noise[j] - 0.5)
    for j in range(count):
        if math.isnan(v.noise[j]):
            enter(rng, np.uint64(block * VALUE_BLOCK + j))
            v.noise[j] = normal(rng)


@leaf
def _drift_and_shocks(v, rng, level, drawn):
    """Return the level with what few scenarios have: drawn last, it changes no draw of others."""
    rng.key = v.key
    enter(rng, np.uint64(v.k))
    rng.draw = np.uint64(drawn)
    if v.drift != 0.0:
        if uniform(rng) < v.flip_probability:
            v.drift = -v.drift
        level += v.drift
    for i in range(v.shock_count):
        if v.shock_k[i] == v.k:
            level += v.shock_px[i] if uniform(rng) < 0.5 else -v.shock_px[i]
    return level


@leaf
def value_at(v, rng, t_ns):
    """Return the value in px at the grid point at or before ``t_ns``; NaN without a value.

    ``rng`` is scratch space for a stream. Times further back than the ring give its oldest point.
    """
    if v.active == 0:
        return np.nan
    k = t_ns // v.grid_ns
    while v.k < k:
        level = v.ring[v.k % VALUE_RING]
        v.k += 1
        if v.k // VALUE_BLOCK != v.block:
            _draw_block(v, rng, v.k // VALUE_BLOCK)
        j = v.k % VALUE_BLOCK
        level += v.pull * (v.anchor - level) + v.sigma_grid * v.noise[j]
        jumps = not math.isnan(v.jump[j])
        if jumps:
            level += v.jump_sd * v.jump[j]
        if v.drift != 0.0 or v.shock_count > 0:
            level = _drift_and_shocks(v, rng, level, 3 if jumps else 2)
        v.ring[v.k % VALUE_RING] = level
    oldest = v.k - VALUE_RING + 1
    return v.ring[max(k, oldest, 0) % VALUE_RING]
