"""How checkpoints are judged while a learner trains: by playing markets, or by a known answer."""

from __future__ import annotations

from typing import Any, Protocol

from hftgym.training.metrics import controlled_objective
from hftgym.training.policy import Policy
from hftgym.training.rollout import Job, play
from hftgym.training.seeds import Split, market_seeds


class Judge(Protocol):
    """Judges policies; the larger ``eval/objective``, the better."""

    def __call__(self, policy: Policy) -> dict[str, float]:
        """Return scalars by tag, ``eval/objective`` among them."""

    def close(self) -> None:
        """Close what was opened for judging."""


class MarketJudge:
    """Plays the validation markets with the deterministic policy.

    Args:
        venv: Vector environment on validation markets.
        markets: How many are played.
        root: Root of the market seeds.
    """

    def __init__(self, venv: Any, markets: int, root: int) -> None:
        self._venv = venv
        self._seeds = market_seeds(Split.VALIDATION, markets, root)

    def __call__(self, policy: Policy) -> dict[str, float]:
        """Return means over the episodes; the objective in ticks."""
        episodes = play(self._venv, [Job(policy, self._seeds)])[0].episodes
        return {
            "eval/mean_reward": float(episodes["reward"].mean()),
            "eval/mean_ep_length": float(episodes["steps"].mean()),
            "eval/objective": float(controlled_objective(episodes).mean()),
            "eval/fills": float(episodes["fills"].mean()),
        }

    def close(self) -> None:
        """Close the markets."""
        self._venv.close()


class KnownJudge:
    """Scores a policy by dynamic programming: nothing is played.

    Args:
        env: Environment of a task with a known answer.
    """

    def __init__(self, env: Any) -> None:
        self._env = env.unwrapped

    def __call__(self, policy: Policy) -> dict[str, float]:
        """Return the score (0: the reference, 1: the optimum) as the objective, and the value J."""
        return {
            "eval/objective": self._env.score(policy),
            "eval/value": self._env.value(policy),
        }

    def close(self) -> None:
        """Close the environment."""
        self._env.close()
