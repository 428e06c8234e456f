"""Counter-based random streams: a draw is a function of (stream, decision, draw) alone.

Nothing is carried from one draw to the next but two counters, so a newcomer leaves the draws of
all others unchanged, and a stream can be entered anywhere. The mixing function is the finaliser
of MurmurHash3 in Stafford's variant 13 (Steele, Lea, Flood 2014, SplitMix), applied twice.
"""

from __future__ import annotations

import hashlib
import math

import numpy as np

from hftgym.core.jit import leaf

_M1 = np.uint64(0xBF58476D1CE4E5B9)
_M2 = np.uint64(0x94D049BB133111EB)
_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_STRIDE = np.uint64(0xD1342543DE82EF95)
_S27 = np.uint64(27)
_S30 = np.uint64(30)
_S31 = np.uint64(31)
_S11 = np.uint64(11)
_ONE = np.uint64(1)
_UNIT = 2.0**-53


@leaf
def mix(x):
    """Return a well mixed 64-bit word."""
    x = (x ^ (x >> _S30)) * _M1
    x = (x ^ (x >> _S27)) * _M2
    return x ^ (x >> _S31)


@leaf
def mix2(a, b):
    """Return a hash of two 64-bit words."""
    return mix(mix(np.uint64(a) + _GOLDEN) ^ (np.uint64(b) * _STRIDE + _GOLDEN))


@leaf
def next_decision(rng):
    """Begin a new decision: its draws do not depend on how many were drawn before."""
    rng.decision += _ONE
    rng.draw = np.uint64(0)


@leaf
def next_u64(rng):
    """Return 64 random bits."""
    rng.draw += _ONE
    return mix(mix(rng.key ^ (rng.decision * _STRIDE)) + rng.draw * _GOLDEN)


@leaf
def uniform(rng):
    """Return a float in (0, 1)."""
    return (float(next_u64(rng) >> _S11) + 0.5) * _UNIT


@leaf
def exponential(rng, mean):
    """Return an exponential variate with this mean."""
    return -math.log(uniform(rng)) * mean


@leaf
def normal(rng):
    """Return a standard normal variate (Box and Muller 1958, one of the pair)."""
    radius = math.sqrt(-2.0 * math.log(uniform(rng)))
    return radius * math.cos(2.0 * math.pi * uniform(rng))


@leaf
def integer(rng, n):
    """Return an integer in [0, n)."""
    return min(int(uniform(rng) * n), n - 1)


@leaf
def geometric(rng, mean):
    """Return an integer of at least 1 with this mean (geometric distribution)."""
    if mean <= 1.0:
        return 1
    return 1 + int(math.log(uniform(rng)) / math.log(1.0 - 1.0 / mean))


def text_hash(text: str) -> int:
    """Return a stable 64-bit hash of a name (never Python's ``hash``, which is salted)."""
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "little")
