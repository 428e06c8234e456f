"""A picture of a day as PNG: depth as a heat map, mid and touch, trades, spread, volume by side."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np

from hftgym.analytics.market_day import MarketDay
from hftgym.scenario import Scenario
from hftgym.simulation.day_image import DayImage, day_image
from hftgym.training.atomic import write_bytes

INK, BID, ASK, GREY = "#1f2933", "#1b7f5c", "#c2412d", "#8a94a0"
#: Depth: asks, nothing, bids.
SHADES = ("#d9705a", "#f3c3b6", "#fbfbfa", "#b5dccb", "#4aa582")

#: Marks on their scale, lots.
MARKS = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000, 100_000)


def shade_of(depth: np.ndarray) -> tuple[np.ndarray, float]:
    """Return the depth on a logarithmic scale, and the value of the darkest shade.

    Args:
        depth: lots; negative for asks.
    """
    shade = np.sign(depth) * np.log1p(np.abs(depth))
    some = np.abs(shade[shade != 0])
    return shade, float(np.quantile(some, 0.98)) if len(some) else 1.0


def scale_marks(darkest: float) -> list[int]:
    """Return the lots to mark on the scale of the shades, asks negative; a dozen at the most."""
    marks = [lots for lots in MARKS if np.log1p(lots) <= darkest]
    marks = marks[:: len(marks) // 7 + 1]
    return [*(-lots for lots in reversed(marks)), 0, *marks]


def draw_png(day: MarketDay, scenario: Scenario, title: str, path: Path) -> None:
    """Draw a day into a PNG file.

    Args:
        day: what happened.
        scenario: the market's.
        title: of the picture.
        path: file to write.
    """
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib.figure import Figure

    image = day_image(day, clock=scenario.tape is not None)
    style: Any = {"font.size": 9, "axes.edgecolor": GREY, "text.color": INK, "axes.linewidth": 0.6}
    with matplotlib.rc_context(style):
        figure = Figure(figsize=(12, 7.6), layout="constrained")
        axes = figure.subplots(3, 1, sharex=True, height_ratios=(5.2, 1, 1.2))
        _draw_price(figure, axes[0], image)
        axes[0].set_title(title, loc="left", fontsize=12, fontweight="bold", pad=21)
        place = {"transform": axes[0].transAxes, "va": "bottom"}
        axes[0].text(0, 1.012, scenario.description, fontsize=8.5, color=GREY, **place)
        _draw_spread(axes[1], image)
        _draw_volume(axes[2], image)
        _draw_time(axes, image)
        buffer = io.BytesIO()
        figure.savefig(buffer, dpi=130, format="png", metadata={"Software": None})
    write_bytes(path, buffer.getvalue())


def _draw_price(figure: Any, axis: Any, image: DayImage) -> None:
    from matplotlib.colors import LinearSegmentedColormap

    shade, darkest = shade_of(image.depth)
    drawn = axis.imshow(
        shade,
        origin="lower",
        aspect="auto",
        cmap=LinearSegmentedColormap.from_list("book", SHADES),
        vmin=-darkest,
        vmax=darkest,
        interpolation="nearest",
        extent=(image.edge_s[0], image.edge_s[-1], image.low_tick, image.high_tick),
    )
    t = image.edge_s[1:]
    for touch, label in ((image.bid, "touch"), (image.ask, None)):
        axis.plot(t, touch, color=INK, lw=0.5, alpha=0.55, drawstyle="steps-pre", label=label)
    axis.plot(t, image.mid, color=INK, lw=1.1, drawstyle="steps-pre", label="mid")
    largest = max(float(np.quantile(image.trades[:, 2], 0.98)), 1.0) if len(image.trades) else 1.0
    for side, marker, colour, name in (
        (1, "^", BID, "buyer took"),
        (-1, "v", ASK, "seller took"),
        (0, "D", INK, "auction"),
    ):
        dots = image.trades[image.trades[:, 3] == side]
        if len(dots):
            size = np.clip(dots[:, 2] / largest, 0, 1) * (0.2 if image.crowded else 1.0)
            axis.scatter(
                dots[:, 0], dots[:, 1], s=3 + 27 * size, marker=marker, color=colour, ec="white",
                lw=0.0 if image.crowded else 0.3, alpha=0.9, zorder=4, label=name,
            )  # fmt: skip
    axis.set_ylim(image.low_tick, image.high_tick)
    axis.set_ylabel("price, ticks")
    axis.ticklabel_format(axis="y", useOffset=False, style="plain")
    where = {"loc": "lower right", "bbox_to_anchor": (1.0, 1.03), "borderaxespad": 0.0}
    axis.legend(ncols=5, frameon=False, fontsize=8, **where)
    _draw_scale(figure, axis, drawn, darkest)


def _draw_scale(figure: Any, axis: Any, drawn: Any, darkest: float) -> None:
    """Draw the scale of the shades, in lots."""
    lots = scale_marks(darkest)
    bar = figure.colorbar(drawn, ax=axis, pad=0.008, fraction=0.025, aspect=30)
    bar.set_ticks(
        [np.sign(m) * np.log1p(abs(m)) for m in lots], labels=[f"{abs(m):,}" for m in lots]
    )
    bar.set_label("asks  <  lots at a price  >  bids", fontsize=8)
    bar.outline.set_linewidth(0)
    bar.ax.tick_params(labelsize=7, length=2)


def _draw_spread(axis: Any, image: DayImage) -> None:
    axis.fill_between(image.edge_s[1:], image.spread, step="pre", color=GREY, alpha=0.35, lw=0)
    axis.plot(image.edge_s[1:], image.spread, color=INK, lw=0.7, drawstyle="steps-pre")
    axis.set_ylabel("spread,\nticks")
    known = image.spread[~np.isnan(image.spread)]
    axis.set_ylim(0, 1.15 * float(np.quantile(known, 0.995)) + 0.2 if len(known) else 1.0)


def _draw_volume(axis: Any, image: DayImage) -> None:
    bought, sold, auction = image.lots
    for lots, colour in ((bought, BID), (-sold, ASK), (auction, INK)):
        axis.stairs(lots, image.edge_s, fill=True, color=colour, lw=0)
    axis.axhline(0, color=INK, lw=0.6)
    axis.yaxis.set_major_formatter(lambda lots, _: f"{abs(lots):,.0f}")
    axis.set_ylabel("lots bought,\nsold")


def _draw_time(axes: Any, image: DayImage) -> None:
    """Label the time, and shade what was not continuous trading."""
    for axis in axes:
        for begin, end in image.closed:
            axis.axvspan(begin, end, color=GREY, alpha=0.18, lw=0)
        axis.spines[["top", "right"]].set_visible(False)
        axis.tick_params(length=3, width=0.6)
    axes[-1].set_xlim(image.edge_s[0], image.edge_s[-1])
    axes[-1].xaxis.set_major_formatter(lambda t_s, _: time_text(t_s, image))
    axes[-1].xaxis.set_major_locator(_time_locator(image))
    axes[-1].set_xlabel("time of day" if image.clock else "time after the burn-in")


def _time_locator(image: DayImage) -> Any:
    """Return a locator that puts ticks on round times."""
    from matplotlib.ticker import MultipleLocator

    return MultipleLocator(time_step(image))


def time_step(image: DayImage) -> float:
    """Return the seconds between two ticks of the time: about eight on the axis, round ones."""
    span_s = float(image.edge_s[-1] - image.edge_s[0])
    round_s = (0.1, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1_800, 3_600, 7_200, 14_400)
    return next((s for s in round_s if span_s / s <= 11), 86_400.0)


def time_text(t_s: float, image: DayImage) -> str:
    """Return a time as it is read: 12:30, 5:00 (minutes) or 7 s."""
    if image.clock or image.edge_s[-1] > 7_200:
        seconds = f":{int(t_s) % 60:02d}" if time_step(image) < 60 else ""
        return f"{int(t_s) // 3600}:{int(t_s) // 60 % 60:02d}{seconds}"
    if image.edge_s[-1] > 120:
        return f"{int(t_s) // 60}:{int(t_s) % 60:02d}"
    return f"{t_s:g} s"
