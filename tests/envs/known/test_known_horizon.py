"""Deadlines are part of the task, cuts are not: a tabular learner finds what programming finds."""

from __future__ import annotations

import numpy as np
import pytest

from hftgym.envs.known.answers import score
from hftgym.envs.known.cartea_jaimungal import CarteaJaimungalVectorEnv

STEPS = 4
INVENTORY = 2
LEVELS = 3
#: Three distances a side, a deadline that hurts, moves of the mid that do not drown it.
PARAMETERS = {
    "max_inventory": INVENTORY,
    "steps": STEPS,
    "duration": 0.1,
    "arrival": 6.0,
    "sigma": 0.5,
    "terminal": 0.6,
    "quote_low": 0.0,
    "quote_high": 2.0,
    "quote_step": 1.0,
    "discount": 0.9,
}


class Learner:
    """Watkins' Q-learning on a table of (step, inventory), exploring uniformly.

    Args:
        horizon: of the task.
        bootstrap_deadline: also add the value of what follows the deadline: the mistake.
    """

    def __init__(self, horizon: str, *, bootstrap_deadline: bool = False) -> None:
        self.env = CarteaJaimungalVectorEnv(512, horizon=horizon, parameters=PARAMETERS)
        self.rows = 1 if horizon == "continuing" else STEPS
        self.discount = PARAMETERS["discount"] if horizon == "continuing" else 1.0
        self.bootstrap_deadline = bootstrap_deadline
        self.table = np.zeros((self.rows, 2 * INVENTORY + 1, LEVELS**2))

    def state(self, obs: np.ndarray) -> np.ndarray:
        """Return the flat index of the states; the end counts as the last row."""
        step = np.rint(obs[:, 0] * STEPS).astype(int).clip(0, self.rows - 1)
        return step * (2 * INVENTORY + 1) + np.rint(obs[:, 1] * INVENTORY).astype(int) + INVENTORY

    def learn(self, steps: int) -> None:
        generator = np.random.default_rng(0)
        flat = self.table.reshape(-1)
        visits = np.zeros(flat.size)
        obs, _ = self.env.reset(seed=0)
        for _ in range(steps):
            choice = generator.integers(LEVELS**2, size=len(obs))
            following, reward, terminated, truncated, infos = self.env.step(as_actions(choice))
            after = following.copy()
            for i in np.flatnonzero(terminated | truncated):
                after[i] = infos["final_obs"][i]
            future = self.table.reshape(-1, LEVELS**2).max(axis=1)[self.state(after)]
            if not self.bootstrap_deadline:
                future[terminated] = 0.0
            place = self.state(obs) * LEVELS**2 + choice
            count = np.bincount(place, minlength=flat.size)
            target = np.bincount(place, reward + self.discount * future, flat.size)
            visits += count
            rate = count / np.maximum(visits, 1.0) ** 0.7
            mean = target / np.maximum(count, 1)
            flat += np.minimum(rate, 1.0) * (mean - flat) * (count > 0)
            obs = following

    def value(self) -> float:
        return float(self.table[0, INVENTORY].max())

    def actions(self) -> np.ndarray:
        """Return the greedy table, as `score` takes it."""
        return as_actions(self.table.argmax(axis=-1))


def as_actions(choice: np.ndarray) -> np.ndarray:
    """Return the actions -1, 0 or 1 of bid and ask."""
    return np.stack(np.divmod(choice, LEVELS), axis=-1).astype(np.float32) - 1.0


@pytest.mark.parametrize("horizon", ["finite", "continuing"])
def test_a_tabular_learner_reaches_dynamic_programming(horizon: str) -> None:
    learner = Learner(horizon)
    learner.learn(6_000)
    task = learner.env.process
    assert learner.value() == pytest.approx(task.optimal_value(), rel=0.02)
    assert score(task, learner.actions()) > 0.9


def test_bootstrapping_a_deadline_counts_the_tail_twice() -> None:
    right, wrong = Learner("finite"), Learner("finite", bootstrap_deadline=True)
    right.learn(2_000)
    wrong.learn(2_000)
    task = right.env.process
    best = task.optimal_value()
    assert abs(right.value() - best) < 0.03 * best
    assert abs(wrong.value() - best) > 0.5 * best
    assert score(task, wrong.actions()) < score(task, right.actions()) - 0.05


def test_the_deadline_changes_what_is_best() -> None:
    """Otherwise the tests above would say nothing about it."""
    task = CarteaJaimungalVectorEnv(1, parameters=PARAMETERS).process
    early, late = task.solution[0][0], task.solution[0][-1]
    assert (early != late).any()
