"""What a learner is given: environments, a run folder, validation and a place for its scalars.

A learner asks for batches, learns, and calls `checkpoint` now and then. Everything else (seeds,
which markets, files, comparison, Ctrl-C) belongs to the session.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from hftgym.tensorboard.writer import MetricsWriter, read_metrics
from hftgym.training.interrupt import StopRequest
from hftgym.training.judge import Judge
from hftgym.training.metrics import episode_scalars
from hftgym.training.passivity import PassivityMonitor
from hftgym.training.policy import Policy
from hftgym.training.progress import PhaseProgress
from hftgym.training.resume import State, state_files
from hftgym.training.runs import RunFolder
from hftgym.training.task import KnownTask, MarketTask


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
        keep: Newest checkpoints that stay, beside the best.
        passivity: The passivity alarm.
        best_objective: Best objective of a checkpoint so far.
        resumed: State of the run that goes on (`hftgym.training.resume`); None at a new one.
    """

    task: MarketTask | KnownTask
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
    keep: int = 3
    passivity: PassivityMonitor = field(default_factory=PassivityMonitor)
    best_objective: float = -np.inf
    resumed: State | None = None
    _judge: Judge | None = None

    def make_env(self, num_envs: int) -> Any:
        """Return a vector environment to train on."""
        return self.task.make_training(num_envs)

    @property
    def checkpoint_steps(self) -> int:
        """Environment steps between two checkpoints."""
        return max(1, self.steps // max(1, self.validations))

    def checkpoint(self, policy: Policy, step: int, files: Mapping[str, bytes]) -> float:
        """Save a checkpoint and judge it.

        Args:
            policy: The policy as it is now.
            step: Environment steps done.
            files: What has to be saved, by file name.

        Returns:
            Mean objective on the validation markets, in ticks; the score of a known answer.
        """
        self.run.save_checkpoint(step, files)
        objective = self.judge(policy, step)
        self.run.prune(self.keep)
        return objective

    def save(self, policy: Any, step: int, state: State | None, due: int) -> None:
        """Take a checkpoint from which a run can go on.

        Args:
            policy: The policy as it is now; its ``files`` are saved.
            step: Environment steps done.
            state: Everything that the rest of the run depends on; None: it can not go on.
            due: Step of the last checkpoint that was due, which a stop does not move.
        """
        files = policy.files()
        if state is not None:
            arrays, plain = state
            files |= state_files(arrays, plain | {"saved": due, "session": self.state()})
        self.checkpoint(policy, step, files)

    def judge(self, policy: Policy, step: int) -> float:
        """Judge the policy of a checkpoint, and remember the best; return its objective."""
        if self._judge is None:
            self._judge = self.task.judge(self.validation_markets, self.market_root)
        found = self._judge(policy)
        self.writer.scalars(found, step)
        objective = found["eval/objective"]
        if objective > self.best_objective:
            self.best_objective = objective
            self.run.mark_best(step, objective)
        self.progress.advance(0, f"validation J {objective:+.2f}")
        return objective

    def rollout_scalars(
        self, episodes: Sequence[npt.NDArray[Any]], withdrawn: float, step: int
    ) -> dict[str, float]:
        """Return what the episodes of a rollout say, by tag, after asking the passivity alarm.

        Args:
            episodes: Records of the episodes that have ended, in as many arrays as there are.
            withdrawn: Share of the rollout's decisions that withdraw both sides.
            step: Environment steps done.

        Returns:
            Means and tails; nothing on a task without a market.
        """
        if isinstance(self.task, KnownTask):
            return {}
        quotes = self.task.quotes
        scalars = {"risk/withdraw_rate": withdrawn} if quotes else {}
        fills = quoting = None
        if episodes:
            records = np.concatenate(episodes)
            scalars |= episode_scalars(records)
            fills = float(records["fills"].mean())
            quoting = float(records["quoting_share"].mean()) if quotes else None
        alarm = self.passivity.update(
            withdraw_rate=withdrawn if quotes else 0.0,
            fills=fills,
            quoting_share=quoting,
            step=step,
        )
        return scalars | {"risk/passive": float(alarm)}

    def judged(self, step: int) -> bool:
        """Return whether the checkpoint of a step has been judged (not: killed before that)."""
        rows = read_metrics(self.run.metrics)
        return any(row["step"] == step and "eval/objective" in row for row in rows)

    def state(self) -> dict[str, Any]:
        """Return what a resumed run has to know of this session."""
        return {"passivity": self.passivity.state()}

    def go_on(self, state: dict[str, Any], step: int, policy: Policy) -> None:
        """Go on from what `state` has said at a step.

        Args:
            state: What `state` returned.
            step: Environment steps done.
            policy: The policy at this step; judged now if the run was killed before that.
        """
        self.best_objective = self.run.best_objective()
        self.passivity.restore(state["passivity"])
        self.progress.advance(step)
        if not self.judged(step):
            self.judge(policy, step)

    def close(self) -> None:
        """Close what checkpoints were judged with."""
        if self._judge is not None:
            self._judge.close()
            self._judge = None
