"""Kyle 1985: the equilibrium, found again in sampled auctions."""

from __future__ import annotations

import numpy as np
import pytest

from hftgym.papers.kyle_1985 import equilibrium, rows, simulate


def test_all_numbers_sampled_ones_within_four_standard_errors() -> None:
    assert [row for row in rows() if not row.ok] == []


@pytest.mark.parametrize("factor", [0.5, 0.9, 1.1, 2.0])
def test_the_insider_can_not_do_better(factor: float) -> None:
    """Profit of buying b v against a fixed lambda: b (1 - lambda b) value_sd^2."""
    play = equilibrium(2.0, 0.5)

    def profit(b: float) -> float:
        return b * (1.0 - play.impact * b) * 2.0**2

    assert profit(play.intensity) == play.profit
    assert profit(factor * play.intensity) < play.profit


def test_the_errors_are_those_of_repeated_runs() -> None:
    """Over 400 runs the deviations have the stated size to 4 standard errors, 14 %."""
    runs = [simulate(2.0, 0.5, 1_000, seed) for seed in range(400)]
    for name in ("impact", "profit"):
        spread = np.std([getattr(run, name) for run in runs])
        stated = np.mean([getattr(run, f"{name}_error") for run in runs])
        assert spread / stated == pytest.approx(1.0, abs=0.15)
