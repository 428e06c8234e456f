"""What a simulated market came to: its quality, its messages, and who won what from whom.

Money is counted in half money units, so that a position marked at a mid between two prices stays an
integer: participants, fees and counter-accounts add up to zero exactly, not nearly.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from hftgym.analytics.market_day import MarketDay
from hftgym.analytics.quality import SPREAD_BINS
from hftgym.core.constants import SECOND_NS
from hftgym.market import Blueprint
from hftgym.scenario import Scenario

_COUNTED = ("messages", "fills", "maker_lots", "taker_lots", "fees")


@dataclass(frozen=True)
class Books:
    """The accounts of a market at one instant, each marked at the mid of what it trades.

    Attributes:
        equity_half: cash and marked position of each participant, half money units.
        fee_half: what the exchange has collected, half money units.
        counts: messages, fills, maker lots, taker lots and fees (money units) of each participant.
        messages: that acted at the exchange.
    """

    equity_half: tuple[int, ...]
    fee_half: int
    counts: dict[str, tuple[int, ...]]
    messages: int


def read_books(market: Any) -> Books:
    """Return the accounts of a market record."""
    account = market["part"]["account"][: int(market["participants"])]
    marks = [int(b["mid_2px"]) * int(b["instrument"]["unit_value"]) for b in market["books"]]
    own = [marks[k] for k in market["part"]["book"][: int(market["participants"])].tolist()]
    rows = zip(account["cash"].tolist(), account["position"].tolist(), own, strict=True)
    return Books(
        equity_half=tuple(2 * cash + position * mark for cash, position, mark in rows),
        fee_half=2 * int(market["fee_account"]),
        counts={name: tuple(account[name].tolist()) for name in _COUNTED},
        messages=int(market["messages_done"]),
    )


@dataclass(frozen=True)
class Group:
    """Participants of one kind and name, together, after the burn-in.

    Attributes:
        kind: what they are.
        name: of the group; decides their streams.
        count: how many there are.
        messages: that they sent.
        fills: of their orders.
        maker_lots: traded with resting orders.
        taker_lots: taken.
        fees: paid, money units; negative: earned.
        pnl_half: profit marked at the mid after fees, half money units.
    """

    kind: str
    name: str
    count: int
    messages: int
    fills: int
    maker_lots: int
    taker_lots: int
    fees: int
    pnl_half: int


def groups_of(plan: Blueprint, before: Books, after: Books) -> tuple[Group, ...]:
    """Return the groups of a market, in the scenario's order, with what happened in between."""
    members: dict[tuple[str, str], list[int]] = {}
    for p, (kind, name) in enumerate(zip(plan.kinds, plan.names, strict=True)):
        members.setdefault((kind.rpartition(":")[2], name.rpartition("#")[0]), []).append(p)
    found = []
    for (kind, name), who in members.items():
        counts = {c: sum(after.counts[c][p] - before.counts[c][p] for p in who) for c in _COUNTED}
        pnl_half = sum(after.equity_half[p] - before.equity_half[p] for p in who)
        found.append(Group(kind=kind, name=name, count=len(who), pnl_half=pnl_half, **counts))
    return tuple(found)


@dataclass(frozen=True)
class MarketFigures:
    """One simulated market after its burn-in. Rates are a second, prices in ticks.

    Attributes:
        seed: of the market.
        seconds: length of the day after the burn-in.
        spread_mean_tick: mean spread over the time in which both sides were quoted.
        spread_median_tick: median over the time of continuous trading.
        two_sided: share of that time with both sides quoted.
        depth_lots: mean lots at the touch, a side.
        volatility_1s: of the mid, ticks per square root of a second, from changes over 1 s.
        volatility_60s: the same from changes over 60 s; NaN when the day is shorter.
        trades: fills a second, prints of a tape included.
        lots: traded lots a second.
        aggressors: messages that traded at once, a second.
        messages: that acted at the exchange, a second; for a tape, rows of history.
        rested: orders that joined the book, a second.
        amends: a second.
        cancels: that were asked for, a second.
        ended: orders that ended for another reason, a second.
        rejects: a second.
        groups: who traded.
        fee_half: fees collected after the burn-in, half money units.
        counter_half: what counter-accounts (funding, settlement, lender) hold: nothing here is
            funded, settled or lent, instruments are paid in full.
    """

    seed: int
    seconds: float
    spread_mean_tick: float
    spread_median_tick: float
    two_sided: float
    depth_lots: float
    volatility_1s: float
    volatility_60s: float
    trades: float
    lots: float
    aggressors: float
    messages: float
    rested: float
    amends: float
    cancels: float
    ended: float
    rejects: float
    groups: tuple[Group, ...]
    fee_half: int
    counter_half: int = 0

    @property
    def sum_half(self) -> int:
        """Participants, fees and counter-accounts together, half money units: zero."""
        return sum(group.pnl_half for group in self.groups) + self.fee_half + self.counter_half

    def to_dict(self) -> dict[str, Any]:
        """Return plain data, NaN as None."""
        plain = {k: None if v != v else v for k, v in asdict(self).items()}
        return plain | {"sum_half": self.sum_half}


def market_figures(
    seed: int, day: MarketDay, plan: Blueprint, before: Books, after: Books
) -> MarketFigures:
    """Bring together what the log and the accounts of one market say.

    Args:
        seed: of the market.
        day: what its log says.
        plan: who trades in it.
        before: accounts at the end of the burn-in.
        after: accounts at the end.
    """
    seconds = (day.end_ns - day.begin_ns) / SECOND_NS
    sums = day.sums[0]
    quoted_ns = int(sums["two_sided_ns"])
    time_ns = np.cumsum(sums["spread_ns"])
    median = int(np.searchsorted(time_ns, time_ns[-1] / 2)) if time_ns[-1] > 0 else SPREAD_BINS
    rates = {name: count / seconds for name, count in day.counts.items()}
    spread = float(day.columns["spread_px_ns"].sum()) / max(quoted_ns, 1) / day.tick_px
    return MarketFigures(
        seed=seed,
        seconds=seconds,
        spread_mean_tick=spread if quoted_ns else math.nan,
        spread_median_tick=float(median) if median < SPREAD_BINS - 1 else math.nan,
        two_sided=quoted_ns / max(int(time_ns[-1]), 1),
        depth_lots=float(sums["depth_lot_ns"]) / (2 * quoted_ns) if quoted_ns else math.nan,
        volatility_1s=volatility(day.mid_2px, day.tick_px, 1),
        volatility_60s=volatility(day.mid_2px, day.tick_px, 60),
        trades=int(sums["trades"]) / seconds,
        lots=int(sums["volume"]) / seconds,
        messages=(after.messages - before.messages) / seconds,
        rested=rates["rested"],
        aggressors=rates["aggressors"],
        amends=rates["amends"],
        cancels=rates["cancels"],
        ended=rates["ended"],
        rejects=rates["rejects"],
        groups=groups_of(plan, before, after),
        fee_half=after.fee_half - before.fee_half,
    )


def volatility(mid_2px: np.ndarray, tick_px: int, lag_s: int) -> float:
    """Return the root of the mean squared change of the mid over ``lag_s`` seconds.

    Args:
        mid_2px: twice the mid at each whole second, shape (seconds + 1,).
        tick_px: tick, price units.
        lag_s: length of a change, whole seconds; changes overlap.

    Returns:
        Ticks per square root of a second; NaN when the mids are fewer.
    """
    if len(mid_2px) <= lag_s:
        return math.nan
    change = (mid_2px[lag_s:] - mid_2px[:-lag_s]) / (2.0 * tick_px)
    return float(np.sqrt(np.mean(change**2) / lag_s))


#: Lines of the table: figure, name, unit.
_LINES = (
    ("spread_mean_tick", "spread, mean over time", "ticks"),
    ("spread_median_tick", "spread, median over time", "ticks"),
    ("two_sided", "time with both sides quoted", ""),
    ("depth_lots", "depth at the touch", "lots a side"),
    ("volatility_1s", "volatility of the mid, 1 s", "ticks per root of a second"),
    ("volatility_60s", "volatility of the mid, 60 s", "ticks per root of a second"),
    ("trades", "trades", "a second"),
    ("lots", "volume", "lots a second"),
    ("messages", "messages", "a second"),
    ("rested", "  orders that joined the book", "a second"),
    ("aggressors", "  orders that traded at once", "a second"),
    ("amends", "  amends", "a second"),
    ("cancels", "  cancels", "a second"),
    ("ended", "  ended otherwise (rest of a market order, expiry ...)", "a second"),
    ("rejects", "  rejects", "a second"),
)


def table(scenario: Scenario, markets: Sequence[MarketFigures]) -> str:
    """Return the market-quality table of one or several markets of a scenario.

    With several, figures are means over the markets, with the standard error of that mean.
    """
    first = markets[0]
    seeds = f"seed {first.seed}" if len(markets) == 1 else f"seeds {first.seed}-{markets[-1].seed}"
    lines = [
        f"{scenario.name}, {seeds}: {first.seconds:g} s after {scenario.burn_in_s:g} s of burn-in"
    ]
    if scenario.second is not None:
        ids = scenario.instrument_ids
        lines.append(
            f"  prices, rates of orders and trades: {ids[0]}; messages, money: {' and '.join(ids)}"
        )
    for name, title, unit in _LINES:
        values = [getattr(market, name) for market in markets]
        lines.append(f"  {title:<54} {_mean(values, percent=name == 'two_sided')} {unit}".rstrip())
    return "\n".join([*lines, "", *_money_lines(scenario, markets)])


def _mean(values: Sequence[float], percent: bool = False) -> str:
    known = np.array([value for value in values if not math.isnan(value)])
    if not len(known):
        return f"{'-':>10}"
    known = 100 * known if percent else known
    text = f"{known.mean():>10,.2f}" + (" %" if percent else "")
    if len(values) > 1 and len(known) > 1:
        text += f" +- {known.std(ddof=1) / math.sqrt(len(known)):,.2f}"
    return text


def _money_lines(scenario: Scenario, markets: Sequence[MarketFigures]) -> list[str]:
    """Return who won what, and the sum, which is zero."""
    half = 2 * scenario.instrument.tick_px * scenario.instrument.unit_value
    n = len(markets)
    seconds = markets[0].seconds
    head = f"  {'kind':<20} {'group':<20} {'n':>5} {'messages/s':>10} {'maker lots':>11} "
    lines = [f"{head}{'taker lots':>11} {'fees':>10} {'P&L':>12}"]
    for rows in zip(*(market.groups for market in markets), strict=True):
        g = rows[0]
        total = {name: sum(getattr(row, name) for row in rows) for name in (*_COUNTED, "pnl_half")}
        lines.append(
            f"  {g.kind:<20} {g.name:<20} {g.count:>5} {total['messages'] / seconds / n:>10,.2f} "
            f"{total['maker_lots'] / n:>11,.1f} {total['taker_lots'] / n:>11,.1f} "
            f"{2 * total['fees'] / half / n:>10,.1f} {total['pnl_half'] / half / n:>12,.1f}"
        )
    fees = sum(market.fee_half for market in markets)
    counter = sum(market.counter_half for market in markets)
    total_half = sum(market.sum_half for market in markets)
    lines += [
        f"  {'exchange':<20} {'fees':<72} {fees / half / n:>12,.1f}",
        f"  {'counter-accounts':<20} {'':<72} {counter / half / n:>12,.1f}",
        f"  {'sum, exactly':<20} {'':<72} {total_half:>12d}",
        "  fees and P&L in ticks times lots"
        + (f" of {scenario.instrument.id}" if scenario.second is not None else "")
        + (" a market" if n > 1 else "")
        + ", marked at the mid; the sum in half money units",
    ]
    return lines
