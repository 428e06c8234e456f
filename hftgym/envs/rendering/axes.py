"""Axes of a picture: which prices, values and times it shows, and where its labels stand.

All of it follows from what is shown alone, in coarse steps: a picture moves now and then, not with
every frame, and equal histories give equal pictures.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]

#: Ticks that a price axis can show.
_SPANS = tuple(2**k * f for k in range(4, 32) for f in (1.0, 1.25, 1.5, 1.75))
_CLOCK_S = (0.1, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 21600, 86400)


@dataclass(frozen=True)
class Axis:
    """A vertical axis.

    Attributes:
        top: pixel row of its upper end.
        height: pixels.
        low: value at the lower end.
        high: value at the upper end.
    """

    top: int
    height: int
    low: float
    high: float

    @property
    def bottom(self) -> int:
        """Pixel row of the lower end."""
        return self.top + self.height

    def y(self, value: FloatArray | float) -> FloatArray:
        """Return the pixel rows of values, cut to the axis; NaN stays."""
        share = (np.asarray(value, np.float64) - self.low) / (self.high - self.low)
        return self.bottom - np.clip(share, 0.0, 1.0) * self.height

    def holds(self, value: float) -> bool:
        """Return whether a value lies on the axis."""
        return self.low <= value <= self.high

    def labels(self, apart_px: int) -> list[float]:
        """Return round values on the axis, at least so many pixels apart."""
        step = round_step((self.high - self.low) * apart_px / self.height)
        first = np.ceil(self.low / step)
        last = np.floor(self.high / step)
        return [k * step for k in range(int(first), int(last) + 1)]


def round_step(least: float) -> float:
    """Return the smallest of 1, 2 and 5 times a power of ten that is at least ``least``."""
    power = 10.0 ** np.floor(np.log10(least))
    return float(next(f * power for f in (1.0, 2.0, 5.0, 10.0) if f * power >= least * 0.999999))


def price_axis(top: int, height: int, touches: FloatArray, reach: float, now: FloatArray) -> Axis:
    """Return an axis, in ticks, around the best prices of the steps that are shown.

    Args:
        top: pixel row of its upper end.
        height: pixels.
        touches: best bids and asks, ticks, NaN where a side was empty.
        reach: usual distance from the touch to the last level of a view, ticks.
        now: prices that must be on it, ticks.
    """
    seen = touches[np.isfinite(touches)]
    low, high = float(now.min()), float(now.max())
    if len(seen):  # a lone far order must not flatten all the others
        low = min(low, float(np.quantile(seen, 0.02)))
        high = max(high, float(np.quantile(seen, 0.98)))
    low, high = low - reach, high + reach
    span = next(s for s in _SPANS if s * 0.9375 >= high - low + 1.0)
    middle = round((low + high) / 2.0 / (span / 16.0)) * (span / 16.0)
    # Whole ticks, and half a tick beyond: each price has a row of its own.
    lowest = np.floor(middle - span / 2.0)
    return Axis(top, height, lowest - 0.5, lowest + span - 0.5)


def value_axis(top: int, height: int, values: FloatArray, least: float) -> Axis:
    """Return an axis for values around zero, with round ends.

    Args:
        top: pixel row of its upper end.
        height: pixels.
        values: what is shown, shape (n,).
        least: smallest range.
    """
    low, high = min(0.0, float(values.min())), max(0.0, float(values.max()))
    step = round_step(max(high - low, least) / 4.0)
    low, high = np.floor(low / step) * step, np.ceil(high / step) * step
    return Axis(top, height, float(low), float(max(high, low + 2.0 * step)))


def clock_step_s(least_s: float) -> float:
    """Return a usual interval of a clock, seconds, of at least ``least_s``."""
    return next((s for s in _CLOCK_S if s >= least_s), least_s)


def clock(time_s: float, step_s: float) -> str:
    """Return a time as minutes and seconds, or hours, with a decimal where steps have one."""
    decimals = 0 if float(step_s).is_integer() else 1
    time_s = round(time_s, decimals)
    minutes, seconds = divmod(time_s, 60.0)
    hours, minutes = divmod(int(minutes), 60)
    text = f"{seconds:0{3 + decimals if decimals else 2}.{decimals}f}"
    return f"{hours}:{minutes:02d}:{text}" if hours else f"{minutes}:{text}"
