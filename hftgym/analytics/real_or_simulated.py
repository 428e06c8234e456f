"""The hardest judge: a classifier that is told to separate real from simulated windows of a book.

Both markets are cut into windows of ten seconds, and each window is described by figures without a
unit: every one is measured in the mean or the standard deviation of its own market, so that neither
tick, nor lot, nor the level of activity tells them apart. The figure is the area under the ROC
curve on windows that the classifier has not seen: 0.5 says that it can not tell, 1 that it always
can.

Such figures lie on grids (a count over its mean, a spread in ticks over its mean), and the grid
alone names the market: the two halves of an afternoon of AMZN, each in units of its own, were told
apart with 0.996. So every figure is blurred by noise of a quarter of its standard deviation; with
it they were at 0.66.

Neighbouring windows are alike, so folds are blocks of time: each market is cut into equal
stretches, one stretch of each is judged, and the windows next to it are left out of the training.
The same with shuffled labels must give 0.5: that is printed beside it, as the proof that nothing
leaks. So is the same for two halves of the real data: no market is quite like itself an hour later.

References:
    Friedman (2001), "Greedy function approximation: a gradient boosting machine".
    Lopez-Paz and Oquab (2017), "Revisiting classifier two-sample tests".
    Racine (2000), "Consistent cross-validatory model-selection for dependent data: hv-block".
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from hftgym.analytics import event_series as series
from hftgym.analytics.event_series import NS, FloatArray
from hftgym.analytics.event_table import EventKind, EventTable, IntArray
from hftgym.core.rng import text_hash
from hftgym.errors import UsageError

WINDOW_S = 10
FOLDS = 5
#: Windows on each side of a judged stretch that are not trained on.
GAP = 6
#: Noise on each figure, in its standard deviations.
BLUR = 0.25
#: What a judgement trains: each fold once with the labels, with shuffled ones, and on real halves.
CLASSIFIERS = 3 * FOLDS
#: Windows of a kind below which the judge does not sit.
FEWEST_WINDOWS = 100


@dataclass(frozen=True)
class Judgement:
    """What the judge found.

    Attributes:
        auc: area under the ROC curve, mean over the folds.
        fold_aucs: of each fold.
        shuffled_auc: the same with shuffled labels, mean over the folds.
        real_halves_auc: the same for the first half of the real data against the second: how much a
            market differs from itself.
        simulated_windows: how many.
        real_windows: how many.
        tells: the figures that tell most by themselves, with the area under the curve of each
            alone, at least 0.5, best first.
    """

    auc: float
    fold_aucs: tuple[float, ...]
    shuffled_auc: float
    real_halves_auc: float
    simulated_windows: int
    real_windows: int
    tells: tuple[tuple[str, float], ...]


def window_features(table: EventTable) -> tuple[tuple[str, ...], FloatArray]:
    """Describe each window of ten seconds.

    Args:
        table: the events.

    Returns:
        Names, and figures without a unit, shape (windows, names); NaN where a window has nothing to
        measure.
    """
    raw = _raw_features(table)
    columns = []
    for values, scale in raw.values():
        known = values[np.isfinite(values)]
        unit = 1.0
        if scale is not None and len(known):
            unit = float(known.mean() if scale == "mean" else known.std())
        columns.append(values / unit if unit > 0.0 else values)
    return tuple(raw), np.column_stack(columns)


def _raw_features(table: EventTable) -> dict[str, tuple[FloatArray, str | None]]:
    """Return each figure with what it is measured in: its mean, its standard deviation, itself."""
    first_ns = int(table.t_ns[0])
    windows = int(table.t_ns[-1] - first_ns) // (WINDOW_S * NS)
    edges_ns = first_ns + WINDOW_S * NS * np.arange(windows + 1)
    edge = np.searchsorted(table.t_ns, edges_ns, "left")  # first row of each window

    def total(values: npt.ArrayLike) -> FloatArray:
        """Return the sum of a column over the events of each window."""
        return np.diff(np.concatenate(([0.0], np.cumsum(np.asarray(values, np.float64))))[edge])

    def held_mean(column: FloatArray) -> FloatArray:
        """Return the mean of a column over the time of each window."""
        area = np.concatenate(([0.0], np.cumsum(column[:-1] * np.diff(table.t_ns))))
        row = np.searchsorted(table.t_ns, edges_ns, "right") - 1
        return np.diff(area[row] + column[row] * (edges_ns - table.t_ns[row])) / (WINDOW_S * NS)

    def extreme(column: FloatArray, largest: bool) -> FloatArray:
        """Return the largest or smallest value in each window, what holds at its start included."""
        reduce = np.maximum if largest else np.minimum
        # One value more, so that an empty last window has an index.
        until_end = np.append(column[: edge[-1]], column[edge[-1] - 1])
        inside = reduce.reduceat(until_end, edge[:-1])
        inside = np.where(np.diff(edge) > 0, inside, column[np.maximum(edge[:-1] - 1, 0)])
        return np.asarray(reduce(inside, column[np.maximum(edge[:-1] - 1, 0)]), np.float64)

    both = table.two_sided
    mid = series.mid_tick(table)
    mid = np.where(np.isnan(mid), mid[np.argmax(np.isfinite(mid))], mid)
    log_mid = np.log(mid)
    spread = series.spread_tick(table)
    mean_spread = float(np.average(spread[both], weights=_safe(series.held_s(table)[both])))
    spread = np.where(both, spread, mean_spread)
    bid_lots = table.bid_lots[:, 0].astype(np.float64)
    ask_lots = table.ask_lots[:, 0].astype(np.float64)
    imbalance = (bid_lots - ask_lots) / np.maximum(bid_lots + ask_lots, 1.0)
    move = np.diff(log_mid, prepend=log_mid[:1])
    trade, add = table.is_trade, table.kind == EventKind.ADD
    hidden = table.kind == EventKind.HIDDEN_TRADE
    cancel = table.kind == EventKind.CANCEL
    volume = total(trade * table.lots)
    signed = total(trade * table.lots * table.side)
    orders = series.market_orders(table)
    order_window = np.searchsorted(edges_ns, orders.t_ns, "right") - 1
    repeats = np.append(False, (np.diff(orders.side) == 0) & (np.diff(order_window) == 0))
    inside = (order_window >= 0) & (order_window < windows)
    order_count = np.bincount(order_window[inside], minlength=windows).astype(np.float64)
    repeated = order_window[inside & repeats]
    repeat_count = np.bincount(repeated, minlength=windows).astype(np.float64)
    gap_s = np.diff(table.t_ns, prepend=table.t_ns[:1]) / NS
    events = total(np.ones(table.rows))
    change = total(move)
    return {
        "spread": (held_mean(spread), "mean"),
        "widest spread": (extreme(spread, True), "mean"),
        "narrowest spread": (extreme(spread, False), "mean"),
        "lots at the touch": (held_mean(np.log1p(bid_lots) + np.log1p(ask_lots)), "mean"),
        "imbalance": (held_mean(imbalance), None),
        "|imbalance|": (held_mean(np.abs(imbalance)), None),
        "return": (change, "deviation"),
        "|return|": (np.abs(change), "mean"),
        "range": (extreme(log_mid, True) - extreme(log_mid, False), "mean"),
        "realised volatility": (np.sqrt(total(move**2)), "mean"),
        "mid moves": (total(move != 0.0), "mean"),
        "events": (events, "mean"),
        "adds": (total(add), "mean"),
        "cancels": (total(cancel), "mean"),
        "cancels / adds and cancels": (_ratio(total(cancel), total(add | cancel)), None),
        "market orders": (order_count, "mean"),
        "hidden trades": (_ratio(total(hidden), total(trade)), None),
        "volume": (volume, "mean"),
        "net / whole volume": (_ratio(signed, volume), None),
        "repeated signs": (_ratio(repeat_count, order_count - 1.0), None),
        "size of an add": (_ratio(total(add * table.lots), total(add)), "mean"),
        "size of a market order": (_ratio(volume, order_count), "mean"),
        "order flow imbalance": (total(series.order_flow_imbalance(table)), "deviation"),
        "longest gap": (extreme(gap_s, True), "mean"),
        "clustering of events": (_ratio(total(gap_s < WINDOW_S / 1e3), events), None),
    }


def _safe(weights: FloatArray) -> FloatArray:
    """Return weights that do not sum to zero."""
    return weights if weights.sum() > 0.0 else np.ones_like(weights)


def _ratio(above: FloatArray, below: FloatArray) -> FloatArray:
    out = np.full(len(above), np.nan)
    np.divide(above, below, out=out, where=below > 0.0)
    return out


def blocked_folds(
    windows: int, folds: int = FOLDS, gap: int = GAP
) -> list[tuple[IntArray, IntArray]]:
    """Return training and judged windows of each fold of one market.

    Args:
        windows: how many there are, in order of time.
        folds: equal stretches of time, each judged once.
        gap: windows on both sides of the judged stretch that are not trained on.
    """
    edges = np.linspace(0, windows, folds + 1).round().astype(np.int64)
    index = np.arange(windows)
    return [
        (index[(index < start - gap) | (index >= stop + gap)], index[start:stop])
        for start, stop in pairwise(edges.tolist())
    ]


def judge(
    simulated: Sequence[EventTable],
    real: Sequence[EventTable],
    *,
    seed: int = 0,
    progress: Callable[[int], None] | None = None,
) -> Judgement | None:
    """Let the judge separate two kinds of markets.

    Args:
        simulated: tables of the one kind.
        real: tables of the other.
        seed: of the classifier and the shuffle.
        progress: called with 1 for each classifier that has been trained, ``CLASSIFIERS`` times.

    Returns:
        The judgement; None if one kind has fewer than ``FEWEST_WINDOWS`` windows.

    Raises:
        UsageError: if scikit-learn is not installed.
    """
    rng = np.random.default_rng([seed, text_hash("judge of realism")])
    names, our_windows = _windows(simulated, rng)
    _, their_windows = _windows(real, rng)
    if min(sum(map(len, our_windows)), sum(map(len, their_windows))) < FEWEST_WINDOWS:
        return None
    ours, theirs = np.concatenate(our_windows), np.concatenate(their_windows)
    first = np.concatenate([x[: len(x) // 2] for x in their_windows])
    second = np.concatenate([x[len(x) // 2 :] for x in their_windows])
    labels = np.repeat([0, 1], [len(ours), len(theirs)])
    found = _aucs((ours, theirs), labels, seed, progress)
    shuffled = _aucs((ours, theirs), rng.permutation(labels), seed, progress)
    half_labels = np.repeat([0, 1], [len(first), len(second)])
    floor = _aucs((first, second), half_labels, seed, progress)
    joined = np.concatenate((ours, theirs))
    alone = [(name, _alone(column, labels)) for name, column in zip(names, joined.T, strict=True)]
    return Judgement(
        auc=float(np.mean(found)),
        fold_aucs=tuple(found),
        shuffled_auc=float(np.mean(shuffled)),
        real_halves_auc=float(np.mean(floor)),
        simulated_windows=len(ours),
        real_windows=len(theirs),
        tells=tuple(sorted(alone, key=lambda pair: (-pair[1], pair[0]))[:5]),
    )


def _windows(
    tables: Sequence[EventTable], rng: np.random.Generator
) -> tuple[tuple[str, ...], list[FloatArray]]:
    """Return the blurred windows of each table that is long enough to have one."""
    names: tuple[str, ...] = ()
    windows = []
    for table in tables:
        if table.seconds >= WINDOW_S and table.two_sided.any():
            names, x = window_features(table)
            windows.append(x + BLUR * np.nanstd(x, axis=0) * rng.standard_normal(x.shape))
    return names, windows


def _aucs(
    kinds: tuple[FloatArray, FloatArray],
    labels: npt.NDArray[np.int64],
    seed: int,
    progress: Callable[[int], None] | None,
) -> list[float]:
    """Return the area under the ROC curve of each fold."""
    try:
        from sklearn.ensemble import HistGradientBoostingClassifier
        from sklearn.metrics import roc_auc_score
        from threadpoolctl import threadpool_limits
    except ImportError as error:
        raise UsageError(
            "HG-U171",
            "the judge of realism needs scikit-learn, which is not installed: "
            "pip install 'hftgym[quant]'",
        ) from error
    x = np.concatenate(kinds)
    out = []
    for train, test in _joined_folds([len(kind) for kind in kinds]):
        # No class weights: the area under the curve needs none, and finding weighted bins of the
        # histograms took 3.5 of 3.7 s of a fit.
        model = HistGradientBoostingClassifier(
            max_iter=60,
            learning_rate=0.1,
            max_leaf_nodes=15,
            early_stopping=False,
            random_state=seed,
        )
        # So few windows are not worth a second thread: on a busy machine it is waited for.
        with threadpool_limits(1):
            model.fit(x[train], labels[train])
            probability = model.predict_proba(x[test])[:, 1]
        out.append(float(roc_auc_score(labels[test], probability)))
        if progress is not None:
            progress(1)
    return out


def _joined_folds(windows: Sequence[int]) -> list[tuple[IntArray, IntArray]]:
    """Return folds that hold one stretch of each kind, as rows of both kinds joined."""
    offsets = np.concatenate(([0], np.cumsum(windows)))
    by_kind = [blocked_folds(count) for count in windows]
    return [
        tuple(  # type: ignore[misc]
            np.concatenate([kind[f][part] + offsets[k] for k, kind in enumerate(by_kind)])
            for part in (0, 1)
        )
        for f in range(FOLDS)
    ]


def _alone(column: FloatArray, labels: npt.NDArray[np.int64]) -> float:
    """Return the area under the ROC curve of one figure, turned so that it is at least 0.5."""
    known = np.isfinite(column)
    ones = int(labels[known].sum())
    zeros = int(known.sum()) - ones
    if not ones or not zeros:
        return 0.5
    _, place, counts = np.unique(column[known], return_inverse=True, return_counts=True)
    middle_rank = np.cumsum(counts) - (counts - 1) / 2.0
    above = float(middle_rank[place][labels[known] == 1].sum()) - ones * (ones + 1) / 2.0
    auc = above / (ones * zeros)
    return max(auc, 1.0 - auc)
