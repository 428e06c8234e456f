"""A plugin of pytest: the tests that were the quickest run first.

    HFTGYM_TEST_SECONDS=seconds.json python -m pytest -p scripts.quickest_first tests

A first run writes how long each test took; later ones run them in this order. Whoever stops at the
first failure then learns of it early (``scripts/mutation.py``).
"""

from __future__ import annotations

import json
import os
from collections import defaultdict
from pathlib import Path

import pytest

_FILE = Path(os.environ["HFTGYM_TEST_SECONDS"])
_took: defaultdict[str, float] = defaultdict(float)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Sort tests by what they took; those that are not known come first."""
    if _FILE.exists():
        known = json.loads(_FILE.read_text(encoding="utf-8"))
        items.sort(key=lambda item: known.get(item.nodeid, 0.0))


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Count the seconds of a test: its set-up and its end among them."""
    _took[report.nodeid] += report.duration


def pytest_sessionfinish() -> None:
    """Write what the tests took, if nobody has."""
    if not _FILE.exists():
        seconds = {name: round(took, 4) for name, took in _took.items()}
        _FILE.write_text(json.dumps(seconds, indent=0), encoding="utf-8")
