"""Records and constants of the tasks: what is asked, what is counted, what passes to Python.

A task is a choice of action form, observation form, reward form and end, one record a learner. One
compiled step serves all of them: it looks at the record.
"""

from __future__ import annotations

from enum import IntEnum

from hftgym.core.constants import QUEUE_SLOTS
from hftgym.core.records import record

#: Steps that an environment remembers for its windows; the longest window is 10 s.
RING = 512
LONGEST_WINDOW_S = 10.0
SHORTEST_STEP_S = 0.02
CLIP = 5.0
#: Components of the longest action, and flags of the longest mask.
COMPONENTS = 5
MASK = 24
#: Order slots whose place in the queue a learner sees: those of the order-level form.
SLOTS = QUEUE_SLOTS
#: Public messages that a market keeps for its learners, and the most that one of them is shown.
RECENT = 512
MOST_MESSAGES = 128


class Outcome(IntEnum):
    """What a step came to."""

    RUNNING = 0
    TERMINATED = 1
    TRUNCATED = 2
    BAD_ACTION = 3  # nothing has changed
    FAULT = 4
    RESET = 5  # NEXT_STEP: the action was not used, a new episode has begun


class Role(IntEnum):
    """What a learner is there for."""

    MAKER = 0
    EXECUTOR = 1  # buys or sells a given number of lots
    TAKER = 2  # holds a position on a signal
    TRADER = 3
    LEG = 4  # one of two desks that one agent has, each in its own instrument


class ActionForm(IntEnum):
    """How an action becomes messages."""

    DISTANCES = 0  # of bid and ask
    SIZED = 1  # and sizes
    LADDER = 2  # a move of bid and ask
    ORDERS = 3  # one message
    EXECUTE = 4  # distance of the own limit order, share of the rest at the market
    EXECUTE_LADDER = 5
    TARGET = 6  # position
    SIDE = 7  # sell, wait, buy at the market


class RewardForm(IntEnum):
    """What is taken off the profit of a step."""

    INVENTORY = 0  # phi q^2 dt, q at the start of the step
    PNL = 1  # nothing
    ASYMMETRIC = 2  # a share of what holding inventory gained
    CARA = 3  # what makes the sum a utility of final wealth
    CARTEA_JAIMUNGAL = 4  # phi q^2 dt, q at the end of the step, and alpha q^2 at the end of time
    SHORTFALL = 5  # not profit at all: the cost of execution against the arrival price


class View(IntEnum):
    """What is observed beside the summary."""

    SUMMARY = 0
    LEVELS = 1
    MESSAGES = 2


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

#: Uses of a control variate (`hftgym.envs.reward.controlled`).
COUNTED = 1
IN_REWARD = 2

#: Constants of a task, one record for each learner of a market.
TASK = record(
    [
        ("learner", "i8"),  # participant index
        ("counterparty", "i8"),  # whose account an initial inventory comes from
        ("mode", "i8"),
        ("split", "i8"),
        ("role", "i8"),
        ("action_form", "i8"),
        ("reward_form", "i8"),
        ("sees", "i8"),
        ("finite", "i8"),
        ("components", "i8"),  # of an action
        ("choices", "i8", (COMPONENTS,)),  # of each component; 0: a number in [-1, 1]
        ("extras_at", "i8"),  # column of the first observation beyond the summary
        ("slots_at", "i8"),  # of the order slots; 0: not observed
        ("rows_at", "i8"),  # of the levels or messages
        ("rows", "i8"),  # how many of them
        ("uniform", "i8"),  # largest initial inventory, lots; 0: none
        ("observe_value", "i8"),
        ("control", "i8"),  # control variate: 0: there is none, 1: counted, 2: in the reward too
        ("steps", "i8"),  # of an episode
        ("step_ns", "i8"),
        ("lots", "i8"),  # of a quote, or the largest
        ("limit_lot", "i8"),
        ("target_lots", "i8"),  # to buy (sell: negative) in an execution
        ("tick_px", "i8"),
        ("unit_value", "i8"),  # money of one price unit times one lot
        ("taker_fee", "i8"),  # money per lot
        ("ring", "i8"),  # steps of history in use
        ("window_steps", "i8", (4,)),
        ("half_spread_tick", "f8"),
        ("reward_unit", "f8"),  # ticks (times lots) in a reward of 1
        ("distance_base", "f8"),  # distance = half_spread_tick * distance_base ** action
        ("withdraw", "f8"),  # an action of at least this withdraws
        ("phi_step", "f8"),  # of the objective: penalty of a squared lot in one step, ticks
        ("reward_phi_step", "f8"),  # of the reward
        ("damping", "f8"),  # share of an inventory gain that the asymmetric reward takes off
        ("risk_aversion", "f8"),  # gamma of the CARA utility, per tick
        ("terminal_tick", "f8"),  # alpha, ticks per squared lot
        ("step_s", "f8"),
        ("money2_per_tick", "f8"),  # half money units in one tick times one lot
        ("sigma_tick", "f8"),  # ticks per square root of a second
        ("wealth_scale", "f8"),  # ticks times lots
        ("ofi_scale", "f8", (2,)),  # over 1 s and 10 s, lots
        ("flow_scale", "f8", (2,)),  # signed volume over 1 s and 10 s, lots
        ("age_s", "f8"),  # an order this old has age 1/2
        ("fill_s", "f8"),  # a fill this long ago counts 1/2
        ("signal_correlation", "f8"),  # of the signal with latent value minus mid
        ("offset_sd_tick", "f8"),  # standard deviation of that difference
        ("spread_2px", "i8"),  # twice the usual difference of the other leg's price to this one's
        ("spread_sd_tick", "f8"),  # standard deviation of that difference
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

#: One learner's own state beside its market. Money in half units: the mid may be half a unit.
STATE = record(
    [
        ("first_seed", "u8"),
        ("market_seed", "u8"),
        ("episode", "i8"),
        ("step", "i8"),
        ("ended", "i8"),  # its episode is over; the market's is when that of all learners is
        ("snapshot", "i8"),
        ("head", "i8"),  # newest entry of ``past``
        ("known", "i8"),  # entries in use
        ("sum_move2", "i8"),
        ("q_before", "i8"),  # position at the start of the step
        ("begin_2m", "i8"),  # wealth at the start
        ("begin_seen_2m", "i8"),  # the same as the learner knew it
        ("begin_cash", "i8"),
        ("begin_position", "i8"),
        ("arrival_2px", "i8"),  # mid at the start
        ("wealth_2m", "i8"),
        ("spread_2m", "i8"),  # profit at the touch and fees so far
        ("shortfall_2m", "i8"),  # cost against the arrival price so far
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
        ("value_px", "f8"),  # latent value at the last decision
        ("mark_tick", "f8"),  # of an execution: what is left against the arrival price, times lots
        ("control", "f8"),  # sum of the control variate
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
        ("control", "f8"),  # of mean zero; objective + control has the same mean and less noise
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
        ("target_lots", "i8"),  # of an execution
        ("done_lots", "i8"),  # of them before the end
        ("shortfall", "f8"),  # cost against the arrival price, ticks per lot, the sweep included
    ]
)

#: What passes between Python and the kernels, one record a learner.
IO = record(
    [
        ("action", "f8", (COMPONENTS,)),
        ("reward", "f8"),
        ("pnl", "f8"),
        ("correction", "f8"),  # what the form of the reward takes off
        ("liquidation", "f8"),  # negative or zero
        ("control", "f8"),  # what the control variate adds
        ("value_offset", "f8"),  # latent value minus observed mid, ticks
        ("outcome", "i8"),
        ("reset", "i8"),  # asks the reset kernel
        ("mask", "i1", (MASK,)),  # legal choices of the components, one after the other
        ("episode", EPISODE),
    ]
)

#: A public message as a market keeps it for its learners.
MESSAGE_ROW = record(
    [("t_ns", "i8"), ("px", "i8"), ("lots", "i8"), ("change", "i4"), ("side", "i4")]
)
RECENT_ROWS = record([("head", "i8"), ("known", "i8"), ("rows", MESSAGE_ROW, (RECENT,))])

#: One number of a market that is drawn anew at each reset.
DRAW = record(
    [
        ("index", "i8"),  # which draw: numbers of one parameter share it
        ("place", "i8"),  # in the market, counted in numbers of its kind
        ("kind", "i8"),  # 0: f8, 1: i8, 2: i4
        ("low", "f8"),
        ("high", "f8"),
    ]
)
