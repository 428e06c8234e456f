"""Cont, Kukanov and Stoikov 2014, "The price impact of order book events".

Order flow imbalance is the sum of e_n = 1{Pb_n >= Pb_(n-1)} qb_n - 1{Pb_n <= Pb_(n-1)} qb_(n-1)
- 1{Pa_n <= Pa_(n-1)} qa_n + 1{Pa_n >= Pa_(n-1)} qa_(n-1) over the changes of the best quotes, and
price changes are linear in it, with a slope that falls with depth. Signed volume explains less.

Their 50 stocks are not free. The numbers beside ours are of a recording of Binance (ETHUSDT, USD
margined futures, 2024-08-08, the last six minutes of the day): changes of the mid over 1 s,
regressed on the imbalance of the same second in each minute, mean R^2 of the minutes.
"""

from __future__ import annotations

import gzip
import json
import zlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from hftgym.core.constants import NEVER_NS, SECOND_NS
from hftgym.errors import DataError
from hftgym.papers.table import Row

PAPER = "Cont, Kukanov, Stoikov 2014"
#: Recording below the folder of real data.
RECORDING = Path("binance_raw") / "usdm_ethusdt_20240808.gz"


@dataclass(frozen=True)
class Recording:
    """Best quotes and trades of a recorded websocket, in order of arrival.

    Attributes:
        quote_ns: when a quote arrived, local clock, shape (quotes,).
        quotes: bid price, bid quantity, ask price, ask quantity, shape (quotes, 4).
        trade_ns: when a trade arrived, local clock, shape (trades,).
        signed_volume: quantity of a trade, negative when the seller took, shape (trades,).
    """

    quote_ns: npt.NDArray[np.int64]
    quotes: npt.NDArray[np.float64]
    trade_ns: npt.NDArray[np.int64]
    signed_volume: npt.NDArray[np.float64]


def read_recording(path: Path) -> Recording:
    """Read the ``bookTicker`` and ``trade`` messages of a recording (gzip; other streams skipped).

    A line is the local time in ns, a space, and the JSON ``{"stream": ..., "data": ...}``.

    Raises:
        DataError: if a line says something else.
    """
    quote_ns, quotes, trade_ns, volumes = [], [], [], []
    line = ""
    try:
        with gzip.open(path, "rt", encoding="utf-8") as lines:
            for line in lines:
                stamp, _, text = line.partition(" ")
                if "@bookTicker" not in text[:80] and "@trade" not in text[:80]:
                    continue
                data = json.loads(text)["data"]
                if data["e"] == "bookTicker":
                    quotes.append([float(data[name]) for name in "bBaA"])
                    quote_ns.append(int(stamp))
                else:
                    volumes.append(float(data["q"]) * (-1.0 if data["m"] else 1.0))
                    trade_ns.append(int(stamp))
    except (ValueError, KeyError, EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise DataError(
            "HG-D180", f"{path}: not a recorded bookTicker or trade: {error!r} in {line[:80]!r}"
        ) from error
    return Recording(
        np.array(quote_ns, np.int64),
        np.array(quotes).reshape(-1, 4),
        np.array(trade_ns, np.int64),
        np.array(volumes),
    )


def order_flow(quotes: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Return e_n for every quote, shape (quotes,); 0 for the first, which has none before it.

    Args:
        quotes: bid price, bid quantity, ask price, ask quantity, shape (quotes, 4).
    """
    bid, bid_size, ask, ask_size = quotes.T
    flow = np.zeros(len(quotes))
    flow[1:] = (
        (bid[1:] >= bid[:-1]) * bid_size[1:]
        - (bid[1:] <= bid[:-1]) * bid_size[:-1]
        - (ask[1:] <= ask[:-1]) * ask_size[1:]
        + (ask[1:] >= ask[:-1]) * ask_size[:-1]
    )
    return flow


def seconds_of(
    recording: Recording,
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Return mid change, order flow imbalance and signed volume of each whole second.

    Seconds count from the first quote, on the local clock. A trade belongs to the second of the
    last quote before it, the one that it met: the quote that it leaves arrives later.
    """
    begin, end = int(recording.quote_ns[0]), int(recording.quote_ns[-1])
    grid = begin + SECOND_NS * np.arange((end - begin) // SECOND_NS + 1)
    last = np.searchsorted(recording.quote_ns, grid, side="right") - 1
    next_ns = np.append(recording.quote_ns, NEVER_NS)[last + 1]
    mid = 0.5 * (recording.quotes[:, 0] + recording.quotes[:, 2])
    flow = np.cumsum(order_flow(recording.quotes))
    volume = np.concatenate([[0.0], np.cumsum(recording.signed_volume)])
    traded = volume[np.searchsorted(recording.trade_ns, next_ns)]
    return np.diff(mid[last]), np.diff(flow[last]), np.diff(traded)


def mean_r2(x: npt.NDArray[np.float64], y: npt.NDArray[np.float64], window: int) -> float:
    """Return the mean R^2 of linear regressions of y on x in each whole window of samples."""
    count = len(x) // window
    squares = [
        np.corrcoef(x[k * window : (k + 1) * window], y[k * window : (k + 1) * window])[0, 1] ** 2
        for k in range(count)
    ]
    return float(np.mean(squares))


def rows(data: Path | None = None) -> list[Row]:
    """Return R^2 on order flow imbalance and on signed volume; no rows without the recording.

    Args:
        data: folder of real data.
    """
    if data is None or not (Path(data) / RECORDING).is_file():
        return []
    moves, flow, volume = seconds_of(read_recording(Path(data) / RECORDING))
    return [
        Row(PAPER, "R^2 of 1 s mid changes on OFI", 0.5846, mean_r2(flow, moves, 60), 0.5e-4),
        Row(PAPER, "R^2 on signed volume", 0.3557, mean_r2(volume, moves, 60), 0.5e-4),
    ]
