"""A maker's opinion of the fair price: the visible mid, or a noisy filter of the latent value."""

from __future__ import annotations

import math

from hftgym.core.constants import SECOND_NS
from hftgym.core.jit import leaf
from hftgym.core.records import record
from hftgym.core.rng import normal

#: What a maker keeps: its estimate, its persistent error, the pressure of recent trades, and the
#: coefficients of its formula once they are worked out.
FILTER = record(
    [
        ("estimate_px", "f8"),
        ("error_px", "f8"),
        ("flow_px", "f8"),
        ("signed_volume", "i8"),
        ("t_ns", "i8"),
        ("base_tick", "f8"),
        ("slope_tick", "f8"),
    ]
)


@leaf
def fair_px(view, memory, rng, noise_tick, noise_s, gain, flow_tick_per_lot, flow_s, tick_px):
    """Return the maker's fair price in px; the numbers are those of ``MakerParams``.

    With a signal, the maker sees value + error, the error an AR(1) process of standard deviation
    ``noise_tick`` and memory ``noise_s``, and moves its estimate by ``gain`` of the surprise: an
    exponential filter that lags behind the value. Buyers may know more than it does, so each lot
    that was bought adds ``flow_tick_per_lot``, forgotten over ``flow_s`` (Glosten, Milgrom 1985).
    Without a signal the fair price is the mid.

    Numbers, not the parameter record: numba treats one maker's record as a subtype of another's.
    """
    if math.isnan(view.signal):
        return 0.5 * view.mid_2px
    shock = noise_tick * tick_px * normal(rng)
    if memory.t_ns == 0:
        memory.error_px = shock
        memory.estimate_px = view.signal + shock
    else:
        age_s = (view.t_ns - memory.t_ns) / SECOND_NS
        keep = math.exp(-age_s / noise_s)
        memory.error_px = keep * memory.error_px + math.sqrt(1.0 - keep * keep) * shock
        surprise = view.signal + memory.error_px - memory.estimate_px
        memory.estimate_px += gain * surprise
        memory.flow_px *= math.exp(-age_s / flow_s)
        bought = view.signed_volume - memory.signed_volume
        memory.flow_px += flow_tick_per_lot * tick_px * bought
    memory.signed_volume = view.signed_volume
    memory.t_ns = max(view.t_ns, 1)
    return memory.estimate_px + memory.flow_px
