"""Published quotes and paths, as tables over the states of a discrete process.

Avellaneda and Stoikov 2008, "High-frequency trading in a limit order book", their approximation
of section 3; Gueant, Lehalle and Fernandez-Tapia 2013, "Dealing with the inventory risk", the
linear system of their theorem 1; Cartea, Jaimungal and Penalva 2015, "Algorithmic and
High-Frequency Trading", section 10.2; Almgren and Chriss 2000, "Optimal execution of portfolio
transactions". All but the first are exact in continuous time, the last on its own time grid.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from hftgym.envs.known.process import FloatArray

if TYPE_CHECKING:
    from hftgym.envs.known.execution import ExecutionTask
    from hftgym.envs.known.quoting import QuotingTask


def avellaneda_stoikov(task: QuotingTask, gamma: float) -> FloatArray:
    """Return the approximate quotes of Avellaneda and Stoikov.

    Around the reservation price s - q gamma sigma^2 (T - t) lies a spread of
    gamma sigma^2 (T - t) + (2 / gamma) ln(1 + gamma / k).

    Returns:
        Distances of bid and ask from the mid, shape (steps, 2 Q + 1, 2).
    """
    left = task.horizon - task.duration * np.arange(task.steps)
    variance = (gamma * task.sigma**2 * left)[:, None]
    half = 0.5 * variance + math.log1p(gamma / task.decay) / gamma
    shift = variance * task.inventories
    return np.stack([half + shift, half - shift], axis=-1)


def gueant_lehalle_fernandez_tapia(task: QuotingTask, gamma: float) -> FloatArray:
    """Return the optimal quotes of an investor with exponential utility in continuous time.

    v' = alpha q^2 v - eta (v(q-1) + v(q+1)), v(T) = 1, alpha = k gamma sigma^2 / 2,
    eta = A (1 + gamma / k)^-(1 + k / gamma); the bid is at
    ln(v(q) / v(q+1)) / k + ln(1 + gamma / k) / gamma.

    Returns:
        Distances, shape (steps, 2 Q + 1, 2); infinite for the side that is off.
    """
    k = task.decay
    eta = task.arrival * (1.0 + gamma / k) ** -(1.0 + k / gamma)
    generator = _chain(-0.5 * k * gamma * task.sigma**2 * task.inventories**2, eta)
    logs = _backwards(task, generator, np.ones(len(task.inventories)))
    return _from_logs(logs / k, math.log1p(gamma / k) / gamma)


def cartea_jaimungal(task: QuotingTask) -> FloatArray:
    """Return the optimal quotes with a running inventory penalty in continuous time.

    h = ln(exp(M (T - t)) z) / kappa; M has -kappa phi q^2 on its diagonal and lambda / e beside it,
    z = exp(-alpha kappa q^2); the bid is at 1 / kappa + h(q) - h(q+1).

    Returns:
        Distances, shape (steps, 2 Q + 1, 2); infinite for the side that is off.
    """
    return _from_logs(cartea_jaimungal_value(task)[:-1], 1.0 / task.decay)


def cartea_jaimungal_value(task: QuotingTask) -> FloatArray:
    """Return h, the value in continuous time, shape (steps + 1, 2 Q + 1)."""
    k = task.decay
    squares = task.inventories**2
    generator = _chain(-k * task.running * squares, task.arrival / math.e)
    last = np.exp(-task.terminal * k * squares)
    return np.concatenate([_backwards(task, generator, last), np.log(last)[None]]) / k


def almgren_chriss(task: ExecutionTask) -> FloatArray:
    """Return the optimal holdings after each trade, shape (steps,).

    x_j = X sinh(kappa (T - t_j)) / sinh(kappa T), with
    2 (cosh(kappa tau) - 1) / tau^2 = lambda sigma^2 / eta~.
    """
    left = task.horizon - task.duration * np.arange(1, task.steps + 1)
    square = task.risk_aversion * task.sigma**2 / task.eta_tilde
    if square == 0.0:
        return np.asarray(task.shares * left / task.horizon)
    kappa = math.acosh(1.0 + 0.5 * square * task.duration**2) / task.duration
    return np.asarray(task.shares * np.sinh(kappa * left) / math.sinh(kappa * task.horizon))


def _chain(diagonal: FloatArray, beside: float) -> FloatArray:
    """Return a tridiagonal matrix."""
    ones = np.ones(len(diagonal) - 1)
    return np.diag(diagonal) + beside * (np.diag(ones, 1) + np.diag(ones, -1))


def _backwards(task: QuotingTask, generator: FloatArray, last: FloatArray) -> FloatArray:
    """Return ln(exp(generator (T - t)) last) at all decisions, shape (steps, 2 Q + 1).

    Off its diagonal the generator is positive, so a shift makes every term of the exponential's
    series positive: no digit cancels, even where a component is 1e-30 of another.
    """
    scaled = generator * task.duration
    shift = -float(scaled.diagonal().min())
    positive = scaled + shift * np.eye(len(scaled))
    term = total = np.eye(len(scaled))
    order = 0
    while term.max() > 1e-18 * total.max() or order < positive.sum(axis=1).max():
        order += 1
        term = term @ positive / order
        total = total + term
    logs = np.empty((task.steps, len(last)))
    vector, scale = last, 0.0
    for n in reversed(range(task.steps)):
        vector = total @ vector
        largest = vector.max()
        scale += math.log(largest) - shift
        vector = vector / largest
        logs[n] = np.log(vector) + scale
    return logs


def _from_logs(h: FloatArray, base: float) -> FloatArray:
    """Return the distances base + h(q) - h(q+1) and base + h(q) - h(q-1)."""
    distances = np.full((*h.shape, 2), np.inf)
    rise = np.diff(h, axis=-1)
    distances[:, :-1, 0] = base - rise
    distances[:, 1:, 1] = base + rise
    return distances
