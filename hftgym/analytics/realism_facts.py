"""The stylised facts that a market is judged by: what each is, its band, and where it comes from.

A band says what the literature reports of real markets, in the widest sense in which it does; a
fact without a band is a figure to look at. ``facts`` measures a table of events, whatever its
source.

References:
    Cont (2001), "Empirical properties of asset returns: stylized facts and statistical issues".
    Vyetrenko et al. (2020), "Get real: realism metrics for robust limit order book simulations".
    Lillo and Farmer (2004), "The long memory of the efficient market".
    Plerou, Gopikrishnan and Stanley (2005), "Quantifying fluctuations in market liquidity".
    Bouchaud, Mezard and Potters (2002), "Statistical properties of stock order books".
    Gopikrishnan et al. (2000), "Statistical properties of share volume traded".
    Maslov and Mills (2001), "Price fluctuations from the order book perspective".
    Lillo, Farmer and Mantegna (2003), "Master curve for price-impact function".
    Plerou et al. (2002), "Quantifying stock-price response to demand fluctuations".
    Cont, Kukanov and Stoikov (2014), "The price impact of order book events".
    Degryse et al. (2005), "Aggressive orders and the resiliency of a limit order market".
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from hftgym.analytics import event_series as series
from hftgym.analytics import stylised_facts as estimate
from hftgym.analytics.event_series import FloatArray
from hftgym.analytics.event_table import EventKind, EventTable
from hftgym.analytics.stylised_facts import NOTHING, Estimate

INF = math.inf


@dataclass(frozen=True)
class Fact:
    """A stylised fact.

    Attributes:
        key: stable name.
        title: what is measured, for people.
        unit: of the figure; empty for a pure number.
        low: lower end of the band; minus infinity without one.
        high: upper end of the band; infinity without one.
        source: who reports it.
    """

    key: str
    title: str
    unit: str = ""
    low: float = -INF
    high: float = INF
    source: str = ""

    @property
    def has_band(self) -> bool:
        """Whether there is anything to fail."""
        return math.isfinite(self.low) or math.isfinite(self.high)

    def holds(self, value: float) -> bool:
        """Tell whether a figure lies in the band."""
        return self.low <= value <= self.high

    @property
    def band(self) -> str:
        """The band in words; empty without one."""
        if math.isfinite(self.low) and math.isfinite(self.high):
            return f"{self.low:g} to {self.high:g}"
        if math.isfinite(self.low):
            return f"at least {self.low:g}"
        return f"at most {self.high:g}" if math.isfinite(self.high) else ""


_CONT = "Cont 2001"
_VYETRENKO = "Vyetrenko et al. 2020"

FACTS: tuple[Fact, ...] = (
    Fact("return_acf_1s", "autocorrelation of 1 s returns", "", -0.1, 0.1, f"{_CONT}, 1"),
    Fact("return_acf_10s", "autocorrelation of 10 s returns", "", -0.1, 0.1, f"{_CONT}, 1"),
    Fact("return_acf_60s", "autocorrelation of 60 s returns", "", -0.15, 0.15, f"{_CONT}, 1"),
    Fact("kurtosis_1s", "excess kurtosis of 1 s returns", "", 1.0, INF, f"{_CONT}, 2"),
    Fact("kurtosis_10s", "excess kurtosis of 10 s returns", "", 0.5, INF, f"{_CONT}, 2"),
    Fact("tail_index_1s", "tail index of 1 s returns (Hill)", "", 2.0, 5.0, f"{_CONT}, 2"),
    Fact("aggregation", "kurtosis 60 s / kurtosis 1 s", "", -INF, 0.5, f"{_CONT}, 4"),
    Fact("skewness_60s", "gain/loss asymmetry: skewness of 60 s returns", source=f"{_CONT}, 3"),
    Fact("abs_acf_1s", "autocorrelation of |1 s returns|", "", 0.05, INF, f"{_CONT}, 6"),
    Fact(
        "abs_acf_10s",
        "autocorrelation of |10 s returns|, lags 1 to 10",
        "",
        0.02,
        INF,
        f"{_CONT}, 6",
    ),
    Fact("abs_decay", "decay exponent of the acf of |1 s returns|", "", 0.2, 0.4, f"{_CONT}, 8"),
    Fact("abs_hurst", "Hurst exponent of |1 s returns|", "", 0.6, 1.0, f"{_CONT}, 8"),
    Fact("leverage_10s", "correlation of return and next |return|, 10 s", source=f"{_CONT}, 9"),
    Fact(
        "volume_volatility",
        "correlation of volume and |return|, 10 s",
        "",
        0.2,
        1.0,
        f"{_CONT}, 10",
    ),
    Fact("sign_acf_1", "autocorrelation of trade signs, lag 1", "", 0.1, 1.0, "Lillo, Farmer 2004"),
    Fact(
        "sign_acf_10", "autocorrelation of trade signs, lag 10", "", 0.05, 1.0, "Lillo, Farmer 2004"
    ),
    Fact("sign_acf_50", "autocorrelation of trade signs, lag 50", source="Lillo, Farmer 2004"),
    Fact(
        "sign_decay", "decay exponent of the acf of trade signs", "", 0.2, 0.9, "Lillo, Farmer 2004"
    ),
    Fact("sign_hurst", "Hurst exponent of trade signs", "", 0.6, 0.9, "Lillo, Farmer 2004"),
    Fact("event_gap_cv", "variation of times between events", "", 1.2, INF, _VYETRENKO),
    Fact("event_gap_shape", "Weibull shape of times between events", "", 0.1, 0.9, _VYETRENKO),
    Fact("trade_gap_cv", "variation of times between trades", "", 1.2, INF, _VYETRENKO),
    Fact(
        "trade_gap_shape", "Weibull shape of times between market orders", "", 0.1, 0.9, _VYETRENKO
    ),
    Fact("event_fano_10s", "variance / mean of events in 10 s", "", 2.0, INF, _VYETRENKO),
    Fact("limit_lots_cv", "variation of limit order sizes", "", 0.5, INF, "Maslov, Mills 2001"),
    Fact(
        "market_lots_tail",
        "tail index of market order sizes",
        "",
        1.0,
        3.0,
        "Gopikrishnan et al. 2000",
    ),
    Fact("spread_tick", "mean spread over time", "tick"),
    Fact("spread_bps", "mean of spread / mid over time", "bps"),
    Fact("spread_cv", "variation of the spread over time"),
    Fact("spread_hurst", "Hurst exponent of the spread, 1 s", "", 0.6, 1.0, "Plerou et al. 2005"),
    Fact("touch_shape", "gamma shape of lots at the touch", "", 0.4, 1.0, "Bouchaud et al. 2002"),
    Fact(
        "depth_level_2", "lots at level 2 / lots at the touch", "", 1.0, INF, "Bouchaud et al. 2002"
    ),
    Fact("depth_level_3", "lots at level 3 / lots at the touch", source="Bouchaud et al. 2002"),
    Fact("depth_level_4", "lots at level 4 / lots at the touch", source="Bouchaud et al. 2002"),
    Fact("depth_level_5", "lots at level 5 / lots at the touch", source="Bouchaud et al. 2002"),
    Fact(
        "impact_exponent",
        "exponent of impact in order size, after 1 s",
        "",
        0.0,
        0.8,
        "Lillo et al. 2003",
    ),
    Fact(
        "flow_exponent",
        "exponent of impact in net volume of 10 s",
        "",
        0.1,
        0.9,
        "Plerou et al. 2002",
    ),
    Fact(
        "ofi_r2", "R2 of 10 s mid moves on order flow imbalance", "", 0.3, 0.85, "Cont et al. 2014"
    ),
    Fact(
        "spread_recovery",
        "wider spread gone 20 quotes after a sweep",
        "",
        0.5,
        1.2,
        "Degryse et al. 2005",
    ),
    Fact(
        "depth_recovery", "lots at the touch then / on average", "", 0.5, 2.0, "Degryse et al. 2005"
    ),
    Fact("volatility_1s", "volatility of 1 s returns", "bps"),
    Fact("events_per_s", "events", "/s"),
    Fact("trades_per_s", "market orders", "/s"),
)

#: Quote changes after which a sweep is looked at again.
RECOVERY_UPDATES = 20
_ABS_LAGS = 300
_SIGN_LAGS = 100


def facts(tables: EventTable | Sequence[EventTable]) -> dict[str, Estimate]:
    """Measure the stylised facts of one stretch of a market, or of several alike.

    Args:
        tables: events; several tables are several markets, and are never joined.

    Returns:
        An estimate by key of ``FACTS``. For several tables the value is the mean, and the interval
        holds the middle 95 % of them.
    """
    if isinstance(tables, EventTable):
        return _measure(tables)
    found = [_measure(table) for table in tables]
    return found[0] if len(found) == 1 else {f.key: _pool([x[f.key] for x in found]) for f in FACTS}


def _pool(estimates: Sequence[Estimate]) -> Estimate:
    values = np.array([e.value for e in estimates])
    values = values[~np.isnan(values)]
    if not len(values):
        return NOTHING
    if not np.isfinite(values).all():
        return Estimate(float(values.mean()))
    low, high = np.quantile(values, [0.025, 0.975])
    return Estimate(float(values.mean()), float(low), float(high))


def _measure(table: EventTable) -> dict[str, Estimate]:
    found: dict[str, Estimate | float] = {fact.key: math.nan for fact in FACTS}
    if table.rows and table.two_sided.any():
        for part in (_returns, _signs, _arrivals, _book, _impact, _resilience):
            found |= part(table)
    return {k: v if isinstance(v, Estimate) else Estimate(v) for k, v in found.items()}


def _returns(table: EventTable) -> dict[str, Estimate | float]:
    returns = {step: series.log_returns(table, step) for step in (1, 10, 60)}
    size_1s, size_10s = np.abs(returns[1]), np.abs(returns[10])
    kurtosis = {step: estimate.excess_kurtosis(x) for step, x in returns.items()}
    lots = np.where(table.is_trade, table.lots, 0).astype(np.float64)
    volume = series.sums_on_grid(table, lots, 10)[-len(size_10s) or None :]
    acf = {step: float(estimate.autocorrelation(x, [1])[0]) for step, x in returns.items()}
    return {
        "return_acf_1s": acf[1],
        "return_acf_10s": acf[10],
        "return_acf_60s": acf[60],
        "kurtosis_1s": kurtosis[1],
        "kurtosis_10s": kurtosis[10],
        "tail_index_1s": estimate.hill_index(returns[1]),
        "aggregation": kurtosis[60] / kurtosis[1] if kurtosis[1] > 0 else math.nan,
        "skewness_60s": estimate.skewness(returns[60]),
        "abs_acf_1s": float(estimate.autocorrelation(size_1s, [1])[0]),
        "abs_acf_10s": float(estimate.autocorrelation(size_10s, range(1, 11)).mean()),
        "abs_decay": estimate.decay_exponent(size_1s, _ABS_LAGS),
        "abs_hurst": estimate.hurst_exponent(size_1s),
        "leverage_10s": estimate.correlation(returns[10][:-1], size_10s[1:]),
        "volume_volatility": estimate.correlation(volume, size_10s),
        "volatility_1s": 1e4 * float(returns[1].std()) if len(returns[1]) else math.nan,
    }


def _signs(table: EventTable) -> dict[str, Estimate | float]:
    signs = series.trade_signs(table)
    acf = estimate.autocorrelation(signs, [1, 10, 50])
    return {
        "sign_acf_1": float(acf[0]),
        "sign_acf_10": float(acf[1]),
        "sign_acf_50": float(acf[2]),
        "sign_decay": estimate.decay_exponent(signs, _SIGN_LAGS),
        "sign_hurst": estimate.hurst_exponent(signs),
    }


def _arrivals(table: EventTable) -> dict[str, Estimate | float]:
    orders = series.market_orders(table)
    event_gap = series.inter_arrival_s(table.t_ns)
    trade_gap = series.inter_arrival_s(table.t_ns[table.kind == EventKind.TRADE])
    order_gap = series.inter_arrival_s(orders.t_ns)
    events = series.sums_on_grid(table, np.ones(table.rows), 10)
    limit_lots = table.lots[table.kind == EventKind.ADD].astype(np.float64)
    seconds = table.seconds or math.nan
    return {
        "event_gap_cv": estimate.variation(event_gap),
        "event_gap_shape": estimate.weibull_shape(event_gap),
        "trade_gap_cv": estimate.variation(trade_gap),
        "trade_gap_shape": estimate.weibull_shape(order_gap),
        "event_fano_10s": float(events.var() / events.mean()) if events.any() else math.nan,
        "limit_lots_cv": estimate.variation(limit_lots),
        "market_lots_tail": estimate.hill_index(orders.lots),
        "events_per_s": table.rows / seconds,
        "trades_per_s": len(orders.lots) / seconds,
    }


def _book(table: EventTable) -> dict[str, Estimate | float]:
    both, held = table.two_sided, series.held_s(table)
    held = np.where(both, held, 0.0)
    if held.sum() == 0.0:
        return {}
    spread = np.where(both, series.spread_tick(table), 0.0)
    grid = series.spread_tick(table)[series.grid_rows(table, 1)]
    mean = float(np.average(spread, weights=held))
    mid = np.where(both, series.mid_tick(table), 1.0)
    touch = np.concatenate((table.bid_lots[both, 0], table.ask_lots[both, 0])).astype(np.float64)
    depth = [
        float(np.average(table.bid_lots[:, k] + table.ask_lots[:, k], weights=held))
        for k in range(table.levels)
    ]
    return {
        "spread_tick": mean,
        "spread_bps": 1e4 * float(np.average(spread / mid, weights=held)),
        "spread_cv": estimate.variation(spread[both], held[both]),
        "spread_hurst": estimate.hurst_exponent(grid[np.isfinite(grid)]),
        "touch_shape": estimate.gamma_shape(touch, np.tile(held[both], 2)),
        **{f"depth_level_{k + 1}": depth[k] / depth[0] for k in range(1, table.levels)},
    }


def _impact(table: EventTable) -> dict[str, Estimate | float]:
    mid = series.mid_tick(table)
    signed = np.where(table.is_trade, table.side * table.lots, 0).astype(np.float64)
    net = series.sums_on_grid(table, signed, 10)
    flow = series.sums_on_grid(table, series.order_flow_imbalance(table), 10)
    moves = np.diff(mid[series.grid_rows(table, 10)])
    known = np.isfinite(moves)
    traded = known & (net != 0.0)
    return {
        "impact_exponent": estimate.impact_curve(*series.impact_tick(table, 1.0)).exponent,
        "flow_exponent": estimate.impact_curve(
            np.abs(net[traded]), np.sign(net[traded]) * moves[traded]
        ).exponent,
        "ofi_r2": estimate.correlation(flow[known], moves[known]) ** 2,
    }


def _resilience(table: EventTable) -> dict[str, Estimate | float]:
    found = series.sweeps(table)
    later = series.row_after_updates(table, found.row_after, RECOVERY_UPDATES)
    used = (later >= 0) & table.two_sided[later]
    later, shocked, hits_ask = later[used], found.row_after[used], found.hits_ask[used]
    if not len(later):
        return {}
    spread = series.spread_tick(table)
    usual = _time_mean(table, spread)
    log_lots = [np.log(np.maximum(x[:, 0], 1)) for x in (table.bid_lots, table.ask_lots)]
    usual_depth = sum(_time_mean(table, x) for x in log_lots) / 2.0
    depth = np.where(hits_ask, log_lots[1][later], log_lots[0][later])
    return {
        "spread_recovery": estimate.recovered_share(
            np.full(len(later), usual), spread[shocked], spread[later]
        ),
        "depth_recovery": math.exp(float(depth.mean()) - usual_depth),
    }


def _time_mean(table: EventTable, column: FloatArray) -> float:
    """Return the mean over the time in which both sides are quoted."""
    both, held = table.two_sided, series.held_s(table)
    return float(np.average(column[both], weights=held[both]))
