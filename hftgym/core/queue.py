"""The event queue: a binary heap ordered by (time, class, tie, sequence), and one event before it.

Class orders events of one instant by kind. ``tie`` is a hash of (seed, time, participant), so that
no index wins every race and a newcomer reorders nobody; ``sequence`` settles equal hashes.
"""

from __future__ import annotations

import numpy as np

from hftgym.core.constants import NEVER_NS, Fault
from hftgym.core.jit import inlined, leaf
from hftgym.core.rng import mix

_CLASS_SHIFT = np.uint64(60)
_TIE_SHIFT = np.uint64(32)
_TIE_BITS = np.uint64(36)
_SEQUENCE_MASK = np.uint64(0xFFFFFFFF)
_ONE = np.uint64(1)
_FULL = int(Fault.EVENT_QUEUE)


@leaf
def event_class(key):
    """Return the class of an event from its key."""
    return int(key >> _CLASS_SHIFT)


@leaf
def _earlier(a, b):
    return a.t_ns < b.t_ns or (a.t_ns == b.t_ns and a.key < b.key)


@leaf
def _copy(target, source):
    target.t_ns = source.t_ns
    target.key = source.key
    target.what = source.what
    target.who = source.who


@leaf
def _write(e, t_ns, key, who, what):
    e.t_ns = t_ns
    e.key = key
    e.who = who
    e.what = what


@leaf
def _key(m, t_ns, kind, who):
    m.sequence += _ONE
    tie = mix(m.part[who].tie_key ^ np.uint64(t_ns)) >> _TIE_BITS
    return (np.uint64(kind) << _CLASS_SHIFT) | (tie << _TIE_SHIFT) | (m.sequence & _SEQUENCE_MASK)


@inlined
def _sift_down(m, t_ns, key, who, what):
    """Put an event into the hole at the top and let it sink to its place."""
    n = m.event_count
    i = 0
    while True:
        child = 2 * i + 1
        if child >= n:
            break
        c = m.events[child]
        if child + 1 < n and _earlier(m.events[child + 1], c):
            child += 1
            c = m.events[child]
        if t_ns < c.t_ns or (t_ns == c.t_ns and key < c.key):
            break
        _copy(m.events[i], c)
        i = child
    _write(m.events[i], t_ns, key, who, what)


@inlined
def _insert(m, t_ns, key, who, what):
    """Add an event to the heap; a full heap is a fault of the market."""
    if m.hole != 0:
        m.hole = 0
        _sift_down(m, t_ns, key, who, what)
        return
    i = m.event_count
    if i == len(m.events):
        m.fault = _FULL
        return
    m.event_count += 1
    _sift_up(m, i, t_ns, key, who, what)


@leaf
def _before_heap(m, t_ns, key):
    """Return whether an event comes before all of the heap (whose root may be a hole)."""
    first = m.hole
    last = 2 if m.hole != 0 else 0
    for i in range(first, min(last, m.event_count - 1) + 1):
        e = m.events[i]
        if e.t_ns < t_ns or (e.t_ns == t_ns and e.key < key):
            return False
    return True


@leaf
def push(m, t_ns, kind, who, what):
    """Add an event; a full queue is a fault of the market."""
    key = _key(m, t_ns, kind, who)
    f = m.front
    if m.has_front == 0:
        if _before_heap(m, t_ns, key):
            _write(f, t_ns, key, who, what)
            m.has_front = 1
            return
    elif t_ns < f.t_ns or (t_ns == f.t_ns and key < f.key):
        _insert(m, f.t_ns, f.key, f.who, f.what)
        _write(f, t_ns, key, who, what)
        return
    _insert(m, t_ns, key, who, what)


@leaf
def _sift_up(m, i, t_ns, key, who, what):
    """Put an event into place ``i``, or further up."""
    while i > 0:
        parent = (i - 1) >> 1
        p = m.events[parent]
        if p.t_ns < t_ns or (p.t_ns == t_ns and p.key < key):
            break
        _copy(m.events[i], p)
        i = parent
    _write(m.events[i], t_ns, key, who, what)


@leaf
def first_event(m):
    """Return the first event; the queue is not empty."""
    if m.has_front != 0:
        return m.front
    close_hole(m)
    return m.events[0]


@leaf
def first_ns(m):
    """Return the time of the first event; NEVER_NS when there is none."""
    if m.has_front != 0:
        return m.front.t_ns
    close_hole(m)
    return m.events[0].t_ns if m.event_count > 0 else NEVER_NS


@leaf
def take_first(m):
    """Take the first event, which the caller has read.

    Most events cause another one soon after: it waits in front of the heap, or fills the hole that
    the taken one leaves at its root. That saves most of the heap's work.
    """
    if m.has_front != 0:
        m.has_front = 0
    else:
        m.hole = 1


@leaf
def settle_queue(m):
    """Bring all events into the heap: the form in which a market is kept."""
    close_hole(m)
    if m.has_front != 0:
        m.has_front = 0
        f = m.front
        _insert(m, f.t_ns, f.key, f.who, f.what)


@inlined
def close_hole(m):
    """Fill the hole with the last event, if no push has filled it."""
    if m.hole == 0:
        return
    m.hole = 0
    m.event_count -= 1
    if m.event_count > 0:
        last = m.events[m.event_count]
        _sift_down(m, last.t_ns, last.key, last.who, last.what)


@leaf
def hasten(m, t_ns, kind, who, what):
    """Let a pending event happen at an earlier time. Searches all events: for rare cases."""
    settle_queue(m)
    for i in range(m.event_count):
        e = m.events[i]
        if e.who == who and e.what == what and event_class(e.key) == kind:
            _sift_up(m, i, t_ns, _key(m, t_ns, kind, who), who, what)
            return
