"""Gates on the market itself: spread, impact and variance ratio, without any learner in it.

References:
    Lo and MacKinlay (1988), "Stock market prices do not follow random walks", for the variance
    ratio. Glosten and Milgrom (1985) for why a trade moves the mid by part of the half-spread.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from hftgym.analytics.gate_report import (
    FloatArray,
    GateRow,
    bootstrap_of_sums,
    judge,
    ratio_of_sums,
)
from hftgym.analytics.quality import SPREAD_BINS, Measured

#: Median of the spread over time, ticks.
SPREAD_BAND_TICK = (2, 4)
#: Mid move 1 s after a trade, as a share of the half-spread that the trade paid.
IMPACT_BAND = (0.60, 0.90)
#: Variance of 60 s returns over 60 times that of 1 s returns.
VARIANCE_RATIO_BAND = (0.90, 1.10)
LONG_S = 60


def market_gates(found: Measured, rng: np.random.Generator) -> list[GateRow]:
    """Return the gates that need no learner."""
    return [_spread(found, rng), _impact(found, rng), _variance_ratio(found, rng)]


def weighted_median_bin(weights: npt.ArrayLike) -> npt.NDArray[np.int64]:
    """Return the first bin at which half of the weight is reached, along the last axis."""
    cumulative = np.cumsum(np.asarray(weights, np.float64), axis=-1)
    return np.asarray((cumulative >= 0.5 * cumulative[..., -1:]).argmax(axis=-1), np.int64)


def variance_ratio_sums(mid: npt.ArrayLike, long_s: int = LONG_S) -> FloatArray:
    """Return what each episode adds to the variance ratio.

    Args:
        mid: mid at whole seconds, shape (episodes, seconds + 1).
        long_s: the long return, s.

    Returns:
        Mean square of the overlapping long returns over ``long_s``, and of the 1 s returns: a
        martingale has no mean to subtract. Shape (episodes, 2).
    """
    x = np.asarray(mid, np.float64)
    long = np.mean((x[:, long_s:] - x[:, :-long_s]) ** 2, axis=1) / long_s
    return np.column_stack((long, np.mean(np.diff(x, axis=1) ** 2, axis=1)))


def _spread(found: Measured, rng: np.random.Generator) -> GateRow:
    time_ns = found.rows["spread_ns"].astype(np.float64)
    total = time_ns.sum(axis=0)
    median = int(weighted_median_bin(total))
    low, high = bootstrap_of_sums(
        time_ns, lambda sums: weighted_median_bin(sums).astype(np.float64), rng
    )
    wide = total[-1] / total.sum()
    shares = total / total.sum()
    inside = shares[SPREAD_BAND_TICK[0] : SPREAD_BAND_TICK[1] + 1].sum()
    return GateRow(
        "spread_median",
        "median spread over time",
        float(median),
        "tick",
        low,
        high,
        f"{SPREAD_BAND_TICK[0]} to {SPREAD_BAND_TICK[1]}",
        judge(SPREAD_BAND_TICK[0] <= median <= SPREAD_BAND_TICK[1]),
        f"{inside:.0%} of the time in the band, {wide:.2%} one-sided or over {SPREAD_BINS - 2}",
    )


def _impact(found: Measured, rng: np.random.Generator) -> GateRow:
    rows = found.rows
    table = np.column_stack((rows["impact_2px"], rows["edge_2px"])).astype(np.float64)
    sums = table.sum(axis=0, keepdims=True)
    value = float(ratio_of_sums(sums)[0])
    tick_2px = 2.0 * found.scenario.instrument.tick_px
    half = sums[0, 1] / max(1, int(rows["matured"].sum())) / tick_2px
    low, high = bootstrap_of_sums(table, ratio_of_sums, rng)
    return GateRow(
        "impact_1s",
        "impact after 1 s / half-spread",
        100.0 * value,
        "%",
        100.0 * low,
        100.0 * high,
        f"{IMPACT_BAND[0]:.0%} to {IMPACT_BAND[1]:.0%}",
        judge(IMPACT_BAND[0] <= value <= IMPACT_BAND[1]),
        f"a trade pays {half:.2f} tick above the mid",
    )


def _variance_ratio(found: Measured, rng: np.random.Generator) -> GateRow:
    table = variance_ratio_sums(found.mid_2px)
    value = float(ratio_of_sums(table.sum(axis=0, keepdims=True))[0])
    return GateRow(
        "variance_ratio",
        "variance ratio 60 s / 1 s",
        value,
        "",
        *bootstrap_of_sums(table, ratio_of_sums, rng),
        f"{VARIANCE_RATIO_BAND[0]:.1f} to {VARIANCE_RATIO_BAND[1]:.1f}",
        judge(VARIANCE_RATIO_BAND[0] <= value <= VARIANCE_RATIO_BAND[1]),
        "below 1: the mid reverts; above 1: it trends",
    )


def market_figures(found: Measured) -> list[GateRow]:
    """Return figures without a band: activity, depth, volatility, who takes and who earns."""
    rows, seconds = found.rows, found.seconds
    tick_px = found.scenario.instrument.tick_px
    kinds = np.array(found.kinds)
    taken = found.taker_lots.sum(axis=0)
    depth = rows["depth_lot_ns"].sum() / max(1, int(rows["two_sided_ns"].sum())) / 2.0
    sigma = np.sqrt(np.mean(np.diff(found.mid_2px, axis=1) ** 2)) / (2.0 * tick_px)
    out = [
        GateRow("messages_per_s", "messages", float(rows["messages"].mean() / seconds), "/s"),
        GateRow("trades_per_s", "trades (fills)", float(rows["trades"].mean() / seconds), "/s"),
        GateRow("volume_per_s", "volume", float(rows["volume"].mean() / seconds), "lot/s"),
        GateRow("depth", "depth at the touch, a side", float(depth), "lot"),
        GateRow("sigma_1s", "volatility of the mid at 1 s", float(sigma), "tick/sqrt(s)"),
        GateRow(
            "informed_share",
            "informed share of the taken volume",
            100.0 * float(taken[kinds == "informed_taker"].sum() / max(1, int(taken.sum()))),
            "%",
        ),
    ]
    for kind in dict.fromkeys(found.kinds):
        pnl = found.pnl_tick[:, kinds == kind].sum(axis=1)
        out.append(_money(f"pnl_{kind}", f"P&L of {kind}", pnl))
    out.append(_money("pnl_exchange", "fees to the exchange", found.fees_tick))
    out.append(_money("pnl_sum", "sum of all these", found.pnl_tick.sum(axis=1) + found.fees_tick))
    return out


def _money(key: str, title: str, by_episode: FloatArray) -> GateRow:
    # A sum of floats that are exact in tenths: what is left of zero is their rounding.
    value = round(float(by_episode.mean()), 9) + 0.0
    return GateRow(key, title, value, "tick lot / episode")
