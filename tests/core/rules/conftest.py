"""The venue that a test of the rules asks for: each test runs on every engine there is."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pytest

from hftgym.core.constants import ReportKind
from hftgym.core.reference import Message, ReferenceExchange, Rules
from tests.core.rules.kit import RULES

ENGINES: dict[str, Any] = {"twin": ReferenceExchange}
try:
    from hftgym.selftest.venue import CompiledVenue
except ModuleNotFoundError:
    pass
else:
    ENGINES["compiled"] = CompiledVenue

Open = Callable[..., Any]


@pytest.fixture(params=ENGINES)
def engine(request: pytest.FixtureRequest) -> Any:
    """Class of the exchange under test."""
    return ENGINES[request.param]


@pytest.fixture
def venue(engine: Any) -> Open:
    """Open a venue: four members of their own firms, in continuous trading, with a book."""

    def open_venue(
        *book: Message,
        rules: Rules = RULES,
        members: Sequence[Any] = (0, 1, 2, 3),
        **more: Any,
    ) -> Any:
        opened = engine(rules, members, **more)
        for message in book:
            first = opened.process(message).reports[0]
            assert first.kind != ReportKind.REJECTED, (message, first)
        return opened

    return open_venue
