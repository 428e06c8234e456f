"""What an episode earns: the exchange's truth about a learner, in exact integers until the end.

Wealth is cash plus position at the mid, in half money units (the mid may be half a price unit).
Reward of a step: change of wealth, less ``phi q^2 dt`` with the position q at the start of the
step, less the liquidation at the end of a finite horizon; all over the half-spread.
"""

from __future__ import annotations

from hftgym.core.calls import own_state
from hftgym.core.jit import leaf
from hftgym.envs.fidelity import begin_fidelity, write_fidelity
from hftgym.envs.seeds import inventory_of
from hftgym.envs.task import Outcome

_RUNNING = int(Outcome.RUNNING)
_TERMINATED = int(Outcome.TERMINATED)
_TRUNCATED = int(Outcome.TRUNCATED)


@leaf
def wealth_2m(m, task):
    """Return twice the wealth of the learner, marked at the mid, in money units."""
    account = m.part[task.learner].account
    return 2 * account.cash + account.position * m.books[0].mid_2px * task.unit_value


@leaf
def take_over_inventory(m, s, task):
    """Give the learner its initial inventory at the mid, out of the counterparty's account."""
    if task.uniform == 0:
        return
    q = inventory_of(s.market_seed, task.uniform)
    value = q * m.books[0].mid_2px * task.unit_value // 2
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
    """Reset what is counted in an episode."""
    wealth = wealth_2m(m, task)
    s.step = 0
    s.ended = 0
    s.begin_2m = wealth
    s.wealth_2m = wealth
    s.peak_2m = wealth
    s.drawdown_2m = 0
    s.liquidation_2m = 0
    s.begin_volume = m.books[0].volume
    s.sum_q2 = 0
    s.sum_abs_q = 0
    s.max_abs_q = abs(m.part[task.learner].account.position)
    s.sum_spread_px = 0
    s.sum_depth_lots = 0
    s.quoting_steps = 0
    s.reward = 0.0
    begin_fidelity(m)


@leaf
def _liquidation_2m(m, task, q):
    """Return twice the money that it costs to sell or buy back q at half a spread plus the fee."""
    b = m.books[0]
    if b.touch_bid_lots > 0 and b.touch_ask_lots > 0:
        spread_px = b.touch_ask_px - b.touch_bid_px
    else:
        spread_px = int(2.0 * task.half_spread_tick * task.tick_px)
    return abs(q) * (spread_px * task.unit_value + 2 * task.taker_fee)


@leaf
def settle_step(m, s, task, io, q_before):
    """Account one step that is over: reward and its terms, sums, and the end of the episode."""
    account = m.part[task.learner].account
    b = m.books[0]
    wealth = wealth_2m(m, task)
    q = account.position
    io.pnl = (wealth - s.wealth_2m) / task.money2_per_tick
    io.inventory_penalty = -task.phi_step * (q_before * q_before)
    io.liquidation = 0.0
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
    outcome = _RUNNING
    if s.step >= task.steps:
        s.ended = 1
        outcome = _TRUNCATED
        if task.finite != 0:
            outcome = _TERMINATED
            s.liquidation_2m = _liquidation_2m(m, task, q)
            io.liquidation = -(s.liquidation_2m / task.money2_per_tick)
    io.reward = (io.pnl + io.inventory_penalty + io.liquidation) / task.half_spread_tick
    s.reward += io.reward
    io.outcome = outcome
    return outcome


@leaf
def write_episode(m, s, task, episode):
    """Write the figures of an episode that is over."""
    account = m.part[task.learner].account
    b = m.books[0]
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
    episode.objective = episode.wealth - episode.inventory_penalty - episode.liquidation
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
