"""The venue that a test of the rules asks for: each test runs on both engines."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from operator import attrgetter
from typing import Any

import pytest

from hftgym.core.constants import ReportKind
from hftgym.core.reference import Message, Outcome, ReferenceExchange, Report, Rules
from hftgym.selftest.venue import CompiledVenue
from tests.core.rules.kit import RULES

by_reader = attrgetter("to")


class Answers(list[Report]):
    """Private answers as their readers know them: each hears in order, between them is none."""

    def __eq__(self, other: object) -> bool:
        return isinstance(other, list) and sorted(self, key=by_reader) == sorted(
            other, key=by_reader
        )

    __hash__ = None


class Compiled(CompiledVenue):
    """The compiled exchange; its answers lie in one queue for each reader."""

    def _outcome(self) -> Outcome:
        outcome = super()._outcome()
        return outcome._replace(reports=Answers(outcome.reports))


ENGINES: dict[str, Any] = {"twin": ReferenceExchange, "compiled": Compiled}

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
