"""The market-making process of the known-answer tasks: fills first, then the mid moves.

State (t, q). A quote at distance d from the mid is filled in a step with probability
p = min(1, A exp(-k d) dt), bid and ask independently; a side is off where its fill would break
|q| <= Q. Then the mid moves by +-sigma sqrt(dt). With q' the inventory after the fills the reward
is d * fills + q' dS - phi q'^2 dt, and -alpha q^2 at T. It is an Euler scheme of the market of
Avellaneda and Stoikov (2008, section 2).
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from hftgym.core.jit import kernel
from hftgym.core.rng import mix2, uniform_at
from hftgym.envs.known import quoting_values
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
from hftgym.errors import UsageError

_THREE = np.uint64(3)
_ONE = np.uint64(1)
_TWO = np.uint64(2)


@kernel
def _advance(active, distances, limit, fill, running, terminal, steps, state, terms):
    """Play one step of every active environment.

    ``fill`` is (A dt, k), ``running`` (phi dt, sigma sqrt(dt)), ``state`` (key, episode, step, q).
    """
    key, episode, step, position = state
    rate, decay = fill
    penalty, move = running
    for i in range(len(active)):
        terms[i] = 0.0
        if not active[i]:
            continue
        stream = mix2(key[i], episode[i])
        draw = np.uint64(step[i]) * _THREE
        q = position[i]
        bid, ask = distances[i, 0], distances[i, 1]
        bought = q < limit and uniform_at(stream, draw) < rate * math.exp(-decay * bid)
        sold = q > -limit and uniform_at(stream, draw + _ONE) < rate * math.exp(-decay * ask)
        if bought:
            terms[i, 0] += bid
            q += 1.0
        if sold:
            terms[i, 0] += ask
            q -= 1.0
        up = uniform_at(stream, draw + _TWO) < 0.5
        terms[i, 1] = q * move if up else -q * move
        terms[i, 2] = -penalty * q * q
        position[i] = q
        step[i] += 1
        if step[i] == steps:
            terms[i, 3] = -terminal * q * q


@dataclass(frozen=True)
class QuotingTask:
    """Parameters of a quoting process, and its solution.

    Attributes:
        name: in texts.
        arrival: A (or lambda), fills per unit of time at distance 0.
        decay: k (or kappa), 1 / price.
        sigma: volatility, price / sqrt(time).
        running: phi, penalty on q^2 per unit of time.
        terminal: alpha, penalty on q^2 at the end.
        max_inventory: Q.
        steps: decisions in an episode.
        duration: dt, length of a step.
        quote_low: distance of action -1.
        quote_high: distance of action 1.
        quote_step: grid on which the best distances are searched.
        continuing: no deadline, no terminal charge, no time in the observation.
        discount: per step; what the values of a continuing task mean. 1 under a deadline.
        control_variate: leave q' dS out of the reward. Its mean is zero whatever is quoted, so the
            best policy, the values and the scores stay, with less noise to learn from.
    """

    name: str
    arrival: float
    decay: float
    sigma: float
    running: float
    terminal: float
    max_inventory: int
    steps: int = 200
    duration: float = 0.005
    quote_low: float = -0.5
    quote_high: float = 3.0
    quote_step: float = 0.005
    continuing: bool = False
    discount: float = 0.99
    control_variate: bool = False

    action_size = 2
    start = 0.0
    parts = ("spread", "mark", "inventory_penalty", "terminal_penalty")
    observation_low = (0.0, -1.0)

    def __post_init__(self) -> None:
        positive = ("arrival", "decay", "sigma", "duration", "quote_step", "discount")
        require_numbers(self, positive, "above 0")
        require_numbers(self, ("running", "terminal"), "of at least 0")
        require_numbers(self, ("quote_low", "quote_high"))
        require_counts(self, ("max_inventory", "steps"))
        require(
            self.quote_low + self.quote_step <= self.quote_high,
            f"quote_high: {self.quote_high}; must be a quote_step above {self.quote_low}",
        )
        require(self.discount < 1.0, f"discount: {self.discount}; must be below 1")
        flag = self.control_variate
        require(isinstance(flag, bool), f"control_variate: {flag!r}; must be true or false")

    @property
    def horizon(self) -> float:
        """T, length of an episode."""
        return self.steps * self.duration

    @property
    def inventories(self) -> FloatArray:
        """All inventories, -Q to Q, shape (2 Q + 1,)."""
        return np.arange(-self.max_inventory, self.max_inventory + 1.0)

    @property
    def quote_grid(self) -> FloatArray:
        """Distances among which the best are searched."""
        count = round((self.quote_high - self.quote_low) / self.quote_step) + 1
        return np.linspace(self.quote_low, self.quote_high, count)

    def fill_probability(self, distances: FloatArray) -> FloatArray:
        """Return the probability of a fill in a step at these distances."""
        rate = self.arrival * self.duration
        return np.minimum(1.0, rate * np.exp(-self.decay * distances))

    def to_distances(self, actions: FloatArray) -> FloatArray:
        """Return the distances of actions in [-1, 1]: affine, -1 is `quote_low`."""
        return self.quote_low + 0.5 * (actions + 1.0) * (self.quote_high - self.quote_low)

    def to_actions(self, distances: FloatArray) -> npt.NDArray[np.float32]:
        """Return the actions of distances; those out of reach become the nearest."""
        inside = np.clip(distances, self.quote_low, self.quote_high)
        span = self.quote_high - self.quote_low
        return (2.0 * (inside - self.quote_low) / span - 1.0).astype(np.float32)

    def advance(self, batch: Batch, actions: FloatArray, active: BoolArray) -> None:
        """Take one step in the environments of `active`; write ``batch.terms``."""
        move = 0.0 if self.control_variate else self.sigma * math.sqrt(self.duration)
        _advance(
            active,
            self.to_distances(actions),
            float(self.max_inventory),
            (self.arrival * self.duration, self.decay),
            (self.running * self.duration, move),
            0.0 if self.continuing else self.terminal,
            self.steps,
            (batch.key, batch.episode, batch.step, batch.position),
            batch.terms,
        )

    def observe(self, batch: Batch) -> ObsArray:
        """Return time / T (0 in a continuing task) and q / Q, shape (n, 2)."""
        obs = np.empty((len(batch.step), 2), np.float32)
        obs[:, 0] = 0.0 if self.continuing else batch.step / self.steps
        obs[:, 1] = batch.position / self.max_inventory
        return obs

    def describe(self, batch: Batch) -> str:
        """Return the state of environment 0 in one line."""
        time = batch.step[0] * self.duration
        return f"{self.name}: t {time:.4g} of {self.horizon:.4g}, q {batch.position[0]:+.0f}"

    def states(self) -> ObsArray:
        """Return the observation of every state, shape (steps or 1, 2 Q + 1, 2)."""
        rows = 1 if self.continuing else self.steps
        obs = np.zeros((rows, 2 * self.max_inventory + 1, 2), np.float32)
        if not self.continuing:
            obs[..., 0] = (np.arange(rows) / self.steps)[:, None]
        obs[..., 1] = self.inventories / self.max_inventory
        return obs

    def policy(self, name: str, distances: FloatArray) -> TablePolicy:
        """Return the policy that quotes these distances, shape (steps or 1, 2 Q + 1, 2)."""
        return TablePolicy(name, self.to_actions(distances), self.steps)

    def optimal_policy(self) -> TablePolicy:
        """Return the best policy on the grid of distances."""
        return self.policy("optimum", self.solution[0])

    @cached_property
    def solution(self) -> tuple[FloatArray, FloatArray]:
        """Best distances, shape (steps or 1, 2 Q + 1, 2), and values, (steps + 1 or 1, 2 Q + 1)."""
        return quoting_values.optimum(self)

    def optimal_values(self, obs: ObsArray, discount: float = 1.0) -> FloatArray:
        """Return V* at observed states, shape (n,): of the policy that is best so discounted."""
        values = quoting_values.optimum(self, discount)[1]
        step = np.zeros(len(obs)) if self.continuing else obs[:, 0] * self.steps
        place = obs[:, 1] * self.max_inventory + self.max_inventory
        return np.asarray(values[np.rint(step).astype(int), np.rint(place).astype(int)])

    @cached_property
    def best_constant(self) -> tuple[float, float]:
        """Distance of the best constant quotes, and what they earn."""
        return quoting_values.best_constant(self)

    def optimal_value(self) -> float:
        """Return J*, what the best policy earns in the mean from q = 0."""
        return float(self.solution[1][0, self.max_inventory])

    def reference_value(self) -> float:
        """Return what the best constant quotes earn in the mean."""
        return self.best_constant[1]

    def value(self, policy: Policy | npt.NDArray[Any]) -> float:
        """Return what a policy earns in the mean from q = 0, by the recursion, without sampling."""
        distances = self.to_distances(decided(policy, self.states(), 2))
        return float(quoting_values.evaluate(self, distances)[0, self.max_inventory])


def with_horizon(task: QuotingTask, horizon: str) -> QuotingTask:
    """Return the task with a deadline (``finite``) or without one (``continuing``).

    Raises:
        UsageError: for another word.
    """
    if horizon not in ("finite", "continuing"):
        raise UsageError(
            "HG-U216", f"horizon {horizon!r} is unknown; there are 'finite' and 'continuing'"
        )
    return replace(task, continuing=horizon == "continuing")
