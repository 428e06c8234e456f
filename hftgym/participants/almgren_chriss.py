"""An executor on the efficient frontier of expected cost and risk (Almgren and Chriss 2000).

"Optimal execution of portfolio transactions", section 2.2: with tau the length of a slice and T the
horizon, the lots left after slice j are x_j = X sinh(kappa (T - t_j)) / sinh(kappa T), where kappa
solves 2 (cosh(kappa tau) - 1) / tau^2 = lambda sigma^2 / eta~ with eta~ = eta - gamma tau / 2.
Without risk aversion that is a straight line.
"""

from __future__ import annotations

import math

from pydantic import Field, model_validator

from hftgym.core.jit import leaf
from hftgym.participants.base import participant
from hftgym.participants.executing import (
    CHILDREN,
    MEMORY,
    ExecutorParams,
    enter_slice,
    whole_lots,
    work,
)


class Params(ExecutorParams):
    """Parameters of the executor."""

    risk_aversion: float = Field(1e-4, ge=0, description="lambda, 1 / (tick lot)")
    sigma: float = Field(0.9, gt=0, description="volatility, ticks per square root of a second")
    eta: float = Field(1.0, gt=0, description="temporary impact, ticks per lot a second")
    gamma: float = Field(0.01, ge=0, description="permanent impact, ticks per lot")

    @model_validator(mode="after")
    def _check_impact(self) -> Params:
        if self.eta <= 0.5 * self.gamma * self.horizon_s / self.slices:
            raise ValueError("eta must exceed gamma * horizon_s / slices / 2; use more slices")
        return self


@leaf
def urgency(tau_s, risk_aversion, sigma, eta, gamma):
    """Return kappa, 1 / s."""
    eta_left = eta - 0.5 * gamma * tau_s
    return math.acosh(1.0 + 0.5 * risk_aversion * (sigma * tau_s) ** 2 / eta_left) / tau_s


@leaf
def share_left(left_s, horizon_s, kappa):
    """Return sinh(kappa left_s) / sinh(kappa horizon_s), also where they would overflow."""
    if kappa * horizon_s < 1e-6:
        return left_s / horizon_s
    decay = math.exp(kappa * (left_s - horizon_s))
    return decay * math.expm1(-2.0 * kappa * left_s) / math.expm1(-2.0 * kappa * horizon_s)


@leaf
def due_lot(after, slices, parent_lots, horizon_s, kappa):
    """Return the lots due after so many slices."""
    left_s = horizon_s * (slices - after) / slices
    return parent_lots - whole_lots(parent_lots, share_left(left_s, horizon_s, kappa))


@participant(Params, MEMORY, own_orders=CHILDREN, view_levels=1)
def decide(view, own, params, memory, rng, out):
    """Get the lots of this slice done."""
    if enter_slice(view, memory, params.start_s, params.horizon_s, params.slices):
        tau_s = params.horizon_s / params.slices
        kappa = urgency(tau_s, params.risk_aversion, params.sigma, params.eta, params.gamma)
        after = min(memory.slice + 1, params.slices)
        memory.due_lot = due_lot(after, params.slices, params.parent_lots, params.horizon_s, kappa)
        left_s = params.horizon_s * (1.0 - after / params.slices)
        memory.left_lot = params.parent_lots * share_left(left_s, params.horizon_s, kappa)
    work(view, own, out, memory, params)
    return out.count
