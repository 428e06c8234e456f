"""Dynamic programming on the quoting process: the optimum, any table of quotes, CARA.

All of it is exact for the discrete process, the chance of two fills in a step included: with
G(q) = discount * V(q) - phi q^2 dt what is left after the fills,

    V(q) = max G(q) + pb (db + up) + pa (da + down) - pb pa (up + down),

up = G(q+1) - G(q), down = G(q-1) - G(q). For a given ask the bid maximises p(d) (d + K), which has
one peak: at 1/k - K, or where p reaches 1. So its best grid point is one of two neighbours.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from hftgym.envs.known.process import FloatArray

if TYPE_CHECKING:
    from hftgym.envs.known.quoting import QuotingTask

IntArray = npt.NDArray[np.int64]


def optimum(task: QuotingTask, discount: float = 1.0) -> tuple[FloatArray, FloatArray]:
    """Return the best distances and the values of all states.

    Args:
        task: the process.
        discount: per step, under a deadline; a continuing task has its own.

    Returns:
        Under a deadline: shapes (steps, 2 Q + 1, 2) and (steps + 1, 2 Q + 1). Continuing: one row,
        by policy iteration.
    """
    if task.continuing:
        return _stationary_optimum(task)
    q = task.inventories
    values = np.empty((task.steps + 1, len(q)))
    distances = np.empty((task.steps, len(q), 2))
    values[-1] = -task.terminal * q**2
    for n in reversed(range(task.steps)):
        distances[n], values[n] = best_quotes(task, after_fills(task, values[n + 1], discount))
    return distances, values


def after_fills(task: QuotingTask, values: FloatArray, discount: float = 1.0) -> FloatArray:
    """Return G(q'), what is left after the fills, for values of shape (..., 2 Q + 1)."""
    discount = task.discount if task.continuing else discount
    return discount * values - task.running * task.duration * task.inventories**2


def best_quotes(task: QuotingTask, after: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return the best distances, shape (2 Q + 1, 2), and their values, given G, (2 Q + 1,)."""
    grid = task.quote_grid
    up, down = _differences(after)
    chance = task.fill_probability(grid)
    ask_chance = np.tile(chance, (len(after), 1))
    ask_chance[0] = 0.0  # no selling at -Q
    offset = up[:, None] - ask_chance * (up + down)[:, None]
    bid, gain = _best_on_grid(
        task, 1.0 / task.decay - offset, lambda i: chance[i] * (grid[i] + offset)
    )
    gain[-1] = 0.0  # no buying at Q
    total = gain + ask_chance * (grid + down[:, None])
    ask = total.argmax(axis=1)
    rows = np.arange(len(after))
    distances = np.stack([grid[bid[rows, ask]], grid[ask]], axis=1)
    distances[-1, 0] = distances[0, 1] = grid[-1]  # the side that is off
    return distances, after + total[rows, ask]


def _differences(after: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return G(q+1) - G(q) and G(q-1) - G(q); 0 beyond the limits."""
    up = np.zeros_like(after)
    down = np.zeros_like(after)
    up[..., :-1] = np.diff(after)
    down[..., 1:] = -np.diff(after)
    return up, down


def _best_on_grid(
    task: QuotingTask, peak: FloatArray, gain: Callable[[IntArray], FloatArray]
) -> tuple[IntArray, FloatArray]:
    """Return the better of the two grid points around a peak, and its gain."""
    grid = task.quote_grid
    sure = np.log(task.arrival * task.duration) / task.decay  # nearer than this p is 1
    step = grid[1] - grid[0]
    below = np.floor((np.maximum(peak, sure) - grid[0]) / step)
    lower = np.clip(below, 0, len(grid) - 2).astype(np.int64)
    first, second = gain(lower), gain(lower + 1)
    return lower + (second > first), np.maximum(first, second)


def evaluate(task: QuotingTask, distances: FloatArray) -> FloatArray:
    """Return the values of a table of distances.

    Args:
        task: the process.
        distances: shape (steps or 1, ..., 2 Q + 1, 2); continuing takes one row.

    Returns:
        Values, shape (steps + 1 or 1, ..., 2 Q + 1).
    """
    chance = task.fill_probability(distances)
    chance[..., -1, 0] = 0.0
    chance[..., 0, 1] = 0.0
    if task.continuing:
        return _stationary_values(task, distances[0], chance[0])[None]
    values = np.empty((task.steps + 1, *distances.shape[1:-1]))
    values[-1] = -task.terminal * task.inventories**2
    for n in reversed(range(task.steps)):
        row = min(n, len(distances) - 1)
        bid, ask = chance[row, ..., 0], chance[row, ..., 1]
        after = after_fills(task, values[n + 1])
        up, down = _differences(after)
        values[n] = after + bid * (distances[row, ..., 0] + up)
        values[n] += ask * (distances[row, ..., 1] + down) - bid * ask * (up + down)
    return values


def best_constant(task: QuotingTask) -> tuple[float, float]:
    """Return the best distance for both sides in all states, on the grid, and what it earns."""
    grid = task.quote_grid
    shape = (1, len(grid), 2 * task.max_inventory + 1, 2)
    distances = np.broadcast_to(grid[None, :, None, None], shape)
    earned = evaluate(task, distances)[0, :, task.max_inventory]
    best = int(earned.argmax())
    return float(grid[best]), float(earned[best])


def _stationary_values(task: QuotingTask, distances: FloatArray, chance: FloatArray) -> FloatArray:
    """Solve V = r + P (discount V) for quotes that do not depend on time."""
    bid, ask = chance[..., 0], chance[..., 1]
    size = distances.shape[-2]
    rows = np.arange(size)
    moves = np.zeros((*bid.shape, size))
    moves[..., rows[:-1], rows[1:]] = (bid * (1.0 - ask))[..., :-1]
    moves[..., rows[1:], rows[:-1]] = (ask * (1.0 - bid))[..., 1:]
    moves[..., rows, rows] = 1.0 - moves.sum(axis=-1)
    earned = bid * distances[..., 0] + ask * distances[..., 1]
    earned -= task.running * task.duration * (moves @ task.inventories**2)
    system = np.eye(size) - task.discount * moves
    return np.asarray(np.linalg.solve(system, earned[..., None])[..., 0])


def _stationary_optimum(task: QuotingTask) -> tuple[FloatArray, FloatArray]:
    values = np.zeros((1, 2 * task.max_inventory + 1))
    while True:
        distances, _ = best_quotes(task, after_fills(task, values[0]))
        improved = evaluate(task, distances[None])
        if np.abs(improved - values).max() <= 1e-12 * max(1.0, np.abs(improved).max()):
            return distances[None], improved
        values = improved


def cara_optimum(task: QuotingTask, gamma: float) -> tuple[FloatArray, float]:
    """Return the quotes with the best exponential utility, and their certainty equivalent.

    w_n(q) = min E[exp(-gamma d fills) cosh(gamma sigma sqrt(dt) q') w_{n+1}(q')], w_N = 1 (with
    the terminal charge, if there is one); the certainty equivalent of wealth is -ln w / gamma.

    Args:
        task: the process, with a deadline; its running penalty plays no part.
        gamma: risk aversion, 1 / price.

    Returns:
        Distances, shape (steps, 2 Q + 1, 2), and the certainty equivalent from q = 0.
    """
    grid = task.quote_grid
    chance = task.fill_probability(grid)
    paid = chance * np.exp(-gamma * grid)
    size = 2 * task.max_inventory + 1
    distances = np.empty((task.steps, size, 2))
    w = np.exp(gamma * task.terminal * task.inventories**2)
    rows = np.arange(size)
    ask_none = np.tile(1.0 - chance, (size, 1))
    ask_paid = np.tile(paid, (size, 1))
    ask_none[0], ask_paid[0] = 1.0, 0.0
    for n in reversed(range(task.steps)):
        here = w * _spread_of_mid(task, gamma)
        above = np.append(here[1:], here[-1])[:, None]
        below = np.insert(here[:-1], 0, here[0])[:, None]
        without = ask_none * here[:, None] + ask_paid * below
        bought = ask_none * above + ask_paid * here[:, None]
        ratio = (task.decay + gamma) * bought / (task.decay * without)
        bid, gain = _best_on_grid(
            task,
            np.log(ratio) / gamma,
            lambda i, a=without, b=bought: chance[i] * a - paid[i] * b,  # type: ignore[misc]
        )
        gain[-1] = 0.0
        total = without - gain
        ask = total.argmin(axis=1)
        distances[n] = np.stack([grid[bid[rows, ask]], grid[ask]], axis=1)
        w = total[rows, ask]
    return distances, float(-np.log(w[task.max_inventory]) / gamma)


def certainty_equivalent(task: QuotingTask, distances: FloatArray, gamma: float) -> float:
    """Return the certainty equivalent of final wealth under a table of distances, from q = 0.

    Args:
        task: the process, with a deadline.
        distances: shape (steps or 1, 2 Q + 1, 2).
        gamma: risk aversion, 1 / price.
    """
    chance = task.fill_probability(distances)
    chance[..., -1, 0] = 0.0
    chance[..., 0, 1] = 0.0
    paid = chance * np.exp(-gamma * distances)
    w = np.exp(gamma * task.terminal * task.inventories**2)
    for n in reversed(range(task.steps)):
        row = min(n, len(distances) - 1)
        here = w * _spread_of_mid(task, gamma)
        above, below = np.append(here[1:], 0.0), np.insert(here[:-1], 0, 0.0)
        bid_none, ask_none = 1.0 - chance[row, :, 0], 1.0 - chance[row, :, 1]
        bid, ask = paid[row, :, 0], paid[row, :, 1]
        w = (bid_none * ask_none + bid * ask) * here
        w += bid * ask_none * above + bid_none * ask * below
    return float(-np.log(w[task.max_inventory]) / gamma)


def _spread_of_mid(task: QuotingTask, gamma: float) -> FloatArray:
    """Return E[exp(-gamma q' dS)] for every q'."""
    return np.asarray(np.cosh(gamma * task.sigma * np.sqrt(task.duration) * task.inventories))
