"""What a learner is given: environments, a run folder, validation and a place for its scalars.

A learner asks for batches, learns, and calls `checkpoint` now and then. Everything else (seeds,
which markets, files, comparison, Ctrl-C) belongs to the session.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from hftgym.tensorboard.writer import MetricsWriter
from hftgym.training.interrupt import StopRequest
from hftgym.training.passivity import PassivityMonitor
from hftgym.training.policy import Policy
from hftgym.training.progress import PhaseProgress
from hftgym.training.rollout import Job, play
from hftgym.training.runs import RunFolder
from hftgym.training.seeds import Split, market_seeds
from hftgym.training.task import MarketTask


@dataclass
class TrainSession:
    """One training run.

    Attributes:
        task: The environment.
        seed: Training seed.
        steps: Environment steps to train for.
        device: ``cpu``, ``cuda`` or ``auto``.
        run: Where results go.
        writer: Where scalars go.
        progress: Bar of the training phase.
        stop: Whether the user wants to leave.
        validation_markets: Markets on which checkpoints are compared.
        validations: How many checkpoints a run takes.
        market_root: Root of the market seeds.
        passivity: The passivity alarm.
        best_objective: Best mean objective on the validation markets so far, in ticks.
    """

    task: MarketTask
    seed: int
    steps: int
    device: str
    run: RunFolder
    writer: MetricsWriter
    progress: PhaseProgress
    stop: StopRequest = field(default_factory=StopRequest)
    validation_markets: int = 64
    validations: int = 8
    market_root: int = 0
    passivity: PassivityMonitor = field(default_factory=PassivityMonitor)
    best_objective: float = -np.inf
    _validation_env: Any = None

    def make_env(self, num_envs: int) -> Any:
        """Return a vector environment on training markets, starting inventory drawn uniformly."""
        return self.task.make(num_envs, "train", initial_inventory="uniform")

    @property
    def checkpoint_steps(self) -> int:
        """Environment steps between two checkpoints."""
        return max(1, self.steps // max(1, self.validations))

    def checkpoint(self, policy: Policy, step: int, files: Mapping[str, bytes]) -> float:
        """Save a checkpoint and judge it on the validation markets.

        Args:
            policy: The policy as it is now.
            step: Environment steps done.
            files: What has to be saved, by file name.

        Returns:
            Mean objective on the validation markets, in ticks.
        """
        self.run.save_checkpoint(step, files)
        episodes = self._validate(policy)
        objective = float(episodes["objective"].mean())
        self.writer.scalars(
            {
                "eval/mean_reward": float(episodes["reward"].mean()),
                "eval/mean_ep_length": float(episodes["steps"].mean()),
                "eval/objective": objective,
                "eval/fills": float(episodes["fills"].mean()),
            },
            step,
        )
        if objective > self.best_objective:
            self.best_objective = objective
            self.run.mark_best(step, objective)
        return objective

    def _validate(self, policy: Policy) -> npt.NDArray[Any]:
        if self._validation_env is None:
            self._validation_env = self.task.make(self.validation_markets, "validation")
        seeds = market_seeds(Split.VALIDATION, self.validation_markets, self.market_root)
        return play(self._validation_env, [Job(policy, seeds)])[0].episodes

    def close(self) -> None:
        """Close the validation markets."""
        if self._validation_env is not None:
            self._validation_env.close()
            self._validation_env = None
