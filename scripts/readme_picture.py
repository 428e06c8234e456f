"""Draws the README's picture: one episode of the default market with a market maker in it.

Example: python scripts/readme_picture.py docs/images/market.png --seed 1
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
import numpy.typing as npt

import hftgym  # noqa: F401 - registers the environments
from agents.glft import GLFT

MARGIN_TICK = 3  # drawn above the highest and below the lowest quote
INK, BID, ASK, GREY = "#1f2933", "#1b7f5c", "#c2412d", "#8a94a0"

FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Episode:
    """What happened, at each step. Prices in ticks, NaN when there is none.

    Attributes:
        t_s: time, shape (steps,).
        touch: best bid and ask of the market without distinction of owners, shape (steps, 2).
        quotes: own bid and ask at the exchange, shape (steps, 2).
        depth: lots at ``lowest`` and the ticks above it; bids positive, asks negative; shape
            (steps, levels).
        lowest: lowest price of ``depth``.
        fills: time, price, side of each fill; shape (fills, 3).
        inventory: lots, shape (steps,).
        pnl: total, from spread, from inventory, in ticks; shape (steps, 3).
    """

    t_s: FloatArray
    touch: FloatArray
    quotes: FloatArray
    depth: FloatArray
    lowest: int
    fills: FloatArray
    inventory: FloatArray
    pnl: FloatArray


def play(seed: int, horizon_s: float = 300.0) -> Episode:
    """Play one episode of the default market with the closed-form strategy of GLFT."""
    env: Any = gymnasium.make("hftgym/MarketMaking-v0", split="test", horizon_s=horizon_s)
    obs, _ = env.reset(seed=seed)
    task = env.unwrapped
    policy = GLFT(task.task_info)
    learner = task.setting.blueprint.learners[0]
    instrument = task.setting.scenario.instrument
    tick_px = instrument.tick_px
    money = tick_px * instrument.unit_value  # of one tick times one lot
    books: list[list[tuple[int, int]]] = []
    rows: list[tuple[float, ...]] = []
    fills: list[tuple[float, float, float]] = []
    before = _account(task.market, learner)
    quotes = _quotes(task.market, learner, tick_px)
    done = False
    while not done:
        action, _ = policy.predict(obs[None])
        obs, _, terminated, truncated, _ = env.step(action[0])
        done = terminated or truncated
        market = task.market
        now = _account(market, learner)
        t_s = (len(rows) + 1) * task.task_info.step_s
        fills += _fills(before, now, quotes, t_s, money)
        quotes = _quotes(market, learner, tick_px)
        book = market["books"][0]
        touch = (book["touch_bid_px"] / tick_px, book["touch_ask_px"] / tick_px)
        mid = book["mid_2px"] / (2 * tick_px)
        total = now["cash"] / money + now["position"] * mid
        spread = now["edge_2px"] / (2 * tick_px)
        fees = -now["fees"] / money
        rows.append((t_s, *touch, *quotes, now["position"], total, spread, total - spread - fees))
        books.append(_levels(market, tick_px))
        before = now
    table = np.array(rows, np.float64)
    lowest = int(np.nanmin(table[:, 1:5])) - MARGIN_TICK
    levels_tick = int(np.nanmax(table[:, 1:5])) + MARGIN_TICK + 1 - lowest
    depth = np.zeros((len(books), levels_tick))
    for row, levels in zip(depth, books, strict=True):
        for price, lots in levels:
            if lowest <= price < lowest + levels_tick:
                row[price - lowest] += lots
    return Episode(
        t_s=table[:, 0],
        touch=table[:, 1:3],
        quotes=table[:, 3:5],
        depth=depth,
        lowest=lowest,
        fills=np.array(fills, np.float64).reshape(-1, 3),
        inventory=table[:, 5],
        pnl=table[:, 6:9],
    )


def _account(market: Any, learner: int) -> dict[str, int]:
    account = market["part"][learner]["account"]
    names = ("cash", "position", "fees", "edge_2px", "maker_lots")
    return {name: int(account[name]) for name in names}


def _quotes(market: Any, learner: int, tick_px: int) -> tuple[float, float]:
    """Return own bid and ask, ticks; NaN without one."""
    first = int(market["part"][learner]["own_first"])
    found = market["slots"]["order"][first : first + 2]
    bid, ask = (market["orders"][k]["px"] / tick_px if k >= 0 else np.nan for k in found)
    return float(bid), float(ask)


def _levels(market: Any, tick_px: int) -> list[tuple[int, int]]:
    """Return (price in ticks, lots; negative for asks) of every price of the learner's view."""
    view = market["views"][market["part"][int(market["participants"]) - 1]["awaiting_view"]]
    bids = zip(view["bid_px"], view["bid_lots"], strict=True)
    asks = zip(view["ask_px"], view["ask_lots"], strict=True)
    return [(int(px) // tick_px, int(lots)) for px, lots in bids if lots > 0] + [
        (int(px) // tick_px, -int(lots)) for px, lots in asks if lots > 0
    ]


def _fills(
    before: dict[str, int], now: dict[str, int], quotes: tuple[float, float], t_s: float, money: int
) -> list[tuple[float, float, float]]:
    """Return (time, price, side) of the fills of one step."""
    lots = now["maker_lots"] - before["maker_lots"]
    moved = now["position"] - before["position"]
    if lots == 0:
        return []
    if abs(moved) == lots:  # one side only: its mean price is exact
        paid = before["cash"] - now["cash"]
        return [(t_s, paid / moved / money, float(np.sign(moved)))]
    return [(t_s, quotes[0], 1.0), (t_s, quotes[1], -1.0)]


def draw(episode: Episode, path: Path) -> None:
    """Draw an episode into a PNG file."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt
    from matplotlib.colors import LinearSegmentedColormap

    plt.rcParams.update({"font.size": 9, "axes.edgecolor": GREY, "text.color": INK})
    figure, (top, middle, bottom) = plt.subplots(
        3, 1, figsize=(10, 6.6), sharex=True, height_ratios=(4.4, 1, 1.2), layout="constrained"
    )
    colours = LinearSegmentedColormap.from_list("book", ["#eba08e", "#ffffff", "#8fcdb5"])
    t = episode.t_s
    lowest, highest = episode.lowest - 0.5, episode.lowest + episode.depth.shape[1] - 0.5
    scale = float(np.quantile(np.abs(episode.depth[episode.depth != 0]), 0.95))
    top.imshow(
        episode.depth.T,
        origin="lower",
        aspect="auto",
        cmap=colours,
        vmin=-scale,
        vmax=scale,
        interpolation="nearest",
        extent=(0, t[-1], lowest, highest),
    )
    top.plot(t, episode.touch[:, 0], color=INK, lw=0.7, drawstyle="steps-post")
    top.plot(t, episode.touch[:, 1], color=INK, lw=0.7, drawstyle="steps-post", label="touch")
    for side, colour, name in ((0, BID, "own bid"), (1, ASK, "own ask")):
        quote = episode.quotes[:, side]
        top.plot(t, quote, color=colour, lw=1.3, drawstyle="steps-post", label=name)
    for side, marker, colour, name in ((1, "^", BID, "bought"), (-1, "v", ASK, "sold")):
        mine = episode.fills[episode.fills[:, 2] == side]
        top.scatter(
            mine[:, 0], mine[:, 1], marker=marker, s=34, color=colour, ec="white", lw=0.7,
            zorder=5, label=name,
        )  # fmt: skip
    top.set_ylim(lowest, highest + 2)  # room for the legend
    top.set_ylabel("price, ticks")
    top.legend(loc="upper left", ncols=5, frameon=False)
    top.set_title(
        "A scripted market maker in the default market; shade: lots at a price", loc="left"
    )
    middle.fill_between(t, episode.inventory, step="post", color=GREY, alpha=0.5, lw=0)
    middle.axhline(0, color=INK, lw=0.6)
    middle.set_ylabel("inventory,\nlots")
    for column, colour, name in (
        (1, BID, "spread earned"),
        (2, ASK, "inventory"),
        (0, INK, "total"),
    ):
        bottom.plot(t, episode.pnl[:, column], color=colour, lw=1.1, label=name)
    bottom.axhline(0, color=INK, lw=0.6)
    bottom.set_ylabel("P&L,\nticks x lots")
    bottom.set_xlabel("time, s")
    bottom.set_xlim(0, t[-1])
    bottom.legend(loc="upper left", ncols=3, frameon=False)
    for axis in (top, middle, bottom):
        axis.spines[["top", "right"]].set_visible(False)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=110, metadata={"Software": None})
    plt.close(figure)


def main() -> None:
    """Parse, play, draw."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("path", type=Path, help="PNG file to write")
    parser.add_argument("--seed", type=int, default=1, help="which market")
    arguments = parser.parse_args()
    draw(play(arguments.seed), arguments.path)
    print(arguments.path)


if __name__ == "__main__":
    main()
