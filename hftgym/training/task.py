"""Which environment a run trains and is judged on, and how to make its batches."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

ENV_ID = "hftgym/MarketMaking-v0"


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
