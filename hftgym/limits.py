"""What the exchange lets a participant do (``docs/rules.md``, "Kill switch and limits")."""

from __future__ import annotations

import math
from typing import Annotated

from pydantic import Field
from pydantic import model_validator as check_whole

from hftgym.instrument import MONEY_LIMIT
from hftgym.yaml_model import StrictModel


class Limits(StrictModel):
    """Limits of a participant. What is absent is not limited."""

    position_lots: Annotated[int, Field(ge=1, lt=MONEY_LIMIT)] | None = None
    """Most lots, long or short, that position and open orders of a side may make together."""
    open_orders: Annotated[int, Field(ge=0, lt=1 << 31)] | None = None
    """Most orders that may rest, sleep or wait at a time; 0: immediate ones only."""
    notional: Annotated[int, Field(ge=1, lt=MONEY_LIMIT)] | None = None
    """Most that position and open orders of a side may be worth together, in money units."""
    orders_per_s: Annotated[float, Field(ge=1e-3, le=1e9)] | None = None
    """Most new orders and amends a second in the long run."""
    burst: Annotated[int, Field(ge=1, le=1_000_000)] = 1
    """How many of them may come at once after a pause."""
    loss: Annotated[int, Field(ge=1, lt=MONEY_LIMIT)] | None = None
    """Largest loss at the mark since the start, in money units; a larger one is the end."""
    flatten: bool = False
    """Whether the exchange closes the position then."""

    @check_whole(mode="after")
    def _check_pairs(self) -> Limits:
        if self.burst > 1 and self.orders_per_s is None:
            raise ValueError(f"burst {self.burst} needs orders_per_s: there is no rate to exceed")
        if self.flatten and self.loss is None:
            raise ValueError("flatten needs loss: nothing else closes a position")
        return self

    @property
    def rate_interval_ns(self) -> int | None:
        """Time between orders at the limit of the rate, rounded up: never more than it says."""
        return None if self.orders_per_s is None else math.ceil(1e9 / self.orders_per_s)
