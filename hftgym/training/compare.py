"""From episodes to figures: paired differences, their intervals, tails and attribution."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from hftgym.analytics.statistics import (
    Interval,
    block_bootstrap_mean,
    crossed_bootstrap_mean_difference,
    cvar,
    holm,
    pairing_gain,
    smallest_detectable_effect,
)
from hftgym.training.metrics import controlled_objective, participation, total_pnl

FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Entry:
    """Episodes of one policy.

    Attributes:
        name: Name in the table.
        role: ``learner``, ``baseline`` or ``ceiling``.
        episodes: Episode records, shape (training seeds, markets); one row for a baseline.
        blocks: Objective gained in each block of time, ticks, shape (training seeds, markets,
            blocks); for tapes.
    """

    name: str
    role: str
    episodes: npt.NDArray[Any]
    blocks: FloatArray | None = None

    @property
    def objective(self) -> FloatArray:
        """Objective J of each episode, less the luck of its positions, (training seeds, markets).

        See `hftgym.training.metrics.controlled_objective`: for means, not for tails.
        """
        return controlled_objective(self.episodes)


@dataclass(frozen=True)
class Paired:
    """The learner less this policy, market by market.

    Attributes:
        difference: Mean paired difference of J with its interval, ticks.
        p_holm: p-value after Holm's correction over all baselines.
        by_seed: Mean difference of each training seed, ticks.
        worst_seed: The smallest of them.
        correlation: Correlation of the two objectives over markets.
        variance_reduction: Share of the variance that pairing removes.
        detectable_tick: Smallest difference that such an evaluation finds in 80 % of cases.
    """

    difference: Interval
    p_holm: float
    by_seed: tuple[float, ...]
    worst_seed: float
    correlation: float
    variance_reduction: float
    detectable_tick: float


@dataclass(frozen=True)
class Row:
    """Figures of one policy; means over training seeds and markets, ticks or lots an episode."""

    name: str
    role: str
    objective_tick: float
    cvar5_tick: float
    pnl_tick: float
    pnl_spread_tick: float
    pnl_inventory_tick: float
    pnl_fees_tick: float
    fills: float
    inventory_mean_abs_lot: float
    inventory_max_abs_lot: float
    quoting_share: float
    participation: float
    rejects: float
    by_seed_tick: tuple[float, ...]
    paired: Paired | None = None


@dataclass(frozen=True)
class Comparison:
    """A table of policies, the learner first.

    Attributes:
        rows: One row for each policy.
        markets: Number of markets.
        training_seeds: Number of learners.
        confidence: Coverage of the intervals.
        method: How the intervals were made.
        ceiling_share: Share of the gap between the best constant spread and the ceiling that the
            learner closes; None when the table holds no such pair.
        control_reduction: Share of the variance of the learner's objective that the control
            variate removes; 0 without one.
    """

    rows: tuple[Row, ...]
    markets: int
    training_seeds: int
    confidence: float
    method: str
    ceiling_share: float | None
    control_reduction: float = 0.0

    def to_dict(self) -> dict[str, Any]:
        """Return plain figures for JSON."""
        return asdict(self)

    def row(self, name: str) -> Row:
        """Return the row of the policy called `name`."""
        return next(row for row in self.rows if row.name == name)


def compare(
    entries: Sequence[Entry],
    rng: np.random.Generator,
    *,
    resamples: int = 4000,
    confidence: float = 0.95,
    by_block: bool = False,
    reference: str = "constant spread",
) -> Comparison:
    """Compare the first learner with every other policy.

    Args:
        entries: Episodes of each policy on the same markets in the same order; a learner first.
        rng: Generator of the bootstrap.
        resamples: Number of resamples.
        confidence: Coverage of the intervals.
        by_block: Resample blocks of time instead of markets (for the windows of a tape).
        reference: Name of the baseline from which the gap to the ceiling is counted.
    """
    learner = entries[0]
    for entry in entries:
        if (entry.episodes["market_seed"] != learner.episodes["market_seed"][0]).any():
            raise ValueError(f"{entry.name} did not play the markets of {learner.name}")
    paired = [
        None
        if entry.role == "learner"
        else _pair(learner, entry, rng, resamples, confidence, by_block)
        for entry in entries
    ]
    baselines = [i for i, e in enumerate(entries) if e.role == "baseline" and paired[i] is not None]
    adjusted = holm([_p(paired[i]) for i in baselines])
    for i, p in zip(baselines, adjusted, strict=True):
        paired[i] = _with_p(paired[i], p)
    rows = tuple(_row(e, pair) for e, pair in zip(entries, paired, strict=True))
    seeds, markets = learner.episodes.shape
    return Comparison(
        rows=rows,
        markets=markets,
        training_seeds=seeds,
        confidence=confidence,
        method=_method(by_block, seeds),
        ceiling_share=_ceiling_share(rows, reference),
        control_reduction=_control_reduction(learner),
    )


def _pair(
    learner: Entry,
    other: Entry,
    rng: np.random.Generator,
    resamples: int,
    confidence: float,
    by_block: bool,
) -> Paired:
    difference = learner.objective - other.objective  # (seeds, markets)
    if by_block:
        if learner.blocks is None or other.blocks is None:
            raise ValueError("blocks of time were not recorded: play with block_s")
        gains = learner.blocks.mean(axis=0) - other.blocks.mean(axis=0)  # (markets, blocks)
        interval = _scaled(
            block_bootstrap_mean(
                gains.ravel(), rng, block=1, resamples=resamples, confidence=confidence
            ),
            gains.shape[1],
        )
    else:
        interval = crossed_bootstrap_mean_difference(
            difference, rng, resamples=resamples, confidence=confidence
        )
    correlation, reduction = pairing_gain(learner.objective.mean(axis=0), other.objective[0])
    by_seed = tuple(float(x) for x in difference.mean(axis=1))
    return Paired(
        difference=interval,
        p_holm=interval.p_value,
        by_seed=by_seed,
        worst_seed=min(by_seed),
        correlation=correlation,
        variance_reduction=reduction,
        detectable_tick=smallest_detectable_effect(interval.standard_error),
    )


def _scaled(interval: Interval, factor: float) -> Interval:
    """Return an interval of blocks as one of episodes."""
    return Interval(
        mean=interval.mean * factor,
        low=interval.low * factor,
        high=interval.high * factor,
        standard_error=interval.standard_error * factor,
        p_value=interval.p_value,
        confidence=interval.confidence,
        resamples=interval.resamples,
    )


def _p(paired: Paired | None) -> float:
    assert paired is not None
    return paired.difference.p_value


def _with_p(paired: Paired | None, p: float) -> Paired:
    assert paired is not None
    return Paired(**{**vars(paired), "p_holm": p})


def _row(entry: Entry, paired: Paired | None) -> Row:
    e = entry.episodes
    return Row(
        name=entry.name,
        role=entry.role,
        objective_tick=float(entry.objective.mean()),
        cvar5_tick=cvar(np.asarray(e["objective"], np.float64)),
        pnl_tick=float(total_pnl(e).mean()),
        pnl_spread_tick=float(e["pnl_spread"].mean()),
        pnl_inventory_tick=float(e["pnl_inventory"].mean()),
        pnl_fees_tick=float(e["pnl_fees"].mean()),
        fills=float(e["fills"].mean()),
        inventory_mean_abs_lot=float(e["inventory_mean_abs"].mean()),
        inventory_max_abs_lot=float(e["inventory_max_abs"].max()),
        quoting_share=float(e["quoting_share"].mean()),
        participation=participation(e),
        rejects=float(e["rejects"].mean()),
        by_seed_tick=tuple(float(x) for x in entry.objective.mean(axis=1)),
        paired=paired,
    )


def _method(by_block: bool, seeds: int) -> str:
    if by_block:
        return "block bootstrap over time"
    if seeds == 1:
        return "bootstrap over markets; one training seed, so it speaks of this learner alone"
    return f"crossed bootstrap over {seeds} training seeds and the markets"


def _control_reduction(learner: Entry) -> float:
    plain = float(np.var(learner.episodes["objective"]))
    return 1.0 - float(np.var(learner.objective)) / plain if plain > 0.0 else 0.0


def _ceiling_share(rows: Sequence[Row], reference: str) -> float | None:
    ceiling = next((r for r in rows if r.role == "ceiling"), None)
    base = next((r for r in rows if r.name == reference), None)
    if ceiling is None or base is None or ceiling.objective_tick <= base.objective_tick:
        return None
    gap = ceiling.objective_tick - base.objective_tick
    return (rows[0].objective_tick - base.objective_tick) / gap
