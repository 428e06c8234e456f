"""The last minutes of an episode as a picture: depth, quotes and fills, inventory, profit and loss.

Depth is that of the delivered views, five levels a side: blue bids, orange asks, darker is more.
What is beyond the levels of a view is unknown and stays blank. The profit and loss is the
exchange's truth, everything else is what the learner knows.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from PIL import Image, ImageDraw

from hftgym.core.constants import BUY, NO_PX, SELL, VIEW_LEVELS, Phase
from hftgym.envs.rendering.axes import (
    Axis,
    clock,
    clock_step_s,
    price_axis,
    round_step,
    value_axis,
)
from hftgym.envs.rendering.ink import (
    ASK,
    ASKS,
    AUCTION,
    BID,
    BIDS,
    CLOSED,
    CLOSED_SHADE,
    COLUMN_PX,
    FAINT,
    FIRST_ASK,
    FIRST_BID,
    FRAME,
    GAIN,
    GROUND,
    INK,
    LEFT,
    LOSS,
    MARK_PX,
    NOTHING,
    PALETTE,
    PAPER,
    SHADES,
    ByteArray,
    FloatArray,
    dashes,
    font,
    label,
    path,
    ramp,
    steps,
    triangle,
)
from hftgym.envs.rendering.trail import COLUMNS, Fill, Trail

WIDTH, HEIGHT = 800, 560  # multiples of 16, as encoders of films like them
TOP, LEGEND_Y = 44, 33
RIGHT = LEFT + COLUMN_PX * COLUMNS
PRICE_PX, INVENTORY_PX, PNL_PX = 306, 64, 76
INVENTORY_TOP = TOP + PRICE_PX + 18
PNL_TOP = INVENTORY_TOP + INVENTORY_PX + 18
BOTTOM = PNL_TOP + PNL_PX
BOOK_LEFT, BOOK_RIGHT = RIGHT + 6, WIDTH - 8  # the book of now, beside the heat map


def _paper() -> Any:
    """Return what is the same in every picture: panels, their names, the legend."""
    image = Image.new("RGB", (WIDTH, HEIGHT), PAPER)
    draw = ImageDraw.Draw(image)
    small = font(12)
    for top, height in ((INVENTORY_TOP, INVENTORY_PX), (PNL_TOP, PNL_PX)):
        draw.rectangle((LEFT, top, RIGHT - 1, top + height), fill=GROUND)
    x: float = LEFT
    y = LEGEND_Y

    def word(text: str) -> None:
        nonlocal x
        draw.text((x, y), text, INK, small, "lm")
        x += draw.textlength(text, small) + 14

    for name, ends, line in (("bids", BIDS, BID), ("asks", ASKS, ASK)):
        shades = np.tile(ramp(ends)[None, :, :], (9, 1, 1))
        image.paste(Image.fromarray(shades), (int(x), y - 4))
        draw.line((x, y - 5, x + SHADES - 1, y - 5), line, 2)
        x += SHADES + 5
        word(name)
    for name, colour in (("own quotes", INK), ("auction price", AUCTION)):
        draw.line((x, y, x + 14, y), colour, 2)
        x += 19
        word(name)
    for side, name in ((BUY, "bought"), (SELL, "sold")):
        mark = triangle(side)
        image.paste(mark, (int(x), y - MARK_PX // 2), mark)
        x += MARK_PX + 4
        word(name)
    draw.rectangle((x, y - 4, x + 12, y + 4), CLOSED)
    x += 17
    word("call or halt")
    for top, name in (
        (INVENTORY_TOP, "inventory, lots (as the learner knows it)"),
        (PNL_TOP, "profit and loss at the mid, ticks (the truth of the exchange)"),
    ):
        draw.text((LEFT, top - 3), name, FAINT, small, "ls")
    draw.text(((BOOK_LEFT + BOOK_RIGHT) // 2, TOP - 5), "lots now", FAINT, small, "ms")
    return image


class Picture:
    """A canvas of pixels (``render_mode="rgb_array"``)."""

    def __init__(self) -> None:
        self._trail = Trail()
        self._base = _paper()

    def begin(self, market: Any, state: Any, task: Any, io: Any) -> None:
        """Start over with the first decision of an episode."""
        self._task = task
        self._trail.begin(market, state, task)

    def note(self, market: Any, state: Any, task: Any, io: Any) -> None:
        """Take in what a step has come to."""
        self._trail.add(market, state, task)

    def draw(self) -> ByteArray:
        """Return the picture, uint8, shape (560, 800, 3)."""
        image = self._base.copy()
        draw = ImageDraw.Draw(image)
        columns = self._trail.columns
        tick_px = int(self._task["tick_px"])
        book = _in_ticks(columns, tick_px)
        axis = _axis_of(book)
        most = _usual_most(columns)
        image.paste(Image.fromarray(heat_map(columns, book, axis, most)), (LEFT, TOP))
        draw.text((RIGHT, LEGEND_Y), f"darkest: {most:g} lots", FAINT, font(12), "rm")
        self._draw_quotes(draw, book, axis)
        self._draw_fills(image, axis, tick_px)
        self._draw_book(draw, book, axis)
        for tick in axis.labels(30):
            if tick == round(tick):
                label(draw, float(axis.y(tick)), f"{round(tick * tick_px)}")
        draw.rectangle((LEFT - 1, TOP - 1, RIGHT, TOP + PRICE_PX), outline=FRAME)
        self._draw_values(draw, columns)
        self._draw_clock(draw, columns)
        self._draw_title(draw, columns[-1], book)
        return np.array(image)

    def close(self) -> None:
        """Nothing to end."""

    def _draw_quotes(self, draw: Any, book: dict[str, FloatArray], axis: Axis) -> None:
        """Draw the touch at the inner edges of its levels, own orders in the middle of theirs."""
        steps(draw, axis, book["bid"][:, 0] + 0.5, BID)
        steps(draw, axis, book["ask"][:, 0] - 0.5, ASK)
        dashes(draw, axis, book["auction"], AUCTION, 2)
        own = book["own"][:, np.isfinite(book["own"]).any(axis=0)]
        for thick, colour in ((4, PAPER), (2, INK)):  # light around dark: seen on every shade
            for line in own.T:
                dashes(draw, axis, line, colour, thick)

    def _draw_fills(self, image: Any, axis: Axis, tick_px: int) -> None:
        """Mark own fills: the tip of a triangle stands at step and price."""
        first = int(self._trail.columns["step"][0])
        for fill in self._trail.fills:
            x, y = mark_of(fill, first, axis, tick_px)
            mark = triangle(fill.side)
            image.paste(mark, (x - MARK_PX // 2, y if fill.side == BUY else y - MARK_PX + 1), mark)

    def _draw_book(self, draw: Any, book: dict[str, FloatArray], axis: Axis) -> None:
        """Draw the levels of the last view as bars, on the scale of the longest."""
        last = self._trail.columns[-1]
        most = max(int(last["bid_lots"].max()), int(last["ask_lots"].max()), 1)
        thick = max(min(PRICE_PX / (axis.high - axis.low) * 0.7, 9.0), 1.0)
        for side, colour in (("bid", BID), ("ask", ASK)):
            for level in range(VIEW_LEVELS):
                tick, lots = float(book[side][-1, level]), int(last[f"{side}_lots"][level])
                if not axis.holds(tick):  # also where there is no level
                    continue
                y = float(axis.y(tick))
                wide = max((BOOK_RIGHT - BOOK_LEFT - 22) * lots / most, 1.0)
                draw.rectangle(
                    (BOOK_LEFT, y - thick / 2, BOOK_LEFT + wide, y + thick / 2), fill=colour
                )
                if thick >= 6.0:
                    draw.text((BOOK_LEFT + wide + 3, y), f"{lots}", FAINT, font(10), "lm")

    def _draw_values(self, draw: Any, columns: np.ndarray) -> None:
        """Draw inventory and profit and loss, with their zero and a few labels."""
        limit = int(self._task["limit_lot"])
        position = columns["position"].astype(np.float64)
        most = max(limit, float(abs(position).max()))
        inventory = Axis(INVENTORY_TOP, INVENTORY_PX, -most * 1.1, most * 1.1)
        pnl = value_axis(PNL_TOP, PNL_PX, columns["pnl_tick"], 4.0)
        for axis, values, marks, decimals in (
            (inventory, position, [-limit, 0, limit], 0),
            (pnl, columns["pnl_tick"], pnl.labels(24), 1),
        ):
            zero = float(axis.y(0.0))
            for part, colour in ((np.maximum(values, 0.0), GAIN), (np.minimum(values, 0.0), LOSS)):
                if part.any():
                    corners = path(axis.y(part), 0)
                    draw.polygon([(LEFT, zero), *corners, (corners[-1][0], zero)], fill=colour)
            for mark in marks:
                y = float(axis.y(float(mark)))
                draw.line((LEFT, y, RIGHT - 1, y), FAINT if mark == 0.0 else FRAME, 1)
                label(draw, y, f"{mark:g}")
            steps(draw, axis, values, INK)
            draw.rectangle((LEFT - 1, axis.top - 1, RIGHT, axis.bottom + 1), outline=FRAME)
            newest = float(values[-1])
            text = f"{newest:+.{decimals}f}"
            draw.text((RIGHT + 6, float(axis.y(newest))), text, INK, font(12), "lm")

    def _draw_clock(self, draw: Any, columns: np.ndarray) -> None:
        """Write the time since the episode began below the panels."""
        step_s = float(self._task["step_s"])
        begin_s = int(columns["step"][0]) * step_s
        apart_s = clock_step_s(80 / COLUMN_PX * step_s)
        for k in range(int(np.ceil(begin_s / apart_s)), 1 << 31):
            x = LEFT + COLUMN_PX * (k * apart_s - begin_s) / step_s + COLUMN_PX / 2
            if x > RIGHT - COLUMN_PX:
                break
            draw.line((x, BOTTOM + 2, x, BOTTOM + 5), FAINT, 1)
            draw.text((x, BOTTOM + 8), clock(k * apart_s, apart_s), FAINT, font(11), "mt")

    def _draw_title(self, draw: Any, last: Any, book: dict[str, FloatArray]) -> None:
        """Write where the episode stands: time, spread, inventory, profit and loss."""
        task = self._task
        step_s = float(task["step_s"])
        spread = float(book["ask"][-1, 0] - book["bid"][-1, 0])
        words = [
            f"{clock(int(last['step']) * step_s, step_s)} of "
            f"{clock(int(task['steps']) * step_s, step_s)}",
            *(
                f"{side} {int(last[f'{side}_px'][0])} x {int(last[f'{side}_lots'][0])}"
                if last[f"{side}_lots"][0] > 0
                else f"no {side}"
                for side in ("bid", "ask")
            ),
            *([f"spread {spread:g}"] if np.isfinite(spread) else []),
            f"inventory {int(last['position']):+d}",
            f"P&L {float(last['pnl_tick']):+.1f}",
        ]
        phase = int(last["phase"])
        if phase != Phase.CONTINUOUS:
            words.append(Phase(phase).name.lower().replace("_", " "))
        draw.text((LEFT, 13), "    ".join(words), INK, font(14), "lm")


def _in_ticks(columns: np.ndarray, tick_px: int) -> dict[str, FloatArray]:
    """Return prices in ticks, NaN where there is none: bid, ask, own, mid, auction."""
    ticks = {
        side: np.where(columns[f"{side}_lots"] > 0, columns[f"{side}_px"] / tick_px, np.nan)
        for side in ("bid", "ask")
    }
    ticks["own"] = np.where(columns["own_lots"] != 0, columns["own_px"] / tick_px, np.nan)
    auction = columns["indicative_px"]
    ticks["auction"] = np.where(auction != NO_PX, auction / tick_px, np.nan)
    ticks["mid"] = columns["mid_2px"] / (2.0 * tick_px)
    return ticks


def _axis_of(book: dict[str, FloatArray]) -> Axis:
    """Return the price axis: the touch, the usual depth of a view, where the book is now."""
    bid, ask = book["bid"], book["ask"]
    deep = np.concatenate((bid[:, 0] - bid[:, -1], ask[:, -1] - ask[:, 0]))
    deep = deep[np.isfinite(deep)]
    reach = float(np.quantile(deep, 0.8)) if len(deep) else 4.0
    now = np.concatenate((bid[-1, :1], ask[-1, :1], book["mid"][-1:]))
    touches = np.concatenate((bid[:, 0], ask[:, 0]))
    return price_axis(TOP, PRICE_PX, touches, max(reach, 4.0), now[np.isfinite(now)])


def _usual_most(columns: np.ndarray) -> float:
    """Return the lots of the darkest shade: what two levels in a hundred exceed, rounded up."""
    lots = np.concatenate((columns["bid_lots"].ravel(), columns["ask_lots"].ravel()))
    lots = lots[lots > 0]
    return round_step(float(np.quantile(lots, 0.98))) if len(lots) else 1.0


def heat_map(
    columns: np.ndarray, book: dict[str, FloatArray], axis: Axis, most: float
) -> ByteArray:
    """Return depth as pixels: a column a step, a row a tick, darker is more, logarithmic.

    Args:
        columns: the last steps, dtype ``COLUMN``.
        book: their prices in ticks.
        axis: prices that are shown.
        most: lots of the darkest shade.

    Returns:
        Colours, uint8, shape (PRICE_PX, COLUMN_PX * COLUMNS, 3).
    """
    rows = round(axis.high - axis.low)
    lowest = round(axis.low + 0.5)
    cells = np.full((rows, COLUMNS), NOTHING, np.uint8)
    cells[:, : len(columns)] = np.where(columns["phase"] == Phase.CONTINUOUS, NOTHING, CLOSED_SHADE)
    for side, first in (("bid", FIRST_BID), ("ask", FIRST_ASK)):
        tick, lots = book[side], columns[f"{side}_lots"]
        shade = np.log1p(lots.astype(np.float64)) / np.log1p(most) * (SHADES - 1)
        shown = (tick > axis.low) & (tick < axis.high)
        step, level = np.nonzero(shown)
        row = np.rint(tick[step, level]).astype(np.int64) - lowest
        cells[row, step] = first + np.clip(shade[step, level], 0, SHADES - 1).astype(np.uint8)
    y = np.arange(PRICE_PX)
    row_of_y = rows - 1 - y * rows // PRICE_PX
    return np.repeat(PALETTE[cells[row_of_y]], COLUMN_PX, axis=1)


def mark_of(fill: Fill, first_step: int, axis: Axis, tick_px: int) -> tuple[int, int]:
    """Return the pixel at which a fill is marked, column and row.

    Args:
        fill: an own fill.
        first_step: step of the first column.
        axis: prices that are shown.
        tick_px: price units in a tick.
    """
    x = LEFT + COLUMN_PX * (fill.step - first_step) + COLUMN_PX // 2
    return x, round(float(axis.y(fill.px / tick_px)))
