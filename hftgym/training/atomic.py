"""Files and folders that are there whole or not at all.

A file is written beside its destination, flushed to the disk, renamed over it, and the folder is
flushed too. A reader never meets half a file, also after a power cut.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from hftgym.errors import DataError, OutputError

MANIFEST = "manifest.json"


def sha256(data: bytes) -> str:
    """Return the SHA-256 of `data` as hex digits."""
    return hashlib.sha256(data).hexdigest()


def fsync_folder(folder: Path) -> None:
    """Flush the entries of a folder to the disk."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _write_and_sync(path: Path, data: bytes) -> None:
    with path.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def write_bytes(path: Path, data: bytes) -> None:
    """Write a file so that it holds the old bytes or the new ones, never a mixture.

    Raises:
        OutputError: The disk refused; the old file, if any, is unchanged.
    """
    temporary: Path | None = None
    try:
        handle, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".tmp", dir=path.parent)
        os.close(handle)
        temporary = Path(name)
        _write_and_sync(temporary, data)
        temporary.chmod(0o644)
        temporary.replace(path)
        fsync_folder(path.parent)
    except OSError as error:
        if temporary is not None:
            temporary.unlink(missing_ok=True)
        raise OutputError("HG-O010", f"{path}: can not be written: {error.strerror}") from error


def write_json(path: Path, value: Any) -> None:
    """Write JSON with sorted keys, atomically; NaN and infinity become null."""
    text = json.dumps(finite(value), indent=2, sort_keys=True, allow_nan=False)
    write_bytes(path, (text + "\n").encode())


def finite(value: Any) -> Any:
    """Return `value` as plain JSON types, floats that are not finite replaced by None."""
    if isinstance(value, Mapping):
        return {str(key): finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [finite(item) for item in value]
    if isinstance(value, np.ndarray):
        return finite(value.tolist())
    if isinstance(value, np.generic):
        return finite(value.item())
    if isinstance(value, float) and not np.isfinite(value):
        return None
    return value


def npz_bytes(arrays: Mapping[str, np.ndarray]) -> bytes:
    """Return the bytes of an ``.npz`` file; object arrays are refused (they would be pickled)."""
    for name, array in arrays.items():
        if array.dtype.hasobject:
            raise TypeError(f"array {name!r} holds Python objects; only plain numbers are saved")
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)  # type: ignore[arg-type]
    return buffer.getvalue()


def write_folder(folder: Path, files: Mapping[str, bytes]) -> None:
    """Write a folder of files with a manifest of their SHA-256, then rename it into place.

    Args:
        folder: Destination; an older folder of this name is replaced.
        files: Bytes of each file by name.

    Raises:
        OutputError: The disk refused; the destination is unchanged.
    """
    temporary = folder.with_name(f".{folder.name}.{os.getpid()}.tmp")
    aside = folder.with_name(f".{folder.name}.{os.getpid()}.old")
    manifest = {name: {"sha256": sha256(data), "bytes": len(data)} for name, data in files.items()}
    try:
        shutil.rmtree(temporary, ignore_errors=True)
        temporary.mkdir(parents=True)
        for name, data in files.items():
            _write_and_sync(temporary / name, data)
        _write_and_sync(temporary / MANIFEST, json.dumps(manifest, sort_keys=True).encode())
        fsync_folder(temporary)
        if folder.exists():
            folder.replace(aside)
        temporary.replace(folder)
        fsync_folder(folder.parent)
        shutil.rmtree(aside, ignore_errors=True)
    except OSError as error:
        if aside.exists() and not folder.exists():
            aside.replace(folder)
        shutil.rmtree(temporary, ignore_errors=True)
        raise OutputError("HG-O011", f"{folder}: can not be written: {error.strerror}") from error


def read_folder(folder: Path) -> dict[str, bytes]:
    """Return the files of a folder written by `write_folder`, each checked against the manifest.

    Raises:
        DataError: A file is missing, too much or changed.
    """
    path = folder / MANIFEST
    try:
        manifest = json.loads(path.read_bytes())
        expected = {str(name): str(entry["sha256"]) for name, entry in manifest.items()}
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise DataError("HG-D060", f"{path}: no valid manifest; use another checkpoint") from error
    files: dict[str, bytes] = {}
    for name, digest in expected.items():
        if Path(name).name != name or (folder / name).is_symlink():
            raise DataError("HG-D061", f"{path}: {name!r} is not a plain file name")
        try:
            data = (folder / name).read_bytes()
        except OSError as error:
            raise DataError(
                "HG-D062", f"{folder / name}: is in the manifest but can not be read"
            ) from error
        if sha256(data) != digest:
            raise DataError(
                "HG-D063", f"{folder / name}: SHA-256 differs from the manifest; the file changed"
            )
        files[name] = data
    return files
