"""Latencies of a channel: a constant, a lognormal distribution, or a recording.

A scenario gives each of a participant's three channels a number of nanoseconds, or one of the two
models here. Whichever it is, a channel stays first in, first out (``hftgym.core.order_entry``,
``responses`` and ``views``).
"""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import BaseModel, Field, field_validator, model_validator

from hftgym.errors import DataError, NoInputError
from hftgym.yaml_model import StrictModel

#: Longest latency that a scenario may ask for.
MAX_LATENCY_NS = 3_600_000_000_000

LatencyNs = Annotated[int, Field(ge=0, le=MAX_LATENCY_NS)]
Channel = Literal["feed_ns", "order_ns", "response_ns"]
#: Columns of a recording whose difference is the latency of a channel; times of the first one.
COLUMNS: dict[str, tuple[str, str]] = {
    "feed_ns": ("exchange_ns", "received_ns"),
    "order_ns": ("sent_ns", "exchange_ns"),
    "response_ns": ("exchange_ns", "answered_ns"),
}


class Lognormal(StrictModel):
    """A latency with a heavy tail: floor + (median - floor) * exp(sigma z), z standard normal."""

    median_ns: Annotated[int, Field(ge=1, le=MAX_LATENCY_NS)]
    """Median, floor included, in nanoseconds."""
    sigma: Annotated[float, Field(ge=0, le=5)] = 0.5
    """Standard deviation of the logarithm of what lies above the floor."""
    floor_ns: LatencyNs = 0
    """Shortest, in nanoseconds: the way itself."""
    longest_ns: LatencyNs = MAX_LATENCY_NS
    """Longest, in nanoseconds: what is drawn beyond it takes as long as this."""

    @model_validator(mode="after")
    def _check_order(self) -> Lognormal:
        if not self.floor_ns < self.median_ns <= self.longest_ns:
            raise ValueError(
                f"floor_ns {self.floor_ns}, median_ns {self.median_ns}, longest_ns "
                f"{self.longest_ns}: must rise in this order (the first two strictly)"
            )
        return self


class Recorded(StrictModel):
    """Latencies of a CSV file with a header.

    Either a column ``latency_ns``, or the times ``sent_ns``, ``exchange_ns``, ``answered_ns`` of
    orders (``exchange_ns``, ``received_ns`` of data), whose differences are the latencies.
    """

    file: Annotated[str, Field(min_length=1, max_length=4_096)]
    """Path of the file, from the working directory."""
    replay: Literal["draw", "time"] = "draw"
    """``draw``: each message takes any one of them. ``time``: that of the same time since the
    opening as since the first row, interpolated between two rows; needs columns of times."""


Delay = int | Lognormal | Recorded


def _parse_delay(value: Any) -> Any:
    """Read a delay: a number of nanoseconds, or a mapping that ``file`` tells apart."""
    if isinstance(value, (Lognormal, Recorded)):
        return value
    if isinstance(value, Mapping):
        # As JSON, so that the models are as strict as in a file.
        return delay_model(value).model_validate_json(json.dumps(dict(value)), strict=True)
    if isinstance(value, bool) or not isinstance(value, int):
        raise ValueError(
            "must be a whole number of nanoseconds, or a mapping with median_ns or with file"
        )
    if not 0 <= value <= MAX_LATENCY_NS:
        raise ValueError(f"must be 0 to {MAX_LATENCY_NS} ns")
    return value


def delay_model(data: Mapping[str, Any]) -> type[Lognormal | Recorded]:
    """Return the model of a delay that is given as a mapping."""
    return Recorded if "file" in data or "replay" in data else Lognormal


class Latency(StrictModel):
    """The three first-in-first-out channels between a participant and the exchange."""

    feed_ns: Delay = 1_000_000
    """Public data: exchange to participant, in nanoseconds."""
    order_ns: Delay = 1_000_000
    """Orders: participant to exchange, in nanoseconds."""
    response_ns: Delay = 1_000_000
    """Acknowledgements, rejects and fills: exchange to participant, in nanoseconds."""

    _parse = field_validator("feed_ns", "order_ns", "response_ns", mode="before")(_parse_delay)

    @classmethod
    def nested_model(cls, field: str, data: Mapping[str, Any]) -> type[BaseModel] | None:
        """Return the model of one channel."""
        value = data.get(field)
        return delay_model(value) if isinstance(value, Mapping) else None


def longest_ns(delay: Delay, channel: Channel) -> int:
    """Return the longest latency that a channel can have, in ns; reads a recording."""
    if isinstance(delay, int):
        return delay
    if isinstance(delay, Lognormal):
        return delay.longest_ns
    return int(read_recording(delay, channel)[:, 1].max())


def read_recording(recorded: Recorded, channel: Channel) -> np.ndarray:
    """Read the recording of one channel.

    Returns:
        (time since the first row in ns, latency in ns) of each row, float64, shape (rows, 2);
        the times are zero when the file has latencies only.

    Raises:
        NoInputError: if there is no such file.
        DataError: if a row breaks a rule: whole numbers, latencies of 0 to an hour, rising times.
    """
    path = Path(recorded.file)
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "not a text file"
        raise NoInputError("HG-N110", f"latencies {path}: {reason}; name a CSV file") from None
    rows = csv.reader(text.splitlines())
    header = [name.strip() for name in next(rows, [])]
    start, end = COLUMNS[channel]
    if "latency_ns" in header and recorded.replay == "draw":
        wanted: tuple[str, ...] = ("latency_ns",)
    else:
        wanted = (start, end)
    missing = [name for name in wanted if name not in header]
    if missing:
        raise DataError(
            "HG-D210",
            f"{path}:1: no column {missing[0]!r} for {channel} (replay {recorded.replay!r}); the "
            f"header must name {' and '.join(wanted)}",
        )
    at = [header.index(name) for name in wanted]
    found: list[tuple[int, int]] = []
    for line, row in enumerate(rows, start=2):
        try:
            numbers = [int(row[i]) for i in at]
        except (IndexError, ValueError):
            raise DataError(
                "HG-D211", f"{path}:{line}: {', '.join(row)[:60]!r}: must have whole numbers of ns"
            ) from None
        latency = numbers[-1] - (numbers[0] if len(numbers) == 2 else 0)
        time = numbers[0] if len(numbers) == 2 else 0
        if not 0 <= latency <= MAX_LATENCY_NS:
            raise DataError(
                "HG-D212", f"{path}:{line}: latency {latency} ns; must be 0 to {MAX_LATENCY_NS}"
            )
        if recorded.replay == "time" and found and time <= found[-1][0]:
            raise DataError(
                "HG-D213", f"{path}:{line}: {start} {time} does not rise ({found[-1][0]} before)"
            )
        found.append((time, latency))
    if not found:
        raise DataError("HG-D214", f"{path}: no rows; a recording needs at least one")
    first = found[0][0]
    return np.array([(time - first, latency) for time, latency in found], np.float64)
