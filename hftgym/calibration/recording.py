"""What a recording is a recording of: its events, and the instrument that a scenario needs."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from hftgym.analytics.event_sources import read_events
from hftgym.analytics.event_table import EventTable
from hftgym.data.bitstamp import is_bitstamp


@dataclass(frozen=True)
class Recording:
    """A recorded market.

    Attributes:
        table: Its events.
        label: Short plain name, for files and scenarios.
        origin: Whose data it is, for people.
        price_unit: Tick in the quote currency, decimal text.
        lot: Units of the asset in a lot of the scenario, decimal text.
        units_per_lot: Units of the table's sizes in such a lot.
    """

    table: EventTable
    label: str
    origin: str
    price_unit: str
    lot: str
    units_per_lot: int


def read_recording(path: Path) -> Recording:
    """Read a LOBSTER day or a Bitstamp recording.

    Args:
        path: A LOBSTER message file (or its folder), or a Bitstamp log or order table.

    Raises:
        NoInputError: If it is not there.
        DataError: If it breaks a rule of its format.
    """
    table = read_events(path)
    if is_bitstamp(path):
        day = re.match(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", path.name)
        label = f"bitstamp_{day[0].replace('-', '_')}" if day else "bitstamp"
        return Recording(table, label, "BTC/USD on Bitstamp", "0.01", "0.01", 10**6)
    symbol = re.match(r"([A-Za-z]+)_[0-9]{4}-", table.name)
    label = symbol[1].lower() if symbol else "lobster"
    origin = f"{symbol[1]} on NASDAQ (LOBSTER)" if symbol else "A stock on NASDAQ (LOBSTER)"
    return Recording(table, label, origin, "0.01", "1", 1)
