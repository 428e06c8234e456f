"""The exchange that a published vector is tried on: each test runs on both engines."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pytest

from hftgym.core.constants import Phase, ReportKind
from hftgym.core.reference import Message, ReferenceExchange, Rules
from hftgym.selftest.venue import CompiledVenue

ENGINES: dict[str, Any] = {"reference": ReferenceExchange, "compiled": CompiledVenue}
Open = Callable[..., Any]


@pytest.fixture(params=ENGINES)
def venue(request: pytest.FixtureRequest) -> Open:
    """Open an exchange without fees, of members with firms of their own, with a book."""

    def open_venue(
        *book: Message, members: Sequence[Any] = (0, 1, 2, 3), phase: int = Phase.CONTINUOUS,
        reference_px: int | None = -1, **settings: Any,
    ) -> Any:  # fmt: skip
        rules = Rules(**{"unit_value": 1, "taker_fee": 0, **settings})
        opened = ENGINES[request.param](rules, members, phase=phase, reference_px=reference_px)
        for message in book:
            reports = opened.process(message).reports
            assert all(report.kind != ReportKind.REJECTED for report in reports), message
        return opened

    return open_venue
