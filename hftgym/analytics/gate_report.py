"""What a gate is: a figure, its band, and whether it holds; and the table of all of them."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]
RESAMPLES = 1_000


class Verdict(StrEnum):
    """Outcome of a gate."""

    PASS = "pass"
    FAIL = "FAIL"
    NOT_APPLICABLE = "n/a"
    BROKEN = "broken"  # fails, as the scenario says that it is meant to
    HOLDS = "holds"  # holds, though the scenario says that it is meant to break
    INFO = ""  # a figure without a band


@dataclass(frozen=True)
class GateRow:
    """One figure of a market, with its band if it is a gate.

    Attributes:
        key: stable name, for ``--json``.
        title: what is measured, for people.
        value: the figure; NaN when not applicable.
        unit: its unit.
        low: lower end of its 95 % interval; NaN without one.
        high: upper end.
        band: what it must satisfy, in words; empty without a band.
        verdict: the outcome.
        note: what else there is to know.
        meant: why the scenario is meant to break this gate; empty if it is not.
    """

    key: str
    title: str
    value: float
    unit: str
    low: float = math.nan
    high: float = math.nan
    band: str = ""
    verdict: Verdict = Verdict.INFO
    note: str = ""
    meant: str = ""

    @property
    def ok(self) -> bool:
        """Whether nothing is wrong here."""
        return self.verdict is not Verdict.FAIL

    def meant_to_break(self, why: str) -> GateRow:
        """Return the row of a gate that the scenario is meant to break."""
        verdicts = {Verdict.FAIL: Verdict.BROKEN, Verdict.PASS: Verdict.HOLDS}
        verdict = verdicts.get(self.verdict, self.verdict)
        return dataclasses.replace(self, verdict=verdict, meant=why)


@dataclass(frozen=True)
class GateReport:
    """All figures of one market.

    Attributes:
        scenario: name of the scenario.
        config_hash: identity of the scenario, defaults included.
        episodes: markets measured.
        seconds: length of an episode.
        seed: root of the random numbers.
        rows: the figures.
    """

    scenario: str
    config_hash: str
    episodes: int
    seconds: int
    seed: int
    rows: tuple[GateRow, ...]

    @property
    def ok(self) -> bool:
        """Whether no gate fails but those that are meant to."""
        return all(row.ok for row in self.rows)

    def row(self, key: str) -> GateRow:
        """Return one row by its key."""
        return next(row for row in self.rows if row.key == key)

    def to_dict(self) -> dict[str, Any]:
        """Return plain data; what is not a number becomes None."""
        return {
            "scenario": self.scenario,
            "config_hash": self.config_hash,
            "episodes": self.episodes,
            "seconds": self.seconds,
            "seed": self.seed,
            "ok": self.ok,
            "rows": [
                {
                    "key": row.key,
                    "title": row.title,
                    "value": _finite(row.value),
                    "unit": row.unit,
                    "low": _finite(row.low),
                    "high": _finite(row.high),
                    "band": row.band,
                    "ok": None if row.verdict in (Verdict.INFO, Verdict.NOT_APPLICABLE) else row.ok,
                    "verdict": str(row.verdict),
                    "note": row.note,
                    "meant_to_break": row.meant or None,
                }
                for row in self.rows
            ],
        }

    def __str__(self) -> str:
        """Return the table."""
        head = (
            f"gates of scenario {self.scenario!r}: {self.episodes:,} episodes of {self.seconds} s, "
            f"seed {self.seed}; 95 % bootstrap over episodes"
        )
        cells = [("", "measure", "value", "95 % interval", "band")]
        for row in self.rows:
            known = math.isfinite(row.low)
            interval = f"{_text(row.low)} .. {_text(row.high)}" if known else ""
            value = f"{_text(row.value)} {row.unit}".strip() if math.isfinite(row.value) else "-"
            cells.append((str(row.verdict), row.title, value, interval, row.band))
        widths = [max(len(line[k]) for line in cells) for k in range(len(cells[0]))]
        lines = []
        notes: list[list[str]] = [[]]
        for row in self.rows:
            notes.append([row.note, row.meant and f"meant to break: {row.meant}"])
        for line, below in zip(cells, notes, strict=True):
            padded = "  ".join(c.ljust(width) for c, width in zip(line, widths, strict=True))
            lines.append(padded.rstrip())
            lines += [" " * (widths[0] + 4) + note for note in below if note]
        return "\n".join([head, *lines, *self._ends()])

    def _ends(self) -> list[str]:
        """Return the last lines: which gates failed, which were meant to, which held after all."""
        ends = [
            f"{words}: {', '.join(titles)}"
            for words, verdict in (
                ("broken, as it is meant to be", Verdict.BROKEN),
                ("meant to be broken, but holds", Verdict.HOLDS),
                ("failed", Verdict.FAIL),
            )
            if (titles := [row.title for row in self.rows if row.verdict is verdict])
        ]
        if not ends:
            return ["every gate holds"]
        return ends if not self.ok else [*ends, "every other gate holds"]


def _finite(x: float) -> float | None:
    return float(x) if math.isfinite(x) else None


def _text(x: float) -> str:
    return f"{x:,.1f}" if abs(x) >= 100 else f"{x:.3g}"


def judge(holds: bool) -> Verdict:
    """Return the verdict of a gate that applies."""
    return Verdict.PASS if holds else Verdict.FAIL


def bootstrap_of_sums(
    table: npt.ArrayLike,
    statistic: Callable[[FloatArray], FloatArray],
    rng: np.random.Generator,
    resamples: int = RESAMPLES,
) -> tuple[float, float]:
    """Return the 95 % percentile interval of a statistic of column sums over episodes.

    Args:
        table: what each episode adds to the sums, shape (episodes, sums).
        statistic: maps sums, shape (resamples, sums), to values, shape (resamples,).
        rng: for the resampling of episodes.
        resamples: how many.

    Returns:
        The ends; NaN if the statistic is not defined in some resample.
    """
    rows = np.asarray(table, np.float64)
    n = len(rows)
    values = np.empty(resamples)
    chunk = 250  # bounds the memory of the weights
    for begin in range(0, resamples, chunk):
        size = min(chunk, resamples - begin)
        counts = rng.multinomial(n, np.full(n, 1.0 / n), size=size).astype(np.float64)
        values[begin : begin + size] = statistic(counts @ rows)
    if not np.isfinite(values).all():
        return math.nan, math.nan
    low, high = np.quantile(values, [0.025, 0.975])
    return float(low), float(high)


def ratio_of_sums(sums: FloatArray) -> FloatArray:
    """Return the first column over the second, shape (resamples,); NaN over nothing."""
    below = np.where(sums[:, 1] == 0.0, np.nan, sums[:, 1])
    return np.asarray(sums[:, 0] / below, np.float64)
