"""What pictures are drawn with: colours, letters, marks, lines on a grid of steps."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFont

from hftgym.core.constants import BUY
from hftgym.envs.rendering.axes import Axis

LEFT = 66  # of every panel
COLUMN_PX = 3  # width of a step

Colour = tuple[int, int, int]
# Blue and orange stay apart for colour-blind eyes; fills differ in shape as well.
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
AUCTION: Colour = (117, 60, 160)
GAIN: Colour = (206, 224, 238)
LOSS: Colour = (250, 221, 199)
SHADES = 32
MARK_PX = 11  # of a triangle
#: Colours of depth: nothing, nothing while trading is closed, shades of bids, shades of asks.
NOTHING, CLOSED_SHADE, FIRST_BID, FIRST_ASK = 0, 1, 2, 2 + SHADES

ByteArray = npt.NDArray[np.uint8]
FloatArray = npt.NDArray[np.float64]


def ramp(ends: tuple[Colour, Colour]) -> ByteArray:
    """Return ``SHADES`` colours from one to the other, shape (SHADES, 3)."""
    share = np.linspace(0.0, 1.0, SHADES)[:, None]
    mixed: FloatArray = (1.0 - share) * np.array(ends[0]) + share * np.array(ends[1])
    return mixed.round().astype(np.uint8)


PALETTE: ByteArray = np.concatenate((np.array([GROUND, CLOSED], np.uint8), ramp(BIDS), ramp(ASKS)))


@cache
def font(size: int) -> Any:
    """Return the letters that come with Pillow, so many pixels high."""
    return ImageFont.load_default(size)


@cache
def triangle(side: int) -> Any:
    """Return a mark of a fill, smooth, with its tip in the middle of one edge: up for bought."""
    big = 8 * MARK_PX
    image = Image.new("RGBA", (big, big), (0, 0, 0, 0))
    tip, base = (4, big - 6) if side == BUY else (big - 4, 6)
    corners = [(big / 2, tip), (4, base), (big - 4, base)]
    fill = BOUGHT if side == BUY else SOLD
    ImageDraw.Draw(image).polygon(corners, fill=fill, outline=INK, width=9)
    return image.resize((MARK_PX, MARK_PX), Image.Resampling.BOX)


def path(y: FloatArray, first: int) -> list[tuple[float, float]]:
    """Return the corners of a line of steps, one a column from column ``first`` on."""
    edges = LEFT + COLUMN_PX * np.arange(first, first + len(y) + 1)
    x = np.repeat(edges, 2)[1:-1]
    x[-1] -= 1  # a line takes in its last pixel
    return list(zip(x.tolist(), np.repeat(y, 2).tolist(), strict=True))


def _runs(values: FloatArray, breaks: npt.NDArray[np.bool_]) -> list[tuple[int, int]]:
    """Return begin and end of each run of values that are there; a break begins a new one."""
    there = np.isfinite(values)
    begins = there & ~np.concatenate(([False], there[:-1] & ~breaks))
    ends = there & ~np.concatenate((there[1:] & ~breaks, [False]))
    return list(zip(np.flatnonzero(begins), np.flatnonzero(ends) + 1, strict=True))


def steps(draw: Any, axis: Axis, values: FloatArray, colour: Colour) -> None:
    """Draw a line of steps through values, one a column, with gaps where they are NaN."""
    y = np.rint(axis.y(values))
    for begin, end in _runs(y, np.zeros(len(y) - 1, np.bool_)):
        draw.line(path(y[begin:end], begin), colour, 1)


def dashes(draw: Any, axis: Axis, values: FloatArray, colour: Colour, thick: int) -> None:
    """Draw each stretch of equal values as a bar: no lines between them."""
    y = np.rint(axis.y(values))
    for begin, end in _runs(y, np.diff(y) != 0.0):
        top = y[begin] - thick // 2
        box = (LEFT + COLUMN_PX * begin, top, LEFT + COLUMN_PX * end - 1, top + thick - 1)
        draw.rectangle(box, fill=colour)


def label(draw: Any, y: float, text: str) -> None:
    """Write a value beside the left edge of a panel."""
    draw.line((LEFT - 5, y, LEFT - 2, y), FAINT, 1)
    draw.text((LEFT - 8, y), text, FAINT, font(11), "rm")
