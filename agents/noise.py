"""Random numbers of stochastic policies: a function of (market seed, step, draw) alone.

A policy that draws from a running generator would act differently in another lane or batch. These
draws are counted, not carried (SplitMix64 finaliser; Steele, Lea and Flood 2014).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from hftgym.training.policy import UInt64Array

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_STRIDE = np.uint64(0xD1342543DE82EF95)
_M1 = np.uint64(0xBF58476D1CE4E5B9)
_M2 = np.uint64(0x94D049BB133111EB)


@dataclass(frozen=True)
class NoiseState:
    """Where the draws of a batch of episodes stand.

    Attributes:
        seeds: Market seeds, shape (envs,).
        steps: Decisions taken in each episode, shape (envs,).
    """

    seeds: UInt64Array
    steps: UInt64Array

    @classmethod
    def begin(cls, seeds: npt.ArrayLike) -> NoiseState:
        """Return the state of episodes that have just begun."""
        seeds = np.asarray(seeds, np.uint64)
        return cls(seeds, np.zeros_like(seeds))

    def advance(self) -> NoiseState:
        """Return the state after one decision."""
        return NoiseState(self.seeds, self.steps + np.uint64(1))


def _mix(x: UInt64Array) -> UInt64Array:
    x = (x ^ (x >> np.uint64(30))) * _M1
    x = (x ^ (x >> np.uint64(27))) * _M2
    return x ^ (x >> np.uint64(31))


def uniforms(state: NoiseState, draws: int) -> npt.NDArray[np.float64]:
    """Return uniform numbers in (0, 1), shape (envs, draws)."""
    key = _mix(_mix(state.seeds + _GOLDEN) ^ (state.steps * _STRIDE + _GOLDEN))
    counters = (np.arange(1, draws + 1, dtype=np.uint64)) * _GOLDEN
    words = _mix(key[:, None] + counters[None, :])
    return ((words >> np.uint64(11)).astype(np.float64) + 0.5) * 2.0**-53


def normals(state: NoiseState, draws: int) -> npt.NDArray[np.float64]:
    """Return standard normal numbers, shape (envs, draws) (Box and Muller 1958)."""
    u = uniforms(state, 2 * draws)
    radius = np.sqrt(-2.0 * np.log(u[:, :draws]))
    return np.asarray(radius * np.cos(2.0 * np.pi * u[:, draws:]))
