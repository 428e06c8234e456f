"""The observation, number by number: name, unit and range of each column.

First the summary, the same for every task; then what a role adds; then the order slots where
single orders are the action; last the levels of the book or the recent messages where they are
asked for.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from gymnasium import spaces

from hftgym.core.constants import VIEW_LEVELS
from hftgym.envs.task import CLIP, SLOTS, Role


@dataclass(frozen=True)
class ObsField:
    """One number of the observation.

    Attributes:
        name: its name.
        unit: what it is measured in.
        low: smallest value.
        high: largest value.
    """

    name: str
    unit: str
    low: float
    high: float


def _side(side: str) -> tuple[ObsField, ...]:
    return (
        ObsField(f"{side}_distance", "h0 from the observed mid; 5 without an order", -CLIP, CLIP),
        ObsField(f"{side}_live", "1: acknowledged by the exchange", 0.0, 1.0),
        ObsField(f"{side}_pending", "1: a message is in flight", 0.0, 1.0),
        ObsField(f"{side}_queue_share", "lots ahead / lots of the level; 1 when not resting", 0, 1),
        ObsField(f"{side}_age", "a / (a + 5 s) since the last new or amend", 0.0, 1.0),
        ObsField(f"{side}_since_fill", "a / (a + 30 s) since the last known fill", 0.0, 1.0),
    )


#: The observation, in order. h0 is ``half_spread_tick``, sigma ``sigma_tick_per_sqrt_s``.
OBSERVATION: tuple[ObsField, ...] = (
    ObsField("inventory", "known inventory / limit", -1.0, 1.0),
    ObsField("time_left", "share of the horizon; 0 under continuing", 0.0, 1.0),
    ObsField("spread", "2 h0; 5 when a side is empty, 0 when crossed", 0.0, CLIP),
    ObsField("microprice_offset", "h0 from the mid", -CLIP, CLIP),
    ObsField("imbalance_1", "(bid - ask) / (bid + ask) lots of the best level", -1.0, 1.0),
    ObsField("imbalance_2", "the same of the best two levels", -1.0, 1.0),
    ObsField("imbalance_3", "the same of the best three levels", -1.0, 1.0),
    ObsField("ofi_1s", "order flow imbalance, in a fixed scale of lots", -CLIP, CLIP),
    ObsField("ofi_10s", "the same over 10 s", -CLIP, CLIP),
    ObsField("signed_volume_1s", "bought - sold, in a fixed scale of lots", -CLIP, CLIP),
    ObsField("signed_volume_10s", "the same over 10 s", -CLIP, CLIP),
    ObsField("return_0.5s", "2 sigma * sqrt(0.5 s)", -CLIP, CLIP),
    ObsField("return_2s", "2 sigma * sqrt(2 s)", -CLIP, CLIP),
    ObsField("return_10s", "2 sigma * sqrt(10 s)", -CLIP, CLIP),
    ObsField("volatility_ratio", "realised over 10 s / sigma", 0.0, CLIP),
    *_side("bid"),
    *_side("ask"),
    ObsField("bid_at_limit", "1: the inventory limit withdraws this side", 0.0, 1.0),
    ObsField("ask_at_limit", "1: the inventory limit withdraws this side", 0.0, 1.0),
    ObsField("wealth", "known profit / (limit sigma sqrt(horizon))", -CLIP, CLIP),
)
OBS_INDEX: dict[str, int] = {one.name: i for i, one in enumerate(OBSERVATION)}
OBSERVATIONS = len(OBSERVATION)

#: What a role observes beyond the summary.
ROLE_FIELDS: dict[Role, tuple[ObsField, ...]] = {
    Role.MAKER: (),
    Role.TRADER: (),
    Role.EXECUTOR: (
        ObsField("buys", "1: buys, -1: sells", -1.0, 1.0),
        ObsField("rest", "share of the target not known to be done", 0.0, 1.0),
        ObsField("ahead", "share done - share of the time gone", -1.0, 1.0),
        ObsField(
            "known_shortfall", "known cost against the arrival price / (h0 target)", -CLIP, CLIP
        ),
        ObsField("drift", "mid - arrival price, 2 sigma sqrt(horizon), + is dearer", -CLIP, CLIP),
        ObsField("others_volume", "v / (v + target), v lots others traded since the start", 0, 1),
    ),
    Role.LEG: (ObsField("pair_spread", "other leg's mid - own mid, standardised", -CLIP, CLIP),),
    Role.TAKER: (ObsField("signal", "latent value - mid, with noise, standardised", -CLIP, CLIP),),
}

#: Columns of one order slot, of one level and of one message.
SLOT_FIELDS = 6
LEVEL_FIELDS = 4
MESSAGE_FIELDS = 6
assert VIEW_LEVELS == 5  # the text of ``levels`` says so


def _slot(slot: int) -> tuple[ObsField, ...]:
    return (
        ObsField(f"order_{slot}_side", "1: buys, -1: sells, 0: free", -1.0, 1.0),
        ObsField(f"order_{slot}_distance", "h0 behind the mid; 5 when free", -CLIP, CLIP),
        ObsField(f"order_{slot}_lots", "l / (l + 5)", 0.0, 1.0),
        ObsField(f"order_{slot}_pending", "1: a message is in flight", 0.0, 1.0),
        ObsField(f"order_{slot}_queue_share", "lots ahead / lots of the level; else 1", 0.0, 1.0),
        ObsField(f"order_{slot}_age", "a / (a + 5 s) since the last new or amend", 0.0, 1.0),
    )


def _level(level: int) -> tuple[ObsField, ...]:
    return (
        ObsField(f"bid_{level}_distance", "h0 below the mid; 5 when empty", -CLIP, CLIP),
        ObsField(f"bid_{level}_lots", "l / (l + 10)", 0.0, 1.0),
        ObsField(f"ask_{level}_distance", "h0 above the mid; 5 when empty", -CLIP, CLIP),
        ObsField(f"ask_{level}_lots", "l / (l + 10)", 0.0, 1.0),
    )


def _message(row: int) -> tuple[ObsField, ...]:
    return (
        ObsField(f"message_{row}_age", "a / (a + 1 s); 1: there is none", 0.0, 1.0),
        ObsField(f"message_{row}_distance", "h0 above the mid", -CLIP, CLIP),
        ObsField(f"message_{row}_lots", "l / (l + 5)", 0.0, 1.0),
        ObsField(f"message_{row}_side", "of the volume; in a trade the aggressor's", -1.0, 1.0),
        ObsField(f"message_{row}_change", "1: volume added, -1: removed", -1.0, 1.0),
        ObsField(f"message_{row}_trade", "1: a trade", 0.0, 1.0),
    )


def layout(
    role: Role, *, orders: bool = False, levels: int = 0, messages: int = 0
) -> tuple[ObsField, ...]:
    """Return every column of an observation.

    Args:
        role: of the learner.
        orders: single orders are the action, so the order slots are observed.
        levels: levels of the book on each side, 0 to 5, best first.
        messages: recent public messages, newest first.
    """
    fields = OBSERVATION + ROLE_FIELDS[role]
    if orders:
        fields += tuple(one for slot in range(SLOTS) for one in _slot(slot))
    fields += tuple(one for level in range(levels) for one in _level(level + 1))
    return fields + tuple(one for row in range(messages) for one in _message(row))


def box_of(fields: tuple[ObsField, ...]) -> spaces.Box:
    """Return the box of an observation, float32."""
    return spaces.Box(
        np.array([one.low for one in fields], np.float32),
        np.array([one.high for one in fields], np.float32),
        dtype=np.float32,
    )
