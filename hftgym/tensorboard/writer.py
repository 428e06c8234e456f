"""TensorBoard event files and a metrics log, written without torch or TensorFlow.

Each scalar goes to the event file and to ``metrics.jsonl``. A reader of event files stops in
silence at the first damaged record, so the JSON lines are the record that counts: one line for
each write, closed by the CRC-32 of the rest of the line. After a crash a new writer opens a new
event file; it never appends to a torn one.
"""

from __future__ import annotations

import json
import math
import time
import zlib
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
from tensorboard.compat.proto.event_pb2 import Event, SessionLog
from tensorboard.compat.proto.summary_pb2 import Summary, SummaryMetadata
from tensorboard.compat.proto.tensor_pb2 import TensorProto
from tensorboard.compat.proto.tensor_shape_pb2 import TensorShapeProto
from tensorboard.plugins.text.plugin_data_pb2 import TextPluginData
from tensorboard.summary.writer.event_file_writer import EventFileWriter

from hftgym.errors import DataError, OutputError
from hftgym.tensorboard.layout import LAYOUT_TAG, layout_summary

_FLUSH_S = 10


class MetricsWriter:
    """Writes scalars to an event file and to a JSON-lines file.

    Args:
        folder: Folder of the event files.
        metrics: Path of the JSON-lines file, or None for event files alone.
        after: Step from which a run goes on: TensorBoard is told to forget what older event files
            say of later ones.
        also: Called with the finite scalars of each write and their step.
    """

    def __init__(
        self,
        folder: Path,
        metrics: Path | None = None,
        *,
        after: int | None = None,
        also: Callable[[Mapping[str, float], int], None] | None = None,
    ) -> None:
        try:
            self._events: Any = EventFileWriter(str(folder), max_queue_size=64, flush_secs=_FLUSH_S)
            self._lines = metrics.open("a", encoding="utf-8") if metrics is not None else None
        except OSError as error:
            raise OutputError("HG-O014", f"{folder}: no event file: {error.strerror}") from error
        self._start_s = time.monotonic()
        self._closed = False
        self._also = also
        if after is not None:
            begun = SessionLog(status=SessionLog.START)
            self._events.add_event(Event(wall_time=time.time(), step=after + 1, session_log=begun))

    def __enter__(self) -> MetricsWriter:
        """Return the writer."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close the files."""
        self.close()

    def scalars(self, values: Mapping[str, float], step: int) -> None:
        """Write scalars at one step.

        Args:
            values: Value by tag (``pnl/total``). A value that is not finite is written to the
                JSON lines as null and left out of the event file.
            step: Environment steps done.
        """
        if not values:
            return
        plain = {tag: float(value) for tag, value in values.items()}
        kept = [
            Summary.Value(tag=tag, simple_value=value)
            for tag, value in plain.items()
            if math.isfinite(value)
        ]
        if kept:
            self._add(Summary(value=kept), step)
        if self._lines is not None:
            record: dict[str, Any] = {"step": int(step), "wall_s": round(self.elapsed_s, 3)}
            record |= {tag: v if math.isfinite(v) else None for tag, v in plain.items()}
            self._lines.write(signed_line(record))
            self._lines.flush()
        if self._also is not None and kept:
            self._also({tag: v for tag, v in plain.items() if math.isfinite(v)}, int(step))

    def text(self, tag: str, text: str, step: int = 0) -> None:
        """Write a text (Markdown) to the Text tab."""
        metadata = SummaryMetadata(
            plugin_data=SummaryMetadata.PluginData(
                plugin_name="text", content=TextPluginData(version=0).SerializeToString()
            )
        )
        tensor = TensorProto(
            dtype="DT_STRING",
            string_val=[text.encode()],
            tensor_shape=TensorShapeProto(dim=[TensorShapeProto.Dim(size=1)]),
        )
        value = Summary.Value(tag=f"{tag}/text_summary", metadata=metadata, tensor=tensor)
        self._add(Summary(value=[value]), step)

    def layout(self) -> None:
        """Write the layout of the Custom Scalars tab; call it once for each run."""
        self._add(layout_summary(), 0)

    @property
    def elapsed_s(self) -> float:
        """Seconds since the writer was made."""
        return time.monotonic() - self._start_s

    def flush(self) -> None:
        """Write what is buffered to the disk."""
        self._events.flush()

    def close(self) -> None:
        """Flush and close both files; a second call does nothing."""
        if self._closed:
            return
        self._closed = True
        self._events.close()
        if self._lines is not None:
            self._lines.close()

    def _add(self, summary: Any, step: int) -> None:
        self._events.add_event(Event(wall_time=time.time(), step=int(step), summary=summary))


def signed_line(record: Mapping[str, Any]) -> str:
    """Return a line of the metrics file, closed by its checksum."""
    body = json.dumps(record, allow_nan=False)[:-1]
    return f'{body}, "crc32": {zlib.crc32(body.encode())}}}\n'


def read_metrics(path: Path) -> Iterator[dict[str, Any]]:
    """Yield the records of a metrics file; a torn last line is left out.

    Raises:
        DataError: A line that is not the last one is damaged.
    """
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    for number, line in enumerate(lines, start=1):
        body, mark, crc = line.rpartition(', "crc32": ')
        whole = line.endswith("}\n") and mark and crc[:-2].isdigit()
        if whole and zlib.crc32(body.encode()) == int(crc[:-2]):
            record: dict[str, Any] = json.loads(line)
            del record["crc32"]
            yield record
        elif number < len(lines) or line.endswith("\n"):
            raise DataError("HG-D064", f"{path}:{number}: damaged line (checksum differs)")


def exact_parts(parts: Mapping[str, float]) -> tuple[dict[str, float], float]:
    """Round parts to a common binary grid so that they add up exactly, also as 32-bit floats.

    Event files hold 32-bit floats, in which a rounded total need not be the sum of its rounded
    parts. The grid is the finest power of two on which every partial sum has at most 24 bits: a
    relative error below 2**-22 of the largest part.

    Args:
        parts: Value by name, all finite, in one unit.

    Returns:
        The rounded parts and their sum, in that unit.
    """
    magnitude = sum(abs(value) for value in parts.values())
    if magnitude == 0.0:
        return dict.fromkeys(parts, 0.0), 0.0
    grid = math.ldexp(1.0, math.frexp(magnitude)[1] - 23)
    rounded = {name: float(np.rint(value / grid)) * grid for name, value in parts.items()}
    return rounded, math.fsum(rounded.values())


__all__ = ["LAYOUT_TAG", "MetricsWriter", "exact_parts", "read_metrics"]
