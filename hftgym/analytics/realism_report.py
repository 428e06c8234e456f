"""What a report on realism holds, as data and as a table for people."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from hftgym.analytics.gate_report import Verdict, judge
from hftgym.analytics.real_or_simulated import Judgement
from hftgym.analytics.realism_facts import Fact
from hftgym.analytics.stylised_facts import NOTHING, Estimate


@dataclass(frozen=True)
class Market:
    """Whose events were measured.

    Attributes:
        name: scenario or file.
        markets: number of tables.
        seconds: time of all of them together.
        events: rows of all of them together, as far as the report sees them.
    """

    name: str
    markets: int
    seconds: float
    events: int


@dataclass(frozen=True)
class FactRow:
    """A fact, measured on the simulation and, if there is any, on real data.

    Attributes:
        fact: what it is, and its band.
        simulated: figure of the simulation.
        real: figure of the real data; nothing without any.
    """

    fact: Fact
    simulated: Estimate
    real: Estimate = NOTHING

    @property
    def verdict(self) -> Verdict:
        """Outcome for the simulation."""
        return _verdict(self.fact, self.simulated)

    @property
    def real_verdict(self) -> Verdict:
        """Outcome for the real data: a band that real data leaves is too narrow."""
        return _verdict(self.fact, self.real)


def _verdict(fact: Fact, figure: Estimate) -> Verdict:
    if not fact.has_band:
        return Verdict.INFO
    if math.isnan(figure.value):
        return Verdict.NOT_APPLICABLE
    return judge(fact.holds(figure.value))


@dataclass(frozen=True)
class DistanceRow:
    """How far a simulated distribution is from the real one.

    Attributes:
        key: stable name.
        title: what is distributed, and in which unit.
        wasserstein: mean distance in that unit.
        kolmogorov_smirnov: largest difference of the distribution functions, 0 to 1.
        floor_wasserstein: the same between the two halves of the real data.
        floor_kolmogorov_smirnov: likewise.
    """

    key: str
    title: str
    wasserstein: float
    kolmogorov_smirnov: float
    floor_wasserstein: float
    floor_kolmogorov_smirnov: float


@dataclass(frozen=True)
class RealismReport:
    """Realism of a market.

    Attributes:
        simulated: the simulation.
        real: the real data; None without any.
        levels: levels a side that both were seen to.
        rows: the facts.
        distances: of simulated and real distributions; empty without real data.
        judgement: of the classifier; None without real data, or with too little of it.
    """

    simulated: Market
    real: Market | None
    levels: int
    rows: tuple[FactRow, ...]
    distances: tuple[DistanceRow, ...] = ()
    judgement: Judgement | None = None

    @property
    def ok(self) -> bool:
        """Whether the simulation leaves no band."""
        return not self.failed

    @property
    def failed(self) -> tuple[str, ...]:
        """Keys of the facts whose band the simulation leaves."""
        return tuple(row.fact.key for row in self.rows if row.verdict is Verdict.FAIL)

    def row(self, key: str) -> FactRow:
        """Return the row of a fact."""
        return next(row for row in self.rows if row.fact.key == key)

    def distance(self, key: str) -> DistanceRow:
        """Return the row of a distance."""
        return next(row for row in self.distances if row.key == key)

    def to_dict(self) -> dict[str, Any]:
        """Return plain data; what is not a finite number becomes None."""
        return {
            "simulated": asdict(self.simulated),
            "real": asdict(self.real) if self.real else None,
            "levels": self.levels,
            "ok": self.ok,
            "facts": [_fact_dict(row, self.real is not None) for row in self.rows],
            "distances": [
                {k: _finite(v) if isinstance(v, float) else v for k, v in asdict(row).items()}
                for row in self.distances
            ],
            "judge": asdict(self.judgement) if self.judgement else None,
        }

    def __str__(self) -> str:
        """Return the tables."""
        lines = [f"realism of {_describe(self.simulated)}"]
        if self.real:
            lines[0] += f" against {_describe(self.real)}"
        lines[0] += f"; book seen to {self.levels} level{'s' * (self.levels > 1)}"
        lines += _table(self._fact_cells())
        if self.distances:
            lines += ["", *_table(self._distance_cells())]
        if self.judgement:
            lines += ["", *_judgement_lines(self.judgement)]
        count = sum(row.fact.has_band and not math.isnan(row.simulated.value) for row in self.rows)
        failed = [row.fact.title for row in self.rows if row.verdict is Verdict.FAIL]
        lines += ["", f"{count - len(failed)} of {count} facts hold"]
        if failed:
            lines[-1] += f"; failed: {', '.join(failed)}"
        if self.real:
            strict = [row.fact.title for row in self.rows if row.real_verdict is Verdict.FAIL]
            if strict:
                lines.append(f"the real data itself fails: {', '.join(strict)}")
        return "\n".join(lines)

    def _fact_cells(self) -> list[tuple[str, ...]]:
        head: tuple[str, ...] = ("", "fact", "simulated", "95 %", "band", "reported by")
        if self.real:
            head = (*head[:5], "real", "", "reported by")
        cells = [head]
        for row in self.rows:
            cell: tuple[str, ...] = (
                str(row.verdict),
                row.fact.title,
                f"{_text(row.simulated.value)} {row.fact.unit}".strip(),
                _interval(row.simulated),
                row.fact.band,
            )
            if self.real:
                cell = (*cell, _text(row.real.value), str(row.real_verdict))
            cells.append((*cell, row.fact.source))
        return cells

    def _distance_cells(self) -> list[tuple[str, ...]]:
        cells: list[tuple[str, ...]] = [
            ("distribution", "Wasserstein", "real halves", "Kolm.-Smirnov", "real halves")
        ]
        for row in self.distances:
            figures = (
                row.wasserstein,
                row.floor_wasserstein,
                row.kolmogorov_smirnov,
                row.floor_kolmogorov_smirnov,
            )
            cells.append((row.title, *map(_text, figures)))
        return cells


def _describe(market: Market) -> str:
    many = f"{market.markets} markets, " if market.markets > 1 else ""
    return f"{market.name!r} ({many}{market.seconds:,.0f} s, {market.events:,} events)"


def _judgement_lines(found: Judgement) -> list[str]:
    folds = " ".join(f"{auc:.3f}" for auc in found.fold_aucs)
    tells = ", ".join(f"{name} {auc:.2f}" for name, auc in found.tells)
    return [
        f"judge: AUC {found.auc:.3f} (0.5 can not tell, 1 always can; folds {folds}) on "
        f"{found.simulated_windows:,} simulated and {found.real_windows:,} real windows",
        f"the same with shuffled labels: {found.shuffled_auc:.3f}; between the halves of the real "
        f"data: {found.real_halves_auc:.3f}",
        f"what gives it away, each alone: {tells}",
    ]


def _fact_dict(row: FactRow, with_real: bool) -> dict[str, Any]:
    out: dict[str, Any] = {
        "key": row.fact.key,
        "title": row.fact.title,
        "unit": row.fact.unit,
        "band": [_finite(row.fact.low), _finite(row.fact.high)] if row.fact.has_band else None,
        "source": row.fact.source,
        "simulated": _estimate_dict(row.simulated, row.verdict),
    }
    if with_real:
        out["real"] = _estimate_dict(row.real, row.real_verdict)
    return out


def _estimate_dict(figure: Estimate, verdict: Verdict) -> dict[str, Any]:
    known = verdict in (Verdict.PASS, Verdict.FAIL)
    return {
        "value": _finite(figure.value),
        "low": _finite(figure.low),
        "high": _finite(figure.high),
        "ok": verdict is Verdict.PASS if known else None,
    }


def _finite(x: float) -> float | None:
    return float(x) if math.isfinite(x) else None


def _interval(figure: Estimate) -> str:
    return f"{_text(figure.low)} .. {_text(figure.high)}" if math.isfinite(figure.low) else ""


def _text(x: float) -> str:
    if math.isnan(x):
        return "-"
    return f"{x:,.1f}" if abs(x) >= 100 else f"{x:.3g}"


def _table(cells: Sequence[Sequence[str]]) -> list[str]:
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in cells
    ]
