"""The market maker of Cartea and Jaimungal, who pays a running penalty for inventory.

Cartea and Jaimungal 2015, "Risk metrics and fine tuning of high-frequency trading strategies"; in
this form Cartea, Jaimungal and Penalva 2015, "Algorithmic and high-frequency trading", chapter 10,
section 2. Orders at distance d from the mid are filled at the rate lambda exp(-kappa d) a side; the
maker maximises terminal wealth less alpha q_T^2 less the integral of phi q^2. With H = x + q S +
h(t, q) the Hamilton-Jacobi-Bellman equation is

    dh/dt = phi q^2 - lambda / (e kappa) (exp(kappa (h(q+1) - h(q))) + exp(kappa (h(q-1) - h(q))))

with a side left out at the limit, and the best distances are

    bid = 1 / kappa + h(t, q) - h(t, q+1),   ask = 1 / kappa + h(t, q) - h(t, q-1).

omega = exp(kappa h) obeys the linear d omega/dt = -M omega, so h(t, q) is ln of row q of exp(M (T -
t)) z over kappa: M has -kappa phi q^2 on the diagonal and lambda / e beside it, and z = exp(-alpha
kappa q^2). Far from T the differences of h come from the eigenvector of M's largest eigenvalue:
those are the quotes of a session without end (``horizon_s`` 0).

M is symmetric in q, so everything is computed for q = 0 ... limit.
"""

from __future__ import annotations

import math

import numpy as np
from pydantic import Field

from hftgym.core.constants import SECOND_NS
from hftgym.core.jit import leaf
from hftgym.core.records import record
from hftgym.participants.base import participant
from hftgym.participants.fair_value import FILTER, fair_px
from hftgym.participants.maker_params import MakerParams, next_quote_ns
from hftgym.participants.quoting import quote_around

#: Largest inventory limit: the differences of h must fit into the memory.
MAX_LIMIT = 50


class Params(MakerParams):
    """Parameters of the maker."""

    limit_lot: int = Field(20, ge=1, le=MAX_LIMIT, description="largest inventory, lots")
    phi: float = Field(0.01, gt=0, description="running penalty, tick / lot^2 / s")
    alpha: float = Field(0.0, ge=0, description="penalty at the end of a session, tick / lot^2")
    kappa: float = Field(0.5, gt=0, description="decay of the fill rate, 1 / tick")
    arrival_rate: float = Field(0.5, gt=0, description="lambda: fills per second at distance 0")
    horizon_s: float = Field(0.0, ge=0, description="session T, repeated, seconds; 0: no end")


#: The filter, and h(q) - h(q+1) for q = 0 ... limit - 1, ticks, once it is known.
MEMORY = record([("filter", FILTER), ("known", "i8"), ("step_tick", "f8", (MAX_LIMIT,))])


@leaf
def _ratio(mu, limit, phi, kappa, beside):
    """Return the left minus the right side of row 0 of M v = mu v, when rows limit ... 1 hold.

    Negative, also when a component is not positive: ``mu`` lies below the largest eigenvalue.
    """
    ratio = 0.0  # v(q+1) / v(q), at the limit
    for q in range(limit, 0, -1):
        pivot = (mu + kappa * phi * q * q) / beside - ratio
        if pivot <= 0.0:
            return -1.0
        ratio = 1.0 / pivot  # v(q) / v(q-1)
    return mu / beside - 2.0 * ratio


@leaf
def stationary_steps(step_tick, limit, phi, kappa, arrival_rate):
    """Write h(q) - h(q+1) of a session without end for q = 0 ... limit - 1, ticks."""
    beside = arrival_rate / math.e
    low, high = 0.0, 2.0 * beside  # M_00 = 0 and Gershgorin's circle about it
    for _ in range(100):
        mu = 0.5 * (low + high)
        if _ratio(mu, limit, phi, kappa, beside) < 0.0:
            low = mu
        else:
            high = mu
    ratio = 0.0
    for q in range(limit, 0, -1):
        ratio = 1.0 / ((high + kappa * phi * q * q) / beside - ratio)
        step_tick[q - 1] = -math.log(ratio) / kappa


@leaf
def values(left_s, limit, phi, alpha, kappa, arrival_rate):
    """Return h(t, q), ticks, for q = 0 ... limit when ``left_s`` seconds are left.

    By uniformisation: exp(M t) = exp(-s t) exp((M + s I) t), a series of positive terms when s is
    as large as the diagonal, so nothing cancels; in pieces short enough for the series to converge
    fast, each scaled to 1 at q = 0.
    """
    beside = arrival_rate / math.e
    shift = kappa * phi * limit * limit
    # Scalar functions: those of numpy's arrays may differ from compiled ones in the last bit.
    omega = np.empty(limit + 1)
    term = np.empty(limit + 1)
    for q in range(limit + 1):
        omega[q] = math.exp(-alpha * kappa * q * q)
    pieces = math.ceil(left_s * (shift + 2.0 * beside) / 8.0)
    log_scale = 0.0
    for _ in range(pieces):
        piece_s = left_s / pieces
        term[:] = omega
        for k in range(1, 60):
            before = term[1]  # row 0 has the same neighbour on both sides
            for q in range(limit + 1):
                after = term[q + 1] if q < limit else 0.0
                stay = shift - kappa * phi * q * q
                here = term[q]
                term[q] = (stay * here + beside * (before + after)) * piece_s / k
                before = here
                omega[q] += term[q]
        log_scale += math.log(omega[0]) - shift * piece_s
        omega /= omega[0]
    for q in range(limit + 1):
        omega[q] = (math.log(max(omega[q], 1e-300)) + log_scale) / kappa  # finite for any penalty
    return omega


@leaf
def distances(inventory_lot, step_tick, limit, kappa):
    """Return (bid, ask) distances from the mid, ticks; beyond the limit as if at it."""
    q = min(max(inventory_lot, -limit), limit)
    bid = 1.0 / kappa
    ask = 1.0 / kappa
    if q >= 0 and q < limit:
        bid += step_tick[q]
    if q < 0:
        bid -= step_tick[-q - 1]
    if q <= 0 and q > -limit:
        ask += step_tick[-q]
    if q > 0:
        ask -= step_tick[q - 1]
    return bid, ask


@participant(Params, MEMORY, own_orders=4, view_levels=1, sees_value=True)
def decide(view, own, params, memory, rng, out):
    """Quote by the formula; a new session begins every ``horizon_s``."""
    out.next_wake_ns = next_quote_ns(view.delivered_ns, params.interval_s, params.jitter, rng)
    fair = fair_px(
        view,
        memory.filter,
        rng,
        params.noise_tick,
        params.noise_s,
        params.gain,
        params.flow_tick_per_lot,
        params.flow_s,
        params.tick_px,
    )
    if params.horizon_s > 0.0:
        left_s = params.horizon_s - (view.delivered_ns / SECOND_NS) % params.horizon_s
        h = values(
            left_s, params.limit_lot, params.phi, params.alpha, params.kappa, params.arrival_rate
        )
        for q in range(params.limit_lot):
            memory.step_tick[q] = h[q] - h[q + 1]
    elif memory.known == 0:
        stationary_steps(
            memory.step_tick, params.limit_lot, params.phi, params.kappa, params.arrival_rate
        )
        memory.known = 1
    bid, ask = distances(own.position, memory.step_tick, params.limit_lot, params.kappa)
    quote_around(view, own, out, fair, bid, ask, params.lots, params.limit_lot, params.tick_px)
    return out.count
