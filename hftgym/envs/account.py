"""What an episode earns: the exchange's truth about a learner, in exact integers until the end.

Wealth is cash plus position at the mid, in half money units (the mid may be half a price unit).
The objective is the same whatever the reward: change of wealth, less ``phi q^2 dt`` with the
position q at the start of each step, less the liquidation at the end of a finite horizon. Of an
execution it is the shortfall instead, with its sign turned: what was paid against the arrival price
(Perold 1988), fees and the final sweep included.
"""

from __future__ import annotations

from hftgym.core.calls import own_state
from hftgym.core.constants import BUY, SELL
from hftgym.core.desks import book_of, value_of
from hftgym.core.jit import leaf
from hftgym.envs.fidelity import begin_fidelity, write_fidelity
from hftgym.envs.reward import controlled, corrected
from hftgym.envs.seeds import inventory_of
from hftgym.envs.sweep import sweep_2m
from hftgym.envs.task import IN_REWARD, Outcome, RewardForm, Role

_RUNNING = int(Outcome.RUNNING)
_TERMINATED = int(Outcome.TERMINATED)
_TRUNCATED = int(Outcome.TRUNCATED)
_EXECUTOR = int(Role.EXECUTOR)
_CARTEA_JAIMUNGAL = int(RewardForm.CARTEA_JAIMUNGAL)


@leaf
def wealth_2m(m, task):
    """Return twice the wealth of the learner, marked at the mid, in money units."""
    account = m.part[task.learner].account
    return 2 * account.cash + account.position * book_of(m, task.learner).mid_2px * task.unit_value


@leaf
def seen_wealth_2m(m, task):
    """Return twice the wealth as the learner knows it: own cash and position at the seen mid."""
    own = own_state(m, task.learner)
    view = m.views[m.part[task.learner].awaiting_view]
    return 2 * own.cash + own.position * view.mid_2px * task.unit_value


@leaf
def take_over_inventory(m, s, task):
    """Give the learner its initial inventory at the mid, out of the counterparty's account."""
    if task.uniform == 0:
        return
    q = inventory_of(s.market_seed, task.uniform)
    value = q * book_of(m, task.learner).mid_2px * task.unit_value // 2
    account = m.part[task.learner].account
    account.position += q
    account.cash -= value
    other = m.part[task.counterparty].account
    other.position -= q
    other.cash += value
    own = own_state(m, task.learner)
    own.position += q
    own.cash -= value


@leaf
def begin_episode(m, s, task):
    """Reset what is counted in an episode; the learner's view has been delivered."""
    account = m.part[task.learner].account
    wealth = wealth_2m(m, task)
    s.q_before = account.position
    s.begin_seen_2m = seen_wealth_2m(m, task)
    s.begin_cash = account.cash
    s.begin_position = account.position
    s.arrival_2px = book_of(m, task.learner).mid_2px
    s.spread_2m = account.edge_2px * task.unit_value - 2 * account.fees
    s.shortfall_2m = 0
    s.step = 0
    s.ended = 0
    s.begin_2m = wealth
    s.wealth_2m = wealth
    s.peak_2m = wealth
    s.drawdown_2m = 0
    s.liquidation_2m = 0
    s.begin_volume = book_of(m, task.learner).volume
    s.sum_q2 = 0
    s.sum_abs_q = 0
    s.max_abs_q = abs(m.part[task.learner].account.position)
    s.sum_spread_px = 0
    s.sum_depth_lots = 0
    s.quoting_steps = 0
    s.reward = 0.0
    s.value_px = value_of(m, task.learner, m.now_ns) if task.control != 0 else 0.0
    s.mark_tick = 0.0
    s.control = 0.0
    begin_fidelity(m)


@leaf
def _liquidation_2m(m, task, q):
    """Return twice the money that it costs to sell or buy back q at half a spread plus the fee."""
    b = book_of(m, task.learner)
    if b.touch_bid_lots > 0 and b.touch_ask_lots > 0:
        spread_px = b.touch_ask_px - b.touch_bid_px
    else:
        spread_px = int(2.0 * task.half_spread_tick * task.tick_px)
    return abs(q) * (spread_px * task.unit_value + 2 * task.taker_fee)


@leaf
def _end_2m(m, s, task, account):
    """Return twice the money that the end of a finite horizon costs, by the form of the task."""
    if task.role == _EXECUTOR:
        left = task.target_lots - (account.position - s.begin_position)
        side = BUY if left > 0 else SELL
        return sweep_2m(m, task, side, abs(left), s.arrival_2px)
    return _liquidation_2m(m, task, account.position)


@leaf
def settle_step(m, s, task, io):
    """Account one step that is over: reward and its terms, sums, and the end of the episode."""
    account = m.part[task.learner].account
    b = book_of(m, task.learner)
    wealth = wealth_2m(m, task)
    q = account.position
    q_before = s.q_before
    gain = (wealth - s.wealth_2m) / task.money2_per_tick
    spread_2m = account.edge_2px * task.unit_value - 2 * account.fees
    held = (wealth - s.wealth_2m - spread_2m + s.spread_2m) / task.money2_per_tick
    s.spread_2m = spread_2m
    s.wealth_2m = wealth
    s.peak_2m = max(s.peak_2m, wealth)
    s.drawdown_2m = max(s.drawdown_2m, s.peak_2m - wealth)
    s.sum_q2 += q_before * q_before
    s.sum_abs_q += abs(q_before)
    s.max_abs_q = max(s.max_abs_q, abs(q))
    if b.touch_bid_lots > 0 and b.touch_ask_lots > 0:
        s.sum_spread_px += b.touch_ask_px - b.touch_bid_px
    s.sum_depth_lots += b.touch_bid_lots + b.touch_ask_lots
    if account.open_buy_lots + account.open_sell_lots > 0:
        s.quoting_steps += 1
    s.step += 1
    executes = task.role == _EXECUTOR
    done = executes and q - s.begin_position == task.target_lots
    if executes:
        bought = q - s.begin_position
        cost = 2 * (s.begin_cash - account.cash) - bought * s.arrival_2px * task.unit_value
        gain = -(cost - s.shortfall_2m) / task.money2_per_tick
        s.shortfall_2m = cost
        q_before -= s.begin_position + task.target_lots  # what is left, not what is held
    outcome = _RUNNING
    io.liquidation = 0.0
    if done or s.step >= task.steps:
        s.ended = 1
        outcome = _TRUNCATED
        if done or task.finite != 0:
            outcome = _TERMINATED
            s.liquidation_2m = _end_2m(m, s, task, account)
            io.liquidation = -(s.liquidation_2m / task.money2_per_tick)
            if task.reward_form == _CARTEA_JAIMUNGAL:
                io.liquidation = -task.terminal_tick * (q * q)
    io.pnl = gain
    io.correction = corrected(task, s, io, held, q_before, q)
    io.control = 0.0
    if task.control != 0:
        exposed = q - s.begin_position - task.target_lots if executes else 0
        marked = exposed * (b.mid_2px - s.arrival_2px) if outcome != _TERMINATED else 0
        value_px = value_of(m, task.learner, m.now_ns)
        control, moved = controlled(task, s, q_before, marked, value_px)
        s.control += control
        if task.control == IN_REWARD:
            io.control = control + moved
    io.reward = (io.pnl + io.correction + io.liquidation + io.control) / task.reward_unit
    s.reward += io.reward
    s.q_before = q
    io.outcome = outcome
    return outcome


@leaf
def write_episode(m, s, task, episode):
    """Write the figures of an episode that is over."""
    account = m.part[task.learner].account
    b = book_of(m, task.learner)
    per_tick = task.money2_per_tick
    spread_2m = account.edge_2px * task.unit_value
    fees_2m = -2 * account.fees
    inventory_2m = s.wealth_2m - s.begin_2m - spread_2m - fees_2m
    episode.market_seed = s.market_seed
    episode.steps = s.step
    episode.reward = s.reward
    episode.pnl_spread = spread_2m / per_tick
    episode.pnl_inventory = inventory_2m / per_tick
    episode.pnl_fees = fees_2m / per_tick
    episode.wealth = episode.pnl_spread + episode.pnl_inventory + episode.pnl_fees
    episode.inventory_penalty = task.phi_step * s.sum_q2
    episode.liquidation = s.liquidation_2m / per_tick
    episode.control = s.control
    episode.objective = episode.wealth - episode.inventory_penalty - episode.liquidation
    episode.target_lots = task.target_lots
    episode.done_lots = 0
    episode.shortfall = 0.0
    if task.role == _EXECUTOR:
        cost = (s.shortfall_2m + s.liquidation_2m) / per_tick
        episode.objective = -cost
        episode.done_lots = abs(account.position - s.begin_position)
        episode.shortfall = cost / abs(task.target_lots)
    episode.fills = account.fills
    episode.maker_lots = account.maker_lots
    episode.taker_lots = account.taker_lots
    episode.messages = account.messages
    episode.rejects = account.rejects
    episode.inventory_mean_abs = s.sum_abs_q / s.step
    episode.inventory_max_abs = s.max_abs_q
    episode.inventory_end = account.position
    episode.drawdown = s.drawdown_2m / per_tick
    episode.spread_mean = s.sum_spread_px / (s.step * task.tick_px)
    episode.depth_mean = s.sum_depth_lots / (2 * s.step)
    episode.market_volume = b.volume - s.begin_volume
    episode.quoting_share = s.quoting_steps / s.step
    write_fidelity(m, episode)
