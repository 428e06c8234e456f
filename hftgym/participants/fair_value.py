"""A maker's opinion of the fair price: the visible mid, or a noisy filter of the latent value."""

from __future__ import annotations

import math

from hftgym.core.jit import leaf
from hftgym.core.records import record
from hftgym.core.rng import normal

#: What a maker keeps: its estimate, its persistent error, and when it looked last.
FILTER = record([("estimate_px", "f8"), ("error_px", "f8"), ("t_ns", "i8")])


@leaf
def fair_px(view, memory, rng, noise_tick, noise_s, gain):
    """Return the maker's fair price.

    With a signal, the maker sees value + error, the error an AR(1) process of standard deviation
    ``noise_tick`` and memory ``noise_s``, and moves its estimate by ``gain`` of the surprise: an
    exponential filter that lags behind the value. Without a signal it is the mid.
    """
    if math.isnan(view.signal):
        return 0.5 * view.mid_2px
    shock = noise_tick * normal(rng)
    if memory.t_ns == 0:
        memory.error_px = shock
        memory.estimate_px = view.signal + shock
    else:
        keep = math.exp(-(view.t_ns - memory.t_ns) / (noise_s * 1e9))
        memory.error_px = keep * memory.error_px + math.sqrt(1.0 - keep * keep) * shock
        memory.estimate_px += gain * (view.signal + memory.error_px - memory.estimate_px)
    memory.t_ns = max(view.t_ns, 1)
    return memory.estimate_px
