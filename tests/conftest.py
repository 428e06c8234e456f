"""Fixtures that all tests share."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import settings

from hftgym.core.jit import INTERPRETED

# The first call of a compiled function takes seconds: no example has a deadline.
settings.register_profile("hftgym", deadline=None)
settings.load_profile("hftgym")

if INTERPRETED:  # 64-bit hashes wrap; without the compiler, numpy says so
    np.seterr(over="ignore")

REPOSITORY = Path(__file__).resolve().parent.parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Without numba leave out what is slow with it."""
    if INTERPRETED:
        leave = pytest.mark.skip(reason="slow with numba, and hopeless without it")
        for item in items:
            if item.get_closest_marker("slow"):
                item.add_marker(leave)


@pytest.fixture(scope="session")
def ray_session() -> Iterator[Any]:
    """Ray with two cores, started once for all tests; a machine that lets no server start skips."""
    pytest.importorskip("ray", reason="needs Ray: pip install 'hftgym[ray]'")
    from hftgym.ray_cluster import ray_cluster

    with ExitStack() as stack:
        try:
            ray = stack.enter_context(ray_cluster(2))
        except (ConnectionError, TimeoutError, OSError) as error:
            pytest.skip(f"Ray can not start its servers here: {error}")
        yield ray


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Folder of real data (HFTGYM_DATA, or ../shared/data beside the repository), or a skip."""
    folder = Path(os.environ.get("HFTGYM_DATA", REPOSITORY.parent / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip(f"needs real data: no folder {folder}; name it with HFTGYM_DATA")
    return folder
