"""The last minutes of an episode as a picture: depth, quotes and fills, inventory, profit and loss.

Depth is that of the delivered views, five levels a side: blue bids, orange asks, darker is more.
What is beyond the levels of a view is unknown and stays blank. The profit and loss is the
exchange's truth, everything else is what the learner knows.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFont

from hftgym.core.constants import BUY, SELL, VIEW_LEVELS, Phase
from hftgym.envs.rendering.axes import (
    Axis,
    clock,
    clock_step_s,
    price_axis,
    round_step,
    value_axis,
)
from hftgym.envs.rendering.trail import COLUMNS, OWN_SHOWN, Fill, Trail

WIDTH, HEIGHT = 800, 560  # multiples of 16, as encoders of films like them
COLUMN_PX = 3
LEFT, TOP = 66, 44
RIGHT = LEFT + COLUMN_PX * COLUMNS
PRICE_PX, INVENTORY_PX, PNL_PX = 306, 64, 76
INVENTORY_TOP = TOP + PRICE_PX + 18
PNL_TOP = INVENTORY_TOP + INVENTORY_PX + 18
BOTTOM = PNL_TOP + PNL_PX
BOOK_LEFT, BOOK_RIGHT = RIGHT + 6, WIDTH - 8  # the book of now, beside the heat map

Colour = tuple[int, int, int]
# Blue and orange differ for colour-blind eyes, in hue and, darkest against darkest, in grey.
PAPER: Colour = (255, 255, 255)
GROUND: Colour = (247, 247, 245)
CLOSED: Colour = (222, 222, 220)  # no continuous trading
INK: Colour = (28, 33, 40)
FAINT: Colour = (120, 128, 136)
FRAME: Colour = (190, 195, 200)
BID: Colour = (0, 88, 158)
ASK: Colour = (196, 78, 0)
BIDS: tuple[Colour, Colour] = ((214, 230, 243), (33, 102, 172))
ASKS: tuple[Colour, Colour] = ((253, 228, 203), (213, 94, 0))
BOUGHT: Colour = (86, 190, 255)
SOLD: Colour = (255, 222, 60)
GAIN: Colour = (206, 224, 238)
LOSS: Colour = (250, 221, 199)
SHADES = 32
MARK_PX = 11  # of a triangle
#: Colours of depth: nothing, nothing while trading is closed, shades of bids, shades of asks.
_NOTHING, _CLOSED, _BIDS, _ASKS = 0, 1, 2, 2 + SHADES

ByteArray = npt.NDArray[np.uint8]
FloatArray = npt.NDArray[np.float64]


def _ramp(ends: tuple[Colour, Colour]) -> ByteArray:
    share = np.linspace(0.0, 1.0, SHADES)[:, None]
    mixed = (1.0 - share) * np.array(ends[0]) + share * np.array(ends[1])
    return mixed.round().astype(np.uint8)


PALETTE: ByteArray = np.concatenate(
    (np.array([GROUND, CLOSED], np.uint8), _ramp(BIDS), _ramp(ASKS))
)


@cache
def _font(size: int) -> Any:
    return ImageFont.load_default(size)


@cache
def _triangle(side: int) -> Any:
    """Return a mark of a fill, smooth, with its tip in the middle of one edge: up for bought."""
    big = 8 * MARK_PX
    image = Image.new("RGBA", (big, big), (0, 0, 0, 0))
    tip, base = (4, big - 6) if side == BUY else (big - 4, 6)
    corners = [(big / 2, tip), (4, base), (big - 4, base)]
    fill = BOUGHT if side == BUY else SOLD
    ImageDraw.Draw(image).polygon(corners, fill=fill, outline=INK, width=9)
    return image.resize((MARK_PX, MARK_PX), Image.Resampling.BOX)


def _paper() -> Any:
    """Return what is the same in every picture: panels, names, the legend."""
    image = Image.new("RGB", (WIDTH, HEIGHT), PAPER)
    draw = ImageDraw.Draw(image)
    small = _font(11)
    for top, height in ((INVENTORY_TOP, INVENTORY_PX), (PNL_TOP, PNL_PX)):
        draw.rectangle((LEFT, top, RIGHT - 1, top + height), fill=GROUND)
    x: float = LEFT
    y = 33

    def word(text: str) -> None:
        nonlocal x
        draw.text((x, y), text, INK, small, "lm")
        x += draw.textlength(text, small) + 14

    for name, ends, line in (("bids", BIDS, BID), ("asks", ASKS, ASK)):
        shades = np.tile(_ramp(ends)[None, :, :], (9, 1, 1))
        image.paste(Image.fromarray(shades), (int(x), y - 4))
        draw.line((x, y - 5, x + SHADES - 1, y - 5), line, 2)
        x += SHADES + 5
        word(name)
    draw.line((x, y, x + 18, y), INK, 2)
    x += 23
    word("own quotes")
    for side, name in ((BUY, "bought"), (SELL, "sold")):
        mark = _triangle(side)
        image.paste(mark, (int(x), y - MARK_PX // 2), mark)
        x += MARK_PX + 4
        word(name)
    draw.rectangle((x, y - 4, x + 12, y + 4), CLOSED)
    x += 17
    word("no continuous trading")
    draw.text((LEFT, INVENTORY_TOP - 3), "inventory, lots (known)", FAINT, small, "ls")
    draw.text((LEFT, PNL_TOP - 3), "profit and loss, ticks (true)", FAINT, small, "ls")
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
        self._draw_quotes(draw, book, axis)
        self._draw_fills(image, axis, tick_px)
        self._draw_book(draw, book, axis)
        for tick in axis.labels(30):
            if tick == round(tick):
                _label(draw, float(axis.y(tick)), f"{round(tick * tick_px)}")
        draw.rectangle((LEFT - 1, TOP - 1, RIGHT, TOP + PRICE_PX), outline=FRAME)
        self._draw_values(draw, columns)
        self._draw_clock(draw, columns)
        self._draw_title(draw, columns[-1], book)
        return np.array(image)

    def close(self) -> None:
        """Nothing to end."""

    def _draw_quotes(self, draw: Any, book: dict[str, FloatArray], axis: Axis) -> None:
        """Draw the touch, at the inner edges of its levels, and the own orders in the middle."""
        _steps(draw, axis, book["bid"][:, 0] + 0.5, BID, 2)
        _steps(draw, axis, book["ask"][:, 0] - 0.5, ASK, 2)
        own = book["own"]
        for halo, width, colour in ((True, 4, PAPER), (False, 2, INK)):
            for slot in range(OWN_SHOWN):
                line = own[:, slot]
                if np.isfinite(line).any():
                    _steps(draw, axis, line, colour, width, joined=not halo)

    def _draw_fills(self, image: Any, axis: Axis, tick_px: int) -> None:
        """Mark own fills: the tip of a triangle stands at step and price."""
        first = int(self._trail.columns["step"][0])
        for fill in self._trail.fills:
            x, y = mark_of(fill, first, axis, tick_px)
            mark = _triangle(fill.side)
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
                    draw.text((BOOK_LEFT + wide + 3, y), f"{lots}", FAINT, _font(10), "lm")

    def _draw_values(self, draw: Any, columns: np.ndarray) -> None:
        """Draw inventory and profit and loss, with their zero and a few labels."""
        limit = int(self._task["limit_lot"])
        position = columns["position"].astype(np.float64)
        most = max(limit, float(abs(position).max()))
        inventory = Axis(INVENTORY_TOP, INVENTORY_PX, -most * 1.1, most * 1.1)
        pnl = value_axis(PNL_TOP, PNL_PX, columns["pnl_tick"], 4.0)
        for axis, values, marks in (
            (inventory, position, [-limit, 0, limit]),
            (pnl, columns["pnl_tick"], pnl.labels(24)),
        ):
            zero = float(axis.y(0.0))
            above, below = axis.y(np.maximum(values, 0.0)), axis.y(np.minimum(values, 0.0))
            for i in np.flatnonzero(values):
                x = LEFT + COLUMN_PX * int(i)
                draw.rectangle((x, above[i], x + COLUMN_PX - 1, below[i]),
                               fill=GAIN if values[i] > 0 else LOSS)
            for mark in marks:
                y = float(axis.y(float(mark)))
                draw.line((LEFT, y, RIGHT - 1, y), FRAME, 1)
                _label(draw, y, f"{mark:g}")
            draw.line((LEFT, zero, RIGHT - 1, zero), FAINT, 1)
            _steps(draw, axis, values, INK, 1)
            draw.rectangle((LEFT - 1, axis.top - 1, RIGHT, axis.bottom + 1), outline=FRAME)
            y = float(axis.y(float(values[-1])))
            draw.text((RIGHT + 6, y), f"{values[-1]:+g}" if axis is inventory
                      else f"{values[-1]:+.1f}", INK, _font(12), "lm")

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
            draw.text((x, BOTTOM + 8), clock(k * apart_s, apart_s), FAINT, _font(11), "mt")

    def _draw_title(self, draw: Any, last: Any, book: dict[str, FloatArray]) -> None:
        """Write where the episode stands: time, spread, inventory, profit and loss."""
        task = self._task
        step_s = float(task["step_s"])
        spread = float(book["ask"][-1, 0] - book["bid"][-1, 0])
        words = [
            f"{clock(int(last['step']) * step_s, step_s)} of "
            f"{clock(int(task['steps']) * step_s, step_s)}",
            f"spread {spread:g} ticks" if np.isfinite(spread) else "a side is empty",
            f"inventory {int(last['position']):+d}",
            f"P&L {float(last['pnl_tick']):+.1f} ticks",
        ]
        phase = int(last["phase"])
        if phase != Phase.CONTINUOUS:
            words.append(Phase(phase).name.lower().replace("_", " "))
        draw.text((LEFT, 13), "     ".join(words), INK, _font(14), "lm")


def _in_ticks(columns: np.ndarray, tick_px: int) -> dict[str, FloatArray]:
    """Return prices in ticks, NaN where there is none: bid, ask (n, 5), own (n, 8), mid (n,)."""
    ticks = {
        side: np.where(columns[f"{side}_lots"] > 0, columns[f"{side}_px"] / tick_px, np.nan)
        for side in ("bid", "ask")
    }
    ticks["own"] = np.where(columns["own_lots"] != 0, columns["own_px"] / tick_px, np.nan)
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
    cells = np.full((rows, COLUMNS), _NOTHING, np.uint8)
    cells[:, : len(columns)] = np.where(columns["phase"] == Phase.CONTINUOUS, _NOTHING, _CLOSED)
    for side, first in (("bid", _BIDS), ("ask", _ASKS)):
        tick, lots = book[side], columns[f"{side}_lots"]
        shade = np.log1p(lots.astype(np.float64)) / np.log1p(most) * (SHADES - 1)
        shown = (tick > axis.low) & (tick < axis.high)
        step, level = np.nonzero(shown)
        row = np.rint(tick[step, level]).astype(np.int64) - lowest
        cells[row, step] = first + np.clip(shade[step, level], 0, SHADES - 1).astype(np.uint8)
    y = np.arange(PRICE_PX)
    row_of_y = rows - 1 - y * rows // PRICE_PX
    pixels: ByteArray = PALETTE[np.repeat(cells[row_of_y], COLUMN_PX, axis=1)]
    return pixels


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


def _steps(
    draw: Any, axis: Axis, values: FloatArray, colour: Colour, width: int, *, joined: bool = True
) -> None:
    """Draw a line of steps through values, one a column, with gaps where they are NaN."""
    y = np.rint(axis.y(values))
    there = np.isfinite(y)
    edges = np.flatnonzero(np.diff(np.concatenate(([False], there, [False])).astype(np.int8)))
    for begin, end in zip(edges[::2], edges[1::2], strict=True):
        x = LEFT + COLUMN_PX * np.arange(begin, end + 1)
        path = np.empty((2 * (end - begin), 2))
        path[0::2, 0], path[1::2, 0] = x[:-1], x[1:]
        path[:, 1] = np.repeat(y[begin:end], 2)
        if joined:
            draw.line(path.ravel().tolist(), colour, width)
            continue
        for i in range(0, len(path), 2):
            draw.line(path[i : i + 2].ravel().tolist(), colour, width)


def _label(draw: Any, y: float, text: str) -> None:
    draw.line((LEFT - 5, y, LEFT - 2, y), FAINT, 1)
    draw.text((LEFT - 8, y), text, FAINT, _font(11), "rm")
