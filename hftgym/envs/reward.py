"""What each form of reward takes off the profit of a step, in ticks times lots.

- ``pnl``: nothing.
- ``inventory``: ``phi q^2 dt``, q at the start of the step.
- ``asymmetric``: the damped share of what holding the inventory gained, losses untouched (Spooner,
  Fearnley, Savani and Koukorinis 2018, the asymmetrically dampened profit of section 4.2).
- ``cara``: what turns profit into utility, so that an episode adds up to U(W_T) - U(W_0) with
  U(w) = (1 - exp(-gamma w)) / gamma, liquidation included.
- ``cartea_jaimungal``: the running penalty ``phi q^2 dt``, q at the end of the step; the end costs
  ``alpha q^2`` instead of a liquidation (Cartea and Jaimungal 2015; Cartea, Jaimungal and Penalva
  2015, section 10.2).
- ``shortfall``: ``phi x^2 dt`` with x what is left to do; phi is 0 unless it is given.

A control variate (``control_variate=True``) takes the moves of the latent value out of any of them:
they have mean zero whatever is held, so what is best stays best, and most of the noise is gone
(Glasserman 2003, "Monte Carlo methods in financial engineering", section 4.1).
"""

from __future__ import annotations

import math

from hftgym.core.jit import leaf
from hftgym.envs.task import RewardForm

_PNL = int(RewardForm.PNL)
_ASYMMETRIC = int(RewardForm.ASYMMETRIC)
_CARA = int(RewardForm.CARA)
_CARTEA_JAIMUNGAL = int(RewardForm.CARTEA_JAIMUNGAL)
_LARGEST_EXPONENT = 50.0


@leaf
def utility(wealth_tick, gamma):
    """Return the utility of a change of wealth: constant absolute risk aversion, slope 1 at 0."""
    return (1.0 - math.exp(min(-gamma * wealth_tick, _LARGEST_EXPONENT))) / gamma


@leaf
def corrected(task, s, io, held, q_before, q):
    """Return what the form of the reward adds to profit and liquidation.

    Args:
        task: the task.
        s: the learner's state; its wealth is that at the end of the step.
        io: profit and liquidation of the step, ticks times lots.
        held: of the profit, what inventory gained while it was held.
        q_before: position at the start of the step; of an execution, lots left to do.
        q: position at its end.
    """
    form = task.reward_form
    if form == _PNL:
        return 0.0
    if form == _ASYMMETRIC:
        return -task.damping * max(held, 0.0)
    if form == _CARTEA_JAIMUNGAL:
        return -task.reward_phi_step * (q * q)
    if form == _CARA:
        after = (s.wealth_2m - s.begin_2m) / task.money2_per_tick
        before = after - io.pnl
        gained = utility(after + io.liquidation, task.risk_aversion)
        gained -= utility(before, task.risk_aversion)
        return gained - io.pnl - io.liquidation
    return -task.reward_phi_step * (q_before * q_before)


@leaf
def controlled(task, s, exposed, marked_2px, value_px):
    """Return the control variate of a step and what it moves in time, both ticks times lots.

    The first is minus what the position at the start of the step gained by the move of the latent
    value. Where that is a martingale its mean is zero, since the position was known before the
    move. Of an execution the position is what is still missing; the second number then counts its
    cost when the price moves, not when it trades: what is left is marked at the mid, and over an
    execution that ends nothing of that is left.

    Args:
        task: the task.
        s: the learner's state; value and mark of the last decision are replaced.
        exposed: position at the start of the step; of an execution, minus the lots left.
        marked_2px: of an execution, minus the lots left times (mid - arrival price), doubled.
        value_px: latent value now.
    """
    mark_tick = marked_2px / (2.0 * task.tick_px)
    control = -exposed * (value_px - s.value_px) / task.tick_px
    moved = mark_tick - s.mark_tick
    s.mark_tick = mark_tick
    s.value_px = value_px
    return control, moved
