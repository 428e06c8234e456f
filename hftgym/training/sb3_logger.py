"""Stable-Baselines3's logger, routed into our event file and metrics log."""

from __future__ import annotations

from typing import Any

from stable_baselines3.common.logger import KVWriter

from hftgym.tensorboard.writer import MetricsWriter


class MetricsOutput(KVWriter):
    """Hands the numbers of each dump to a `MetricsWriter`.

    Args:
        writer: Where they go; it stays open when the logger closes.
    """

    def __init__(self, writer: MetricsWriter) -> None:
        self.writer = writer

    def write(
        self,
        key_values: dict[str, Any],
        key_excluded: dict[str, tuple[str, ...]],
        step: int = 0,
    ) -> None:
        """Write the numbers of one dump at `step`."""
        self.writer.scalars(
            {key: float(value) for key, value in key_values.items() if _is_number(value)}, step
        )

    def close(self) -> None:
        """Do nothing: whoever made the writer closes it."""


def _is_number(value: Any) -> bool:
    try:
        float(value)
    except (TypeError, ValueError):
        return False
    return not isinstance(value, str)
