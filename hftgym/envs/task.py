"""Records and constants of the market-making task: what is asked, what is counted, what is seen."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum

from hftgym.core.records import record

#: Steps that an environment remembers for its windows; the longest window is 10 s.
RING = 512
LONGEST_WINDOW_S = 10.0
SHORTEST_STEP_S = 0.02
OBSERVATIONS = 29
CLIP = 5.0
#: Each action of the discrete form, per side.
DISCRETE_ACTIONS = ("withdraw", "keep", "join", "improve 1", "behind 1", "behind 2")


class Outcome(IntEnum):
    """What a step came to."""

    RUNNING = 0
    TERMINATED = 1
    TRUNCATED = 2
    BAD_ACTION = 3  # nothing has changed
    FAULT = 4
    RESET = 5  # NEXT_STEP: the action was not used, a new episode has begun


class Mode(IntEnum):
    """What follows on the end of an episode."""

    NONE = 0  # the caller resets
    NEXT_STEP = 1
    SAME_STEP = 2


class Window(IntEnum):
    """Time windows of the observation."""

    HALF_S = 0
    ONE_S = 1
    TWO_S = 2
    TEN_S = 3


WINDOWS_S = (0.5, 1.0, 2.0, 10.0)

#: Constants of a task, one record for all its environments.
TASK = record(
    [
        ("learner", "i8"),  # participant index
        ("counterparty", "i8"),  # whose account an initial inventory comes from
        ("mode", "i8"),
        ("split", "i8"),
        ("finite", "i8"),
        ("discrete", "i8"),
        ("uniform", "i8"),  # largest initial inventory, lots; 0: none
        ("observe_value", "i8"),
        ("steps", "i8"),  # of an episode
        ("step_ns", "i8"),
        ("lots", "i8"),
        ("limit_lot", "i8"),
        ("tick_px", "i8"),
        ("unit_value", "i8"),  # money of one price unit times one lot
        ("taker_fee", "i8"),  # money per lot
        ("ring", "i8"),  # steps of history in use
        ("window_steps", "i8", (4,)),
        ("half_spread_tick", "f8"),
        ("distance_base", "f8"),  # distance = half_spread_tick * distance_base ** action
        ("withdraw", "f8"),  # an action of at least this withdraws
        ("phi_step", "f8"),  # penalty of a squared lot in one step, ticks
        ("step_s", "f8"),
        ("money2_per_tick", "f8"),  # half money units in one tick times one lot
        ("sigma_tick", "f8"),  # ticks per square root of a second
        ("ofi_scale", "f8", (2,)),  # over 1 s and 10 s, lots
        ("flow_scale", "f8", (2,)),  # signed volume over 1 s and 10 s, lots
        ("age_s", "f8"),  # an order this old has age 1/2
        ("fill_s", "f8"),  # a fill this long ago counts 1/2
    ]
)

#: What the learner saw at one step.
PAST = record(
    [
        ("mid_2px", "i8"),
        ("ofi", "i8"),
        ("signed_volume", "i8"),
        ("move2", "i8"),  # squared change of mid_2px since the step before
    ]
)

#: One environment's own state beside its market. Money in half units: the mid may be half a unit.
STATE = record(
    [
        ("first_seed", "u8"),
        ("market_seed", "u8"),
        ("episode", "i8"),
        ("step", "i8"),
        ("ended", "i8"),
        ("snapshot", "i8"),
        ("head", "i8"),  # newest entry of ``past``
        ("known", "i8"),  # entries in use
        ("sum_move2", "i8"),
        ("begin_2m", "i8"),  # wealth at the start
        ("wealth_2m", "i8"),
        ("peak_2m", "i8"),
        ("drawdown_2m", "i8"),
        ("liquidation_2m", "i8"),
        ("begin_volume", "i8"),
        ("sum_q2", "i8"),
        ("sum_abs_q", "i8"),
        ("max_abs_q", "i8"),
        ("sum_spread_px", "i8"),
        ("sum_depth_lots", "i8"),  # both sides
        ("quoting_steps", "i8"),
        ("reward", "f8"),
        ("past", PAST, (RING,)),
    ]
)

#: Figures of one episode. Money in ticks times lots.
EPISODE = record(
    [
        ("market_seed", "u8"),
        ("steps", "i4"),
        ("reward", "f8"),
        ("objective", "f8"),  # wealth - inventory_penalty - liquidation
        ("wealth", "f8"),  # profit and loss, marked at the mid: spread + inventory + fees
        ("inventory_penalty", "f8"),
        ("liquidation", "f8"),
        ("pnl_spread", "f8"),
        ("pnl_inventory", "f8"),
        ("pnl_fees", "f8"),
        ("fills", "i8"),
        ("maker_lots", "i8"),
        ("taker_lots", "i8"),
        ("messages", "i8"),
        ("rejects", "i8"),
        ("inventory_mean_abs", "f8"),
        ("inventory_max_abs", "f8"),
        ("inventory_end", "i8"),
        ("drawdown", "f8"),
        ("spread_mean", "f8"),
        ("depth_mean", "f8"),
        ("market_volume", "i8"),
        ("quoting_share", "f8"),
        ("tape_volume", "i8"),  # visible lots that history executed
        ("tape_missed", "i8"),  # of them: found nothing
        ("tape_surviving", "i8"),  # outlived their execution because an agent took it
        ("tape_clamped", "i8"),  # were no longer there to cancel
        ("tape_gap_mean", "f8"),  # live touch against history's, both sides together, px
        ("tape_gap95", "i8"),
        ("tape_agree", "f8"),  # share of the time at equal touches
    ]
)

#: What passes between Python and the kernels, one record an environment.
IO = record(
    [
        ("action", "f8", (2,)),
        ("reward", "f8"),
        ("pnl", "f8"),
        ("inventory_penalty", "f8"),  # negative or zero
        ("liquidation", "f8"),  # negative or zero
        ("value_offset", "f8"),  # latent value minus observed mid, ticks
        ("outcome", "i8"),
        ("reset", "i8"),  # asks the reset kernel
        ("obs", "f4", (OBSERVATIONS,)),
        ("final_obs", "f4", (OBSERVATIONS,)),
        ("mask", "i1", (12,)),  # legal discrete actions, bid then ask
        ("episode", EPISODE),
    ]
)


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
    ObsField("spread", "2 h0; 5 when a side is empty", 0.0, CLIP),
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
)
OBS_INDEX: dict[str, int] = {one.name: i for i, one in enumerate(OBSERVATION)}
assert len(OBSERVATION) == OBSERVATIONS


@dataclass(frozen=True)
class TaskInfo:
    """Public constants of a task: what a policy may know beside its observations.

    Attributes:
        half_spread_tick: distance at action 0, in ticks.
        max_inventory_lot: largest absolute inventory; the side that would pass it is withdrawn.
        horizon_s: length of an episode, seconds.
        step_s: time between two decisions, seconds.
        sigma_tick_per_sqrt_s: volatility of the price.
        phi: inventory penalty, ticks per lot squared and second.
        taker_fee_tick: fee of the aggressor, ticks per lot.
        maker_fee_tick: fee of the resting side, ticks per lot; negative is a rebate.
        action: ``continuous`` or ``discrete``.
        horizon: ``finite`` or ``continuing``.
        obs_index: column of each observation by name.
    """

    half_spread_tick: float
    max_inventory_lot: int
    horizon_s: float
    step_s: float
    sigma_tick_per_sqrt_s: float
    phi: float
    taker_fee_tick: float
    maker_fee_tick: float
    action: str = "continuous"
    horizon: str = "finite"
    obs_index: dict[str, int] = field(default_factory=lambda: dict(OBS_INDEX))
