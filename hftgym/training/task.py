"""Which environment a run trains and is judged on, and how to make its batches."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from hftgym.errors import ConfigError
from hftgym.training.judge import Judge, KnownJudge, MarketJudge

ENV_ID = "hftgym/MarketMaking-v0"

#: Tasks in which nobody is asked to keep quotes in the book.
NOT_QUOTING = ("hftgym/Execution-v0", "hftgym/Taking-v0", "hftgym/Pairs-v0")

#: Tasks whose best policy is known: a policy is scored there, not played.
KNOWN_IDS = ("hftgym/AlmgrenChriss-v0", "hftgym/AvellanedaStoikov-v0", "hftgym/CarteaJaimungal-v0")


@dataclass(frozen=True)
class MarketTask:
    """An environment by its id and arguments.

    Attributes:
        env_id: Gymnasium id with a vector entry point.
        scenario: Name or file of the scenario.
        data: Path of the data of a tape scenario.
        arguments: Further arguments of the environment.
    """

    env_id: str = ENV_ID
    scenario: str = "default"
    data: str | None = None
    arguments: Mapping[str, Any] = field(default_factory=dict)

    @property
    def quotes(self) -> bool:
        """Whether the task is to keep quotes in the book."""
        return self.env_id not in NOT_QUOTING

    def make_training(self, num_envs: int) -> Any:
        """Return a batch of training markets; a maker's starting inventory is drawn uniformly."""
        extra = {"initial_inventory": "uniform"} if self.quotes else {}
        return self.make(num_envs, "train", **extra)

    def judge(self, markets: int, root: int) -> Judge:
        """Return what judges checkpoints on so many validation markets."""
        return MarketJudge(self.make(markets, "validation"), markets, root)

    def make(self, num_envs: int, split: str, **extra: Any) -> Any:
        """Return a native vector environment that resets in the same step.

        Args:
            num_envs: Number of markets.
            split: ``train``, ``tune``, ``validation`` or ``test``.
            extra: Further arguments, for example ``observe_value=True``.
        """
        import gymnasium

        import hftgym  # registers the environments

        del hftgym
        arguments = {
            "scenario": self.scenario,
            "data": self.data,
            "split": split,
            "autoreset_mode": "SameStep",
            **self.arguments,
            **extra,
        }
        return gymnasium.make_vec(
            self.env_id,
            num_envs=num_envs,
            vectorization_mode="vector_entry_point",
            **arguments,
        )


@dataclass(frozen=True)
class KnownTask:
    """A task with a known answer, by its id and arguments.

    Attributes:
        env_id: One of `KNOWN_IDS`.
        arguments: Of the environment.
    """

    env_id: str
    arguments: Mapping[str, Any] = field(default_factory=dict)

    def make_training(self, num_envs: int) -> Any:
        """Return a native vector environment that resets in the same step.

        Raises:
            ConfigError: An argument is unknown.
        """
        import gymnasium

        import hftgym  # registers the environments

        del hftgym
        try:
            return gymnasium.make_vec(
                self.env_id,
                num_envs=num_envs,
                vectorization_mode="vector_entry_point",
                autoreset_mode="SameStep",
                **self.arguments,
            )
        except TypeError as error:
            raise ConfigError("HG-C071", f"arguments of {self.env_id}: {error}") from None

    def judge(self, markets: int, root: int) -> Judge:
        """Return what scores checkpoints; there are no markets to choose."""
        return KnownJudge(self.make_training(1))
