"""The liquidation of Almgren and Chriss as a finite decision process.

State (t, x). A step sells a fraction of what remains, the last one all of it; n shares cost
epsilon n + eta~ n^2 / tau, what is left costs lambda sigma^2 tau x^2 for its risk, and the
permanent impact gamma X^2 / 2 is charged once, with the first trade. The running penalty is the
task, not the variance of the total cost: against that one adaptive policies beat the static path
(Lorenz and Almgren 2011).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from hftgym.core.jit import kernel
from hftgym.core.rng import mix2, normal_quantile, uniform_at
from hftgym.envs.known.policy import TablePolicy
from hftgym.envs.known.process import (
    Batch,
    BoolArray,
    FloatArray,
    ObsArray,
    Policy,
    decided,
    require,
    require_counts,
    require_numbers,
)

_GRID = 501  # fractions of the shares, where values are searched for


@kernel
def _advance(active, actions, steps, cost, noise, state, terms):
    """Sell in every active environment; ``cost`` is (unit, once, epsilon, eta~ / tau, risk)."""
    key, episode, step, position = state
    unit, once, epsilon, impact, risk = cost
    for i in range(len(active)):
        terms[i] = 0.0
        if not active[i]:
            continue
        draw = np.uint64(step[i])
        first = step[i] == 0
        step[i] += 1
        fraction = 1.0 if step[i] == steps else 0.5 * (actions[i, 0] + 1.0)
        sold = fraction * position[i]
        left = position[i] - sold
        position[i] = left
        terms[i, 0] = -(epsilon * sold + impact * sold * sold) / unit
        terms[i, 1] = -risk * left * left / unit
        if first:
            terms[i, 2] = -once / unit
        if noise != 0.0:
            uniform = uniform_at(mix2(key[i], episode[i]), draw)
            terms[i, 3] = noise * normal_quantile(uniform) * left / unit


@dataclass(frozen=True)
class ExecutionTask:
    """Parameters of a liquidation, and its solution; the defaults are the paper's example.

    Attributes:
        shares: X, to be sold.
        horizon: T, days.
        steps: N, trades.
        sigma: volatility, dollars a share per square root of a day.
        epsilon: half spread and fee, dollars a share.
        gamma: permanent impact, dollars a share for each share.
        eta: temporary impact, dollars a share for each share a day.
        risk_aversion: lambda, 1 / dollar.
        price_noise: add the martingale part of the cost to the reward; scores know nothing of it.
    """

    shares: float = 1e6
    horizon: float = 5.0
    steps: int = 5
    sigma: float = 0.95
    epsilon: float = 0.0625
    gamma: float = 2.5e-7
    eta: float = 2.5e-6
    risk_aversion: float = 1e-6
    price_noise: bool = False

    name = "AlmgrenChriss"
    action_size = 1
    continuing = False
    parts = ("trading_cost", "risk_penalty", "permanent_impact", "price_noise")
    observation_low = (0.0, 0.0)

    def __post_init__(self) -> None:
        require_numbers(self, ("shares", "horizon", "sigma", "eta"), "above 0")
        require_numbers(self, ("epsilon", "gamma", "risk_aversion"), "of at least 0")
        require_counts(self, ("steps",))
        require(
            0.0 < self.eta_tilde < math.inf,
            f"eta: {self.eta}; must be above gamma tau / 2 = {0.5 * self.gamma * self.duration}",
        )

    @property
    def duration(self) -> float:
        """Tau, days between trades."""
        return self.horizon / self.steps

    @property
    def start(self) -> float:
        """Shares at the beginning."""
        return self.shares

    @property
    def eta_tilde(self) -> float:
        """Temporary impact less what the permanent one has paid, dollars days / share^2."""
        return self.eta - 0.5 * self.gamma * self.duration

    @cached_property
    def twap_cost(self) -> float:
        """Cost of selling the same number at each trade, dollars: the unit of the reward."""
        left = self.shares * (1.0 - np.arange(1, self.steps + 1) / self.steps)
        return self.cost(left)

    def cost(self, left: FloatArray) -> float:
        """Return the cost of a path of shares left after each trade, dollars."""
        sold = -np.diff(left, prepend=self.shares)
        trading = self.epsilon * sold.sum() + self.eta_tilde / self.duration * (sold**2).sum()
        risk = self.risk_aversion * self.sigma**2 * self.duration * (left**2).sum()
        return float(trading + risk + 0.5 * self.gamma * self.shares**2)

    def advance(self, batch: Batch, actions: FloatArray, active: BoolArray) -> None:
        """Take one step in the environments of `active`; write ``batch.terms``."""
        tau = self.duration
        cost = (
            self.twap_cost,
            0.5 * self.gamma * self.shares**2,
            self.epsilon,
            self.eta_tilde / tau,
            self.risk_aversion * self.sigma**2 * tau,
        )
        noise = self.sigma * math.sqrt(tau) if self.price_noise else 0.0
        state = (batch.key, batch.episode, batch.step, batch.position)
        _advance(active, actions, self.steps, cost, noise, state, batch.terms)

    def observe(self, batch: Batch) -> ObsArray:
        """Return time / T and x / X, shape (n, 2)."""
        obs = np.empty((len(batch.step), 2), np.float32)
        obs[:, 0] = batch.step / self.steps
        obs[:, 1] = batch.position / self.shares
        return obs

    def describe(self, batch: Batch) -> str:
        """Return the state of environment 0 in one line."""
        time = batch.step[0] * self.duration
        return f"{self.name}: day {time:.4g} of {self.horizon:.4g}, x {batch.position[0]:,.0f}"

    @cached_property
    def solution(self) -> tuple[FloatArray, float]:
        """Best fraction of what remains at each step, shape (steps,), and the least cost.

        The cost to go is a x^2 + epsilon x: selling n of x leaves
        (eta~ / tau) n^2 + (lambda sigma^2 tau + a') (x - n)^2, least at a fraction free of x.
        """
        impact = self.eta_tilde / self.duration
        risk = self.risk_aversion * self.sigma**2 * self.duration
        fractions = np.ones(self.steps)
        square = impact
        for n in reversed(range(self.steps - 1)):
            fractions[n] = (risk + square) / (impact + risk + square)
            square = impact * fractions[n]
        linear = self.epsilon * self.shares + 0.5 * self.gamma * self.shares**2
        return fractions, square * self.shares**2 + linear

    def policy(self, name: str, fractions: FloatArray) -> TablePolicy:
        """Return the policy that sells these fractions of what remains, shape (steps,)."""
        return TablePolicy(name, (2.0 * fractions - 1.0)[:, None, None], self.steps)

    def optimal_policy(self) -> TablePolicy:
        """Return the best policy."""
        return self.policy("optimum", self.solution[0])

    def optimal_values(self, obs: ObsArray, discount: float = 1.0) -> FloatArray:
        """Return V* at observed states, shape (n,), in units of the reward.

        Args:
            obs: time / T and x / X, shape (n, 2).
            discount: per step. With one below 1 the best fraction is no longer free of x, so the
                least cost is searched for on a grid of shares left.
        """
        step = np.rint(obs[:, 0] * self.steps).astype(int)
        grid = np.linspace(0.0, 1.0, _GRID)
        shares = grid * self.shares
        impact = self.eta_tilde / self.duration
        risk = self.risk_aversion * self.sigma**2 * self.duration
        costs = np.empty((self.steps, _GRID))
        costs[-1] = self.epsilon * shares + impact * shares**2
        for n in reversed(range(self.steps - 1)):
            left = shares[:, None] * grid
            sold = shares[:, None] - left
            later = np.interp(left, shares, costs[n + 1])
            total = self.epsilon * sold + impact * sold**2 + risk * left**2 + discount * later
            costs[n] = total.min(axis=1)
        found = np.empty(len(obs))
        for n in range(self.steps):
            at = step == n
            found[at] = np.interp(obs[at, 1], grid, costs[n])
        found[step == 0] += 0.5 * self.gamma * self.shares**2
        return -found / self.twap_cost

    def optimal_value(self) -> float:
        """Return J* = -C* / C_TWAP."""
        return -self.solution[1] / self.twap_cost

    def reference_value(self) -> float:
        """Return what TWAP earns: -1."""
        return -1.0

    def value(self, policy: Policy | npt.NDArray[Any]) -> float:
        """Return -cost / C_TWAP of a deterministic policy: of the one path that it takes.

        Args:
            policy: an object with ``predict``, or the actions along the path, shape (steps, 1).
        """
        left = np.empty(self.steps)
        remaining = self.shares
        for n in range(self.steps):
            if n == self.steps - 1:
                remaining = 0.0
            else:
                seen = np.array([[n / self.steps, remaining / self.shares]], np.float32)
                table = policy[n : n + 1] if isinstance(policy, np.ndarray) else policy
                remaining -= 0.5 * (decided(table, seen, 1)[0, 0] + 1.0) * remaining
            left[n] = remaining
        return -self.cost(left) / self.twap_cost
