"""Event logs as Parquet files: one file a market, and in it all that makes the market again.

A row is a row of ``Simulator.log`` (dtype ``LOG_ROW``), in the same columns. What the file is of
stands in its metadata, under the key ``hftgym``, as JSON: see `LogHeader`.
"""

from __future__ import annotations

import dataclasses
import json
import platform
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np

from hftgym.core.constants import LogKind, LogMark, Reason
from hftgym.core.records import LOG_ROW
from hftgym.errors import DataError, NoInputError, OutputError
from hftgym.extras import need

KEY = b"hftgym"
FORMAT = 1
#: Rows of a row group: what is held in memory while a log is written.
ROW_GROUP = 1 << 18


@dataclass(frozen=True)
class LogHeader:
    """What a log is of.

    Attributes:
        format: version of this description.
        hftgym: version of the program.
        versions: of numpy, numba, Python; machine and system.
        scenario: the whole scenario, defaults included.
        config_hash: SHA-256 of it.
        seed: of the market.
        start_ns: opening of the market.
        begin_ns: end of the burn-in.
        end_ns: how far it was run.
        participants: name of each, by index, as ``maker`` and ``taker`` count them.
        kinds: kind of each.
        data: path of the message file of a tape as it was given; None without one.
        data_hash: SHA-256 of what does not stand in the scenario: history, recorded latencies.
        rows: rows of the log.
        log_hash: rolling hash of the log, hexadecimal.
        state_hash: hash of the market at the end, hexadecimal.
        codes: what the numbers in ``kind``, ``reason`` and ``marks`` mean.
    """

    format: int
    hftgym: str
    versions: dict[str, str]
    scenario: dict[str, Any]
    config_hash: str
    seed: int
    start_ns: int
    begin_ns: int
    end_ns: int
    participants: list[str]
    kinds: list[str]
    data: str | None
    data_hash: str
    rows: int
    log_hash: str
    state_hash: str
    codes: dict[str, dict[str, str]] = dataclasses.field(
        default_factory=lambda: {
            name: {str(int(code)): code.name for code in codes}
            for name, codes in (("kind", LogKind), ("reason", Reason), ("marks", LogMark))
        }
    )


def versions() -> dict[str, str]:
    """Return what, beside hftgym itself, may decide how a market runs."""
    import numba

    return {
        "numpy": np.__version__,
        "numba": numba.__version__,
        "python": platform.python_version(),
        "machine": platform.machine(),
        "system": platform.system(),
    }


class LogWriter:
    """Writes a log piece by piece; the file appears, whole, when it is closed.

    Args:
        path: file to write.
    """

    def __init__(self, path: Path) -> None:
        need("pyarrow")
        import pyarrow as pa
        import pyarrow.parquet as pq

        self.path = path
        self._temporary = path.with_name(f".{path.name}.tmp")
        fields = [(name, pa.from_numpy_dtype(LOG_ROW[name])) for name in LOG_ROW.names or ()]
        self._schema = pa.schema(fields)
        self._waiting: list[np.ndarray] = []
        self._rows = 0
        try:
            self._file = pq.ParquetWriter(self._temporary, self._schema, compression="zstd")
        except OSError as error:
            raise OutputError("HG-O070", f"{path}: can not be written: {error}") from error

    def __enter__(self) -> LogWriter:
        """Return the writer."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Remove what is not whole."""
        if self._file.is_open:
            self._file.close()
            self._temporary.unlink(missing_ok=True)

    def write(self, rows: np.ndarray) -> None:
        """Append rows, dtype ``LOG_ROW``."""
        if len(rows):
            self._waiting.append(rows)
            self._rows += len(rows)
        if self._rows >= ROW_GROUP:
            self._flush()

    def close(self, header: LogHeader) -> None:
        """Write what is left and the description, and put the file into its place.

        Raises:
            OutputError: if the disk refuses.
        """
        self._flush()
        text = json.dumps(dataclasses.asdict(header), allow_nan=False)
        try:
            self._file.add_key_value_metadata({KEY: text.encode()})
            self._file.close()
            self._temporary.replace(self.path)
        except OSError as error:
            raise OutputError("HG-O070", f"{self.path}: can not be written: {error}") from error

    def _flush(self) -> None:
        import pyarrow as pa

        if not self._waiting:
            return
        rows = np.concatenate(self._waiting)
        self._waiting, self._rows = [], 0
        columns = [pa.array(np.ascontiguousarray(rows[name])) for name in self._schema.names]
        try:
            self._file.write_batch(pa.record_batch(columns, schema=self._schema), ROW_GROUP)
        except OSError as error:
            raise OutputError("HG-O070", f"{self.path}: can not be written: {error}") from error


def _open(path: Path) -> Any:
    need("pyarrow")
    import pyarrow as pa
    import pyarrow.parquet as pq

    if not path.is_file():
        raise NoInputError("HG-N070", f"there is no file '{path}'; name a log, events-SEED.parquet")
    try:
        return pq.ParquetFile(path)
    except (OSError, pa.ArrowException) as error:
        raise DataError("HG-D200", f"{path}: is no Parquet file: {error}") from error


def read_header(path: str | Path) -> LogHeader:
    """Return what a log is of.

    Raises:
        NoInputError: if there is no such file.
        DataError: if it is not a log.
    """
    with _open(Path(path)) as file:
        text = (file.metadata.metadata or {}).get(KEY)
    if text is None:
        raise DataError("HG-D201", f"{path}: has no metadata 'hftgym'; it is not an event log")
    try:
        found = json.loads(text)
        if found.get("format") != FORMAT:
            raise DataError(
                "HG-D201",
                f"{path}: is a log of format {found.get('format')}, this program reads {FORMAT}",
            )
        return LogHeader(**found)
    except (ValueError, TypeError, AttributeError) as error:
        if isinstance(error, DataError):
            raise
        raise DataError("HG-D201", f"{path}: metadata 'hftgym' is not valid: {error}") from error


def read_rows(path: str | Path) -> Iterator[np.ndarray]:
    """Yield the rows of a log in pieces, dtype ``LOG_ROW``.

    Raises:
        NoInputError: if there is no such file.
        DataError: if it has not the columns of a log, or can not be read.
    """
    import pyarrow as pa

    with _open(Path(path)) as file:
        wanted = {name: pa.from_numpy_dtype(LOG_ROW[name]) for name in LOG_ROW.names or ()}
        found = {field.name: field.type for field in file.schema_arrow}
        if found != wanted:
            raise DataError(
                "HG-D202", f"{path}: columns are {list(found)}; those of a log are {list(wanted)}"
            )
        try:
            for batch in file.iter_batches(batch_size=ROW_GROUP):
                rows = np.zeros(batch.num_rows, LOG_ROW)
                for name in wanted:
                    rows[name] = batch.column(name).to_numpy()
                yield rows
        except (OSError, pa.ArrowException) as error:
            raise DataError("HG-D205", f"{path}: can not be read: {error}") from error


def read_log(path: str | Path) -> np.ndarray:
    """Return all rows of a log, dtype ``LOG_ROW``."""
    return np.concatenate([np.zeros(0, LOG_ROW), *read_rows(path)])
