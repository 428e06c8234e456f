"""What is traded: units, limits, and the rules of its exchange (``docs/rules.md``)."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from typing import Annotated, Any, ClassVar, Literal

from pydantic import AfterValidator, Field, field_validator
from pydantic import model_validator as check_whole

from hftgym.core.constants import FEE_TIERS
from hftgym.yaml_model import StrictModel

#: Every product of a price, a size and the unit value stays below this, so int64 never wraps.
MONEY_LIMIT = 1 << 62


def _positive_decimal(text: str) -> str:
    try:
        number = Decimal(text)
    except InvalidOperation:
        number = Decimal("NaN")
    if not number.is_finite() or number <= 0:
        raise ValueError("must be a decimal number above 0, in quotes, as in '0.01'")
    return text


DecimalText = Annotated[str, Field(max_length=40), AfterValidator(_positive_decimal)]


Rate = Annotated[int, Field(ge=-1_000_000_000, le=1_000_000_000)]


class FeeTier(StrictModel):
    """Fees of a participant that has traded so many lots as maker and taker."""

    min_lots: Annotated[int, Field(ge=1, lt=MONEY_LIMIT)]
    """Lots from which on it holds."""
    maker_fee: Rate
    """Fee of the resting side."""
    taker_fee: Rate
    """Fee of the aggressor."""


class Instrument(StrictModel):
    """What is traded, in which units, at which fees.

    One money unit is ``price_unit * lot / unit_value`` of the quote currency: with a price unit of
    0.01, a lot of 1 and a unit value of 10 it is 0.001.
    """

    not_implemented: ClassVar[frozenset[str]] = frozenset(
        "venue base settlement tick_schedule min_lots min_notional multiplier linear inverse "
        "underlying expiry strike right exercise calendar phases time_zone auctions order_types "
        "reference fee_minimum margin funding funding_interval mark mark_rule status halts".split()
    )

    id: Annotated[str, Field(min_length=1, max_length=64)] = "SYN"
    """Identifier of the instrument."""
    kind: Literal["equity", "spot"] = "equity"
    """What it is; both are paid in full and have no expiry."""
    quote: Annotated[str, Field(min_length=1, max_length=16)] = "USD"
    """Currency of price and cash."""
    price_unit: DecimalText = "0.01"
    """Finest price, in the quote currency."""
    tick_px: Annotated[int, Field(ge=1, le=1_000_000)] = 1
    """Tick size in price units."""
    lot: DecimalText = "1"
    """Units of the asset in one lot."""
    px_min: Annotated[int, Field(ge=1)] = 1
    """Lowest price in price units."""
    px_max: Annotated[int, Field(ge=1, lt=MONEY_LIMIT)] = 1 << 31
    """Highest price in price units."""
    max_lots: Annotated[int, Field(ge=1, lt=MONEY_LIMIT)] = 1_000_000
    """Largest order in lots."""
    unit_value: Annotated[int, Field(ge=1, lt=MONEY_LIMIT)] = 10
    """Money units of one price unit times one lot."""
    maker_fee: Rate = 0
    """Fee of the resting side, in units of `fee_unit`; negative is a rebate."""
    taker_fee: Rate = 3
    """Fee of the aggressor, in units of `fee_unit`; negative is a rebate."""
    auction_fee: Rate = 0
    """Fee of both sides of a trade in an auction."""
    fee_unit: Literal["per_lot", "per_million"] = "per_lot"
    """Money units per lot, or millionths of the traded value (100 are one basis point)."""
    fee_tiers: Annotated[tuple[FeeTier, ...], Field(max_length=FEE_TIERS)] = ()
    """Fees for who has traded more, rising."""
    matching: Literal["fifo", "pro_rata"] = "fifo"
    """Who trades first at a price: by time, or by size."""
    top_max_lots: Annotated[int, Field(ge=0, lt=MONEY_LIMIT)] = 0
    """Pro-rata: most lots that the order which made the best price gets before the others."""
    fifo_percent: Annotated[int, Field(ge=0, le=100)] = 0
    """Pro-rata: share that goes by time."""
    min_alloc_lots: Annotated[int, Field(ge=1, lt=MONEY_LIMIT)] = 1
    """Pro-rata: smaller shares by size are nothing."""
    self_trade: Literal["off", "cancel_oldest", "cancel_newest", "cancel_both", "decrement"] = "off"
    """What prevents trades within a firm, where a message does not say."""
    stop_on: Literal["last", "touch", "mark"] = "last"
    """Which price wakes stops: the last one, the opposite touch, or the mid."""
    static_band_px: Annotated[int, Field(ge=0, lt=MONEY_LIMIT)] = 0
    """Most that a limit price may be away from the last auction's price; 0: no band."""
    dynamic_band_px: Annotated[int, Field(ge=0, lt=MONEY_LIMIT)] = 0
    """Most that a trade may be away from the last price before it; 0: no band."""
    band_action: Literal["cancel", "auction", "halt"] = "cancel"
    """What happens when a trade would leave the dynamic band."""
    call_s: Annotated[float, Field(gt=0, le=86_400)] = 5.0
    """Length of a volatility auction, and of an extension by the collar, in seconds."""
    halt_s: Annotated[float, Field(ge=0, le=86_400)] = 5.0
    """Length of the halt before that auction, in seconds."""
    collar_bps: Annotated[int, Field(ge=0, le=10_000)] = 0
    """How far an auction's price may be from the touch before it, in basis points; 0: no collar."""
    start_px: Annotated[int, Field(ge=1)] = 10_000
    """Price around which the market starts, in price units."""

    @field_validator("fee_tiers", mode="before")
    @classmethod
    def _as_tuple(cls, value: Any) -> Any:
        return tuple(value) if isinstance(value, list) else value

    @field_validator("kind", mode="before")
    @classmethod
    def _planned_values(cls, value: Any) -> Any:
        if value in ("future", "perpetual", "option"):
            raise ValueError("is not implemented yet")
        return value

    @check_whole(mode="after")
    def _check_limits(self) -> Instrument:
        if not self.px_min <= self.start_px <= self.px_max:
            raise ValueError(
                f"start_px {self.start_px} must be from px_min {self.px_min} to px_max "
                f"{self.px_max}"
            )
        if self.start_px % self.tick_px:
            raise ValueError(f"start_px {self.start_px} must be a multiple of tick {self.tick_px}")
        if self.px_max * self.max_lots * self.unit_value >= MONEY_LIMIT:
            raise ValueError(
                f"px_max * max_lots * unit_value = "
                f"{self.px_max * self.max_lots * self.unit_value} must be below 2^62 = "
                f"{MONEY_LIMIT}; lower one of them"
            )
        reached = [tier.min_lots for tier in self.fee_tiers]
        if reached != sorted(set(reached)):
            raise ValueError(f"fee_tiers: min_lots {reached} must rise")
        for name in ("static_band_px", "dynamic_band_px"):
            if getattr(self, name) % self.tick_px:
                raise ValueError(f"{name} {getattr(self, name)} must be a multiple of the tick")
        if self.fee_unit == "per_million":
            rates = [self.maker_fee, self.taker_fee, self.auction_fee]
            rates += [rate for tier in self.fee_tiers for rate in (tier.maker_fee, tier.taker_fee)]
            if max(map(abs, rates)) > 1_000_000:
                raise ValueError("a fee per_million is at most 1000000: all of the value")
        return self
