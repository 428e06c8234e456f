"""What a latency adds to its constant part: lognormal, or taken from a recording.

The delay of a message is a function of its stream and its index alone (and of the time, for a
recording that is followed): who else trades, and when, leaves it as it is. Channels stay first in,
first out, so a short delay behind a long one has no effect (``hftgym.core.order_entry``,
``responses`` and ``views``).
"""

from __future__ import annotations

import math

import numpy as np

from hftgym.core.constants import LatencyKind
from hftgym.core.jit import leaf
from hftgym.core.rng import normal_quantile, uniform_at

_CONSTANT = int(LatencyKind.CONSTANT)
_LOGNORMAL = int(LatencyKind.LOGNORMAL)
_DRAWN = int(LatencyKind.DRAWN)


@leaf
def lognormal_ns(delay, index):
    """Return the lognormal delay of message ``index``: scale * exp(sigma z), cut at the longest."""
    z = normal_quantile(uniform_at(delay.key, index))
    return int(min(delay.scale_ns * math.exp(delay.sigma * z), float(delay.most_ns)))


@leaf
def interpolated_ns(data, first, count, time_ns):
    """Return the recorded delay at a time, in ns.

    Args:
        data: numbers; from ``first`` on pairs of a time since the recording began and a delay.
        first: where the recording begins.
        count: pairs.
        time_ns: since the recording began. Before the first pair and behind the last one their
            delays hold, between two pairs it is linear.
    """
    low = 0
    high = count - 1
    if time_ns <= data[first]:
        return int(data[first + 1])
    if time_ns >= data[first + 2 * high]:
        return int(data[first + 2 * high + 1])
    while high - low > 1:
        middle = (low + high) >> 1
        if data[first + 2 * middle] <= time_ns:
            low = middle
        else:
            high = middle
    left = first + 2 * low
    share = (time_ns - data[left]) / (data[left + 2] - data[left])
    return math.floor(data[left + 1] + share * (data[left + 3] - data[left + 1]) + 0.5)


@leaf
def delay_ns(table, kind, delay, index, time_ns):
    """Return what comes on top of the constant latency of message ``index``, in ns.

    Args:
        table: TABLE.
        kind: LatencyKind.
        delay: DELAY.
        index: uint64; of the message on its channel.
        time_ns: when it is sent, since the opening of the market.
    """
    if kind == _CONSTANT:
        return 0
    if kind == _LOGNORMAL:
        return lognormal_ns(delay, index)
    if kind == _DRAWN:
        row = min(int(uniform_at(delay.key, index) * delay.count), delay.count - 1)
        return int(table.data[delay.first + row])
    return interpolated_ns(table.data, delay.first, delay.count, time_ns)


@leaf
def needs_table(kind):
    """Return whether a delay is read from the table, which is at hand between events only."""
    return kind > _LOGNORMAL


#: Triggered views draw from the far half of the stream of the feed.
TRIGGERED_STREAM = np.uint64(1 << 63)
