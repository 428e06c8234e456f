"""Where records lie, and how compiled code finds their elements."""

from __future__ import annotations

import numba
import numpy as np
import pytest

from hftgym.core.layout import LINE, zeros
from hftgym.core.records import ACCOUNT, MARKET, PARTICIPANT


@pytest.mark.parametrize("size", MARKET)
def test_what_a_decision_touches_begins_at_a_line(size: str) -> None:
    market = MARKET[size]
    places = [market.fields[name][1] for name in ("part", "slots", "orders", "reports", "own")]
    sizes = [market.itemsize, PARTICIPANT.itemsize, ACCOUNT.itemsize]
    assert all(place % LINE == 0 for place in [*places, *sizes])
    assert PARTICIPANT.fields["account"][1] % LINE == 0


def test_memory_of_records_begins_at_a_line() -> None:
    for count in (1, 3):
        markets = zeros(count, MARKET["small"])
        assert markets.ctypes.data % LINE == 0
        assert markets.shape == (count,) and not markets.view(np.uint8).any()


def test_functions_of_others_may_count_from_the_end() -> None:
    @numba.njit
    def last(values):  # type: ignore[no-untyped-def]
        i = -1
        return values[i]

    assert last(np.arange(5)) == 4
